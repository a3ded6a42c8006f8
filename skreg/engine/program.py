"""Compiled programs, made once for a process and kept.

A program is a pure function of arrays: state goes in and comes out, so that threads can
share it. `compilations` counts what was compiled.
"""

import threading
import warnings
from collections import Counter, OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

from .step import run_steps
from .tensorflow import compilation_errors, compiled, to_tensors, traced

CACHED_PROGRAMS = 64
# Multiplications of one lane's forward step above which a matrix product fills the
# cores by itself, and TensorFlow's own kernels beat XLA's.
XLA_STEP_WORK = 10_000_000
# TensorFlow frees no program of XLA's, each of which takes some 300 memory areas. Linux
# kills a process that asks for more areas than `max_map_count`: 65,530, if not set.
MAX_SHARE_OF_AREAS = 0.8

compilations: Counter[tuple] = Counter()  # by (structure, lanes)
_programs: OrderedDict[tuple, Any] = OrderedDict()
_lock = threading.Lock()


def uses_xla(structure):
    """Whether XLA's program is the faster one."""
    return structure.batch_size * structure.n_kernel_elements < XLA_STEP_WORK


def fewest_lanes(structure):
    """Lanes of the smallest stack.

    XLA computes a single lane in another way than several, with other roundings, and a
    network can make much of them. A fit alone is to be the same as among others, most
    often bit for bit: so it has a free lane beside it, which costs a tenth to a
    quarter.
    """
    return 2 if uses_xla(structure) else 1


class Program:
    """`run_steps` for one structure and number of lanes, compiled at its first call."""

    def __init__(self, structure, lanes):
        self._key = structure, lanes
        self._function = None
        self._lock = threading.Lock()

    @property
    def is_compiled(self):
        """Whether the first call is over."""
        return self._function is not None

    def __call__(self, *arguments):
        """The states and the losses after a chunk; `arguments` as in `run_steps`."""
        if self._function is None:
            with self._lock:  # one thread compiles, the others wait for it
                if self._function is None:
                    return self._first_call(arguments)
        return self._function(*arguments)

    def _first_call(self, arguments):
        compilations[self._key] += 1
        structure, _ = self._key
        run, xla = partial(run_steps, structure), uses_xla(structure)
        if xla and _share_of_memory_areas() > MAX_SHARE_OF_AREAS:
            xla = False
            _warn_without_xla(
                "this process has compiled so many that it is short of memory areas "
                "(vm.max_map_count), and TensorFlow frees none. A new process has them"
            )
        function = compiled(run, arguments, xla)
        try:
            result = function(*arguments)
        except compilation_errors() as error:
            if not xla:
                raise
            _warn_without_xla(f"TensorFlow says: {str(error).splitlines()[0]}")
            function = compiled(run, arguments, xla=False)
            result = function(*arguments)
        self._function = function
        return result


def _warn_without_xla(reason):
    warnings.warn(
        "This network trains without XLA, which is slower, since TensorFlow cannot "
        f"compile it: {reason}.",
        RuntimeWarning,
        stacklevel=2,
    )


def _share_of_memory_areas():
    """Share of its memory areas that this process has used up, where that is known."""
    try:
        most = int(Path("/proc/sys/vm/max_map_count").read_text())
        return Path("/proc/self/maps").read_bytes().count(b"\n") / most
    except OSError:  # not Linux
        return 0.0


class _Traced:
    """A function of inference, traced at its first call."""

    def __init__(self, function, free_axes):
        self._function = function
        self._free_axes = free_axes
        self._graph = None
        self._lock = threading.Lock()

    def __call__(self, *arguments):
        if self._graph is None:
            with self._lock:
                if self._graph is None:
                    self._graph = traced(self._function, arguments, self._free_axes)
        return self._graph(*arguments)


def _cached(key, make):
    with _lock:
        if key not in _programs:
            _programs[key] = make()
        _programs.move_to_end(key)
        if len(_programs) > CACHED_PROGRAMS:
            _programs.popitem(last=False)
        return _programs[key]


def training_program(structure, lanes):
    """The program that trains `lanes` lanes of `structure`."""
    return _cached((structure, lanes), partial(Program, structure, lanes))


def compiled_programs():
    """(structure, lanes) of the training programs that are ready."""
    with _lock:
        programs = list(_programs.items())
    return [k for k, p in programs if isinstance(p, Program) and p.is_compiled]


def inference(structure, function, lanes, rows):
    """Call `evaluate` or `predict`, traced once for any number of lanes and rows.

    `lanes` holds the arguments with a lane axis, `rows` those with a row axis as well.
    """
    free_axes = [1] * len(lanes) + [2] * len(rows)
    make = partial(_Traced, partial(function, structure), free_axes)
    return _cached((structure, function.__name__), make)(*to_tensors((*lanes, *rows)))
