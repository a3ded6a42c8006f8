"""Scores of scikit-learn's scorers on the validation rows during training."""

import copy
import hashlib
import inspect

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import get_scorer, make_scorer

from ..fitting import targets_as_text

# Scorers that can do without rows of a class, if they are told all labels.
TAKE_LABELS = (
    "neg_log_loss",
    "neg_brier_score",
    "d2_log_loss_score",
    "d2_brier_score",
    "top_k_accuracy",
)


class ScoreMonitor:
    """Score a lane on the validation rows with a scikit-learn scorer: ``Job.score``.

    The scorer gets the weights of the rows, unless they are all the same.

    Raises
    ------
    ValueError
        If the rows have weights that the scorer does not take, and later, if it gives
        no number on these rows.
    """

    def __init__(self, estimator, validation):
        self._estimator = copy.copy(estimator)
        # The rows are arrays here, even if the user's data had column names.
        vars(self._estimator).pop("feature_names_in_", None)
        if getattr(estimator, "_multilabel", False):  # two would be two classes
            self._estimator.classes_ = [np.arange(2)] * len(estimator.classes_)
        self._validation = validation
        self._scorer = _scorer(estimator)
        self._weights = {}
        if np.ptp(validation.weight) > 0:
            _check_takes_weights(self._scorer, estimator.monitor)
            self._weights = {"sample_weight": validation.weight}
        # For the fingerprint: whose scores these are.
        self.targets = targets_as_text(estimator._coder())
        if self._weights:
            self.targets += hashlib.blake2b(validation.weight.tobytes()).hexdigest()

    def __call__(self, state):
        """The validation score of a lane's state."""
        estimator = copy.copy(self._estimator)  # several lanes may share a monitor
        estimator._state = {**estimator._state, **vars(state)}
        rows, why = self._validation, ""
        try:
            score = self._scorer(estimator, rows.X, rows.y, **self._weights)
        except (AttributeError, ValueError) as error:  # as for lack of predict_proba
            score, why = np.nan, f" The scorer says: {error}"
        if np.isnan(score) and state.is_finite():
            raise ValueError(
                f"The 'monitor' parameter names a scorer that gives no number on the "
                f"{len(rows)} validation rows{self._missing()}. Got "
                f"monitor={self._estimator.monitor!r}.{why} Take another scorer, a "
                "larger validation_fraction, or X_val and y_val."
            )
        return score

    def _missing(self):
        """The classes without a validation row, for the error."""
        if not is_classifier(self._estimator) or self._validation.y.ndim > 1:
            return ""
        missing = np.setdiff1d(self._estimator.classes_, self._validation.y).tolist()
        return f", which lack the classes {missing}" if missing else ""


def _scorer(estimator):
    """The scorer that the estimator monitors."""
    scorer = get_scorer(estimator.monitor)
    told = _told_of_classes(scorer, estimator)
    if estimator.monitor not in TAKE_LABELS or not told:
        return scorer
    return make_scorer(
        scorer._score_func,
        greater_is_better=scorer._sign > 0,
        response_method=scorer._response_method,
        **told,
    )


def _told_of_classes(scorer, estimator):
    """What a scorer takes of the classes, as keywords; old versions take less."""
    if not is_classifier(estimator):
        return {}
    known = {"labels": estimator.classes_, "pos_label": estimator.classes_[-1]}
    if len(estimator.classes_) > 2:
        del known["pos_label"]
    return {name: known[name] for name in known.keys() & _parameters(scorer)}


def _parameters(scorer):
    return inspect.signature(scorer._score_func).parameters.keys()


def _check_takes_weights(scorer, name):
    if "sample_weight" not in _parameters(scorer):
        raise ValueError(
            "The 'monitor' parameter must name a scorer that takes sample_weight, "
            f"because the validation rows have weights. Got {name!r}: take another "
            "scorer, or pass X_val and y_val without sample_weight_val."
        )
