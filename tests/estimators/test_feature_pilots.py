"""Pilots for features: what ``feature_l1="auto"`` chooses, and where it does not."""

import pickle
import re
from unittest import mock

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone

import skreg
from skreg import (
    FeaturePathDisplay,
    RegularizationPathDisplay,
    RegularizationSearchCV,
    compare_remedies,
    stacked,
)
from skreg.estimators import pilots
from skreg.estimators.pilots import FEATURE_STRENGTHS, N_FOLDS
from tests.support import plain_classifier, plain_regressor

NETWORK = plain_regressor(
    (16,), feature_l1="auto", l2=1e-3, epochs=40, batch_size=16, random_state=0
)
OPEN = ("l2", "dropout")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 12))
    return X, X[:, 0] - X[:, 1] + 0.3 * rng.normal(size=200)


@pytest.fixture(scope="module")
def fitted(data):
    return clone(NETWORK).fit(*data)


def pilots_in(function):
    """How often pilots chose `feature_l1` meanwhile."""
    choose = pilots._choose_feature_l1
    with mock.patch.object(pilots, "_choose_feature_l1", wraps=choose) as spied:
        function()
    return spied.call_count


def test_what_matters_is_found(fitted):
    np.testing.assert_array_equal(fitted.selected_features_, np.arange(12) < 2)


def test_the_strongest_within_a_standard_error_is_chosen(fitted):
    values, losses = (
        fitted.feature_path_["feature_l1"],
        fitted.feature_path_["val_loss"],
    )
    np.testing.assert_array_equal(values, [s.value for s in FEATURE_STRENGTHS])
    assert losses.shape == (len(values), N_FOLDS)
    differences = losses - losses[losses.mean(axis=1).argmin()]
    errors = differences.std(axis=1, ddof=1) / np.sqrt(N_FOLDS)
    good = differences.mean(axis=1) <= errors
    assert fitted.feature_l1_ == values[good].max()
    assert not good.all()


def test_the_final_network_is_that_with_the_chosen_number(fitted, data):
    given = clone(fitted).set_params(feature_l1=fitted.feature_l1_).fit(*data)
    np.testing.assert_allclose(fitted.predict(data[0]), given.predict(data[0]), 1e-5)
    assert given.feature_l1_ == fitted.feature_l1_
    assert not hasattr(given, "feature_path_")


def test_features_are_chosen_after_the_other_strengths(data):
    network = clone(NETWORK).set_params(**dict.fromkeys(OPEN, "auto"), epochs=5)
    both = clone(network).fit(*data)
    l2_alone = clone(network).set_params(feature_l1=0.0).fit(*data)
    assert (both.l2_, both.dropout_) == (l2_alone.l2_, l2_alone.dropout_)
    chosen = {"l2": both.l2_, "dropout": both.dropout_}
    features_alone = clone(network).set_params(**chosen).fit(*data)
    np.testing.assert_allclose(
        both.feature_path_["val_loss"], features_alone.feature_path_["val_loss"], 1e-4
    )
    assert set(both.strength_path_) == {"l2", "dropout", "val_loss"}
    assert not hasattr(features_alone, "strength_path_")


def test_the_same_in_a_stack(fitted, data):
    with stacked():
        inside = clone(NETWORK).fit(*data)
    assert inside.feature_l1_ == fitted.feature_l1_
    np.testing.assert_allclose(
        inside.feature_path_["val_loss"], fitted.feature_path_["val_loss"], 1e-5
    )


def test_classes_and_members(data):
    X, y = data
    network = plain_classifier((8,), feature_l1="auto", n_members=2, random_state=0)
    found = network.set_params(epochs=20).fit(X, y > 0)
    assert found.feature_l1_ > 0
    assert found.selected_features_[:2].all()
    assert {member.feature_l1_ for member in found.members_} == {found.feature_l1_}


def test_where_there_are_no_pilots_the_penalty_is_0(data):
    X, y = data
    for found in (
        clone(NETWORK).fit(X[:39], y[:39]),
        clone(NETWORK).partial_fit(X, y),
    ):
        assert found.feature_l1_ == 0
        assert found.selected_features_.all()
        assert not hasattr(found, "feature_path_")


def test_going_on_keeps_what_was_chosen(data):
    X, y = data
    network = clone(NETWORK).set_params(warm_start=True).fit(X, y)
    before = network.feature_l1_
    assert pilots_in(lambda: network.fit(X[:60], -y[:60]).partial_fit(X, y)) == 0
    assert network.feature_l1_ == before > 0
    network.set_params(warm_start=False, feature_l1=0.5).fit(X, y)
    assert network.feature_l1_ == 0.5
    assert not hasattr(network, "feature_path_")


def test_files_pickles_and_reduced_networks_hold_the_choice(fitted, tmp_path):
    skreg.save(fitted, tmp_path / "network.skreg")
    for copy in (
        skreg.load(tmp_path / "network.skreg"),
        pickle.loads(pickle.dumps(fitted)),
        fitted.reduced(),
    ):
        assert copy.feature_l1 == "auto"
        assert copy.feature_l1_ == fitted.feature_l1_
        for name, values in fitted.feature_path_.items():
            np.testing.assert_array_equal(copy.feature_path_[name], values)


def test_comparisons_and_searches_choose_once_or_never(data):
    X, y = data
    network = clone(NETWORK).set_params(epochs=3)
    one = {"dropout": {"dropout": 0.5}}
    compare = lambda: compare_remedies(X, y, network, cv=3, remedies=one)  # noqa: E731
    assert pilots_in(compare) == 1
    paths = RegularizationPathDisplay.from_estimator
    for name, n_calls in (("dropout", 1), ("feature_l1", 0)):
        drawn = {"param_name": name, "param_range": [0.1], "cv": 3}
        assert pilots_in(lambda drawn=drawn: paths(network, X, y, **drawn)) == n_calls
    features = FeaturePathDisplay.from_estimator
    assert pilots_in(lambda: features(network, X, y, strengths=[0.1], cv=3)) == 0
    search = RegularizationSearchCV(
        network,
        n_iter=2,
        cv=3,
        n_members=1,
        space={"feature_l1": loguniform(0.01, 0.1)},
    )
    assert pilots_in(lambda: search.fit(X, y)) == 0
    search.set_params(space={"l2": loguniform(1e-4, 1e-2)})
    assert pilots_in(lambda: search.fit(X, y)) == 1


def test_verbose_says_that_pilots_run(data, capsys):
    clone(NETWORK).set_params(verbose=1, epochs=2).fit(*data)
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == (
        "feature_l1='auto': trainings on parts of the rows (pilots) choose it."
    )
    assert re.fullmatch(r"The pilots chose feature_l1=\d[\d.e-]*\.", second)


def test_scikeras_has_no_such_penalty(fitted):
    pytest.importorskip("scikeras", reason="an extra")
    with pytest.raises(ValueError, match="feature_l1=0"):
        fitted.to_scikeras()
