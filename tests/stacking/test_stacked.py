"""Searches inside `stacked` give what they give outside."""

import faulthandler
import re
import signal
import threading
import time
import warnings
from collections import Counter
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import partial

import joblib
import numpy as np
import pytest
from joblib.parallel import get_active_backend
from scipy import sparse
from scipy.stats import uniform
from sklearn.base import BaseEstimator
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor, stacked
from skreg.engine import compilations
from skreg.stacking import gatherer, stacked_if_not_yet, tasks, trainers
from skreg.stacking.blocks import SharedRows
from tests.support import captured, plain_classifier

LIMIT = 60  # seconds of a test
SETTINGS = {"l2": 1e-3, "batch_size": 32, "epochs": 3, "random_state": 0}
GRID = {"dropout": [0.0, 0.3], "l2": [0.0, 0.01]}


@pytest.fixture(autouse=True)
def time_limit(request):
    """A test that hangs fails, and its threads do not keep the process alive."""

    def stop(*arguments):
        exit_soon = partial(faulthandler.dump_traceback_later, 10, exit=True)
        request.config.add_cleanup(exit_soon)
        raise TimeoutError(f"The test took more than {LIMIT} s.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT, 5)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def skreg_threads():
    return [t.name for t in threading.enumerate() if t.name.startswith("skreg")]


@pytest.fixture(autouse=True)
def nothing_is_left():
    backend, n_jobs = get_active_backend()
    yield
    assert skreg_threads() == []
    assert gatherer.current_gatherer() is None
    after, n_jobs_after = get_active_backend()
    assert (type(after), n_jobs_after) == (type(backend), n_jobs)


@pytest.fixture
def blocks(monkeypatch):
    """How many jobs each block has, where all that wait train in one."""
    monkeypatch.setattr("skreg.stacking.blocks.MAX_LANES", 64)
    monkeypatch.setattr(trainers.LocalTrainer, "n_workers", 1)
    sizes = []
    train_block = trainers.train_block

    def counting(structure, jobs, *arguments):
        sizes.append(len(jobs))
        return train_block(structure, jobs, *arguments)

    monkeypatch.setattr(trainers, "train_block", counting)
    return sizes


@pytest.fixture(scope="module")
def data(cancer):
    """Rows that 5 folds do not divide evenly."""
    X, y = cancer
    return X[:203], y[:203]


def classifier(hidden=(8,), **settings):
    return MLPRegularizedClassifier(hidden, **(SETTINGS | settings))


def regressor(**settings):
    return MLPRegularizedRegressor((8,), **(SETTINGS | settings))


def search(estimator=None, grid=GRID, **settings):
    settings = {"cv": 5, "scoring": "neg_log_loss", "refit": False} | settings
    estimator = classifier() if estimator is None else estimator
    return GridSearchCV(estimator, grid, **settings)


def scores(fitted):
    """The test scores of a search, by their names in `cv_results_`."""
    return {k: v for k, v in fitted.cv_results_.items() if "test" in k}


def assert_same(found, expected, atol=1e-6):
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_allclose(
            np.asarray(values, float), expected[name], rtol=0, atol=atol, err_msg=name
        )


@pytest.fixture(scope="module")
def plain(data):
    """The scores of `search()` without `stacked`."""
    return scores(search().fit(*data))


# --- what trains together is the same as alone


def test_a_grid_search_is_the_same_and_compiles_once(data, blocks):
    X, y = data
    network = make_pipeline(StandardScaler(), classifier((7,)))
    grid = {
        f"mlpregularizedclassifier__{name}": values
        for name, values in (GRID | {"learning_rate": [0.001, 0.02]}).items()
    }
    before = compilations.copy()
    with stacked():
        found = search(network, grid, refit=True).fit(X, y)
    new = compilations - before
    assert blocks == [40, 1]
    assert {lanes for _, lanes in new} >= {64}
    assert set(new.values()) == {1}
    expected = search(network, grid, refit=True).fit(X, y)
    assert_same(scores(found), scores(expected))
    assert found.best_params_ == expected.best_params_
    np.testing.assert_allclose(
        found.predict_proba(X), expected.predict_proba(X), rtol=0, atol=1e-6
    )


def test_the_same_search_again_compiles_nothing(data):
    with stacked():
        search().fit(*data)
        before = compilations.total()
        search().fit(*data)
    assert compilations.total() == before


def test_a_new_program_has_the_remedies_of_all_that_wait(data):
    """Also where there is a program already, with fewer remedies."""
    network = classifier((5,), l2=0.0)
    grid = [{"l1": [1e-3]}, {"gaussian_noise": [0.1]}, {"mixup": [0.2]}]
    with stacked(lanes=2):
        search(network, {"dropout": [0.1, 0.2]}).fit(*data)
        before = compilations.total()
        search(network, grid).fit(*data)
    assert compilations.total() == before + 1


def test_a_large_search_is_the_same(data, blocks):
    grid = {
        "dropout": [0.1, 0.2, 0.4],
        "l2": [1e-5, 1e-4, 1e-3, 1e-2],
        "learning_rate": [1e-3, 3e-3, 1e-2, 3e-2, 0.1],
    }

    def run():
        network = classifier(epochs=2)
        return search(network, grid).fit(*data).cv_results_["mean_test_score"]

    with stacked():
        found = run()
    assert sum(blocks) == 300
    assert len(blocks) <= 10
    np.testing.assert_allclose(found, run(), rtol=0, atol=1e-5)


def halving(kind, candidates, resource):
    few, most = {"epochs": (2, 4), "n_samples": (100, 200)}[resource]
    return lambda X, y: scores(
        kind(
            classifier(),
            candidates,
            cv=3,
            factor=2,
            resource=resource,
            min_resources=few,
            max_resources=most,
            random_state=0,
            refit=False,
        ).fit(X, y)
    )


def fitted(estimator):
    return lambda X, y: {"predictions": estimator().fit(X, y).predict_proba(X)}


def validated(X, y):
    found = cross_validate(classifier(), X, y, return_estimator=True)
    return {
        "score": found["test_score"],
        "predictions": [e.predict_proba(X) for e in found["estimator"]],
    }


def one_against_the_rest(X, y):
    three = y + (X[:, 0] > 14)
    network = OneVsRestClassifier(classifier())
    return {"predictions": network.fit(X, three).predict_proba(X)}


def several_targets(X, y):
    Y = np.column_stack([X[:, 0], X[:, 1] ** 2, y])
    network = MultiOutputRegressor(regressor())
    return {"predictions": network.fit(X, Y).predict(X)}


DISTRIBUTIONS = {"dropout": uniform(0, 0.5), "l2": [0.0, 0.001, 0.01]}
TASKS = {
    "RandomizedSearchCV": lambda X, y: scores(
        RandomizedSearchCV(
            classifier(), DISTRIBUTIONS, n_iter=4, cv=3, random_state=0, refit=False
        ).fit(X, y)
    ),
    "HalvingGridSearchCV-epochs": halving(HalvingGridSearchCV, GRID, "epochs"),
    "HalvingGridSearchCV-rows": halving(HalvingGridSearchCV, GRID, "n_samples"),
    "HalvingRandomSearchCV-epochs": halving(
        HalvingRandomSearchCV, DISTRIBUTIONS, "epochs"
    ),
    "HalvingRandomSearchCV-rows": halving(
        HalvingRandomSearchCV, DISTRIBUTIONS, "n_samples"
    ),
    "cross_val_score": lambda X, y: {"score": cross_val_score(classifier(), X, y)},
    "cross_validate": validated,
    "cross_val_predict": lambda X, y: {
        "predictions": cross_val_predict(classifier(), X, y, method="predict_proba")
    },
    "learning_curve": lambda X, y: {
        "scores": learning_curve(
            classifier(),
            X,
            y,
            cv=3,
            train_sizes=[0.5, 1.0],
            shuffle=True,
            random_state=0,
        )[1:]
    },
    "validation_curve": lambda X, y: {
        "scores": validation_curve(
            classifier(), X, y, param_name="l2", param_range=[0.0, 0.01, 0.1], cv=3
        )
    },
    "permutation_test_score": lambda X, y: {
        "permuted": permutation_test_score(
            classifier(), X, y, n_permutations=5, cv=3, random_state=0
        )[1]
    },
    "BaggingClassifier": fitted(
        lambda: BaggingClassifier(classifier(), n_estimators=4, random_state=0)
    ),
    "VotingClassifier": fitted(
        lambda: VotingClassifier(
            [(str(i), classifier(random_state=i)) for i in range(3)], voting="soft"
        )
    ),
    "OneVsRestClassifier": one_against_the_rest,
    "MultiOutputRegressor": several_targets,
}


@pytest.mark.parametrize("task", TASKS)
def test_scikit_learns_tools_give_the_same(data, blocks, task):
    with stacked():
        found = TASKS[task](*data)
    assert max(blocks) > 2, "nothing trained together"
    assert_same(found, TASKS[task](*data))


def test_nested_cross_validation_is_the_same(data, blocks):
    def outer():
        return cross_val_score(
            search(cv=3, refit=True), *data, cv=3, scoring="neg_log_loss"
        )

    with stacked():
        found = outer()
    assert max(blocks) == 3 * 12, "the inner searches train together"
    np.testing.assert_allclose(found, outer(), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"n_jobs": 1},
        {"n_jobs": 2},
        {"n_jobs": -1},
        {"pre_dispatch": 1},
        {"pre_dispatch": "all"},
        {"n_jobs": 2, "pre_dispatch": "2*n_jobs"},
    ],
    ids=str,
)
def test_settings_of_joblib_do_not_change_scores(data, plain, settings):
    with stacked():
        assert_same(scores(search(**settings).fit(*data)), plain)


