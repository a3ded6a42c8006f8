"""What a search found, as an estimator: its results, and the best network's methods."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..estimators import MLPRegularizedClassifier, PickledMixin
from ..typing import Features, Floats, Targets


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


class FoundNetwork(PickledMixin, MetaEstimatorMixin, BaseEstimator):
    """Base class of the search, which keeps scikit-learn's search in `search_`."""

    estimator: Any

    def _network(self):
        return MLPRegularizedClassifier() if self.estimator is None else self.estimator

    cv_results_ = _of_the_search(
        "cv_results_", "Parameters, scores and times of each candidate on each rung."
    )
    best_params_ = _of_the_search(
        "best_params_", "Parameters of the best candidate of the last rung."
    )
    best_score_ = _of_the_search(
        "best_score_", "Mean score of the best candidate over the validation folds."
    )
    best_index_ = _of_the_search(
        "best_index_", "Index of the best candidate in `cv_results_`."
    )
    best_estimator_ = _of_the_search(
        "best_estimator_",
        "The best candidate, fitted to all rows; not available with ``refit=False``.",
    )
    classes_ = _of_the_search("classes_", "Labels of the classes.")
    n_features_in_ = _of_the_search("n_features_in_", "Number of features.")

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the features, if `X` was a data frame with strings as columns."""
        return self._found("best_estimator_").feature_names_in_

    def _found(self, name):
        check_is_fitted(self, "search_")
        if not self.search_.refit and not hasattr(self.search_, name):
            raise AttributeError(
                f"{name} needs the best network, fitted to all rows. Got refit=False: "
                "fit the search with refit=True."
            )
        return getattr(self.search_, name)

    def score(self, X: Features, y: Targets, **params: Any) -> float:
        """Score of the best estimator on these rows, by `scoring`.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        **params : dict
            Parameters of the scorer. Only used with metadata routing.

        Returns
        -------
        float
        """
        return self._found("score")(X, y, **params)

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
