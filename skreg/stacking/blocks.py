"""Group waiting jobs into blocks: which share a stack, and how many lanes it has."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from weakref import WeakValueDictionary

import numpy as np

from ..engine import Job, min_lanes, row_size, uses_xla

# A stack's states, gradients and activities should stay in a core's cache.
STACK_BYTES = 2_000_000
MAX_LANES = 64


@dataclass(eq=False)
class Request:
    """One job that a fit waits for."""

    structure: object
    job: Job
    fit: object
    index: int  # among the fit's jobs


@dataclass(frozen=True, eq=False)
class Block:
    """The jobs for one call of `train_block`, with its structure and lanes."""

    structure: object
    lanes: int
    requests: list

    @property
    def jobs(self):
        """The jobs of its requests."""
        return [request.job for request in self.requests]


@dataclass(eq=False)
class Group:
    """Requests that may share a stack: their structures differ in remedies alone."""

    structure: object  # with the remedies of all requests so far
    lanes: int  # of a full stack
    programs: Callable  # returns (structure, lanes) of existing programs
    requests: list = field(default_factory=list)
    is_urgent: bool = False  # do not wait for more
    compiling: Block | None = None  # others would wait for its program

    def add(self, request):
        """Add a waiting request."""
        self.structure |= request.structure
        self.requests.append(request)

    def drop(self, fit):
        """Remove the requests of a fit that no longer waits."""
        if any(request.fit is fit for request in self.requests):
            kept = [request for request in self.requests if request.fit is not fit]
            self.requests = kept

    def is_ready(self):
        """Whether a block can start: a full stack and a program, or an urgent group.

        A block that needs a new program waits for as many requests as possible, so
        that the program has the remedies of them all.
        """
        if self.is_urgent:
            return bool(self.requests)
        return len(self.requests) >= self.lanes and bool(
            self._programs(self.lanes, self.structure.remedies)
        )

    def next_block(self):
        """Remove and return the next block."""
        self.is_urgent = False
        requests = sorted(self.requests, key=_by_length_and_data)
        wanted = self.lanes
        lengths = {request.job.n_steps for request in requests}
        if len(lengths) > 1 or any(r.job.stopping for r in requests):
            wanted *= 4  # lanes that end early take the next job
        taken, left = requests[:wanted], requests[wanted:]
        self.requests = left
        return Block(*self._program_for(taken), taken)

    def _program_for(self, requests):
        """Choose a program for these requests: its structure and lanes."""
        needed = frozenset().union(*(r.structure.remedies for r in requests))
        fewest = min_lanes(self.structure)
        most = max(self.lanes, fewest)
        n_lanes = min(max(len(requests), fewest), most)
        serving = [
            (lanes, len(structure.remedies), structure)
            for structure, lanes in self._programs(n_lanes, needed)
            if lanes <= most
        ]
        if serving:
            lanes, _, structure = min(serving, key=lambda found: found[:2])
            return structure, lanes
        # Few different sizes, so that few programs are compiled.
        return self.structure, min(2 ** int(np.ceil(np.log2(n_lanes))), most)

    def _programs(self, lanes, remedies):
        """Compiled programs of this group with at least these lanes and remedies."""
        return [
            (structure, found)
            for structure, found in self.programs()
            if found >= lanes
            and structure.remedies >= remedies
            and group_key(structure) == group_key(self.structure)
        ]


def _by_length_and_data(request):
    """Sort key: lanes of one stack should end together and share their batches."""
    return -request.job.n_steps, request.job.batches_key


@lru_cache
def group_key(structure):
    """A key that is equal for structures that may share a stack."""
    return replace(structure, remedies=frozenset())


def full_stack_lanes(structure):
    """Number of lanes in a stack that fits into a core's cache; a power of two."""
    if not uses_xla(structure):
        return 1
    itemsize = np.dtype(structure.dtype).itemsize
    weights = structure.n_kernel_elements
    activities = 3 * structure.batch_size * sum(structure.widths)
    lane_bytes = itemsize * (row_size(structure) + weights + activities)
    fitting = max(STACK_BYTES // lane_bytes, 1)
    return min(MAX_LANES, 2 ** int(np.log2(fitting)))


class SharedRows:
    """Weak cache of rows by content: equal rows in use are kept in memory once."""

    def __init__(self):
        self._held = WeakValueDictionary()

    def __call__(self, rows):
        """Return equal rows that are cached already, or else cache these."""
        if rows is None:
            return None
        arrays = rows.arrays
        key = tuple(
            (a.shape, a.dtype.str, a.ravel()[:: a.size // 64 + 1].tobytes())
            for a in arrays
        )
        held = self._held.get(key)
        if held is not None and all(map(np.array_equal, arrays, held.arrays)):
            return held
        self._held[key] = rows
        return rows
