"""scikit-learn's tools take the estimators as they are."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.support import plain_classifier, plain_regressor

X, Y = make_classification(240, 8, n_informative=5, random_state=0)
THREE = make_classification(240, 8, n_informative=5, n_classes=3, random_state=0)


def classifier(**settings):
    fast = {"epochs": 15, "learning_rate": 0.01, "random_state": 0}
    return plain_classifier((16,), **(fast | settings))


def regressor(**settings):
    return plain_regressor((16,), epochs=20, random_state=0, **settings)


def test_kinds():
    assert is_classifier(classifier())
    assert not is_regressor(classifier())
    assert is_regressor(regressor())


def test_grid_search_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), classifier())
    grid = {
        "mlpregularizedclassifier__dropout": [0.0, 0.4],
        "mlpregularizedclassifier__batchnorm": [False, True],
    }
    search = GridSearchCV(pipeline, grid, cv=StratifiedKFold(3)).fit(X, Y)
    assert search.best_score_ > 0.8
    assert set(search.cv_results_["rank_test_score"]) <= {1, 2, 3, 4}


def test_randomized_search():
    space = {"l2": [0.0, 1e-3, 1e-2], "dropout": [0.0, 0.3]}
    search = RandomizedSearchCV(classifier(), space, n_iter=3, random_state=0)
    assert search.fit(X, Y).best_score_ > 0.8


@pytest.mark.parametrize("resource", ["n_samples", "epochs"])
def test_halving_search(resource):
    search = HalvingRandomSearchCV(
        classifier(),
        {"dropout": [0.0, 0.2, 0.4], "l2": [0.0, 1e-3, 1e-2]},
        n_candidates=9,
        resource=resource,
        max_resources=40 if resource == "epochs" else "auto",
        min_resources=5 if resource == "epochs" else "smallest",
        random_state=0,
        cv=2,
    ).fit(X, Y)
    assert search.best_score_ > 0.7


def test_an_integer_cv_is_stratified():
    """A sorted target would leave unstratified folds with one class."""
    order = np.argsort(Y)
    assert cross_val_score(classifier(), X[order], Y[order], cv=3).min() > 0.7


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "average_precision"])
def test_scorers_of_probabilities(scoring):
    scores = cross_val_score(classifier(), X, Y, scoring=scoring, cv=3)
    assert np.isfinite(scores).all()
    fitted = classifier().fit(X, Y)
    if scoring == "neg_log_loss":
        expected = -log_loss(Y, fitted.predict_proba(X))
        assert get_scorer(scoring)(fitted, X, Y) == pytest.approx(expected)


def test_scorers_of_margins():
    hinge = classifier(loss="hinge")
    assert cross_val_score(hinge, X, Y, scoring="roc_auc").min() > 0.8


def test_scorers_of_many_classes():
    scores = cross_val_score(classifier(), *THREE, scoring="roc_auc_ovr", cv=3)
    assert scores.min() > 0.7


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_calibration(loss):
    calibrated = CalibratedClassifierCV(classifier(loss=loss), cv=2).fit(X, Y)
    assert calibrated.score(X, Y) > 0.8


def test_voting():
    members = [("network", classifier()), ("linear", LogisticRegression())]
    assert VotingClassifier(members, voting="soft").fit(X, Y).score(X, Y) > 0.8


def test_bagging():
    bag = BaggingClassifier(classifier(), n_estimators=3, random_state=0).fit(X, Y)
    assert bag.score(X, Y) > 0.8


def test_stacking(diabetes):
    stack = StackingRegressor([("network", regressor()), ("ridge", Ridge())], cv=2)
    assert stack.fit(*diabetes).score(*diabetes) > 0.4


def test_one_against_the_rest():
    network = OneVsRestClassifier(classifier()).fit(*THREE)
    assert network.score(*THREE) > 0.7
    assert network.predict_proba(THREE[0]).shape == (240, 3)


def test_multi_output(diabetes):
    X, y = diabetes
    both = np.stack([y, -y], axis=1)
    assert MultiOutputRegressor(regressor()).fit(X, both).score(X, both) > 0.3


def test_permutation_importance(rng):
    X = rng.normal(size=(200, 4))
    y = (X[:, 2] > 0).astype(int)
    found = permutation_importance(classifier().fit(X, y), X, y, random_state=0)
    assert found.importances_mean.argmax() == 2


def test_learning_curve():
    sizes, _, scores = learning_curve(classifier(), X, Y, train_sizes=[60, 120], cv=2)
    assert list(sizes) == [60, 120]
    assert np.isfinite(scores).all()


def test_two_processes():
    plain = cross_val_score(classifier(), X, Y, cv=3)
    parallel = cross_val_score(classifier(), X, Y, cv=3, n_jobs=2)
    np.testing.assert_array_equal(plain, parallel)


def test_invalid_candidates_score_nan():
    with (
        pytest.warns(FitFailedWarning, match="'dropout' parameter .* Got 1.5"),
        pytest.warns(UserWarning, match="scores are non-finite"),
    ):
        search = GridSearchCV(
            classifier(), {"dropout": [0.1, 1.5], "learning_rate": [0.01]}, cv=2
        ).fit(X, Y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]


def test_weights_are_routed():
    weight = np.where(Y == 1, 5.0, 1.0)
    with config_context(enable_metadata_routing=True):
        network = classifier().set_fit_request(sample_weight=True)
        network.set_score_request(sample_weight=True)
        routed = cross_validate(
            network, X, Y, cv=2, params={"sample_weight": weight}, return_estimator=True
        )
        plain = cross_validate(classifier(), X, Y, cv=2, return_estimator=True)
    shares = [
        found["estimator"][0].predict_proba(X)[:, 1].mean() for found in (routed, plain)
    ]
    assert shares[0] > shares[1] + 0.01


def test_validation_rows_can_be_routed():
    with config_context(enable_metadata_routing=True):
        network = classifier().set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), network)
        pipeline.fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:])
    assert "val_loss" in pipeline[-1].history_
