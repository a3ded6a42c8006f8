"""The `Diagnosis` of a fitted network: verdict, evidence and parameters to try next.

In `diagnose_folds` losses are relative: 0 is perfect, 1 is the loss of a constant
prediction. In `diagnose_history` differences are shares of the first loss.
"""

from dataclasses import dataclass, field
from textwrap import wrap

import numpy as np

from ..engine import OPTIMIZERS
from ..fitting import hidden_layers, optimizer_settings
from ..typing import Axes
from .loss_curve_display import LossCurveDisplay

# Thresholds: smaller differences of relative loss are not called a fault.
GAP, RISE, GAIN = 0.1, 0.05, 0.03

DIVERGING, NOT_CONVERGED = "diverging", "not converged"
OVERFITTING, UNDERFITTING = "overfitting", "underfitting"
OVER_REGULARIZED = "over-regularized"
GOOD_FIT, UNCLEAR = "good fit", "unclear"

# Parameters that weaken what the network can learn.
_REMEDIES = (
    *("dropout", "input_dropout", "gaussian_noise", "mixup", "label_smoothing"),
    *("l1", "l2", "bias_l1", "bias_l2", "feature_l1", "activity_l1", "activity_l2"),
    *("weight_decay", "max_norm"),
)

# Evidence of weaker remedies, and the share of their strength that is left. Without
# them a network may overfit; a tenth of far too much is still too much.
WEAKER = {"gain by a tenth of the remedies": 0.1, "gain without remedies": 0.0}

# Evidence that the network has not learnt for long enough, or too slowly.
FASTER = "gain by more epochs", "gain by the default rate"


@dataclass(frozen=True)
class Estimate:
    """A mean over folds with its 95% confidence interval.

    Attributes
    ----------
    mean, low, high : float
        The mean and both ends of the interval.

    Examples
    --------
    >>> from skreg import Estimate
    >>> gain = Estimate(0.05, 0.01, 0.09)
    >>> print(gain)
    0.050 [0.010, 0.090]
    >>> gain.is_above(0.03)
    True
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
    """The result of `diagnose`: verdict, reason, evidence and parameters to try next.

    Attributes
    ----------
    verdict : str
        "overfitting", "underfitting", "over-regularized" if weaker remedies predict
        better, "good fit" (only with data), "diverging", "not converged" if training
        is too short or too slow, or "unclear" if the evidence is within noise.
    reason : str
        One sentence with the numbers that decided the verdict.
    evidence : dict of str to Estimate or float
        Losses and their differences, by name; each an `Estimate` if measured on folds.
    try_next : tuple of dict
        Parameters to try next; each dictionary is a separate trial.
    curves : dict of str to list of float
        Training and validation loss per epoch; their mean, if measured on folds.

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
        lines = wrap(f"{self.verdict}: {self.reason}", 88)
        width = max(map(len, self.evidence), default=0)
        for name, value in self.evidence.items():
            shown = value if isinstance(value, Estimate) else f"{value:.3f}"
            lines.append(f"  {name:{width}}  {shown}")
        for number, parameters in enumerate(self.try_next):
            lines.append(f"  {'or' if number else 'try'} {parameters}")
        return "\n".join(lines)

    def plot(self, ax: Axes | None = None) -> LossCurveDisplay:
        """Draw the loss curves, with the verdict as title.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None creates a new figure.

        Returns
        -------
        LossCurveDisplay
        """
        display = LossCurveDisplay(self.curves).plot(ax)
        display.ax_.set_title(self.verdict)
        return display


def diagnosis(estimator, verdict, reason, evidence=None, curves=None):
    """Return a `Diagnosis`, with the parameters to try next on this network."""
    return Diagnosis(
        verdict,
        reason,
        evidence or {},
        tuple(_to_try(estimator, verdict, evidence or {})),
        curves or {},
    )


