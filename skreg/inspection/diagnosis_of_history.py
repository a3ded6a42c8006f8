"""Diagnosis from the history of one fit, without data."""

import numpy as np
from sklearn.base import is_classifier

from .diagnosis import (
    DIVERGING,
    GAIN,
    GAP,
    GOOD_FIT,
    NOT_CONVERGED,
    OVERFITTING,
    PENALTIES,
    RISE,
    UNCLEAR,
    diagnosis,
    final_level,
    own_parameters,
)

# Share of the first loss, without penalties; only below it can curves show a good fit.
LOW_LOSS = 0.25


def diagnose_history(estimator):
    """Diagnose a fitted network from its history."""
    history = estimator.history_
    training = np.asarray(history["loss"], float)
    curves = {"loss": training.tolist()}
    if not len(training):  # `from_keras` with a model loaded from a file
        reason = "the network has no history. Call diagnose with X and y"
        return diagnosis(estimator, UNCLEAR, reason)
    evidence = {"training loss": final_level(training)}
    if final_level(training) > 1.2 * training[0]:
        reason = "the training loss ends above its start"
        return diagnosis(estimator, DIVERGING, reason, evidence, curves)
    validation = np.asarray(history.get("val_loss", ()), float)
    if len(validation) != len(training) or not np.isfinite(validation).all():
        reason = (
            "there are no validation losses in the history. Fit with "
            "early_stopping=True or X_val and y_val, or call diagnose with X and y"
        )
        return diagnosis(estimator, UNCLEAR, reason, evidence, curves)
    curves["val_loss"] = validation.tolist()
    if estimator.early_stopping and estimator.restore_best_weights:
        kept = estimator.best_epoch_  # the network has the weights of this epoch
        training, validation = training[:kept], validation[:kept]
    start = max(validation[0], training[0])
    gap = (final_level(validation) - final_level(training)) / start
    rise = (final_level(validation) - validation.min()) / start
    late = (_middle(validation) - final_level(validation)) / start
    noise = 2 * _noise(validation) / start
    evidence = {
        "training loss": final_level(training),
        "validation loss": final_level(validation),
        "gap, of the first loss": gap,
        "rise since the best epoch, of the first loss": rise,
        "noise of the validation curve, of the first loss": noise,
    }
    if any(np.any(own_parameters(estimator)[name]) for name in PENALTIES):
        # The first loss holds a penalty, which falls even if nothing is learnt.
        start = min(start, _loss_of_guessing(estimator))
    left = final_level(validation) / start
    verdict, reason = _judge_curves(gap, rise, late, noise, left)
    return diagnosis(estimator, verdict, reason, evidence, curves)


def _loss_of_guessing(estimator):
    """About the loss of a constant prediction, infinite where it is not known."""
    if is_classifier(estimator):
        return max(1.0, np.log(len(estimator.classes_)))
    return 1.0 if estimator.normalize else np.inf


def _judge_curves(gap, rise, late, noise, left):
    if late > max(GAIN, noise) and rise <= max(GAIN, noise):
        return NOT_CONVERGED, f"the validation loss still falls, lately by {late:.0%}"
    if rise > max(RISE, noise):
        return (
            OVERFITTING,
            f"the validation loss has risen by {rise:.0%} since its best epoch",
        )
    if gap > max(2 * GAP, noise):
        return OVERFITTING, f"the validation loss is {gap:.0%} above the training loss"
    if gap > max(GAP, noise):
        return UNCLEAR, (
            f"the gap of {gap:.0%} may be chance, with so few validation rows. Call "
            "diagnose with X and y"
        )
    if left < LOW_LOSS:
        return GOOD_FIT, f"both losses are low, {left:.0%} of the start's, and agree"
    return UNCLEAR, (
        "the curves agree: the network fits well, it is too small, or its remedies are "
        "too strong. Call diagnose with X and y, which tries others"
    )


def _middle(curve):
    """The mean of as many values as in `final_level`, up to 3/4 of the curve."""
    end = max(1, 3 * len(curve) // 4)
    return float(np.mean(curve[max(0, end - max(1, len(curve) // 20)) : end]))


def _noise(curve):
    """Standard deviation of the values about a smooth curve, from second differences.

    Only the second half of the curve counts. 6 is the sum of squares of (1, -2, 1), the
    coefficients of a second difference.
    """
    second = np.diff(curve[len(curve) // 2 :], 2)
    return float(np.sqrt(np.mean(second**2) / 6)) if len(second) else np.inf
