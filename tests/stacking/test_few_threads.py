"""Processes that may not start as many threads as a search has fits."""

import threading
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score

import skreg
from skreg.stacking import gatherer

SEARCH = GridSearchCV(
    skreg.MLPRegularizedClassifier((4,), l2=0.01, epochs=2, random_state=0),
    {"l2": [0.001, 0.01, 0.1]},
    cv=3,
)


@contextmanager
def allowed(n_more):
    """Allow so many more threads, as a limit of processes does."""
    start = threading.Thread.start

    def limited(thread):
        n_own = sum(t.name.startswith("skreg-") for t in threading.enumerate())
        if thread.name.startswith("skreg-") and n_own >= n_more:
            raise RuntimeError("can't start new thread")
        start(thread)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", limited)
        yield


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """As many tasks as there are cores start before the limit is known."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")


@pytest.fixture(scope="module")
def rows(cancer):
    X, y = cancer
    return X[:150], y[:150]


@pytest.mark.parametrize("n_more", [3, 4, 5])
def test_search_with_few_threads_gives_the_same_scores(rows, n_more):
    expected = SEARCH.fit(*rows).cv_results_["mean_test_score"]
    with allowed(n_more), skreg.stacked():
        found = SEARCH.fit(*rows).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("n_more", "cv"), [(6, 3), (5, 6)])
def test_nested_searches_share_few_threads(rows, n_more, cv):
    expected = cross_val_score(SEARCH, *rows, cv=cv)
    with allowed(n_more), skreg.stacked():
        np.testing.assert_array_equal(cross_val_score(SEARCH, *rows, cv=cv), expected)


def test_little_memory_slows_a_search_down_and_does_not_end_it(rows, monkeypatch):
    monkeypatch.setattr(gatherer, "available_memory", lambda: 0)
    with skreg.stacked():
        found = SEARCH.fit(*rows)
    assert found.best_score_ > 0.5


def test_without_threads_for_nested_fits_an_error_says_so(rows):
    error = pytest.raises(RuntimeError, match="ulimit -u")
    # A dispatcher's, a trainer's, and that of one outer task.
    with allowed(3), error, skreg.stacked():
        cross_val_score(SEARCH, *rows, cv=3)


@pytest.mark.parametrize("n_more", [0, 1])
def test_fit_without_threads_of_its_own_is_an_error(rows, n_more):
    network = skreg.MLPRegularizedClassifier((4,), epochs=2, random_state=0)
    with allowed(n_more), pytest.raises(RuntimeError, match="new thread"):
        network.fit(*rows)
    assert network.fit(*rows).l2_ > 0
