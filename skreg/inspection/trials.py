"""Variants of an estimator, trained and scored on the same splits."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.utils import _safe_indexing, indexable

from ..fitting import left_to_pilots, network_of, prefix_of, takes_groups
from ..stacking import stacked_if_not_yet
from .folds import map_over_splits


@dataclass(frozen=True)
class Score:
    """Scores and training cost of a variant on one split.

    Attributes
    ----------
    train, validation : float
        Scores on the training rows and on the validation rows.
    cost : float
        Proportional to the number of multiplications in training.
    """

    train: float
    validation: float
    cost: float


def with_chosen_strength(estimator, X, y, groups=None, varies=(), **fit_parameters):
    """The estimator with what pilots choose on these rows, if it leaves that to them.

    So that the trainings of a comparison need no pilots of their own. It varies some
    parameters itself: `varies`, for which there are no pilots here.
    """
    left = left_to_pilots(network_of(estimator))
    if set(left) <= set(varies):
        return estimator
    prefix = prefix_of(estimator)
    plain = {"n_members": 1, "callbacks": None, "checkpoint": None, "verbose": 0}
    plain |= {name: 0.0 for name in left if name in varies}
    plain = {prefix + name: value for name, value in plain.items()}
    fit_parameters |= for_network(estimator, groups)
    with stacked_if_not_yet():  # in stacks of the comparison's size
        fitted = clone(estimator).set_params(**plain).fit(X, y, **fit_parameters)
    chosen = network_of(fitted)._chosen_parameters()
    return clone(estimator).set_params(**{prefix + k: v for k, v in chosen.items()})


def for_network(estimator, groups):
    """The groups as a keyword of `fit`: its validation rows and pilots' folds use them.

    With metadata routing only if the network needs them, so that it requests them.
    """
    takes = takes_groups(network_of(estimator).validation_fraction)
    if groups is None or (get_config()["enable_metadata_routing"] and not takes):
        return {}
    return {f"{prefix_of(estimator)}groups": groups}


def listed(name, values):
    """The values as a list; raise ValueError if there are none."""
    try:
        found = [] if isinstance(values, str) else list(values)
    except TypeError:  # one number
        found = []
    if not found:
        raise ValueError(
            f"The {name!r} parameter must be a list of at least one value. Got "
            f"{values!r} instead."
        )
    return found


class Trial:
    """Training and scoring of an estimator's variants on the same splits.

    Parameters
    ----------
    estimator : estimator or Pipeline
    X, y : array-like
    splits : list of (train rows, test rows)
    scoring : str, callable or None
    groups : array-like or None
        For networks whose validation rows depend on groups.
    """

    def __init__(self, estimator, X, y, splits, scoring, groups=None):
        self.estimator = estimator
        self.groups = groups
        self.X, self.y = indexable(X, y.toarray() if issparse(y) else y)
        self.splits = splits
        if not (scoring is None or isinstance(scoring, str) or callable(scoring)):
            raise ValueError(
                "The 'scoring' parameter must be one name or callable, or None. Got "
                f"{scoring!r} instead."
            )
        self.scorer = check_scoring(estimator, scoring=scoring)

    def rows(self, indices):
        """Return features and targets of the rows with these indices."""
        return _safe_indexing(self.X, indices), _safe_indexing(self.y, indices)

    def run(self, parameters, split):
        """Train and score a variant on a split: a `Score`, or the error of that."""
        training, validation = map(self.rows, split)
        estimator = clone(self.estimator).set_params(**parameters)
        try:
            estimator.fit(*training, **self._groups_of(estimator, split[0]))
            return self.score(estimator, training, validation)
        # A scorer may need a method that a variant lacks, as `predict_proba`.
        except (ValueError, AttributeError) as error:
            return error

    def score(self, estimator, training, validation):
        """The `Score` of a fitted variant."""
        members = network_of(estimator).members_
        n_rows = len(training[1])
        return Score(
            train=self._number(estimator, *training),
            validation=self._number(estimator, *validation),
            cost=sum(m.n_iter_ * m.n_parameters_ for m in members) * n_rows,
        )

    def _number(self, estimator, X, y):
        """The score of a fitted variant on some rows, which must be a number."""
        score = np.asarray(self.scorer(estimator, X, y))
        if score.size != 1 or score.dtype.kind not in "biuf" or np.isnan(score):
            raise ValueError(
                "The 'scoring' parameter must give one number on each part of each "
                f"split. Got {score.tolist()!r} on {len(y)} rows: choose another score,"
                " or a cv whose parts are larger or have all classes."
            )
        return score.item()

    def _groups_of(self, estimator, indices):
        """The groups of these rows, as a keyword of `fit`."""
        if self.groups is None:
            return {}
        return for_network(estimator, _safe_indexing(self.groups, indices))

    def scores_along(self, name, values):
        """For each value of a parameter a list of scores; raise the error of a fit."""
        found = self.scores([{name: value} for value in values])
        for scores in found:
            if isinstance(scores, Exception):
                raise scores
        return found

    def scores(self, variants, splits=None):
        """For each variant, return a list of a `Score` per split, or the first error.

        `splits` is a part of the trial's splits; None means all.
        """
        splits = self.splits if splits is None else splits
        found = map_over_splits(self.run, variants, splits)
        return [
            next((s for s in own if isinstance(s, Exception)), own) for own in found
        ]
