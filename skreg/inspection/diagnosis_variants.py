"""The variants that `diagnose` trains on folds, and their losses.

The network is trained as it is, for more epochs, with more units (and more epochs),
with a smaller learning rate, on half of the rows, and, if it has remedies, with a tenth
of their strength and without them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from sklearn.base import clone, is_classifier
from sklearn.metrics import log_loss
from sklearn.utils import _safe_indexing

from ..fitting import hidden_layers
from .diagnosis import (
    WEAKER,
    larger_layers,
    own_parameters,
    smaller_rate,
    weaker_remedies,
)

# Factor on the epochs, large enough to tell a small network from a short training.
LONGER = 4


@dataclass(frozen=True)
class Fold:
    """Relative losses, errors and history of one variant on one fold."""

    training: float
    validation: float
    training_error: float
    validation_error: float
    history: dict


def variants_of(estimator):
    """Pairs (parameters, share of rows) by name."""
    sizes = larger_layers(hidden_layers(estimator.hidden_layer_sizes))
    own = own_parameters(estimator)
    return {
        "own": ({}, 1.0),
        "longer": ({"epochs": LONGER * estimator.epochs}, 1.0),
        "larger": (
            {"epochs": 2 * estimator.epochs, "hidden_layer_sizes": sizes},
            1.0,
        ),
        "slower": ({"learning_rate": smaller_rate(estimator)}, 1.0),
        "fewer": ({}, 0.5),
    } | {
        name: (weaker, 1.0)
        for name, share in WEAKER.items()
        if (weaker := weaker_remedies(own, share))
    }


def trained(estimator, X, y, variant, split):
    """Train a variant on one split; return its `Fold`, or the error of its fit."""
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
    return Fold(*losses, *errors, network.history_)


def _of_known_classes(estimator, y, train, test):
    """The validation rows that have a class of the training rows."""
    if not is_classifier(estimator) or np.ndim(y) == 2:
        return test
    labels = [np.asarray(_safe_indexing(y, rows)) for rows in (test, train)]
    return test[np.isin(*labels)]


def _relative_loss(network, X, y, y_train):
    """Loss divided by the loss of the best constant prediction for `y_train`.

    For numbers it is the network's own loss, for classes cross-entropy; for several
    labels, or without `predict_proba`, it is the share of wrong rows.
    """
    y, y_train = np.asarray(y), np.asarray(y_train)
    if not is_classifier(network):
        y, y_train = y.astype(float), y_train.astype(float)
        error = _losses_of_numbers(network, y, network.predict(X)).mean()
        constant = _best_constant(network, y_train)
        usual = _losses_of_numbers(network, y, constant).mean()
        spread = np.mean((y - y_train.mean(axis=0)) ** 2)
        if not usual or spread <= (1e-12 * np.abs(y).max()) ** 2:  # 0 up to rounding
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


def _losses_of_numbers(network, y, predicted):
    """The loss of each row, by the network's `loss`; "huber" counts as absolute."""
    error = y - predicted
    if network.loss == "poisson":
        predicted = np.maximum(predicted, np.finfo(float).tiny)
        return 2 * (xlogy(y, y) - xlogy(y, predicted) - error)
    if network.loss == "quantile":
        return np.maximum(network.quantile * error, (network.quantile - 1) * error)
    if network.loss in ("absolute_error", "huber"):
        return np.abs(error)
    return error**2


def _best_constant(network, y):
    """The constant of the least loss for these rows."""
    if network.loss in ("squared_error", "poisson"):
        return y.mean(axis=0)
    level = network.quantile if network.loss == "quantile" else 0.5
    return np.quantile(y, level, axis=0)


def _error(network, X, y):
    """Share of wrong rows, or root mean squared error."""
    if is_classifier(network):
        return float(1 - network.score(X, y))
    return float(np.sqrt(np.mean((network.predict(X) - np.asarray(y)) ** 2)))
