"""Callbacks, scorers and verbose output during training."""

import copy
from dataclasses import replace

import numpy as np

from ..engine import Progress, Schedule, keras
from .keras_model import build_model, read_state, read_weights, write_state
from .score_monitor import ScoreMonitor

# Keras callbacks with batch hooks, which are not needed if this setting is "epoch".
_FREQUENCY_SETTING = {
    "ModelCheckpoint": "save_freq",
    "BackupAndRestore": "save_freq",
    "TensorBoard": "update_freq",
}


def _has_batch_hooks(callback):
    """Whether the callback has to be called at each batch."""
    kind, plain = type(callback), keras().callbacks.Callback
    setting = _FREQUENCY_SETTING.get(kind.__name__)
    if setting and getattr(callback, setting, None) == "epoch":
        return False
    hooks = "on_train_batch_begin", "on_train_batch_end", "on_batch_begin"
    return any(
        getattr(kind, hook) is not getattr(plain, hook) or hook in vars(callback)
        for hook in (*hooks, "on_batch_end")
    )


def copied_callbacks(callbacks):
    """Copies of callbacks.

    Raises
    ------
    ValueError
        If one cannot be copied.
    """
    try:
        return copy.deepcopy(list(callbacks))
    except Exception as error:
        raise ValueError(
            "The 'callbacks' parameter must have callbacks that can be copied, because "
            f"each fit uses copies. Got an instance of {_culprit(callbacks)}: "
            f"{type(error).__name__}: {error}. Open files and create locks in its "
            "on_train_begin, or give it a method __deepcopy__."
        ) from error


def _copies(callbacks, job):
    """Copies of callbacks, which compare the job's score in the right direction."""
    copies = copied_callbacks(callbacks)
    for callback in copies:
        # Keras looks for the direction among a model's metrics. Of a score it is known.
        watched, mode = getattr(callback, "monitor", None), getattr(callback, "mode", 0)
        if job.score is not None and watched == job.monitor and mode == "auto":
            callback.mode = "max"
    return copies


def _culprit(callbacks):
    """The name of the first class of callbacks that cannot be copied."""
    for callback in callbacks:
        try:
            copy.deepcopy(callback)
        except Exception:
            return type(callback).__name__
    return type(callbacks).__name__


class EpochListener:
    """Call the callbacks of a fit, as ``keras.Model.fit`` would.

    The callbacks are copies, so that fits of one search can share a list of them. Their
    ``model`` is the estimator's plain Keras model with the lane's current weights. Its
    ``stop_training`` and its optimizer's learning rate, if a callback sets them, act on
    the training. So do weights that a callback changes when training begins or ends;
    weights changed in between are ignored. Batch hooks are called only on callbacks
    that have them.
    """

    def __init__(self, estimator, job, member=None):
        self._epochs, self._verbose = job.epochs, estimator.verbose
        self._whose = "" if member is None else f"Member {member + 1} - "
        self._structure, self._schedule = estimator._structure(), job.schedule
        self._callback_rate = None
        self._logs = {}
        self._callbacks = None
        self._batch_callbacks = []
        self._sklearn_callbacks = None
        if getattr(estimator, "_skl_callbacks", None):
            self._sklearn_callbacks = SklearnCallbacks(estimator)
        if estimator.callbacks:
            self._model = build_model(estimator)
            self._callbacks = keras().callbacks.CallbackList(
                _copies(estimator.callbacks, job),
                model=self._model,
                epochs=job.epochs,
                steps=job.steps_per_epoch,
                verbose=0,
            )
            self._batch_callbacks = [
                c for c in self._callbacks.callbacks if _has_batch_hooks(c)
            ]
            self._steps_per_epoch = job.steps_per_epoch
            self._model.stop_training = False

    @property
    def callbacks(self):
        """The copies of the user's callbacks, with what they have gathered."""
        return [] if self._callbacks is None else list(self._callbacks.callbacks)

    @property
    def has_batch_hooks(self):
        """Whether a callback has to be called at each batch."""
        return bool(self._batch_callbacks)

    def start(self, state, epoch, rate=None):
        """Call the hooks before the first epoch to train, counted from 0.

        `rate` is the learning rate that callbacks set earlier, None if they set none.

        Returns
        -------
        state : State
            With the weights that the callbacks may have changed.
        epoch : int
            Where training begins; BackupAndRestore may set a later one.
        answer : dict
            As that of ``Job.listener``.
        """
        if self._callbacks is None:
            return state, epoch, {}
        self._write_to_model(state)
        if rate is not None:
            self._model.optimizer.learning_rate = rate
            self._callback_rate = self._current_rate()
        self._model._initial_epoch = epoch
        self._callbacks.on_train_begin()
        found = read_state(self._model, self._structure, state)
        if self._model._initial_epoch > epoch:
            epoch = self._model._initial_epoch
            rate = float(self._schedule.rates([found.step])[0])
            if np.isclose(rate, self._current_rate(), rtol=1e-5, atol=0):
                self._scheduled_rate = self._current_rate()
        self._callbacks.on_epoch_begin(epoch)
        self._begin_batch(0)
        return found, epoch, self._answer()

    def __call__(self, epoch, logs, state):
        """Call the hooks after an epoch, from 1 on, and answer as ``Job.listener``."""
        if self._verbose:
            values = " - ".join(f"{name}: {value:.4f}" for name, value in logs.items())
            epochs = f"{self._whose}Epoch {epoch}/{self._epochs}"
            print(f"{epochs} - {values}", flush=True)
        stop = False
        if self._sklearn_callbacks is not None:
            stop = self._sklearn_callbacks(epoch, state)
        if self._callbacks is None:
            return {"stop": stop}
        self._logs = logs
        self._write_to_model(state())
        self._callbacks.on_epoch_end(epoch - 1, logs)
        before = self._answer().get("learning_rate")
        if epoch < self._epochs and not self._model.stop_training:
            self._callbacks.on_epoch_begin(epoch)
            self._begin_batch(0)
        answer = self._answer() | {"rate_before": before}
        return answer | {"stop": stop or answer["stop"]}

    def after_batch(self, batch, loss, state):
        """Call the hooks after a batch, and answer as ``Job.batch_listener``."""
        self._write_to_model(state())
        for callback in self._batch_callbacks:
            callback.on_train_batch_end(batch, {"loss": loss})
        if batch + 1 < self._steps_per_epoch and not self._model.stop_training:
            self._begin_batch(batch + 1)
        return self._answer()

    def _begin_batch(self, batch):
        for callback in self._batch_callbacks:
            callback.on_train_batch_begin(batch, {})

    def finish(self, state):
        """Call the hooks after training; the state with the final weights."""
        if self._callbacks is None:
            return state
        self._write_to_model(state)
        self._callbacks.on_train_end(self._logs)
        weights, moving = read_weights(self._model, self._structure)
        return replace(state, weights=weights, moving=moving)

    def _write_to_model(self, state):
        write_state(self._model, self._structure, state)
        if self._callback_rate is None:
            rate = float(self._schedule.rates([state.step])[0])
            self._model.optimizer.learning_rate = rate
            self._scheduled_rate = self._current_rate()

    def _current_rate(self):
        return float(self._model.optimizer.learning_rate)

    def _answer(self):
        answer = {"stop": bool(self._model.stop_training)}
        if (
            self._callback_rate is not None
            or self._current_rate() != self._scheduled_rate
        ):
            self._callback_rate = answer["learning_rate"] = self._current_rate()
        return answer


