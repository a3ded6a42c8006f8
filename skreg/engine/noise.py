"""Dropout and noise, random by a hash of (lane's seed, step, layer, element).

With the stream of a random generator, the noise of a lane would depend on its stack.
With a hash of the element's coordinates it does not, and on a CPU the hash is several
times cheaper than TensorFlow's generators.

The mixing steps and constants of `_mix` are "lowbias32" by C. Wellons (public domain,
https://nullprogram.com/blog/2018/07/31/).
"""

import math

import numpy as np

from . import ops

_SELU_FLOOR = -1.7580993408473766  # -alpha * scale: the limit of selu at -infinity


def _mix(x):
    x = x ^ ops.right_shift(x, np.uint32(16))
    x = x * np.uint32(0x21F0AAAD)
    x = x ^ ops.right_shift(x, np.uint32(15))
    x = x * np.uint32(0x735A2D97)
    return x ^ ops.right_shift(x, np.uint32(15))


def step_key(seed, step):
    """Random key of one step for each lane, dtype uint32."""
    step = ops.cast(step, "uint32")
    return _mix(_mix(seed) + _mix(step * np.uint32(0x9E3779B9)))


def _bits(x, key, layer, own_units):
    """Random bits for each element of `x`, (lanes, rows, units); dtype uint32.

    The counter is the number of the element among those of the lane's own units. The
    key enters before and after the first round, in two forms, so that the bits of two
    steps are not shifted copies.
    """
    _, rows, units = x.shape
    if own_units is None:
        counter = np.arange(rows * units, dtype=np.uint32).reshape(1, rows, units)
    else:
        row = np.arange(rows, dtype=np.int32).reshape(1, rows, 1)
        unit = np.arange(units, dtype=np.int32).reshape(1, 1, units)
        counter = ops.cast(row * ops.cast(own_units, "int32") + unit, "uint32")
    key = _mix(key + np.uint32(0x85EBCA6B * (layer + 1) % 2**32))
    x = (counter * np.uint32(0x9E3779B9)) ^ key
    x = x ^ ops.right_shift(x, np.uint32(16))
    x = x * np.uint32(0x21F0AAAD) + _mix(key)
    x = x ^ ops.right_shift(x, np.uint32(15))
    x = x * np.uint32(0x735A2D97)
    return x ^ ops.right_shift(x, np.uint32(15))


def uniform(x, key, layer, own_units=None):
    """Uniform random numbers in [0, 1), multiples of 2**-24, in the shape of `x`.

    `own_units`, of shape (lanes, 1, 1), is how many units of `x` a lane has, where they
    differ: the numbers of these do not depend on the others. None means all.
    """
    bits = ops.right_shift(_bits(x, key, layer, own_units), np.uint32(8))
    # Via int32: the conversion from unsigned integers is several times slower.
    return ops.cast(ops.cast(bits, "int32"), x.dtype) * 2.0**-24


def _mask(x, rate, key, layer, own_units, scale_squared):
    """Dropout mask: the root of `scale_squared` for kept elements of `x`, 0 for others.

    XLA recomputes a cheap result for each use, here in the forward and the backward
    pass. It does not recompute a result that ends in a square root.
    """
    kept = uniform(x, key, layer, own_units) >= rate
    return ops.sqrt(ops.where(kept, scale_squared, 0.0))


def dropout(x, rate, key, layer, own_units=None):
    """Set elements of `x` to 0 with probability `rate`; divide others by 1 - rate."""
    return x * _mask(x, rate, key, layer, own_units, 1 / ops.square(1 - rate))


def alpha_dropout(x, rate, key, layer, own_units=None, after_selu=True):
    """Dropout that keeps the mean and the variance of selu (Klambauer et al. 2017).

    `after_selu` may be an array, shape (lanes, 1, 1): other lanes have `dropout`, which
    is the same with a floor of 0.
    """
    zero = ops.zeros_like(rate)  # a number alone would become single precision first
    floor = ops.where(after_selu, zero + _SELU_FLOOR, zero)
    spread = ops.where(after_selu, 1 + rate * _SELU_FLOOR**2, 1 - rate)
    scale_squared = 1 / ((1 - rate) * spread)
    mask = _mask(x, rate, key, layer, own_units, scale_squared)
    return (x - floor) * mask + floor * (1 - rate) * ops.sqrt(scale_squared)


def gaussian_noise(x, deviation, key, layer, own_units=None):
    """Add normal noise to `x`: the normal quantiles of uniform numbers."""
    # In (-1, 1), symmetric: odd multiples of 2**-23, which single precision holds.
    bits = ops.right_shift(_bits(x, key, layer, own_units), np.uint32(9))
    odd = 2 * ops.cast(bits, "int32") + 1
    symmetric = ops.cast(odd, x.dtype) * 2.0**-23 - 1
    return x + deviation * math.sqrt(2) * ops.erfinv(symmetric)
