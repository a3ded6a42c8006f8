"""The gatherer: fits wait for one another, so that their jobs train as stacks.

A `Gatherer` runs a search's tasks on threads and counts the running ones, at most one
per core. A fit that submits its jobs waits, and another task runs meanwhile. A block
starts as soon as a stack is full or all counted threads are waiting. Threads that the
gatherer did not start are not counted, except the one that opened it; jobs of uncounted
threads wait for others only for a moment.

The module is long because one lock guards all counts of its one class.
"""

import atexit
import heapq
import itertools
import os
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from weakref import WeakSet

from ..engine import Observer, train_block
from .blocks import Group, Request, SharedRows, full_stack_lanes, group_key
from .tasks import (
    CancelledFit,
    Fit,
    SearchProgress,
    Task,
    available_memory,
    lacks_thread,
)

QUIET_SECONDS = 0.02  # how long a job of an uncounted thread waits for the next job
# How long a job of a counted thread waits at most while nothing trains: a thread that
# counts as running may in fact wait for this job, on a lock in the user's code.
STUCK_SECONDS = 2.0
COPIES = 5  # of its rows that a waiting fit holds: in the search, pipeline and here
MAX_THREADS = 10_000  # for tasks; the capacity for their jobs is reached before


class _ThisThread(threading.local):
    """The gatherer that a thread opened or whose task it runs, and that task."""

    gatherer = None
    task = None


_this_thread = _ThisThread()
_open_gatherers: list["Gatherer"] = []  # in the order of opening


def gatherer_of_this_thread():
    """The gatherer that this thread opened, or whose task it runs, or None."""
    own = _this_thread.gatherer
    return own if own is not None and own.serves() else None


def current_gatherer():
    """The gatherer of this thread's fits: its own, the last opened for all, or None."""
    own = gatherer_of_this_thread()
    if own is not None:
        return own
    for_all = [g for g in _open_gatherers if g.is_for_all and g.serves()]
    return for_all[-1] if for_all else None


def current_task():
    """The task that this thread runs, or None."""
    return _this_thread.task


