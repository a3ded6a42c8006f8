"""A verdict on a fitted network: over- or underfitting, or neither, with the evidence.

Losses are relative: 0 is perfect, 1 is what predicting the same for every row gives.
"""

from dataclasses import dataclass, field

import numpy as np

from ..engine import OPTIMIZERS
from ..fitting import hidden_layers, optimizer_settings
from ..typing import Axes
from .loss_curve_display import LossCurveDisplay

# Differences of relative loss below which nothing is called a fault.
GAP, RISE, GAIN = 0.1, 0.05, 0.03

DIVERGING, NOT_CONVERGED = "diverging", "not converged"
OVERFITTING, UNDERFITTING = "overfitting", "underfitting"
GOOD_FIT, UNCLEAR = "good fit", "unclear"

# What an underfitting network can do without.
_REGULARIZERS = (
    *("dropout", "input_dropout", "gaussian_noise", "mixup"),
    *("l1", "l2", "activity_l1", "activity_l2", "weight_decay"),
)


@dataclass(frozen=True)
class Estimate:
    """A mean over folds with its 95% interval.

    Attributes
    ----------
    mean, low, high : float
    """

    mean: float
    low: float
    high: float

    def is_above(self, limit: float) -> bool:
        """Whether the mean is above a limit, and the whole interval above 0."""
        return self.mean > limit and self.low > 0

    def __str__(self):
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found.

    Attributes
    ----------
    verdict : str
        "overfitting", "underfitting", "good fit", "diverging", "not converged", or
        "unclear" where the evidence is within noise.
    reason : str
        In a sentence, with the numbers that decided.
    evidence : dict of str to Estimate or float
    try_next : tuple of dict
        Parameters to set, each a trial of its own.
    curves : dict of str to list of float
        Mean training and validation loss by epoch.

    Examples
    --------
    >>> from skreg import MLPRegularizedClassifier
    >>> from skreg.datasets import load_sonar
    >>> X, y = load_sonar()
    >>> network = MLPRegularizedClassifier((8,), epochs=30, random_state=0)
    >>> found = network.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2]).diagnose()
    >>> sorted(found.curves)
    ['loss', 'val_loss']
    """

    verdict: str
    reason: str
    evidence: dict = field(default_factory=dict)
    try_next: tuple = ()
    curves: dict = field(default_factory=dict)

    def __str__(self):
        lines = [f"{self.verdict}: {self.reason}"]
        width = max(map(len, self.evidence), default=0)
        for name, value in self.evidence.items():
            shown = value if isinstance(value, Estimate) else f"{value:.3f}"
            lines.append(f"  {name:{width}}  {shown}")
        if self.try_next:
            lines.append(f"  try: {', '.join(map(str, self.try_next))}")
        return "\n".join(lines)

    def plot(self, ax: Axes | None = None) -> LossCurveDisplay:
        """Draw the curves that were judged, with the verdict.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.

        Returns
        -------
        LossCurveDisplay
        """
        display = LossCurveDisplay(self.curves).plot(ax)
        display.ax_.set_title(self.verdict)
        return display


def diagnosis(estimator, verdict, reason, evidence=None, curves=None):
    """The `Diagnosis`, with what to try next on this network."""
    return Diagnosis(
        verdict,
        reason,
        evidence or {},
        tuple(_to_try(estimator, verdict)),
        curves or {},
    )


def _to_try(estimator, verdict):
    """Parameters to set next."""
    sizes = hidden_layers(estimator.hidden_layer_sizes)
    own = estimator.get_params(deep=False)
    rate = _rate(estimator)
    used = [n for n in _REGULARIZERS if own[n] is not None and np.any(own[n])]
    choices = {
        OVERFITTING: [
            {"weight_decay": 1.0},
            {"l2": 0.01},
            {"dropout": 0.3},
            {"early_stopping": True},
            {"hidden_layer_sizes": tuple(-(-s // 2) for s in sizes)},
            {"n_members": 5},
        ],
        UNDERFITTING: [
            {"hidden_layer_sizes": larger_layers(sizes)},
            {"hidden_layer_sizes": larger_layers(sizes[:1]) + larger_layers(sizes)},
            dict.fromkeys(used, 0.0),
        ],
        NOT_CONVERGED: [{"epochs": 3 * own["epochs"]}, {"learning_rate": 3 * rate}],
        DIVERGING: [{"learning_rate": smaller_rate(estimator)}, {"clipnorm": 1.0}],
    }.get(verdict, [])
    return [c for c in choices if would_change(own, c)]


def _rate(estimator):
    return optimizer_settings(estimator).numbers["learning_rate"]


def would_change(own, parameters):
    """Whether any of these values is another than the estimator's own."""
    return any(not _is_same(own[name], value) for name, value in parameters.items())


def _is_same(one, other):
    if np.ndim(one) or np.ndim(other):  # sizes or rates of layers, in any form
        return np.array_equal(np.atleast_1d(one), np.atleast_1d(other))
    return one == other


def larger_layers(sizes):
    """Four times the units, and 16 at least."""
    return tuple(max(16, 4 * size) for size in sizes)


def smaller_rate(estimator):
    """A tenth, or the optimizer's usual rate where that is smaller still."""
    name = optimizer_settings(estimator).optimizer
    usual = OPTIMIZERS[name].defaults["learning_rate"]
    return min(_rate(estimator) / 10, usual)


def final_level(curve):
    """The mean of the last twentieth."""
    return float(np.mean(curve[-max(1, len(curve) // 20) :]))
