"""The bar of a stacked search."""

import re

import pytest
from sklearn.model_selection import cross_val_score

from skreg import MLPRegularizedClassifier, stacked


def run(data, progress, **settings):
    settings = {"l2": 1e-3, "random_state": 0} | settings
    network = MLPRegularizedClassifier((4,), **settings)
    with stacked(progress=progress):
        cross_val_score(network, *data, cv=3)


def test_the_bar_tells_fits_epochs_lanes_and_the_best_value(cancer, capfd):
    run(cancer, "always", epochs=7, early_stopping=True)
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert re.search(r"fits .* 3/3 21 epochs, 0 lanes, best val_loss 0\.\d{4}", last)


def test_the_bar_counts_pilots_apart(cancer, capfd):
    run(cancer, "always", epochs=1, l2="auto", dropout=0.2)
    last = capfd.readouterr().err.strip().splitlines()[-1]
    found = re.search(r"fits .* 3/3 (\d+) epochs, 0 lanes, (\d+) pilots trained ", last)
    epochs, n_pilots = map(int, found.groups())
    # Of three fits on five folds: three strengths, and a fourth if the third is best.
    assert n_pilots in (45, 50, 55, 60)
    assert epochs == n_pilots + 3


def test_nothing_is_shown_where_there_is_no_terminal(cancer, capfd):
    run(cancer, True, epochs=2)
    assert capfd.readouterr() == ("", "")


def test_progress_is_one_of_three():
    with (
        pytest.raises(ValueError, match="'progress'.*Got 'loud'"),
        stacked(progress="loud"),
    ):
        pass


class TestScikitLearnsCallbacks:
    @pytest.fixture(autouse=True)
    def callback(self):
        self.callback = pytest.importorskip(
            "sklearn.callback", reason="scikit-learn before 1.9"
        )

    def recorder(self, stops_at=None):
        """A callback that notes what it is told."""
        seen = []

        class Recorder:
            def setup(self, estimator, context):
                seen.append("setup")

            def on_fit_task_begin(self, estimator, context):
                pass

            def on_fit_task_end(self, estimator, context):
                seen.append(context.task_name)
                return seen.count("epoch") == stops_at

            def teardown(self, estimator, context):
                seen.append("teardown")

        return Recorder(), seen

    def test_they_are_told_of_each_epoch(self, cancer):
        recorder, seen = self.recorder()
        network = MLPRegularizedClassifier((4,), epochs=3)
        network.set_callbacks(recorder).fit(*cancer)
        assert seen == ["setup", "epoch", "epoch", "epoch", "fit", "teardown"]

    def test_they_may_stop_training(self, cancer):
        recorder, _ = self.recorder(stops_at=2)
        network = MLPRegularizedClassifier((4,), epochs=9).set_callbacks(recorder)
        assert network.fit(*cancer).n_iter_ == 2

    def test_they_see_every_member(self, cancer):
        recorder, seen = self.recorder()
        network = MLPRegularizedClassifier((4,), epochs=3, n_members=2)
        network.set_callbacks(recorder).fit(*cancer)
        assert seen.count("epoch") == 6
        assert seen[-2:] == ["fit", "teardown"]

    def test_a_progress_bar_runs(self, cancer, capfd):
        network = MLPRegularizedClassifier((4,), epochs=3)
        network.set_callbacks(self.callback.ProgressBar()).fit(*cancer)
        out, _ = capfd.readouterr()
        assert "MLPRegularizedClassifier" in out

    def test_a_scoring_monitor_scores_each_epoch(self, cancer):
        monitor = self.callback.ScoringMonitor(scoring="accuracy")
        network = MLPRegularizedClassifier((4,), epochs=3, random_state=0)
        network.set_callbacks(monitor).fit(*cancer)
        assert network.score(*cancer) > 0.8
