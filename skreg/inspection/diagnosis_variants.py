"""The variants that `diagnose` trains on folds, and their losses.

The network is trained as it is, for more epochs, with more units (and more epochs),
with a smaller learning rate, on half of the rows; with the optimizer's default learning
rate, if its own is smaller; and, if it has remedies, with a tenth of their strength and
without them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from sklearn.base import clone, is_classifier
from sklearn.metrics import log_loss
from sklearn.utils import _safe_indexing

from ..fitting import Sample, hidden_layers
from .diagnosis import (
    WEAKER,
    default_rate,
    larger_layers,
    own_parameters,
    own_rate,
    smaller_rate,
    weaker_remedies,
)

# Factor on the epochs, large enough to tell a small network from a short training.
LONGER = 4


@dataclass(frozen=True)
class Fold:
    """Relative losses, errors and history of one variant on one fold.

    `least_loss` is what perfect predictions of the validation rows cost in the history.
    """

    training: float
    validation: float
    training_error: float
    validation_error: float
    history: dict
    least_loss: float


def variants_of(estimator):
    """Pairs (parameters, share of rows) by name.

    Those that not every network has are named by the evidence that they give.
    """
    sizes = larger_layers(hidden_layers(estimator.hidden_layer_sizes))
    own, rate = own_parameters(estimator), default_rate(estimator)
    variants = {
        "own": ({}, 1.0),
        "longer": ({"epochs": LONGER * estimator.epochs}, 1.0),
        "larger": (
            {"epochs": 2 * estimator.epochs, "hidden_layer_sizes": sizes},
            1.0,
        ),
        "slower": ({"learning_rate": smaller_rate(estimator)}, 1.0),
        "fewer": ({}, 0.5),
    }
    if own_rate(estimator) < rate:
        variants["gain by the default rate"] = {"learning_rate": rate}, 1.0
    return variants | {
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
    least_loss = _least_loss(network, validation[1])
    return Fold(*losses, *errors, network.history_, least_loss)


def _of_known_classes(estimator, y, train, test):
    """The validation rows that have a class of the training rows."""
    if not is_classifier(estimator) or np.ndim(y) == 2:
        return test
    labels = [np.asarray(_safe_indexing(y, rows)) for rows in (test, train)]
    return test[np.isin(*labels)]


def _least_loss(network, y):
    """The mean loss of perfect predictions: 0, but for "poisson"."""
    if network.loss != "poisson":
        return 0.0
    y = network._coder().encode(np.asarray(y, float))
    return float(np.mean(y - xlogy(y, y)))


def _relative_loss(network, X, y, y_train):
    """Loss divided by the loss of the best constant prediction for `y_train`.

    For numbers it is the network's own loss, for classes cross-entropy; for several
    labels, or without `predict_proba`, it is the share of wrong rows. Classes have the
    weights of `class_weight`.
    """
    y, y_train = np.asarray(y), np.asarray(y_train)
    if not is_classifier(network):
        return _relative_loss_of_numbers(
            network, X, y.astype(float), y_train.astype(float)
        )
    weight, weight_train = (_class_weights(network, part) for part in (y, y_train))
    axis = 0 if y.ndim == 2 else None
    rows, codes = np.unique(y_train, axis=axis, return_inverse=True)
    totals = np.bincount(codes.ravel(), weights=weight_train)
    is_one = np.count_nonzero(totals) < 2
    if network.class_weight is not None and (is_one or not weight.any()):
        raise ValueError(
            "The 'class_weight' parameter must be above 0 for two classes or more, "
            "because losses are measured by that of guessing among them. Got "
            f"{network.class_weight!r}: leave such rows out, or give them a weight."
        )
    if y.ndim == 2 or not hasattr(network, "predict_proba"):
        misses = (y != rows[totals.argmax()]).reshape(len(y), -1).any(axis=1)
        share = np.average(misses, weights=weight)
        error = 1 - network.score(X, y, sample_weight=weight)
        return float(error / max(share, 1 / len(y)))
    labels = network.classes_
    shares = np.average(y_train[:, None] == labels, axis=0, weights=weight_train)
    losses = [
        log_loss(y, predicted, labels=labels, sample_weight=weight)
        for predicted in (network.predict_proba(X), np.tile(shares, (len(y), 1)))
    ]
    return float(losses[0] / losses[1])


def _class_weights(network, y):
    """The weight of each row by the network's `class_weight`."""
    ones = np.ones(len(y))
    return ones * network._class_weights(Sample(None, y, ones))


def _relative_loss_of_numbers(network, X, y, y_train):
    """The same for numbers, each target in the units that the network learns it in."""
    spread = np.abs(y - y_train.mean(axis=0)).max(axis=0)
    encode = network._coder().encode
    constant = _best_constant(network, encode(y_train))
    error, usual = (
        _losses_of_numbers(network, encode(y), predicted).mean()
        for predicted in (encode(network.predict(X)), constant)
    )
    # A spread is 0 up to rounding.
    if not usual or np.all(spread <= 1e-12 * np.abs(y).max(axis=0)):
        raise ValueError(
            "y must have different numbers in each split, because losses are "
            f"measured by their spread. Got {len(y)} rows with one number alone."
        )
    return float(error / usual)


def _losses_of_numbers(network, y, predicted):
    """The losses of encoded targets, by the network's `loss`; of "huber" absolute."""
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
