"""The engine's calls of TensorFlow itself; the rest is `keras.ops` and numpy.

Another Keras backend would need its own version of these functions.
"""

import importlib
import os
import sys
import threading
from contextlib import suppress
from functools import cache, partial

from . import ops
from .lazy_keras import keras, without_chatter


class ForkedProcessError(RuntimeError):
    """Keras cannot compute in this process, since it is a fork."""


def start_backend():
    """Start TensorFlow, if that has not been done: Keras can compute afterwards.

    Nothing starts it earlier: a process in which it runs cannot be forked.

    Raises
    ------
    ForkedProcessError
        In a process that was forked from one in which TensorFlow was running.
    """
    if _fork.has_broken:
        raise ForkedProcessError(
            "This process was forked from one in which TensorFlow was running. It can "
            "predict, but not train: TensorFlow's threads are not here, and a call "
            "would hang. Start processes by 'spawn' or 'forkserver' "
            "(multiprocessing.get_context), joblib's by the backend 'loky'; or fork "
            "before anything is fitted or predicted."
        )
    with _fork.lock:
        _start()


def can_compute():
    """Whether Keras can compute here: not after a fork of a running TensorFlow."""
    return not _fork.has_broken


@cache
def _start():
    """Let TensorFlow find its devices and start XLA now: both print messages."""
    keras()
    tensorflow = importlib.import_module("tensorflow")
    with without_chatter():
        start_xla = tensorflow.function(lambda x: x + 1, jit_compile=True)
        # If XLA is missing, the engine warns when it compiles.
        with suppress(tensorflow.errors.OpError):
            start_xla(tensorflow.zeros(()))
    return tensorflow


class _Fork:
    """Whether this process is a fork that TensorFlow does not work in."""

    def __init__(self):
        self.lock = threading.Lock()
        # The fork may have been before skreg's import: TensorFlow has begun, but all
        # threads are Python's.
        self.has_broken = _tensorflow_runs() and _has_only_python_threads()

    def note(self):
        """In the child, after a fork."""
        self.lock = threading.Lock()  # another thread of the parent may have held it
        self.has_broken = _tensorflow_runs()


def _tensorflow_runs():
    """Whether TensorFlow's runtime has been started, by whoever."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = getattr(module, "_context", None)
    return getattr(context, "_context_handle", None) is not None


def _has_only_python_threads():
    try:
        return len(os.listdir("/proc/self/task")) <= threading.active_count()
    except OSError:  # not Linux
        return False


_fork = _Fork()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_fork.note)


def _tf():
    start_backend()
    return _start()


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


def custom_gradient(function):
    """The function with a gradient of its own: it returns a value and that gradient."""
    return _tf().custom_gradient(function)


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
