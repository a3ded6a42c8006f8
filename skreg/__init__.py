"""Keras networks as scikit-learn estimators, every regularizer a parameter."""

from ._classifier import MLPRegularizedClassifier
from ._regressor import MLPRegularizedRegressor
from ._stacked import stacked

__all__ = ["MLPRegularizedClassifier", "MLPRegularizedRegressor", "stacked"]
__version__ = "0.1.0.dev0"
