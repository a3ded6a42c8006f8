"""Batch and layer normalization, for lanes with and without, and their gradients."""

from . import ops
from .backends import backend

NORMALIZATION_EPSILON = 1e-3  # Keras's default for batch and layer normalization


def normalized(structure, weights, x, n, layer, by_batch):
    """Apply the normalization; ``by_batch(x, gamma, beta, has)`` is that of batches.

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
        "batch": lambda: by_batch(x, gamma, beta, has),
        "layer": lambda: _layer_norm(structure, x, gamma, beta, has, n, layer),
    }
    if len(kinds) == 1:
        return by_kind[kinds[0]]()
    is_layer = n["normalization"] == offered.index("layer")
    return ops.where(is_layer, by_kind["layer"](), by_kind["batch"]())


def _where_has(has, statistic, otherwise):
    return statistic if has is None else ops.where(has, statistic, otherwise)


def normalize_by(moving, layer, x, gamma, beta, has):
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


def moments_of_batch(x, over_rows, rows):
    """Mean and variance of each unit over the rows, without padding."""
    mean = ops.matmul(over_rows, x) / rows
    return mean, ops.matmul(over_rows, ops.square(x - mean)) / rows


def batch_norm(x, gamma, beta, has, mask, over_rows, rows):
    """Batch normalization by the moments of the batch.

    The gradient is written out (Ioffe and Szegedy 2015, section 3): it needs two sums
    over the rows, and these can be matrix products.
    """

    def forward(x, gamma, beta):
        moments = moments_of_batch(x, over_rows, rows)
        mean, factor = _mean_and_factor(*moments, has)
        # Padding, which no moment knows, could grow from layer to layer to infinity.
        standard = (x - mean) * (factor * mask)

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
        own = is_own(x, units)

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


def is_own(x, units):
    """1 for the first `units` columns, 0 for the others, shape (lanes, 1, columns)."""
    return ops.cast(ops.arange(x.shape[-1], dtype=x.dtype) < units, x.dtype)