def test_unequal_lengths_are_the_same(data):
    """Candidates that stop early leave their lanes to others."""
    grid = [
        {"patience": [0, 1, 4], "early_stopping": [True], "epochs": [2, 12]},
        {"early_stopping": [False], "epochs": [1, 5]},
    ]

    def found():
        network = classifier(learning_rate=0.05, validation_fraction=0.2)
        fitted = search(network, grid, cv=3).fit(*data)
        n_epochs = [
            [
                e.n_iter_
                for e in cross_validate(e, *data, return_estimator=True)["estimator"]
            ]
            for e in (
                classifier(
                    learning_rate=0.05, early_stopping=True, patience=p, epochs=n
                )
                for p, n in ((0, 30), (3, 30), (3, 2))
            )
        ]
        return scores(fitted) | {"n_epochs": n_epochs}

    with stacked():
        together = found()
    assert len(np.unique(together["n_epochs"])) > 2
    assert_same(together, found())


def test_estimators_of_others_are_the_same(data):
    X, y = data
    X = StandardScaler().fit_transform(X)
    for estimator, grid in (
        (LogisticRegression(), {"C": [0.1, 1.0, 10.0]}),
        (RandomForestClassifier(5, random_state=0), {"max_depth": [1, 2, 3]}),
    ):
        with stacked():
            found = scores(search(estimator, grid).fit(X, y))
        assert_same(found, scores(search(estimator, grid).fit(X, y)))


