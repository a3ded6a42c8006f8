"""What the estimators share: fitting, predicting and the state between."""

import functools
from abc import ABCMeta, abstractmethod
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from . import _engine
from ._callbacks import watched
from ._checkpoints import Checkpoint, seed_to_go_on_with
from ._compatibility import CallbackSupportMixin, with_callbacks
from ._diagnosis import diagnose_folds, diagnose_history
from ._engine import State
from ._fitting import Course, job_of
from ._inputs import Standardizer, flattened, row_blocks
from ._model import build_average, build_model
from ._parameters import check_parameters
from ._samples import Sample, split_off_validation
from ._scikeras import to_scikeras
from ._structure import Structure
from ._weights import load_weights, save_weights


def all_or_nothing(method):
    """Run a method on a copy of the estimator, whose state counts if it succeeds."""

    @functools.wraps(method)
    def wrapper(self, *args, **kwargs):
        attempt = _copied(self)
        method(attempt, *args, **kwargs)
        self.__dict__ = vars(attempt)
        return self

    return wrapper


# What scikit-learn keeps with an estimator while its callbacks act.
_OF_ONE_FIT = {"_skl_callbacks", "_skl_callbacks_to_teardown", "_callback_fit_ctx"}


def _copied(estimator, **attributes):
    """Another estimator with the same attributes, but for these."""
    copy = object.__new__(type(estimator))
    vars(copy).update(vars(estimator) | attributes)
    return copy


