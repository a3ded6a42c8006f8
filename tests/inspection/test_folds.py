"""Splits: what `cv` takes, and what is said of the rest."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, LeaveOneGroupOut, TimeSeriesSplit

from skreg import (
    FeaturePathDisplay,
    MLPRegularizedClassifier,
    RegularizationPathDisplay,
    RegularizationSearchCV,
    compare_remedies,
)
from skreg.inspection import splits_of

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 2
NETWORK = MLPRegularizedClassifier((4,), l2=0.01, epochs=2, random_state=0)
TOOLS = {
    "compare_remedies": lambda cv: compare_remedies(X, Y, NETWORK, cv=cv),
    "diagnose": lambda cv: NETWORK.fit(X, Y).diagnose(X, Y, cv=cv),
    "RegularizationPathDisplay": lambda cv: RegularizationPathDisplay.from_estimator(
        NETWORK, X, Y, param_name="l2", param_range=[0.1], cv=cv
    ),
    "FeaturePathDisplay": lambda cv: FeaturePathDisplay.from_estimator(
        NETWORK, X, Y, strengths=[0.1], cv=cv
    ),
    "RegularizationSearchCV": lambda cv: RegularizationSearchCV(
        NETWORK, n_iter=1, cv=cv
    ).fit(X, Y),
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("cv", [1, 0, -3, True, 2.5, "five", KFold])
def test_a_cv_that_is_none(tool, cv):
    with pytest.raises(ValueError, match="'cv' parameter must be an integer of at le"):
        TOOLS[tool](cv)


@pytest.mark.parametrize(
    ("cv", "said"),
    [
        (41, "n_splits=41"),
        ([], "no split"),
        ([(np.arange(30), [])], "without rows"),
        ([(np.arange(30), [30, 40])], "index 40"),
        ([(np.arange(30) < 20, np.arange(30) >= 20)], "boolean"),
        (TimeSeriesSplit(50), "folds=51"),
        (LeaveOneGroupOut(), "'groups' parameter"),
    ],
)
def test_a_cv_that_does_not_fit_the_rows(cv, said):
    with pytest.raises(ValueError, match=f"'cv' parameter cannot split .*{said}"):
        splits_of(NETWORK, X, Y, cv)


def test_masks_are_the_rows_that_they_mark():
    """Sizes of the parts count in the intervals, and masks are as long as the rows."""
    folds = list(KFold(4).split(X))
    masks = [
        tuple(np.isin(np.arange(40), rows) for rows in training_and_validation)
        for training_and_validation in folds
    ]
    for found, expected in zip(splits_of(NETWORK, X, Y, masks), folds, strict=True):
        for rows, those in zip(found, expected, strict=True):
            np.testing.assert_array_equal(rows, those)
    network = NETWORK.fit(X, Y)
    assert network.diagnose(X, Y, cv=masks) == network.diagnose(X, Y, cv=folds)
