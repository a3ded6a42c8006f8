"""The bar of a stacked search."""

import re

import pytest
from sklearn.model_selection import cross_val_score

from skreg import MLPRegularizedClassifier, stacked


def run(data, progress, **settings):
    network = MLPRegularizedClassifier((4,), random_state=0, **settings)
    with stacked(progress=progress):
        cross_val_score(network, *data, cv=3)


def test_the_bar_tells_fits_epochs_lanes_and_the_best_value(cancer, capfd):
    run(cancer, "always", epochs=7, early_stopping=True)
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert re.search(r"fits .* 3/3 21 epochs, 0 lanes, best val_loss 0\.\d{4}", last)


def test_nothing_is_shown_where_there_is_no_terminal(cancer, capfd):
    run(cancer, True, epochs=2)
    assert capfd.readouterr() == ("", "")


def test_progress_is_one_of_three():
    with (
        pytest.raises(ValueError, match="'progress'.*Got 'loud'"),
        stacked(progress="loud"),
    ):
        pass
