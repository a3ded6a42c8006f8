"""Where blocks are trained: on threads of this process, or by an executor.

A trainer has ``room``, how many blocks it takes at a time; ``programs()``, the
(structure, lanes) of the programs that it has; ``compiles(block)``, whether others like
this block would wait for its program; ``start(block, observer, done)``, which returns
at once, and in the end calls ``done(error)``; and ``close()``.
"""

import itertools
import threading
import uuid
from collections import OrderedDict
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, replace

from ..engine import Rows, compiled_programs, train_block

ATTEMPTS = 3  # to train a block whose worker is lost
MISSING_ROWS = "missing rows"  # the answer of a worker that does not hold them
HELD_BYTES = 1_000_000_000  # of rows that a worker keeps for the next blocks


class LocalTrainer:
    """Trains on threads of this process."""

    def __init__(self, n_threads):
        self.room = n_threads
        self._threads = ThreadPoolExecutor(n_threads, "skreg-train")

    programs = staticmethod(compiled_programs)

    def compiles(self, block):
        """Whether this block has to make its program."""
        return (block.structure, block.lanes) not in compiled_programs()

    def start(self, block, observer, done):
        """Train a block; results go to `observer` as soon as they are there."""
        self._threads.submit(self._train, block, observer, done)

    def _train(self, block, observer, done):
        try:
            train_block(block.structure, block.jobs, block.lanes, observer)
        except BaseException as error:
            done(error)
        else:
            done(None)

    def close(self):
        """End the threads when what they train is done."""
        self._threads.shutdown()


class ExecutorTrainer:
    """Trains on the workers of a `concurrent.futures.Executor`.

    Rows travel once to each worker: a block is sent without the rows that have been
    sent before; a worker that does not hold them says so, and gets them. Jobs with a
    listener (callbacks, verbose) or a checkpoint train here, where those are.
    """

    room = 1_000_000

    def __init__(self, executor):
        self._executor = executor
        self._here = LocalTrainer(1)
        # Answers are dealt with on a thread of ours: an executor may deliver them on
        # one that has to stay free, such as Dask's event loop.
        self._answers = ThreadPoolExecutor(1, "skreg-answers")
        self._lock = threading.Lock()
        self._futures = set()
        self._programs = set()
        self._keys = {}  # id of rows: the rows, to keep the id theirs, and their key
        self._prefix, self._numbering = uuid.uuid4().hex, itertools.count()

    def programs(self):
        """Those that the workers have been asked to make, or that this process has."""
        return [*self._programs, *compiled_programs()]

    def compiles(self, block):
        """Never: each worker makes its own program, beside the others."""
        return False

    def start(self, block, observer, done):
        """Send a block; its results go to `observer` when they are back."""
        if any(job.stays_here for job in block.jobs):
            self._here.start(block, observer, done)
            return
        self._programs.add((block.structure, block.lanes))
        self._send(_Sending(block, observer, done))

    def _send(self, sending, with_all_rows=False):
        """Send a block, with the rows that have not been sent before or with all."""
        jobs, rows, new = self._without_rows(sending.block.jobs)
        data = rows if with_all_rows else {key: rows[key] for key in new}
        block = sending.block
        try:
            future = self._executor.submit(
                train_remotely, block.structure, block.lanes, jobs, data
            )
        except BaseException as error:  # it is shut down or broken
            sending.done(error)
            return
        with self._lock:
            self._futures.add(future)
        future.add_done_callback(
            lambda future: self._answers.submit(self._receive, sending, future)
        )

    def _without_rows(self, jobs):
        """The jobs with keys in place of rows, the rows by key, and the new keys."""
        light, rows, new = [], {}, set()
        for job in jobs:
            keys = []
            for part in (job.rows, job.validation):
                key = None
                if part is not None:
                    with self._lock:
                        if id(part) not in self._keys:
                            number = next(self._numbering)
                            self._keys[id(part)] = part, (self._prefix, number)
                            new.add((self._prefix, number))
                        _, key = self._keys[id(part)]
                    rows[key] = part
                keys.append(key)
            light.append(replace(job, rows=keys[0], validation=keys[1]))
        return light, rows, new

    def _receive(self, sending, future):
        with self._lock:
            self._futures.discard(future)
        try:
            answer = future.result()
        except CancelledError as error:
            sending.done(error)
        except BaseException as error:  # of the training, or the worker is lost
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
        """Cancel what nobody waits for any more."""
        with self._lock:
            futures = list(self._futures)
        for future in futures:
            future.cancel()
        self._here.close()
        self._answers.shutdown()


@dataclass
class _Sending:
    """A block on its way."""

    block: object
    observer: object
    done: object
    attempts: int = 0


# A worker's rows by key, the longest unused first.
_held: OrderedDict[str, Rows] = OrderedDict()
_held_lock = threading.Lock()


def train_remotely(structure, lanes, jobs, data):
    """Train jobs whose rows are keys of rows that come along or that are held here."""
    keys = {key for job in jobs for key in (job.rows, job.validation)} - {None}
    with _held_lock:
        _held.update(data)
        if not keys <= _held.keys():
            return MISSING_ROWS
        rows = {key: _held[key] for key in keys}
        for key in keys:
            _held.move_to_end(key)
        _forget_unused_rows()
    jobs = [
        replace(job, rows=rows[job.rows], validation=rows.get(job.validation))
        for job in jobs
    ]
    return train_block(structure, jobs, lanes)


def _forget_unused_rows():
    """Forget the rows that have not been used for longest, beyond `HELD_BYTES`."""
    while sum(rows.nbytes for rows in _held.values()) > HELD_BYTES and len(_held) > 1:
        _held.popitem(last=False)
