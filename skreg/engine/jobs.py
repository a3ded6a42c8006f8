"""What goes into the engine for one lane, and what comes out: arrays and numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .schedules import Schedule


@dataclass(frozen=True)
class State:
    """A lane's training state, without a lane axis.

    `weights` and `moving` map names to arrays as `network.weight_shapes` lays down;
    `slots` maps the optimizer's slots to such dictionaries. `step` and `epoch` count
    what has been trained, over all calls.
    """

    weights: dict[str, np.ndarray]
    moving: dict[str, np.ndarray]
    slots: dict[str, dict[str, np.ndarray]]
    step: int = 0
    epoch: int = 0

    def with_weights_of(self, other):
        """The same state with the weights and moving statistics of another."""
        return replace(self, weights=other.weights, moving=other.moving)

    def is_finite(self):
        """Whether every weight and moving statistic is a finite number."""
        arrays = (*self.weights.values(), *self.moving.values())
        return all(np.isfinite(array).all() for array in arrays)


@dataclass(frozen=True)
class Rows:
    """Rows with their targets, all of the structure's dtype.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n_rows, n_features)
    y : ndarray of shape (n_rows, n_targets)
        For losses with one-hot targets a single column of class codes.
    weight : ndarray of shape (n_rows,)
        Positive, with mean 1.
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray

    def __len__(self):
        return len(self.y)

    @property
    def arrays(self):
        """The arrays that hold the rows."""
        X = self.X
        parts = [X] if isinstance(X, np.ndarray) else [X.data, X.indices, X.indptr]
        return [*parts, self.y, self.weight]

    @property
    def nbytes(self):
        """Memory that the rows take."""
        return sum(array.nbytes for array in self.arrays)


@dataclass(frozen=True)
class Stopping:
    """When training ends before its last epoch, by Keras's EarlyStopping's rules."""

    patience: int
    min_delta: float
    restore_best_weights: bool


@dataclass(frozen=True)
class Progress:
    """How far the training of a job is, after an epoch.

    Attributes
    ----------
    state : State
    history : dict of str to list of float
    best_value : float
        Of the monitored entry, so far.
    best_epoch : int
        The epoch that it belongs to, counted from 1; 0 before the first.
    best_state : State or None
        That epoch's, where its weights are to be restored.
    learning_rate : float or None
        The constant rate that a listener has set, as it was at the epoch's end.
    is_done : bool
        Whether no epoch follows.
    """

    state: State
    history: dict[str, list]
    best_value: float
    best_epoch: int
    best_state: State | None = None
    learning_rate: float | None = None
    is_done: bool = False


@dataclass(frozen=True)
class Job:
    """All that the training of one lane needs.

    Attributes
    ----------
    state : State
        Where training starts.
    rows : Rows
    validation : Rows or None
        Evaluated after each epoch.
    numbers : dict of str to float or sequence of float
        Every number that the structure's parts read, by name.
    schedule : Schedule
        The learning rate of each step.
    batch_size, epochs, seed : int
    monitor : str
        The entry of the history that decides on the best epoch.
    larger_is_better : bool
        Whether the monitored value is a score, not a loss.
    score : callable or None
        ``score(state)`` gives the monitored value where the engine cannot.
    stopping : Stopping or None
    listener : callable or None
        ``listener(epoch, logs, state)`` is called after each epoch, with a function
        of no arguments as `state`. It returns None, or a dictionary with any of
        "stop" (True ends training), "learning_rate" (constant from then on) and
        "rate_before" (that before the next epoch's beginning changed it, or None).
    batch_listener : callable or None
        ``batch_listener(batch, loss, state)`` is called after each batch, with its
        number in the epoch and the epoch's mean loss so far, and answers the same.
    progress : Progress or None
        Where an earlier training of this job got to, from which it goes on.
    save_progress : callable or None
        ``save_progress(progress)`` is called after each epoch.
    """

    state: State
    rows: Rows
    numbers: dict[str, Any]
    schedule: Schedule
    batch_size: int
    epochs: int
    seed: int
    validation: Rows | None = None
    monitor: str = "val_loss"
    larger_is_better: bool = False
    score: Callable | None = None
    stopping: Stopping | None = None
    listener: Callable | None = None
    batch_listener: Callable | None = None
    progress: Progress | None = None
    save_progress: Callable | None = None

    @property
    def steps_per_epoch(self):
        """Batches in an epoch, the last of which may be smaller."""
        return -(-len(self.rows) // self.batch_size)

    @property
    def n_steps(self):
        """Steps of the whole training."""
        return self.epochs * self.steps_per_epoch

    @property
    def batches_key(self):
        """Equal for jobs that train on the same batches at the same of their steps."""
        rows = tuple(id(array) for array in vars(self.rows).values())
        mixes = self.numbers["mixup"] > 0
        return rows, self.seed, self.batch_size, self.state.epoch, mixes

    @property
    def is_watched(self):
        """Whether the host has to look at the lane after each epoch."""
        hooks = self.score, self.listener, self.save_progress
        return any(it is not None for it in (self.validation, self.stopping, *hooks))

    @property
    def stays_here(self):
        """Whether it has to train in the process that its fit is in."""
        return self.listener is not None or self.save_progress is not None


@dataclass(frozen=True)
class Result:
    """What a lane's training gave.

    Attributes
    ----------
    state : State
        After the last epoch, or with the best epoch's weights where those are wanted.
    history : dict of str to list of float
        One value an epoch, by Keras's names.
    best_epoch : int
        The epoch with the best monitored value, counted from 1; the last one where
        nothing was monitored.
    diverged : int or None
        The epoch in which the loss or a weight ceased to be a finite number.
    learning_rate : float
        That of the step that would come next.
    error : Exception or None
        What the job's score or listener raised.
    """

    state: State
    history: dict[str, list]
    best_epoch: int
    diverged: int | None
    learning_rate: float
    error: Exception | None = None
