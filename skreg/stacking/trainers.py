"""Train blocks on threads of this process, or on the workers of an executor.

A trainer has ``max_blocks``, how many blocks it takes at a time; ``n_workers``, how
many blocks train at a time; ``programs()``, the (structure, lanes) of its programs;
``compiles(block)``, whether similar blocks would wait for this block's program;
``start(block, observer, done)``, which returns at once, and calls ``done(error)`` at
the end (None means success); and ``close()``.
"""

import itertools
import threading
import uuid
import weakref
from collections import OrderedDict
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from ..engine import Rows, compiled_programs, has_accelerator, train_block
from .tasks import lacks_thread

ATTEMPTS = 3  # to train a block whose worker is lost
MISSING_ROWS = "missing rows"  # the answer of a worker that does not have them
HELD_BYTES = 1_000_000_000  # of rows that a worker caches for the next blocks


class LocalTrainer:
    """Trains on threads of this process."""

    def __init__(self, n_threads):
        self._n_threads = n_threads
        self._threads = ThreadPoolExecutor(n_threads, "skreg-train")
        self._threads.submit(int)  # the first thread starts now, or not at all

    programs = staticmethod(compiled_programs)

    @property
    def max_blocks(self):
        """A block for each thread; an accelerator computes one after another."""
        return 1 if has_accelerator() else self._n_threads

    n_workers = max_blocks

    def compiles(self, block):
        """Whether this block has to compile its program."""
        return block.program not in compiled_programs()

    def start(self, block, observer, done):
        """Train a block; `observer` gets each result as soon as it is ready."""
        try:
            self._threads.submit(self._train, block, observer, done)
        except RuntimeError as error:
            if not lacks_thread(error):
                done(error)

    def _train(self, block, observer, done):
        try:
            train_block(block.structure, block.jobs, block.lanes, observer)
        except BaseException as error:
            done(error)
        else:
            done(None)

    def close(self):
        """End the threads when their training is done."""
        self._threads.shutdown()


class ExecutorTrainer:
    """Trains on the workers of a `concurrent.futures.Executor`.

    Rows are sent again only on demand: a block is sent without the rows that have been
    sent before, and a worker that does not have them asks for them. Jobs with a
    listener (callbacks, verbose) or a checkpoint train in this process.
    """

    max_blocks = 1_000_000
    n_workers = 1  # it does not tell

    def __init__(self, executor):
        self._executor = executor
        self._local = LocalTrainer(1)
        # Answers are handled on our own thread: an executor may deliver them on a
        # thread that has to stay free, such as Dask's event loop.
        self._answers = ThreadPoolExecutor(1, "skreg-answers")
        self._lock = threading.Lock()
        self._futures = set()
        self._programs = set()
        self._keys = {}  # id(rows): (weak reference, key), as long as the rows live
        self._is_closed = False
        self._prefix, self._numbering = uuid.uuid4().hex, itertools.count()

    def programs(self):
        """Programs that workers were asked to compile, or that this process has."""
        return [*self._programs, *compiled_programs()]

    def compiles(self, block):
        """Return False: each worker compiles its own program, beside the others."""
        return False

    def start(self, block, observer, done):
        """Send a block; `observer` gets its results when they arrive."""
        if any(job.needs_this_process for job in block.jobs):
            self._local.start(block, observer, done)
            return
        self._programs.add(block.program)
        self._send(_Sending(block, observer, done))

    def _send(self, sending, with_all_rows=False):
        """Send a block, with all its rows or only with those not sent before."""
        jobs, rows, new = self._without_rows(sending.block.jobs)
        data = rows if with_all_rows else {key: rows[key] for key in new}
        block = sending.block
        try:
            future = self._executor.submit(
                train_remotely, block.structure, block.lanes, jobs, data
            )
        except BaseException as error:  # the executor is closed or broken
            sending.done(error)
            return
        with self._lock:
            self._futures.add(future)
        future.add_done_callback(partial(self._answered, sending))

    def _answered(self, sending, future):
        with self._lock:
            if not self._is_closed:
                self._answers.submit(self._receive, sending, future)

    def _without_rows(self, jobs):
        """Replace rows by keys: return the jobs, the rows by key, and the new keys."""
        light, rows, new = [], {}, set()
        for job in jobs:
            keys = []
            for part in (job.rows, job.validation):
                key = None
                if part is not None:
                    with self._lock:
                        is_new, key = self._key(part)
                    if is_new:
                        new.add(key)
                    rows[key] = part
                keys.append(key)
            light.append(replace(job, rows=keys[0], validation=keys[1]))
        return light, rows, new

    def _key(self, rows):
        """Whether the rows have no key yet, and their key."""
        known, number = self._keys, id(rows)
        is_new = number not in known
        if is_new:
            gone = weakref.ref(rows, lambda _: known.pop(number, None))
            known[number] = gone, (self._prefix, next(self._numbering))
        return is_new, known[number][1]

    def _receive(self, sending, future):
        with self._lock:
            self._futures.discard(future)
        try:
            answer = future.result()
        except CancelledError as error:
            sending.done(error)
        except BaseException as error:  # training failed, or the worker is lost
            sending.attempts += 1
            if sending.attempts < ATTEMPTS:
                self._send(sending)
            else:
                sending.done(error)
        else:
            if answer == MISSING_ROWS:
                self._send(sending, with_all_rows=True)
                return
            for index, result in enumerate(answer):
                sending.observer.has_finished(index, result)
            sending.done(None)

    def close(self):
        """Cancel the blocks that are not done, and end the threads."""
        with self._lock:
            self._is_closed = True
            futures = list(self._futures)
        for future in futures:
            future.cancel()
        self._local.close()
        self._answers.shutdown()


@dataclass
class _Sending:
    """A block that has been sent, and how often its training has failed."""

    block: object
    observer: object
    done: object
    attempts: int = 0


# A worker's cache of rows by key, the least recently used first.
_row_cache: OrderedDict[str, Rows] = OrderedDict()
_row_cache_lock = threading.Lock()


def train_remotely(structure, lanes, jobs, data):
    """Train jobs on a worker: their rows are keys into `data` or the worker's cache."""
    keys = {key for job in jobs for key in (job.rows, job.validation)} - {None}
    with _row_cache_lock:
        _row_cache.update(data)
        if not keys <= _row_cache.keys():
            return MISSING_ROWS
        rows = {key: _row_cache[key] for key in keys}
        for key in keys:
            _row_cache.move_to_end(key)
        _forget_unused_rows()
    jobs = [
        replace(job, rows=rows[job.rows], validation=rows.get(job.validation))
        for job in jobs
    ]
    return train_block(structure, jobs, lanes)


def _forget_unused_rows():
    """Drop the least recently used rows if the cache is larger than `HELD_BYTES`."""
    while (
        sum(rows.nbytes for rows in _row_cache.values()) > HELD_BYTES
        and len(_row_cache) > 1
    ):
        _row_cache.popitem(last=False)
