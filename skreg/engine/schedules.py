"""Learning rate schedules, computed for many steps at once with numpy.

A schedule maps the share of the decay steps already taken, in [0, 1], to a factor of
the learning rate. The formulas are those of the Keras schedules named beside them. To
add a schedule, add one function and its row in `SCHEDULES`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


def _constant(share):
    return np.ones_like(share)


def _cosine(share):
    """Cosine decay to zero (Loshchilov & Hutter 2017); CosineDecay."""
    return 0.5 * (1 + np.cos(np.pi * share))


def _cosine_restarts(share):
    """Cosine decays over 1, 2 and 4 sevenths of the steps; CosineDecayRestarts."""
    starts, lengths = np.array([0, 1, 3]), np.array([1, 2, 4])
    period = np.searchsorted(starts, share * 7, side="right") - 1
    return _cosine((share * 7 - starts[period]) / lengths[period])


def _step(share):
    """Step decay to 0.1 after half of the steps and to 0.01 after three quarters.

    PiecewiseConstantDecay, with the boundaries of He et al. (2016) on CIFAR.
    """
    return np.where(share <= 0.5, 1.0, np.where(share <= 0.75, 0.1, 0.01))


def _exponential(share):
    """Exponential decay to 0.01, by the same factor at each step; ExponentialDecay."""
    return 0.01**share


SCHEDULES = {
    "constant": _constant,
    "cosine": _cosine,
    "cosine_restarts": _cosine_restarts,
    "step": _step,
    "exponential": _exponential,
}


@dataclass(frozen=True)
class Schedule:
    """The learning rate of every step of a lane.

    Attributes
    ----------
    name : str
        A key of `SCHEDULES`.
    learning_rate : float
        The rate that the schedule's factor multiplies.
    steps : int
        Length of the schedule, warm-up included; its last value holds afterwards.
    warmup_steps : int
        The first of these steps, in which the rate rises linearly to the full one.
    first_step : int
        The lane's step at which the schedule begins.
    table : ndarray or None
        Learning rates of the first steps, shape (n_steps,), used instead of the named
        schedule; the last one holds afterwards.
    """

    name: str
    learning_rate: float
    steps: int
    warmup_steps: int = 0
    first_step: int = 0
    table: Any = None

    @classmethod
    def constant(cls, learning_rate):
        """A schedule with the same rate at every step."""
        return cls("constant", learning_rate, 1)

    @property
    def full_rate(self):
        """The full rate, to go on with when the last one is 0."""
        return self.learning_rate if self.table is None else float(self.table.max())

    def rates(self, steps):
        """Learning rates at an array of `steps` of the lane (counted from 0)."""
        steps = np.maximum(np.asarray(steps) - self.first_step, 0)
        if self.table is not None:
            return self.table[np.minimum(steps, len(self.table) - 1)]
        decaying = max(self.steps - self.warmup_steps, 1)
        share = np.clip((steps - self.warmup_steps) / decaying, 0.0, 1.0)
        factor = SCHEDULES[self.name](share)
        if self.warmup_steps:
            rising = (steps + 1) / self.warmup_steps
            factor = np.where(steps < self.warmup_steps, rising, factor)
        return self.learning_rate * factor
