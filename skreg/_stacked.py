"""`stacked`, in which the fits of a search train together, and its joblib backend."""

from concurrent.futures import Executor
from contextlib import contextmanager
from numbers import Integral

import joblib
from joblib.parallel import ParallelBackendBase, register_parallel_backend

from ._engine.gather import Call, Gatherer, current_gatherer, current_task
from ._engine.trainers import ExecutorTrainer, LocalTrainer

CAPACITY_PER_CORE = 64  # fits that may wait for a stack
EXECUTOR_CAPACITY = 1024


@contextmanager
def stacked(lanes=None, executor=None, progress=False):
    """Train the fits of an unmodified search together, as stacked networks.

    Inside of the context the fits that scikit-learn hands to joblib wait for one
    another and train as lanes of a stack.
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
    with _gatherer(lanes, executor), joblib.parallel_config(backend="skreg"):
        yield


def _gatherer(lanes=None, executor=None):
    cores = joblib.cpu_count()
    if executor is None:
        return Gatherer(LocalTrainer(cores), lanes, cores, CAPACITY_PER_CORE * cores)
    return Gatherer(ExecutorTrainer(executor), lanes, cores, EXECUTOR_CAPACITY)


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
        return CAPACITY_PER_CORE * joblib.cpu_count()

    def configure(self, n_jobs=1, parallel=None, **backend_kwargs):
        """Begin a call of `joblib.Parallel`."""
        n_jobs = self.effective_n_jobs(n_jobs)
        self.parallel = parallel
        self._call = Call(current_task())
        self._gatherer = current_gatherer()
        if self._gatherer is None:
            self._gatherer = self._own = _gatherer().__enter__()
        return n_jobs

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
