"""Gather the mini-batches of a stack's lanes into arrays of one shape.

Rows are gathered here, on the host, so that a program's shape depends neither on the
number of rows nor on how they are stored (dense or sparse).
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from .backends import has_accelerator

CHUNK_BYTES = 8_000_000
ACCELERATOR_CHUNK_BYTES = 256_000_000  # a call costs more there, memory less
MAX_CHUNK_STEPS = 256
VALIDATION_BYTES = 32_000_000


class Chunk(NamedTuple):
    """The batches of all lanes for one call of a program.

    Shapes: `x` (lanes, steps, batch, features), `y` (lanes, steps, batch, targets),
    `weight` (lanes, steps, batch), `learning_rate` (lanes, steps), `mixed` (lanes,
    steps, batch): the share of each row's partner in mixup, or (lanes, steps, 0) if no
    lane uses mixup. A weight of zero marks padding.
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    learning_rate: np.ndarray
    mixed: np.ndarray

    @classmethod
    def empty(cls, structure, lanes, n_targets):
        """Return a chunk of zeros, without rows."""
        shape = lanes, chunk_steps(structure, lanes), structure.batch_size
        mixes = "mixup" in structure.remedies
        return cls(
            np.zeros((*shape, structure.n_features), structure.dtype),
            np.zeros((*shape, n_targets), structure.dtype),
            np.zeros(shape, structure.dtype),
            np.zeros(shape[:2], structure.dtype),
            np.zeros(shape if mixes else (*shape[:2], 0), structure.dtype),
        )

    @property
    def n_steps(self):
        """Number of steps that the chunk has room for."""
        return self.weight.shape[1]

    def fill(self, lanes, count):
        """Write the lanes' next `count` batches.

        Parameters
        ----------
        lanes : list of ((Job, int) or None)
            For each lane its job and the first step, counted from the start of this
            training; None for a free lane.
        """
        written = {}
        for lane, stream in enumerate(lanes):
            if stream is None:
                continue
            job, first = stream
            key = job.batches_key, first
            if key in written:  # the same rows in the same order
                source = written[key]
                for array in self[:3]:
                    array[lane, :count] = array[source, :count]
            else:
                self._gather(lane, job, first, count)
                written[key] = lane
            steps = job.state.step + first + np.arange(count)
            self.weight[lane, :count, job.batch_size :] = 0
            self.learning_rate[lane, :count] = job.schedule.rates(steps)
            if self.mixed.shape[2]:
                shares = mixup_shares(job, first, count)
                self.mixed[lane, :count] = 0
                self.mixed[lane, :count, : job.batch_size] = shares

    def _gather(self, lane, job, first, count):
        picked = row_indices(job, first, count)
        x, y, weight = (array[lane, :count, : job.batch_size] for array in self[:3])
        rows, is_row = np.maximum(picked, 0), picked >= 0
        n_features = job.rows.X.shape[1]  # a lane may have fewer than the program
        found = dense(job.rows.X[rows.ravel()])
        x[..., :n_features] = found.reshape(*x.shape[:-1], n_features)
        x[..., n_features:] = 0
        y[...] = job.rows.y[rows]
        weight[...] = job.rows.weight[rows] * is_row


def chunk_steps(structure, lanes):
    """Number of steps in a chunk: a power of two that fits into some megabytes."""
    most = ACCELERATOR_CHUNK_BYTES if has_accelerator() else CHUNK_BYTES
    row_bytes = np.dtype(structure.dtype).itemsize * (structure.n_features + 2)
    step_bytes = lanes * structure.batch_size * row_bytes
    fitting = max(1, most // step_bytes)
    return min(MAX_CHUNK_STEPS, 2 ** int(np.log2(fitting)))


def epoch_order(job, epoch):
    """The order in which an epoch takes the job's rows, shape (n_rows,).

    It is random. If an epoch is one batch, the rows are not shuffled, except for
    mixup, which needs new partners. The order depends only on the job's seed, the
    epoch (counted over all trainings) and the number of rows.
    """
    if job.steps_per_epoch == 1 and not job.numbers["mixup"]:
        return np.arange(len(job.rows))
    return np.random.default_rng([job.seed, epoch]).permutation(len(job.rows))


def row_indices(job, first, count):
    """Row indices of `count` steps of a training, shape (count, batch); -1: padding."""
    return _arranged_by_batch(job, first, count, partial(epoch_order, job), padding=-1)


def mixup_shares(job, first, count):
    """The mixup share of each row's partner, shape (count, batch).

    It depends on the same values as `epoch_order`, and on the job's number for mixup.
    """
    alpha = job.numbers["mixup"]
    if alpha == 0:
        return np.zeros((count, job.batch_size))

    def drawn(epoch):
        rng = np.random.default_rng([job.seed, epoch, 1])
        return rng.beta(alpha, alpha, len(job.rows))

    return _arranged_by_batch(job, first, count, drawn, padding=0.0)


def _arranged_by_batch(job, first, count, values_of, padding):
    """Arrange one value per row and epoch by batches, shape (count, batch)."""
    per_epoch, size = job.steps_per_epoch, job.batch_size
    epochs = range(first // per_epoch, (first + count - 1) // per_epoch + 1)
    found = np.full((len(epochs), per_epoch * size), padding)
    for values, epoch in zip(found, epochs, strict=True):
        values[: len(job.rows)] = values_of(job.state.epoch + epoch)
    start = first - epochs[0] * per_epoch
    return found.reshape(-1, size)[start : start + count]


def count_validation_batches(structure, lanes):
    """The number of batches that `validation_batches` yields."""
    longest = max((len(rows) for rows in lanes if rows is not None), default=0)
    return -(-longest // _validation_batch_size(structure, lanes))


def validation_batches(structure, lanes):
    """Yield the validation rows of all lanes, padded with rows of weight zero.

    Parameters
    ----------
    lanes : list of (Rows or None)

    Yields
    ------
    x, y, weight : arrays of shapes (lanes, rows, ...) and (lanes, rows)
    """
    size = _validation_batch_size(structure, lanes)
    n_targets = next(rows.y.shape[1] for rows in lanes if rows is not None)
    longest = max(len(rows) for rows in lanes if rows is not None)
    for start in range(0, longest, size):
        shape = len(lanes), min(size, longest - start)
        batch = (
            np.zeros((*shape, structure.n_features), structure.dtype),
            np.zeros((*shape, n_targets), structure.dtype),
            np.zeros(shape, structure.dtype),
        )
        for lane, rows in enumerate(lanes):
            if rows is not None:
                for array, target in zip(_arrays(rows), batch, strict=True):
                    part = dense(array[start : start + shape[1]])
                    place = (lane, *map(slice, part.shape))
                    target[place] = part
        yield batch


def _validation_batch_size(structure, lanes):
    return max(1, VALIDATION_BYTES // (8 * len(lanes) * max(structure.widths)))


def _arrays(rows):
    return rows.X, rows.y, rows.weight


def dense(array):
    """Convert a sparse matrix to an ndarray; an ndarray is returned as it is."""
    return array if isinstance(array, np.ndarray) else array.toarray()
