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
from .optimizers import OPTIMIZERS, Slot


class _Piece(NamedTuple):
    """Position of one array in a row: ``row[start:stop].reshape(shape)``."""

    path: tuple  # ("weights" or "moving", name) or ("slots", slot, name)
    shape: tuple
    start: int
    stop: int


@cache
def groups(structure):
    """The names of the arrays that a program holds as one, by the name of the group.

    Each kernel is a group; all other weights, which are vectors, are one, and so are
    all moving statistics. A program has a kernel of machine code for each array and
    use of it, and its compilation takes nearly as long for a short array as for a long
    one.
    """
    weights, moving = weight_shapes(structure)
    kernels = [name for name in weights if name.startswith("kernel")]
    vectors = [name for name in weights if name not in kernels]
    found = {name: (name,) for name in kernels} | {"vectors": tuple(vectors)}
    return found | ({"moving": tuple(moving)} if moving else {})


def grouped(structure, arrays):
    """Concatenate stacked arrays by name to those of the groups that they make up."""
    return {
        group: ops.concatenate([arrays[name] for name in names], axis=-1)
        if len(names) > 1
        else arrays[names[0]]
        for group, names in groups(structure).items()
        if names[0] in arrays
    }


def separate(structure, arrays):
    """Cut stacked arrays of groups into those of their names."""
    weights, moving = weight_shapes(structure)
    shapes, found = weights | moving, {}
    for group, array in arrays.items():
        start = 0
        for name in groups(structure)[group]:
            stop = start + shapes[name][-1]
            found[name] = array[:, :, start:stop]
            start = stop
    return found


@cache
def _pieces(structure):
    """Position of every array in a lane's row, in the order of the Keras model."""
    weights, moving = weight_shapes(structure)
    shapes, pieces = weights | moving, []
    for group, own in _group_pieces(structure):
        *path, name = group.path
        start = group.start
        for member in groups(structure)[name]:
            is_scalar = own is not None and own.scalar  # one for the whole group
            shape = (1, 1) if is_scalar else shapes[member]
            pieces.append(_Piece((*path, member), shape, start, start + prod(shape)))
            start += 0 if is_scalar else prod(shape)
    order = list(shapes)
    return tuple(sorted(pieces, key=lambda piece: order.index(piece.path[-1])))


@cache
def _group_pieces(structure):
    """Pairs of each group's position in a row, and its `Slot`, or None."""
    weights, moving = weight_shapes(structure)
    found, start = [], 0

    def add(path, names, shapes, slot=None):
        nonlocal start
        shape = shapes[names[0]]
        if len(names) > 1:
            shape = 1, sum(shapes[name][-1] for name in names)
        if slot is not None and slot.scalar:
            shape = 1, 1
        found.append((_Piece(path, shape, start, start + prod(shape)), slot))
        start += prod(shape)

    of_weights = {k: v for k, v in groups(structure).items() if k != "moving"}
    for group, names in of_weights.items():
        add(("weights", group), names, weights)
    if moving:
        add(("moving", "moving"), groups(structure)["moving"], moving)
    for slot, kind in _slots(structure).items():
        for group, names in of_weights.items():
            add(("slots", slot, group), names, weights, kind)
    return tuple(found)


@cache
def _slots(structure):
    """The slots by name; with several optimizers, as many as the most of them have."""
    found = [OPTIMIZERS[name].slots_for(own) for name, own in structure.optimizers]
    if len(found) == 1:
        return found[0]
    return {f"slot_{i}": Slot("") for i in range(max(map(len, found)))}


def row_size(structure):
    """Length of a row: how many numbers the state of one lane has."""
    return _group_pieces(structure)[-1][0].stop


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


@cache
def _places(structure, own):
    """For each array of a lane, its path, its shape and its piece in the row.

    `own` is the lane's structure. In a program for several, the piece may be larger,
    and slots have other names. The shape is None for one number for all elements.
    """
    pieces = {piece.path: piece for piece in _pieces(structure)}
    slots = dict(zip(_slots(own), _slots(structure), strict=False))

    def place(path):
        return ("slots", slots[path[1]], path[2]) if path[0] == "slots" else path

    def place_of(piece):
        kind, name, *_ = piece.path
        slot = _slots(own)[name] if kind == "slots" else Slot("")
        shape = None if slot.scalar else piece.shape
        return piece.path, shape, pieces[place(piece.path)]

    return [place_of(piece) for piece in _pieces(own)]


def _empty_row(structure, own):
    """The row of a lane of `own`, for its state to be put in.

    What the lane does not have stays as it is here: 0, but 1 in slots that do not start
    at 0, since their rules may divide by them.
    """
    row = np.zeros(row_size(structure), structure.dtype)
    own_slots = dict(zip(_slots(structure), _slots(own).values(), strict=False))
    for piece in _pieces(structure):
        kind, name, *_ = piece.path
        if kind == "slots" and name in own_slots and own_slots[name].initial != 0:
            row[piece.start : piece.stop] = 1
    return row


def pack_lane(structure, state, own=None):
    """Pack a lane's state into one row, shape (row_size,)."""
    own = own or structure
    row = _empty_row(structure, own)
    for path, shape, piece in _places(structure, own):
        room = row[piece.start : piece.stop].reshape(piece.shape)
        if shape is not None:
            room = room[: shape[0], : shape[1]]
        room[...] = _found(vars(state), path)
    return row


def unpack_lane(structure, row, step, epoch, own=None):
    """Unpack one row to a `State`; its arrays are copies."""
    own, row = own or structure, np.asarray(row)
    values = {}
    for path, shape, piece in _places(structure, own):
        rows, columns = shape or (1, 1)
        room = row[piece.start : piece.stop].reshape(piece.shape)
        values[path] = np.array(room[:rows, :columns])
    parts = _arranged(own, _pieces(own), lambda piece: values[piece.path])
    return State(**parts, step=step, epoch=epoch)


def pack(structure, parts):
    """Pack arrays of groups into rows, shape (lanes, row_size); reverse of `unpack`."""
    arrays = [_found(parts, piece.path) for piece, _ in _group_pieces(structure)]
    lanes = arrays[0].shape[0]
    return ops.concatenate([ops.reshape(a, (lanes, -1)) for a in arrays], axis=1)


def unpack(structure, rows):
    """Unpack rows to "weights", "moving" and "slots": stacked arrays of groups."""
    return _arranged(
        structure,
        [piece for piece, _ in _group_pieces(structure)],
        lambda p: ops.reshape(rows[:, p.start : p.stop], (-1, *p.shape)),
    )


def _found(parts, path):
    for name in path:
        parts = parts[name]
    return parts


def _arranged(structure, pieces, take):
    """Build nested dictionaries of the values that `take` returns for each piece."""
    parts = {"weights": {}, "moving": {}, "slots": {s: {} for s in _slots(structure)}}
    for piece in pieces:
        *path, name = piece.path
        _found(parts, path)[name] = take(piece)
    return parts
