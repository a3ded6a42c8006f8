"""Who looks at each epoch: scorers, Keras callbacks and the line of `verbose`."""

import copy
from dataclasses import replace

from sklearn.metrics import get_scorer

from ._engine import Schedule
from ._keras import keras
from ._model import build_model, read_weights, write_state


class Listener:
    """Tells a fit's callbacks of its epochs, as ``keras.Model.fit`` would.

    The callbacks are copies, so that fits of one search can share a list of them. Their
    ``model`` is the estimator's plain Keras model with the lane's weights of the
    moment. Setting its ``stop_training`` or its optimizer's learning rate acts on the
    training, and so do weights that are changed when training ends; weights that are
    changed between epochs do not.
    """

    def __init__(self, estimator, job):
        self._epochs, self._verbose = job.epochs, estimator.verbose
        self._structure, self._schedule = estimator._structure(), job.schedule
        self._rate = None
        self._callbacks = None
        self._epoch_in_sklearn = None
        if getattr(estimator, "_skl_callbacks", None):
            self._epoch_in_sklearn = SklearnEpochs(estimator)
        if estimator.callbacks:
            self._model = build_model(estimator)
            self._callbacks = keras().callbacks.CallbackList(
                copy.deepcopy(list(estimator.callbacks)),
                model=self._model,
                epochs=job.epochs,
                steps=job.steps_per_epoch,
                verbose=0,
            )
            self._model.stop_training = False

    def start(self, state):
        """Before the first epoch; the answer is that of a call."""
        if self._callbacks is None:
            return {}
        self._show(state)
        self._callbacks.on_train_begin()
        self._callbacks.on_epoch_begin(0)
        return self._answer()

    def __call__(self, epoch, logs, read_state):
        """After an epoch, counted from 1; the answer is that of ``Job.listener``."""
        if self._verbose:
            values = " - ".join(f"{name}: {value:.4f}" for name, value in logs.items())
            print(f"Epoch {epoch}/{self._epochs} - {values}", flush=True)
        stop = False
        if self._epoch_in_sklearn is not None:
            stop = self._epoch_in_sklearn(epoch, read_state)
        if self._callbacks is None:
            return {"stop": stop}
        self._show(read_state())
        self._callbacks.on_epoch_end(epoch - 1, logs)
        if epoch < self._epochs and not self._model.stop_training:
            self._callbacks.on_epoch_begin(epoch)
        answer = self._answer()
        return answer | {"stop": stop or answer["stop"]}

    def finish(self, state):
        """After the last epoch: the weights that training ends with."""
        if self._callbacks is None:
            return state.weights, state.moving
        self._show(state)
        self._callbacks.on_train_end()
        return read_weights(self._model, state)

    def _show(self, state):
        write_state(self._model, self._structure, state)
        if self._rate is None:
            rate = float(self._schedule.rates([state.step])[0])
            self._model.optimizer.learning_rate = rate
            self._rate_shown = self._current_rate()

    def _current_rate(self):
        return float(self._model.optimizer.learning_rate)

    def _answer(self):
        answer = {"stop": bool(self._model.stop_training)}
        if self._rate is not None or self._current_rate() != self._rate_shown:
            self._rate = answer["learning_rate"] = self._current_rate()
        return answer


class SklearnEpochs:
    """Tells scikit-learn's callbacks (from 1.9 on), such as ProgressBar, of epochs."""

    def __init__(self, estimator):
        self._estimator = copy.copy(estimator)
        self._context = estimator._callback_fit_ctx

    def __call__(self, epoch, read_state):
        """After an epoch, counted from 1; whether training should stop."""

        def fitted_attributes():
            return {"_state": {**self._estimator._state, **vars(read_state())}}

        context = self._context.subcontext(task_name="epoch")
        context.call_on_fit_task_begin(estimator=self._estimator)
        return context.call_on_fit_task_end(
            estimator=self._estimator, reconstruction_attributes=fitted_attributes
        )


class ScoreMonitor:
    """A scikit-learn scorer on the validation rows, as the engine calls it."""

    def __init__(self, estimator, validation):
        self._estimator = copy.copy(estimator)
        # The rows are arrays by now, even where the user's had column names.
        vars(self._estimator).pop("feature_names_in_", None)
        self._validation = validation

    def __call__(self, state):
        """The score of a lane's state."""
        self._estimator._state = {**self._estimator._state, **vars(state)}
        scorer = get_scorer(self._estimator.monitor)
        return scorer(self._estimator, self._validation.X, self._validation.y)


def watched(estimator, job, validation):
    """The job with what looks at it after each epoch."""
    if job.monitor not in ("loss", "val_loss") and validation is not None:
        score = ScoreMonitor(estimator, validation)
        job = replace(job, score=score, larger_is_better=True)
    watches = getattr(estimator, "_skl_callbacks", None) or estimator.verbose
    if estimator.callbacks or watches:
        listener = Listener(estimator, job)
        job = replace(job, listener=listener)
        rate = listener.start(job.state).get("learning_rate")
        if rate is not None:
            job = replace(job, schedule=Schedule.constant(rate))
    return job