# --- settings


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_number_of_lanes(data, plain, blocks, lanes):
    with stacked(lanes=lanes):
        assert_same(scores(search().fit(*data)), plain)
    assert max(blocks) == lanes


@pytest.mark.parametrize("lanes", [0, -1, 2.5, "8"])
def test_lanes_are_positive_integers(lanes):
    with pytest.raises(ValueError, match="'lanes'"), stacked(lanes=lanes):
        pass


def test_joblibs_backend_alone(data, plain, blocks):
    with joblib.parallel_config(backend="skreg"):
        assert_same(scores(search().fit(*data)), plain)
        assert skreg_threads() == []
    assert blocks == [20]


def test_the_context_may_be_entered_in_itself(data, plain):
    with stacked():
        with stacked(lanes=4):
            assert_same(scores(search().fit(*data)), plain)
        assert_same(scores(search().fit(*data)), plain)


# --- threads of the user


def in_threads(functions):
    with ThreadPoolExecutor(len(functions)) as pool:
        futures = [pool.submit(function) for function in functions]
        return [future.result(LIMIT / 2) for future in futures]


def test_two_threads_with_a_context_each(data, plain):
    def run():
        with stacked():
            return scores(search().fit(*data))

    for found in in_threads([run, run]):
        assert_same(found, plain)


