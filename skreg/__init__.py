"""Keras networks as scikit-learn estimators, every regularizer a parameter."""

from ._classifier import MLPRegularizedClassifier
from ._diagnosis import Diagnosis
from ._displays import LossCurveDisplay, RemedyDisplay
from ._files import load, save
from ._onnx import register_onnx_converters
from ._path_display import RegularizationPathDisplay
from ._regressor import MLPRegularizedRegressor
from ._remedies import compare_remedies
from ._remedy_report import RemedyReport
from ._search import RegularizationSearchCV
from ._spaces import regularization_space
from ._stacked import stacked
from ._weights_display import WeightsDisplay

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
