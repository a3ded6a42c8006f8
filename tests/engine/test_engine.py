"""Promises about lanes: same as alone, same again, one compile, one bad lane."""

import functools
import operator
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from joblib import Parallel, delayed

from skreg.engine import Observer, compilations, program, train_block
from skreg.engine.backends import tensorflow
from tests.support import captured, plain_classifier, plain_regressor

SETTINGS = {"hidden_layer_sizes": (12, 6), "batch_size": 32, "epochs": 4}


def classifier(**settings):
    return plain_classifier(**(SETTINGS | settings))


def block_of(estimators, X, y, rows=None):
    """The common structure and the jobs of these estimators' fits."""
    rows = rows or [len(y)] * len(estimators)
    caught = [
        captured(estimator, X[:n], y[:n])
        for estimator, n in zip(estimators, rows, strict=True)
    ]
    structures, jobs = zip(*caught, strict=True)
    return functools.reduce(operator.or_, structures), list(jobs)


def assert_same(result, other, **tolerances):
    for name, weight in result.state.weights.items():
        np.testing.assert_allclose(weight, other.state.weights[name], **tolerances)
    for name, values in result.history.items():
        np.testing.assert_allclose(values, other.history[name], rtol=1e-4)
    assert result.best_epoch == other.best_epoch


