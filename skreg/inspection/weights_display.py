"""Display of a network's weights and dead units."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..fitting import network_of
from ..typing import Features
from .figures import TRAINING


class WeightsDisplay:
    """Histograms of each layer's kernel, with the share of dead units.

    A unit is dead if its activation is the same on all rows, up to rounding. It then
    only adds a constant, and with ReLU it no longer learns.

    Parameters
    ----------
    kernels : list of ndarray
        One per layer, of shape (inputs, units).
    dead : sequence of float, default=()
        Share of dead units in each hidden layer; empty to show none.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, shape (n_layers,)
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from skreg import MLPRegularizedClassifier, WeightsDisplay
    >>> from skreg.datasets import load_sonar
    >>> X, y = load_sonar()
    >>> network = MLPRegularizedClassifier((16, 8), epochs=10).fit(X, y)
    >>> len(WeightsDisplay.from_estimator(network, X).axes_)
    3
    """

    def __init__(self, kernels: list[np.ndarray], dead: Sequence[float] = ()) -> None:
        self.kernels = kernels
        self.dead = list(dead)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Features | None = None) -> Self:
        """Draw the layers of a fitted estimator, or of an ensemble's first member.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline
            The network, or a pipeline that ends in one.
        X : {array-like, dataframe} of shape (n_samples, n_features), default=None
            Rows on which to look for dead units; None does not look for them.

        Returns
        -------
        WeightsDisplay
        """
        network = network_of(estimator)
        check_is_fitted(network)
        while estimator is not network:
            if X is not None and len(estimator) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        weights = network.members_[0]._state["weights"]
        kernels = [w for name, w in weights.items() if name.startswith("kernel")]
        dead = () if X is None else dead_units(network, X)
        return cls(kernels, dead).plot()

    def plot(self) -> Self:
        """Draw the histograms.

        Returns
        -------
        WeightsDisplay
        """
        import matplotlib.pyplot as plt  # noqa: PLC0415 (an extra, and slow)

        n = len(self.kernels)
        self.figure_, axes = plt.subplots(
            1, n, figsize=(2.8 * n, 2.8), layout="constrained", squeeze=False
        )
        self.axes_ = axes[0]
        for layer, (ax, kernel) in enumerate(
            zip(self.axes_, self.kernels, strict=True)
        ):
            ax.hist(kernel.ravel(), bins=40, color=TRAINING)
            name = "output" if layer == n - 1 else f"hidden {layer + 1}"
            ax.set_title(f"{name}, {kernel.shape[0]} x {kernel.shape[1]}", fontsize=10)
            note = f"near 0: {np.mean(np.abs(kernel) < 1e-3):.0%}"
            if layer < len(self.dead):
                note += f"\ndead units: {self.dead[layer]:.0%}"
            ax.set_xlabel(f"weight\n{note}", fontsize=9)
            ax.set_yticks([])
        return self


def dead_units(estimator, X):
    """The share of dead units in each hidden layer.

    Parameters
    ----------
    estimator : fitted MLPRegularizedClassifier or MLPRegularizedRegressor
    X : {array-like, dataframe} of shape (n_samples, n_features)

    Returns
    -------
    list of float
    """
    return [
        float(np.mean(np.ptp(activity, axis=0) <= 1e-7))
        for activity in estimator.members_[0]._activities(X)
    ]
