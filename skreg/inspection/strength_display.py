"""Display of the losses by which pilots chose the strength of regularization."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..fitting import network_of
from ..typing import Axes
from .figures import TRAINING, UNCLEAR, VALIDATION, AxesDisplay, axes_or_new

_COLORS = VALIDATION, TRAINING, UNCLEAR


class StrengthDisplay(AxesDisplay):
    """Plot of the pilots' loss on held-out rows over the l2 penalty.

    Parameters
    ----------
    l2 : array-like of shape (n_strengths,)
        Penalties, each above 0.
    val_loss : array-like of shape (n_strengths, n_folds)
        Loss on the held-out rows of each fold, without penalties on weights.
    chosen : float
        Penalty to mark.
    dropout : array-like of shape (n_strengths,), default=None
        Dropout of each strength; None if pilots did not choose the dropout.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skreg import MLPRegularizedClassifier, StrengthDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPRegularizedClassifier((16,), epochs=10).fit(X, y)
    >>> StrengthDisplay.from_estimator(network).ax_.get_xlabel()
    'l2'
    """

    def __init__(
        self,
        l2: ArrayLike,
        val_loss: ArrayLike,
        chosen: float,
        dropout: ArrayLike | None = None,
    ) -> None:
        self.l2 = np.asarray(l2)
        self.val_loss = np.asarray(val_loss)
        self.chosen = chosen
        self.dropout = None if dropout is None else np.asarray(dropout)

    @classmethod
    def from_estimator(cls, estimator: Any, ax: Axes | None = None) -> Self:
        """Draw the pilots of a fitted estimator, or of a pipeline that ends in one.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline
            The network, or a pipeline that ends in one, fitted with ``l2="auto"`` on at
            least 40 rows.
        ax : matplotlib Axes, default=None
            None creates a new figure.

        Returns
        -------
        StrengthDisplay

        Raises
        ------
        ValueError
            If the estimator was fitted without pilots.
        """
        network = network_of(estimator)
        check_is_fitted(network)
        path = getattr(network, "strength_path_", None)
        if path is None:
            raise ValueError(
                "The estimator has no strength_path_, because it was fitted without "
                f"pilots. Got l2={network.l2!r}. Fit with l2='auto' on 40 rows or more."
            )
        return cls(**path, chosen=network.l2_).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw each fold's losses and their mean, and mark the chosen penalty.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None creates a new figure.

        Returns
        -------
        StrengthDisplay
        """
        ax = axes_or_new(ax, figsize=(5.5, 3.6))
        rates = np.zeros(len(self.l2)) if self.dropout is None else self.dropout
        for rate, color in zip(np.unique(rates)[::-1], _COLORS, strict=False):
            group = rates == rate
            l2, losses = self.l2[group], self.val_loss[group]
            label = "mean of the folds" if group.all() else f"dropout {rate:g}"
            ax.plot(l2, losses, "-", color=color, alpha=0.3, linewidth=0.8)
            ax.plot(l2, losses.mean(axis=1), "o-", color=color, label=label)
        label = f"chosen: {self.chosen:.2g}"
        ax.axvline(self.chosen, color=UNCLEAR, linestyle=":", label=label)
        ax.set(xlabel="l2", ylabel="loss on held-out rows", xscale="log")
        # The axis's own labels overlap where a decade is wide.
        strengths = np.unique(self.l2)
        ax.set_xticks(strengths, [f"{l2:.2g}" for l2 in strengths])
        ax.set_xticks([], minor=True)
        return self._finish(ax)
