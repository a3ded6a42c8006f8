"""The classifier and the regressor: how they are fitted, and what they can do then.

May import: engine, fitting, persistence, interop, stacking, inspection.
"""

from .classifier import MLPRegularizedClassifier
from .regressor import MLPRegularizedRegressor

__all__ = [
    "MLPRegularizedClassifier",
    "MLPRegularizedRegressor",
]
