"""Diagnosis on folds: how the losses of a network and of its variants differ.

The evidence has intervals over the folds; differences within noise do not count.
"""

from functools import partial

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier
from sklearn.utils import indexable

from .diagnosis import (
    DIVERGING,
    FASTER,
    GAIN,
    GAP,
    GOOD_FIT,
    NOT_CONVERGED,
    OVER_REGULARIZED,
    OVERFITTING,
    RISE,
    UNCLEAR,
    UNDERFITTING,
    WEAKER,
    Estimate,
    clear_gains,
    diagnosis,
    final_level,
    steps_are_too_large,
)
from .diagnosis_variants import LONGER, trained, variants_of
from .folds import map_over_splits, paired_interval, splits_of

BAD = 1.2  # a loss clearly above that of a constant, which is 1
_WEAKER = dict(zip(WEAKER, ("with a tenth of them", "without them"), strict=True))
_FASTER = {
    "gain by more epochs": f"{LONGER} times the epochs lower",
    "gain by the default rate": "skreg's default learning rate, a larger one, lowers",
}


def diagnose_folds(estimator, X, y, groups, cv, reference_error, random_state):
    """Diagnose a network by training it and its variants on folds."""
    X, y = indexable(X, _targets(estimator, y))
    splits = splits_of(estimator, X, y, cv, seed=random_state, groups=groups)
    plain = clone(estimator).set_params(
        **estimator._chosen_parameters(),  # pilots of its variants would choose others
        **{"callbacks": None, "checkpoint": None, "warm_start": False, "verbose": 0},
    )
    variants = variants_of(estimator)
    folds = map_over_splits(partial(trained, plain, X, y), variants.values(), splits)
    folds = dict(zip(variants, folds, strict=True))
    own, n = folds["own"], len(splits)
    failed = [fold for fold in own if isinstance(fold, Exception)]
    if failed:
        if "diverged" not in str(failed[0]):
            raise failed[0]
        reason = f"training failed on {len(failed)} of {n} folds. {failed[0]}"
        return diagnosis(estimator, DIVERGING, reason)

    def estimate(values):
        return Estimate(float(np.mean(values)), *paired_interval(values, splits))

    def gain(before, after, rows="validation"):
        if any(isinstance(fold, Exception) for fold in [*before, *after]):
            return Estimate(0.0, -np.inf, np.inf)
        pairs = zip(before, after, strict=True)
        return estimate([getattr(b, rows) - getattr(a, rows) for b, a in pairs])

    evidence = {
        "training loss": estimate([f.training for f in own]),
        "validation loss": estimate([f.validation for f in own]),
        "gap": estimate([f.validation - f.training for f in own]),
        "rise since the best epoch": estimate(_rises(estimator, own)),
        "gain by more epochs": gain(own, folds["longer"]),
        "gain by more units": gain(folds["longer"], folds["larger"]),
        "gain by twice the rows": gain(folds["fewer"], own),
        "gain by a smaller rate": gain(own, folds["slower"]),
        "training gain by a smaller rate": gain(own, folds["slower"], "training"),
    } | {name: gain(own, folds[name]) for name in folds if name.startswith("gain")}
    verdict, reason = _judge_folds(evidence)
    if reference_error is not None:
        error = estimate([f.training_error for f in own])
        evidence |= {
            "training error": error,
            "avoidable bias": estimate(
                [f.training_error - reference_error for f in own]
            ),
            "variance": estimate([f.validation_error - f.training_error for f in own]),
        }
    return diagnosis(estimator, verdict, reason, evidence, _mean_curves(own))


def _targets(estimator, y):
    """The targets as the losses take them: dense, and labels in no single column."""
    y = y.toarray() if issparse(y) else y
    is_column = np.ndim(y) == 2 and np.shape(y)[1] == 1
    return np.ravel(y) if is_column and is_classifier(estimator) else y


def _rises(estimator, folds):
    """Relative rise of each fold's validation loss since the best epoch of their mean.

    Losses count from that of perfect predictions. The rise is 0 if the network ends
    with the weights of its best epoch.
    """
    if estimator.early_stopping and estimator.restore_best_weights:
        return [0.0] * len(folds)
    length = min(len(fold.history["val_loss"]) for fold in folds)
    curves = [np.array(f.history["val_loss"][:length]) - f.least_loss for f in folds]
    best = np.mean(curves, axis=0).argmin()
    return [(final_level(c) - c[best]) / max(c[0], c[best]) for c in curves]


def _mean_curves(folds):
    length = min(len(fold.history["loss"]) for fold in folds)
    return {
        name: np.mean([f.history[name][:length] for f in folds], axis=0).tolist()
        for name in ("loss", "val_loss")
    }


