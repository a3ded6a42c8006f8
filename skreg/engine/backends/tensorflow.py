"""TensorFlow, Keras's default backend."""

import importlib
import sys
from contextlib import suppress
from functools import cache, partial

from .. import ops
from ..lazy_keras import keras, without_chatter

LABEL = "TensorFlow"
LARGE_BY_XLA = False  # its own kernels use several cores better
COMPILES_EACH_SHAPE = False
FREES_PROGRAMS = False


@cache
def start():
    """Let TensorFlow find its devices and start XLA now: both print messages."""
    keras()
    tensorflow = importlib.import_module("tensorflow")
    with without_chatter():
        start_xla = tensorflow.function(lambda x: x + 1, jit_compile=True)
        # If XLA is missing, the engine warns when it compiles.
        with suppress(tensorflow.errors.OpError):
            start_xla(tensorflow.zeros(()))
    return tensorflow


def runs():
    """Whether TensorFlow's runtime has been started, by whoever."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = getattr(module, "_context", None)
    return getattr(context, "_context_handle", None) is not None


def to_tensors(nested):
    """Convert numpy arrays in nested tuples and dictionaries to tensors."""
    convert = start().convert_to_tensor  # several times faster than Keras's
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
    tf = start()
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)
        terms, other = objective(weights)
        total = ops.sum(terms)
    return tape.gradient(total, weights), terms, other


def custom_gradient(function):
    """The function with a gradient of its own: it returns a value and that gradient."""
    return start().custom_gradient(function)


def compiled(function, arguments, xla):
    """Compile a function for these shapes, by XLA or as a graph of kernels."""
    traced = start().function(function, jit_compile=xla or None, autograph=False)
    return traced.get_concrete_function(*arguments)


def traced(function, arguments, free_axes):
    """Trace a function to a graph whose arguments have any length along some axes.

    Parameters
    ----------
    free_axes : sequence of int
        For each argument, the number of leading axes of its arrays with any length.
    """
    tf = start()

    def specification(n_axes, array):
        shape = [None] * n_axes + list(array.shape[n_axes:])
        return tf.TensorSpec(shape, array.dtype)

    specifications = [
        keras().tree.map_structure(partial(specification, n_axes), argument)
        for n_axes, argument in zip(free_axes, arguments, strict=True)
    ]
    return tf.function(function, autograph=False).get_concrete_function(*specifications)


def has_accelerator():
    """No: stacks are made for a CPU here. JAX is the backend for accelerators."""
    return False


def has_double_precision():
    """TensorFlow always has it."""
    return True


def compilation_errors():
    """The exceptions that TensorFlow raises if XLA cannot compile a function."""
    errors = start().errors
    return (
        errors.UnimplementedError,
        errors.InvalidArgumentError,
        errors.NotFoundError,
        errors.InternalError,
    )
