"""Training that is cut off, and goes on as if it had not been."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV

import skreg
from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor, stacked, stacking
from skreg.engine import keras, lane, training
from skreg.persistence import storage
from skreg.stacking import gatherer
from tests.support import plain_classifier

X, Y = make_classification(200, 6, random_state=0)
SETTINGS = {"hidden_layer_sizes": (8,), "l2": 1e-3, "epochs": 6, "random_state": 0}
network = partial(MLPRegularizedClassifier, **SETTINGS)


class CutError(Exception):
    pass


@pytest.fixture
def cut_after(monkeypatch):
    """Makes training end with an exception after so many epochs of a lane."""

    def cut(epochs):
        end_epochs = lane.Lane.end_epochs

        def cutting(self, *arguments):
            if self._epochs_done == epochs:
                raise CutError
            return end_epochs(self, *arguments)

        monkeypatch.setattr(lane.Lane, "end_epochs", cutting)
        return monkeypatch.undo

    return cut


def cut_off(network, cut_after, epochs, **rows):
    undo = cut_after(epochs)
    with pytest.raises(CutError):
        network.fit(X, Y, **rows)
    undo()


def assert_same_training(found, expected):
    for kind in ("weights", "moving", "slots"):
        for name, array in expected._state[kind].items():
            np.testing.assert_equal(found._state[kind][name], array)
    assert found.history_.keys() == expected.history_.keys()
    for name, values in expected.history_.items():
        np.testing.assert_allclose(found.history_[name], values, rtol=1e-6)
    assert (found.n_iter_, found.best_epoch_) == (
        expected.n_iter_,
        expected.best_epoch_,
    )
    for name in ("step", "epoch", "learning_rate"):
        assert found._state[name] == expected._state[name]


VARIANTS = {
    "default": {},
    "noise and moving statistics": {
        "dropout": 0.3,
        "gaussian_noise": 0.2,
        "batchnorm": True,
    },
    "slots": {"optimizer": "nadam", "schedule": "step", "warmup": 0.2},
    "early stopping": {"early_stopping": True, "patience": 3, "epochs": 40},
    "a scorer": {"early_stopping": True, "monitor": "roc_auc", "patience": 2},
}


@pytest.mark.parametrize("epochs", [1, 3, 5])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_fit_that_was_cut_off_goes_on(variant, epochs, cut_after, tmp_path):
    settings = VARIANTS[variant]
    whole = network(**SETTINGS | settings).fit(X, Y)
    if whole.n_iter_ <= epochs:
        pytest.skip("stopped early before that")
    kept = network(**SETTINGS | settings, checkpoint=tmp_path / "run")
    cut_off(kept, cut_after, epochs)
    assert not hasattr(kept, "_state")
    assert_same_training(kept.fit(X, Y), whole)


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(3)])
def test_without_a_seed_the_same_network_goes_on(random_state, cut_after, tmp_path):
    settings = SETTINGS | {"random_state": random_state}
    open_ended = network(**settings, checkpoint=tmp_path / "a")
    cut_off(open_ended, cut_after, 3)
    begun = skreg.load(tmp_path / "a")
    open_ended.fit(X, Y)
    assert open_ended.loss_curve_[:3] == begun.loss_curve_
    other = open_ended.loss_curve_
    assert open_ended.fit(X, Y).loss_curve_ != other  # that one has ended


@pytest.mark.parametrize("name", ["a", "{epoch}-{val_loss:.5f}"])
def test_after_the_best_epoch_a_training_ends_as_well(name, tmp_path):
    settings = {"checkpoint": tmp_path / name, "checkpoint_every": "best"}
    settings |= {"random_state": None, "early_stopping": True, "patience": 2}
    open_ended = network(**SETTINGS | settings | {"epochs": 60, "learning_rate": 0.1})
    first = open_ended.fit(X, Y).loss_curve_
    assert open_ended.best_epoch_ < open_ended.n_iter_
    assert len(list(tmp_path.iterdir())) >= 1
    assert open_ended.fit(X, Y).loss_curve_ != first


def test_an_ensemble_goes_on(cut_after, tmp_path):
    whole = network(n_members=2).fit(X, Y)
    kept = network(n_members=2, checkpoint=tmp_path / "run.skreg")
    cut_off(kept, cut_after, 3)
    names = ["run-member0.skreg", "run-member1.skreg"]
    assert sorted(os.listdir(tmp_path)) == names
    kept.fit(X, Y)
    for ours, theirs in zip(kept.members_, whole.members_, strict=True):
        assert_same_training(ours, theirs)


def test_warm_start_goes_on(cut_after, tmp_path):
    def warm(**settings):
        return network(warm_start=True, **settings).fit(X, Y)

    whole = warm().fit(X, Y)
    kept = warm().set_params(checkpoint=tmp_path / "run")
    cut_off(kept, cut_after, 2)
    assert_same_training(kept.fit(X, Y), whole)


def test_a_checkpoint_is_an_estimator(cut_after, tmp_path):
    kept = network(checkpoint=tmp_path / "run", schedule="constant")
    cut_off(kept, cut_after, 3)
    half = skreg.load(tmp_path / "run")
    short = network(**SETTINGS | {"epochs": 3}, schedule="constant").fit(X, Y)
    np.testing.assert_array_equal(half.predict_proba(X), short.predict_proba(X))
    assert half.n_iter_ == 3


def test_a_finished_fit_is_not_trained_again(tmp_path, monkeypatch):
    kept = network(checkpoint=tmp_path / "run").fit(X, Y)
    monkeypatch.setattr(training._Stack, "advance", fails)
    again = network(checkpoint=tmp_path / "run").fit(X, Y)
    assert_same_training(again, kept)


def test_other_data_or_parameters_do_not_go_on(cut_after, tmp_path):
    kept = network(checkpoint=tmp_path / "run")
    cut_off(kept, cut_after, 3)
    before = (tmp_path / "run").read_bytes()
    for other, rows in ((network(l2=0.1), X), (network(), X[::-1])):
        other.set_params(checkpoint=tmp_path / "run")
        with pytest.raises(ValueError, match="'checkpoint' parameter names a file"):
            other.fit(rows, Y)
    assert (tmp_path / "run").read_bytes() == before
    kept.fit(X, Y)  # it has ended: the place is free
    changed = network(l2=0.1, checkpoint=tmp_path / "run").fit(X, Y)
    assert_same_training(changed, network(l2=0.1).fit(X, Y))


def test_pilots_do_not_train_for_an_unfinished_training_of_others(
    tmp_path, monkeypatch
):
    """But for one of the same data and parameters, whose strengths they chose."""
    settings = SETTINGS | {"l2": "auto", "n_members": 2}
    whole = network(**settings, checkpoint=tmp_path / "{epoch}").fit(X, Y)
    for member in (0, 1):  # as if it had been cut off after three epochs
        (tmp_path / f"3-member{member}").rename(tmp_path / f"run-member{member}")
    settings["checkpoint"] = tmp_path / "run"
    with monkeypatch.context() as context:
        context.setattr(stacking, "train", fails)
        for other, rows in (
            (network(**settings), X[::-1]),
            (network(**settings | {"epochs": 7}), X),
            (network(**settings | {"random_state": 1}), X),
        ):
            with pytest.raises(ValueError, match="'checkpoint' parameter names a file"):
                other.fit(rows, Y)
    again = network(**settings).fit(X, Y)
    for ours, theirs in zip(again.members_, whole.members_, strict=True):
        assert_same_training(ours, theirs)


def test_a_file_with_too_many_parts_is_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(stacking, "train", fails)
    weights = dict.fromkeys(range(storage.MAX_CONTAINERS), 1.0)
    with pytest.raises(ValueError, match="More than 100000 lists and dictionaries"):
        network(checkpoint=tmp_path / "run", class_weight=weights).fit(X, Y)


def fails(*arguments, **options):
    raise AssertionError


def test_fits_at_a_time_do_not_share_a_path(tmp_path):
    search = GridSearchCV(
        network(checkpoint=tmp_path / "run"), {"l2": [0.0, 0.1]}, error_score="raise"
    )
    with pytest.raises(ValueError, match="path for one fit at a time"), stacked():
        search.fit(X, Y)
    (tmp_path / "run").unlink(missing_ok=True)
    search.fit(X, Y)  # one after the other
    loaded = skreg.load(tmp_path / "run")
    np.testing.assert_array_equal(
        loaded.predict_proba(X), search.best_estimator_.predict_proba(X)
    )


def test_a_foreign_file_is_refused_and_stays(tmp_path):
    (tmp_path / "letter").write_text("Dear reader")
    with pytest.raises(ValueError, match="letter is not a valid skreg file"):
        network(checkpoint=tmp_path / "letter").fit(X, Y)
    assert (tmp_path / "letter").read_text() == "Dear reader"


def test_every_epoch_by_keras_names(cut_after, tmp_path):
    template = tmp_path / "{epoch:02d}-{val_loss:.5f}.skreg"
    kept = network(checkpoint=template).fit(X, Y, X_val=X, y_val=Y)
    values = kept.history_["val_loss"]
    names = [f"{i + 1:02d}-{value:.5f}.skreg" for i, value in enumerate(values)]
    assert sorted(os.listdir(tmp_path)) == names
    assert skreg.load(tmp_path / names[1]).history_["val_loss"] == values[:2]
    for name in names[3:]:
        (tmp_path / name).unlink()
    again = network(checkpoint=template).fit(X, Y, X_val=X, y_val=Y)
    assert_same_training(again, kept)


def test_a_name_that_there_is_not(tmp_path):
    kept = network(checkpoint=tmp_path / "{val_accuracy}")
    with pytest.raises(ValueError, match="may have epoch, loss in braces"):
        kept.fit(X, Y)


def test_a_template_with_members_and_left_over_files(cut_after, tmp_path):
    whole = network(n_members=2).fit(X, Y)
    kept = network(n_members=2, checkpoint=tmp_path / "a[1]-{epoch:02d}-{loss:.3f}.net")
    cut_off(kept, cut_after, 3)
    assert {name[-11:] for name in os.listdir(tmp_path)} == {
        "member0.net",
        "member1.net",
    }
    (tmp_path / ".a[1]-09-0.1-member0.net.part").write_text("cut")
    (tmp_path / "a[1]-notes-x-member0.net").write_text("of somebody")
    (tmp_path / "a[1]-09-0.1-member1.net").mkdir()
    begun = len(os.listdir(tmp_path))
    kept.fit(X, Y)
    assert len(os.listdir(tmp_path)) == begun + 2 * 3
    for ours, theirs in zip(kept.members_, whole.members_, strict=True):
        assert_same_training(ours, theirs)


def test_callbacks_go_on_with_the_rate_that_they_had_set(cut_after, tmp_path):
    scheduler = keras().callbacks.LearningRateScheduler(lambda epoch, rate: 0.8 * rate)
    settings = {"callbacks": [scheduler], "schedule": "constant"}
    whole = network(**settings).fit(X, Y)
    kept = network(**settings, checkpoint=tmp_path / "run")
    cut_off(kept, cut_after, 3)
    kept.fit(X, Y)
    np.testing.assert_allclose(kept.predict_proba(X), whole.predict_proba(X), rtol=1e-6)
    assert kept._state["learning_rate"] == pytest.approx(whole._state["learning_rate"])


def test_the_file_of_a_finished_fit_is_its_estimator(tmp_path):
    settings = {"early_stopping": True, "patience": 3, "epochs": 60}
    kept = network(**SETTINGS | settings, learning_rate=0.05, checkpoint=tmp_path / "a")
    for _ in range(2):  # a second fit, with another history before it
        kept.set_params(random_state=kept.random_state + 1).fit(X, Y)
    loaded = skreg.load(tmp_path / "a")
    assert kept.best_epoch_ < kept.n_iter_
    np.testing.assert_array_equal(loaded.predict_proba(X), kept.predict_proba(X))
    assert loaded.history_ == kept.history_
    assert loaded._state["learning_rate"] == pytest.approx(kept._state["learning_rate"])


def test_results_of_other_functions_are_not_taken(tmp_path):
    functions = [lambda x: x, lambda x: x * 0]
    for _ in range(2):
        with stacked(checkpoint=tmp_path):
            found = [network(activation=f).fit(X, Y) for f in functions]
        assert found[0].score(X, Y) > 0.8
        assert np.ptp(found[1].predict_proba(X)[:, 0]) == 0


def test_results_of_other_targets_are_not_taken(tmp_path):
    settings = {"early_stopping": True, "monitor": "neg_mean_squared_error"}
    y = X[:, 0]
    values = []
    for factor in (1, 2, 1):
        with stacked(checkpoint=tmp_path):
            fitted = MLPRegularizedRegressor(**SETTINGS | settings).fit(X, factor * y)
        values.append(fitted.history_["val_neg_mean_squared_error"][-1])
    assert values[1] == pytest.approx(4 * values[0])
    assert values[2] == values[0]
    assert len(os.listdir(tmp_path)) == 2


def test_every_second_epoch(tmp_path):
    network(checkpoint=tmp_path / "{epoch}", checkpoint_every=2).fit(X, Y)
    assert sorted(os.listdir(tmp_path)) == ["2", "4", "6"]


def test_the_best_alone(tmp_path):
    noise = np.random.default_rng(0).integers(0, 2, len(X))
    settings = {"epochs": 30, "learning_rate": 0.05, "schedule": "constant"}
    kept = network(
        **SETTINGS | settings,
        checkpoint=tmp_path / "{epoch:02d}-{val_loss:.5f}",
        checkpoint_every="best",
    ).fit(X[:100], noise[:100], X_val=X[100:], y_val=noise[100:])
    values = kept.history_["val_loss"]
    best_so_far = [i for i, v in enumerate(values) if v == min(values[: i + 1])]
    names = [f"{i + 1:02d}-{values[i]:.5f}" for i in best_so_far]
    assert sorted(os.listdir(tmp_path)) == names
    assert 1 <= len(names) < 30
    with pytest.raises(ValueError, match="only if epochs are compared"):
        network(checkpoint=tmp_path / "a", checkpoint_every="best").fit(X, Y)


def test_partial_fit_writes_none(tmp_path):
    kept = network(checkpoint=tmp_path / "run")
    kept.partial_fit(X, Y, classes=[0, 1])
    assert os.listdir(tmp_path) == []


def test_a_disk_that_is_full_ends_the_fit(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skreg.persistence.storage.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        network(checkpoint=tmp_path / "run").fit(X, Y)
    assert os.listdir(tmp_path) == []


# --- a process that is killed

SCRIPT = """
import sys
from tests.persistence.test_checkpoints import killed_fit, killed_search
{"fit": killed_fit, "search": killed_search}[sys.argv[1]](sys.argv[2])
"""


def killed_fit(path):
    long_network(checkpoint=path).fit(X, Y)


def long_network(**settings):
    return plain_classifier(
        (8,), epochs=600, dropout=0.2, schedule="cosine", random_state=0, **settings
    )


SEARCHED = {"l2": [0.0, 0.01, 0.1], "hidden_layer_sizes": [(4,), (5,), (6,), (7,)]}


def long_search():
    return GridSearchCV(
        plain_classifier(epochs=400, random_state=0), SEARCHED, cv=3, refit=False
    )


def killed_search(path):
    with stacked(checkpoint=path):
        long_search().fit(X, Y)


def killed_when(kind, path, is_time):
    """Run a process and kill it as soon as `is_time` says so."""
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, kind, str(path)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 120
    while not is_time():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < end, "it never got there"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX only")
def test_a_fit_survives_kill_9(tmp_path):
    path = tmp_path / "run"

    def epochs():
        return skreg.load(path).n_iter_ if path.exists() else 0

    keras()  # whose import would outlast the fit
    killed_at = []
    for moment in (1, 200):
        killed_when("fit", path, lambda moment=moment: epochs() >= moment)
        killed_at.append(epochs())
    assert 1 <= killed_at[0] < 200 <= killed_at[1] < 600
    for part in tmp_path.glob(".*.part"):  # it was killed while it wrote
        part.unlink()
    assert_same_training(
        long_network(checkpoint=path).fit(X, Y), long_network().fit(X, Y)
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX only")
def test_a_search_survives_kill_9(tmp_path, monkeypatch):
    plain = long_search().fit(X, Y).cv_results_["mean_test_score"]

    def files():
        return list(tmp_path.glob("*.skreg"))

    killed_when("search", tmp_path, lambda: len(files()) >= 9)
    done = len(files())
    assert 9 <= done < 36
    trained = []
    train = gatherer.Gatherer._train

    def counting(self, structure, jobs, are_pilots):
        trained.extend(jobs)
        return train(self, structure, jobs, are_pilots)

    monkeypatch.setattr(gatherer.Gatherer, "_train", counting)
    for expected in (36 - done, 0):
        trained.clear()
        with stacked(checkpoint=tmp_path):
            search = long_search().fit(X, Y)
        assert len(trained) == expected
        found = search.cv_results_["mean_test_score"]
        np.testing.assert_allclose(found, plain, atol=1e-6)


def test_a_damaged_result_is_trained_again(tmp_path):
    def run():
        with stacked(checkpoint=tmp_path):
            return network().fit(X, Y)

    whole = run()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-50])
    assert_same_training(run(), whole)
    assert_same_training(run(), whole)


def test_a_result_that_cannot_be_stored_is_still_a_result(tmp_path):
    def run():
        with stacked(checkpoint=tmp_path):
            return network().fit(X, Y)

    whole = run()
    (file,) = tmp_path.iterdir()
    file.unlink()
    file.mkdir()  # neither read nor written as a file
    with pytest.warns(RuntimeWarning, match="cannot store the result"):
        assert_same_training(run(), whole)


def test_regressors_go_on(cut_after, tmp_path):
    settings = SETTINGS | {"n_members": 1}
    whole = MLPRegularizedRegressor(**settings).fit(X, X[:, 0])
    kept = MLPRegularizedRegressor(**settings, checkpoint=tmp_path / "run")
    undo = cut_after(2)
    with pytest.raises(CutError):
        kept.fit(X, X[:, 0])
    undo()
    assert_same_training(kept.fit(X, X[:, 0]), whole)


def test_the_directory_of_a_search_is_checked():
    with (
        pytest.raises(ValueError, match="'checkpoint' parameter must be the path"),
        stacked(checkpoint=3),
    ):
        pass
