"""Display of training and validation scores over one parameter."""

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..fitting import prefix_of
from ..typing import Axes, Features, Groups, Splitter, Targets
from .figures import TRAINING, VALIDATION, AxesDisplay, axes_or_new
from .folds import score_name, splits_of, standard_errors
from .trials import Trial, listed, with_chosen_strength

MOST_TICKS = 9


class RegularizationPathDisplay(AxesDisplay):
    """Plot of training and validation scores over the values of one parameter.

    Parameters
    ----------
    name : str
        Name of the parameter.
    values : sequence
        Values of the parameter.
    train_scores, validation_scores : array-like of shape (n_values, n_splits)
        Scores on the training rows and on the validation rows of each split.
    scoring : str, default="score"
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from skreg import MLPRegularizedClassifier, RegularizationPathDisplay
    >>> from skreg.datasets import load_sonar
    >>> network = MLPRegularizedClassifier((16,), epochs=10, random_state=0)
    >>> display = RegularizationPathDisplay.from_estimator(
    ...     network, *load_sonar(), param_name="dropout", param_range=[0.0, 0.3, 0.6]
    ... )
    >>> display.validation_scores.shape
    (3, 5)
    """

    def __init__(
        self,
        name: str,
        values: Sequence,
        train_scores: ArrayLike,
        validation_scores: ArrayLike,
        scoring: str = "score",
    ) -> None:
        self.name = name
        self.values = list(values)
        self.train_scores = np.asarray(train_scores, float)
        self.validation_scores = np.asarray(validation_scores, float)
        self.scoring = scoring

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Features,
        y: Targets,
        *,
        param_name: str,
        param_range: Sequence,
        groups: Groups = None,
        cv: int | Splitter = 5,
        scoring: str | Callable | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Train with each value on each fold, in stacks, and draw the scores.

        If the network has ``l2="auto"`` and another parameter varies, pilots choose the
        penalty once, on all rows.

        Parameters
        ----------
        estimator : estimator or Pipeline
            The network, or a pipeline that ends in one.
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        param_name : str
            Name of a parameter of the network, without the prefix of a pipeline.
        param_range : sequence
            Values of the parameter.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, such as a patient. A splitter gets them; otherwise all
            rows of a group are in the same fold. Pilots and early stopping keep groups
            together, too.
        cv : int, splitter or iterable, default=5
            Number of folds, at least 2, shuffled (and stratified for classes); or a
            splitter or splits, as in ``GridSearchCV``.
        scoring : str or callable, default=None
            Score, as in ``GridSearchCV``; None is accuracy or R2.
        ax : matplotlib Axes, default=None
            None creates a new figure.

        Returns
        -------
        RegularizationPathDisplay

        Raises
        ------
        ValueError
            If the network cannot be fitted with one of the values, or if there are
            none.
        """
        name = prefix_of(estimator) + param_name
        param_range = listed("param_range", param_range)
        splits = splits_of(estimator, X, y, cv, groups=groups)
        estimator = with_chosen_strength(estimator, X, y, groups, {param_name})
        trial = Trial(estimator, X, y, splits, scoring, groups)
        found = trial.scores_along(name, param_range)
        display = cls(
            param_name,
            param_range,
            [[score.train for score in scores] for scores in found],
            [[score.validation for score in scores] for scores in found],
            score_name(estimator, scoring),
        )
        return display.plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw mean scores, with a band of one standard error over the folds.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None creates a new figure.

        Returns
        -------
        RegularizationPathDisplay
        """
        ax = axes_or_new(ax, figsize=(5.5, 3.6))
        is_number = all(
            isinstance(v, Real) and not isinstance(v, bool) for v in self.values
        )
        is_log = is_number and self._spans_orders()
        # A logarithmic scale has no 0: then the values are evenly spaced.
        is_scale = is_number and not (is_log and min(self.values) == 0)
        places = self.values if is_scale else np.arange(len(self.values))
        order = np.argsort(places, kind="stable")
        line = np.asarray(places)[order]
        for scores, color, label in (
            (self.train_scores, TRAINING, "training"),
            (self.validation_scores, VALIDATION, "validation"),
        ):
            mean = scores.mean(axis=1)[order]
            error = standard_errors(scores)[order]
            ax.plot(line, mean, "o-", color=color, label=label, markersize=4)
            ax.fill_between(
                line, mean - error, mean + error, color=color, alpha=0.2, linewidth=0
            )
        if not is_scale:
            shown = slice(None, None, -(-len(places) // MOST_TICKS))
            ax.set_xticks(places[shown], [_text(v) for v in self.values[shown]])
        elif is_log:
            ax.set_xscale("log")
        ax.set(xlabel=self.name, ylabel=self.scoring)
        return self._finish(ax)

    def _spans_orders(self):
        above = [v for v in self.values if v > 0]
        is_wide = len(above) > 1 and max(above) >= 50 * min(above)
        return min(self.values) >= 0 and is_wide


def _text(value):
    """Format a value as a tick label: layers as "64-64", floats in short form."""
    if isinstance(value, (tuple, list)):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
