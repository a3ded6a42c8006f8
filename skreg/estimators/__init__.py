"""The estimators, `MLPRegularizedClassifier` and `MLPRegularizedRegressor`.

May import: engine, fitting, persistence, interop, stacking, inspection.
"""

from .classifier import MLPRegularizedClassifier
from .compatibility import PickledMixin
from .regressor import MLPRegularizedRegressor

__all__ = [
    "MLPRegularizedClassifier",
    "MLPRegularizedRegressor",
    "PickledMixin",
]
