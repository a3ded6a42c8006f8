"""Base class of the estimators: `fit`, from parameters and data to fitted state."""

from abc import abstractmethod
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.metadata_routing import MetadataRequest
from sklearn.utils.validation import _check_sample_weight

from .. import stacking
from ..engine import start_backend
from ..fitting import (
    Rule,
    Sample,
    Standardizer,
    TrainingRun,
    check_parameters,
    checked_groups,
    copied,
    job_of,
    left_to_pilots,
    split_off_validation,
    takes_groups,
)
from ..interop import with_listeners
from ..persistence import Checkpoint, check_checkpoints
from ..typing import Features, Groups, Targets, Weights
from .attempts import all_or_nothing
from .compatibility import CallbackSupportMixin, with_callbacks
from .ensemble import Ensemble
from .pilots import choose_strengths, has_rows_for_pilots

_NONE = None, None, None  # in place of X_val, y_val and sample_weight_val


class RegularizedNetwork(CallbackSupportMixin, Ensemble):
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

    def _row_classes(self, y):
        """The class of each row, or None."""
        return None

    def _class_weights(self, sample):
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
        groups: Groups = None,
    ) -> None:
        """Train the network.

        If this raises an error, the estimator keeps its earlier fit.

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
            Validation rows, evaluated after each epoch; in the form of `X` and `y`.
            With ``early_stopping=True`` they are used instead of a part of `X`.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            Weights of the rows of `X_val` in the validation loss and in the score that
            `monitor` names.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, such as a patient. Validation rows and pilots' folds are
            then whole groups; a splitter in `validation_fraction` gets the groups. In a
            search, metadata routing passes them to a splitter that needs them.

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
        check_parameters(self, self._rules)
        sample = self._read(X, y, sample_weight, groups, reset=not continues)
        self._fit(sample, continues, validation=(X_val, y_val, sample_weight_val))
        if context is not None:
            context.call_on_fit_task_end(estimator=self, X=X, y=y)

    def _fit_part(self, X, y, sample_weight, classes=None):
        """Train for one epoch on these rows, from the current state if there is one."""
        continues = hasattr(self, "_state")
        check_parameters(self, self._rules)
        sample = self._read(X, y, sample_weight, reset=not continues)
        self._fit(sample, continues, is_partial=True, classes=classes)

    def _fit(self, sample, continues, validation=_NONE, is_partial=False, classes=None):
        seed = self._state["seed"] if continues else self._draw_seed(is_partial)
        run = TrainingRun(seed, continues, is_partial)
        seeds = self._member_seeds(run)
        parts = self._split_rows(sample, validation, seeds, is_partial)
        if not continues:
            for name in ("strength_path_", "feature_path_"):  # of an earlier fit
                vars(self).pop(name, None)
            # If members have their own validation rows, most of them train on each row.
            learned = sample if len(parts) > 1 else parts[0][0]
            # A splitter may leave a class without a training row.
            classes = self._row_classes(sample.y) if classes is None else classes
            self._learn_targets(learned.y, learned.weight, classes)
            self._learn_inputs(learned)
        if continues:  # with what that fit chose
            run = replace(run, chosen=self._chosen_parameters())
        elif (
            not is_partial
            and left_to_pilots(self)
            and has_rows_for_pilots(self, sample)
        ):
            start_backend()
            self._check_checkpoint(parts, run, seeds)
            with stacking.stacked_if_not_yet(is_one_fit=True):  # on all cores
                given = None if validation[0] is None else parts[0][1]
                chosen, paths = choose_strengths(self, sample, parts[0][0], run, given)
                vars(self).update(paths)
                self._train(parts, replace(run, chosen=chosen), seeds)
            return
        self._train(parts, run, seeds)

    def _check_checkpoint(self, parts, run, seeds):
        """Raise what checkpoints would, before pilots train."""
        if self.checkpoint is not None:
            runs = [replace(run, seed=seed) for seed in seeds]
            jobs = (job_of(self, *p, r) for p, r in zip(parts, runs, strict=True))
            check_checkpoints(self, jobs, run.continues)

    def _read(self, X, y, sample_weight, groups=None, *, reset):
        """Validate the data; return the rows of weight above zero."""
        X, y = self._validated(X, y, reset)
        if groups is not None:
            groups = checked_groups(groups, X)
        weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        # If all weights are zero, `job_of` raises the error, after class weights.
        return Sample(X, y, weight, groups).that_counts(weight)

    def _validated(self, X, y, reset):
        checks = {"reset": reset, "multi_output": True, **self._target_checks}
        X, y = self._checked(X, y, **checks)
        return X, self._check_targets(y.toarray() if issparse(y) else y)

    def _split_rows(self, sample, validation, seeds, is_partial):
        """Return (training rows, validation rows or None) of each member."""
        X_val, y_val, weight_val = validation
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together. Got one of them.")
        if X_val is None and weight_val is not None:
            raise ValueError("sample_weight_val needs X_val and y_val. Got no X_val.")
        if X_val is not None:
            try:
                held_out = self._read(*validation, reset=False)
            except ValueError as error:
                place = "X_val, y_val or sample_weight_val"
                raise ValueError(f"In {place}: {error}") from error
            return [(sample, held_out)] * len(seeds)
        if is_partial or not self.early_stopping or self.monitor == "loss":
            return [(sample, None)] * len(seeds)
        classes, how = self._row_classes(sample.y), self.validation_fraction
        return [split_off_validation(sample, classes, how, seed) for seed in seeds]

    def get_metadata_routing(self) -> MetadataRequest:
        """Get metadata routing of this object.

        `fit` requests `groups` if the splitter in `validation_fraction` needs them.
        """
        found, how = super().get_metadata_routing(), self.validation_fraction
        if found.fit.requests["groups"] is None:
            found.fit.add_request(param="groups", alias=takes_groups(how))
        return found

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
        each = enumerate(zip(members, parts, seeds, strict=True))
        with ExitStack() as checkpoints:
            for number, (member, part, seed) in each:
                structure, job = member._prepare(
                    *part,
                    replace(run, seed=seed),
                    None if len(members) == 1 else number,
                    checkpoints,
                    jobs[0] if number and part is parts[0] else None,
                )
                jobs.append(job)
            results = stacking.train(structure, jobs)
        for member, job, result in zip(members, jobs, results, strict=True):
            member._finish(structure, job, result, run)
        self._take_members(members)

    def _prepare(self, training, validation, run, number, checkpoints, like):
        """Return the structure and the job of this network's training.

        `number` is the member's index in the ensemble, None without an ensemble.
        `checkpoints`, an ExitStack, keeps the checkpoint locked during training. `like`
        is the job of a member with the same samples, or None.
        """
        network = copied(self, **run.chosen)
        structure, job = job_of(network, training, validation, run, like)
        rate = float(job.schedule.rates([job.state.step])[0])
        self._take_state(structure, job, job.state, rate)
        if self.checkpoint is not None and not run.is_partial:
            checkpoint = Checkpoint(self, structure, job, run.continues, number)
            checkpoints.enter_context(checkpoint.locked())
            job = checkpoint.resumed(job)
        return structure, with_listeners(self, job, validation, number)

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
        rate = result.learning_rate or job.schedule.full_rate  # where it ends at 0
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
