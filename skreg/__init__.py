"""Keras networks as scikit-learn estimators, every regularizer a parameter.

The public names are here and in `skreg.datasets`. The other folders, `skreg.engine`
and so on, are internal: see docs/design.md.
"""

from .estimators import MLPRegularizedClassifier, MLPRegularizedRegressor
from .files import load, save
from .inspection import (
    Diagnosis,
    Estimate,
    FeaturePathDisplay,
    LossCurveDisplay,
    RegularizationPathDisplay,
    RemedyDisplay,
    StrengthDisplay,
    WeightsDisplay,
)
from .onnx import register_onnx_converters
from .search import (
    RegularizationSearchCV,
    Remedy,
    RemedyReport,
    Sometimes,
    compare_remedies,
    regularization_space,
)
from .stacking import stacked

__all__ = [
    "Diagnosis",
    "Estimate",
    "FeaturePathDisplay",
    "LossCurveDisplay",
    "MLPRegularizedClassifier",
    "MLPRegularizedRegressor",
    "RegularizationPathDisplay",
    "RegularizationSearchCV",
    "Remedy",
    "RemedyDisplay",
    "RemedyReport",
    "Sometimes",
    "StrengthDisplay",
    "WeightsDisplay",
    "compare_remedies",
    "load",
    "register_onnx_converters",
    "regularization_space",
    "save",
    "stacked",
]
__version__ = "0.2.0"

# Pickles, skops' trusted types, the reference and tracebacks call all of these skreg's,
# whatever module they are in.
for _thing in map(globals().__getitem__, __all__):
    _thing.__module__ = __name__
del _thing