class RegularizedNetwork(CallbackSupportMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of the estimators.

    What training leaves is in `_state` and `_input_statistics`, dictionaries of arrays
    and built-in types, so that whatever stores such objects stores an estimator.
    """

    # --- what differs between the estimators

    _rules = {}  # what each parameter accepts
    _target_checks = {}  # keywords of scikit-learn's validation of y

    @abstractmethod
    def _check_targets(self, y):
        """The targets in the form that the other methods take; raises for others."""

    @abstractmethod
    def _learn_targets(self, y, weight, classes=None):
        """Set the attributes that `_coder` is made of, from the training rows."""

    @abstractmethod
    def _coder(self):
        """What encodes targets."""

    def _strata(self, y):
        """The classes whose proportions a split keeps, or None."""
        return None

    def _class_weights(self, y):
        """Factors of the rows' weights."""
        return 1.0

    def _target_scale(self):
        """Scale and offset that lead from the network's outputs to predictions."""
        return np.ones(1), np.zeros(1)

    # --- fitting

    @all_or_nothing
    @with_callbacks
    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None):
        """Train the network.

        A fit that raises leaves an earlier fit as it was.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Real numbers. Arrays of more than two dimensions are flattened.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss, not negative; only their ratios count.
            Rows of weight 0 are left out.
        X_val, y_val : array-like, default=None
            Rows to evaluate after each epoch, in the form of `X` and `y`. With
            ``early_stopping=True`` they take the place of rows of `X`.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter or the data are not accepted, or if training diverges.
        """
        goes_on = self.warm_start and hasattr(self, "_state")
        context = None
        if getattr(self, "_skl_callbacks", None):  # scikit-learn's
            n_epochs = self.epochs * self.n_members
            context = self._init_callback_context(max_subtasks=n_epochs)
            context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        self._fit(X, y, sample_weight, goes_on, X_val=X_val, y_val=y_val)
        if context is not None:
            context.call_on_fit_task_end(estimator=self, X=X, y=y)

    def _fit_part(self, X, y, sample_weight, classes=None):
        """One epoch over these rows, from where training stands."""
        goes_on = hasattr(self, "_state")
        self._fit(X, y, sample_weight, goes_on, is_part=True, classes=classes)

    def _fit(
        self,
        X,
        y,
        sample_weight,
        goes_on,
        *,
        is_part=False,
        classes=None,
        X_val=None,
        y_val=None,
    ):
        check_parameters(self, self._rules)
        sample = self._read(X, y, sample_weight, reset=not goes_on)
        seed = self._state["seed"] if goes_on else self._draw_seed(is_part)
        training, validation = sample, None
        if not is_part:
            training, validation = self._divide(sample, X_val, y_val, seed)
        if not goes_on:
            self._learn_targets(training.y, training.weight, classes)
            self._learn_inputs(training)
        self._train(training, validation, Course(seed, goes_on, is_part))

    def _draw_seed(self, is_part):
        if self.random_state is None and self.checkpoint is not None and not is_part:
            seed = seed_to_go_on_with(self.checkpoint, self.n_members)
            if seed is not None:
                return seed
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _read(self, X, y, sample_weight, reset):
        """The rows that have a weight."""
        X, y = self._validated(X, y, reset)
        weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        sample = Sample(X, y, weight)
        # If all are zero the error comes with that for class weights.
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

    def _divide(self, sample, X_val, y_val, seed):
        """Training rows and validation rows, the latter None where there are none."""
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together. Got one of them.")
        if X_val is not None:
            X, y = self._validated(X_val, y_val, reset=False)
            return sample, Sample(X, y, np.ones(len(y)))
        if not self.early_stopping or self.monitor == "loss":
            return sample, None
        strata = self._strata(sample.y)
        return split_off_validation(sample, strata, self.validation_fraction, seed)

    def _learn_inputs(self, training):
        standardizer = Standardizer.identity(training.X.shape[1])
        if self.normalize:
            robust = self.normalize == "robust"
            standardizer = Standardizer.of(training.X, training.weight, robust)
        self._input_statistics = vars(standardizer)

    def _train(self, training, validation, course):
        """Train on these samples and keep what comes of it."""
        members = self._members_to_train(course)
        jobs = []
        with ExitStack() as checkpoints:
            for number, (member, seed) in enumerate(members):
                structure, job = member._prepare(
                    training,
                    validation,
                    replace(course, seed=seed),
                    None if len(members) == 1 else number,
                    checkpoints,
                )
                jobs.append(job)
            results = _engine.train(structure, jobs)
        for (member, _), job, result in zip(members, jobs, results, strict=True):
            member._finish(structure, job, result, course)
        self._take_members([member for member, _ in members])

    def _members_to_train(self, course):
        """The networks of the ensemble, each an estimator, with their seeds."""
        if course.goes_on:
            members = self._all_members()
            if len(members) != self.n_members:
                raise ValueError(
                    "Training can go on (warm_start, partial_fit) only with as many "
                    f"members as before, {len(members)}. Got n_members="
                    f"{self.n_members}: fit with warm_start=False."
                )
        else:
            vars(self).pop("_members", None)  # of an earlier fit
            members = [self] * self.n_members
        if self.n_members == 1:
            return [(self, course.seed)]
        if course.goes_on:
            seeds = [member._state["seed"] for member in members]
        else:
            others = np.random.SeedSequence(course.seed).generate_state(self.n_members)
            seeds = [course.seed, *(others[1:] >> 1).tolist()]
        # Parameters may have been set since the members were trained last.
        parameters = self.get_params(deep=False) | {"n_members": 1}
        copies = [_copied(member, **parameters) for member in members]
        return list(zip(copies, seeds, strict=True))

    def _take_members(self, members):
        """Have these members, and the first one's history and the like."""
        if members != [self]:
            vars(self).pop("_keras_model", None)  # of an earlier fit
            vars(self).update(vars(members[0]) | {"n_members": self.n_members})
            self._members = members
            for member in members:
                for name in _OF_ONE_FIT & vars(member).keys():
                    delattr(member, name)

    def _all_members(self):
        return getattr(self, "_members", [self])

    @property
    def members_(self):
        """The trained networks of the ensemble, each an estimator of its own."""
        check_is_fitted(self)
        return list(self._all_members())

    def _prepare(self, training, validation, course, number, checkpoints):
        """The structure and the job of this network's training.

        `number` is that of the ensemble's member, None where it is no ensemble;
        `checkpoints`, an ExitStack, holds what nobody else may write to meanwhile.
        """
        structure, job = job_of(self, training, validation, course)
        rate = float(job.schedule.rates([job.state.step])[0])
        self._keep(structure, job, job.state, rate)
        if self.checkpoint is not None and not course.is_part:
            checkpoint = Checkpoint(self, structure, job, course.goes_on, number)
            checkpoints.enter_context(checkpoint.alone())
            job = checkpoint.resumed(job)
        return structure, watched(self, job, validation)

    def _finish(self, structure, job, result, course):
        """Keep what came of it."""
        if result.error is not None:
            raise result.error
        state = result.state
        if job.listener is not None:
            weights, moving = job.listener.finish(state)
            state = replace(state, weights=weights, moving=moving)
        if result.diverged or not state.is_finite():
            raise ValueError(
                f"Training diverged in epoch {result.diverged or state.epoch}: its "
                "loss or weights are no longer finite numbers. Try a smaller "
                "learning_rate, clipnorm=1 or another normalize."
            )
        # Where a schedule ends at zero Keras goes on with the rate that it began with.
        rate = result.learning_rate or job.schedule.learning_rate
        self._keep(structure, job, state, rate)
        self._keep_history(result, course.goes_on)

    def _keep(self, structure, job, state, learning_rate):
        """Make this lane's state the estimator's."""
        self._state = {
            "structure": structure.to_dict(),
            "numbers": job.numbers,
            "seed": job.seed,
            "learning_rate": learning_rate,
            **vars(state),
        }
        vars(self).pop("_keras_model", None)

    def _keep_history(self, result, goes_on):
        """Append to the history; NaN where a series was not recorded."""
        before = self.history_ if goes_on else {}
        epochs_before = self.n_iter_ if goes_on else 0
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

    def diagnose(self, X=None, y=None, *, cv=5, reference_error=None, random_state=0):
        """Say whether the network over- or underfits, with the evidence.

        Without data the history of the fit is read, which shows little where it holds
        no validation losses. With data the network is trained again on `cv` folds, as
        it is, four times as long, with four times the units, with a smaller learning
        rate, and on half of the rows, all in stacks; a verdict needs differences
        beyond the folds' noise.

        Losses in the evidence are relative: 0 is perfect, 1 is what predicting the
        same for all rows gives. Intervals are at 95%, corrected for the overlap of
        the folds, as in `compare_remedies`.

        Parameters
        ----------
        X, y : array-like, default=None
            Rows to train on again, best those of `fit`. Both or none.
        cv : int or splitter, default=5
            Folds, shuffled (and stratified for classes). Only used with `X` and `y`.
        reference_error : float, default=None
            The error that people or the best known method reach: share of wrong rows,
            or root mean squared error. The evidence then splits the network's error
            into what lies above it ("avoidable bias") and the rise from training to
            validation rows ("variance"). Only used with `X` and `y`.
        random_state : int, default=0
            Of the folds.

        Returns
        -------
        Diagnosis
            With `verdict`, `reason`, `evidence` and `try_next`; ``print`` it or
            ``plot`` it.

        Raises
        ------
        ValueError
            If only one of `X` and `y` is given, or `reference_error` without them.
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> from sklearn.datasets import make_moons
        >>> from skreg import MLPRegularizedClassifier
        >>> X, y = make_moons(200, noise=0.1, random_state=0)
        >>> network = MLPRegularizedClassifier((1,), random_state=0).fit(X, y)
        >>> network.diagnose(X, y).verdict
        'underfitting'
        """
        check_is_fitted(self)
        if (X is None) != (y is None):
            raise ValueError("X and y must be given together. Got one of them.")
        if X is not None:
            return diagnose_folds(self, X, y, cv, reference_error, random_state)
        if reference_error is not None:
            raise ValueError(
                "The 'reference_error' parameter needs X and y, on which the network's "
                f"own error is measured. Got reference_error={reference_error!r} alone."
            )
        return diagnose_history(self)

    # --- the fitted network

    def _structure(self):
        return Structure.from_dict(self._state["structure"])

    def _training_state(self):
        names = ("weights", "moving", "slots", "step", "epoch")
        return State(**{name: self._state[name] for name in names})

    @property
    def model_(self):
        """The trained network as a plain, compiled ``keras.Sequential``.

        It takes the features as `fit` does, before standardisation, and holds the
        optimizer's state, with the learning rate that the schedule ended with (or began
        with, where it ended at zero): it predicts, saves, exports and trains on without
        skreg. It is built when it is first asked for and then kept; training it does
        not change the estimator.
        """
        check_is_fitted(self)
        if "_keras_model" not in vars(self):
            members = self._all_members()
            build = build_model if members == [self] else build_average
            self._keras_model = build(self)
            # Keras exports to ONNX only what has been called.
            self._keras_model(np.zeros((1, self.n_features_in_)))
        return self._keras_model

    def to_scikeras(self):
        """The same network and settings as an untrained SciKeras estimator.

        It starts from the weights that `fit` would start from, and scales inputs (and a
        regressor's targets) on the rows of each fit. The network's parameters are
        called ``model__dropout`` and so on there; `epochs`, `batch_size`, `callbacks`,
        `class_weight`, `verbose`, `warm_start` and `random_state` keep their names.
        Early stopping is Keras's callback, on the last `validation_fraction` of the
        rows. ``batch_size="auto"`` becomes that of the last fit, or 32. Checkpoints
        are left out.

        Importing SciKeras changes how Keras's own objects are pickled in this process.

        Returns
        -------
        scikeras.wrappers.KerasClassifier or scikeras.wrappers.KerasRegressor

        Raises
        ------
        ImportError
            Without SciKeras: ``pip install "skreg[scikeras]"``.
        ValueError
            For what SciKeras does not have: ensembles, ``loss="hinge"``, a scorer as
            `monitor`, a warm-up before another schedule than "constant" or "cosine".
        """
        return to_scikeras(self)

    def save_weights(self, path):
        """Write weights and moving statistics to one file, without pickle.

        Parameters
        ----------
        path : path-like
            Where to; a file that is there is replaced.

        Raises
        ------
        NotFittedError
            Before `fit`.
        OSError
            If the file cannot be written. One that was there before is left as it is.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> from sklearn.datasets import load_iris
        >>> from skreg import MLPRegularizedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> network = MLPRegularizedClassifier((8,), epochs=20).fit(X, y)
        >>> other = MLPRegularizedClassifier((8,), epochs=1).fit(X, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "iris.weights"
        ...     network.save_weights(path)
        ...     other = other.load_weights(path)
        >>> bool((other.predict_proba(X) == network.predict_proba(X)).all())
        True
        """
        save_weights(self, path)

    def load_weights(self, path):
        """Take the weights and moving statistics that `save_weights` wrote.

        The rest stays as the estimator's own fit left it: classes, the statistics that
        standardise inputs, the optimizer's state.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the weights have other shapes or names than this network's, or the file
            is damaged. The estimator is then as it was.
        NotFittedError
            Before `fit`.
        OSError
            If the file cannot be read.
        """
        load_weights(self, path)
        return self

    def __dir__(self):
        # Without members_: skl2onnx follows it, and it leads back here. scikit-learn's
        # tries every name, and so would build model_.
        names = {*object.__dir__(self)} - {"members_"}
        return [name for name in names if name == "model_" or hasattr(self, name)]

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("_keras_model", None)
        return state

    def _outputs(self, X):
        """What the members give for features, shape (members, n_samples, n_outputs)."""
        check_is_fitted(self)
        X = validate_data(self, flattened(X), reset=False, accept_sparse="csr")
        return np.stack([member._own_outputs(X) for member in self._all_members()])

    def _mean_outputs(self, X):
        """Their mean, shape (n_samples, n_outputs)."""
        outputs = self._outputs(X)
        return outputs[0] if len(outputs) == 1 else outputs.mean(axis=0)

    def _own_outputs(self, X):
        return np.concatenate(list(self._by_blocks(_engine.predict, X)))

    def _activities(self, X):
        """What leaves each hidden activation, shape (n_samples, units) each."""
        X = validate_data(self, flattened(X), reset=False, accept_sparse="csr")
        blocks = self._by_blocks(_engine.activities, X)
        return [np.concatenate(layer) for layer in zip(*blocks, strict=True)]

    def _by_blocks(self, function, X):
        """What a function of the engine gives for blocks of the rows."""
        structure, state = self._structure(), self._training_state()
        standardizer = Standardizer(**self._input_statistics)
        for rows in row_blocks(X.shape[0], max(structure.widths)):
            block = standardizer.transform(X[rows], structure.dtype)
            yield function(structure, state, self._state["numbers"], block)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