VARIED = [
    {"random_state": 1},
    {"random_state": 2, "dropout": 0.5, "input_dropout": 0.2},
    {"random_state": 3, "l1": 1e-3, "l2": 1e-2, "weight_decay": 0.1},
    {"random_state": 4, "learning_rate": 0.01, "beta_1": 0.5, "epsilon": 1e-4},
    {"random_state": 5, "epochs": 2, "schedule": "cosine", "warmup": 0.3},
    {"random_state": 6, "gaussian_noise": 0.3, "label_smoothing": 0.1},
    {"random_state": 7, "early_stopping": True, "patience": 1, "epochs": 12},
    {"random_state": 8, "dropout": (0.1, 0.6), "max_norm": 1.0, "activity_l2": 1e-3},
]
UNEQUAL_ROWS = [400, 333, 96, 569, 401, 64, 500, 212]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("batchnorm", [False, True])
def test_a_lane_is_the_same_among_others_as_alone(cancer, batchnorm):
    estimators = [classifier(**s, batchnorm=batchnorm) for s in VARIED]
    structure, jobs = block_of(estimators, *cancer, UNEQUAL_ROWS)
    together = train_block(structure, jobs)
    for result, job in zip(together, jobs, strict=True):
        assert_same(result, train_block(structure, [job])[0], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("batchnorm", [False, True])
def test_a_lane_is_the_same_among_others_in_single_precision(cancer, batchnorm):
    """Most are the same bit for bit."""
    estimators = [classifier(**s, batchnorm=batchnorm) for s in VARIED]
    structure, jobs = block_of(estimators * 3, *cancer, UNEQUAL_ROWS * 3)
    for result, job in zip(train_block(structure, jobs), jobs, strict=True):
        assert_same(result, train_block(structure, [job])[0], rtol=1e-5, atol=1e-7)


def test_more_jobs_than_lanes(cancer):
    """A lane whose job is done takes the next one."""
    estimators = [classifier(**s) for s in VARIED]
    structure, jobs = block_of(estimators, *cancer, UNEQUAL_ROWS)
    together = train_block(structure, jobs)
    for result, other in zip(train_block(structure, jobs, 3), together, strict=True):
        assert_same(result, other, rtol=1e-5, atol=1e-7)


def test_jobs_that_nobody_wants_any_more_are_dropped(cancer):
    class Impatient(Observer):
        def __init__(self):
            self.seen = []

        def wants(self, index):
            return index != 1

        def has_trained(self, epochs, running):
            self.seen.append((epochs, running))

    estimators = [classifier(random_state=i, epochs=30) for i in range(3)]
    structure, jobs = block_of(estimators, *cancer)
    observer = Impatient()
    results = train_block(structure, jobs, 3, observer)
    assert [result is None for result in results] == [False, True, False]
    assert [running for _, running in observer.seen] == [3, 2, 2]
    assert sum(epochs for epochs, _ in observer.seen) == pytest.approx(60 + 256 / 18)


def test_an_error_of_one_lane_is_that_of_its_fit_alone(cancer):
    """A user's callback or scorer may raise."""
    structure, jobs = block_of([classifier(random_state=i) for i in range(2)], *cancer)
    error = RuntimeError("a callback's own")

    def listener(epoch, logs, state):
        raise error

    results = train_block(structure, [replace(jobs[0], listener=listener), jobs[1]])
    assert results[0].error is error
    assert results[1].error is None
    assert len(results[1].history["loss"]) == jobs[1].epochs


@pytest.mark.usefixtures("float64")
def test_parts_that_a_lane_does_not_use_change_nothing(cancer):
    """A plain lane trains the same in a program with every remedy compiled in."""
    estimators = [classifier(**s) for s in VARIED]
    structure, jobs = block_of(estimators, *cancer)
    lean, job = captured(classifier(random_state=1), *cancer)
    assert lean.remedies == frozenset()
    assert len(structure.remedies) == 7
    alone = train_block(lean, [job])[0]
    assert_same(train_block(structure, jobs)[0], alone, rtol=1e-9, atol=1e-10)


def test_one_structure_compiles_once(cancer):
    """Over numbers of every kind, folds of unequal size and schedules."""
    X, y = cancer
    grid = [
        {"dropout": dropout, "l1": l1, "l2": l2, "weight_decay": decay}
        for dropout in (0.0, 0.5)
        for l1, l2 in ((0.0, 0.0), (1e-4, 1e-3))
        for decay in (0.0, 0.01)
    ]
    grid += [
        {"optimizer": "adam", "learning_rate": 0.01, "schedule": "step"},
        {"label_smoothing": 0.1, "beta_1": 0.8, "epochs": 7, "negative_slope": 0.1},
    ]
    estimators = [classifier(**s, hidden_layer_sizes=(11,)) for s in grid]
    rows = [455 + i for i in range(len(grid))]
    structure, jobs = block_of(estimators, X, y, rows)
    before = compilations.copy()
    train_block(structure, jobs)
    train_block(structure, jobs[::-1])
    for job in jobs[:3]:
        train_block(structure, [job])
    new = compilations - before
    # A lone lane has a free one beside it.
    assert new == {(structure, len(jobs)): 1, (structure, 2): 1}


def test_repeated_fits_do_not_compile_again(cancer):
    X, y = cancer
    classifier(optimizer="sgd", dropout=0.1).fit(X, y)
    before = compilations.total()
    for settings in ({"momentum": 0.5}, {"dropout": 0.3}, {"learning_rate": 0.1}):
        classifier(optimizer="sgd", **({"dropout": 0.2} | settings)).fit(X[50:], y[50:])
    assert compilations.total() == before


def test_optimizers_of_one_rule_share_a_program(cancer):
    X, y = cancer
    classifier(hidden_layer_sizes=(13,), optimizer="adam").fit(X, y)
    before = compilations.total()
    network = classifier(hidden_layer_sizes=(13,), optimizer="adamw").fit(X, y)
    assert compilations.total() == before
    assert type(network.model_.optimizer).__name__ == "AdamW"


def test_a_lane_that_diverges_leaves_its_neighbours_alone(cancer):
    estimators = [
        classifier(random_state=0),
        classifier(random_state=1, optimizer="adam", learning_rate=1e30),
        classifier(random_state=2, dropout=0.2),
    ]
    structure, jobs = block_of(estimators, *cancer)
    results = train_block(structure, jobs)
    assert [bool(result.diverged) for result in results] == [False, True, False]
    for i in (0, 2):
        alone = train_block(structure, [jobs[i]])[0]
        assert_same(results[i], alone, rtol=1e-3, atol=1e-5)


def weights_of(estimator, X, y):
    return estimator.fit(X, y)._state["weights"]


def assert_equal_weights(weights, others):
    for name, weight in weights.items():
        np.testing.assert_array_equal(weight, others[name], err_msg=name)


REPEATABLE = {"dropout": 0.3, "gaussian_noise": 0.1, "random_state": 3}


def test_same_again_on_every_run_and_thread(cancer):
    first = weights_of(classifier(**REPEATABLE), *cancer)
    assert_equal_weights(first, weights_of(classifier(**REPEATABLE), *cancer))
    with ThreadPoolExecutor(4) as pool:
        fits = [
            pool.submit(weights_of, classifier(**REPEATABLE), *cancer) for _ in range(8)
        ]
        for fit in fits:
            assert_equal_weights(first, fit.result())


def test_same_again_in_other_processes(cancer):
    first = weights_of(classifier(**REPEATABLE), *cancer)
    fits = Parallel(n_jobs=2, backend="loky")(
        delayed(weights_of)(classifier(**REPEATABLE), *cancer) for _ in range(2)
    )
    for weights in fits:
        assert_equal_weights(first, weights)


def test_large_products_are_the_same_again(rng):
    """Those that run without XLA, on several threads."""
    X, y = rng.normal(size=(600, 80)), rng.integers(0, 2, 600)
    settings = {"hidden_layer_sizes": (300, 300), "batch_size": 200, "epochs": 2}
    structure, _ = captured(classifier(**settings), X, y)
    work = structure.batch_size * structure.n_kernel_elements
    assert work > program.LARGE_STEP_WORK
    first = weights_of(classifier(**settings, random_state=0), X, y)
    for _ in range(3):
        again = weights_of(classifier(**settings, random_state=0), X, y)
        assert_equal_weights(first, again)


def test_another_random_state_is_another_network(cancer):
    first = weights_of(classifier(random_state=0), *cancer)
    other = weights_of(classifier(random_state=1), *cancer)
    assert np.abs(first["kernel_0"] - other["kernel_0"]).max() > 0.1


def test_jobs_travel_by_pickle(cancer):
    estimators = [
        classifier(random_state=0, early_stopping=True, monitor="roc_auc"),
        classifier(random_state=1, dropout=0.2),
    ]
    structure, jobs = block_of(estimators, *cancer)
    travelled = pickle.loads(pickle.dumps((structure, jobs)))
    results = train_block(structure, jobs)
    for result, other in zip(results, train_block(*travelled), strict=True):
        assert_same(result, other, rtol=0, atol=0)


def test_resting_lanes_keep_their_state(cancer):
    """A lane with fewer epochs ends with the weights of its last epoch."""
    structure, jobs = block_of([classifier(random_state=0)] * 2, *cancer)
    short = replace(jobs[0], epochs=1)
    results = train_block(structure, [short, jobs[1]])
    assert results[0].state.epoch == 1
    assert results[0].state.step == short.steps_per_epoch
    assert len(results[0].history["loss"]) == 1
    assert_same(results[0], train_block(structure, [short])[0], rtol=1e-4, atol=1e-6)


@pytest.mark.of_tensorflow
def test_without_xla_the_network_trains_and_says_so_once(cancer, monkeypatch):
    """Where XLA cannot compile a network the same program runs as a graph."""
    import tensorflow as tf

    compiled = tensorflow.compiled

    def failing(function, arguments, xla):
        if not xla:
            return compiled(function, arguments, xla)

        def fail(*arguments):
            raise tf.errors.UnimplementedError(None, None, "no XLA here")

        return fail

    monkeypatch.setattr(tensorflow, "compiled", failing)
    settings = {"hidden_layer_sizes": (9,), "random_state": 0, "dropout": 0.2}
    with pytest.warns(RuntimeWarning, match="without.*slower.*no XLA here") as caught:
        without = classifier(**settings).fit(*cancer)
        classifier(**settings).fit(*cancer)
    assert len(caught) == 1
    monkeypatch.undo()
    program._programs.clear()
    with_xla = classifier(**settings).fit(*cancer)
    np.testing.assert_allclose(
        without._state["weights"]["kernel_0"],
        with_xla._state["weights"]["kernel_0"],
        rtol=1e-3,
        atol=1e-5,
    )


@pytest.mark.of_tensorflow
def test_a_process_short_of_memory_areas_compiles_no_more(cancer, monkeypatch):
    """Linux would kill it."""
    monkeypatch.setattr(program, "MAX_SHARE_OF_AREAS", 0.0)
    network = plain_classifier((5, 7), epochs=3, random_state=0)
    with pytest.warns(RuntimeWarning, match="slower.*short of memory areas"):
        network.fit(*cancer)
    assert np.isfinite(network.history_["loss"]).all()
    assert 0 < program._share_of_memory_areas() < 1


def test_a_regressor_shares_the_engine(diabetes):
    estimators = [
        plain_regressor((8,), loss="huber", huber_delta=d, epochs=3) for d in (0.1, 1.0)
    ]
    structure, jobs = block_of(estimators, *diabetes)
    results = train_block(structure, jobs)
    losses = [result.history["loss"][-1] for result in results]
    assert losses[0] < losses[1], "a smaller delta makes a smaller loss"
