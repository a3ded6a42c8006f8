"""Random masks and noise from a counter: a hash of (lane, step, layer, element).

A generator's stream would tie a lane's draws to the stack that it is in; a hash of the
element's own coordinates does not, and on a CPU it is several times as cheap as the
generators that TensorFlow offers.

The mixing steps and constants of `_mix` are "lowbias32" by C. Wellons (public domain,
https://nullprogram.com/blog/2018/07/31/).
"""

import math

import numpy as np

from . import ops

_SELU_FLOOR = -1.7580993408473766  # -alpha * scale, what selu gives at minus infinity


def _mix(x):
    x = x ^ ops.right_shift(x, np.uint32(16))
    x = x * np.uint32(0x21F0AAAD)
    x = x ^ ops.right_shift(x, np.uint32(15))
    x = x * np.uint32(0x735A2D97)
    return x ^ ops.right_shift(x, np.uint32(15))


def step_key(seed, step):
    """What the noise of one step of each lane is drawn from; dtype uint32."""
    step = ops.cast(step, "uint32")
    return _mix(_mix(seed) + _mix(step * np.uint32(0x9E3779B9)))


def _bits(x, key, layer):
    """Random bits for each element of `x`, (lanes, rows, units); dtype uint32.

    An element's number is the counter. The key enters before and after the first
    round, in two forms, so that two steps are not one stream shifted.
    """
    _, rows, units = x.shape
    counter = np.arange(rows * units, dtype=np.uint32).reshape(1, rows, units)
    key = _mix(key + np.uint32(0x85EBCA6B * (layer + 1) % 2**32))
    x = (counter * np.uint32(0x9E3779B9)) ^ key
    x = x ^ ops.right_shift(x, np.uint32(16))
    x = x * np.uint32(0x21F0AAAD) + _mix(key)
    x = x ^ ops.right_shift(x, np.uint32(15))
    x = x * np.uint32(0x735A2D97)
    return x ^ ops.right_shift(x, np.uint32(15))


def uniform(x, key, layer):
    """Numbers in [0, 1), one for each element of `x`, in steps of 2**-24."""
    bits = ops.right_shift(_bits(x, key, layer), np.uint32(8))
    # By way of int32: the conversion from unsigned integers is several times slower.
    return ops.cast(ops.cast(bits, "int32"), x.dtype) * 2.0**-24


def _mask(x, rate, key, layer, scale_squared):
    """The root of `scale_squared` where an element of `x` is kept, 0 where it is not.

    XLA computes a cheap result again for each of its uses, here in the forward and in
    the backward pass, but not one that ends in a square root.
    """
    kept = uniform(x, key, layer) >= rate
    return ops.sqrt(ops.where(kept, scale_squared, 0.0))


def dropout(x, rate, key, layer):
    """`x` with elements set to zero at `rate`, the others divided by 1 - rate."""
    return x * _mask(x, rate, key, layer, 1 / ops.square(1 - rate))


def alpha_dropout(x, rate, key, layer):
    """Dropout that keeps the mean and the variance of selu (Klambauer et al. 2017)."""
    scale_squared = 1 / ((1 - rate) * (1 + rate * _SELU_FLOOR**2))
    mask = _mask(x, rate, key, layer, scale_squared)
    return (x - _SELU_FLOOR) * mask + _SELU_FLOOR * (1 - rate) * ops.sqrt(scale_squared)


def gaussian_noise(x, deviation, key, layer):
    """`x` plus normal noise (Box and Muller's transform of two uniforms)."""
    radius = ops.sqrt(-2 * ops.log(1 - uniform(x, key, layer)))
    angle = 2 * math.pi * uniform(x, key, layer + 1)
    return x + deviation * radius * ops.cos(angle)
