"""The engine's calls of TensorFlow itself; the rest is `keras.ops` and numpy.

Another Keras backend would need its own version of these five functions.
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
    """Convert numpy arrays in nested tuples and dictionaries to tensors."""
    convert = _tf().convert_to_tensor  # several times faster than Keras's
    return keras().tree.map_structure(convert, nested)


def gradients(objective, weights):
    """Compute the gradients of a sum; return also what the objective returned.

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
    """Compile a function for these shapes, by XLA or as a graph of kernels."""
    traced = _tf().function(function, jit_compile=xla or None, autograph=False)
    return traced.get_concrete_function(*arguments)


def traced(function, arguments, free_axes):
    """Trace a function to a graph whose arguments have any length along some axes.

    Parameters
    ----------
    free_axes : sequence of int
        For each argument, the number of leading axes of its arrays with any length.
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
    """The exceptions that TensorFlow raises if XLA cannot compile a function."""
    errors = _tf().errors
    return (
        errors.UnimplementedError,
        errors.InvalidArgumentError,
        errors.NotFoundError,
        errors.InternalError,
    )
