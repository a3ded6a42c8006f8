"""Keras networks as scikit-learn estimators, every regularizer a parameter."""

from ._classifier import MLPRegularizedClassifier
from ._regressor import MLPRegularizedRegressor

__all__ = ["MLPRegularizedClassifier", "MLPRegularizedRegressor"]
__version__ = "0.1.0.dev0"
