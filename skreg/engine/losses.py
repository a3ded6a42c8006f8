"""Loss functions of the network's raw outputs ("logits" for classes).

A loss maps targets and raw outputs of shape (lanes, rows, outputs) to one value per
row, shape (lanes, rows). It equals the Keras loss named in its row of `LOSSES`, applied
after the output activation named there. It is computed from the raw outputs because
that is numerically stable.

To add a loss, add one function and its row in `LOSSES`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from . import ops


@dataclass(frozen=True)
class Loss:
    """A loss function and its output activation: a row of `LOSSES`.

    ``function(target, raw, n)``; ``n`` maps the names of the lane's numbers to arrays
    of shape (lanes, 1, 1).
    """

    function: Callable
    activation: str  # Keras's name of the output activation
    keras_name: str | None  # class in keras.losses; None where Keras has none
    # Maps arguments of the Keras loss to the names of the lane's numbers.
    numbers: dict
    # Multiplying targets and outputs by s multiplies the loss by s**degree.
    degree: int = 0
    # For classes: targets are class codes, which the program one-hot encodes.
    one_hot: bool = False


def one_hot(codes, n_classes):
    """One-hot encode codes of shape (lanes, rows, 1) to (lanes, rows, n_classes)."""
    return ops.one_hot(ops.cast(codes[..., 0], "int32"), n_classes, dtype=codes.dtype)


def smooth_labels(target, n, classes):
    """Move targets towards the uniform distribution (Szegedy et al. 2016)."""
    return target * (1 - n["label_smoothing"]) + n["label_smoothing"] / classes


def _sigmoid_cross_entropy(target, raw):
    # Its gradient is sigmoid(raw) - target everywhere, even where raw is exactly 0.
    return ops.softplus(raw) - raw * target


def _binary_log_loss(target, raw, n):
    target = smooth_labels(target, n, 2)
    return ops.mean(_sigmoid_cross_entropy(target, raw), axis=-1)


def _categorical_log_loss(target, raw, n):
    target = smooth_labels(target, n, raw.shape[-1])
    return -ops.sum(target * ops.log_softmax(raw), axis=-1)


# Focal loss (Lin et al. 2017) multiplies by (1 - p)**gamma. As in Keras, p is kept
# below 1 by epsilon, since for gamma below 1 the power's gradient is infinite at 0.
_EPSILON = 1e-7


def _binary_focal(target, raw, n):
    target = smooth_labels(target, n, 2)
    p = ops.sigmoid(raw)
    missing = ops.maximum(1 - (target * p + (1 - target) * (1 - p)), _EPSILON)
    focus = ops.power(missing, n["focal_gamma"])
    return ops.mean(focus * _sigmoid_cross_entropy(target, raw), axis=-1)


def _categorical_focal(target, raw, n):
    target = smooth_labels(target, n, raw.shape[-1])
    log_p = ops.log_softmax(raw)
    focus = ops.power(ops.maximum(1 - ops.exp(log_p), _EPSILON), n["focal_gamma"])
    return -ops.sum(focus * target * log_p, axis=-1)


def _binary_hinge(target, raw, n):
    return ops.mean(ops.maximum(1 - (2 * target - 1) * raw, 0.0), axis=-1)


def _categorical_hinge(target, raw, n):
    own = ops.sum(target * raw, axis=-1)
    other = ops.max((1 - target) * raw, axis=-1)
    return ops.maximum(other - own + 1, 0.0)


def _squared_error(target, raw, n):
    return ops.mean(ops.square(raw - target), axis=-1)


def _absolute_error(target, raw, n):
    return ops.mean(ops.abs(raw - target), axis=-1)


def _huber(target, raw, n):
    error, delta = ops.abs(raw - target), n["huber_delta"]
    inner = 0.5 * ops.square(error)
    return ops.mean(
        ops.where(error <= delta, inner, delta * error - 0.5 * ops.square(delta)),
        axis=-1,
    )


def _quantile(target, raw, n):
    error, quantile = target - raw, n["quantile"]
    return ops.mean(ops.maximum(quantile * error, (quantile - 1) * error), axis=-1)


def _poisson(target, raw, n):
    return ops.mean(ops.exp(raw) - target * raw, axis=-1)


# All of Keras's losses for classes support label smoothing, except the hinge losses.
_SMOOTHING = {"label_smoothing": "label_smoothing"}
_FOCAL = _SMOOTHING | {"gamma": "focal_gamma"}

LOSSES = {
    "binary_log_loss": Loss(
        _binary_log_loss, "sigmoid", "BinaryCrossentropy", _SMOOTHING
    ),
    "categorical_log_loss": Loss(
        _categorical_log_loss,
        "softmax",
        "CategoricalCrossentropy",
        _SMOOTHING,
        one_hot=True,
    ),
    "binary_focal": Loss(_binary_focal, "sigmoid", "BinaryFocalCrossentropy", _FOCAL),
    "categorical_focal": Loss(
        _categorical_focal,
        "softmax",
        "CategoricalFocalCrossentropy",
        _FOCAL,
        one_hot=True,
    ),
    "binary_hinge": Loss(_binary_hinge, "linear", "Hinge", {}),
    "categorical_hinge": Loss(
        _categorical_hinge, "linear", "CategoricalHinge", {}, one_hot=True
    ),
    "squared_error": Loss(_squared_error, "linear", "MeanSquaredError", {}, degree=2),
    "absolute_error": Loss(
        _absolute_error, "linear", "MeanAbsoluteError", {}, degree=1
    ),
    "huber": Loss(_huber, "linear", "Huber", {"delta": "huber_delta"}, degree=2),
    "quantile": Loss(_quantile, "linear", None, {"quantile": "quantile"}, degree=1),
    "poisson": Loss(_poisson, "exponential", "Poisson", {}, degree=1),
}


def output_activation(structure):
    """Keras's name of the output activation."""
    return LOSSES[structure.loss].activation
