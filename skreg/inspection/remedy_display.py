"""Display of the gain of each remedy."""

from typing import Any, Self

import numpy as np

from ..typing import Axes
from .figures import HARMS, HELPS, UNCLEAR, AxesDisplay, axes_or_new


class RemedyDisplay(AxesDisplay):
    """Plot of the gain of each remedy, with its confidence interval.

    Parameters
    ----------
    report : RemedyReport
        Result of `compare_remedies`.

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
        """Draw the gains: green if the interval is above 0, red if it is below.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None creates a new figure.
        most : int, default=20
            Maximum number of remedies to draw, the first ones of the report.

        Returns
        -------
        RemedyDisplay
        """
        shown = [r for r in self.report.remedies if r.parameters][:most][::-1]
        ax = axes_or_new(ax, figsize=(7.0, 1.2 + 0.36 * len(shown)))
        for row, remedy in enumerate(shown):
            color = HELPS if remedy.helps else HARMS if remedy.harms else UNCLEAR
            line = {"color": color, "linewidth": 2, "solid_capstyle": "round"}
            if np.isfinite(remedy.gain_low):
                ax.plot([remedy.gain_low, remedy.gain_high], [row, row], **line)
            else:  # one split, which leaves every gain possible
                ax.axhline(row, **line)
            ax.plot(remedy.gain, row, "o", color=color, markersize=5)
        ax.axvline(0, color="black", linewidth=1)
        # On one line, the name of a mixture would leave no room for the axes.
        names = [r.name.replace(" + ", "\n+ ") for r in shown]
        ax.set_yticks(range(len(shown)), names, fontsize=8)
        ax.set_ylim(-0.7, len(shown) - 0.3)
        baseline = self.report.baseline
        ax.set_xlabel(
            f"gain in {self.report.scoring}, with 95% intervals\n"
            f"(the network as it is: {baseline.validation_score:.3f})"
        )
        return self._finish(ax, grid="x")
