"""`stacked`, in which the fits of a search train together, and its joblib backend."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from numbers import Integral
from typing import Literal

import joblib
from joblib.parallel import ParallelBackendBase, register_parallel_backend

from ..persistence import ResultStore
from ..typing import Path
from .gatherer import Gatherer, current_gatherer, current_task, gatherer_of_this_thread
from .progress import progress_bar
from .tasks import Call
from .trainers import ExecutorTrainer, LocalTrainer

CAPACITY_PER_CORE = 64  # fits that may wait for a stack
EXECUTOR_CAPACITY = 1024


@contextmanager
def stacked(
    lanes: int | None = None,
    executor: Executor | None = None,
    progress: bool | Literal["always"] = False,
    checkpoint: Path | None = None,
) -> Iterator[None]:
    """Train the fits of an unmodified search together, as stacked networks.

    Inside of the context the fits that scikit-learn hands to joblib wait for one
    another and train as lanes of a stack, on all cores. Each fit gives what it gives
    outside, within the rounding of its arithmetic. This holds for all that runs its
    fits by joblib: GridSearchCV, RandomizedSearchCV, the halving searches,
    cross_validate and its kin, learning_curve, validation_curve, BaggingClassifier,
    OneVsRestClassifier, pipelines in them, and one in the other. There `n_jobs` does
    not matter: leave it alone. Fits of other threads (Optuna's, a user's own) gather
    too, when they come within some milliseconds of each other.

    ``joblib.parallel_config(backend="skreg")`` does the same with the defaults.

    Parameters
    ----------
    lanes : int, default=None
        Networks in a full stack. None chooses as many as a core's cache holds, from 1
        for large networks to 64 for small ones.
    executor : concurrent.futures.Executor, default=None
        What trains the stacks, e.g. ``dask.distributed.Client(...).get_executor()``.
        Everything else (preprocessing, scoring) runs in this process, and so do fits
        with `callbacks` or `verbose`. A worker that is lost costs the repetition of
        the stacks that it was training. None trains on threads of this process.
    progress : bool or "always", default=False
        Whether to show a bar with the fits that are done, the epochs and lanes in
        training, and the best validation value where there is one; on a terminal only,
        unless "always".
    checkpoint : path-like, default=None
        A directory that keeps the result of each fit. A search that is started again
        with the same data and parameters, after a kill for instance, takes what is
        there and trains the rest. The estimator needs a number as its `random_state`:
        without one each fit is another. Fits with `callbacks` or `verbose` train again.
        Nothing in it is deleted.

    Raises
    ------
    ValueError
        If a parameter is not what it should be.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import GridSearchCV
    >>> import skreg
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> network = skreg.MLPRegularizedClassifier(epochs=10, random_state=0)
    >>> grid = {"dropout": [0.0, 0.2, 0.5], "l2": [0.0, 1e-3]}
    >>> with skreg.stacked():
    ...     search = GridSearchCV(network, grid, cv=5).fit(X, y)
    >>> bool(search.best_score_ > 0.95)
    True
    """
    if executor is not None and not isinstance(executor, Executor):
        raise ValueError(
            "The 'executor' parameter must be a concurrent.futures.Executor, such as "
            f"dask.distributed's Client.get_executor(), or None. Got {executor!r} "
            "instead."
        )
    if lanes is not None and not (isinstance(lanes, Integral) and lanes >= 1):
        raise ValueError(
            f"The 'lanes' parameter must be an int of at least 1 or None. Got {lanes!r}"
            " instead."
        )
    if progress not in (False, True, "always"):
        raise ValueError(
            "The 'progress' parameter must be True, False or 'always'. Got "
            f"{progress!r} instead."
        )
    if checkpoint is not None and not isinstance(checkpoint, (str, os.PathLike)):
        raise ValueError(
            "The 'checkpoint' parameter must be the path of a directory or None. Got "
            f"{checkpoint!r} instead."
        )
    store = None if checkpoint is None else ResultStore(checkpoint)
    with (
        progress_bar(progress) as show,
        _gatherer(lanes, executor, show, store),
        joblib.parallel_config(backend="skreg"),
    ):
        yield


@contextmanager
def stacked_if_not_yet():
    """`stacked`, unless this is inside of it and shares its stacks."""
    if current_gatherer() is not None:
        yield
        return
    with stacked():
        yield


def _gatherer(lanes=None, executor=None, show=None, store=None):
    cores = joblib.cpu_count()
    trainer = LocalTrainer(cores)
    # Room for two stacks a core: one that trains and one that fills.
    capacity = max(CAPACITY_PER_CORE, 2 * (lanes or 0)) * cores
    if executor is not None:
        trainer, capacity = ExecutorTrainer(executor), max(capacity, EXECUTOR_CAPACITY)
    return Gatherer(trainer, lanes, cores, capacity, show, store)


class StackingBackend(ParallelBackendBase):
    """Runs joblib's tasks on the threads of a gatherer.

    Outside of `stacked`, as in ``joblib.parallel_config(backend="skreg")``, a call of
    `joblib.Parallel` has a gatherer of its own.
    """

    supports_retrieve_callback = True
    uses_threads = True
    supports_sharedmem = True
    default_n_jobs = -1

    _own = _call = None

    def effective_n_jobs(self, n_jobs):
        """How many tasks there should be, to fill stacks; `n_jobs` does not matter."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        gatherer = gatherer_of_this_thread()
        if gatherer is None:
            return CAPACITY_PER_CORE * joblib.cpu_count()
        return gatherer.capacity

    def configure(self, n_jobs=1, parallel=None, **backend_kwargs):
        """Begin a call of `joblib.Parallel`."""
        self.effective_n_jobs(n_jobs)  # raises where there are none
        self.parallel = parallel
        self._call = Call(current_task())
        self._gatherer = gatherer_of_this_thread()
        if self._gatherer is None:
            self._gatherer = self._own = _gatherer().__enter__()
        return self.effective_n_jobs(n_jobs)

    def get_nested_backend(self):
        """The backend of calls inside of a task, which share the stacks."""
        return StackingBackend(nesting_level=(self.nesting_level or 0) + 1), None

    def submit(self, func, callback=None):
        """Run a task when it is its turn."""
        future = self._gatherer.submit(func, self._call)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    apply_async = submit  # joblib before 1.5

    def retrieve_result_callback(self, out):
        """The task's result, or its exception."""
        return out.result()

    @contextmanager
    def retrieval_context(self):
        """While joblib waits for the tasks."""
        with self._gatherer.idle():
            yield

    def abort_everything(self, ensure_ready=True):
        """End the call's tasks."""
        self._gatherer.cancel(self._call)
        self._wait()
        if ensure_ready:
            self._call = Call(current_task())

    def terminate(self):
        """End the call."""
        self._wait()
        if self._own is not None:
            own, self._own = self._own, None
            own.__exit__(None, None, None)

    def _wait(self):
        with self._gatherer.idle():
            self._call.wait()


register_parallel_backend("skreg", StackingBackend)
