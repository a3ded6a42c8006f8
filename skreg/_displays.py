"""Figures: data in, `plot(ax=None)`; matplotlib is imported when something is drawn."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._folds import score_name, splits_of
from ._networks import network_of, prefix_of
from ._trials import Trial

TRAINING, VALIDATION = "#4c72b0", "#dd8452"
HELPS, HARMS, UNCLEAR = "#3a923a", "#c03d3e", "#8c8c8c"


def _axes(ax, **size):
    if ax is None:
        import matplotlib.pyplot as plt  # noqa: PLC0415 (an extra, and slow)

        _, ax = plt.subplots(layout="constrained", **size)
    return ax


class LossCurveDisplay:
    """Training and validation loss by epoch, with the best epoch.

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

    def __init__(self, history, best_epoch=None):
        self.history = history
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(cls, estimator, ax=None):
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

    def plot(self, ax=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.

        Returns
        -------
        LossCurveDisplay
        """
        ax = _axes(ax, figsize=(5.5, 3.6))
        loss = self.history["loss"]
        epochs = np.arange(1, len(loss) + 1)
        ax.plot(epochs, loss, color=TRAINING, label="training (with penalties)")
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
    """

    def __init__(self, report):
        self.report = report

    def plot(self, ax=None, most=20):
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
        ax = _axes(ax, figsize=(7.0, 1.2 + 0.36 * len(shown)))
        for row, remedy in enumerate(shown):
            color = HELPS if remedy.helps else HARMS if remedy.harms else UNCLEAR
            ends = [remedy.gain_low, remedy.gain_high]
            ax.plot(ends, [row, row], color=color, linewidth=2, solid_capstyle="round")
            ax.plot(remedy.gain, row, "o", color=color, markersize=5)
        ax.axvline(0, color="black", linewidth=1)
        # A mixture's name would leave the axes no room on one line.
        names = [r.name.replace(" + ", "\n+ ") for r in shown]
        ax.set_yticks(range(len(shown)), names, fontsize=8, linespacing=0.9)
        ax.set_ylim(-0.7, len(shown) - 0.3)
        baseline = self.report.baseline
        ax.set_xlabel(
            f"gain in {self.report.scoring}, with 95% intervals\n"
            f"(the network as it is: {baseline.validation_score:.3f})"
        )
        ax.grid(axis="x", alpha=0.3)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class RegularizationPathDisplay:
    """Training and validation score over one parameter.

    Parameters
    ----------
    name : str
        Of the parameter.
    values : sequence
        Its values.
    train_scores, validation_scores : array of shape (n_values, n_splits)
    scoring : str, default="score"
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, name, values, train_scores, validation_scores, scoring="score"):
        self.name = name
        self.values = list(values)
        self.train_scores = np.asarray(train_scores, float)
        self.validation_scores = np.asarray(validation_scores, float)
        self.scoring = scoring

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, param_name, param_range, cv=5, scoring=None, ax=None
    ):
        """Train all points in stacks, and draw them.

        Parameters
        ----------
        estimator : estimator or Pipeline
            The network, or a pipeline that ends in one.
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        param_name : str
            A parameter of the network.
        param_range : sequence
            Its values.
        cv : int, splitter or iterable, default=5
            Folds, shuffled (and stratified for classes); or as in ``GridSearchCV``.
        scoring : str or callable, default=None
            As in ``GridSearchCV``; None is accuracy or R2.
        ax : matplotlib Axes, default=None
            None makes a figure.

        Returns
        -------
        RegularizationPathDisplay
        """
        name = prefix_of(estimator) + param_name
        splits = splits_of(estimator, X, y, cv)
        found = Trial(estimator, X, y, splits, scoring).scores(
            [{name: value} for value in param_range]
        )
        for scores in found:
            if isinstance(scores, Exception):
                raise scores
        display = cls(
            param_name,
            param_range,
            [[score.train for score in scores] for scores in found],
            [[score.validation for score in scores] for scores in found],
            score_name(estimator, scoring),
        )
        return display.plot(ax)

    def plot(self, ax=None):
        """Draw means, with a band of one standard error of the folds.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.

        Returns
        -------
        RegularizationPathDisplay
        """
        ax = _axes(ax, figsize=(5.5, 3.6))
        is_number = all(np.isscalar(v) and not isinstance(v, str) for v in self.values)
        places = self.values if is_number else np.arange(len(self.values))
        for scores, color, label in (
            (self.train_scores, TRAINING, "training"),
            (self.validation_scores, VALIDATION, "validation"),
        ):
            mean = scores.mean(axis=1)
            error = scores.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])
            ax.plot(places, mean, "o-", color=color, label=label, markersize=4)
            ax.fill_between(
                places, mean - error, mean + error, color=color, alpha=0.2, linewidth=0
            )
        if not is_number:
            ax.set_xticks(places, [str(v) for v in self.values])
        elif self._spans_orders(places):
            if min(places) == 0:
                ax.set_xscale("symlog", linthresh=min(v for v in places if v > 0))
            else:
                ax.set_xscale("log")
        ax.set(xlabel=self.name, ylabel=self.scoring)
        ax.grid(alpha=0.3)
        ax.legend(frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @staticmethod
    def _spans_orders(places):
        above = [v for v in places if v > 0]
        return min(places) >= 0 and len(above) > 1 and max(above) >= 50 * min(above)


class WeightsDisplay:
    """Histograms of each layer's kernel, and the share of its units that are dead.

    A unit is dead where its activation is the same, within rounding, on all rows: it
    adds nothing but a constant, and under ReLU it does not learn any more.

    Parameters
    ----------
    kernels : list of ndarray
        One a layer, shape (inputs, units).
    dead : list of float
        Share of dead units of each hidden layer; empty where no rows were given.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, kernels, dead=()):
        self.kernels = kernels
        self.dead = list(dead)

    @classmethod
    def from_estimator(cls, estimator, X=None):
        """Draw the layers of a fitted estimator.

        Parameters
        ----------
        estimator : fitted MLPRegularizedClassifier or MLPRegularizedRegressor
        X : {array-like, dataframe} of shape (n_samples, n_features), default=None
            Rows to look for dead units on; None leaves that out.

        Returns
        -------
        WeightsDisplay
        """
        check_is_fitted(estimator)
        weights = estimator.members_[0]._state["weights"]
        kernels = [w for name, w in weights.items() if name.startswith("kernel")]
        dead = () if X is None else dead_units(estimator, X)
        return cls(kernels, dead).plot()

    def plot(self):
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
    """The share of units of each hidden layer that are the same on all rows.

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
