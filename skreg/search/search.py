"""`RegularizationSearchCV`: randomized search with successive halving."""

import math
from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier

# The public import (sklearn.experimental) adds names to sklearn.model_selection.
from sklearn.model_selection._search_successive_halving import HalvingRandomSearchCV
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..estimators import MLPRegularizedClassifier
from ..fitting import check_count, network_of, prefix_of
from ..inspection import shuffled_folds
from ..stacking import stacked_if_not_yet
from ..typing import Features, Floats, RandomState, Splitter, Targets
from .space import regularization_space

MAX_RUNGS = 3  # with the default factor the first has a ninth of the epochs


def _network_has(name):
    """A check that the search's network, after `fit` the best one, has a method."""

    def check(search):
        network = getattr(search, "search_", None)
        getattr(network.best_estimator_ if network else search._network(), name)
        return True

    return check


def _of_the_search(name, doc):
    """A property that returns an attribute of the fitted `search_`."""

    def found(self: Any) -> Any:
        return self._found(name)

    found.__doc__ = doc
    return property(found)


class RegularizationSearchCV(MetaEstimatorMixin, BaseEstimator):
    """Search for the best mixture of remedies, with cross-validation.

    Candidates are drawn from `regularization_space` and compared by successive halving
    [1]_: all train for a ninth of the epochs, the best third for three ninths, and the
    best third of these for all epochs. Each rung trains from the start, with schedules
    that fit its length. All fits train in stacks, as in `stacked`. The search is itself
    an estimator, so that nested cross-validation measures the whole search.

    Parameters
    ----------
    estimator : estimator or Pipeline, default=None
        The network, or a pipeline that ends in one; parameters outside the space keep
        their values. None is ``MLPRegularizedClassifier()``.
    n_iter : int, default=200
        Number of candidates, at least 1.
    cv : int or splitter, default=5
        Number of folds, shuffled (and stratified for classes); or a splitter, as in
        ``GridSearchCV``.
    level : {"quick", "full"}, default="quick"
        Size of the search space: see `regularization_space`.
    space : dict or list of dict, default=None
        Distributions in place of those; `level` is then not used.
    scoring : str or callable, default=None
        Score that compares the candidates, as in ``GridSearchCV``; None is accuracy or
        R2. "neg_log_loss" finds networks with far better probabilities and about the
        same accuracy.
    factor : int, default=3
        The best ``1 / factor`` of the candidates go on to the next rung and train
        `factor` times as long; at least 2.
    refit : bool, default=True
        Whether to fit the best candidate to all rows at the end.
    n_members : int, default=5
        Number of networks that are then fitted with its parameters and averaged, at
        least 1 (more if the estimator or the candidate has more). It costs little
        compared with the search, whose candidates do not use it.
    random_state : int, RandomState instance or None, default=None
        Seed of the candidates; if an int, also of networks whose own is None.
    verbose : int, default=0
        As in ``GridSearchCV``.

    Attributes
    ----------
    search_ : HalvingRandomSearchCV
        The search itself.

    cv_results_ : dict of ndarrays
        One entry per candidate and rung, as in ``HalvingRandomSearchCV``.

    best_params_, best_score_, best_estimator_, best_index_
        As in ``GridSearchCV``, for the best candidate of the last rung.

    classes_ : ndarray of shape (n_classes,)
        Labels of the classes; only for a classifier.

    See Also
    --------
    compare_remedies : Measure each remedy by itself.

    References
    ----------
    .. [1] K. Jamieson, A. Talwalkar. "Non-stochastic best arm identification and
       hyperparameter optimization." AISTATS 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skreg import MLPRegularizedClassifier, RegularizationSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPRegularizedClassifier((16,), epochs=54)
    >>> search = RegularizationSearchCV(network, n_iter=9, cv=3, random_state=0)
    >>> bool(search.fit(X, y).best_score_ > 0.9)
    True
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_iter: int = 200,
        cv: int | Splitter = 5,
        level: Literal["quick", "full"] = "quick",
        space: dict | list[dict] | None = None,
        scoring: str | Callable | None = None,
        factor: int = 3,
        refit: bool = True,
        n_members: int = 5,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.n_iter = n_iter
        self.cv = cv
        self.level = level
        self.space = space
        self.scoring = scoring
        self.factor = factor
        self.refit = refit
        self.n_members = n_members
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Features, y: Targets, **fit_params: Any) -> Self:
        """Search, and fit the best candidate to all rows.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        **fit_params : dict
            Passed to the networks' `fit`, such as `sample_weight`.

        Returns
        -------
        self : RegularizationSearchCV

        Raises
        ------
        ValueError
            If a parameter is not accepted, or every candidate fails.
        """
        check_count(self, "n_iter", 1)
        check_count(self, "factor", 2)
        check_count(self, "n_members", 1)
        search = self._halving_search(y)
        with stacked_if_not_yet():
            search.fit(X, y, **fit_params)
        if self.refit and network_of(search.best_estimator_).n_members < self.n_members:
            ensemble = clone(search.best_estimator_)
            network_of(ensemble).set_params(n_members=self.n_members)
            search.best_estimator_ = ensemble.fit(X, y, **fit_params)
        self.search_ = search
        return self

    def _network(self):
        return MLPRegularizedClassifier() if self.estimator is None else self.estimator

    def _halving_search(self, y):
        estimator = clone(self._network())
        prefix, epochs = prefix_of(estimator), network_of(estimator).epochs
        state, cv, space = self.random_state, self.cv, self.space
        seed = state if isinstance(state, Integral) else None
        if seed is not None and estimator.get_params()[f"{prefix}random_state"] is None:
            estimator.set_params(**{f"{prefix}random_state": seed})
        if isinstance(cv, Integral):
            cv = shuffled_folds(estimator, y, cv, 1, seed or 0)
        if space is None:
            kind = "classification" if is_classifier(estimator) else "regression"
            space = regularization_space(kind, self.level, estimator)
        rungs = min(MAX_RUNGS, 1 + math.floor(math.log(self.n_iter, self.factor)))
        return HalvingRandomSearchCV(
            estimator,
            space,
            n_candidates=self.n_iter,
            factor=self.factor,
            resource=f"{prefix}epochs",
            max_resources=epochs,
            min_resources=max(1, epochs // self.factor ** (rungs - 1)),
            cv=cv,
            scoring=self.scoring,
            refit=self.refit,
            random_state=state,
            return_train_score=True,
            verbose=self.verbose,
        )

    cv_results_ = _of_the_search("cv_results_", "One entry a candidate and rung.")
    best_params_ = _of_the_search(
        "best_params_", "Parameters of the best candidate of the last rung."
    )
    best_score_ = _of_the_search(
        "best_score_", "Its mean score over the validation folds."
    )
    best_index_ = _of_the_search("best_index_", "Its place in `cv_results_`.")
    best_estimator_ = _of_the_search(
        "best_estimator_",
        "It, fitted to all rows as an ensemble; not there with ``refit=False``.",
    )
    classes_ = _of_the_search("classes_", "Labels of the classes.")
    n_features_in_ = _of_the_search("n_features_in_", "Number of features.")

    def _found(self, name):
        check_is_fitted(self, "search_")
        return getattr(self.search_, name)

    def score(self, X: Features, y: Targets) -> float:
        """Score the best estimator on these rows, by `scoring`.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        float
        """
        return self._found("score")(X, y)

    def predict(self, X: Features) -> np.ndarray:
        """Predict with the best estimator.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._found("predict")(X)

    @available_if(_network_has("predict_proba"))
    def predict_proba(self, X: Features) -> Floats:
        """Class probabilities of the best estimator.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._found("predict_proba")(X)

    @available_if(_network_has("predict_log_proba"))
    def predict_log_proba(self, X: Features) -> Floats:
        """Logarithms of `predict_proba`, shape (n_samples, n_classes)."""
        return self._found("predict_log_proba")(X)

    @available_if(_network_has("decision_function"))
    def decision_function(self, X: Features) -> Floats:
        """Margins of the best estimator. Only available with ``loss="hinge"``."""
        return self._found("decision_function")(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self._network())
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        return tags
