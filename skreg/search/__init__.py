"""Which remedies help: each compared on the same folds, and searches over all of them.

May import: fitting, stacking, inspection, estimators.
"""

from .remedies import compare_remedies
from .remedy_report import RemedyReport
from .search import RegularizationSearchCV
from .space import regularization_space

__all__ = [
    "RegularizationSearchCV",
    "RemedyReport",
    "compare_remedies",
    "regularization_space",
]
