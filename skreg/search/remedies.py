"""`compare_remedies`: measure remedies against overfitting on the user's data."""

import time
from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target

from ..estimators import MLPRegularizedClassifier, MLPRegularizedRegressor
from ..fitting import network_of, prefix_of, remedies_of
from ..inspection import (
    Trial,
    paired_interval,
    score_name,
    splits_of,
    with_chosen_strength,
)
from ..stacking import stacked_if_not_yet
from ..typing import Features, Groups, RandomState, Splitter, Targets
from .remedy_report import Remedy, RemedyReport
from .usual_remedies import usual_remedies

MOST_TOGETHER = 3
PLAIN = "as it is"
# The best 1 / ONE_IN remedies, at least AT_LEAST, are measured on all draws of folds.
ONE_IN, AT_LEAST = 5, 8


def compare_remedies(
    X: Features,
    y: Targets,
    estimator: Any = None,
    *,
    groups: Groups = None,
    cv: int | Splitter = 5,
    repeats: int = 3,
    scoring: str | Callable | None = None,
    remedies: dict[str, dict] | None = None,
    random_state: RandomState = 0,
) -> RemedyReport:
    """Measure what each remedy against overfitting does on this data.

    The network is trained as it is, with each remedy alone, and with the best two and
    three combined, on the same folds, in stacks. The first draw of the folds measures
    all remedies; the other draws measure only the best fifth, at least eight.

    A gain is the difference in validation score, fold by fold. Its 95% confidence
    interval is Student's, with the variance corrected for the overlap of training folds
    [1]_. If it were exact, one of 46 remedies would have an interval above 0 by chance
    alone. It is wide on purpose: on 37 real tables, 7 of 1,721 intervals were above 0.
    The folds that choose the best remedies also measure them, which makes their gains
    slightly optimistic. To report a score, measure it on rows not used for the choice.

    If the network has ``l2="auto"``, pilots choose the penalty (and the dropout, if
    that is "auto" as well) once, on all rows. Remedies that do not set these parameters
    use the same values.

    Parameters
    ----------
    X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    estimator : estimator or Pipeline, default=None
        The network, or a pipeline that ends in one. None is a classifier or a
        regressor, depending on `y`, with default parameters. Numbers without fractions
        are classes here, as in scikit-learn: for counts, grades and rounded prices give
        ``MLPRegularizedRegressor()``.
    groups : array-like of shape (n_samples,), default=None
        Group of each row, such as a patient. A splitter gets them; otherwise all rows
        of a group are in the same fold. Pilots and early stopping keep groups together,
        too.
    cv : int or splitter, default=5
        Number of folds, at least 2, shuffled (and stratified for classes); or a
        splitter.
    repeats : int, default=3
        Number of draws of the folds, at least 1; only the first measures all remedies.
        Not used with a splitter: all its splits measure all remedies.
    scoring : str or callable, default=None
        Score, as in ``GridSearchCV``; larger is better. None is accuracy or R2.
    remedies : dict of str to dict, default=None
        Name of each remedy, and the parameters of the network that it sets. None is
        some 46 usual remedies.
    random_state : int, RandomState instance or None, default=0
        Seed of the folds, and of the network if its own `random_state` is None.

    Returns
    -------
    RemedyReport
        ``print`` it, ``plot`` it, or convert it with ``to_frame()``.

    Raises
    ------
    ValueError
        If the network without remedies cannot be fitted, or a parameter is invalid.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio. "Inference for the generalization error." Machine
       Learning 52, 2003.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skreg import MLPRegularizedClassifier, compare_remedies
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPRegularizedClassifier((16,), epochs=10)
    >>> some = {"dropout": {"dropout": 0.5}, "l2": {"l2": 0.01}}
    >>> report = compare_remedies(X, y, network, cv=3, repeats=1, remedies=some)
    >>> sorted(remedy.name for remedy in report.remedies)[:2]
    ['as it is', 'dropout']
    """
    start = time.perf_counter()
    estimator = _with_seed(estimator, y, random_state)
    prefix = prefix_of(estimator)
    if not _are_remedies(remedies):
        raise ValueError(
            "The 'remedies' parameter must be a dict of names and of dicts of "
            'parameters, such as {"less l2": {"l2": 1e-4}}, or None. Got '
            f"{remedies!r} instead."
        )
    if PLAIN in (remedies or ()):
        raise ValueError(
            f"The 'remedies' parameter must not have a remedy called {PLAIN!r}, which "
            "is the network without remedies. Give it another name."
        )
    if repeats < 1:
        raise ValueError(
            f"The 'repeats' parameter must be at least 1. Got {repeats!r} instead."
        )
    splits = splits_of(estimator, X, y, cv, repeats, random_state, groups)
    estimator = with_chosen_strength(estimator, X, y, groups)
    if remedies is None:
        remedies = usual_remedies(network_of(estimator))
    candidates = {
        PLAIN: {},
        **{
            name: {prefix + k: v for k, v in parameters.items()}
            for name, parameters in remedies.items()
        },
    }
    n_first = cv if isinstance(cv, Integral) else len(splits)
    trial = Trial(estimator, X, y, splits, scoring, groups)
    with stacked_if_not_yet():
        found, failures = _measured(trial, candidates, n_first)
    return RemedyReport(
        remedies=tuple(sorted(found, key=lambda r: (-r.n_splits, -r.gain))),
        scoring=score_name(estimator, scoring),
        n_splits=len(splits),
        seconds=time.perf_counter() - start,
        failures=failures,
    )


