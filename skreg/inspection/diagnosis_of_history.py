"""Diagnosis from the history of one fit, without data.

It never calls a fit good: what a constant prediction would cost is not known without
the targets, and a network that has learnt nothing has curves that agree as well.
"""

import numpy as np

from .diagnosis import (
    DIVERGING,
    GAIN,
    GAP,
    NOT_CONVERGED,
    OVERFITTING,
    RISE,
    UNCLEAR,
    diagnosis,
    final_level,
)


def diagnose_history(estimator):
    """Diagnose a fitted network from its history."""
    history = estimator.history_
    training = np.asarray(history["loss"], float)
    curves = {"loss": training.tolist()}
    if not len(training):  # `from_keras` with a model loaded from a file
        reason = "the network has no history. Call diagnose with X and y"
        return diagnosis(estimator, UNCLEAR, reason)
    evidence = {"training loss": final_level(training)}
    if estimator.loss == "poisson":
        curves |= {n: list(v) for n, v in history.items() if n == "val_loss"}
        reason = (
            "with loss='poisson' curves have no scale, because the loss of perfect "
            "predictions is not 0. Call diagnose with X and y"
        )
        return diagnosis(estimator, UNCLEAR, reason, evidence, curves)
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
    verdict, reason = _judge_curves(gap, rise, late, noise)
    return diagnosis(estimator, verdict, reason, evidence, curves)


def _judge_curves(gap, rise, late, noise):
    """Return verdict and reason; the numbers are shares of the first loss."""
    if late > max(GAIN, noise) and rise <= max(GAIN, noise):
        return (
            NOT_CONVERGED,
            f"the validation loss still falls, lately by {late:.0%} of the first loss",
        )
    if rise > max(RISE, noise):
        return (
            OVERFITTING,
            "the validation loss has risen since its best epoch by "
            f"{rise:.0%} of the first loss",
        )
    if gap > max(2 * GAP, noise):
        return (
            OVERFITTING,
            "the validation loss is above the training loss by "
            f"{gap:.0%} of the first loss",
        )
    if gap > max(GAP, noise):
        return UNCLEAR, (
            f"the gap of {gap:.0%} of the first loss may be chance, with so few "
            "validation rows. Call diagnose with X and y"
        )
    return UNCLEAR, (
        "the curves show no fault, but those of a network that has learnt little or "
        "nothing may show none either. Call diagnose with X and y, which tries others"
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