def _doubtful(evidence):
    """What would decide the verdict if the intervals were narrow."""
    limits = {
        "gap": ("gap", GAP),
        "rise": ("rise since the best epoch", RISE),
        "smaller rate": ("gain by a smaller rate", GAIN),
        "default rate": ("gain by the default rate", GAIN),
        "more epochs": ("gain by more epochs", GAIN),
        "more units": ("gain by more units", GAIN),
        "weaker remedies": ("gain by a tenth of the remedies", GAIN),
        "no remedies": ("gain without remedies", GAIN),
    }
    return [
        short
        for short, (name, limit) in limits.items()
        if name in evidence
        and evidence[name].mean > limit
        and not evidence[name].is_above(limit)
    ]


def _judge_folds(evidence):
    """Return verdict and reason of the first rule that holds."""
    rules = _of_training(evidence) + _of_fit(evidence)
    return next((verdict, reason) for holds, verdict, reason in rules if holds)


def _of_training(evidence):
    """Rules (holds, verdict, reason) on how the network is trained."""
    epochs, units = evidence["gain by more epochs"], evidence["gain by more units"]
    rate = evidence["training gain by a smaller rate"]
    slower = evidence.get("gain by a smaller rate", rate)
    training, validation = evidence["training loss"], evidence["validation loss"]
    # A smaller rate also helps where nothing diverges: penalties have less time.
    is_bad = training.mean > BAD
    is_wild = is_bad or validation.mean > BAD
    is_wild = is_wild or evidence["rise since the best epoch"].is_above(RISE)
    # If its high end is below 0, it overfits more with a smaller rate.
    diverges = is_wild and slower.high >= 0 and rate.is_above(RISE)
    steps_hurt = steps_are_too_large(evidence)
    by_epochs = epochs.mean if epochs.is_above(GAIN) else 0
    faster = next(iter(clear_gains(evidence, FASTER)), None)
    smaller_steps = f"a smaller learning rate lowers the training loss by {rate}"
    return [
        _of_remedies(evidence, [slower.mean] * (diverges or steps_hurt)),
        (diverges and rate.mean >= by_epochs, DIVERGING, smaller_steps),
        # Losses that explode differ more between folds than any interval can hold.
        (
            is_bad and rate.mean > max(epochs.mean, RISE),
            DIVERGING,
            f"training rows are predicted worse than by guessing, and {smaller_steps}, "
            "though by different amounts on the folds",
        ),
        (steps_hurt and rate.mean >= by_epochs, UNDERFITTING, smaller_steps),
        (
            faster and (is_bad or evidence[faster].mean >= units.mean),
            NOT_CONVERGED,
            f"{_FASTER.get(faster)} the validation loss by {evidence.get(faster)}",
        ),
    ]


def _of_remedies(evidence, rivals):
    """The rule on remedies: they are at fault if nothing helps more than weaker ones.

    `rivals` are gains besides those by more epochs, units and the default rate.
    """
    others = clear_gains(evidence, (*FASTER, "gain by more units"))
    most = max([*rivals, *(evidence[name].mean for name in others)], default=0)
    weaker = next(iter(clear_gains(evidence, WEAKER)), None)
    return (
        weaker and evidence[weaker].mean >= most,
        OVER_REGULARIZED,
        "the remedies are too strong: "
        f"{_WEAKER.get(weaker)} the validation loss is lower by {evidence.get(weaker)}",
    )


def _of_fit(evidence):
    """Rules (holds, verdict, reason) on how training and validation losses compare."""
    gap, rise = evidence["gap"], evidence["rise since the best epoch"]
    units, doubtful = evidence["gain by more units"], _doubtful(evidence)
    more_units = f"more units lower the validation loss by {units}"
    slower, tried = "gain by a smaller rate", ["more epochs", "more units"]
    tried += ["the default learning rate"] * ("gain by the default rate" in evidence)
    tried += ["weaker remedies"] * any(name in evidence for name in WEAKER)
    tried = f"neither {', '.join(tried[:-1])} nor {tried[-1]}"
    return [
        (units.is_above(GAIN) and gap.mean <= GAP, UNDERFITTING, more_units),
        (
            gap.is_above(GAP),
            OVERFITTING,
            f"the validation loss is above the training loss by {gap}",
        ),
        (
            rise.is_above(RISE),
            OVERFITTING,
            f"the validation loss has risen since its best epoch by {rise}",
        ),
        (units.is_above(GAIN), UNDERFITTING, more_units),
        (
            clear_gains(evidence, [slower]),
            UNCLEAR,
            f"a smaller rate lowers the validation loss by {evidence.get(slower)}",
        ),
        (
            doubtful,
            UNCLEAR,
            f"within the folds' noise: {', '.join(doubtful)}. More folds or repeated "
            "ones (cv) may tell",
        ),
        (
            evidence["validation loss"].high > 1 - GAIN,
            UNCLEAR,
            f"validation rows are predicted hardly better than by guessing, and {tried}"
            " help: the features may not predict y",
        ),
        (True, GOOD_FIT, f"the gap is {gap}, and {tried} gain {GAIN}"),
    ]
