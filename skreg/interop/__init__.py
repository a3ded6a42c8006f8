"""Conversion to and from other libraries: Keras, SciKeras, ONNX; callbacks.

May import: engine, fitting.
"""

from .callbacks import copied_callbacks, with_listeners
from .from_keras import network_from_keras
from .keras_model import build_average, build_model
from .onnx_graph import Graph, mean_outputs
from .scikeras import to_scikeras

__all__ = [
    "Graph",
    "build_average",
    "build_model",
    "copied_callbacks",
    "mean_outputs",
    "network_from_keras",
    "to_scikeras",
    "with_listeners",
]
