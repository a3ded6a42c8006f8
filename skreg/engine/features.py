"""The penalty on whole features: its value, and its proximal step after an update.

It is an adaptive group lasso on the rows of the first kernel, the weights that leave an
input (Yuan & Lin 2006; Zou 2006). The price of a row's norm is `feature_l1` times the
root mean square of all rows' norms, divided by that norm: what matters keeps its size,
and what does not is driven to exactly 0.
"""

from functools import cache

import numpy as np

from . import ops
from .optimizers import OPTIMIZERS
from .scales import HELD_STEPS, SCALES

KERNEL = "kernel_0"
# In place of denominators of 0: the scale of a row that never had a gradient, and the
# square of a norm that counts as 0. XLA divides by their product: still normal.
TINY, TINY_SQUARE = 1e-12, 1e-25


def feature_penalty(structure, weights, n):
    """The penalty, shape (lanes,): the prices of the norms, held fixed, times them.

    That is `feature_l1` times the root mean square of the rows' norms times the number
    of features that are not 0.
    """
    squares = _row_sums(ops.square(weights[KERNEL]))
    mean = _mean_over_features(structure, squares, n)
    n_left = ops.sum(ops.cast(squares > 0, squares.dtype), axis=1, keepdims=True)
    return (n["feature_l1"] * ops.sqrt(mean) * n_left)[:, 0, 0]


def shrink_features(structure, kernel, slots, n, step):
    """The proximal step of the penalty; return the kernel and its slots.

    With prices held fixed it multiplies a row w by max(0, 1 - threshold / |w|**2),
    where threshold = rate * strength * rms / scale; rms is that of the norms of all
    rows. The strength rises linearly to `feature_l1` in the first half of the training,
    so that the network finds what it needs before it has to choose.

    `scale` is what the optimizer divides the row's gradient by (see `scales`), as one
    number: the root mean square over the row's weights. Steps of the data and of the
    penalty are then divided by the same, so that where they balance does not depend on
    the optimizer (ProxGen, Yun et al. 2021). A momentum that holds steps takes the
    shrinking as a part of the step (iPiano, Ochs et al. 2014), and does not move what
    is 0.
    """
    squares = _row_sums(ops.square(kernel))
    rms = ops.sqrt(_mean_over_features(structure, squares, n))
    share = ops.minimum(step / n["feature_l1_steps"], 1.0)
    scale = ops.sqrt(
        _in_groups(structure, _mean_squared_scale(structure, slots, n, step))
    )
    threshold = n["learning_rate"] * n["feature_l1"] * share * rms
    threshold = threshold / ops.maximum(scale, TINY)
    squares = _in_groups(structure, squares)
    kept = ops.maximum(1 - threshold / ops.maximum(squares, TINY_SQUARE), 0.0)
    # A last step at a rate of almost 0 may move a row that was 0, too little to count.
    in_tiny_rows = ops.cast(n["feature_l1"] == 0, kept.dtype)
    new = kernel * ops.where(squares > TINY_SQUARE, kept, in_tiny_rows)
    return new, _with_steps(structure, slots, new - kernel, n)


@cache
def _sharing(structure):
    """Matrix that replaces each feature's value by the mean of its group's."""
    labels = np.full(structure.n_features, -1)  # -1: a column that no lane has
    labels[: len(structure.feature_groups)] = structure.feature_groups
    same = (labels[:, None] == labels).astype(structure.dtype)
    return same / same.sum(axis=1, keepdims=True)


def _in_groups(structure, column):
    """Each feature's mean over its group, shape (lanes, n_features, 1)."""
    if structure.feature_groups is None:
        return column
    return ops.matmul(_sharing(structure), column)


def _row_sums(array):
    """Sums over the units, shape (lanes, n_features, 1).

    As a product, which adds in the same order in stacks of any size.
    """
    return ops.matmul(array, ops.swapaxes(ops.ones_like(array[:, :1]), 1, 2))


def _mean_over_features(structure, column, n):
    """Mean over a lane's own features, shape (lanes, 1, 1)."""
    total = ops.matmul(ops.swapaxes(ops.ones_like(column), 1, 2), column)
    return total / (n["n_features"] if structure.is_padded else structure.n_features)


def _mean_squared_scale(structure, slots, n, step):
    """Mean over a row of the optimizer's scale, squared: (lanes, n_features, 1)."""
    result = None
    for number, (name, options, own) in enumerate(_own_slots(structure, slots)):
        scale = SCALES[name](
            {slot: slots[shared] for slot, shared in own.items()}, n, step, options
        )
        found = ops.square(scale)
        if found.shape[1:] != (1, 1):  # else it is the same for all weights
            found = _mean_over_units(structure, found, n)
        is_first = result is None
        result = (
            found if is_first else ops.where(n["optimizer"] == number, found, result)
        )
    return result + ops.zeros((1, structure.n_features, 1), structure.dtype)


def _mean_over_units(structure, array, n):
    """Mean over a lane's own units, shape (lanes, n_features, 1)."""
    if not structure.is_padded or not structure.hidden:
        return _row_sums(array) / array.shape[-1]
    units = n["units"][0]
    is_own = ops.arange(array.shape[-1], dtype=array.dtype)[:, None] < units
    return ops.matmul(array, ops.cast(is_own, array.dtype)) / units


def _own_slots(structure, slots):
    """Each optimizer's name and options, and the names of its slots in the program."""
    for name, options in structure.optimizers:
        names = OPTIMIZERS[name].slots_for(options)
        is_alone = len(structure.optimizers) == 1  # then the slots have its own names
        yield (
            name,
            options,
            dict(zip(names, names if is_alone else slots, strict=False)),
        )


def _with_steps(structure, slots, change, n):
    """The slots, where those that hold steps also hold the change of the weights."""
    slots = dict(slots)
    for number, (name, _, own) in enumerate(_own_slots(structure, slots)):
        for slot, sign in HELD_STEPS.get(name, {}).items():
            held = slots[own[slot]]
            is_own = len(structure.optimizers) == 1 or n["optimizer"] == number
            slots[own[slot]] = ops.where(is_own, held + sign * change, held)
    return slots
