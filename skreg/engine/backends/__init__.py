"""The engine's calls of a Keras backend itself; the rest is `keras.ops` and numpy.

Each module is named as its backend and has the same few names:

- ``start()``: start the backend; ``runs()``: whether it has been started, by whoever;
- ``to_tensors(nested)``: numpy arrays in nested tuples and dictionaries as tensors;
- ``gradients(objective, weights)``: the gradients of the sum of an objective's first
  value, a dictionary as `weights`, and what the objective returned;
- ``custom_gradient(function)``: the function, which returns its value and a function
  for the gradient, with this gradient;
- ``compiled(function, arguments, xla)``: a function compiled for these shapes;
- ``traced(function, arguments, free_axes)``: a function for arguments like these, whose
  arrays have any length along that many leading axes;
- ``has_accelerator()``: whether programs run on a GPU or TPU;
- ``has_double_precision()``: whether the backend is set to compute in it;
- ``compilation_errors()``: the exceptions that mean that XLA cannot compile;
- ``LARGE_BY_XLA``: whether XLA is the fastest for products that use all cores, too;
- ``COMPILES_EACH_SHAPE``: whether every function is compiled anew for each shape, so
  that NumPy is faster for what runs once or twice;
- ``FREES_PROGRAMS``: whether a program's memory is freed when it is forgotten;
- ``LABEL``: the backend's name in messages.
"""

import os
import threading

from ..lazy_keras import keras
from . import jax, tensorflow

BACKENDS = {"tensorflow": tensorflow, "jax": jax}


class ForkedProcessError(RuntimeError):
    """Keras cannot compute in this process, since it is a fork."""


def backend():
    """Return the module of the backend that Keras runs on."""
    return BACKENDS[keras().config.backend()]


def start_backend():
    """Start Keras's backend, if that has not been done: Keras can compute afterwards.

    Nothing starts it earlier: a process in which it runs cannot be forked.

    Returns
    -------
    module
        That of the backend.

    Raises
    ------
    ForkedProcessError
        In a process that was forked from one in which the backend was running.
    """
    found = backend()
    if found in _fork.broken:
        raise ForkedProcessError(
            f"This process was forked from one in which {found.LABEL} was running. It "
            f"can predict, but not train: {found.LABEL}'s threads are not here, and a "
            "call would hang. Start processes by 'spawn' or 'forkserver' "
            "(multiprocessing.get_context), joblib's by the backend 'loky'; or fork "
            "before anything is fitted or predicted."
        )
    with _fork.lock:
        found.start()
    return found


def to_tensors(nested):
    """Convert arrays in nested tuples and dictionaries to tensors."""
    return start_backend().to_tensors(nested)


def can_compute():
    """Whether Keras can compute here: not after a fork of a running backend."""
    return not _fork.broken or backend() not in _fork.broken


def floatx():
    """Keras's default dtype of weights and data.

    Raises
    ------
    ValueError
        If it has half precision, in which training, Keras's too, ends in NaN; or if it
        has double precision, but the backend is set to compute in single precision.
    """
    name = keras().config.floatx()
    if name not in ("float32", "float64"):
        raise ValueError(
            "Keras's floatx must be 'float32' or 'float64' for skreg to train. Got "
            f"{name!r}: set another with keras.config.set_floatx."
        )
    check_precision(name)
    return name


def check_precision(dtype):
    """Raise ValueError if the backend computes with less precision on this thread."""
    if dtype == "float64" and not backend().has_double_precision():
        raise ValueError(
            "Keras's floatx is 'float64', but JAX computes in single precision: switch "
            "double precision on for all threads, by "
            "jax.config.update('jax_enable_x64', True), or set another floatx with "
            "keras.config.set_floatx."
        )


def has_accelerator():
    """Whether programs run on a GPU or TPU."""
    return backend().has_accelerator()


class _Fork:
    """The backends that do not work in this process, since it is a fork."""

    def __init__(self):
        # The fork may have been before skreg's import: a backend has begun, but all
        # threads are Python's.
        self.broken = []
        self.note(_has_only_python_threads())

    def note(self, is_fork=True):
        """In the child, after a fork."""
        self.lock = threading.Lock()  # another thread of the parent may have held it
        self.broken = [it for it in BACKENDS.values() if is_fork and it.runs()]


def _has_only_python_threads():
    try:
        return len(os.listdir("/proc/self/task")) <= threading.active_count()
    except OSError:  # not Linux
        return False


_fork = _Fork()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_fork.note)
