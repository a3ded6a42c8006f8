"""Learning rates by step, computed for many steps at once with numpy.

A schedule sees the share of the decaying steps that have been taken, in [0, 1], and
gives a factor of the learning rate. The formulas are those of the Keras schedules named
beside them. To add a schedule, add one function and its row in `SCHEDULES`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


def _constant(share):
    return np.ones_like(share)


def _cosine(share):
    """To zero along half a cosine (Loshchilov & Hutter 2017); CosineDecay."""
    return 0.5 * (1 + np.cos(np.pi * share))


def _cosine_restarts(share):
    """Three cosines of 1, 2 and 4 sevenths of the steps; CosineDecayRestarts."""
    starts, lengths = np.array([0, 1, 3]), np.array([1, 2, 4])
    period = np.searchsorted(starts, share * 7, side="right") - 1
    return _cosine((share * 7 - starts[period]) / lengths[period])


def _step(share):
    """A tenth after half of the steps, a hundredth after three quarters.

    PiecewiseConstantDecay, with the boundaries of He et al. (2016) on CIFAR.
    """
    return np.where(share <= 0.5, 1.0, np.where(share <= 0.75, 0.1, 0.01))


def _exponential(share):
    """Down to a hundredth, by the same factor at every step; ExponentialDecay."""
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
        Steps in which the schedule runs through; its last value holds afterwards.
    warmup_steps : int
        How many of them come first, with a rate that rises linearly to the full one.
    first_step : int
        The lane's step at which the schedule begins.
    table : ndarray or None
        The rates of the first steps themselves, in place of a named schedule; the
        last one holds afterwards.
    """

    name: str
    learning_rate: float
    steps: int
    warmup_steps: int = 0
    first_step: int = 0
    table: Any = None

    @classmethod
    def constant(cls, learning_rate):
        """The same rate at every step."""
        return cls("constant", learning_rate, 1)

    def rates(self, steps):
        """The learning rates at these `steps` of the lane (counted from 0)."""
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
