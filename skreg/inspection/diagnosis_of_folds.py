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
    diagnosis,
    final_level,
    steps_are_too_large,
)
from .diagnosis_variants import LONGER, trained, variants_of
from .folds import map_over_splits, paired_interval, splits_of

BAD = 1.2  # a loss clearly above that of a constant, which is 1
_WORDS = dict(zip(WEAKER, ("with a tenth of them", "without them"), strict=True))


def diagnose_folds(estimator, X, y, groups, cv, reference_error, random_state):
    """Diagnose a network by training it and its variants on folds."""
    X, y = indexable(X, _targets(estimator, y))
    splits = splits_of(estimator, X, y, cv, seed=random_state, groups=groups)
    plain = clone(estimator).set_params(
        **estimator._chosen_parameters(),  # pilots of its variants would choose others
        **{"callbacks": None, "checkpoint": None, "warm_start": False, "verbose": 0},
    )
    variants = variants_of(estimator)
    train = partial(trained, plain, X, y)
    folds = map_over_splits(train, variants.values(), splits)
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
    } | {name: gain(own, folds[name]) for name in WEAKER if name in folds}
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

    It is 0 if the network ends with the weights of its best epoch.
    """
    if estimator.early_stopping and estimator.restore_best_weights:
        return [0.0] * len(folds)
    length = min(len(fold.history["val_loss"]) for fold in folds)
    curves = np.array([fold.history["val_loss"][:length] for fold in folds])
    best = curves.mean(axis=0).argmin()
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
        "more epochs": ("gain by more epochs", GAIN),
        "more units": ("gain by more units", GAIN),
        "weaker remedies": ("gain by a tenth of the remedies", GAIN),
        "no remedies": ("gain without remedies", GAIN),
    }
    return [
        short
        for short, (name, limit) in limits.items()
        if name in evidence and evidence[name].mean > limit
    ]


def _judge_folds(evidence):
    """Return verdict and reason of the first rule that holds."""
    rules = _of_training(evidence) + _of_fit(evidence)
    return next((verdict, reason) for holds, verdict, reason in rules if holds)


def _of_training(evidence):
    """Rules (holds, verdict, reason) on how the network is trained."""
    epochs, units = evidence["gain by more epochs"], evidence["gain by more units"]
    rate = evidence["training gain by a smaller rate"]
    training, validation = evidence["training loss"], evidence["validation loss"]
    rise = evidence["rise since the best epoch"]
    # A smaller rate also helps where nothing diverges: penalties have less time.
    is_bad = training.mean > BAD
    diverges = is_bad or validation.mean > BAD or rise.is_above(RISE)
    if evidence.get("gain by a smaller rate", rate).high < 0:
        diverges = False  # it overfits more with a smaller rate
    rivals = [epochs, units] + [rate] * diverges
    gains = [gain.mean for gain in rivals if gain.is_above(GAIN)]
    by_epochs = epochs.mean if epochs.is_above(GAIN) else 0
    weaker = {n: evidence[n] for n in WEAKER if n in evidence}
    weaker = {n: gain for n, gain in weaker.items() if gain.is_above(GAIN)}
    best = max(weaker, key=lambda name: weaker[name].mean, default=None)
    smaller_steps = f"a smaller learning rate lowers the training loss by {rate}"
    return [
        (
            best and weaker[best].mean >= max(gains, default=0),
            OVER_REGULARIZED,
            "the remedies are too strong: "
            f"{_WORDS.get(best)} the validation loss is lower by {weaker.get(best)}",
        ),
        (
            diverges and rate.is_above(RISE) and rate.mean >= by_epochs,
            DIVERGING,
            smaller_steps,
        ),
        # Losses that explode differ more between folds than any interval can hold.
        (
            is_bad and rate.mean > max(epochs.mean, RISE),
            DIVERGING,
            f"training rows are predicted worse than by guessing, and {smaller_steps}, "
            "though by different amounts on the folds",
        ),
        (
            steps_are_too_large(evidence) and rate.mean >= by_epochs,
            UNDERFITTING,
            smaller_steps,
        ),
        (
            epochs.is_above(GAIN) and (is_bad or epochs.mean >= units.mean),
            NOT_CONVERGED,
            f"{LONGER} times the epochs lower the validation loss by {epochs}",
        ),
    ]


def _of_fit(evidence):
    """Rules (holds, verdict, reason) on how training and validation losses compare."""
    gap, rise = evidence["gap"], evidence["rise since the best epoch"]
    units, doubtful = evidence["gain by more units"], _doubtful(evidence)
    more_units = f"more units lower the validation loss by {units}"
    tried = "neither more epochs nor more units"
    if any(name in evidence for name in WEAKER):
        tried = "neither more epochs, more units nor weaker remedies"
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
