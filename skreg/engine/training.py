"""Train a block of jobs on the lanes of a stack: the training loop on the host."""

from collections import deque
from functools import cache

import numpy as np

from .backends import check_precision, to_tensors
from .batches import Chunk, count_validation_batches, validation_batches
from .evaluation import summed_losses
from .lane import Lane
from .numbers import count_numbers, pack_numbers
from .packing import pack_lane, row_size, unpack_lane
from .program import min_lanes, training_program

MANY_STEPS = 2**30


class Observer:
    """Hooks that `train_block` calls during training. This one does nothing."""

    def wants(self, index):
        """Whether the job with this index should go on."""
        return True

    def has_trained(self, epochs, running):
        """Called after each program run; `epochs` is the sum over `running` lanes."""

    def has_finished(self, index, result):
        """Called as soon as a job has its result."""


def train_block(structure, jobs, lanes=None, observer=None):
    """Train every job on a lane of a stack.

    A pure function of its arguments: a job's result depends neither on the other jobs
    nor on the thread, the process or the machine that trains it. A lane whose job is
    done takes the next one.

    Parameters
    ----------
    structure : Structure
        It must serve every job: see ``Structure.__or__``.
    jobs : sequence of Job
    lanes : int or None
        How many jobs train at a time; None means all.
    observer : Observer or None

    Returns
    -------
    list of Result or None
        In the order of the jobs; None for those that `observer` no longer wanted.
    """
    check_precision(structure.dtype)
    observer = observer or Observer()
    results = [None] * len(jobs)
    lanes = max(lanes or len(jobs), min_lanes(structure))
    stack = _Stack(structure, lanes, jobs[0].rows.y.shape[1])
    waiting = deque(Lane(index, job) for index, job in enumerate(jobs))
    for lane in [lane for lane in waiting if lane.is_done]:  # in an earlier run
        waiting.remove(lane)
        results[lane.index] = lane.result(lane.start)
        observer.has_finished(lane.index, results[lane.index])
    while waiting or stack.running:
        stack.fill_free_lanes(waiting)
        n_running = len(stack.running)
        epochs = stack.advance()
        for lane, result in stack.finished():
            results[lane.index] = result
            observer.has_finished(lane.index, result)
        stack.drop(lambda lane: not observer.wants(lane.index))
        waiting = deque(lane for lane in waiting if observer.wants(lane.index))
        observer.has_trained(epochs, n_running)
    return results


