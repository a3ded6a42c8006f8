"""Base class of the estimators: `fit`, from parameters and data to fitted state."""

from abc import abstractmethod
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, validate_data

from .. import stacking
from ..engine import start_backend
from ..fitting import (
    Rule,
    Sample,
    Standardizer,
    TrainingRun,
    check_parameters,
    flattened,
    job_of,
    split_off_validation,
)
from ..interop import with_listeners
from ..persistence import Checkpoint, seed_to_go_on_with
from ..typing import Features, Targets, Weights
from .attempts import all_or_nothing, copied
from .compatibility import CallbackSupportMixin, with_callbacks
from .fitted import FittedNetwork

# Attributes that scikit-learn sets on an estimator during a fit with its callbacks.
_OF_ONE_FIT = {"_skl_callbacks", "_skl_callbacks_to_teardown", "_callback_fit_ctx"}
_NONE = None, None, None  # in place of X_val, y_val and sample_weight_val


class RegularizedNetwork(CallbackSupportMixin, FittedNetwork):
    """Base class of the estimators, with `fit`."""

    # --- what differs between the estimators

    _rules: dict[str, Rule] = {}  # accepted values of each parameter
    _target_checks: dict[str, bool] = {}  # keywords of scikit-learn's validation of y

    @abstractmethod
    def _check_targets(self, y):
        """Check the targets; return them in the form that the other methods take."""

    @abstractmethod
    def _learn_targets(self, y, weight, classes=None):
        """Set the attributes that `_coder` uses, from the training rows."""

    def _strata(self, y):
        """The classes by which the validation split is stratified, or None."""
        return None

    def _class_weights(self, y):
        """Factors of the sample weights: one number, or shape (n_samples,)."""
        return 1.0

    # --- fitting

    @all_or_nothing
    @with_callbacks
    def fit(
        self,
        X: Features,
        y: Targets,
        sample_weight: Weights = None,
        X_val: Features | None = None,
        y_val: Targets | None = None,
        sample_weight_val: Weights = None,
    ) -> None:
        """Train the network.

        If it raises, the estimator keeps its earlier fit.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Real numbers. Arrays of more than two dimensions are flattened.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows in the loss; only their ratios count.
            Rows of weight 0 are left out.
        X_val, y_val : array-like, default=None
            Rows to evaluate after each epoch, in the form of `X` and `y`. With
            ``early_stopping=True`` they are used instead of a part of `X`.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            Weights of the rows of `X_val`, in the validation loss and in the score that
            `monitor` names.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or if training diverges.
        """
        continues = self.warm_start and hasattr(self, "_state")
        context = None
        if getattr(self, "_skl_callbacks", None):  # scikit-learn's
            n_epochs = self.epochs * self.n_members
            context = self._init_callback_context(max_subtasks=n_epochs)
            context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        validation = X_val, y_val, sample_weight_val
        self._fit(X, y, sample_weight, continues, validation=validation)
        if context is not None:
            context.call_on_fit_task_end(estimator=self, X=X, y=y)

    def _fit_part(self, X, y, sample_weight, classes=None):
        """Train for one epoch on these rows, from the current state if there is one."""
        continues = hasattr(self, "_state")
        self._fit(X, y, sample_weight, continues, is_partial=True, classes=classes)

    def _fit(
        self, X, y, weight, continues, validation=_NONE, is_partial=False, classes=None
    ):
        check_parameters(self, self._rules)
        sample = self._read(X, y, weight, reset=not continues)
        seed = self._state["seed"] if continues else self._draw_seed(is_partial)
        run = TrainingRun(seed, continues, is_partial)
        seeds = self._member_seeds(run)
        parts = self._split_rows(sample, validation, seeds, is_partial)
        if not continues:
            # If members have their own validation rows, most of them train on each row.
            learned = sample if len(parts) > 1 else parts[0][0]
            self._learn_targets(learned.y, learned.weight, classes)
            self._learn_inputs(learned)
        self._train(parts, run, seeds)

    def _draw_seed(self, is_partial):
        if self.random_state is None and self.checkpoint is not None and not is_partial:
            seed = seed_to_go_on_with(self.checkpoint, self.n_members)
            if seed is not None:
                return seed
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _read(self, X, y, sample_weight, reset):
        """Validate the data; return the rows of weight above zero."""
        X, y = self._validated(X, y, reset)
        weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        sample = Sample(X, y, weight)
        # If all weights are zero, `job_of` raises the error, after class weights.
        return sample[weight > 0] if weight.any() and not weight.all() else sample

    def _validated(self, X, y, reset):
        X, y = validate_data(
            self,
            flattened(X),
            y,
            reset=reset,
            accept_sparse="csr",
            multi_output=True,
            **self._target_checks,
        )
        return X, self._check_targets(y.toarray() if issparse(y) else y)

    def _split_rows(self, sample, validation, seeds, is_partial):
        """Return (training rows, validation rows or None) of each member."""
        X_val, y_val, weight_val = validation
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together. Got one of them.")
        if X_val is None and weight_val is not None:
            raise ValueError("sample_weight_val is for X_val and y_val. Got no X_val.")
        if X_val is not None:
            return [(sample, self._read(*validation, reset=False))] * len(seeds)
        if is_partial or not self.early_stopping or self.monitor == "loss":
            return [(sample, None)] * len(seeds)
        strata, fraction = self._strata(sample.y), self.validation_fraction
        return [split_off_validation(sample, strata, fraction, seed) for seed in seeds]

    def _learn_inputs(self, training):
        standardizer = Standardizer.identity(training.X.shape[1])
        if self.normalize:
            robust = self.normalize == "robust"
            standardizer = Standardizer.of(training.X, training.weight, robust)
        self._input_statistics = vars(standardizer)

    def _train(self, parts, run, seeds):
        """Train each member on its rows and store the results."""
        start_backend()
        vars(self).pop("callbacks_", None)  # of an earlier fit
        members = self._members_to_train(run)
        jobs = []
        with ExitStack() as checkpoints:
            for number, (member, part, seed) in enumerate(
                zip(members, parts, seeds, strict=True)
            ):
                structure, job = member._prepare(
                    *part,
                    replace(run, seed=seed),
                    None if len(members) == 1 else number,
                    checkpoints,
                )
                jobs.append(job)
            results = stacking.train(structure, jobs)
        for member, job, result in zip(members, jobs, results, strict=True):
            member._finish(structure, job, result, run)
        self._take_members(members)

    def _member_seeds(self, run):
        """The random seed of each network of the ensemble."""
        if not run.continues:
            others = np.random.SeedSequence(run.seed).generate_state(self.n_members)
            return [run.seed, *(others[1:] >> 1).tolist()]
        members = self._all_members()
        if len(members) != self.n_members:
            raise ValueError(
                "Training can go on (warm_start, partial_fit) only with as many "
                f"members as before, {len(members)}. Got n_members="
                f"{self.n_members}: fit with warm_start=False."
            )
        return [member._state["seed"] for member in members]

    def _members_to_train(self, run):
        """The networks of the ensemble to train, each as an estimator."""
        if not run.continues:
            vars(self).pop("_members", None)  # of an earlier fit
        if self.n_members == 1:
            return [self]
        members = self._all_members() if run.continues else [self] * self.n_members
        # Parameters may have changed since the members were last trained.
        parameters = self.get_params(deep=False) | {"n_members": 1}
        return [copied(member, **parameters) for member in members]

    def _take_members(self, members):
        """Store the members, and take the attributes of the first one."""
        if members != [self]:
            vars(self).pop("_keras_model", None)  # of an earlier fit
            vars(self).update(vars(members[0]) | {"n_members": self.n_members})
            self._members = members
            for member in members:
                for name in _OF_ONE_FIT & vars(member).keys():
                    delattr(member, name)

    def _prepare(self, training, validation, run, number, checkpoints):
        """Return the structure and the job of this network's training.

        `number` is the member's index in the ensemble, None without an ensemble.
        `checkpoints`, an ExitStack, keeps the checkpoint locked during training.
        """
        structure, job = job_of(self, training, validation, run)
        rate = float(job.schedule.rates([job.state.step])[0])
        self._take_state(structure, job, job.state, rate)
        if self.checkpoint is not None and not run.is_partial:
            checkpoint = Checkpoint(self, structure, job, run.continues, number)
            checkpoints.enter_context(checkpoint.locked())
            job = checkpoint.resumed(job)
        return structure, with_listeners(self, job, validation)

    def _finish(self, structure, job, result, run):
        """Store the result of training, or raise its error."""
        if result.error is not None:
            raise result.error
        state = result.state
        if job.listener is not None:
            state = job.listener.finish(state)
            if self.callbacks:
                self.callbacks_ = job.listener.callbacks
        if result.diverged or not state.is_finite():
            raise ValueError(
                f"Training diverged in epoch {result.diverged or state.epoch}: its "
                "loss or weights are no longer finite numbers. Try a smaller "
                "learning_rate, clipnorm=1 or another normalize."
            )
        # If the schedule ends at zero, `model_` gets the rate that it began with.
        rate = result.learning_rate or job.schedule.learning_rate
        self._take_state(structure, job, state, rate)
        self._extend_history(result, run.continues)

    def _take_state(self, structure, job, state, learning_rate):
        """Store the state of the lane in the estimator."""
        self._state = {
            "structure": structure.to_dict(),
            "numbers": job.numbers,
            "seed": job.seed,
            "learning_rate": learning_rate,
            **vars(state),
        }
        vars(self).pop("_keras_model", None)

    def _extend_history(self, result, continues):
        """Append to the history, NaN for a series that was not recorded."""
        before = self.history_ if continues else {}
        epochs_before = self.n_iter_ if continues else 0
        epochs = len(result.history["loss"])
        self.history_ = {
            name: before.get(name, [np.nan] * epochs_before)
            + result.history.get(name, [np.nan] * epochs)
            for name in before | result.history
        }
        self.loss_curve_ = self.history_["loss"]
        self.n_iter_ = epochs_before + epochs
        self.best_epoch_ = epochs_before + result.best_epoch
        self.n_parameters_ = sum(a.size for a in result.state.weights.values())
