"""The training of a block of lanes: the loop over epochs, on the host."""

from dataclasses import replace
from functools import cache, partial

import numpy as np

from . import step
from .batches import chunks, count_validation_batches, validation_batches
from .jobs import Result, State
from .numbers import pack
from .optimizers import OPTIMIZERS
from .program import inference, training_program
from .schedules import Schedule
from .tensorflow import to_tensors


def train_block(structure, jobs):
    """Train every job as one lane of a stack.

    A pure function of its arguments: a lane's result depends neither on its
    neighbours nor on the thread, the process or the machine that runs it.

    Parameters
    ----------
    structure : Structure
        It must serve every job: see ``Structure.__or__``.
    jobs : sequence of Job
        With the same names in their `numbers`.

    Returns
    -------
    list of Result
        In the order of the jobs.
    """
    lanes = [_Lane(job) for job in jobs]
    state = to_tensors(_stack_states(jobs))
    numbers = to_tensors(pack(structure, [job.numbers for job in jobs]))
    run = training_program(structure, len(jobs))
    validate = _Validation(structure, jobs)
    epoch = 0
    while any(lane.trains(epoch) for lane in lanes):
        active = [lane.job if lane.trains(epoch) else None for lane in lanes]
        span = _epochs_until_needed(lanes, epoch)
        for chunk in chunks(structure, active, range(epoch, epoch + span)):
            arrays = to_tensors((*chunk[:4], np.int32(chunk.n_steps)))
            state, losses = run(state, numbers, *arrays)
            losses, rows = np.asarray(losses)[: chunk.n_steps], chunk.rows
            for i, lane in enumerate(lanes):
                lane.record_losses(chunk.epochs, losses[:, i], rows[:, i])
                if lane.diverged:
                    active[i] = None
            if not any(active):
                break
        epoch += span
        val_losses = validate(state, numbers)
        for i, lane in enumerate(lanes):
            if active[i] is not None:
                read_state = cache(partial(_state_of, lane, i, state))
                lane.end_epoch(epoch, val_losses[i], read_state)
    return [lane.result(_state_of(lane, i, state)) for i, lane in enumerate(lanes)]


def _epochs_until_needed(lanes, epoch):
    """How many epochs can pass before the host has to look at a lane."""
    training = [lane for lane in lanes if lane.trains(epoch)]
    if any(lane.is_watched for lane in training):
        return 1
    return min(lane.job.epochs for lane in training) - epoch


class _Lane:
    """What the host keeps of a lane while it trains."""

    def __init__(self, job):
        self.job = job
        self.history = {}
        self.diverged = None  # the epoch, counted from 1
        self.epochs_done = 0
        self._stopped = False
        self._best_value = -np.inf if job.larger_is_better else np.inf
        self._best_epoch = 0
        self._best_state = None
        self._loss_sums = np.zeros(job.epochs)
        self._row_sums = np.zeros(job.epochs)

    @property
    def is_watched(self):
        """Whether the host has to look at the lane after each epoch."""
        job = self.job
        return bool(job.validation or job.stopping or job.score or job.listener)

    def trains(self, epoch):
        """Whether the lane takes part in this epoch, counted from 0."""
        return not (self._stopped or self.diverged) and epoch < self.job.epochs

    def record_losses(self, epochs, losses, rows):
        """Add the steps' mean losses to their epochs'."""
        ran = rows > 0
        bad = ran & ~np.isfinite(losses)
        if bad.any() and not self.diverged:
            self.diverged = int(epochs[bad.argmax()]) + 1
        np.add.at(self._loss_sums, epochs[ran], (losses * rows)[ran])
        np.add.at(self._row_sums, epochs[ran], rows[ran])

    def end_epoch(self, epoch, val_loss, read_state):
        """Note the losses up to `epoch` and decide whether the lane goes on."""
        span = slice(self.epochs_done, epoch)
        self.epochs_done = epoch
        losses = self._loss_sums[span] / self._row_sums[span]
        self.history.setdefault("loss", []).extend(losses.tolist())
        if self.job.validation is not None:
            self._log("val_loss", val_loss)
        if self.job.score is not None:
            self._log(self.job.monitor, self.job.score(read_state()))
        decides = self.job.validation or self.job.stopping
        if decides and self.job.monitor in self.history:
            self._compare_with_best(read_state)
        if self.job.listener is not None:
            logs = {name: values[-1] for name, values in self.history.items()}
            self._obey(self.job.listener(epoch, logs, read_state))

    def _log(self, name, value):
        self.history.setdefault(name, []).append(float(value))

    def _compare_with_best(self, read_state):
        """Keep the best weights; stop where they have been best for too long."""
        value, stopping = self.history[self.job.monitor][-1], self.job.stopping
        gain = value - self._best_value
        if not self.job.larger_is_better:
            gain = -gain
        if gain > (stopping.min_delta if stopping else 0.0):
            self._best_value, self._best_epoch = value, self.epochs_done
            if stopping and stopping.restore_best_weights:
                self._best_state = read_state()
        elif stopping and self.epochs_done - self._best_epoch >= stopping.patience:
            self._stopped = True

    def _obey(self, answer):
        if not answer:
            return
        self._stopped = self._stopped or answer.get("stop", False)
        if "learning_rate" in answer:
            constant = Schedule.constant(answer["learning_rate"])
            self.job = replace(self.job, schedule=constant)

    def result(self, state):
        """The lane's result from its last state."""
        if not self.diverged and not state.is_finite():
            self.diverged = self.epochs_done
        if (best := self._best_state) is not None:
            state = replace(state, weights=best.weights, moving=best.moving)
        best_epoch = self._best_epoch or self.epochs_done
        rate = float(self.job.schedule.rates([state.step])[0])
        return Result(state, self.history, best_epoch, self.diverged, rate)


