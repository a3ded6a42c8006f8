"""Ensembles: members trained as lanes of stacks, and their spread."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor, stacked, stacking
from skreg.engine import compilations

SETTINGS = {"hidden_layer_sizes": (8,), "epochs": 5, "random_state": 0}


@pytest.fixture(scope="module")
def ensemble(cancer):
    return MLPRegularizedClassifier(n_members=3, **SETTINGS).fit(*cancer)


def test_probabilities_are_the_members_mean(ensemble, cancer):
    X, _ = cancer
    spread = ensemble.predict_proba(X, members=True)
    assert spread.shape == (3, len(X), 2)
    np.testing.assert_allclose(spread.sum(axis=2), 1, rtol=1e-5)
    np.testing.assert_allclose(
        ensemble.predict_proba(X), spread.mean(axis=0), atol=1e-6
    )
    assert spread.std(axis=0).max() > 0.01
    for member, own in zip(ensemble.members_, spread, strict=True):
        np.testing.assert_array_equal(member.predict_proba(X), own)


def test_the_first_member_is_the_network_alone(ensemble, cancer):
    alone = MLPRegularizedClassifier(**SETTINGS).fit(*cancer)
    assert alone.members_ == [alone]
    first = ensemble.members_[0]
    np.testing.assert_allclose(
        first.predict_proba(cancer[0]), alone.predict_proba(cancer[0]), atol=1e-6
    )
    assert ensemble.history_ == first.history_


@pytest.mark.parametrize("validation", [False, True])
def test_members_hold_their_rows_once(validation, cancer, monkeypatch):
    caught, (X, y) = [], cancer
    monkeypatch.setattr(
        stacking, "train", lambda structure, jobs: caught.extend(jobs) or 1 / 0
    )
    parameters = {"X_val": X, "y_val": y} if validation else {}
    with pytest.raises(ZeroDivisionError):
        MLPRegularizedClassifier(n_members=3, l2=0.01, **SETTINGS).fit(
            X, y, **parameters
        )
    for name in ("rows", "validation"):
        held = {id(getattr(job, name)) for job in caught}
        assert len(held) == 1
    assert len({job.seed for job in caught}) == 3


def test_members_pilots_and_the_last_network_share_one_program(cancer):
    before = compilations.copy()
    network = MLPRegularizedClassifier((11,), n_members=5, epochs=2, random_state=0)
    network.fit(*cancer)
    assert len(network.strength_path_["l2"]) > 4
    assert [lanes for _, lanes in compilations - before] == [2]


def test_a_regressors_spread_is_in_the_targets_units(diabetes):
    X, y = diabetes
    network = MLPRegularizedRegressor(n_members=4, **SETTINGS).fit(X, y)
    predictions = [member.predict(X) for member in network.members_]
    np.testing.assert_allclose(network.predict_std(X), np.std(predictions, axis=0))
    np.testing.assert_allclose(
        network.predict(X), np.mean(predictions, axis=0), rtol=1e-5
    )
    with pytest.raises(ValueError, match="predict_std needs n_members of at least 2"):
        network.members_[0].predict_std(X)


def test_the_keras_model_of_an_ensemble_predicts_the_same(ensemble, cancer):
    X, _ = cancer
    np.testing.assert_allclose(
        np.asarray(ensemble.model_(X.astype("float32")))[:, 0],
        ensemble.predict_proba(X)[:, 1],
        atol=1e-5,
    )


def test_the_keras_model_is_that_of_the_last_training(ensemble, cancer):
    X, y = cancer
    other = pickle.loads(pickle.dumps(ensemble))
    before = np.asarray(other.model_(X.astype("float32")))[:, 0]
    other.partial_fit(X, y)
    after = np.asarray(other.model_(X.astype("float32")))[:, 0]
    np.testing.assert_allclose(after, other.predict_proba(X)[:, 1], atol=1e-5)
    assert np.abs(after - before).max() > 1e-3


def test_ensembles_are_stored_and_go_on(ensemble, cancer):
    stored = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(
        stored.predict_proba(cancer[0]), ensemble.predict_proba(cancer[0])
    )
    before = [member._state["step"] for member in stored.members_]
    stored.partial_fit(*cancer)
    assert stored.n_iter_ == ensemble.n_iter_ + 1
    after = [member._state["step"] for member in stored.members_]
    assert all(new > old for new, old in zip(after, before, strict=True))
    assert ensemble.members_[0]._state["step"] == before[0]


def test_going_on_takes_as_many_members(ensemble, cancer):
    other = pickle.loads(pickle.dumps(ensemble)).set_params(n_members=2)
    with pytest.raises(ValueError, match="'n_members' .* earlier fit, 3,"):
        other.partial_fit(*cancer)
    assert len(other.fit(*cancer).members_) == 2
    assert len(other.set_params(n_members=1).fit(*cancer).members_) == 1


def test_each_member_stops_by_itself(cancer):
    network = MLPRegularizedClassifier(
        (8,), n_members=4, epochs=60, early_stopping=True, patience=1, random_state=0
    ).fit(*cancer)
    assert len({member.n_iter_ for member in network.members_}) > 1


def test_each_member_sets_aside_rows_of_its_own(monkeypatch):
    trained, train = [], stacking.train

    def spy(structure, jobs):
        trained.extend(jobs)
        return train(structure, jobs)

    monkeypatch.setattr(stacking, "train", spy)
    X, y = np.arange(100.0)[:, None], np.arange(100) % 2
    network = MLPRegularizedClassifier(
        (4,),
        l2=1e-3,
        n_members=5,
        epochs=2,
        early_stopping=True,
        validation_fraction=0.2,
        random_state=0,
    ).fit(X, y)
    held = [set(job.validation.X[:, 0].tolist()) for job in trained]
    for job, own in zip(trained, held, strict=True):
        assert len(own) == 20
        assert own.isdisjoint(job.rows.X[:, 0].tolist())
    assert len(set.union(*held)) > 40
    assert not set.intersection(*held)
    # Inputs are scaled alike: by all rows.
    for member in network.members_:
        assert member._input_statistics["mean"] == 49.5


def test_ensembles_in_a_stacked_search(ensemble, cancer):
    plain = cross_val_score(clone(ensemble), *cancer)
    with stacked():
        np.testing.assert_allclose(cross_val_score(clone(ensemble), *cancer), plain)
