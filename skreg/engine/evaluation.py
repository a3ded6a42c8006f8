"""The losses of trained networks on held-out rows."""

import numpy as np

from . import step
from .backends import to_tensors
from .batches import validation_batches
from .numbers import pack_numbers
from .packing import pack_lane
from .program import run_inference

MAX_LANES = 64
# What training adds to the loss of the predictions.
_ADDED = ("l1", "l2", "bias_l1", "bias_l2", "activity_l1", "activity_l2", "feature_l1")
_PLAIN = dict.fromkeys((*_ADDED, "label_smoothing"), 0.0)


def held_out_losses(structure, states, numbers, rows):
    """Mean loss of each network on rows of its own, without penalties and smoothing.

    Parameters
    ----------
    structure : Structure
    states : list of State
    numbers : list of dict
        Those of each network's job.
    rows : list of Rows

    Returns
    -------
    ndarray of shape (n_networks,)
        Infinite for weights that are no finite numbers.
    """
    losses = []
    for start in range(0, len(states), MAX_LANES):
        part = slice(start, start + MAX_LANES)
        losses.append(_losses(structure, states[part], numbers[part], rows[part]))
    losses = np.concatenate(losses)
    return np.where(np.isnan(losses), np.inf, losses)


def _losses(structure, states, numbers, rows):
    plain = [own | {k: v for k, v in _PLAIN.items() if k in own} for own in numbers]
    lanes = to_tensors(
        (
            np.stack([pack_lane(structure, state) for state in states]),
            np.stack([pack_numbers(structure, own) for own in plain]),
        )
    )
    batches = map(to_tensors, validation_batches(structure, rows))
    sums, _ = summed_losses(structure, lanes, batches)
    return sums / [own.weight.sum(dtype=np.float64) for own in rows]


def summed_losses(structure, lanes, batches):
    """Losses of the lanes summed over batches, and their penalties, each (lanes,)."""
    sums = 0.0
    for batch in batches:
        loss, penalty = run_inference(structure, step.evaluate, lanes, batch)
        sums = sums + np.asarray(loss, np.float64)
    return sums, np.asarray(penalty)
