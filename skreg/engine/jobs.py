"""The engine's input (`Job`) and output (`Result`) for one lane: arrays and numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .schedules import Schedule
from .structure import Structure


@dataclass(frozen=True)
class State:
    """A lane's training state, without a lane axis.

    `weights` and `moving` map names to arrays: see `network.weight_shapes`. `slots`
    maps names of optimizer slots to such dictionaries. `step` and `epoch` are the
    numbers of steps and epochs trained so far, over all calls.
    """

    weights: dict[str, np.ndarray]
    moving: dict[str, np.ndarray]
    slots: dict[str, dict[str, np.ndarray]]
    step: int = 0
    epoch: int = 0

    def with_weights_of(self, other):
        """Return this state with the weights and moving statistics of another."""
        return replace(self, weights=other.weights, moving=other.moving)

    def is_finite(self):
        """Whether every weight and moving statistic is a finite number."""
        arrays = (*self.weights.values(), *self.moving.values())
        return all(np.isfinite(array).all() for array in arrays)


@dataclass(frozen=True)
class Rows:
    """Input rows with targets and sample weights, all of the structure's dtype.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n_rows, n_features)
    y : ndarray of shape (n_rows, n_targets)
        For losses with one-hot targets, a single column of class codes.
    weight : ndarray of shape (n_rows,)
        Positive; with mean 1, except in `partial_fit`.
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
        """Memory of the arrays, in bytes."""
        return sum(array.nbytes for array in self.arrays)


@dataclass(frozen=True)
class Stopping:
    """Parameters of early stopping, as in Keras's `EarlyStopping`."""

    patience: int
    min_delta: float
    restore_best_weights: bool


@dataclass(frozen=True)
class Progress:
    """Progress of a job's training after an epoch, as a checkpoint stores it.

    Attributes
    ----------
    state : State
    history : dict of str to list of float
    best_value : float
        Best value of the monitored entry so far.
    best_epoch : int
        Epoch of `best_value`, counted from 1; 0 if there is none yet.
    best_state : State or None
        State after that epoch, if its weights are to be restored.
    learning_rate : float or None
        The constant rate that a listener had set by the end of the epoch.
    is_done : bool
        Whether training has ended.
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
    """All data and settings for the training of one lane.

    Attributes
    ----------
    state : State
        The state before training.
    rows : Rows
    validation : Rows or None
        Evaluated after each epoch.
    numbers : dict of str to float or sequence of float
        Every number that the structure's program reads, by name.
    schedule : Schedule
        The learning rate of each step.
    batch_size, epochs, seed : int
    monitor : str
        The entry of the history that decides on the best epoch.
    larger_is_better : bool
        Whether the monitored value is a score, not a loss.
    score : callable or None
        ``score(state)`` returns the monitored value if the engine cannot compute it.
    stopping : Stopping or None
    listener : callable or None
        ``listener(epoch, logs, state)`` is called after each epoch; ``state()``
        returns the State. It returns None, or a dictionary with any of "stop" (True
        ends training), "learning_rate" (constant from then on) and "rate_before" (the
        rate before the start of the next epoch changed it, or None).
    batch_listener : callable or None
        ``batch_listener(batch, loss, state)`` is called after each batch, with its
        number in the epoch (from 0) and the epoch's mean loss so far. It returns the
        same as `listener`.
    progress : Progress or None
        Progress of an interrupted training of this job, which is resumed.
    save_progress : callable or None
        ``save_progress(progress)`` is called after each epoch.
    structure : Structure or None
        Its own network's, if the program serves others as well; None is the program's.
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
    structure: Structure | None = None

    @property
    def steps_per_epoch(self):
        """Number of batches in an epoch; the last one may be smaller."""
        return -(-len(self.rows) // self.batch_size)

    @property
    def n_steps(self):
        """Number of steps in the whole training."""
        return self.epochs * self.steps_per_epoch

    @property
    def batches_key(self):
        """A key that is equal for jobs with the same batch at each step."""
        rows = tuple(id(array) for array in vars(self.rows).values())
        mixes = self.numbers["mixup"] > 0
        return rows, self.seed, self.batch_size, self.state.epoch, mixes

    @property
    def needs_epoch_ends(self):
        """Whether the host has to look at the lane after each epoch."""
        hooks = self.score, self.listener, self.save_progress
        return any(it is not None for it in (self.validation, self.stopping, *hooks))

    @property
    def needs_this_process(self):
        """Whether the job has to train in the process of its fit."""
        return self.listener is not None or self.save_progress is not None


@dataclass(frozen=True)
class Result:
    """Result of the training of one lane.

    Attributes
    ----------
    state : State
        After the last epoch; with the best epoch's weights if those are restored.
    history : dict of str to list of float
        One value per epoch, under Keras's names.
    best_epoch : int
        The epoch with the best monitored value, counted from 1; the last one if
        nothing was monitored.
    diverged : int or None
        The epoch in which the loss or a weight became infinite or NaN.
    learning_rate : float
        Learning rate of the step that would come next.
    error : Exception or None
        Exception that the job's score or listener raised.
    """

    state: State
    history: dict[str, list]
    best_epoch: int
    diverged: int | None
    learning_rate: float
    error: Exception | None = None
