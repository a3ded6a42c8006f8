"""Group waiting jobs into blocks: which share a stack, and how many lanes it has."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from weakref import WeakValueDictionary

import numpy as np

from ..engine import Job, has_accelerator, is_large, min_lanes, row_size
from .prices import compile_seconds, plan, step_seconds

# A stack's states, gradients and activities should stay in a core's cache. More lanes
# than these gain nothing, and more stacks keep more cores busy.
STACK_BYTES = 4_000_000
MAX_LANES = 16
# On a GPU or TPU many lanes cost little more time than few, as long as memory lasts.
ACCELERATOR_STACK_BYTES = 4_000_000_000
ACCELERATOR_MAX_LANES = 1024
# A program that takes longer by this factor than a job's own does not serve the job.
WASTE = 4.0


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
    def program(self):
        """The (structure, lanes) of its program."""
        return self.structure, self.lanes

    @property
    def jobs(self):
        """The jobs of its requests; each knows its own structure."""
        return [replace(r.job, structure=r.structure) for r in self.requests]


@dataclass(eq=False)
class Group:
    """Waiting requests whose structures may share a program, and their programs."""

    full_lanes: Callable  # returns how many lanes a full stack of a structure has
    programs: Callable  # returns (structure, lanes) of existing programs
    n_workers: int = 1  # how many blocks train at a time
    is_urgent: bool = False  # do not wait for more
    compiling: set = field(default_factory=set)  # programs, whose blocks would wait
    _requests: dict = field(default_factory=dict)  # lists, by the jobs' structures
    _remedies: frozenset = frozenset()  # of all requests so far
    _homes: dict = field(default_factory=dict)  # structures to those of their programs
    _lost: Counter = field(default_factory=Counter)  # seconds, by structure

    @property
    def has_requests(self):
        """Whether any request waits."""
        return bool(self._requests)

    def add(self, request):
        """Add a waiting request."""
        self._remedies |= request.structure.remedies
        self._requests.setdefault(request.structure, []).append(request)

    def drop(self, fit):
        """Remove the requests of a fit that no longer waits."""
        self._keep(lambda request: request.fit is not fit)

    def _keep(self, is_kept):
        kept = {s: list(filter(is_kept, r)) for s, r in self._requests.items()}
        self._requests = {s: requests for s, requests in kept.items() if requests}

    def is_ready(self):
        """Whether a block can start: a full stack and a program, or an urgent group.

        A block that needs a new program waits for as many requests as possible, so
        that the program serves them all.
        """
        return self.has_requests if self.is_urgent else bool(self._ready())

    def next_block(self):
        """Remove and return the next block; None if all wait for a compilation."""
        found = self._ready()
        is_full = bool(found)
        if not is_full:
            self._plan()
            found = self._by_program()
            compiling = {structure for structure, _ in self.compiling}
            found = {own: r for own, r in found.items() if own not in compiling}
        if not found:
            return None
        structure, requests = max(found.items(), key=lambda own: len(own[1]))
        requests.sort(key=_by_length_and_data)
        share = -(-len(requests) // self.n_workers)
        n_requests = len(requests) if is_full else share
        lanes = self._lanes_for(structure, n_requests, requests[0].job.n_steps)
        wanted = min(lanes, self.full_lanes(structure))
        lengths = {request.job.n_steps for request in requests}
        if len(lengths) > 1 or any(r.job.stopping for r in requests):
            wanted = max(wanted, min(4 * wanted, share))  # early ends take the next
        taken = _first(wanted, requests)
        self._take(structure, taken)
        return Block(structure, lanes, taken)

    def _ready(self):
        """Requests by the structure of their program, where they fill a stack of it."""
        programs = set(self.programs())
        return {
            structure: found
            for structure, found in self._by_program().items()
            if structure is not None
            and len(found) >= self.full_lanes(structure)
            and (structure, self._most_lanes(structure)) in programs
        }

    def _most_lanes(self, structure):
        """Lanes of the program for a full stack."""
        return max(self.full_lanes(structure), min_lanes(structure))

    def _by_program(self):
        """Requests by the structure of their program; None if it is not chosen yet."""
        found = {}
        for structure, requests in self._requests.items():
            home = self._home(with_remedies(structure, self._remedies))
            found.setdefault(home, []).extend(requests)
        return found

    def _home(self, structure):
        """The structure of the program for a job's structure, or None."""
        if structure not in self._homes:
            most = WASTE * step_seconds(structure)
            serving = [own for own in self._compiled() if own.serves(structure)]
            home = min(serving, key=step_seconds, default=None)
            if home is None or step_seconds(home) > most:
                return None
            self._homes[structure] = home
        return self._homes[structure]

    def _take(self, structure, requests):
        """Remove requests; count what they lose by a program that serves others, too.

        When it has cost as much as a program of their own, they get one.
        """
        taken = set(map(id, requests))
        self._keep(lambda request: id(request) not in taken)
        self.is_urgent = self.is_urgent and self.has_requests
        for request in requests:
            own = with_remedies(request.structure, self._remedies)
            more = step_seconds(structure) - step_seconds(own)
            self._lost[own] += request.job.n_steps * more
            if self._lost[own] > compile_seconds(own):
                self._homes[own] = own

    def _compiled(self):
        return {structure for structure, _ in self.programs()}

    def _plan(self):
        """Choose programs for the requests that have none: existing or new ones."""
        steps = Counter()
        for request in self._by_program().get(None, ()):
            own = with_remedies(request.structure, self._remedies)
            steps[own] += request.job.n_steps
        self._homes |= plan(steps, self._compiled())

    def _lanes_for(self, structure, n_requests, n_steps):
        """Lanes of the program for these requests of at most so many steps.

        An existing program serves them, unless its free lanes cost more than to compile
        a smaller one; on an accelerator they cost little.
        """
        most = self._most_lanes(structure)
        n_lanes = min(max(n_requests, min_lanes(structure)), most)
        # Few different sizes, so that few programs are compiled.
        rounded = min(2 ** int(np.ceil(np.log2(n_lanes))), most)
        existing = min(
            (
                lanes
                for own, lanes in self.programs()
                if own == structure and n_lanes <= lanes <= most
            ),
            default=rounded,
        )
        lost = n_steps * (existing - rounded) * step_seconds(structure)
        is_cheap = has_accelerator() or lost <= compile_seconds(structure)
        return existing if is_cheap else rounded


