"""Lazy ``keras.ops``: Keras is imported when a function is first used.

The engine's modules can thus be imported, and parameters checked, without TensorFlow.
"""

from .lazy_keras import keras


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    function = getattr(keras().ops, name)
    globals()[name] = function
    return function


def mean(x, axis=-1):
    """Mean along an axis. Keras's own has single precision on JAX."""
    return keras().ops.sum(x, axis=axis) / x.shape[axis]
