"""The host's record of a lane in training: history, early stopping, end of training."""

from dataclasses import replace

import numpy as np

from .jobs import Progress, Result
from .schedules import Schedule


class Lane:
    """A job in training, with its history, its best epoch and its end."""

    def __init__(self, index, job):
        self.index = index
        self.job = job
        self.start = job.state
        self.steps_done = 0
        self.history = {}
        self.diverged = None  # the epoch, counted from 1
        self.error = None
        self._losses = []
        self._stopped = False
        self._best_value = -np.inf if job.larger_is_better else np.inf
        self._best_epoch = 0
        self._best_state = None
        self._learning_rate = None  # that a listener had set by the epoch's end
        if job.progress is not None:
            self._resume(job.progress)

    def _resume(self, progress):
        self.start = progress.state
        self.history = {name: list(v) for name, v in progress.history.items()}
        self.steps_done = self._epochs_done * self.job.steps_per_epoch
        self._stopped = progress.is_done
        self._best_value = progress.best_value
        self._best_epoch = progress.best_epoch
        self._best_state = progress.best_state
        self._apply_answer({"learning_rate": progress.learning_rate})

    def _progress(self, read_state):
        return Progress(
            read_state(),
            {name: list(values) for name, values in self.history.items()},
            self._best_value,
            self._best_epoch,
            self._best_state,
            self._learning_rate,
            self.is_done,
        )

    @property
    def steps_to_look(self):
        """Number of steps until the host has to look at the lane."""
        if self.job.batch_listener is not None:
            return 1
        if self.job.needs_epoch_ends:
            return self.job.steps_per_epoch - self.steps_done % self.job.steps_per_epoch
        return self.job.n_steps - self.steps_done

    @property
    def is_due(self):
        """Whether the host has to call `end_epochs` now."""
        at_end = self.steps_done == self.job.n_steps or self._stopped
        if self.job.needs_epoch_ends and not self._stopped:
            at_end = self.steps_done % self.job.steps_per_epoch == 0
        return at_end and not self.diverged

    @property
    def is_done(self):
        """Whether the lane's training has ended."""
        at_end = self.steps_done == self.job.n_steps
        return bool(at_end or self._stopped or self.diverged or self.error)

    @property
    def _epochs_done(self):
        return len(self.history.get("loss", ()))

    def record(self, losses):
        """Store the mean losses of the steps just taken, shape (n_steps,)."""
        bad = ~np.isfinite(losses)
        if bad.any():
            step = self.steps_done + int(bad.argmax())
            self.diverged = step // self.job.steps_per_epoch + 1
        self.steps_done += len(losses)
        self._losses.append(losses)

    def end_epochs(self, val_loss, read_state):
        """Record the epochs since the last look; decide whether training goes on."""
        self.history.setdefault("loss", []).extend(self._mean_losses())
        self._losses = []
        if self.job.validation is not None:
            self._log("val_loss", val_loss)
        if self.job.score is not None:
            self._log(self.job.monitor, self.job.score(read_state()))
        decides = self.job.validation or self.job.stopping
        if decides and self.job.monitor in self.history:
            self._compare_with_best(read_state)
        if self.job.listener is not None:
            logs = {name: values[-1] for name, values in self.history.items()}
            self._apply_answer(self.job.listener(self._epochs_done, logs, read_state))
        if self.job.save_progress is not None:
            self.job.save_progress(self._progress(read_state))

    def end_batch(self, read_state):
        """Call the batch listener, which may end training within the epoch."""
        batch = (self.steps_done - 1) % self.job.steps_per_epoch
        (loss,) = self._mean_losses()
        try:
            self._apply_answer(self.job.batch_listener(batch, loss, read_state))
        except Exception as error:  # a user's callback
            self.error = error

    def _mean_losses(self):
        """Mean loss of each epoch since the last look; the last may be incomplete."""
        losses = np.concatenate(self._losses).astype(np.float64)
        rows = np.full(self.job.steps_per_epoch, self.job.batch_size)
        rows[-1] = len(self.job.rows) - rows[:-1].sum()
        if len(losses) < len(rows):
            rows = rows[: len(losses)]
        return (losses.reshape(-1, len(rows)) @ rows / rows.sum()).tolist()

    def _log(self, name, value):
        self.history.setdefault(name, []).append(float(value))

    def _compare_with_best(self, read_state):
        """Update the best epoch; stop early if `patience` epochs were not better."""
        value, stopping = self.history[self.job.monitor][-1], self.job.stopping
        gain = value - self._best_value
        if not self.job.larger_is_better:
            gain = -gain
        if gain > (stopping.min_delta if stopping else 0.0):
            self._best_value, self._best_epoch = value, self._epochs_done
            if stopping and stopping.restore_best_weights:
                self._best_state = read_state()
        elif stopping and self._epochs_done - self._best_epoch >= stopping.patience:
            self._stopped = True

    def _apply_answer(self, answer):
        if not answer:
            return
        self._stopped = self._stopped or answer.get("stop", False)
        rate = answer.get("learning_rate")
        if rate is not None:
            self._learning_rate = answer.get("rate_before", rate)
            self.job = replace(self.job, schedule=Schedule.constant(rate))

    def result(self, state):
        """Return the lane's result, given its last state."""
        if not self.diverged and not state.is_finite():
            self.diverged = self._epochs_done
        if (best := self._best_state) is not None:
            state = state.with_weights_of(best)
        best_epoch = self._best_epoch or self._epochs_done
        rate = float(self.job.schedule.rates([state.step])[0])
        return Result(state, self.history, best_epoch, self.diverged, rate, self.error)
