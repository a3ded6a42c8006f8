"""Blocks on the workers of an executor."""

import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from skreg import MLPRegularizedClassifier, stacked
from skreg.engine import Rows
from skreg.stacking import trainers

GRID = {"dropout": [0.0, 0.3], "l2": [0.0, 0.01]}


def search(**settings):
    network = MLPRegularizedClassifier(
        (8,), batch_size=32, random_state=0, **({"epochs": 4} | settings)
    )
    return GridSearchCV(network, GRID, cv=5, scoring="neg_log_loss", refit=False)


@pytest.fixture(scope="module")
def plain(cancer):
    return search().fit(*cancer).cv_results_["mean_test_score"]


def scores(executor, data, lanes=4, **settings):
    with stacked(executor=executor, lanes=lanes):
        return search(**settings).fit(*data).cv_results_["mean_test_score"]


def test_an_executor_gives_the_same(cancer, plain):
    with ThreadPoolExecutor(2) as executor:
        np.testing.assert_allclose(scores(executor, cancer), plain, atol=1e-6)
    assert not [t for t in threading.enumerate() if t.name.startswith("skreg")]


def test_rows_travel_once_to_each_worker(cancer, monkeypatch):
    """5 folds, 20 fits in blocks of 4, one worker: 5 sets of rows travel."""
    travelled = []
    remote = trainers.train_remotely

    def counting(structure, lanes, jobs, data):
        travelled.extend(data)
        return remote(structure, lanes, jobs, data)

    monkeypatch.setattr(trainers, "train_remotely", counting)
    with ThreadPoolExecutor(1) as executor:
        scores(executor, cancer)
    assert len(travelled) == len(set(travelled)) == 5


def test_a_worker_without_the_rows_asks_for_them(cancer, plain, monkeypatch):
    """The 4 fits of a fold are two blocks, of which one has sent the rows."""
    remote = trainers.train_remotely
    asked = []

    def forgetful(*arguments):
        trainers._row_cache.clear()
        answer = remote(*arguments)
        asked.append(answer == trainers.MISSING_ROWS)
        return answer

    monkeypatch.setattr(trainers, "train_remotely", forgetful)
    with ThreadPoolExecutor(1) as executor:
        found = scores(executor, cancer, lanes=2)
    np.testing.assert_allclose(found, plain, atol=1e-6)
    assert any(asked)


def test_a_broken_executor_is_an_error_of_the_fits(cancer):
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="shutdown"), stacked(executor=executor):
        MLPRegularizedClassifier((4,)).fit(*cancer)


def test_callbacks_stay_in_this_process(cancer):
    from skreg.engine import keras

    seen = []
    callback = keras().callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(os.getpid())
    )
    with ThreadPoolExecutor(1) as executor, stacked(executor=executor):
        MLPRegularizedClassifier((4,), epochs=2, callbacks=[callback]).fit(*cancer)
    assert seen == [os.getpid()] * 2


def test_only_executors_are_executors():
    with (
        pytest.raises(ValueError, match="'executor'.*get_executor.*Got 3"),
        stacked(executor=3),
    ):
        pass


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed", reason="the extra dask")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.filterwarnings("ignore")
def test_dask_workers_give_the_same(client, cancer, plain):
    executor = client.get_executor()
    np.testing.assert_allclose(scores(executor, cancer), plain, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_a_killed_dask_worker_costs_only_its_blocks(client, cancer):
    expected = search(epochs=400).fit(*cancer).cv_results_["mean_test_score"]
    pids = client.run(os.getpid)
    killer = threading.Timer(1.0, os.kill, (next(iter(pids.values())), signal.SIGKILL))
    killer.start()
    found = scores(client.get_executor(), cancer, epochs=400)
    killer.join()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    time.sleep(0.1)
    assert set(client.run(os.getpid).values()) != set(pids.values())


@pytest.mark.filterwarnings("ignore")
def test_joblibs_own_dask_backend_runs_plain_fits(client, cancer, plain):
    joblib = pytest.importorskip("joblib")
    with joblib.parallel_config(backend="dask"):
        found = search().fit(*cancer).cv_results_["mean_test_score"]
    np.testing.assert_allclose(found, plain, atol=1e-6)


def test_processes(cancer, plain):
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        np.testing.assert_allclose(scores(executor, cancer), plain, atol=1e-6)


def test_rows_are_not_held_longer_than_their_fits():
    trainer = trainers.ExecutorTrainer(None)
    rows = Rows(np.zeros((2, 1)), np.zeros((2, 1)), np.ones(2))
    assert trainer._key(rows)[0]
    assert not trainer._key(rows)[0]
    assert len(trainer._keys) == 1
    del rows
    assert not trainer._keys
    trainer.close()


def test_an_answer_after_the_end_is_dropped(caplog):
    class Late(ThreadPoolExecutor):
        """Its work ends only after the search's end."""

        def submit(self, *work):
            return super().submit(lambda: may_end.wait() and work[0](*work[1:]))

    may_end = threading.Event()
    with Late(1) as executor:
        trainer = trainers.ExecutorTrainer(executor)
        future = executor.submit(int)
        future.add_done_callback(partial(trainer._answered, None))
        trainer.close()
        may_end.set()
    assert not caplog.records
