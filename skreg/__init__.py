"""Keras networks as scikit-learn estimators, every regularizer a parameter."""

from .estimators.classifier import MLPRegularizedClassifier
from .estimators.regressor import MLPRegularizedRegressor
from .files import load, save
from .inspection.diagnosis import Diagnosis
from .inspection.displays import LossCurveDisplay, RemedyDisplay
from .inspection.path_display import RegularizationPathDisplay
from .inspection.weights_display import WeightsDisplay
from .onnx import register_onnx_converters
from .search.remedies import compare_remedies
from .search.remedy_report import RemedyReport
from .search.search import RegularizationSearchCV
from .search.space import regularization_space
from .stacking.context import stacked

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
