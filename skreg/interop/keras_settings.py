"""Translate the settings of one Keras layer into the estimators' parameters.

A setting that no parameter can express is refused, with the layer's name.
"""

import numpy as np

from ..engine import NORMALIZATION_EPSILON, keras
from ..fitting import activation_name

CANNOT = "The Keras model cannot be converted:"


def refuse(layer, why):
    """Raise ValueError for a layer that no estimator can represent."""
    kind = type(layer).__name__
    raise ValueError(f"{CANNOT} its layer {layer.name!r} ({kind}) {why}.")


def rate(layer):
    """The rate of a Dropout layer; 0 for None."""
    if layer is None:
        return 0.0
    if layer.noise_shape is not None:
        refuse(layer, "has a noise_shape. The estimators have none")
    return layer.rate


def activation_of(layer):
    """The layer's activation, by name if it is Keras's, and its negative slope."""
    kind = type(layer).__name__
    if kind == "LeakyReLU":
        return "leaky_relu", layer.negative_slope
    if kind == "ReLU":
        settings = (layer.max_value, layer.negative_slope, layer.threshold)
        if settings[::2] == (None, 0) and layer.negative_slope:
            return "leaky_relu", layer.negative_slope
        names = {(None, 0, 0): "relu", (6, 0, 0): "relu6"}
        if settings not in names:
            refuse(layer, "is not relu, relu6 or leaky relu")
        return names[settings], None
    if kind == "ELU" and layer.alpha != 1:
        refuse(layer, f"has alpha={layer.alpha!r}. The estimators' elu has 1")
    if kind == "Softmax" and layer.axis not in (-1, 1):
        refuse(layer, f"acts along axis {layer.axis}. It must be the last one")
    if kind in ("ELU", "Softmax"):
        return kind.lower(), None
    return activation_name(layer.activation), 0.2  # default slope in Keras


def batchnorm_of(layer):
    """The parameter `batchnorm` for a normalisation layer; False for None."""
    if layer is None:
        return False
    is_batch = type(layer).__name__ == "BatchNormalization"
    wanted = {"epsilon": NORMALIZATION_EPSILON, "center": True, "scale": True}
    wanted |= {"renorm": False} if is_batch else {}
    wanted |= dict.fromkeys(("beta_regularizer", "gamma_regularizer"))
    wanted |= dict.fromkeys(("beta_constraint", "gamma_constraint"))
    for name, value in wanted.items():
        got = getattr(layer, name, value)  # not every version of Keras has renorm
        if got != value:
            refuse(layer, f"has {name}={got!r}. The estimators' is {value!r}")
    if np.atleast_1d(layer.axis).tolist() not in ([-1], [1]):
        refuse(layer, f"acts along axis {layer.axis}. It must be the last one")
    return True if is_batch else "layer"


def penalty_of(layer, name):
    """The l1 and l2 factors of the layer's regularizer `name`; zeros for None."""
    regularizer = getattr(layer, name)
    if regularizer is None:
        return 0.0, 0.0
    known = keras().regularizers
    if type(regularizer) not in (known.L1, known.L2, known.L1L2):
        kind = type(regularizer).__name__
        refuse(layer, f"has a {name} of {kind}. The estimators have L1 and L2")
    config = regularizer.get_config()
    return plain(config.get("l1", 0.0)), plain(config.get("l2", 0.0))


def max_norm_of(layer):
    """The limit of a Dense layer's kernel constraint, or None."""
    constraint = layer.kernel_constraint
    if constraint is None:
        return None
    if type(constraint) is not keras().constraints.MaxNorm or constraint.axis != 0:
        kind = type(constraint).__name__
        refuse(layer, f"has a kernel_constraint of {kind}. The estimators have MaxNorm")
    return plain(constraint.max_value)


def plain(value):
    """A float without the rounding error of float32: 0.001, not 0.0010000000475."""
    value = float(value)
    return float(str(np.float32(value))) if np.float32(value) == value else value


def factor_and_offset(layer):
    """Factor and offset of a Rescaling or Normalization: ``x * factor + offset``."""
    if type(layer).__name__ == "Rescaling":
        if not np.all(layer.scale):
            refuse(layer, "multiplies columns by 0. Drop these columns")
        return layer.scale, layer.offset
    mean, variance = layer.input_mean, layer.input_variance
    if mean is None:  # adapted to data
        mean, variance = np.asarray(layer.mean), np.asarray(layer.variance)
    deviation = np.maximum(
        np.sqrt(np.asarray(variance, float)), keras().config.epsilon()
    )
    mean = np.asarray(mean, float)
    return (deviation, mean) if layer.invert else (1 / deviation, -mean / deviation)
