"""Keras, imported when it is first needed and without TensorFlow's start-up chatter."""

import functools
import importlib
import os
import re
import sys
import threading
from contextlib import contextmanager, suppress

# Lines that TensorFlow's C++ part prints while it starts, on a machine where all is
# well: notes (I) and warnings (W) of its two log formats, and two complaints of its GPU
# part that only say that there is no GPU.
_CHATTER = re.compile(
    rb"[IW]\d{4} |\d{4}-\d\d-\d\d [\d:.]+: [IW] "
    rb"|WARNING: All log messages before absl::InitializeLog"
    rb"|To enable the following instructions: "
    rb"|.*failed call to cuInit|.*when one has already been registered"
)

_lock = threading.Lock()


def keras():
    """The ``keras`` module on its TensorFlow backend, imported on the first call."""
    with _lock:
        return _import_keras()


def floatx():
    """Keras's dtype of weights and data."""
    return keras().config.floatx()


@functools.cache
def _import_keras():
    if "keras" not in sys.modules:
        _check_backend(os.environ.get("KERAS_BACKEND") or "tensorflow")
    with _minimum_log_level("2"), _without_chatter():
        module = importlib.import_module("keras")
        _check_backend(module.backend.backend())
        _first_steps()
    return module


def _first_steps():
    """Have TensorFlow look for devices and XLA start, which both print notes."""
    tensorflow = importlib.import_module("tensorflow")
    start_xla = tensorflow.function(lambda x: x + 1, jit_compile=True)
    # Without XLA the engine says so when it compiles.
    with suppress(tensorflow.errors.OpError):
        start_xla(tensorflow.zeros(()))


def _check_backend(name):
    if name != "tensorflow":
        raise ImportError(
            "skreg trains with Keras's 'tensorflow' backend, but Keras runs on "
            f"{name!r}. Set KERAS_BACKEND=tensorflow, or unset it, before Python "
            "starts."
        )


@contextmanager
def _minimum_log_level(level):
    """TensorFlow reads its log level from the environment once, while it loads."""
    name = "TF_CPP_MIN_LOG_LEVEL"
    if name in os.environ:
        yield
        return
    os.environ[name] = level
    try:
        yield
    finally:
        del os.environ[name]


@contextmanager
def _without_chatter():
    """Keep TensorFlow's start-up notes, and nothing else, from standard error.

    Some of them are printed before TensorFlow heeds its log level, and from C++, so
    the file descriptor itself is led through a filter while the block runs.
    """
    try:
        stderr = os.dup(2)
    except OSError:  # it is closed: nothing can be printed
        yield
        return
    read_end, write_end = os.pipe()
    os.dup2(write_end, 2)
    os.close(write_end)
    pump = threading.Thread(target=_pump, args=(read_end, stderr), daemon=True)
    pump.start()
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        # A child process started meanwhile may hold the pipe open: the filter then
        # goes on beside us for as long as that process writes.
        pump.join(timeout=1)


def _pump(read_end, stderr):
    with open(read_end, "rb") as lines, open(stderr, "wb", buffering=0) as out:
        for line in lines:
            if not _CHATTER.match(line):
                out.write(line)
