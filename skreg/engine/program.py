"""Compile programs, once per process, and cache them.

A program is a pure function of arrays: it takes and returns state, so that threads can
share it. `compilations` counts the compilations of training programs.
"""

import threading
import warnings
from collections import Counter, OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

from .backends import backend, has_accelerator, start_backend, to_tensors
from .step import run_steps

CACHED_PROGRAMS = 64
# Multiplications in a lane's forward step from which a product alone uses all cores.
LARGE_STEP_WORK = 10_000_000
# With TensorFlow an XLA program takes some 300 memory areas, and is never freed. Linux
# kills a process that asks for more areas than `max_map_count` (default 65,530).
MAX_SHARE_OF_AREAS = 0.8

compilations: Counter[tuple] = Counter()  # by (structure, lanes)
_programs: OrderedDict[tuple, Any] = OrderedDict()
_lock = threading.Lock()


def is_large(structure):
    """Whether a single network occupies all cores: it then trains alone.

    On a GPU or TPU none does.
    """
    work = structure.batch_size * structure.n_kernel_elements
    return work >= LARGE_STEP_WORK and not has_accelerator()


def uses_xla(structure):
    """Whether the program is compiled with XLA."""
    return backend().LARGE_BY_XLA or not is_large(structure)


def min_lanes(structure):
    """Number of lanes in the smallest stack.

    XLA computes a single lane with other rounding errors than several lanes, and
    training can amplify them. A fit alone must give the same result as among others,
    mostly bit for bit. It therefore has a free lane beside it, which costs a tenth to
    a quarter of the time. Large networks are always alone.
    """
    return 1 if is_large(structure) else 2


class Program:
    """A training program: `run_steps` for one structure and number of lanes.

    It is compiled at its first call.
    """

    def __init__(self, structure, lanes):
        self._key = structure, lanes
        self._function = None
        self._lock = threading.Lock()

    @property
    def is_compiled(self):
        """Whether the program is compiled and has returned once."""
        return self._function is not None

    def __call__(self, *arguments):
        """Train one chunk; arguments and returned values are those of `run_steps`."""
        if self._function is None:
            with self._lock:  # one thread compiles, the others wait for it
                if self._function is None:
                    return self._first_call(arguments)
        return self._function(*arguments)

    def _first_call(self, arguments):
        compilations[self._key] += 1
        structure, _ = self._key
        started = start_backend()
        run, xla = partial(run_steps, structure), uses_xla(structure)
        if xla and _share_of_memory_areas() > MAX_SHARE_OF_AREAS:
            xla = started.FREES_PROGRAMS
            if xla:
                _forget_programs()
            else:
                _warn_without_xla(
                    "this process has compiled so many that it is short of memory "
                    "areas (vm.max_map_count), and TensorFlow frees none. A new "
                    "process has them"
                )
        function = started.compiled(run, arguments, xla)
        try:
            result = function(*arguments)
        except started.compilation_errors() as error:
            if not xla:
                raise
            _warn_without_xla(f"TensorFlow says: {str(error).splitlines()[0]}")
            function = started.compiled(run, arguments, xla=False)
            result = function(*arguments)
        self._function = function
        return result


def _warn_without_xla(reason):
    warnings.warn(
        "This network trains without XLA, which is slower, because TensorFlow cannot "
        f"compile it: {reason}.",
        RuntimeWarning,
        stacklevel=2,
    )


def _share_of_memory_areas():
    """Share of memory areas that this process has used up; 0 if it is unknown."""
    try:
        most = int(Path("/proc/sys/vm/max_map_count").read_text())
        return Path("/proc/self/maps").read_bytes().count(b"\n") / most
    except OSError:  # not Linux
        return 0.0


class _Traced:
    """An inference function, traced at its first call."""

    def __init__(self, function, free_axes):
        self._function = function
        self._free_axes = free_axes
        self._graph = None
        self._lock = threading.Lock()

    def __call__(self, *arguments):
        if self._graph is None:
            with self._lock:
                if self._graph is None:
                    self._graph = backend().traced(
                        self._function, arguments, self._free_axes
                    )
        return self._graph(*arguments)


def _cached(key, make):
    with _lock:
        if key not in _programs:
            _programs[key] = make()
        _programs.move_to_end(key)
        if len(_programs) > CACHED_PROGRAMS:
            _programs.popitem(last=False)
        return _programs[key]


def _forget_programs():
    """Free the memory of programs; those in use stay until their training is done."""
    with _lock:
        _programs.clear()


def training_program(structure, lanes):
    """The cached program that trains `lanes` lanes of `structure`."""
    return _cached((structure, lanes), partial(Program, structure, lanes))


def compiled_programs():
    """(structure, lanes) of all compiled training programs in the cache."""
    with _lock:
        programs = list(_programs.items())
    return [k for k, p in programs if isinstance(p, Program) and p.is_compiled]


def run_inference(structure, function, lanes, rows):
    """Call a function such as `predict`, traced once for any number of lanes and rows.

    `lanes` are the arguments with a lane axis, `rows` those with lane and row axes.
    """
    free_axes = [1] * len(lanes) + [2] * len(rows)
    make = partial(_Traced, partial(function, structure), free_axes)
    return _cached((structure, function.__name__), make)(*to_tensors((*lanes, *rows)))
