"""JAX: everything is compiled by XLA, and what is forgotten is freed."""

import importlib.util
import math
import sys
from functools import cache, partial

import numpy as np

from .. import ops
from ..lazy_keras import keras

LABEL = "JAX"
LARGE_BY_XLA = True
COMPILES_EACH_SHAPE = True
FREES_PROGRAMS = True


@cache
def start():
    """Let JAX find its devices now."""
    keras()
    jax = importlib.import_module("jax")
    jax.devices()
    return jax


def runs():
    """Whether JAX has been started, by whoever."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    return bool(getattr(bridge, "_backends", None))


def to_tensors(nested):
    """Put numpy arrays in nested tuples and dictionaries on the device."""
    return start().device_put(nested)


def gradients(objective, weights):
    """As `tensorflow.gradients`."""

    def summed(weights):
        terms, other = objective(weights)
        return ops.sum(terms), (terms, other)

    slopes, returned = start().grad(summed, has_aux=True)(weights)
    return slopes, *returned


def custom_gradient(function):
    """The function with a gradient of its own: it returns a value and that gradient."""
    return start().custom_gradient(function)


def compiled(function, arguments, xla):
    """Compile a function for these shapes; always by XLA."""
    jax = start()
    with jax.disable_jit(False):  # whatever the user has set
        program = jax.jit(function).lower(*arguments).compile()

    def run(*arguments):
        with jax.disable_jit(False):
            return program(*arguments)

    return run


def traced(function, arguments, free_axes):
    """Compile a function for arguments whose arrays have any length along some axes.

    It is compiled again for each number of lanes and each power of two of rows, to
    which the rows are padded with zeros. Arrays of rows are those with two free axes,
    in arguments as in what is returned.
    """
    program = start().jit(function)

    def padded(n_axes, n_rows, array):
        if n_axes < 2:
            return array
        missing = _padded_length(n_rows) - n_rows
        padding = [(0, 0), (0, missing), *[(0, 0)] * (array.ndim - 2)]
        return np.pad(np.asarray(array), padding)  # not by JAX: once for each length

    def run(*arguments):
        map_structure = keras().tree.map_structure
        n_rows = arguments[free_axes.index(2)].shape[1]
        arguments = [
            map_structure(partial(padded, n_axes, n_rows), argument)
            for n_axes, argument in zip(free_axes, arguments, strict=True)
        ]
        return map_structure(
            lambda array: array if array.ndim < 2 else np.asarray(array)[:, :n_rows],
            program(*arguments),
        )

    return run


def _padded_length(length):
    return 2 ** math.ceil(math.log2(max(length, 1)))


def has_accelerator():
    """Whether JAX's default device is not the CPU.

    JAX is started only if a package for accelerators is installed.
    """
    packages = "jax_plugins", "libtpu"
    if not runs() and not any(map(importlib.util.find_spec, packages)):
        return False
    return start().default_backend() != "cpu"


def has_double_precision():
    """Whether the user has switched it on; JAX takes single for double otherwise."""
    return importlib.import_module("jax").config.jax_enable_x64


def compilation_errors():
    """No exceptions: XLA compiles everything here."""
    return ()