class Gatherer:
    """Runs tasks and trains the jobs of their fits together.

    Parameters
    ----------
    trainer : object
        Trains the blocks: see the module `trainers`.
    full_lanes : callable
        Returns how many lanes a full stack of a structure has.
    n_cores : int
        How many tasks may run Python code at a time.
    capacity : int
        How many jobs may wait or train at a time.
    show : callable or None
        Called with a `SearchProgress` whenever it changes.
    store : object or None
        ``store.train(structure, jobs, train)`` returns stored results, and those of
        `train` for the other jobs.
    is_for_all : bool
        Whether fits of other threads are trained here, too.
    """

    def __init__(
        self,
        trainer,
        full_lanes=full_stack_lanes,
        n_cores=1,
        capacity=64,
        show=None,
        store=None,
        is_for_all=True,
    ):
        self.is_for_all = is_for_all
        self._store = store
        self._trainer = trainer
        self._full_lanes = full_lanes
        self._n_cores = n_cores
        self.capacity = capacity
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(
            MAX_THREADS, "skreg-task", initializer=self._count_thread
        )
        self._dispatcher = ThreadPoolExecutor(1, "skreg-dispatch")
        self._share = SharedRows()
        self._groups = {}
        self._queue = []  # heap of (-depth, number, task): the innermost first
        self._numbering = itertools.count()
        self._running = 0  # tasks that run Python code, or are about to
        self._n_threads = 0  # for tasks
        self._started = set()  # tasks that have not ended
        self._stalled = set()  # those of them that wait for a thread
        self._no_thread = None  # the error, if the process may have no more threads
        self._owner_running = 1  # the thread that opens the gatherer
        self._waiting = set()  # fits
        self._to_wake = deque()  # fits with results, whose tasks wait for a core
        self._unfinished_jobs = 0
        self._free_bytes = available_memory() // 4
        self._n_training = 0  # blocks
        self._uncounted = WeakSet()  # threads
        self._last_arrival = 0.0
        self._closed = self._has_ended = False
        self._ending = None  # the error of all fits and tasks when the process ends
        self._progress = SearchProgress()
        self._show = show

    # --- opening and closing, by the owner

    def __enter__(self):
        self._dispatcher.submit(int)  # its thread starts now
        self._outer = _this_thread.gatherer, _this_thread.task
        _this_thread.gatherer, _this_thread.task = self, None
        self._owner = threading.current_thread()
        _open_gatherers.append(self)
        return self

    def __exit__(self, *exception):
        _open_gatherers.remove(self)
        if threading.current_thread() is self._owner:
            _this_thread.gatherer, _this_thread.task = self._outer
        with self._lock:
            self._closed = True
            # A joblib generator may still be open, and other threads may be waiting.
            left = self._dequeue(lambda task: True)
            waiting = list(self._waiting)
        self._drop_tasks(left)
        with self.idle():
            for fit in waiting:
                fit.wake.wait()
        self._has_ended = True
        self._dispatcher.shutdown()
        self._threads.shutdown()
        self._trainer.close()

    def abandon(self):
        """End all fits and tasks at once: the process is ending."""
        # A daemon thread ends without a word, as Python ends it elsewhere.
        kind = SystemExit if self._owner.daemon else CancelledFit
        self._ending = kind("The process is ending.")
        with self._lock:
            self._closed = True
            left = self._dequeue(lambda task: True)
            for fit in list(self._waiting):
                self._end_waiting(fit, self._ending)
        self._drop_tasks(left)

    def serves(self):
        """Whether it has not ended, and is not a fork's copy of another process's."""
        return os.getpid() == self._pid and not self._has_ended

    # --- tasks

    def submit(self, function, call):
        """Put a function into the queue, to run on a thread; return its future."""
        task = Task(function, call)
        with self._lock:
            if self._closed:
                self._refuse(task)
                return task.future
            entry = -call.depth, next(self._numbering), task
            heapq.heappush(self._queue, entry)
            call.add(task)
        self._proceed()
        return task.future

    def cancel(self, call):
        """Cancel the tasks of a call and their nested tasks; wake waiting fits."""
        with self._lock:
            call.cancel()
            dropped = self._dequeue(lambda task: task.is_cancelled)
            for fit in list(self._waiting):
                if fit.task is not None and fit.task.is_cancelled:
                    self._end_waiting(fit, CancelledFit())
        self._drop_tasks(dropped)
        self._proceed()

    def _dequeue(self, is_meant):
        """Remove the tasks that `is_meant` selects from the queue; return them."""
        taken = [entry[2] for entry in self._queue if is_meant(entry[2])]
        self._queue = [entry for entry in self._queue if not is_meant(entry[2])]
        heapq.heapify(self._queue)
        return taken

    def _drop_tasks(self, tasks):
        for task in tasks:
            self._refuse(task)
            task.call.discard(task)

    def _refuse(self, task):
        """End the future of a task that will not run."""
        if self._ending is None:
            task.future.cancel()
        else:
            task.future.set_exception(self._ending)

    @contextmanager
    def idle(self):
        """Count this thread as not running while it waits for its own tasks."""
        here = self._task_here(), threading.current_thread()
        with self._lock:
            self._count(*here, -1)
        self._proceed()
        try:
            yield
        finally:
            with self._lock:
                self._count(*here, 1)

    def _count_thread(self):
        with self._lock:
            self._n_threads += 1

    def _start_task(self, task):
        try:
            self._threads.submit(self._run, task)
        except RuntimeError as error:
            if not lacks_thread(error):
                raise
            with self._lock:
                self._no_thread = error
                if not task.has_begun:  # it is in the pool's queue, for a free thread
                    self._stalled.add(task)
            self._proceed()

    def _fail(self, task):
        error = RuntimeError(
            "This process may start no further thread, and each that the search has "
            "waits for nested fits. Raise the limit (ulimit -u, or a container's pids)."
        )
        error.__cause__ = self._no_thread
        task.future.set_exception(error)
        task.call.discard(task)
        self._proceed()

    def _run(self, task):
        with self._lock:
            if task.has_failed:  # for want of a thread
                return
            self._stalled.discard(task)
            task.has_begun = True
        _this_thread.gatherer, _this_thread.task = self, task
        try:
            result = task.function()
        except BaseException as error:
            task.future.set_exception(error)
        else:
            task.future.set_result(result)  # its callback may submit more tasks
        finally:
            del _this_thread.gatherer, _this_thread.task
            with self._lock:
                self._running -= 1
                self._started.discard(task)
            task.call.discard(task)
            self._proceed()

    def _count(self, task, thread, change):
        """Count that a thread starts (1) or stops (-1) running, if it is counted."""
        if task is not None:
            self._running += change
        elif thread is self._owner:
            self._owner_running += change

    def _task_here(self):
        return _this_thread.task if _this_thread.gatherer is self else None

    def _is_counted(self, fit):
        return fit.task is not None or fit.thread is self._owner

    # --- fits

    def train(self, structure, jobs, are_pilots=False):
        """Train jobs in stacks with those of other fits; return their results."""
        train = partial(self._train, are_pilots=are_pilots)
        if self._store is None:
            return train(structure, jobs)
        return self._store.train(structure, jobs, train)

    def _train(self, structure, jobs, are_pilots):
        task = self._task_here()
        fit = Fit(task, are_pilots, results=[None] * len(jobs), missing=len(jobs))
        fit.nbytes = COPIES * jobs[0].rows.nbytes
        jobs = [self._with_shared_rows(job) for job in jobs]
        with self._lock:
            if self._ending is not None:
                raise self._ending
            if task is not None and task.is_cancelled:
                raise CancelledFit
            is_closed = self._closed
            if not is_closed:
                self._add(structure, jobs, fit)
        if is_closed:
            lanes = min(len(jobs), self._full_lanes(structure))
            return train_block(structure, jobs, lanes)
        self._proceed()
        try:
            self._wait(fit)
        except BaseException as error:
            with self._lock:
                self._end_waiting(fit, error)
            raise
        if fit.error is not None:
            raise fit.error
        return fit.results

    def _with_shared_rows(self, job):
        rows, validation = self._share(job.rows), self._share(job.validation)
        return replace(job, rows=rows, validation=validation)

    def _add(self, structure, jobs, fit):
        key = group_key(structure)
        if key not in self._groups:
            trainer = self._trainer
            self._groups[key] = Group(
                self._full_lanes, trainer.programs, trainer.n_workers
            )
        for index, job in enumerate(jobs):
            self._groups[key].add(Request(structure, job, fit, index))
        fit.group = self._groups[key]
        self._waiting.add(fit)
        self._unfinished_jobs += len(jobs)
        self._free_bytes -= fit.nbytes
        self._last_arrival = time.monotonic()
        self._count(fit.task, fit.thread, -1)
        if not self._is_counted(fit):
            self._add_uncounted(fit)

    def _add_uncounted(self, fit):
        """Register a fit of an uncounted thread; make it urgent if no other will come.

        That is so if all such threads seen before are waiting, this one among them.
        """
        threads = {f.thread for f in self._waiting}
        is_known = fit.thread in self._uncounted
        self._uncounted.add(fit.thread)
        others = [t for t in self._uncounted if t.is_alive()]
        if is_known and all(thread in threads for thread in others):
            fit.group.is_urgent = True

    def _wait(self, fit):
        is_counted = self._is_counted(fit)
        patience = STUCK_SECONDS if is_counted else QUIET_SECONDS
        while not fit.wake.wait(patience):
            with self._lock:
                is_quiet = time.monotonic() - self._last_arrival >= patience
                if fit in self._to_wake:  # running tasks may be waiting for it
                    self._to_wake.remove(fit)
                    self._running += 1
                    fit.wake.set()
                    return
                can_wait = is_counted and self._n_training
                if is_quiet and fit.group.has_requests and not can_wait:
                    fit.group.is_urgent = True
            self._proceed()

    def _finish(self, request, result):
        """Store a job's result; release its fit if it was the last one missing."""
        with self._lock:
            fit = request.fit
            if fit not in self._waiting:
                return
            fit.results[request.index] = result
            fit.missing -= 1
            self._keep_best(request.job, result)
            if not fit.missing:
                self._end_waiting(fit)
        self._proceed()

    def _end_waiting(self, fit, error=None):
        """End the waiting of a fit: it has all its results, or an error."""
        if fit not in self._waiting:
            return
        self._waiting.discard(fit)
        if fit.are_pilots:
            self._progress.pilots += len(fit.results)
        else:
            self._progress.fits += 1
        fit.is_over, fit.error = True, error
        fit.group.drop(fit)
        self._unfinished_jobs -= len(fit.results)
        self._free_bytes += fit.nbytes
        if fit.task is not None and error is None:
            self._to_wake.append(fit)
            return
        self._count(fit.task, fit.thread, 1)
        fit.wake.set()

    # --- scheduling of tasks and blocks

    def _proceed(self):
        """Start all tasks and blocks that can start now.

        Not on the main thread, where Ctrl-C might come between plan and action.
        """
        if self._has_ended:
            return
        if threading.current_thread() is threading.main_thread():
            self._dispatcher.submit(self._perform)
        else:
            self._perform()

    def _perform(self):
        with self._lock:
            actions = list(self._plan())
        for action in actions:
            action()

    def _plan(self):
        while self._n_awake() < self._n_cores and self._to_wake:
            self._running += 1
            yield self._to_wake.popleft().wake.set
        while self._n_awake() < self._n_cores and self._queue and self._has_room():
            self._running += 1
            _, _, task = heapq.heappop(self._queue)
            self._started.add(task)
            yield partial(self._start_task, task)
        if self._no_thread is not None and self._is_stuck():
            if self._stalled:
                task = self._stalled.pop()
                self._started.discard(task)
                self._running -= 1
            else:
                _, _, task = heapq.heappop(self._queue)
            task.has_failed = True
            yield partial(self._fail, task)
        if not any(group.has_requests for group in self._groups.values()):
            return
        if self._n_training >= self._trainer.max_blocks:
            return
        all_wait = self._all_wait()
        # Groups with a program come first: the others compile while these train.
        for group in sorted(self._groups.values(), key=lambda g: not g.is_ready()):
            while self._n_training < self._trainer.max_blocks and group.has_requests:
                if not (all_wait or group.is_ready()):
                    break
                block = group.next_block()
                if block is None:
                    break
                if self._trainer.compiles(block):
                    group.compiling.add(block.program)
                self._n_training += 1
                yield partial(self._start, group, block)

    def _n_awake(self):
        return self._running - len(self._stalled)

    def _all_wait(self):
        return self._n_awake() <= 0 and self._owner_running <= 0

    def _is_stuck(self):
        """Whether each thread waits for nested tasks, and these for a thread."""
        if self._waiting or self._n_training or not self._all_wait():
            return False
        left = [task for _, _, task in self._queue]
        parents = {task.call.parent for task in (*self._started, *left)}
        begun = {task for task in self._started if task.has_begun}
        has_left = left or self._stalled
        return has_left and len(begun) == self._n_threads and begun <= parents

    def _has_room(self):
        jobs = self._unfinished_jobs + self._running
        has_thread = self._no_thread is None or len(self._started) < self._n_threads
        has_memory = self._free_bytes > 0 or not self._waiting
        return has_thread and has_memory and jobs < self.capacity

    def _start(self, group, block):
        observer = _BlockObserver(self, group, block)
        self._trainer.start(block, observer, partial(self._end, block, observer))

    def _has_compiled(self, group, block):
        """Note that a block's program is compiled: others of its group may wait."""
        if block.program in group.compiling:
            group.compiling.discard(block.program)
            self._proceed()

    def _end(self, block, observer, error=None):
        observer.ends()
        with self._lock:
            self._n_training -= 1
            for request in block.requests:
                if error is not None:
                    self._end_waiting(request.fit, error)
        self._proceed()

    # --- progress

    def _report(self, epochs, lanes):
        """Show progress: add `epochs` trained and `lanes` in training (or fewer)."""
        if self._show is None:
            return
        with self._lock:
            progress = self._progress
            progress.epochs += epochs
            progress.lanes += lanes
            done = progress.fits
            progress.known = done + len(self._waiting) + len(self._queue)
            shown = replace(progress)
        self._show(shown)

    def _keep_best(self, job, result):
        """Keep the best monitored value of all fits."""
        values = result.history.get(job.monitor)
        if job.validation is None or not values:
            return
        sign = 1 if job.larger_is_better else -1
        best, name = sign * max(sign * value for value in values), job.monitor
        before = self._progress.best
        if before is None or before[0] != name or sign * best > sign * before[1]:
            self._progress.best = name, best


class _BlockObserver(Observer):
    """Passes results of a block to the fits that wait for them."""

    def __init__(self, gatherer, group, block):
        self._gatherer = gatherer
        self._group, self._block = group, block
        self._requests = block.requests
        self._lanes = 0

    def wants(self, index):
        return not self._requests[index].fit.is_over

    def has_trained(self, epochs, running):
        self._gatherer._has_compiled(self._group, self._block)
        self._gatherer._report(epochs, running - self._lanes)
        self._lanes = running

    def has_finished(self, index, result):
        self._gatherer._finish(self._requests[index], result)

    def ends(self):
        """Report the end of the block."""
        self._gatherer._has_compiled(self._group, self._block)
        self._gatherer._report(0, -self._lanes)


def _abandon_all():
    """End all training when the main thread ends: pools of threads wait for it."""
    for gatherer in list(_open_gatherers):
        if gatherer.serves():
            gatherer.abandon()


# `atexit` would call it too late, after the end of all pools. joblib uses this hook.
getattr(threading, "_register_atexit", atexit.register)(_abandon_all)
