"""The examples of tuners, at a reduced size: what they compare is what they say."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import ParameterGrid, cross_val_score, train_test_split

from skreg import MLPRegularizedClassifier, stacked

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its packages deprecate
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def digits():
    """200 digits."""
    X, y = load_digits(return_X_y=True)
    X, _, y, _ = train_test_split(X, y, train_size=200, stratify=y, random_state=0)
    return X, y


def assert_is_plain_cross_validation(search, params, score, X, y, cv):
    network = clone(search.estimator).set_params(**params)
    plain = cross_val_score(network, X, y, cv=cv, scoring=search.scoring)
    assert score == pytest.approx(plain.mean(), abs=1e-4)


@pytest.fixture(scope="module")
def grid_example():
    pytest.importorskip("matplotlib", reason="it plots")
    return example("random_against_grid")


def test_random_search_and_grid_cost_the_same(grid_example, cancer, tmp_path, capsys):
    X, y = cancer
    rows = grid_example.compare(X, y, n_splits=2, n_values=2, epochs=3)
    assert {len(c) for c in rows["candidates"]} == {2 ** len(grid_example.SPACE)}
    for split in range(2):
        for name, values in grid_example.SPACE.items():
            tried = {c[name] for c in rows.loc["grid", split]["candidates"]}
            drawn = {c[name] for c in rows.loc["random", split]["candidates"]}
            assert (len(tried), len(drawn)) == (2, 8)
            low, high = values.support()
            assert all(low <= value <= high for value in tried | drawn)
    for _, row in rows.iterrows():
        assert row["in the folds"] == row["losses"].min()
    grid_example.report(rows)
    assert "gain of random" in capsys.readouterr().out
    grid_example.plot(rows, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 20_000


def test_the_best_so_far_is_the_mean_over_orders(grid_example):
    curve = grid_example.best_so_far([3.0, 1.0, 2.0], n_orders=20_000)
    np.testing.assert_allclose(curve, [2.0, 4 / 3, 1.0], atol=0.02)


def test_shares_of_an_additive_grid_add_up(grid_example):
    candidates = list(ParameterGrid({"a": [0, 1, 2], "b": [0, 1]}))
    losses = [3.0 * c["a"] + c["b"] for c in candidates]
    shares = grid_example.share_explained(candidates, losses)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["a"] == pytest.approx(6.0 / 6.25)


def test_a_races_winner_trains_to_the_end_as_in_the_full_search(digits):
    module = example("tune_by_halving")
    both = module.searches(0, n_candidates=27, epochs=27)
    with stacked():
        full, race = (search.fit(*digits) for search in both.values())
    assert race.n_resources_ == [1, 3, 9, 27]
    assert race.n_candidates_ == [27, 9, 3, 1]
    assert module.epochs_of(race) == 4 * 27 < module.epochs_of(full) == 27 * 27
    assert race.best_params_["epochs"] == race.best_estimator_.n_iter_ == 27
    # It is one of the full search's candidates, with the same score.
    rank = module.rank_of(race.best_params_, full.cv_results_)
    score = np.sort(full.cv_results_["mean_test_score"])[-rank]
    assert race.best_score_ == pytest.approx(score, abs=1e-4)
    assert_is_plain_cross_validation(
        race, race.best_params_, race.best_score_, *digits, race.cv
    )


@pytest.fixture(scope="module")
def optuna_example():
    pytest.importorskip("optuna", reason="the tuner of this example")
    pytest.importorskip("optuna_integration", reason="has OptunaSearchCV")
    return example("tune_with_optuna")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_optunas_best_is_a_plain_cross_validation(optuna_example, digits):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = optuna_example.searches(0, n_trials=8, epochs=5)["TPE"]
    with stacked():
        search.fit(*digits)
    assert len(search.trials_) == 8
    assert search.best_score_ == max(trial.value for trial in search.trials_)
    assert_is_plain_cross_validation(
        search, search.best_params_, search.best_score_, *digits, search.cv
    )


def test_random_search_draws_from_optunas_space(optuna_example):
    for values in optuna_example.SPACE.values():
        assert optuna_example.of_scipy(values).support() == (values.low, values.high)


def test_pruned_trials_train_less(optuna_example, digits):
    size = {"n_trials": 12, "epochs": 8}
    whole = optuna_example.prune("none", *digits, 0, **size)
    study = optuna_example.prune("median", *digits, 0, **size)
    assert {len(t.intermediate_values) for t in whole.trials} == {8}
    pruned = [t for t in study.trials if t.state.name == "PRUNED"]
    finished = [t for t in study.trials if t.state.name == "COMPLETE"]
    assert pruned
    assert len(pruned) + len(finished) == 12
    assert all(len(t.intermediate_values) < 8 for t in pruned)
    for trial in finished:
        assert list(trial.intermediate_values) == list(range(1, 9))
        assert trial.value == trial.intermediate_values[8]
    # A trial's loss is that of so many calls of partial_fit.
    X_train, X_val, y_train, y_val = train_test_split(
        *digits, test_size=1 / 3, stratify=digits[1], random_state=0
    )
    network = MLPRegularizedClassifier(
        (64,), epochs=8, schedule="cosine", warmup=0.1, random_state=0
    )
    network.set_params(**pruned[0].params)
    for loss in pruned[0].intermediate_values.values():
        network.partial_fit(X_train, y_train, classes=np.unique(y_train))
        expected = log_loss(y_val, network.predict_proba(X_val))
        assert loss == pytest.approx(expected, abs=1e-4)
    assert network.n_iter_ == len(pruned[0].intermediate_values)


def test_studies_that_share_stacks_are_the_same(optuna_example):
    X, y = load_digits(return_X_y=True)
    size = {"n_trials": 3, "epochs": 3}
    rows = optuna_example.compare_pruners(X, y, n_splits=1, **size)
    alone = optuna_example.prune(
        "none", *optuna_example.halves(X, y, 0)[::2], 0, **size
    )
    assert rows.loc["none", 0]["epochs"] == 9
    assert rows.loc["none", 0]["best loss"] == pytest.approx(alone.best_value, abs=1e-3)


# Python deprecates what keras-tuner calls.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_keras_tuners_scores_are_plain_cross_validations(diabetes):
    pytest.importorskip("keras_tuner", reason="the tuner of this example")
    module = example("tune_with_keras_tuner")
    for oracle in module.ORACLES:
        tuner = module.tune(oracle, *diabetes, seed=1, n_trials=3)
        trials = list(tuner.oracle.trials.values())
        assert [trial.status for trial in trials] == ["COMPLETED"] * 3
        best = tuner.oracle.get_best_trials()[0]
        assert best.score == max(trial.score for trial in trials)
        network = module.build(best.hyperparameters)
        plain = cross_val_score(network, *diabetes, cv=tuner.cv)
        assert best.score == pytest.approx(plain.mean(), abs=1e-4)
