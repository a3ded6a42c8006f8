"""Groups of rows, and scikit-learn's metadata routing, in all that draws folds."""

from typing import ClassVar

import matplotlib as mpl
import numpy as np
import pytest
import sklearn
from scipy.stats import uniform
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.fixes import parse_version

from skreg import (
    MLPRegularizedClassifier,
    RegularizationPathDisplay,
    RegularizationSearchCV,
    compare_remedies,
)
from skreg.inspection import splits_of

mpl.use("agg")
X, Y = load_iris(return_X_y=True)
GROUPS = np.arange(len(X)) % 10
FOLDS = list(GroupKFold(3).split(X, Y, GROUPS))  # what the groups should give
# Without pilots, whose folds depend on groups, too.
NETWORK = MLPRegularizedClassifier((4,), l2=0.01, epochs=3, random_state=0)


def searching(network=NETWORK, **parameters):
    space = {"dropout": uniform(0, 0.5)}
    settings = {"n_iter": 3, "n_members": 2, "random_state": 0} | parameters
    return RegularizationSearchCV(network, space=space, **settings)


def test_a_search_gives_groups_to_its_splitter():
    found = searching(cv=GroupKFold(3)).fit(X, Y, groups=GROUPS)
    expected = searching(cv=FOLDS).fit(X, Y)
    np.testing.assert_array_equal(
        found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))


def test_remedies_give_groups_to_the_splitter():
    one = {"dropout": {"dropout": 0.5}}
    found = compare_remedies(
        X, Y, NETWORK, groups=GROUPS, cv=GroupKFold(3), remedies=one
    )
    expected = compare_remedies(X, Y, NETWORK, cv=FOLDS, remedies=one)
    assert found.remedies == expected.remedies


def test_a_diagnosis_gives_groups_to_the_splitter():
    network = clone(NETWORK).fit(X, Y)
    found = network.diagnose(X, Y, groups=GROUPS, cv=GroupKFold(3))
    assert found.evidence == network.diagnose(X, Y, cv=FOLDS).evidence


def test_a_path_gives_groups_to_the_splitter():
    path = {"param_name": "dropout", "param_range": [0.0]}
    found = RegularizationPathDisplay.from_estimator(
        NETWORK, X, Y, groups=GROUPS, cv=GroupKFold(3), **path
    )
    expected = RegularizationPathDisplay.from_estimator(NETWORK, X, Y, cv=FOLDS, **path)
    np.testing.assert_array_equal(found.validation_scores, expected.validation_scores)


@pytest.mark.parametrize("y", [Y, Y + 0.5])
def test_a_number_of_folds_keeps_groups_together(y):
    groups = np.random.default_rng(0).integers(0, 20, len(X))  # of unequal sizes
    splits = splits_of(NETWORK, X, y, 5, repeats=2, groups=groups)
    assert len(splits) == 10
    for training, validation in splits:
        assert not set(groups[training]) & set(groups[validation])
    assert any(
        not np.array_equal(a, b)
        for (_, a), (_, b) in zip(splits, splits[5:], strict=False)
    )
    search = searching(cv=3).fit(X, Y, groups=GROUPS)
    for training, validation in search.search_.cv.split(X, Y, GROUPS):
        assert not set(GROUPS[training]) & set(GROUPS[validation])


class Spy(MLPRegularizedClassifier):
    """A network that notes the groups that its fits get."""

    seen: ClassVar = []

    def fit(self, X, y, groups=None, **parameters):
        self.seen.append(groups)
        return super().fit(X, y, groups=groups, **parameters)


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_pilots_and_early_stopping_get_the_groups(in_pipeline):
    Spy.seen.clear()
    network = Spy((4,), epochs=2, random_state=0)
    estimator = make_pipeline(MinMaxScaler(), network) if in_pipeline else network
    prefix = "spy__" if in_pipeline else ""
    one = {"dropout": {"dropout": 0.5}}
    compare_remedies(X, Y, estimator, groups=GROUPS, cv=2, repeats=1, remedies=one)
    assert Spy.seen[0] is GROUPS  # of the pilots
    assert [len(set(groups)) for groups in Spy.seen[1:]] == [5] * 4
    Spy.seen.clear()
    space = {f"{prefix}dropout": uniform(0, 0.5)}
    search = RegularizationSearchCV(estimator, space=space, n_iter=1, cv=2)
    search.fit(X, Y, groups=GROUPS)
    assert Spy.seen[0] is GROUPS  # of the pilots
    assert Spy.seen[-1] is GROUPS  # of the last fit


class FailsAtLast(MLPRegularizedClassifier):
    """A network that fails as an ensemble."""

    def fit(self, X, y, **parameters):
        if self.n_members > 1:
            raise MemoryError
        return super().fit(X, y, **parameters)


def test_what_was_found_is_kept_if_the_last_fit_fails():
    search = searching(FailsAtLast((4,), epochs=3), cv=2)
    with pytest.raises(MemoryError):
        search.fit(X, Y)
    assert 0 < search.best_params_["dropout"] < 0.5
    assert search.best_score_ == max(search.cv_results_["mean_test_score"][-1:])
    assert not hasattr(search, "best_estimator_")


def test_the_search_is_a_router():
    weight = np.where(Y == 2, 1.0, 1e-9)  # the network learns one class alone
    search = searching(cv=GroupKFold(2))
    given = {"sample_weight": weight, "groups": GROUPS}
    with config_context(enable_metadata_routing=True):
        with pytest.raises(ValueError, match="sample_weight.* not explicitly set"):
            cross_validate(search, X, Y, params=given, error_score="raise")
        network = clone(NETWORK).set_params(epochs=30)
        network.set_fit_request(sample_weight=True)
        network.set_score_request(sample_weight=True)
        search.set_params(estimator=network)
        grid = GridSearchCV(network, {"dropout": [0.0]}, cv=GroupKFold(2))
        scores, expected = (
            cross_validate(
                router, X, Y, params=given, cv=GroupKFold(2), error_score="raise"
            )["test_score"]
            for router in (search, grid)
        )
        fitted = search.fit(X, Y, **given)
        weighted = fitted.score(X, Y, sample_weight=weight)
    np.testing.assert_allclose(scores, expected, atol=0.01)
    if parse_version(sklearn.__version__) >= parse_version("1.9"):
        assert scores.min() > 0.99  # older ones pass no weights on
    assert weighted > 0.99
    assert fitted.score(X, Y) == pytest.approx(1 / 3)


def test_weights_reach_the_last_fit_without_routing():
    weight = np.where(Y == 2, 1.0, 1e-9)
    search = searching(clone(NETWORK).set_params(epochs=30), cv=GroupKFold(2))
    search.fit(X, Y, groups=GROUPS, sample_weight=weight)
    assert set(search.predict(X)) == {2}
