"""Shared parts of the displays: colours, axes, grid and legend.

matplotlib is imported when something is drawn.
"""

from typing import Any

from ..typing import Axes

TRAINING, VALIDATION = "#4c72b0", "#dd8452"
HELPS, HARMS, UNCLEAR = "#3a923a", "#c03d3e", "#8c8c8c"


def axes_or_new(ax, **size):
    """Return the given axes, or those of a new figure of this size."""
    if ax is None:
        import matplotlib.pyplot as plt  # noqa: PLC0415 (an extra, and slow)

        _, ax = plt.subplots(layout="constrained", **size)
    return ax


class AxesDisplay:
    """Base class of displays that draw on one matplotlib Axes."""

    ax_: Axes
    figure_: Any

    def _finish(self, ax, grid="both"):
        """Set `ax_` and `figure_`; add a grid and, if there are labels, a legend."""
        ax.grid(axis=grid, alpha=0.3)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self