def test_two_threads_that_share_a_context(data):
    def run(seeds):
        return [
            classifier(random_state=seed).fit(*data).predict_proba(data[0])
            for seed in seeds
        ]

    parts = [[0, 1, 2], [3, 4, 5]]
    with stacked():
        found = in_threads([lambda seeds=seeds: run(seeds) for seeds in parts])
    np.testing.assert_allclose(found, [run(p) for p in parts], rtol=0, atol=1e-6)


def test_a_thread_may_search_in_the_context_of_another(data, plain):
    with stacked():
        found = in_threads([lambda: scores(search().fit(*data))] * 2)
    for each in found:
        assert_same(each, plain)


def test_fits_of_eight_threads_gather(data, blocks):
    together = threading.Barrier(8)

    def run(seed):
        network = classifier(random_state=seed, dropout=0.1 * seed)
        together.wait()
        return network.fit(*data).predict_proba(data[0])

    with stacked():
        found = in_threads([lambda seed=seed: run(seed) for seed in range(8)])
    assert sum(blocks) == 8
    assert len(blocks) <= 4, "most train together"
    together = threading.Barrier(1)
    np.testing.assert_allclose(found, [run(i) for i in range(8)], rtol=0, atol=1e-6)


def test_a_fit_in_the_context_is_the_same(data, blocks):
    with stacked():
        found = classifier().fit(*data).predict_proba(data[0])
    assert blocks == [1]
    expected = classifier().fit(*data).predict_proba(data[0])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


# --- failures


class StepFailedError(Exception):
    pass


class Step(BaseEstimator):
    """A pipeline's step that fails if it is told to."""

    def __init__(self, fails=False):
        self.fails = fails

    def fit(self, X, y=None):
        if self.fails:
            raise StepFailedError("as it was told to")
        return self

    def transform(self, X):
        return X

    def __sklearn_is_fitted__(self):
        return True


FAILING = {
    "invalid": {"network__dropout": [2.0]},
    "diverging": {"network__learning_rate": [1e30]},
    "step": {"step": [Step(fails=True)]},
}
ERRORS = {"invalid": ValueError, "diverging": ValueError, "step": StepFailedError}


def failing_search(failures, **settings):
    steps = [("step", Step()), ("network", classifier())]
    good = {"network__l2": [0.0, 0.01, 0.1]}
    grid = [good, *(FAILING[failure] for failure in failures)]
    return search(Pipeline(steps), grid, **settings)


