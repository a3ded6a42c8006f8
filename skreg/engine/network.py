"""The stacked network: weights, and forward pass in prediction and in training.

Every array has a leading lane axis: kernels have shape (lanes, inputs, units); bias,
gamma, beta and moving statistics have (lanes, 1, units); inputs and outputs of layers
have (lanes, rows, units).
"""

from functools import partial
from itertools import pairwise

import numpy as np

from . import ops
from .backends import backend
from .lazy_keras import keras
from .noise import alpha_dropout, dropout, gaussian_noise

NORMALIZATION_EPSILON = 1e-3  # Keras's default for batch and layer normalization
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

    x = _chosen(n, "activation", structure.activations, activated, x)
    if set(structure.activations) & NOT_ZERO_AT_ZERO:
        x = _own_units(structure, x, n, layer)
    return x


def _chosen(n, name, offered, compute, x):
    """``compute(choice, x)`` with each lane's choice of those that are offered."""
    result = compute(offered[0], x)
    for number, choice in enumerate(offered[1:], 1):
        result = ops.where(n[name] == number, compute(choice, x), result)
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
        by_statistics = partial(_normalize_by, moving, layer)
        x = _normalized(structure, weights, x, n, layer, by_statistics)
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
            x = x * _is_own(x, n_features)
    over_rows = ops.swapaxes(mask, 1, 2)  # (lanes, 1, rows): its product sums over rows
    for layer in range(len(structure.hidden)):
        x = _dense_in_training(weights, x, layer, mask)
        if "batch" in structure.normalizations:
            mean, variance = _moments_of_batch(x, over_rows, rows)
            moments[f"moving_mean_{layer}"] = mean
            moments[f"moving_variance_{layer}"] = variance
        in_batch = partial(_batch_norm, mask=mask, over_rows=over_rows, rows=rows)
        x = _normalized(structure, weights, x, n, layer, in_batch)
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


def _normalized(structure, weights, x, n, layer, batch_norm):
    """Apply the normalization; ``batch_norm(x, gamma, beta, has)`` is that of batches.

    A lane without any, among lanes with, is not `has`: its mean is 0 and its scale 1.
    That costs a choice between vectors, not between results.
    """
    offered, has = structure.normalizations, None
    kinds = [kind for kind in offered if kind is not None]
    if not kinds:
        return x
    gamma, beta = weights[f"gamma_{layer}"], weights[f"beta_{layer}"]
    if len(kinds) < len(offered):
        has = n["normalization"] != offered.index(None)
        gamma, beta = _where_has(has, gamma, 1.0), _where_has(has, beta, 0.0)
    by_kind = {
        "batch": lambda: batch_norm(x, gamma, beta, has),
        "layer": lambda: _layer_norm(structure, x, gamma, beta, has, n, layer),
    }
    if len(kinds) == 1:
        return by_kind[kinds[0]]()
    is_layer = n["normalization"] == offered.index("layer")
    return ops.where(is_layer, by_kind["layer"](), by_kind["batch"]())


def _where_has(has, statistic, otherwise):
    return statistic if has is None else ops.where(has, statistic, otherwise)


def _normalize_by(moving, layer, x, gamma, beta, has):
    """Batch normalization by the moving statistics."""
    mean, variance = (
        moving[f"moving_{statistic}_{layer}"] for statistic in ("mean", "variance")
    )
    mean, factor = _mean_and_factor(mean, variance, has)
    return (x - mean) * (factor * gamma) + beta


def _mean_and_factor(mean, variance, has):
    """What is subtracted, and what the difference is multiplied by."""
    factor = 1 / ops.sqrt(variance + NORMALIZATION_EPSILON)
    return _where_has(has, mean, 0.0), _where_has(has, factor, 1.0)


def _moments_of_batch(x, over_rows, rows):
    """Mean and variance of each unit over the rows, without padding."""
    mean = ops.matmul(over_rows, x) / rows
    return mean, ops.matmul(over_rows, ops.square(x - mean)) / rows


def _batch_norm(x, gamma, beta, has, mask, over_rows, rows):
    """Batch normalization by the moments of the batch.

    The gradient is written out (Ioffe and Szegedy 2015, section 3): it needs two sums
    over the rows, and these can be matrix products.
    """

    def forward(x, gamma, beta):
        moments = _moments_of_batch(x, over_rows, rows)
        mean, factor = _mean_and_factor(*moments, has)
        standard = (x - mean) * factor

        def backward(upstream):
            slope_of_beta = ops.matmul(over_rows, upstream)
            slope_of_gamma = ops.matmul(over_rows, upstream * standard)
            share = _where_has(has, 1 / rows, 0.0)
            common = slope_of_beta * share + standard * (slope_of_gamma * share)
            slope = gamma * factor * (upstream - common) * mask
            return slope, slope_of_gamma, slope_of_beta

        return standard * gamma + beta, backward

    return backend().custom_gradient(forward)(x, gamma, beta)


def _layer_norm(structure, x, gamma, beta, has, n, layer):
    """Layer normalization over the lane's own units.

    The gradient is written out as well (Ba, Kiros and Hinton 2016). All sums are matrix
    products, which take a fraction of the time of sums.
    """
    units, own = x.shape[-1], ops.ones_like(x[:, :1])  # (lanes, 1, units)
    if structure.is_padded:
        units = n["units"][layer]
        own = _is_own(x, units)

    def mean_of(array):
        return ops.matmul(array, ops.swapaxes(own, 1, 2)) / units

    def forward(x, gamma, beta):
        mean = mean_of(x)
        variance = mean_of(ops.square(x - mean))
        mean, factor = _mean_and_factor(mean, variance, has)
        standard = (x - mean) * factor

        def backward(upstream):
            over_rows = ops.swapaxes(ops.ones_like(x[:, :, :1]), 1, 2)
            slope_of_beta = ops.matmul(over_rows, upstream)
            slope_of_gamma = ops.matmul(over_rows, upstream * standard)
            slope = upstream * gamma
            common = mean_of(slope) + standard * mean_of(slope * standard)
            slope = factor * (slope - _where_has(has, common, 0.0) * own)
            return slope, slope_of_gamma, slope_of_beta

        return standard * gamma + beta, backward

    return backend().custom_gradient(forward)(x, gamma, beta)


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
    return x * _is_own(x, n["units"][layer]) if structure.is_padded else x


def _is_own(x, units):
    """1 for the first `units` columns, 0 for the others, shape (lanes, 1, columns)."""
    return ops.cast(ops.arange(x.shape[-1], dtype=x.dtype) < units, x.dtype)
