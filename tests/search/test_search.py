"""The space of all remedies and the search over it."""

import numpy as np
import pytest
from scipy.stats import uniform
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_iris
from sklearn.model_selection import ParameterSampler, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skreg import (
    MLPRegularizedClassifier,
    MLPRegularizedRegressor,
    RegularizationSearchCV,
    regularization_space,
)
from skreg.fitting import check_parameters
from skreg.search.space import Sometimes
from skreg.stacking.gatherer import current_gatherer

X, Y = load_iris(return_X_y=True)
SMALL = {"learning_rate": uniform(0.005, 0.02), "dropout": Sometimes(uniform(0, 0.5))}


@pytest.mark.parametrize("level", ["quick", "full"])
@pytest.mark.parametrize("kind", [MLPRegularizedClassifier, MLPRegularizedRegressor])
def test_every_candidate_is_accepted(kind, level):
    name = "classification" if kind is MLPRegularizedClassifier else "regression"
    space = regularization_space(name, level)
    for candidate in ParameterSampler(space, 100, random_state=0):
        check_parameters(kind().set_params(**candidate), kind._rules)


def test_levels():
    def values(level, name, n=300):
        sampler = ParameterSampler(regularization_space(level=level), n, random_state=0)
        return [candidate.get(name) for candidate in sampler]

    assert set(values("quick", "hidden_layer_sizes")) == {None}
    assert set(values("quick", "optimizer")) == {None}
    assert len(set(values("full", "hidden_layer_sizes"))) > 3
    # What only some optimizers know is drawn for these alone.
    for optimizer, momentum in zip(
        values("full", "optimizer"), values("full", "momentum"), strict=True
    ):
        assert (momentum is not None) == (optimizer == "sgd")
    off = np.mean(np.array(values("quick", "dropout")) == 0)
    assert 0.2 < off < 0.4
    rates = np.log10(values("quick", "learning_rate"))
    assert abs(np.median(rates) - rates.min() / 2 - rates.max() / 2) < 0.2


def test_sometimes():
    drawn = Sometimes(uniform(1, 1), 0.25, otherwise=None).rvs(4000, random_state=0)
    on = np.array([v is not None for v in drawn])
    assert abs(on.mean() - 0.25) < 0.03
    assert min(drawn[on]) >= 1
    again = Sometimes(uniform(1, 1), 0.25, otherwise=None).rvs(4000, random_state=0)
    assert list(drawn) == list(again)
    assert repr(Sometimes(uniform(1, 1))) == "Sometimes(uniform(1, 1), 0.5, 0.0)"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "classifier"}, "'kind' .* one of 'classification', 'regression'"),
        ({"level": "all"}, "'level' .* one of 'quick', 'full'. Got 'all'"),
    ],
)
def test_wrong_names_of_a_space(wrong, message):
    with pytest.raises(ValueError, match=message):
        regularization_space(**wrong)


@pytest.fixture(scope="module")
def search():
    network = MLPRegularizedClassifier((8,), epochs=18)
    search = RegularizationSearchCV(
        network, n_iter=9, cv=3, space=SMALL, random_state=0
    )
    return search.fit(*load_iris(return_X_y=True))


def test_candidates_race(search):
    X, y = load_iris(return_X_y=True)
    results = search.cv_results_
    assert np.bincount(results["iter"]).tolist() == [9, 3, 1]
    assert sorted(set(results["param_epochs"])) == [2, 6, 18]
    assert search.best_params_["epochs"] == 18
    assert search.best_score_ == results["mean_test_score"][search.best_index_]
    np.testing.assert_array_equal(search.predict(X), search.best_estimator_.predict(X))
    np.testing.assert_array_equal(
        search.predict_proba(X), search.best_estimator_.predict_proba(X)
    )
    assert search.score(X, y) == search.best_estimator_.score(X, y)
    assert len(search.best_estimator_.members_) == 5
    assert search.classes_.tolist() == [0, 1, 2]
    assert search.n_features_in_ == 4
    assert not hasattr(search, "decision_function")
    assert current_gatherer() is None


