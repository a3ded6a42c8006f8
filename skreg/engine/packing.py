"""Pack a lane's state into one row of numbers, and unpack it.

A program takes and returns the states of its lanes as one array: a call then has few
arguments, and a lane enters or leaves a stack as one row.
"""

from functools import cache
from math import prod
from typing import NamedTuple

import numpy as np

from . import ops
from .jobs import State
from .network import weight_shapes
from .optimizers import OPTIMIZERS


class _Piece(NamedTuple):
    """Position of one array in a row: ``row[start:stop].reshape(shape)``."""

    path: tuple  # ("weights" or "moving", name) or ("slots", slot, name)
    shape: tuple
    start: int
    stop: int


@cache
def _pieces(structure):
    weights, moving = weight_shapes(structure)
    shapes = {("weights", name): shape for name, shape in weights.items()}
    shapes |= {("moving", name): shape for name, shape in moving.items()}
    for slot, kind in _slots(structure).items():
        for name, shape in weights.items():
            shapes["slots", slot, name] = (1, 1) if kind.scalar else shape
    pieces, start = [], 0
    for path, shape in shapes.items():
        pieces.append(_Piece(path, shape, start, start + prod(shape)))
        start += prod(shape)
    return tuple(pieces)


def _slots(structure):
    return OPTIMIZERS[structure.optimizer].slots_for(structure.options)


def row_size(structure):
    """Length of a row: how many numbers the state of one lane has."""
    return _pieces(structure)[-1].stop


def initial_slots(structure, weights, numbers):
    """Initial optimizer state: the slots before the first step, without a lane axis."""

    def start(slot, shape):
        initial = slot.initial
        value = numbers[initial] if isinstance(initial, str) else initial
        return np.full((1, 1) if slot.scalar else shape, value, structure.dtype)

    return {
        name: {w: start(slot, array.shape) for w, array in weights.items()}
        for name, slot in _slots(structure).items()
    }


def pack_lane(structure, state):
    """Pack a lane's state into one row, shape (row_size,)."""
    arrays = _collected(structure, vars(state))
    return np.concatenate([array.ravel() for array in arrays])


def unpack_lane(structure, row, step, epoch):
    """Unpack one row to a `State`; its arrays are copies."""
    row = np.array(row)
    parts = _arranged(structure, lambda p: row[p.start : p.stop].reshape(p.shape))
    return State(**parts, step=step, epoch=epoch)


def pack(structure, parts):
    """Pack stacked arrays into rows, shape (lanes, row_size); reverse of `unpack`."""
    arrays = _collected(structure, parts)
    lanes = arrays[0].shape[0]
    return ops.concatenate([ops.reshape(a, (lanes, -1)) for a in arrays], axis=1)


def unpack(structure, rows):
    """Unpack rows to dictionaries "weights", "moving" and "slots" of stacked arrays."""
    return _arranged(
        structure,
        lambda p: ops.reshape(rows[:, p.start : p.stop], (-1, *p.shape)),
    )


def _collected(structure, parts):
    """List the arrays of nested dictionaries in the order of the pieces."""
    arrays = []
    for piece in _pieces(structure):
        array = parts
        for name in piece.path:
            array = array[name]
        arrays.append(array)
    return arrays


def _arranged(structure, take):
    """Build nested dictionaries of the values that `take` returns for each piece."""
    parts = {"weights": {}, "moving": {}, "slots": {s: {} for s in _slots(structure)}}
    for piece in _pieces(structure):
        *path, name = piece.path
        inner = parts
        for key in path:
            inner = inner[key]
        inner[name] = take(piece)
    return parts