def with_warnings(run):
    """What it gives, and how often each category warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = run()
    return result, Counter(warning.category for warning in caught)


@pytest.mark.parametrize("failures", [*([f] for f in FAILING), list(FAILING)], ids=str)
def test_failed_candidates_leave_the_others_alone(data, failures):
    def run():
        return scores(failing_search(failures, error_score=np.nan).fit(*data))

    def run_stacked():
        with stacked():
            return run()

    expected, expected_warnings = with_warnings(run)
    found, found_warnings = with_warnings(run_stacked)
    is_nan = np.isnan(found["mean_test_score"])
    assert is_nan.tolist() == [False] * 3 + [True] * len(failures)
    assert_same(found, expected)
    assert found_warnings == expected_warnings
    assert FitFailedWarning in found_warnings


@pytest.mark.parametrize("failure", FAILING)
def test_an_error_that_is_raised(data, plain, failure):
    with stacked():
        with pytest.raises(ERRORS[failure]):
            failing_search([failure], error_score="raise").fit(*data)
        assert_same(scores(search().fit(*data)), plain)


def test_an_error_ends_the_fits_beside_it(data, plain):
    """Those that would train for minutes are dropped."""
    network = classifier(epochs=200_000)
    grid = [{"l2": [0.0, 0.01]}, {"learning_rate": [1e30]}]
    with stacked(lanes=16):
        began = time.monotonic()
        with pytest.raises(ValueError, match="diverged"):
            search(network, grid, error_score="raise").fit(*data)
        assert time.monotonic() - began < 10
        assert_same(scores(search().fit(*data)), plain)


def test_an_error_in_the_context_ends_it(data, plain):
    def run():
        with stacked():
            search().fit(*data)
            raise StepFailedError

    with pytest.raises(StepFailedError):
        run()
    with stacked():
        assert_same(scores(search().fit(*data)), plain)


def warning_filters():
    """The filters; scikit-learn turns their strings into patterns."""
    return [
        tuple(part.pattern if isinstance(part, re.Pattern) else part for part in found)
        for found in warnings.filters
    ]


def test_warning_filters_stay_as_they_are(data):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "some", UserWarning)
        before = warning_filters()
        with stacked():
            search(grid={"l2": np.linspace(0, 0.1, 10)}).fit(*data)
        assert warning_filters() == before


# --- interruptions


def interrupted(run, after):
    """Press Ctrl+C so many seconds into it; gives the seconds until it ended."""
    main = threading.get_ident()
    pressed = []

    def press():
        pressed.append(time.monotonic())
        signal.pthread_kill(main, signal.SIGINT)

    timer = threading.Timer(after, press)
    # A process that a shell starts in the background ignores Ctrl+C.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run()
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGINT, handler)
    return time.monotonic() - pressed[0]


LONG = {"epochs": 100_000}


def long_nested(X, y):
    cross_val_score(search(classifier(**LONG), cv=3, refit=True), X, y, cv=3)


LONG_TASKS = {
    "search": lambda X, y: search(classifier(**LONG)).fit(X, y),
    "nested": long_nested,
    "fit": lambda X, y: classifier(**LONG).fit(X, y),
    "watched": lambda X, y: search(
        classifier(**LONG, early_stopping=True, patience=100_000)
    ).fit(X, y),
}


@pytest.mark.parametrize("task", LONG_TASKS)
@pytest.mark.parametrize("after", [0.05, 1.0])
def test_an_interrupted_search_ends(data, plain, task, after):
    with stacked():  # compiles
        search().fit(*data)

    def run():
        with stacked():
            LONG_TASKS[task](*data)

    assert interrupted(run, after) < 5
    assert skreg_threads() == []
    with stacked():
        assert_same(scores(search().fit(*data)), plain)


def test_a_search_after_an_interrupted_one_in_the_same_context(data, plain):
    with stacked():
        assert_same(scores(search().fit(*data)), plain)
        run = LONG_TASKS["search"]
        assert interrupted(lambda: run(*data), 1.0) < 5
        assert_same(scores(search().fit(*data)), plain)


def test_a_fit_on_its_way_in_hears_of_the_interruption(data, monkeypatch):
    """Cancelled after it has begun to hand in its job, and before that waits."""
    share = gatherer.SharedRows.__call__
    has_begun, is_cancelled = threading.Event(), threading.Event()

    def slow(self, rows):
        has_begun.set()
        assert is_cancelled.wait(30)
        return share(self, rows)

    def cancel(self, call, cancel=gatherer.Gatherer.cancel):
        cancel(self, call)
        is_cancelled.set()

    monkeypatch.setattr(gatherer.SharedRows, "__call__", slow)
    monkeypatch.setattr(gatherer.Gatherer, "cancel", cancel)

    def run():
        with stacked():
            LONG_TASKS["search"](*data)

    assert interrupted(run, 0.5) < 5
    assert has_begun.is_set()


# --- other searches


@pytest.mark.filterwarnings("ignore")
def test_optunas_search_ends(data):
    integration = pytest.importorskip("optuna_integration", reason="optional")
    optuna = pytest.importorskip("optuna", reason="optional")
    space = {"l2": optuna.distributions.FloatDistribution(1e-5, 0.1, log=True)}
    with stacked():
        found = integration.OptunaSearchCV(
            classifier(), space, n_trials=4, n_jobs=2, cv=3, random_state=0
        ).fit(*data)
    assert len(found.trials_) == 4
    assert found.best_estimator_.predict(data[0]).shape == data[1].shape


def small_search(network=None, cv=3):
    network = network or MLPRegularizedClassifier(
        (4,), batch_size=32, epochs=2, random_state=0
    )
    return GridSearchCV(network, {"l2": [0.0, 0.1]}, cv=cv, refit=False)


def test_threads_that_ask_for_the_backend_inside_anothers_context_end(cancer):
    """Their caller counts as running, though it waits for them."""
    plain = small_search().fit(*cancer).cv_results_["mean_test_score"]

    def run():
        with joblib.parallel_config(backend="skreg"):
            return small_search().fit(*cancer).cv_results_["mean_test_score"]

    with stacked(), ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(run) for _ in range(2)]:
            np.testing.assert_allclose(future.result(), plain, atol=1e-6)


class Locked(MLPRegularizedClassifier):
    """Holds a lock while it fits, as a user's own class may."""

    _lock = threading.Lock()

    def fit(self, X, y):
        with self._lock:
            return super().fit(X, y)


