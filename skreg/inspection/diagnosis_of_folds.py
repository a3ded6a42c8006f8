"""Diagnosis on folds: train the network again, together with four variants of it.

The variants are trained for more epochs, with more units (and more epochs), with a
smaller learning rate, and on half of the rows. The evidence is how their losses differ,
with intervals over the folds; differences within noise do not count.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier
from sklearn.metrics import log_loss
from sklearn.utils import _safe_indexing, indexable

from ..fitting import hidden_layers
from .diagnosis import (
    DIVERGING,
    GAIN,
    GAP,
    GOOD_FIT,
    NOT_CONVERGED,
    OVERFITTING,
    RISE,
    UNCLEAR,
    UNDERFITTING,
    Estimate,
    diagnosis,
    final_level,
    larger_layers,
    smaller_rate,
)
from .folds import map_over_splits, paired_interval, splits_of

# Factor on the epochs, large enough to tell a small network from a short training.
LONGER = 4


@dataclass(frozen=True)
class _Fold:
    """Relative losses, errors and history of one variant on one fold."""

    training: float
    validation: float
    training_error: float
    validation_error: float
    history: dict


def diagnose_folds(estimator, X, y, groups, cv, reference_error, random_state):
    """Diagnose a network by training it and its variants on folds."""
    X, y = indexable(X, _targets(estimator, y))
    splits = splits_of(estimator, X, y, cv, seed=random_state, groups=groups)
    plain = clone(estimator).set_params(
        **estimator._chosen_parameters(),  # pilots of its variants would choose others
        **{"callbacks": None, "checkpoint": None, "warm_start": False, "verbose": 0},
    )
    own, longer, larger, slower, fewer = map_over_splits(
        partial(_fold, plain, X, y), _variants(estimator), splits
    )
    n = len(splits)
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
        "gain by more epochs": gain(own, longer),
        "gain by more units": gain(longer, larger),
        "gain by twice the rows": gain(fewer, own),
        "training gain by a smaller rate": gain(own, slower, "training"),
    }
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


def _variants(estimator):
    """Pairs (parameters, share of rows): own, longer, larger, slower, fewer."""
    sizes = larger_layers(hidden_layers(estimator.hidden_layer_sizes))
    return [
        ({}, 1.0),
        ({"epochs": LONGER * estimator.epochs}, 1.0),
        ({"epochs": 2 * estimator.epochs, "hidden_layer_sizes": sizes}, 1.0),
        ({"learning_rate": smaller_rate(estimator)}, 1.0),
        ({}, 0.5),
    ]


def _fold(estimator, X, y, variant, split):
    """Train a variant on one split; return its `_Fold`, or the error of its fit."""
    (parameters, share), (train, test) = variant, split
    test = _of_known_classes(estimator, y, train, test)
    if share < 1:
        rng = np.random.default_rng(0)
        train = rng.permutation(train)[: max(2, int(share * len(train)))]
    training = _safe_indexing(X, train), _safe_indexing(y, train)
    validation = _safe_indexing(X, test), _safe_indexing(y, test)
    network = clone(estimator).set_params(**parameters)
    try:
        if not len(test):
            raise ValueError(
                "The 'cv' parameter must give splits that train on classes of the "
                "validation rows. Got a split that does not: shuffle the rows, as an "
                "integer cv does, or choose another splitter."
            )
        network.fit(*training, X_val=validation[0], y_val=validation[1])
        losses = [
            _relative_loss(network, *p, training[1]) for p in (training, validation)
        ]
    except ValueError as error:
        return error
    errors = [_error(network, *part) for part in (training, validation)]
    return _Fold(*losses, *errors, network.history_)


def _of_known_classes(estimator, y, train, test):
    """The validation rows that have a class of the training rows."""
    if not is_classifier(estimator) or np.ndim(y) == 2:
        return test
    labels = [np.asarray(_safe_indexing(y, rows)) for rows in (test, train)]
    return test[np.isin(*labels)]


def _relative_loss(network, X, y, y_train):
    """Loss divided by the loss of the best constant prediction for `y_train`.

    The loss is the squared error for numbers and cross-entropy for classes; for several
    labels, or without `predict_proba`, it is the share of wrong rows.
    """
    y, y_train = np.asarray(y), np.asarray(y_train)
    if not is_classifier(network):
        error = np.mean((network.predict(X) - y) ** 2)
        usual = np.mean((y - y_train.mean(axis=0)) ** 2)
        if usual <= (1e-12 * np.abs(y).max()) ** 2:  # 0 up to rounding
            raise ValueError(
                "y must have different numbers in each split, because losses are "
                f"measured by their spread. Got {len(y)} rows with one number alone."
            )
        return float(error / usual)
    if y.ndim == 2 or not hasattr(network, "predict_proba"):
        rows, counts = np.unique(y_train, axis=0, return_counts=True)
        misses = y != rows[counts.argmax()]
        share = np.mean(misses.reshape(len(y), -1).any(axis=1))
        return _error(network, X, y) / max(share, 1 / len(y))
    shares = np.mean(y_train[:, None] == network.classes_, axis=0)
    constant = np.tile(shares, (len(y), 1))
    labels = network.classes_
    return float(
        log_loss(y, network.predict_proba(X), labels=labels)
        / log_loss(y, constant, labels=labels)
    )


def _error(network, X, y):
    """Share of wrong rows, or root mean squared error."""
    if is_classifier(network):
        return float(1 - network.score(X, y))
    return float(np.sqrt(np.mean((network.predict(X) - np.asarray(y)) ** 2)))


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
    }
    return [
        short for short, (name, limit) in limits.items() if evidence[name].mean > limit
    ]


def _judge_folds(evidence):
    """Return verdict and reason of the first rule that holds."""
    gap, rise = evidence["gap"], evidence["rise since the best epoch"]
    epochs, units = evidence["gain by more epochs"], evidence["gain by more units"]
    training, validation = evidence["training loss"], evidence["validation loss"]
    rate = evidence["training gain by a smaller rate"]
    is_bad, doubtful = training.mean > 1.2, _doubtful(evidence)
    more_units = f"more units lower the validation loss by {units}"
    more_epochs = f"{LONGER} times the epochs lower the validation loss by {epochs}"
    smaller_steps = f"a smaller learning rate lowers the training loss by {rate}"
    rules = [
        # If training rows are predicted worse than by guessing, what would help most?
        (is_bad and epochs.mean > max(rate.mean, 0), NOT_CONVERGED, more_epochs),
        (is_bad and rate.mean > 0, DIVERGING, smaller_steps),
        (rate.is_above(RISE) and rate.mean >= epochs.mean, DIVERGING, smaller_steps),
        (
            epochs.is_above(GAIN) and epochs.mean >= units.mean,
            NOT_CONVERGED,
            more_epochs,
        ),
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
            validation.high >= 1,
            UNCLEAR,
            "validation rows are predicted no better than by guessing, and neither "
            "more epochs nor more units help: the features may not predict y",
        ),
    ]
    for holds, verdict, reason in rules:
        if holds:
            return verdict, reason
    return GOOD_FIT, (
        f"the gap is {gap}, and neither more epochs nor more units gain {GAIN}"
    )
