"""A verdict on a fitted network: over- or underfitting, or neither, with the evidence.

Two kinds of evidence. The history of one fit tells what its curves show. With data, the
network is trained again on folds, beside four others: the same for longer, a larger one
for as long, the same with a smaller learning rate, and the same on half of the rows.
What these gain is the evidence, with intervals over the folds; no difference within
noise counts.

Losses are relative: 0 is perfect, 1 is what predicting the same for every row gives.
"""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.metrics import log_loss
from sklearn.utils import _safe_indexing, indexable

from ._configuration import descent
from ._engine.optimizers import OPTIMIZERS
from ._folds import on_all_splits, paired_interval, splits_of
from ._parameters import hidden_layers

# Differences of relative loss below which nothing is called a fault.
GAP, RISE, GAIN = 0.1, 0.05, 0.03
LONGER = (
    4  # times the epochs, long enough to tell a small network from a short training
)
LOW_LOSS = 0.25  # share of the first epoch's loss; a curve alone can say good below

DIVERGING, NOT_CONVERGED = "diverging", "not converged"
OVERFITTING, UNDERFITTING = "overfitting", "underfitting"
GOOD_FIT, UNCLEAR = "good fit", "unclear"


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

    def is_above(self, limit):
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

    def plot(self, ax=None):
        """Draw the curves that were judged, with the verdict.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.

        Returns
        -------
        LossCurveDisplay
        """
        from ._displays import LossCurveDisplay  # noqa: PLC0415 (only to draw)

        display = LossCurveDisplay(self.curves).plot(ax)
        display.ax_.set_title(self.verdict)
        return display


# --- from the history of one fit


def diagnose_history(estimator):
    """The `Diagnosis` that a fitted network's own history allows."""
    history = estimator.history_
    training = np.asarray(history["loss"], float)
    curves = {"loss": training.tolist()}
    evidence = {"training loss": _end(training)}
    if _end(training) > 1.2 * training[0]:
        reason = "the training loss ends above its start"
        return _diagnosis(estimator, DIVERGING, reason, evidence, curves)
    validation = np.asarray(history.get("val_loss", ()), float)
    if len(validation) != len(training) or not np.isfinite(validation).all():
        reason = (
            "there are no validation losses in the history. Fit with "
            "early_stopping=True or X_val and y_val, or give diagnose X and y"
        )
        return _diagnosis(estimator, UNCLEAR, reason, evidence, curves)
    curves["val_loss"] = validation.tolist()
    if estimator.early_stopping and estimator.restore_best_weights:
        kept = estimator.best_epoch_  # its weights are those of this epoch
        training, validation = training[:kept], validation[:kept]
    start = max(validation[0], training[0])
    gap = (_end(validation) - _end(training)) / start
    rise = (_end(validation) - validation.min()) / start
    late = (_middle(validation) - _end(validation)) / start
    noise = 2 * _noise(validation) / start
    evidence = {
        "training loss": _end(training),
        "validation loss": _end(validation),
        "gap, of the first loss": gap,
        "rise since the best epoch, of the first loss": rise,
        "noise of the validation curve, of the first loss": noise,
    }
    left = _end(validation) / start
    verdict, reason = _judge_curves(gap, rise, late, noise, left)
    return _diagnosis(estimator, verdict, reason, evidence, curves)


def _judge_curves(gap, rise, late, noise, left):
    if late > max(GAIN, noise) and rise <= max(GAIN, noise):
        return NOT_CONVERGED, f"the validation loss still falls, lately by {late:.0%}"
    if rise > max(RISE, noise):
        return (
            OVERFITTING,
            f"the validation loss has risen by {rise:.0%} since its best",
        )
    if gap > max(2 * GAP, noise):
        return OVERFITTING, f"the validation loss is {gap:.0%} above the training loss"
    if gap > max(GAP, noise):
        return UNCLEAR, (
            f"the gap of {gap:.0%} may come from these few validation rows: give "
            "diagnose X and y"
        )
    if left < LOW_LOSS:
        return GOOD_FIT, f"both losses are low, {left:.0%} of the first, and agree"
    return UNCLEAR, (
        "the curves agree, which a network does that fits well, and one that is too "
        "small. Give diagnose X and y: it tries a larger one"
    )


