"""Comparison of remedies on the same folds, and hyperparameter search over all.

May import: fitting, stacking, inspection, estimators.
"""

from .remedies import compare_remedies
from .remedy_report import Remedy, RemedyReport
from .search import RegularizationSearchCV
from .space import Sometimes, regularization_space

__all__ = [
    "RegularizationSearchCV",
    "Remedy",
    "RemedyReport",
    "Sometimes",
    "compare_remedies",
    "regularization_space",
]
