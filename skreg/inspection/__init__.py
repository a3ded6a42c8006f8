"""Folds and scores on held-out rows, diagnosis of over- and underfitting, displays.

May import: engine, fitting, stacking.
"""

from .diagnosis import Diagnosis, Estimate, would_change
from .diagnosis_of_folds import diagnose_folds
from .diagnosis_of_history import diagnose_history
from .feature_path_display import FeaturePathDisplay
from .folds import (
    check_folds,
    paired_interval,
    score_name,
    shuffled_folds,
    splits_of,
)
from .loss_curve_display import LossCurveDisplay
from .path_display import RegularizationPathDisplay
from .remedy_display import RemedyDisplay
from .strength_display import StrengthDisplay
from .trials import Trial, for_network, with_chosen_strength
from .weights_display import WeightsDisplay

__all__ = [
    "Diagnosis",
    "Estimate",
    "FeaturePathDisplay",
    "LossCurveDisplay",
    "RegularizationPathDisplay",
    "RemedyDisplay",
    "StrengthDisplay",
    "Trial",
    "WeightsDisplay",
    "check_folds",
    "diagnose_folds",
    "diagnose_history",
    "for_network",
    "paired_interval",
    "score_name",
    "shuffled_folds",
    "splits_of",
    "with_chosen_strength",
    "would_change",
]
