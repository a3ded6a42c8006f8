"""Each remedy against overfitting, measured on the user's data."""

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
from ..inspection import Trial, paired_interval, score_name, splits_of
from ..stacking import stacked_if_not_yet
from ..typing import Features, RandomState, Splitter, Targets
from .remedy_report import Remedy, RemedyReport
from .usual_remedies import usual_remedies

MOST_TOGETHER = 3
PLAIN = "as it is"
# The best one of so many goes on to the other draws of the folds, but so many at least.
ONE_IN, AT_LEAST = 5, 8


def compare_remedies(
    X: Features,
    y: Targets,
    estimator: Any = None,
    *,
    cv: int | Splitter = 5,
    repeats: int = 3,
    scoring: str | Callable | None = None,
    remedies: dict[str, dict] | None = None,
    random_state: RandomState = 0,
) -> RemedyReport:
    """Measure what each remedy against overfitting does on this data.

    The network is trained as it is, with each remedy alone, and with the best few
    together, on the same folds, all in stacks. The best fifth of the remedies by the
    first draw of the folds, eight at least, is measured on the other draws as well. A
    gain is the difference in validation score, fold by fold. Its interval is
    Student's, with the variance corrected for the overlap of training folds [1]_. With
    some forty remedies one or two intervals leave 0 aside by chance alone; and what
    went on and what was mixed was chosen on the same folds, which flatters it a
    little. To report a score, measure it on rows that had no part in the choice.

    Parameters
    ----------
    X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    estimator : estimator or Pipeline, default=None
        The network, or a pipeline that ends in one. None is a network with default
        parameters, for classes or numbers as `y` holds.
    cv : int or splitter, default=5
        Number of folds (stratified for classes), or a splitter, which is then used
        as it is.
    repeats : int, default=3
        How often the folds are drawn; all but the first draw are for what goes on.
        Only used when `cv` is a number: a splitter has all remedies on all its splits.
    scoring : str or callable, default=None
        As in ``GridSearchCV``; larger is better. None is accuracy or R2.
    remedies : dict of str to dict, default=None
        Parameters to set, by the name of each remedy, in place of the usual ones.
    random_state : int, RandomState instance or None, default=0
        Of the folds, and of the networks where theirs is None.

    Returns
    -------
    RemedyReport
        ``print`` it, ``plot`` it, or take its frame with ``to_frame()``.

    Raises
    ------
    ValueError
        If the network as it is cannot be fitted, or a parameter is not accepted.

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
    if remedies is None:
        remedies = usual_remedies(network_of(estimator))
    elif PLAIN in remedies:
        raise ValueError(
            f"The 'remedies' parameter must not have one called {PLAIN!r}, which is "
            "the network without them: give it another name."
        )
    candidates = {
        PLAIN: {},
        **{
            name: {prefix + k: v for k, v in parameters.items()}
            for name, parameters in remedies.items()
        },
    }
    splits = splits_of(estimator, X, y, cv, repeats, random_state)
    n_first = cv if isinstance(cv, Integral) else len(splits)
    trial = Trial(estimator, X, y, splits, scoring)
    with stacked_if_not_yet():
        found, failures = _measured(trial, candidates, n_first)
    return RemedyReport(
        remedies=tuple(sorted(found, key=lambda r: (-r.n_splits, -r.gain))),
        scoring=score_name(estimator, scoring),
        n_splits=len(splits),
        seconds=time.perf_counter() - start,
        failures=failures,
    )


def _with_seed(estimator, y, random_state):
    """A copy of the network to compare, or the usual one, with a seed."""
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
    """A `Remedy` for each candidate and each mixture of the best, and the failures.

    The first `n_first` splits are for all, the others for the best.
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
    """By name, the scores of each candidate on each split, and the errors of others.

    Those that add a part to the training step come last: its program would slow the
    others down.
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
    """Names of the best by now, and of the network as it is."""
    names = [name for name in _by_gain(scores) if name != PLAIN]
    return [PLAIN, *names[: max(len(names) // ONE_IN, AT_LEAST)]]


def _by_gain(scores):
    """The names, that with the largest gain first."""
    return sorted(scores, key=lambda n: -np.mean(_gains(scores[n], scores[PLAIN])))


def _gains(scores, plain):
    """Split by split, what was gained over the network as it is.

    `scores` may be of fewer splits: of the first ones.
    """
    pairs = zip(scores, plain[: len(scores)], strict=True)
    return [own.validation - its.validation for own, its in pairs]


def _mixtures(candidates, scores):
    """The two and the three best that get along, of what gained and went on."""
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
