"""Fitted networks: members, weights, conversion to Keras and SciKeras, diagnosis."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..fitting import is_auto
from ..inspection import Diagnosis, diagnose_folds, diagnose_history
from ..interop import build_average, build_model, to_scikeras
from ..persistence import load_weights, save_weights
from ..typing import (
    Features,
    Groups,
    KerasModel,
    Path,
    RandomState,
    Splitter,
    Targets,
)
from .selection import SelectedFeatures


class FittedNetwork(SelectedFeatures):
    """Base class with the public methods of fitted estimators."""

    @property
    def members_(self) -> list[Self]:
        """The trained networks of the ensemble, each an estimator of its own.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skreg import MLPRegularizedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> network = MLPRegularizedClassifier((16,), n_members=3, epochs=5).fit(X, y)
        >>> len(network.members_), network.members_[0].predict(X).shape
        (3, (150,))
        """
        check_is_fitted(self)
        return list(self._all_members())

    @property
    def l2_(self) -> float:
        """The l2 penalty of the training; with ``l2="auto"``, the chosen one.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skreg import MLPRegularizedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> network = MLPRegularizedClassifier((16,), epochs=5).fit(X, y)
        >>> 0.0001 < network.l2_ < 1
        True
        """
        check_is_fitted(self)
        return self._state["numbers"]["l2"]

    @property
    def dropout_(self) -> float | tuple[float, ...]:
        """The dropout of the training: one rate, or one for each layer if they differ.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skreg import MLPRegularizedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> network = MLPRegularizedClassifier((16,), dropout=0.5, epochs=5).fit(X, y)
        >>> network.dropout_
        0.5
        """
        check_is_fitted(self)
        rates = self._state["numbers"]["dropout"]
        return rates[0] if len(set(rates)) == 1 else rates

    def _chosen_parameters(self):
        """The values with which this network was trained, of parameters left to it."""
        names = ("l2", "dropout", "feature_l1")
        names = [name for name in names if is_auto(getattr(self, name))]
        return {name: getattr(self, f"{name}_") for name in names}

    @property
    def model_(self) -> KerasModel:
        """The trained network as a plain, compiled ``keras.Sequential``.

        The model takes raw features, as `fit` does, and needs no skreg to predict, to
        be saved or exported, or to train further. It has the optimizer's state and the
        last learning rate of the schedule (or the largest, if the last is zero). It is
        built on first access and then cached. Training it does not change the
        estimator. For an ensemble it is a functional ``keras.Model``, not compiled,
        that averages the members' outputs; the members' own are in `members_`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skreg import MLPRegularizedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> network = MLPRegularizedClassifier((16,), epochs=5).fit(X, y)
        >>> network.model_.predict(X, verbose=0).shape
        (150, 3)
        """
        check_is_fitted(self)
        if "_keras_model" not in vars(self):
            members = self._all_members()
            build = build_model if members == [self] else build_average
            self._keras_model = build(self)
            # Keras can export a model to ONNX only after a call of it.
            self._keras_model(np.zeros((1, self.n_features_in_)))
        return self._keras_model

    def to_scikeras(self) -> Any:
        """The same network and settings as an untrained SciKeras estimator.

        It starts from the same initial weights as `fit`, and scales inputs (and a
        regressor's targets) by the rows of each fit. The network's parameters become
        ``model__dropout`` and so on; `epochs`, `batch_size`, `callbacks`,
        `class_weight`, `verbose`, `warm_start` and `random_state` keep their names.
        Early stopping becomes Keras's callback, with the last `validation_fraction` of
        the rows for validation. ``batch_size="auto"`` becomes the batch size of the
        last fit, or 32. Checkpoints are left out.

        Importing SciKeras changes how Keras's own objects are pickled in this process.

        Returns
        -------
        scikeras.wrappers.KerasClassifier or scikeras.wrappers.KerasRegressor

        Raises
        ------
        ImportError
            If SciKeras is not installed: ``pip install "skreg[scikeras]"``.
        ValueError
            If SciKeras lacks a setting: ensembles, `mixup`, `feature_l1`,
            ``loss="hinge"``, a scorer as `monitor`, a splitter as
            `validation_fraction`, or a warm-up with another schedule than "constant" or
            "cosine".
        """
        return to_scikeras(self)

    def save_weights(self, path: Path) -> None:
        """Save weights and moving statistics to one file, without pickle.

        Parameters
        ----------
        path : path-like
            Path of the file; an existing file is replaced.

        Raises
        ------
        NotFittedError
            Before `fit`.
        OSError
            If the file cannot be written. An existing file is then left unchanged.

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

    def load_weights(self, path: Path) -> Self:
        """Load the weights and moving statistics that `save_weights` wrote.

        All else stays as in the estimator's own fit: classes, the optimizer's state and
        the statistics that standardise inputs.

        Parameters
        ----------
        path : path-like
            Path of the file.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the weights have other shapes or names than this network's, or if the
            file is damaged. The estimator is then unchanged.
        NotFittedError
            Before `fit`.
        OSError
            If the file cannot be read.
        """
        load_weights(self, path)
        return self

    def __dir__(self):
        # Without members_, which skl2onnx would follow in an endless loop. model_ is
        # not looked up, as scikit-learn's __dir__ does, since that would build it.
        names = {*object.__dir__(self)} - {"members_"}
        return [name for name in names if name == "model_" or hasattr(self, name)]

    def __getstate__(self):
        state = dict(super().__getstate__())
        for name in ("_keras_model", "callbacks_"):  # objects of Keras's
            state.pop(name, None)
        return state

    def diagnose(
        self,
        X: Features | None = None,
        y: Targets | None = None,
        *,
        groups: Groups = None,
        cv: int | Splitter = 5,
        reference_error: float | None = None,
        random_state: RandomState = 0,
    ) -> Diagnosis:
        """Diagnose whether the network over- or underfits, with the evidence.

        Without data, this method judges the history of the fit, which may show a fault,
        but no good fit. With data, it trains the network again on `cv` folds, in
        stacks: as it is, with four times the epochs, with four times the units and
        twice the epochs, with a smaller learning rate, with the optimizer's default
        rate if its own is smaller, on half of the rows, and, if it has remedies such as
        l2 or dropout, with a tenth of their strength and without them. A verdict then
        needs differences larger than the folds' noise; but for "diverging", means are
        enough if the network predicts its training rows clearly worse than a constant
        would.

        Losses on folds are relative: 0 is perfect, 1 is the loss of a constant
        prediction. Numbers are judged by the network's own `loss` ("huber" as the
        absolute error), classes by cross-entropy, several labels, and classes with
        ``loss="hinge"``, by the share of wrong rows, all with the weights of
        `class_weight`. Each "gain by" in the evidence is a fall of the validation loss:
        "more units" beside four times the epochs, "twice the rows" by all rows beside
        half of them, the others beside the network as it is. Their 95% intervals are
        those of `compare_remedies`. Validation rows of a class that a fold's training
        rows lack are left out.

        Parameters
        ----------
        X, y : array-like, default=None
            Rows to train on again, preferably those of `fit`. Both or neither.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, such as a patient. A splitter gets them; otherwise all
            rows of a group are in the same fold. Only used with `X` and `y`.
        cv : int or splitter, default=5
            Number of folds, at least 2, shuffled (and stratified for classes); or a
            splitter. Only used with `X` and `y`.
        reference_error : float, default=None
            Error of people or of the best known method: the share of wrong rows, or the
            root mean squared error, whatever `loss` is. The evidence then includes the
            training error minus this error ("avoidable bias"), and the validation error
            minus the training error ("variance"). Needs `X` and `y`.
        random_state : int, RandomState instance or None, default=0
            Seed of the folds. Not used with a splitter.

        Returns
        -------
        Diagnosis
            With `verdict`, `reason`, `evidence` and `try_next`. ``print`` shows it,
            its method `plot` draws the loss curves.

        Raises
        ------
        ValueError
            If only one of `X` and `y` is given, or `reference_error` without them, or
            if the network cannot be fitted to a fold.
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> from sklearn.datasets import make_moons
        >>> from skreg import MLPRegularizedClassifier
        >>> X, y = make_moons(200, noise=0.1, random_state=0)
        >>> network = MLPRegularizedClassifier((1,), l2=0.002, random_state=0).fit(X, y)
        >>> network.diagnose(X, y).verdict
        'underfitting'
        """
        check_is_fitted(self)
        if (X is None) != (y is None):
            raise ValueError("X and y must be given together. Got one of them.")
        if X is not None:
            return diagnose_folds(self, X, y, groups, cv, reference_error, random_state)
        if reference_error is not None:
            raise ValueError(
                "The 'reference_error' parameter needs X and y, which measure the "
                f"network's own error. Got {reference_error!r} without them."
            )
        return diagnose_history(self)
