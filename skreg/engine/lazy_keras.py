"""Import Keras lazily, on first use, without TensorFlow's start-up messages."""

import functools
import importlib
import os
import re
import sys
import threading
from contextlib import contextmanager

# Lines that TensorFlow's C++ code prints at start-up although nothing is wrong: info
# (I) and warning (W) messages in its two log formats, and two complaints of its GPU
# code that only say that there is no GPU.
_CHATTER = re.compile(
    rb"[IW]\d{4} |\d{4}-\d\d-\d\d [\d:.]+: [IW] "
    rb"|WARNING: All log messages before absl::InitializeLog"
    rb"|To enable the following instructions: "
    rb"|.*failed call to cuInit|.*when one has already been registered"
)

_lock = threading.Lock()


def keras():
    """The ``keras`` module with a backend of ours, imported on the first call.

    To import it does not start the backend: see `backends.start_backend`.
    """
    if not _import_keras.cache_info().currsize:  # a fork may have copied a taken lock
        with _lock:
            _import_keras()
    return _import_keras()


@functools.cache
def _import_keras():
    if "keras" not in sys.modules:
        _check_backend(os.environ.get("KERAS_BACKEND") or "tensorflow")
    with _minimum_log_level("2"), without_chatter():
        module = importlib.import_module("keras")
        _check_backend(module.backend.backend())
    return module


def _check_backend(name):
    if name not in ("tensorflow", "jax"):
        raise ImportError(
            "skreg trains with Keras's backends 'tensorflow' and 'jax', but Keras runs "
            f"on {name!r}. Set KERAS_BACKEND to one of these, or unset it, before "
            "Python starts."
        )


@contextmanager
def _minimum_log_level(level):
    """Set TensorFlow's log level, which it reads from the environment at import."""
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
def without_chatter():
    """Filter TensorFlow's start-up messages, and nothing else, out of standard error.

    C++ code prints some of them before TensorFlow applies its log level. The file
    descriptor itself is therefore piped through a filter while the block runs.
    """
    try:
        stderr = os.dup(2)
    except OSError:  # standard error is closed: nothing can be printed
        yield
        return
    read_end, write_end = os.pipe()
    os.dup2(write_end, 2)
    os.close(write_end)
    pump = threading.Thread(target=_filter_lines, args=(read_end, stderr), daemon=True)
    pump.start()
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        # A child process started meanwhile may keep the pipe open. The filter thread
        # then runs on until that process closes it.
        pump.join(timeout=1)


def _filter_lines(read_end, stderr):
    with open(read_end, "rb") as lines, open(stderr, "wb", buffering=0) as out:
        for line in lines:
            if not _CHATTER.match(line):
                out.write(line)
