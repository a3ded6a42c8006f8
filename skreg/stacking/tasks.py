"""Calls, their tasks, and the fits in these: what a gatherer runs and waits for."""

import os
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .blocks import Group


class CancelledFit(BaseException):
    """Raised to end a fit whose result is no longer wanted."""


class Call:
    """One call of joblib's `Parallel`: tasks that are cancelled together."""

    def __init__(self, parent=None):
        self.depth = 0 if parent is None else parent.call.depth + 1
        self.parent = parent
        self._cancelled = False
        self._tasks = set()  # that have not ended
        self._changed = threading.Condition()

    @property
    def is_cancelled(self):
        """Whether this call, or one that it is nested in, is cancelled."""
        parent = self.parent
        return self._cancelled or bool(parent and parent.call.is_cancelled)

    def cancel(self):
        """Mark the call as cancelled, with its tasks and their nested calls."""
        self._cancelled = True

    def add(self, task):
        """Add a task."""
        with self._changed:
            self._tasks.add(task)

    def discard(self, task):
        """Remove a task that has ended, or that will not start."""
        with self._changed:
            self._tasks.discard(task)
            self._changed.notify_all()

    def wait(self):
        """Wait until no task is left."""
        with self._changed:
            self._changed.wait_for(lambda: not self._tasks)


@dataclass(eq=False)
class Task:
    """A function that runs on a thread of its own."""

    function: object
    call: Call
    future: Future = field(default_factory=Future)
    has_begun: bool = False
    has_failed: bool = False  # for want of a thread

    @property
    def is_cancelled(self):
        """Whether its call is cancelled."""
        return self.call.is_cancelled


@dataclass(eq=False)
class Fit:
    """The jobs that a thread waits for."""

    task: Task | None  # None for a thread that the gatherer did not start
    are_pilots: bool = False  # whose results the fit waits for before its own training
    thread: threading.Thread = field(default_factory=threading.current_thread)
    wake: threading.Event = field(default_factory=threading.Event)
    results: list = field(default_factory=list)
    missing: int = 0  # jobs without a result
    nbytes: int = 0  # of the data that its thread holds
    group: Group | None = None
    is_over: bool = False
    error: BaseException | None = None


@dataclass
class SearchProgress:
    """Progress of a search, for the progress bar."""

    fits: int = 0  # that are done
    pilots: int = 0  # trained for them
    known: int = 0  # that are done, or under way, or in the queue
    lanes: int = 0  # in training
    epochs: float = 0.0  # trained so far, over all lanes
    best: tuple | None = None  # name and value of the best monitored value


def lacks_thread(error):
    """Whether the submission to a pool raised this because it may not start a thread.

    The pool has put the task into its queue then, for a thread that becomes free.
    """
    return "new thread" in str(error)


def available_memory():
    """Memory that this process can have, in bytes; 4 GB if it is unknown."""
    return min(_memory_of_machine(), _memory_of_container())


def _memory_of_machine():
    with suppress(OSError):  # Linux would empty its cache of files for it
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on this system
        return 4_000_000_000


def _memory_of_container(folder="/sys/fs/cgroup"):
    """What a limit (of cgroups, version 2) leaves, its cache of files included."""
    try:
        limit, used, details = (
            Path(folder, f"memory.{name}").read_text()
            for name in ("max", "current", "stat")
        )
        cached = dict(line.split() for line in details.splitlines())["inactive_file"]
        return max(int(limit) - int(used) + int(cached), 0)
    except (OSError, ValueError, KeyError):  # no limit, or another system
        return float("inf")