def _to_try(estimator, verdict, evidence):
    """Return a list of trials that fit the verdict and change a parameter.

    Trials that the evidence shows to be harmful are left out, and so are those that
    change what pilots chose, unless just that was measured on the folds.
    """
    own, sizes = own_parameters(estimator), hidden_layers(estimator.hidden_layer_sizes)
    longer = {"epochs": 3 * own["epochs"]}
    faster = {"learning_rate": default_rate(estimator)}
    slower = {"learning_rate": smaller_rate(estimator)}
    larger = {"hidden_layer_sizes": larger_layers(sizes)}
    measured = {
        OVER_REGULARIZED: {
            n: weaker_remedies(own, share) for n, share in WEAKER.items()
        },
        NOT_CONVERGED: dict(zip(FASTER, (longer, faster), strict=True)),
        UNCLEAR: {"gain by a smaller rate": slower},
    }
    if steps_are_too_large(evidence):
        gains = "gain by a smaller rate", "gain by more units"
        measured[UNDERFITTING] = dict(zip(gains, (slower, larger), strict=True))
    trials = measured.get(verdict, {})
    if names := clear_gains(evidence, trials):
        return [trials[name] for name in names]
    paths = "strength_path_", "feature_path_"
    of_pilots = {name for path in paths for name in getattr(estimator, path, ())}
    remedies = {"weight_decay": 1.0}, {"l2": 0.01}, {"dropout": 0.3}
    off = weaker_remedies(own, 0.0)
    choices = {
        OVERFITTING: [
            *(remedy for remedy in remedies if _is_stronger(own, remedy)),
            {"early_stopping": True},
            {"hidden_layer_sizes": tuple(-(-s // 2) for s in sizes)},
            {"n_members": 5},
        ],
        UNDERFITTING: [
            larger,
            {"hidden_layer_sizes": larger_layers(sizes[:1]) + larger_layers(sizes)},
            {name: value for name, value in off.items() if name not in of_pilots},
        ],
        NOT_CONVERGED: [longer],
        DIVERGING: [slower, {"clipnorm": 1.0}],
    }.get(verdict, [])
    return [
        choice
        for choice in choices
        if would_change(own, choice)
        and not choice.keys() & of_pilots
        and not _is_harmful(own, choice, evidence)
    ]


def own_parameters(estimator):
    """The parameters of a fitted network, with what pilots chose in place of "auto"."""
    return estimator.get_params(deep=False) | estimator._chosen_parameters()


def weaker_remedies(own, share):
    """Those of the parameters that are remedies in use, with a share of their strength.

    The strength of `max_norm` is its inverse.
    """

    def weaker(name, value):
        if name == "max_norm":
            return float(f"{value / share:.2g}") if share else None
        values = [float(f"{share * v:.2g}") for v in np.ravel(value)]
        return values if np.ndim(value) and share else values[0]

    used = {name: own[name] for name in _REMEDIES if _strength(name, own) > 0}
    return {name: weaker(name, value) for name, value in used.items()}


def _strength(name, parameters):
    value = parameters.get(name)
    if value is None or not np.size(value):
        return 0.0
    return 1 / value if name == "max_norm" else float(np.max(value))


def _is_stronger(own, trial):
    """Whether a trial adds to the remedies of the network."""
    names = trial.keys() & set(_REMEDIES)
    return any(_strength(name, trial) > _strength(name, own) for name in names)


def clear_gains(evidence, names):
    """Those of the names whose evidence is a gain beyond noise, the largest first."""
    clear = [n for n in names if n in evidence and evidence[n].is_above(GAIN)]
    return sorted(clear, key=lambda name: -evidence[name].mean)


def steps_are_too_large(evidence):
    """Whether a smaller rate lowers both losses: that of training alone may overfit."""
    names = {"training gain by a smaller rate": RISE, "gain by a smaller rate": GAIN}
    return all(n in evidence and evidence[n].is_above(v) for n, v in names.items())


def _is_harmful(own, trial, evidence):
    """Whether the evidence, that of folds, speaks against a trial."""
    # By name of the evidence: 1 for the change that was measured, -1 for its opposite.
    signs = {}
    if "epochs" in trial or "early_stopping" in trial:
        signs["gain by more epochs"] = 1 if "epochs" in trial else -1
    if "hidden_layer_sizes" in trial:
        sizes = hidden_layers(own["hidden_layer_sizes"])
        is_larger = sum(trial["hidden_layer_sizes"]) > sum(sizes)
        signs["gain by more units"] = 1 if is_larger else -1
    if "learning_rate" in trial:
        signs["training gain by a smaller rate"] = signs["gain by a smaller rate"] = 1
    if _is_stronger(own, trial):
        signs |= dict.fromkeys(WEAKER, -1)
    elif trial.keys() & set(_REMEDIES):
        signs["gain without remedies"] = 1
    return any(
        evidence[name].mean * sign < -GAIN
        for name, sign in signs.items()
        if name in evidence
    )


def own_rate(estimator):
    """The network's learning rate."""
    return optimizer_settings(estimator).numbers["learning_rate"]


def default_rate(estimator):
    """The default learning rate of the network's optimizer."""
    name = optimizer_settings(estimator).optimizer
    return OPTIMIZERS[name].defaults["learning_rate"]


def would_change(own, parameters):
    """Whether any of these values differs from the estimator's own."""
    return any(not _is_same(own[name], value) for name, value in parameters.items())


def _is_same(one, other):
    if np.ndim(one) or np.ndim(other):  # one value or one per layer, list or tuple
        return np.array_equal(np.atleast_1d(one), np.atleast_1d(other))
    return one == other


def larger_layers(sizes):
    """Return layer sizes with four times the units, at least 16 each."""
    return tuple(max(16, 4 * size) for size in sizes)


def smaller_rate(estimator):
    """A tenth of the learning rate, or the optimizer's default if that is smaller."""
    return min(own_rate(estimator) / 10, default_rate(estimator))


def final_level(curve):
    """The mean of the last twentieth of a loss curve, at least of its last value."""
    return float(np.mean(curve[-max(1, len(curve) // 20) :]))
