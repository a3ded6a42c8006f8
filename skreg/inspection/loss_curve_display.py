"""Display of training and validation loss per epoch."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..fitting import network_of
from ..typing import Axes
from .figures import TRAINING, UNCLEAR, VALIDATION, AxesDisplay, axes_or_new


class LossCurveDisplay(AxesDisplay):
    """Plot of training and validation loss per epoch, with the best epoch.

    Both losses include the penalties on weights, as in Keras. The training loss is the
    mean over the epoch's steps, with dropout and noise active, so it may be above the
    validation loss.

    Parameters
    ----------
    history : dict of str to list of float
        Losses in the form of an estimator's `history_`.
    best_epoch : int, default=None
        Epoch to mark, counted from 1; None marks none. Only used if the history has
        validation losses.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from skreg import LossCurveDisplay
    >>> display = LossCurveDisplay({"loss": [1.0, 0.5], "val_loss": [1.0, 0.8]}, 2)
    >>> display.plot().ax_.get_xlabel()
    'epoch'
    """

    def __init__(
        self, history: dict[str, list[float]], best_epoch: int | None = None
    ) -> None:
        self.history = history
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(cls, estimator: Any, ax: Axes | None = None) -> Self:
        """Draw the curves of a fitted estimator, or of a pipeline that ends in one.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline
            The network, or a pipeline that ends in one.
        ax : matplotlib Axes, default=None
            None creates a new figure.

        Returns
        -------
        LossCurveDisplay
        """
        network = network_of(estimator)
        check_is_fitted(network)
        return cls(network.history_, network.best_epoch_).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None creates a new figure.

        Returns
        -------
        LossCurveDisplay
        """
        ax = axes_or_new(ax, figsize=(5.5, 3.6))
        loss = self.history.get("loss", [])  # a diagnosis may have none
        epochs = np.arange(1, len(loss) + 1)
        ax.plot(epochs, loss, color=TRAINING, label="training")
        others = self.history.get("val_loss")
        if others is not None:
            ax.plot(epochs, others, color=VALIDATION, label="validation")
            best = self.best_epoch
            if best:
                ax.axvline(best, color=UNCLEAR, linestyle=":", linewidth=1)
                label = f"best epoch: {best} of {len(loss)}"
                ax.plot(best, others[best - 1], "o", color=VALIDATION, label=label)
        ax.set(xlabel="epoch", ylabel="loss", xlim=(0, len(loss) + 1))
        return self._finish(ax)
