"""`stacked`, which trains the fits of a search together, and its joblib backend."""

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
from .blocks import full_stack_lanes, lanes_of_one_fit
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

    Inside the context, the fits that scikit-learn runs through joblib wait for one
    another and train as lanes of a stack, on all cores. Each fit gives the same result
    as outside, up to rounding errors. This works with GridSearchCV, RandomizedSearchCV,
    the halving searches, cross_validate and similar functions, learning_curve,
    validation_curve, BaggingClassifier and OneVsRestClassifier, also with pipelines and
    nested in one another. Do not set their `n_jobs`: it has no effect here. Fits of
    other threads (Optuna's or your own) train together too, if they start within some
    milliseconds of each other.

    ``joblib.parallel_config(backend="skreg")`` does the same with the defaults.

    Parameters
    ----------
    lanes : int, default=None
        Number of networks in a full stack, at least 1. None chooses 16, or as many as
        fit into a core's cache if these are fewer, 2 at least. More are of use only
        with early stopping. Large networks train alone. On a GPU None chooses up to
        1,024.
    executor : concurrent.futures.Executor, default=None
        Executor that trains the stacks, such as
        ``dask.distributed.Client(...).get_executor()``. Preprocessing and scoring run
        in this process, and so do fits with `callbacks` or `verbose`. If a worker is
        lost, its stacks are trained again. None trains on threads of this process.
    progress : bool or "always", default=False
        Whether to show a progress bar, with finished fits, trained epochs, lanes in
        training, and the best validation value if there is one. True shows it only on a
        terminal or in Jupyter, "always" everywhere. What an `executor` trains shows
        when a stack is finished, without epochs; what a `checkpoint` holds does not.
    checkpoint : path-like, default=None
        Directory that stores the result of each fit; made if missing. If a search was
        interrupted, start it again with the same data and parameters: it loads the
        stored results and trains only the other fits. The estimator needs an int as its
        `random_state`; otherwise each fit is different. Fits with `callbacks` or
        `verbose` train again. Nothing in the directory is deleted. None stores nothing.

    Raises
    ------
    ValueError
        If a parameter is not valid.

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
        _gatherer(
            full_stack_lanes if lanes is None else lambda structure: lanes,
            lanes or 0,
            executor,
            show=show,
            store=store,
        ),
        joblib.parallel_config(backend="skreg"),
    ):
        yield


@contextmanager
def stacked_if_not_yet(is_one_fit=False):
    """`stacked`, or the context that is already open, whose stacks are then shared.

    What it opens is for this thread alone, which does not wait for others in the end.
    The stacks of a single fit have few lanes.
    """
    gatherer = current_gatherer()
    if gatherer is not None:
        yield gatherer
        return
    full_lanes = lanes_of_one_fit if is_one_fit else full_stack_lanes
    with (
        _gatherer(full_lanes, is_for_all=False) as gatherer,
        joblib.parallel_config(backend="skreg"),
    ):
        yield gatherer


def _gatherer(full_lanes=full_stack_lanes, lanes=0, executor=None, **settings):
    cores = joblib.cpu_count()
    trainer = LocalTrainer(cores)
    # Room for two stacks per core: one in training and one that is being filled.
    capacity = max(CAPACITY_PER_CORE, 2 * lanes) * cores
    if executor is not None:
        trainer, capacity = ExecutorTrainer(executor), max(capacity, EXECUTOR_CAPACITY)
    return Gatherer(trainer, full_lanes, cores, capacity, **settings)


class StackingBackend(ParallelBackendBase):
    """joblib backend that runs tasks on the threads of a gatherer.

    Outside `stacked`, as in ``joblib.parallel_config(backend="skreg")``, each call of
    `joblib.Parallel` has its own gatherer.
    """

    supports_retrieve_callback = True
    uses_threads = True
    supports_sharedmem = True
    default_n_jobs = -1

    _own = _call = None

    def effective_n_jobs(self, n_jobs):
        """How many tasks may run at a time, to fill stacks; `n_jobs` is ignored."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        gatherer = gatherer_of_this_thread()
        if gatherer is None:
            return CAPACITY_PER_CORE * joblib.cpu_count()
        return gatherer.capacity

    def configure(self, n_jobs=1, parallel=None, **backend_kwargs):
        """Begin a call of `joblib.Parallel`."""
        self.effective_n_jobs(n_jobs)  # raises if n_jobs is 0
        self.parallel = parallel
        self._call = Call(current_task())
        self._gatherer = gatherer_of_this_thread()
        if self._gatherer is None:
            self._own = _gatherer(is_for_all=False)
            self._gatherer = self._own.__enter__()
        return self.effective_n_jobs(n_jobs)

    def get_nested_backend(self):
        """The backend of nested calls, inside a task, which share the stacks."""
        return StackingBackend(nesting_level=(self.nesting_level or 0) + 1), None

    def submit(self, func, callback=None):
        """Put a task into the queue; return its future."""
        future = self._gatherer.submit(func, self._call)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    apply_async = submit  # joblib before 1.5

    def retrieve_result_callback(self, out):
        """Return the task's result, or raise its exception."""
        return out.result()

    @contextmanager
    def retrieval_context(self):
        """Count this thread as waiting while joblib waits for the tasks."""
        with self._gatherer.idle():
            yield

    def abort_everything(self, ensure_ready=True):
        """Cancel the call's tasks and wait for their end."""
        self._gatherer.cancel(self._call)
        self._wait()
        if ensure_ready:
            self._call = Call(current_task())

    def terminate(self):
        """Wait for the call's tasks and close the call's own gatherer, if any."""
        self._wait()
        if self._own is not None:
            own, self._own = self._own, None
            own.__exit__(None, None, None)

    def _wait(self):
        with self._gatherer.idle():
            self._call.wait()


register_parallel_backend("skreg", StackingBackend)
