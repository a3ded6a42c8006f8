"""Display of scores, features left and their norms over the strengths of feature_l1."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline

from ..fitting import REGRESSOR_RULES, is_auto, network_of, prefix_of
from ..typing import Features, Floats, Frame, Groups, Splitter, Targets
from .figures import TRAINING, UNCLEAR, VALIDATION
from .folds import score_name, splits_of, standard_errors
from .trials import Score, Trial, listed, with_chosen_strength

USUAL_STRENGTHS = np.geomspace(0.001, 0.5, 20)


class FeaturePathDisplay:
    """Plot of a network's scores, features left and their norms over `feature_l1`.

    Two strengths are marked: the best, and the strongest whose score is within one
    standard error of the best score (Breiman et al., "Classification and regression
    trees", 1984). The latter keeps fewer features.

    Parameters
    ----------
    strengths : array-like of shape (n_strengths,)
        Values of `feature_l1`, in ascending order.
    train_scores, validation_scores : array-like of shape (n_strengths, n_splits)
        Scores on the training rows and on the validation rows of each split.
    norms : array-like of shape (n_strengths, n_splits, n_features)
        Norm of each scaled feature's weights in the first layer; 0 for a feature that
        is left out.
    scoring : str, default="score"
        Name of the score.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, shape (3,)
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from skreg import FeaturePathDisplay, MLPRegularizedRegressor
    >>> X, y = make_regression(200, 10, n_informative=2, noise=10, random_state=0)
    >>> network = MLPRegularizedRegressor((16,), l2=0.001, epochs=50, random_state=0)
    >>> path = FeaturePathDisplay.from_estimator(
    ...     network, X, y, strengths=[0.001, 0.03, 0.3]
    ... )
    >>> float(path.n_features.mean(axis=1)[-1])
    2.0
    >>> path.simplest_strength >= path.best_strength
    True
    """

    def __init__(
        self,
        strengths: ArrayLike,
        train_scores: ArrayLike,
        validation_scores: ArrayLike,
        norms: ArrayLike,
        scoring: str = "score",
    ) -> None:
        self.strengths = np.asarray(strengths, float)
        self.train_scores = np.asarray(train_scores, float)
        self.validation_scores = np.asarray(validation_scores, float)
        self.norms = np.asarray(norms, float)
        self.scoring = scoring

    @property
    def n_features(self) -> np.ndarray:
        """Number of features left, of shape (n_strengths, n_splits)."""
        return (self.norms > 0).sum(axis=2)

    @property
    def best_strength(self) -> float:
        """The strength with the best mean score on held-out rows."""
        return float(self.strengths[self._best])

    @property
    def simplest_strength(self) -> float:
        """The strongest with a mean score within one standard error of the best."""
        means = self.validation_scores.mean(axis=1)
        good = means >= means[self._best] - self._errors()[self._best]
        return float(self.strengths[good].max())

    @property
    def _best(self):
        return int(np.nanargmax(self.validation_scores.mean(axis=1)))

    def _errors(self):
        return standard_errors(self.validation_scores)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Features,
        y: Targets,
        *,
        strengths: Sequence[float] | None = None,
        groups: Groups = None,
        cv: int | Splitter = 5,
        scoring: str | Callable | None = None,
    ) -> Self:
        """Train with each strength on each fold, in stacks, and draw the path.

        If the network has ``l2="auto"``, pilots choose the penalty once, on all rows.

        Parameters
        ----------
        estimator : estimator or Pipeline
            The network, or a pipeline that ends in one.
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        strengths : sequence of float, default=None
            Values of `feature_l1`, each at least 0. None is 20 from 0.001 to 0.5, on a
            logarithmic scale.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, such as a patient. A splitter gets them; otherwise all
            rows of a group are in the same fold. Pilots and early stopping keep groups
            together, too.
        cv : int, splitter or iterable, default=5
            Number of folds, at least 2, shuffled (and stratified for classes); or a
            splitter or splits, as in ``GridSearchCV``.
        scoring : str or callable, default=None
            Score, as in ``GridSearchCV``; None is accuracy or R2.

        Returns
        -------
        FeaturePathDisplay

        Raises
        ------
        ValueError
            If the network cannot be fitted or scored with one of the strengths, or if
            the pipeline gives it other features in other splits.
        """
        path = cls._trained(estimator, X, y, strengths, groups, cv, scoring)
        return path.plot()

    @classmethod
    def _trained(cls, estimator, X, y, strengths, groups, cv, scoring):
        strengths = _checked_strengths(strengths)
        name = prefix_of(estimator) + "feature_l1"
        splits = splits_of(estimator, X, y, cv, groups=groups)
        estimator = with_chosen_strength(estimator, X, y, groups, {"feature_l1"})
        trial = _FeatureTrial(estimator, X, y, splits, scoring, groups)
        found = trial.scores_along(name, strengths)
        _check_features({point.features for points in found for point in points})
        return cls(
            strengths,
            [[point.train for point in points] for points in found],
            [[point.validation for point in points] for points in found],
            [[point.norms for point in points] for points in found],
            score_name(estimator, scoring),
        )

    def to_frame(self) -> Frame:
        """Return a ``pandas.DataFrame`` with one row per strength (requires pandas).

        The columns are means over the splits, the standard error of the validation
        score, and `choice`: "best", "one standard error" or an empty string. A strength
        that is both has "best".
        """
        import pandas as pd  # noqa: PLC0415 (an extra)

        choice = np.full(len(self.strengths), "", dtype=object)
        choice[self.strengths == self.simplest_strength] = "one standard error"
        choice[self._best] = "best"
        values = {
            "feature_l1": self.strengths,
            "train_score": self.train_scores.mean(axis=1),
            "validation_score": self.validation_scores.mean(axis=1),
            "standard_error": self._errors(),
            "n_features": self.n_features.mean(axis=1),
            "choice": choice,
        }
        return pd.DataFrame(values).set_index("feature_l1")

    def plot(self) -> Self:
        """Draw mean scores, the number of features left, and each feature's norm.

        The bands are one standard error over the splits. Dashed lines mark
        `best_strength` and `simplest_strength`.

        Returns
        -------
        FeaturePathDisplay
        """
        import matplotlib.pyplot as plt  # noqa: PLC0415 (an extra, and slow)

        self.figure_, self.axes_ = plt.subplots(
            3, 1, figsize=(5.5, 6.5), layout="constrained", sharex=True
        )
        scores, counts, norms = self.axes_
        for values, color, label in (
            (self.train_scores, TRAINING, "training"),
            (self.validation_scores, VALIDATION, "validation"),
        ):
            self._draw(scores, values, color, label)
        self._draw(counts, self.n_features, TRAINING, None)
        norms.plot(self.strengths, self.norms.mean(axis=1), linewidth=1)
        for ax, label in zip(
            self.axes_, (self.scoring, "features left", "norm"), strict=True
        ):
            ax.set_ylabel(label)
            ax.grid(alpha=0.3)
            for strength in (self.best_strength, self.simplest_strength):
                ax.axvline(strength, color=UNCLEAR, linestyle="--", linewidth=1)
        scores.legend(frameon=False)
        above = self.strengths[self.strengths > 0]
        if len(above) == len(self.strengths):
            norms.set_xscale("log")
        elif len(above):  # below the least, a logarithmic scale becomes a linear one
            norms.set_xscale("symlog", linthresh=above.min())
        norms.set_xlabel("feature_l1")
        return self

    def _draw(self, ax, values, color, label):
        mean = values.mean(axis=1)
        error = standard_errors(values)
        ax.plot(self.strengths, mean, "o-", color=color, label=label, markersize=3)
        ax.fill_between(
            self.strengths, mean - error, mean + error, color=color, alpha=0.2, lw=0
        )


def _checked_strengths(strengths):
    """The strengths in ascending order; raise ValueError for what is none."""
    if strengths is None:
        return USUAL_STRENGTHS.tolist()
    found = listed("strengths", strengths)
    for strength in found:
        if is_auto(strength) or not REGRESSOR_RULES["feature_l1"].accepts(strength):
            raise ValueError(
                "The 'strengths' parameter must be numbers of at least 0, or None (20 "
                f"from 0.001 to 0.5). Got {strength!r} among them."
            )
    return sorted(map(float, found))


def _check_features(found):
    """Raise ValueError unless all splits have the same features."""
    if len(found) > 1:
        numbers = {len(features) for features in found}
        gave = (
            f"from {min(numbers)} to {max(numbers)} features"
            if len(numbers) > 1
            else f"other {min(numbers)} features in other splits"
        )
        raise ValueError(
            "FeaturePathDisplay needs the same features in all splits, but the steps "
            f"before the network gave it {gave}. Fit these steps to all rows first, or "
            "leave them out."
        )


def _features_of(estimator):
    """Names of a fitted network's features, or their numbers where there are none."""
    numbers, names = range(network_of(estimator).n_features_in_), None
    try:
        while isinstance(estimator, Pipeline):
            if len(estimator) > 1:
                names = estimator[:-1].get_feature_names_out(names)
            estimator = estimator[-1]
    except (AttributeError, TypeError, ValueError):  # a step that gives no names
        names = None
    return tuple(numbers if names is None else names)


@dataclass(frozen=True)
class _Point(Score):
    """A score with the features and their norms, mean over members."""

    features: tuple
    norms: Floats


class _FeatureTrial(Trial):
    """A trial that also looks at the features of each fitted network."""

    def score(self, estimator, training, validation):
        score = super().score(estimator, training, validation)
        norms = network_of(estimator)._feature_norms().mean(axis=0)
        return _Point(**vars(score), features=_features_of(estimator), norms=norms)
