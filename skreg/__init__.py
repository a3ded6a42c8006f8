"""Keras networks as scikit-learn estimators, every regularizer a parameter."""

from .estimators import MLPRegularizedClassifier, MLPRegularizedRegressor
from .files import load, save
from .inspection import (
    Diagnosis,
    LossCurveDisplay,
    RegularizationPathDisplay,
    RemedyDisplay,
    WeightsDisplay,
)
from .onnx import register_onnx_converters
from .search import (
    RegularizationSearchCV,
    RemedyReport,
    compare_remedies,
    regularization_space,
)
from .stacking import stacked

__all__ = [
    "Diagnosis",
    "LossCurveDisplay",
    "MLPRegularizedClassifier",
    "MLPRegularizedRegressor",
    "RegularizationPathDisplay",
    "RegularizationSearchCV",
    "RemedyDisplay",
    "RemedyReport",
    "WeightsDisplay",
    "compare_remedies",
    "load",
    "register_onnx_converters",
    "regularization_space",
    "save",
    "stacked",
]
__version__ = "0.1.0"