def _first(n, requests):
    """The first `n` requests, and those that one thread should train with them.

    Callbacks of the members of an ensemble may share what is not made for threads.
    """
    together = {r.fit for r in requests[:n] if r.job.needs_this_process}
    return requests[:n] + [r for r in requests[n:] if r.fit in together]


def _by_length_and_data(request):
    """Sort key: lanes of one stack should end together and share their batches."""
    return -request.job.n_steps, request.job.batches_key


@lru_cache(4096)
def with_remedies(structure, remedies):
    """The structure with these remedies in place of its own."""
    return replace(structure, remedies=remedies)


@lru_cache(4096)
def group_key(structure):
    """A key that is equal for structures that may share a program."""
    free = {"remedies": frozenset()}
    if structure.is_elementwise and not is_large(structure):
        free |= {"n_features": 0, "hidden": (0,) * len(structure.hidden)}
        free |= {"activation": "", "normalization": None}
        free |= {"optimizer": "", "options": frozenset()}
    return replace(structure, **free)


def full_stack_lanes(structure):
    """Number of lanes in a full stack, a power of two.

    It fits into a core's cache, or into a part of an accelerator's memory.
    """
    if is_large(structure):
        return 1
    stack_bytes, most = STACK_BYTES, MAX_LANES
    if has_accelerator():
        stack_bytes, most = ACCELERATOR_STACK_BYTES, ACCELERATOR_MAX_LANES
    itemsize = np.dtype(structure.dtype).itemsize
    weights = structure.n_kernel_elements
    activities = 3 * structure.batch_size * sum(structure.widths)
    lane_bytes = itemsize * (row_size(structure) + weights + activities)
    fitting = max(stack_bytes // lane_bytes, min_lanes(structure))
    return min(most, 2 ** int(np.log2(fitting)))


def lanes_of_one_fit(structure):
    """Number of lanes in the stacks of a fit that trains without others.

    Its pilots, its members and the last network then share one program, and as many
    stacks train at a time as there are cores.
    """
    if has_accelerator():
        return full_stack_lanes(structure)
    return min_lanes(structure)


class SharedRows:
    """Weak cache of rows by content: equal rows in use are kept in memory once."""

    def __init__(self):
        self._held = WeakValueDictionary()

    def __call__(self, rows):
        """Return equal rows that are cached already, or else cache these."""
        if rows is None:
            return None
        arrays = rows.arrays
        key = (rows.X.shape,) + tuple(  # sparse arrays do not tell how many columns
            (a.shape, a.dtype.str, a.ravel()[:: a.size // 64 + 1].tobytes())
            for a in arrays
        )
        held = self._held.get(key)
        if held is not None and all(map(np.array_equal, arrays, held.arrays)):
            return held
        self._held[key] = rows
        return rows