def _end(curve):
    """The mean of the last twentieth."""
    return float(np.mean(curve[-max(1, len(curve) // 20) :]))


def _middle(curve):
    """The mean of as many epochs, three quarters of the way."""
    end = max(1, 3 * len(curve) // 4)
    return float(np.mean(curve[max(0, end - max(1, len(curve) // 20)) : end]))


def _noise(curve):
    """Standard deviation of the values about a smooth curve, from second differences.

    Those of the second half: (1, -2, 1) has a sum of squares of 6.
    """
    second = np.diff(curve[len(curve) // 2 :], 2)
    return float(np.sqrt(np.mean(second**2) / 6)) if len(second) else np.inf


# --- from folds


@dataclass(frozen=True)
class _Fold:
    """What one variant came to on one fold, in relative losses."""

    training: float
    validation: float
    training_error: float
    validation_error: float
    history: dict


def diagnose_folds(estimator, X, y, cv, reference_error, random_state):
    """The `Diagnosis` from the network and three variants, trained on folds."""
    X, y = indexable(X, y)
    splits = splits_of(estimator, X, y, cv, seed=random_state)
    epochs = LONGER * estimator.epochs
    variants = [
        ({}, 1.0),
        ({"epochs": epochs}, 1.0),
        (
            {"epochs": 2 * estimator.epochs, "hidden_layer_sizes": _larger(estimator)},
            1.0,
        ),
        ({"learning_rate": _smaller_rate(estimator)}, 1.0),
        ({}, 0.5),
    ]
    plain = clone(estimator).set_params(callbacks=None, warm_start=False, verbose=0)
    own, longer, larger, slower, fewer = on_all_splits(
        partial(_fold, plain, X, y), variants, splits
    )
    n = len(splits)
    failed = [fold for fold in own if isinstance(fold, Exception)]
    if failed:
        if "diverged" not in str(failed[0]):
            raise failed[0]
        reason = f"{len(failed)} of {n} folds did. {failed[0]}"
        return _diagnosis(estimator, DIVERGING, reason)

    def estimate(values):
        return Estimate(float(np.mean(values)), *paired_interval(values, splits))

    def gain(before, after, rows="validation"):
        if any(isinstance(fold, Exception) for fold in [*before, *after]):
            return Estimate(0.0, -np.inf, np.inf)
        pairs = zip(before, after, strict=True)
        return estimate([getattr(b, rows) - getattr(a, rows) for b, a in pairs])

    evidence = {
        "training loss": estimate([f.training for f in own]),
        "validation loss": estimate([f.validation for f in own]),
        "gap": estimate([f.validation - f.training for f in own]),
        "rise since the best epoch": estimate(_rises(estimator, own)),
        "gain by more epochs": gain(own, longer),
        "gain by more units": gain(longer, larger),
        "gain by twice the rows": gain(fewer, own),
        "training gain by a smaller rate": gain(own, slower, "training"),
    }
    verdict, reason = _judge_folds(evidence)
    if reference_error is not None:
        error = estimate([f.training_error for f in own])
        evidence |= {
            "training error": error,
            "avoidable bias": estimate(
                [f.training_error - reference_error for f in own]
            ),
            "variance": estimate([f.validation_error - f.training_error for f in own]),
        }
    return _diagnosis(estimator, verdict, reason, evidence, _mean_curves(own))


def _rate(estimator):
    return descent(estimator).numbers["learning_rate"]


def _smaller_rate(estimator):
    """A tenth, or the optimizer's usual rate where that is smaller still."""
    usual = OPTIMIZERS[descent(estimator).optimizer].defaults["learning_rate"]
    return min(_rate(estimator) / 10, usual)


def _larger(estimator):
    return tuple(max(16, 4 * s) for s in hidden_layers(estimator.hidden_layer_sizes))


def _fold(estimator, X, y, variant, split):
    """A variant's `_Fold`, or the error of its fit."""
    (parameters, share), (train, test) = variant, split
    if share < 1:
        rng = np.random.default_rng(0)
        train = rng.permutation(train)[: max(2, int(share * len(train)))]
    training = _safe_indexing(X, train), _safe_indexing(y, train)
    validation = _safe_indexing(X, test), _safe_indexing(y, test)
    network = clone(estimator).set_params(**parameters)
    try:
        network.fit(*training, X_val=validation[0], y_val=validation[1])
        losses = [
            _relative_loss(network, *p, training[1]) for p in (training, validation)
        ]
    except ValueError as error:
        return error
    errors = [_error(network, *part) for part in (training, validation)]
    return _Fold(*losses, *errors, network.history_)


def _relative_loss(network, X, y, y_train):
    """Cross-entropy or squared error, over that of the best constant prediction."""
    y, y_train = np.asarray(y), np.asarray(y_train)
    if not is_classifier(network):
        error = np.mean((network.predict(X) - y) ** 2)
        return float(error / np.mean((y - y_train.mean(axis=0)) ** 2))
    if y.ndim == 2 or not hasattr(network, "predict_proba"):
        rows, counts = np.unique(y_train, axis=0, return_counts=True)
        misses = y != rows[counts.argmax()]
        share = np.mean(misses.reshape(len(y), -1).any(axis=1))
        return _error(network, X, y) / max(share, 1 / len(y))
    shares = np.mean(y_train[:, None] == network.classes_, axis=0)
    constant = np.tile(shares, (len(y), 1))
    labels = network.classes_
    return float(
        log_loss(y, network.predict_proba(X), labels=labels)
        / log_loss(y, constant, labels=labels)
    )


def _error(network, X, y):
    """Share of rows that are wrong, or the root of the mean squared error."""
    if is_classifier(network):
        return float(1 - network.score(X, y))
    return float(np.sqrt(np.mean((network.predict(X) - np.asarray(y)) ** 2)))


def _rises(estimator, folds):
    """How far each fold's validation loss ends above that of the best common epoch."""
    if estimator.early_stopping and estimator.restore_best_weights:
        return [0.0] * len(folds)
    curves = np.array([fold.history["val_loss"] for fold in folds])
    best = curves.mean(axis=0).argmin()
    return [(_end(c) - c[best]) / max(c[0], c[best]) for c in curves]


def _mean_curves(folds):
    length = min(len(fold.history["loss"]) for fold in folds)
    return {
        name: np.mean([f.history[name][:length] for f in folds], axis=0).tolist()
        for name in ("loss", "val_loss")
    }


def _judge_folds(evidence):
    """The verdict and its reason, by the first rule that holds."""
    gap, rise = evidence["gap"], evidence["rise since the best epoch"]
    epochs, units = evidence["gain by more epochs"], evidence["gain by more units"]
    training, validation = evidence["training loss"], evidence["validation loss"]
    rate = evidence["training gain by a smaller rate"]
    within = {"gap": (gap, GAP), "rise": (rise, RISE)}
    within |= {"more epochs": (epochs, GAIN), "more units": (units, GAIN)}
    doubtful = [name for name, (found, limit) in within.items() if found.mean > limit]
    more_units = f"more units lower the validation loss by {units}"
    rules = [
        (
            training.mean > 1.2,
            DIVERGING,
            "the training rows are predicted worse than by guessing",
        ),
        (
            rate.is_above(RISE) and rate.mean >= epochs.mean,
            DIVERGING,
            f"a smaller learning rate lowers the training loss by {rate}",
        ),
        (
            epochs.is_above(GAIN) and epochs.mean >= units.mean,
            NOT_CONVERGED,
            f"{LONGER} times the epochs lower the validation loss by {epochs}",
        ),
        (units.is_above(GAIN) and gap.mean <= GAP, UNDERFITTING, more_units),
        (
            gap.is_above(GAP),
            OVERFITTING,
            f"the validation loss is above the training loss by {gap}",
        ),
        (
            rise.is_above(RISE),
            OVERFITTING,
            f"the validation loss has risen since its best epoch by {rise}",
        ),
        (units.is_above(GAIN), UNDERFITTING, more_units),
        (
            validation.high >= 1,
            UNCLEAR,
            "validation rows are predicted no better than by guessing, and neither "
            "more epochs nor more units help: the features may tell nothing",
        ),
        (doubtful, UNCLEAR, f"within the folds' noise: {', '.join(doubtful)}"),
    ]
    for holds, verdict, reason in rules:
        if holds:
            return verdict, reason
    return GOOD_FIT, (
        f"the gap is {gap}, and neither more epochs nor more units help by {GAIN}"
    )


# --- what to try


def _diagnosis(estimator, verdict, reason, evidence=None, curves=None):
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
            {"hidden_layer_sizes": tuple(4 * s for s in sizes)},
            {"hidden_layer_sizes": sizes + sizes[-1:]},
            {"dropout": 0.0, "l1": 0.0, "l2": 0.0, "weight_decay": 0.0},
        ],
        NOT_CONVERGED: [{"epochs": 3 * own["epochs"]}, {"learning_rate": 3 * rate}],
        DIVERGING: [{"learning_rate": _smaller_rate(estimator)}, {"clipnorm": 1.0}],
    }.get(verdict, [])
    return [c for c in choices if any(own[name] != v for name, v in c.items())]
