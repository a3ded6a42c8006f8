"""The batches of a block's lanes, gathered into arrays of one shape.

Rows are gathered here, on the host, so that a program's shape depends neither on the
number of rows nor on how they are held (dense or sparse).
"""

from typing import NamedTuple

import numpy as np

CHUNK_BYTES = 8_000_000
MAX_CHUNK_STEPS = 256
VALIDATION_BYTES = 32_000_000


class Chunk(NamedTuple):
    """Steps for one call of the program, filled up with steps of weight zero.

    Shapes: `x` (steps, lanes, batch, features), `y` (steps, lanes, batch, targets),
    `weight` (steps, lanes, batch), `learning_rate` (steps, lanes). A weight of zero
    marks padding. `epochs` holds the epoch of each of the `n_steps` real steps.
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    learning_rate: np.ndarray
    n_steps: int
    epochs: np.ndarray

    @property
    def rows(self):
        """Rows in each step of each lane, shape (n_steps, lanes)."""
        return np.count_nonzero(self.weight[: self.n_steps], axis=2)


def chunk_steps(structure, lanes):
    """Steps in a chunk: a power of two that keeps its arrays within `CHUNK_BYTES`."""
    row_bytes = np.dtype(structure.dtype).itemsize * (structure.n_features + 2)
    step_bytes = lanes * structure.batch_size * row_bytes
    fitting = max(1, CHUNK_BYTES // step_bytes)
    return min(MAX_CHUNK_STEPS, 2 ** int(np.log2(fitting)))


def epoch_order(job, epoch):
    """The order of the job's rows in an epoch; as they come where one batch is all.

    It depends on nothing but the job's seed, the epoch and the number of rows.
    """
    if job.steps_per_epoch == 1:
        return np.arange(len(job.rows))
    return np.random.default_rng([job.seed, epoch]).permutation(len(job.rows))


def batch_rows(job, epoch):
    """The rows of each batch of an epoch, as a list of index arrays."""
    order = epoch_order(job, epoch)
    return [order[i : i + job.batch_size] for i in range(0, len(order), job.batch_size)]


def chunks(structure, jobs, epochs):
    """The chunks of these epochs.

    Parameters
    ----------
    jobs : list of (Job or None)
        One a lane; None where a lane rests.
    epochs : sequence of int
        Counted from the start of this training, the same for all lanes.
    """
    length = chunk_steps(structure, len(jobs))
    steps = max(job.steps_per_epoch for job in jobs if job is not None)
    n_targets = next(job.rows.y.shape[1] for job in jobs if job is not None)
    epochs, orders = np.asarray(epochs), [_Orders(job) for job in jobs]
    for first in range(0, len(epochs) * steps, length):
        plan = np.arange(first, min(first + length, len(epochs) * steps))
        chunk = _empty(structure, length, len(jobs), n_targets)
        chunk = chunk._replace(n_steps=len(plan), epochs=epochs[plan // steps])
        for lane, job in enumerate(jobs):
            if job is not None:
                _fill(chunk, lane, job, orders[lane], plan % steps)
        yield chunk


class _Orders:
    """The orders of a job's rows, the last of which is kept for the next chunk."""

    def __init__(self, job):
        self._job = job
        self._epoch = self._order = None

    def __getitem__(self, epoch):
        if epoch != self._epoch:
            self._order = epoch_order(self._job, self._job.state.epoch + epoch)
            self._epoch = epoch
        return self._order


def _empty(structure, length, lanes, n_targets):
    rows, dtype = (length, lanes, structure.batch_size), structure.dtype
    return Chunk(
        np.zeros((*rows, structure.n_features), dtype),
        np.zeros((*rows, n_targets), dtype),
        np.zeros(rows, dtype),
        np.zeros(rows[:2], dtype),
        0,
        None,
    )


def _fill(chunk, lane, job, orders, positions):
    """Write the lane's batches; `positions` are those of the steps in their epochs."""
    size = job.batch_size
    for epoch in np.unique(chunk.epochs):
        in_epoch = (chunk.epochs == epoch) & (positions < job.steps_per_epoch)
        own = np.flatnonzero(in_epoch)
        if not len(own):  # other lanes have more steps
            continue
        start, stop = own[0], own[-1] + 1
        picked = orders[epoch][
            positions[start] * size : (positions[stop - 1] + 1) * size
        ]
        x, y, weight = (dense(a[picked]) for a in _arrays(job.rows))
        whole = len(picked) // size
        for source, target in ((x, chunk.x), (y, chunk.y), (weight, chunk.weight)):
            target = target[start:stop, lane]
            full = source[: whole * size].reshape(whole, size, *source.shape[1:])
            target[:whole, :size] = full
            rest = source[whole * size :]
            if len(rest):
                target[whole, : len(rest)] = rest
        steps = (
            job.state.step
            + epoch * job.steps_per_epoch
            + np.arange(positions[start], positions[stop - 1] + 1)
        )
        chunk.learning_rate[start:stop, lane] = job.schedule.rates(steps)


def count_validation_batches(structure, lanes):
    """How many batches `validation_batches` makes."""
    longest = max((len(rows) for rows in lanes if rows is not None), default=0)
    return -(-longest // _validation_batch_size(structure, lanes))


def validation_batches(structure, lanes):
    """Rows of all lanes side by side, filled up with rows of weight zero.

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
                    target[lane, : len(part)] = part
        yield batch


def _validation_batch_size(structure, lanes):
    return max(1, VALIDATION_BYTES // (8 * len(lanes) * max(structure.widths)))


def _arrays(rows):
    return rows.X, rows.y, rows.weight


def dense(array):
    """An ndarray, from an ndarray or a sparse matrix."""
    return array if isinstance(array, np.ndarray) else array.toarray()