class _Stack:
    """Lanes that train side by side; some of them may be free."""

    def __init__(self, structure, lanes, n_targets):
        self._structure = structure
        self._lanes = [None] * lanes
        self._run = training_program(structure, lanes)
        self._chunk = Chunk.empty(structure, lanes, n_targets)
        self._validation = _Validation(structure, lanes)
        rows = np.zeros((lanes, row_size(structure)), structure.dtype)
        self._rows, self._steps = rows, np.zeros(lanes, np.int32)
        self._seeds = np.zeros(lanes, np.uint32)
        # Of a lane without a job: not 0, so that Adam has no 0 / 0 there.
        shape = lanes, count_numbers(structure)
        self._numbers = np.full(shape, 0.5, structure.dtype)

    @property
    def running(self):
        return [(i, lane) for i, lane in enumerate(self._lanes) if lane is not None]

    def fill_free_lanes(self, waiting):
        """Put waiting lanes into the free places."""
        free = [i for i, lane in enumerate(self._lanes) if lane is None]
        if not free or not waiting:
            return
        rows, steps = np.array(self._rows), np.array(self._steps)
        numbers = np.array(self._numbers)
        for i in free[: len(waiting)]:
            lane = self._lanes[i] = waiting.popleft()
            job = lane.job
            rows[i] = pack_lane(self._structure, lane.start, job.structure)
            steps[i], self._seeds[i] = _counted_from(lane.start.step), job.seed
            numbers[i] = pack_numbers(self._structure, job.numbers, job.structure)
            self._validation.set_rows(i, job.validation)
        self._rows, self._steps, self._numbers = to_tensors((rows, steps, numbers))

    def drop(self, is_unwanted):
        """Free the places of lanes that are no longer wanted."""
        for i, lane in self.running:
            if is_unwanted(lane):
                self._lanes[i] = None

    def advance(self):
        """Run the program once, then look at the lanes that are due.

        Returns the epochs that were trained, summed over the lanes.
        """
        n_steps = self._steps_to_run()
        self._chunk.fill(
            [lane and (lane.job, lane.steps_done) for lane in self._lanes], n_steps
        )
        arguments = to_tensors((self._seeds, self._numbers, tuple(self._chunk)))
        self._rows, self._steps, losses = self._run(
            self._rows, self._steps, *arguments, to_tensors(np.int32(n_steps))
        )
        losses = np.asarray(losses)
        for i, lane in self.running:
            lane.record(losses[:n_steps, i])
        self._look_at_due_lanes()
        return sum(n_steps / lane.job.steps_per_epoch for _, lane in self.running)

    def _steps_to_run(self):
        """Steps until the host has to look at a lane, at most as many as in a chunk."""
        left = (lane.steps_to_look for _, lane in self.running)
        return min(self._chunk.n_steps, *left)

    def _look_at_due_lanes(self):
        for i, lane in self.running:
            if lane.job.batch_listener is not None:
                lane.end_batch(self._state_reader(i, lane))
        due = [(i, lane) for i, lane in self.running if lane.is_due]
        if any(lane.job.validation is not None for _, lane in due):
            val_losses = self._validation(self._rows, self._numbers)
        for i, lane in due:
            val_loss = None if lane.job.validation is None else val_losses[i]
            try:
                lane.end_epochs(val_loss, self._state_reader(i, lane))
            except Exception as error:  # a user's callback or scorer
                lane.error = error

    def _state_reader(self, i, lane):
        """Return a function that reads the lane's current state, and caches it."""
        rows, steps, epoch = self._rows, self._steps, lane.job.state.epoch
        epoch += lane.steps_done // lane.job.steps_per_epoch
        own = lane.job.structure

        def read():
            row, step = np.asarray(rows)[i], int(np.asarray(steps)[i])
            step += lane.start.step - _counted_from(lane.start.step)
            return unpack_lane(self._structure, row, step, epoch, own)

        return cache(read)

    def finished(self):
        """Remove the lanes that are done and yield them with their results."""
        for i, lane in self.running:
            if lane.is_done:
                self._lanes[i] = None
                yield lane, lane.result(self._state_reader(i, lane)())


def _counted_from(step):
    """The step from which a program, whose steps are int32, counts.

    From a billion on it is not the step itself; there the corrections of a moment's
    bias have long been 1.
    """
    return step if step < MANY_STEPS else MANY_STEPS + step % (MANY_STEPS // 2)


class _Validation:
    """The validation losses of a stack's lanes."""

    def __init__(self, structure, lanes):
        self._structure = structure
        self._rows = [None] * lanes
        self._batches = None

    def set_rows(self, lane, rows):
        """Set the validation rows of a lane, or None."""
        if rows is not self._rows[lane]:
            self._rows[lane] = rows
            self._batches = None

    def __call__(self, state_rows, numbers):
        """Mean loss of each lane, penalties included; NaN for a lane without rows."""
        lanes = state_rows, numbers
        sums, penalty = summed_losses(self._structure, lanes, self._all_batches())
        weights = [np.nan if r is None else r.weight.sum() for r in self._rows]
        return sums / weights + penalty

    def _all_batches(self):
        """Return the validation batches; cache them if all rows fit into one."""
        if self._batches is not None:
            return self._batches
        batches = map(to_tensors, validation_batches(self._structure, self._rows))
        if count_validation_batches(self._structure, self._rows) == 1:
            self._batches = batches = list(batches)
        return batches
