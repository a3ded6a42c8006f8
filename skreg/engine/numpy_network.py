"""The forward pass of one network in NumPy, for processes where Keras cannot compute.

A process that was forked from one in which Keras's backend ran cannot use it, and
JAX would compile for each shape. Prediction needs no more than these lines;
`network.forward` is the same on stacked tensors.
"""

import numpy as np
from scipy.special import erf, expit, log_expit, log_softmax, softmax

from .backends import ForkedProcessError
from .normalization import NORMALIZATION_EPSILON


def forward(structure, state, numbers, x):
    """Forward pass of one network in prediction.

    Parameters
    ----------
    state : State
    numbers : dict of str to float
    x : ndarray of shape (n_rows, n_features)

    Returns
    -------
    raw : ndarray of shape (n_rows, n_outputs)
        Before the output activation.
    activities : list of ndarrays of shape (n_rows, units)
        The output of each hidden activation.

    Raises
    ------
    ForkedProcessError
        If the activation is a function of the user's.
    """
    activities = []
    with np.errstate(all="ignore"):  # as Keras: infinities are results
        for layer in range(len(structure.hidden)):
            x = _dense(state, x, layer)
            if structure.normalization:
                x = _normalized(structure, state, x, layer)
            x = _activated(structure.activation, x, numbers)
            activities.append(x)
        return _dense(state, x, len(structure.hidden)), activities


def can_compute(structure):
    """Whether the activation is one of Keras's, by name."""
    return structure.activation == "leaky_relu" or structure.activation in ACTIVATIONS


def _dense(state, x, layer):
    return x @ state.weights[f"kernel_{layer}"] + state.weights[f"bias_{layer}"]


def _normalized(structure, state, x, layer):
    if structure.normalization == "batch":
        mean = state.moving[f"moving_mean_{layer}"]
        variance = state.moving[f"moving_variance_{layer}"]
    else:
        mean = x.mean(axis=1, keepdims=True)
        variance = x.var(axis=1, keepdims=True)
    epsilon = x.dtype.type(NORMALIZATION_EPSILON)
    scale = state.weights[f"gamma_{layer}"] / np.sqrt(variance + epsilon)
    return (x - mean) * scale + state.weights[f"beta_{layer}"]


def _activated(activation, x, numbers):
    if activation == "leaky_relu":
        return np.where(x >= 0, x, x * x.dtype.type(numbers["negative_slope"]))
    if activation in ACTIVATIONS:
        return np.asarray(ACTIVATIONS[activation](x), x.dtype)
    raise ForkedProcessError(
        "This process was forked from one in which Keras's backend was running, and "
        "cannot use it. Predictions by NumPy are only for activations that Keras has "
        f"by name. Got activation={activation!r}: start the process by 'spawn' or "
        "'forkserver', or joblib's by 'loky'."
    )


def _elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _selu(x):
    return 1.0507009873554805 * np.where(
        x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))
    )


def _hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6


def _softplus(x):
    return np.logaddexp(x, 0)


def _sparsemax(x):
    """Keras's form, whose threshold is not that of Martins and Astudillo (2016)."""
    ordered = -np.sort(-x, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    support = ordered - (sums - 1) / np.arange(1, x.shape[-1] + 1) > 0
    total = np.sum(sums * support, axis=-1, keepdims=True)
    threshold = (total - 1) / np.sum(support, axis=-1, keepdims=True)
    return np.maximum(x - threshold, 0)


# Keras's activations by name, but for leaky_relu, whose slope is a lane's number.
ACTIVATIONS = {
    "celu": _elu,
    "elu": _elu,
    "exponential": np.exp,
    "gelu": lambda x: x / 2 * (1 + erf(x / np.sqrt(2))),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "hard_swish": lambda x: x * _hard_sigmoid(x),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "linear": lambda x: x,
    "log_sigmoid": log_expit,
    "log_softmax": lambda x: log_softmax(x, axis=-1),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": _selu,
    "sigmoid": expit,
    "silu": lambda x: x * expit(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "softmax": lambda x: softmax(x, axis=-1),
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sparse_plus": lambda x: np.where(x < 1, np.maximum(x + 1, 0) ** 2 / 4, x),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "sparsemax": _sparsemax,
    "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "swish": lambda x: x * expit(x),
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
}
