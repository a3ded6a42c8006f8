"""The stacked network: weights, and forward pass in prediction and in training.

Every array has a leading lane axis: kernels have shape (lanes, inputs, units); bias,
gamma, beta and moving statistics have (lanes, 1, units); inputs and outputs of layers
have (lanes, rows, units).
"""

from itertools import pairwise

import numpy as np

from . import ops
from .lazy_keras import keras
from .noise import alpha_dropout, dropout, gaussian_noise

NORMALIZATION_EPSILON = 1e-3  # Keras's default for batch and layer normalization


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
        if structure.normalization and layer < len(structure.hidden):
            weights[f"gamma_{layer}"] = (1, units)
            weights[f"beta_{layer}"] = (1, units)
            if structure.normalization == "batch":
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


def activate(structure, x, n):
    """Apply the hidden activation."""
    if structure.activation == "leaky_relu":  # its slope may differ between lanes
        return ops.where(x >= 0, x, x * n["negative_slope"])
    return keras().activations.get(structure.activation)(x)


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
        if structure.normalization == "batch":
            mean, variance = (
                moving[f"moving_{statistic}_{layer}"]
                for statistic in ("mean", "variance")
            )
            x = _normalize(weights, x, mean, variance, layer)
        elif structure.normalization == "layer":
            x = _layer_norm(weights, x, layer)
        x = activate(structure, x, n)
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
    drop = alpha_dropout if structure.activation == "selu" else dropout
    rows = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
    moments, activities = {}, []
    if "input_dropout" in remedies:
        x = dropout(x, n["input_dropout"], key, 0)
    if "gaussian_noise" in remedies:
        x = gaussian_noise(x, n["gaussian_noise"], key, 1)
    over_rows = ops.swapaxes(mask, 1, 2)  # (lanes, 1, rows): its product sums over rows
    for layer in range(len(structure.hidden)):
        x = _dense_in_training(weights, x, layer, mask)
        if structure.normalization == "batch":
            mean = ops.matmul(over_rows, x) / rows
            variance = ops.matmul(over_rows, ops.square(x - mean)) / rows
            moments[f"moving_mean_{layer}"] = mean
            moments[f"moving_variance_{layer}"] = variance
            x = _normalize(weights, x, mean, variance, layer)
        elif structure.normalization == "layer":
            x = _layer_norm(weights, x, layer)
        x = activate(structure, x, n)
        activities.append(x)
        if "dropout" in remedies:
            x = drop(x, n["dropout"][layer], key, 3 + layer)
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


def _normalize(weights, x, mean, variance, layer):
    scale = weights[f"gamma_{layer}"] / ops.sqrt(variance + NORMALIZATION_EPSILON)
    return (x - mean) * scale + weights[f"beta_{layer}"]


def _layer_norm(weights, x, layer):
    mean = ops.mean(x, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(x - mean), axis=-1, keepdims=True)
    return _normalize(weights, x, mean, variance, layer)