class SklearnCallbacks:
    """Call scikit-learn's callbacks (from 1.9 on), such as ProgressBar, per epoch."""

    def __init__(self, estimator):
        self._estimator = copy.copy(estimator)
        self._context = estimator._callback_fit_ctx

    def __call__(self, epoch, read_state):
        """Call them after an epoch, counted from 1; whether training should stop."""

        def fitted_attributes():
            return {"_state": {**self._estimator._state, **vars(read_state())}}

        context = self._context.subcontext(task_name="epoch")
        context.call_on_fit_task_begin(estimator=self._estimator)
        return context.call_on_fit_task_end(
            estimator=self._estimator, reconstruction_attributes=fitted_attributes
        )


def with_listeners(estimator, job, validation, member=None):
    """The job with its scorer, callbacks and verbose output, called after epochs.

    `member` is its index in the ensemble, None without an ensemble.
    """
    if job.progress is not None and job.progress.is_done:
        return job
    if job.monitor not in ("loss", "val_loss") and validation is not None:
        score = ScoreMonitor(estimator, validation)
        job = replace(job, score=score, larger_is_better=True)
    watches = getattr(estimator, "_skl_callbacks", None) or estimator.verbose
    if estimator.callbacks or watches:
        job = _with_listener(job, EpochListener(estimator, job, member))
    return job


def _with_listener(job, listener):
    """The job with a listener, beginning at the epoch that the callbacks set."""
    before = job.progress
    start = job.state if before is None else before.state
    epochs_done = 0 if before is None else len(before.history["loss"])
    rate = None if before is None else before.learning_rate
    state, epoch, answer = listener.start(start, epochs_done, rate)
    job = replace(job, listener=listener)
    if listener.has_batch_hooks:
        job = replace(job, batch_listener=listener.after_batch)
    rate = answer.get("learning_rate", rate)
    if epoch > epochs_done:  # the history of the skipped epochs is not known
        names = ["loss"] + ["val_loss"] * (job.validation is not None)
        names += [job.monitor] * (job.score is not None)
        worst = -np.inf if job.larger_is_better else np.inf
        history = {name: [np.nan] * epoch for name in names}
        before = Progress(state, history, worst, best_epoch=0)
    elif before is not None:
        before = replace(before, state=state)
    if before is not None:
        return replace(job, progress=replace(before, learning_rate=rate))
    job = replace(job, state=state)
    if rate is not None:
        job = replace(job, schedule=Schedule.constant(rate))
    return job