def test_a_lock_around_fit_does_not_hang(cancer):
    network = Locked((4,), batch_size=32, epochs=2, random_state=0)
    with stacked():
        search = small_search(network, cv=2).fit(*cancer)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("patience", [1e-3, 2.0])
def test_a_generator_that_is_left_open_ends_with_the_context(
    cancer, patience, monkeypatch
):
    monkeypatch.setattr(gatherer, "STUCK_SECONDS", patience)
    network = MLPRegularizedClassifier((4,), epochs=1)
    with stacked():
        models = joblib.Parallel(return_as="generator")(
            joblib.delayed(network.fit)(*cancer) for _ in range(300)
        )
        next(models)
    with pytest.raises(CancelledError):
        list(models)


def test_a_default_fit_is_not_for_the_fits_of_other_threads():
    """Otherwise it would wait for them in the end."""
    with stacked_if_not_yet(), ThreadPoolExecutor(1) as other:
        own = gatherer.current_gatherer()
        assert own is not None
        assert other.submit(gatherer.current_gatherer).result() is None
    with stacked(), ThreadPoolExecutor(1) as other:
        own = gatherer.current_gatherer()
        assert other.submit(gatherer.current_gatherer).result() is own


def test_a_generator_that_ends_in_another_thread_leaves_its_opener_alone():
    with joblib.parallel_config(backend="skreg"):
        results = joblib.Parallel(return_as="generator")(
            joblib.delayed(int)(i) for i in range(4)
        )
        with ThreadPoolExecutor(1) as other:
            assert other.submit(list, results).result() == [0, 1, 2, 3]
        assert gatherer.current_gatherer() is None
        assert joblib.Parallel()(joblib.delayed(int)(i) for i in range(3)) == [0, 1, 2]


def test_sparse_rows_with_other_columns_are_not_the_same(cancer):
    """A column that a fold's rows lack leaves no trace in their sparse arrays."""
    X, y = cancer
    X = np.where(X.mean(axis=0) < X, 1.0, 0.0)
    X[:, 10] = 0.0
    X = sparse.csr_array(X)
    jobs = [captured(plain_classifier((4,)), X[:, :n], y) for n in (10, 11)]
    share = SharedRows()
    (_, one), (_, other) = jobs
    assert share(one.rows) is one.rows
    assert share(other.rows) is other.rows


def test_memory_that_caches_files_is_available(monkeypatch):
    """A machine that has read large files has little free memory, and needs it not."""
    known = "MemTotal: 9000 kB\nMemFree: 1 kB\nMemAvailable: 2000 kB\n"
    monkeypatch.setattr("pathlib.Path.read_text", lambda path: known)
    monkeypatch.setattr(tasks, "_memory_of_container", lambda: 1e18)
    assert tasks.available_memory() == 2000 * 1024


def test_a_container_may_have_less_memory_than_its_machine(tmp_path):
    assert tasks._memory_of_container(tmp_path) == float("inf")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 400\ninactive_file 200\nslab 1\n")
    for limit, left in [("max", float("inf")), ("1000", 500), ("100", 0)]:
        (tmp_path / "memory.max").write_text(limit + "\n")
        assert tasks._memory_of_container(tmp_path) == left
