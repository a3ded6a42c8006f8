"""All that the engine takes from TensorFlow itself; the rest is `keras.ops` and numpy.

Another Keras backend needs these five functions.
"""

import importlib
from functools import cache, partial

from . import ops
from .lazy_keras import keras


@cache
def _tf():
    keras()
    return importlib.import_module("tensorflow")


def to_tensors(nested):
    """Numpy arrays in nested tuples and dictionaries as tensors."""
    convert = _tf().convert_to_tensor  # Keras's own takes several times as long
    return keras().tree.map_structure(convert, nested)


def gradients(objective, weights):
    """Gradients of a sum, with its terms and what else the objective returns.

    Parameters
    ----------
    objective : callable
        Maps the weights to an array, whose sum is differentiated, and anything else.
    weights : dict of str to tensor

    Returns
    -------
    gradients : dict of str to tensor
    terms, other : what the objective returned
    """
    tf = _tf()
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)
        terms, other = objective(weights)
        total = ops.sum(terms)
    return tape.gradient(total, weights), terms, other


def compiled(function, arguments, xla):
    """The function for arguments of these shapes; by XLA, or as a graph of kernels."""
    traced = _tf().function(function, jit_compile=xla or None, autograph=False)
    return traced.get_concrete_function(*arguments)


def traced(function, arguments, free_axes):
    """The function as a graph for arguments of any length along some axes.

    Parameters
    ----------
    free_axes : sequence of int
        For each argument, how many of its arrays' first axes may have any length.
    """
    tf = _tf()

    def specification(n_axes, array):
        shape = [None] * n_axes + list(array.shape[n_axes:])
        return tf.TensorSpec(shape, array.dtype)

    specifications = [
        keras().tree.map_structure(partial(specification, n_axes), argument)
        for n_axes, argument in zip(free_axes, arguments, strict=True)
    ]
    return (
        _tf().function(function, autograph=False).get_concrete_function(*specifications)
    )


def compilation_errors():
    """What is raised where XLA cannot compile a function."""
    errors = _tf().errors
    return (
        errors.UnimplementedError,
        errors.InvalidArgumentError,
        errors.NotFoundError,
        errors.InternalError,
    )
