"""Figures: data in, `plot(ax=None)`; matplotlib is imported when something is drawn."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..fitting import network_of
from ..typing import Axes

TRAINING, VALIDATION = "#4c72b0", "#dd8452"
HELPS, HARMS, UNCLEAR = "#3a923a", "#c03d3e", "#8c8c8c"


def axes_or_new(ax, **size):
    """The axes, or those of a new figure of this size."""
    if ax is None:
        import matplotlib.pyplot as plt  # noqa: PLC0415 (an extra, and slow)

        _, ax = plt.subplots(layout="constrained", **size)
    return ax


class LossCurveDisplay:
    """Training and validation loss by epoch, with the best epoch.

    Both hold the penalties on weights, as Keras's do. The training loss is the mean
    over the epoch's steps, with dropout and noise at work: it can lie above the
    validation loss.

    Parameters
    ----------
    history : dict of str to list of float
        As an estimator's `history_`.
    best_epoch : int, default=None
        Marked, with its value, where the history holds validation losses.

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
        ax : matplotlib Axes, default=None
            None makes a figure.

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
            None makes a figure.

        Returns
        -------
        LossCurveDisplay
        """
        ax = axes_or_new(ax, figsize=(5.5, 3.6))
        loss = self.history["loss"]
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
        ax.grid(alpha=0.3)
        ax.legend(frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class RemedyDisplay:
    """The gain of each remedy, with its confidence interval.

    Parameters
    ----------
    report : RemedyReport
        What `compare_remedies` gives.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from skreg import MLPRegularizedClassifier, RemedyDisplay, compare_remedies
    >>> from skreg.datasets import load_sonar
    >>> network = MLPRegularizedClassifier((16,), epochs=10)
    >>> some = {"dropout 0.5": {"dropout": 0.5}, "no l2": {"l2": 0.0}}
    >>> report = compare_remedies(*load_sonar(), network, repeats=1, remedies=some)
    >>> len(RemedyDisplay(report).plot().ax_.get_yticks())
    2
    """

    def __init__(self, report: Any) -> None:
        self.report = report

    def plot(self, ax: Axes | None = None, most: int = 20) -> Self:
        """Draw the gains: green where the interval is above 0, red where below.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        most : int, default=20
            Remedies that are drawn: the best of them, and the network as it is.

        Returns
        -------
        RemedyDisplay
        """
        shown = [r for r in self.report.remedies if r.parameters][:most][::-1]
        ax = axes_or_new(ax, figsize=(7.0, 1.2 + 0.36 * len(shown)))
        for row, remedy in enumerate(shown):
            color = HELPS if remedy.helps else HARMS if remedy.harms else UNCLEAR
            ends = [remedy.gain_low, remedy.gain_high]
            ax.plot(ends, [row, row], color=color, linewidth=2, solid_capstyle="round")
            ax.plot(remedy.gain, row, "o", color=color, markersize=5)
        ax.axvline(0, color="black", linewidth=1)
        # A mixture's name would leave the axes no room on one line.
        names = [r.name.replace(" + ", "\n+ ") for r in shown]
        ax.set_yticks(range(len(shown)), names, fontsize=8)
        ax.set_ylim(-0.7, len(shown) - 0.3)
        baseline = self.report.baseline
        ax.set_xlabel(
            f"gain in {self.report.scoring}, with 95% intervals\n"
            f"(the network as it is: {baseline.validation_score:.3f})"
        )
        ax.grid(axis="x", alpha=0.3)
        self.ax_, self.figure_ = ax, ax.figure
        return self
