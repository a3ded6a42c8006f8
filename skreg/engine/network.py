"""The stacked network: weights, and forward pass in prediction and in training.

Every array has a leading lane axis: kernels have shape (lanes, inputs, units); bias,
gamma, beta and moving statistics have (lanes, 1, units); inputs and outputs of layers
have (lanes, rows, units).
"""

from functools import partial
from itertools import pairwise

import numpy as np

from . import ops
from .lazy_keras import keras
from .noise import alpha_dropout, dropout, gaussian_noise
from .normalization import (
    batch_norm,
    is_own,
    moments_of_batch,
    normalize_by,
    normalized,
)

# Of units that a lane does not have, all weights are 0. They stay so if the output is.
NOT_ZERO_AT_ZERO = {
    "exponential",
    "hard_sigmoid",
    "log_sigmoid",
    "sigmoid",
    "softplus",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
}


def weight_shapes(structure):
    """Shapes of trainable weights and moving statistics, without the lane axis.

    Returns
    -------
    weights, moving : dict of str to tuple
        In the order of the Keras model of the structure. A name is Keras's name and
        the number of the layer, e.g. ``"kernel_0"``.
    """
    weights, moving = {}, {}
    for layer, (inputs, units) in enumerate(pairwise(structure.widths)):
        weights[f"kernel_{layer}"] = (inputs, units)
        weights[f"bias_{layer}"] = (1, units)
        if any(structure.normalizations) and layer < len(structure.hidden):
            weights[f"gamma_{layer}"] = (1, units)
            weights[f"beta_{layer}"] = (1, units)
            if "batch" in structure.normalizations:
                moving[f"moving_mean_{layer}"] = (1, units)
                moving[f"moving_variance_{layer}"] = (1, units)
    return weights, moving


def initial_weights(structure, initializer, seed):
    """Initial weights and moving statistics of one lane, without the lane axis.

    `initializer(layer, shape, seed)` draws a kernel; each kernel has its own seed.
    """
    weights, moving = weight_shapes(structure)
    seeds = np.random.SeedSequence(seed).generate_state(len(structure.widths) - 1)
    start = {"bias": 0, "gamma": 1, "beta": 0, "moving_mean": 0, "moving_variance": 1}

    def draw(name, shape):
        kind, layer = name.rsplit("_", 1)
        if kind == "kernel":
            layer = int(layer)
            kernel = initializer(layer, shape, int(seeds[layer] >> 1))
            return np.asarray(kernel, structure.dtype)
        return np.full(shape, start[kind], structure.dtype)

    return (
        {name: draw(name, shape) for name, shape in weights.items()},
        {name: draw(name, shape) for name, shape in moving.items()},
    )


def activate(structure, x, n, layer):
    """Apply the hidden activation."""

    def activated(name, x):
        if name == "leaky_relu":  # its slope may differ between lanes
            return ops.where(x >= 0, x, x * n["negative_slope"])
        if name == "exponential" and len(structure.activations) > 1:
            # An infinite slope would make the gradient of other lanes NaN.
            number = structure.activations.index(name)
            x = ops.where(n["activation"] == number, x, 0.0)
        return keras().activations.get(name)(x)

    first, *others = structure.activations
    result = activated(first, x)
    for number, name in enumerate(others, 1):
        result = ops.where(n["activation"] == number, activated(name, x), result)
    if set(structure.activations) & NOT_ZERO_AT_ZERO:
        result = _own_units(structure, result, n, layer)
    return result


def forward(structure, weights, moving, x, n):
    """Forward pass in prediction.

    Parameters
    ----------
    x : tensor of shape (lanes, rows, n_features)
    n : dict of str to array of shape (lanes, 1, 1)
        The lanes' numbers.

    Returns
    -------
    raw : tensor of shape (lanes, rows, n_outputs)
    activities : list of tensors of shape (lanes, rows, units)
        The output of each hidden activation.
    """
    activities = []
    for layer in range(len(structure.hidden)):
        x = _dense(weights, x, layer)
        by_statistics = partial(normalize_by, moving, layer)
        x = normalized(structure, weights, x, n, layer, by_statistics)
        x = activate(structure, x, n, layer)
        activities.append(x)
    return _dense(weights, x, len(structure.hidden)), activities


def forward_training(structure, weights, x, n, mask, key):
    """Forward pass in training, with dropout, noise and the moments of the batch.

    Parameters
    ----------
    mask : tensor of shape (lanes, rows, 1)
        1 for a row, 0 for padding.
    key : tensor of shape (lanes, 1, 1), dtype uint32
        Random key of this step, for dropout and noise.

    Returns
    -------
    raw : tensor of shape (lanes, rows, n_outputs)
    moments : dict
        Mean and variance of the batch, by the names of the moving statistics.
    activities : list of tensors of shape (lanes, rows, units)
        The output of each hidden activation, before dropout.
    """
    remedies = structure.remedies
    rows = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
    moments, activities = {}, []
    n_features = n["n_features"] if structure.is_padded else None
    if "input_dropout" in remedies:
        x = dropout(x, n["input_dropout"], key, 0, n_features)
    if "gaussian_noise" in remedies:
        x = gaussian_noise(x, n["gaussian_noise"], key, 1, n_features)
        if structure.is_padded:
            x = x * is_own(x, n_features)
    over_rows = ops.swapaxes(mask, 1, 2)  # (lanes, 1, rows): its product sums over rows
    for layer in range(len(structure.hidden)):
        x = _dense_in_training(weights, x, layer, mask)
        if "batch" in structure.normalizations:
            mean, variance = moments_of_batch(x, over_rows, rows)
            moments[f"moving_mean_{layer}"] = mean
            moments[f"moving_variance_{layer}"] = variance
        in_batch = partial(batch_norm, mask=mask, over_rows=over_rows, rows=rows)
        x = normalized(structure, weights, x, n, layer, in_batch)
        x = activate(structure, x, n, layer)
        activities.append(x)
        if "dropout" in remedies:
            x = _dropped(structure, x, n, key, layer)
            if "selu" in structure.activations:  # alpha dropout does not keep zeros
                x = _own_units(structure, x, n, layer)
    raw = _dense_in_training(weights, x, len(structure.hidden), mask)
    return raw, moments, activities


def _dense(weights, x, layer):
    return ops.matmul(x, weights[f"kernel_{layer}"]) + weights[f"bias_{layer}"]


def _dense_in_training(weights, x, layer, mask):
    """A Dense layer without bias for padding rows.

    The gradient of the bias is then a matrix product with the mask, not a sum over the
    rows: XLA sums large stacks in another order than small ones, and a lane's result
    must not depend on its stack.
    """
    bias = ops.matmul(mask, weights[f"bias_{layer}"])
    return ops.matmul(x, weights[f"kernel_{layer}"]) + bias


def _dropped(structure, x, n, key, layer):
    """Dropout after an activation: a kind of its own after selu."""
    rate, units = n["dropout"][layer], None
    if structure.is_padded:
        units = n["units"][layer]
    if "selu" not in structure.activations:
        return dropout(x, rate, key, 3 + layer, units)
    after_selu = True
    if len(structure.activations) > 1:
        after_selu = n["activation"] == structure.activations.index("selu")
    return alpha_dropout(x, rate, key, 3 + layer, units, after_selu)


def _own_units(structure, x, n, layer):
    """Outputs of a layer, 0 for units that the lane does not have."""
    return x * is_own(x, n["units"][layer]) if structure.is_padded else x