def test_the_last_fit_has_all_epochs():
    """A third of 17 epochs is 5, and three times 5 is 15."""
    network = MLPRegularizedClassifier((4,), epochs=17, l2=0.01)
    search = RegularizationSearchCV(network, n_iter=3, cv=2, n_members=1, space=SMALL)
    search.fit(*load_iris(return_X_y=True))
    assert search.best_params_["epochs"] == 15
    assert search.best_estimator_.n_iter_ == 17


def test_without_the_last_fit_nothing_predicts():
    network = MLPRegularizedClassifier((4,), epochs=2, l2=0.01)
    search = RegularizationSearchCV(network, n_iter=2, cv=2, refit=False, space=SMALL)
    X, y = load_iris(return_X_y=True)
    assert 0 <= search.fit(X, y).best_score_ <= 1
    assert not hasattr(search, "predict_proba")
    with pytest.raises(AttributeError, match=r"predict needs .* with refit=True"):
        search.predict(X)
    with pytest.raises(AttributeError, match=r"best_estimator_ needs .* refit=True"):
        print(search.best_estimator_)


def test_the_same_again(search):
    again = clone(search).fit(*load_iris(return_X_y=True))
    assert again.best_params_ == search.best_params_
    np.testing.assert_array_equal(
        again.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )


def test_the_best_may_stay_one_network():
    network = make_pipeline(StandardScaler(), MLPRegularizedClassifier((8,), epochs=9))
    search = RegularizationSearchCV(network, n_iter=1, cv=2, n_members=1)
    best = search.fit(*load_iris(return_X_y=True)).best_estimator_
    assert len(best[-1].members_) == 1


def test_folds_are_shuffled(search):
    """Iris is sorted by class: plain folds of sorted rows are no fair sample."""
    _, test = next(search.search_.cv.split(*load_iris(return_X_y=True)))
    assert np.ptp(np.diff(test)) > 2


def test_nested_cross_validation():
    X, y = load_iris(return_X_y=True)
    network = make_pipeline(StandardScaler(), MLPRegularizedClassifier((8,), epochs=9))
    search = RegularizationSearchCV(network, n_iter=4, cv=2, random_state=0)
    assert cross_val_score(search, X, y, cv=3).mean() > 0.6


def test_what_kind_of_estimator_it_is():
    assert is_classifier(RegularizationSearchCV())
    assert is_regressor(RegularizationSearchCV(MLPRegularizedRegressor()))
    assert hasattr(RegularizationSearchCV(), "predict_proba")
    assert not hasattr(RegularizationSearchCV(MLPRegularizedRegressor()), "classes_")
    hinge = RegularizationSearchCV(MLPRegularizedClassifier(loss="hinge"))
    assert not hasattr(hinge, "predict_proba")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_iter": 0}, "'n_iter' .* at least 1. Got 0"),
        ({"factor": 1}, "'factor' .* at least 2. Got 1"),
        ({"n_members": 0}, "'n_members' .* at least 1. Got 0"),
        ({"level": "slow"}, "'level' .* Got 'slow'"),
        ({"space": 3}, "'space' .* must be a dict .* Got 3"),
        ({"space": [{"dropout": [0.5]}, "l2"]}, "'space' .* list of such dicts"),
        ({"space": []}, "'space' .* Got \\[\\]"),
        ({"estimator": StandardScaler()}, "'estimator' .* must be an MLPRegularized"),
        ({"estimator": [("mlp", 1)]}, "'estimator' .* must be an MLPRegularized"),
    ],
)
def test_wrong_parameters(wrong, message):
    search = RegularizationSearchCV(**wrong)
    with pytest.raises(ValueError, match=message):
        search.fit(*load_iris(return_X_y=True))
    assert not hasattr(search, "search_")


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (X, X[:, 0], "Unknown label type: continuous"),
        (np.where(X > 7, np.nan, X), Y, "Input X contains NaN"),
        (np.array([["a"]] * len(X), dtype=object), Y, "X must hold numbers"),
    ],
)
def test_wrong_data_are_found_before_any_candidate(X, y, message):
    with pytest.raises(ValueError, match=message):
        RegularizationSearchCV(n_iter=4).fit(X, y)