def _are_remedies(remedies):
    return remedies is None or (
        isinstance(remedies, dict)
        and all(isinstance(parameters, dict) for parameters in remedies.values())
    )


def _with_seed(estimator, y, random_state):
    """Return a copy of the estimator, or the default one for `y`, with a seed."""
    if estimator is None:
        is_classes = not type_of_target(y).startswith("continuous")
        kind = MLPRegularizedClassifier if is_classes else MLPRegularizedRegressor
        estimator = kind()
    name = f"{prefix_of(estimator)}random_state"
    estimator = clone(estimator)
    if estimator.get_params()[name] is None:
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        estimator.set_params(**{name: seed})
    return estimator


def _measured(trial, candidates, n_first):
    """Measure all candidates and mixtures: a list of `Remedy`, and failures by name.

    The first `n_first` splits measure all candidates, the others only the best.
    """
    first, others = trial.splits[:n_first], trial.splits[n_first:]
    scores, failures = _scores(trial, candidates, first)
    if others:
        best = {name: candidates[name] for name in _best(scores)}
        more, late_failures = _scores(trial, best, others)
        failures |= late_failures
        scores |= {name: scores[name] + own for name, own in more.items()}
    mixtures = _mixtures(candidates, scores)
    of_mixtures, of_these = _scores(trial, mixtures, trial.splits)
    scores, failures = scores | of_mixtures, failures | of_these
    parameters, plain = candidates | mixtures, scores[PLAIN]
    found = [
        _remedy(name, parameters[name], own, plain, trial.splits)
        for name, own in scores.items()
        if name not in failures
    ]
    return found, {name: str(error) for name, error in failures.items()}


def _scores(trial, candidates, splits):
    """Return the scores of each candidate, one per split, and the errors, by name.

    Candidates that add a part to the training step are trained last: their program
    would slow the others down.
    """
    scores, failures = {}, {}
    for adds in (False, True):
        now = {
            name: parameters
            for name, parameters in candidates.items()
            if _adds_a_part(trial.estimator, parameters) == adds
        }
        for name, own in zip(now, trial.scores(now.values(), splits), strict=True):
            if isinstance(own, Exception):
                failures[name] = own
            else:
                scores[name] = own
    if PLAIN in failures:
        raise failures[PLAIN]
    return scores, failures


def _adds_a_part(estimator, parameters):
    changed = network_of(clone(estimator).set_params(**parameters))
    return not remedies_of(changed) <= remedies_of(network_of(estimator))


def _best(scores):
    """Names of the network as it is and of the best candidates so far."""
    names = [name for name in _by_gain(scores) if name != PLAIN]
    return [PLAIN, *names[: max(len(names) // ONE_IN, AT_LEAST)]]


def _by_gain(scores):
    """Names in order of mean gain, the largest first."""
    return sorted(scores, key=lambda n: -np.mean(_gains(scores[n], scores[PLAIN])))


def _gains(scores, plain):
    """Gain in validation score over the network as it is, one per split.

    `scores` may cover only the first splits.
    """
    pairs = zip(scores, plain[: len(scores)], strict=True)
    return [own.validation - its.validation for own, its in pairs]


def _mixtures(candidates, scores):
    """Combine the two and the three best remedies, by name.

    They are measured on all splits, have a mean gain above 0,
    and set different parameters.
    """
    mixtures, taken, parameters = {}, [], {}
    n_splits = len(scores[PLAIN])
    went_on = {name: own for name, own in scores.items() if len(own) == n_splits}
    for name in _by_gain(went_on):
        if name == PLAIN or len(taken) == MOST_TOGETHER:
            break
        if parameters.keys().isdisjoint(candidates[name]):
            taken.append(name)
            parameters = parameters | candidates[name]
            if len(taken) > 1:
                mixtures[" + ".join(taken)] = parameters
    return mixtures


def _remedy(name, parameters, scores, plain, splits):
    gains = _gains(scores, plain)
    low, high = paired_interval(gains, splits[: len(gains)])
    train, validation = _mean("train", scores), _mean("validation", scores)
    return Remedy(
        name=name,
        parameters=parameters,
        train_score=train,
        validation_score=validation,
        gap=train - validation,
        gain=float(np.mean(gains)),
        gain_low=low,
        gain_high=high,
        n_splits=len(gains),
        relative_cost=_mean("cost", scores) / _mean("cost", plain[: len(gains)]),
    )


def _mean(name, scores):
    return float(np.mean([getattr(score, name) for score in scores]))
