"""``keras.ops`` under a name that costs nothing until a function is used.

``ops.matmul`` imports Keras on its first use, so that the engine's modules can be
imported, and parameters checked, without TensorFlow.
"""

from .lazy_keras import keras


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    function = getattr(keras().ops, name)
    globals()[name] = function
    return function
