"""Draw the initial values of kernels.

Keras's initializers draw them; where its backend compiles each function for each shape,
which takes longer than a training of a small network, NumPy draws from the same
distributions.
"""

import math

import numpy as np
from scipy.special import ndtr, ndtri

from .backends import backend
from .lazy_keras import keras

# Deviation of a standard normal variable within (-2, 2), in Keras's digits.
_TRUNCATED_DEVIATION = 0.87962566103423978


def draw_kernel(initializer, shape, dtype):
    """Draw a kernel of this shape, (inputs, units).

    Parameters
    ----------
    initializer : callable
        ``initializer(shape, dtype)``, as Keras's.
    shape : tuple of int
    dtype : str

    Returns
    -------
    ndarray of shape `shape`
    """
    if backend().COMPILES_EACH_SHAPE:
        arguments = _distribution(initializer, shape)
        if arguments is not None:
            rng = np.random.default_rng(initializer.seed)
            return _draw(rng, shape, *arguments).astype(dtype)
    return np.asarray(initializer(shape, dtype))


def _distribution(initializer, shape):
    """Name, mean and deviation of what Keras's initializer draws; None for others."""
    kinds, seed = keras().initializers, getattr(initializer, "seed", None)
    is_own = type(initializer).__module__.startswith("keras.")  # not a user's subclass
    if not (is_own and isinstance(seed, int)):
        return None
    if isinstance(initializer, kinds.VarianceScaling):
        return initializer.distribution, 0.0, _deviation(initializer, *shape)
    if isinstance(initializer, kinds.RandomUniform):
        low, high = initializer.minval, initializer.maxval
        return "uniform", (low + high) / 2, (high - low) / math.sqrt(12)
    if isinstance(initializer, kinds.RandomNormal):
        return "untruncated_normal", initializer.mean, initializer.stddev
    if isinstance(initializer, kinds.TruncatedNormal):
        # Keras means the deviation before truncation here.
        deviation = initializer.stddev * _TRUNCATED_DEVIATION
        return "truncated_normal", initializer.mean, deviation
    return None


def _deviation(initializer, inputs, units):
    """Standard deviation by variance scaling."""
    fans = {"fan_in": inputs, "fan_out": units, "fan_avg": (inputs + units) / 2}
    return math.sqrt(initializer.scale / max(1.0, fans[initializer.mode]))


def _draw(rng, shape, distribution, centre, deviation):
    """Draw numbers with this mean and standard deviation."""
    if distribution == "uniform":
        limit = math.sqrt(3) * deviation
        return rng.uniform(centre - limit, centre + limit, shape)
    if distribution == "untruncated_normal":
        return rng.normal(centre, deviation, shape)
    standard = ndtri(rng.uniform(ndtr(-2.0), ndtr(2.0), shape))
    return centre + standard * deviation / _TRUNCATED_DEVIATION