class _Validation:
    """The validation losses of all lanes, after each epoch."""

    def __init__(self, structure, jobs):
        self._structure = structure
        self._rows = [job.validation for job in jobs]
        self._n_batches = count_validation_batches(structure, self._rows)
        self._held = None
        self._weights = [
            np.nan if rows is None else rows.weight.sum() for rows in self._rows
        ]

    def __call__(self, state, numbers):
        """Mean loss of each lane, penalties included; NaN where there are no rows."""
        if not self._n_batches:
            return self._weights
        sums = 0.0
        for batch in self._batches():
            lanes = state["weights"], state["moving"], numbers
            loss, penalty = inference(self._structure, step.evaluate, lanes, batch)
            sums = sums + np.asarray(loss, np.float64)
        return sums / self._weights + np.asarray(penalty)

    def _batches(self):
        """The batches, kept between the epochs where all rows fit into one."""
        if self._held is not None:
            return self._held
        batches = map(to_tensors, validation_batches(self._structure, self._rows))
        if self._n_batches == 1:
            self._held = batches = list(batches)
        return batches


def initial_slots(structure, weights, numbers):
    """The optimizer's slots before the first step, without a lane axis."""

    def start(slot, shape):
        initial = slot.initial
        value = numbers[initial] if isinstance(initial, str) else initial
        return np.full((1, 1) if slot.scalar else shape, value, structure.dtype)

    return {
        name: {w: start(slot, array.shape) for w, array in weights.items()}
        for name, slot in OPTIMIZERS[structure.optimizer]
        .slots_for(structure.options)
        .items()
    }


def _stack_states(jobs):
    """The jobs' states with a leading lane axis."""

    def stack(part):
        parts = [part(job.state) for job in jobs]
        return {name: np.stack([p[name] for p in parts]) for name in parts[0]}

    slots = jobs[0].state.slots
    return {
        "weights": stack(lambda state: state.weights),
        "moving": stack(lambda state: state.moving),
        "slots": {s: stack(lambda state, s=s: state.slots[s]) for s in slots},
        "step": np.array([job.state.step for job in jobs], np.int32)[:, None, None],
        "seed": np.array([job.seed for job in jobs], np.uint32)[:, None, None],
    }


def _state_of(lane, index, state):
    """One lane of the stacked state."""

    def pick(arrays):
        return {name: np.array(np.asarray(a)[index]) for name, a in arrays.items()}

    return State(
        pick(state["weights"]),
        pick(state["moving"]),
        {slot: pick(arrays) for slot, arrays in state["slots"].items()},
        int(np.asarray(state["step"])[index, 0, 0]),
        lane.job.state.epoch + lane.epochs_done,
    )
