"""Cross-validation folds, and confidence intervals of means over them."""

from collections.abc import Iterable
from numbers import Integral

import joblib
import numpy as np
from scipy.stats import t as student
from sklearn.base import is_classifier
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _num_samples

from ..fitting import indices_of
from ..stacking import stacked_if_not_yet

CONFIDENCE = 0.95


def check_folds(cv):
    """Raise ValueError unless `cv` is a number of folds, a splitter, splits or None."""
    if isinstance(cv, Integral):
        is_right = cv >= 2
    else:  # a class of splitters has `split` as well, and so has a string
        is_right = hasattr(cv, "split") or isinstance(cv, Iterable)
        is_right = cv is None or (is_right and not isinstance(cv, (str, type)))
    if not is_right:
        raise ValueError(
            "The 'cv' parameter must be an integer of at least 2, a splitter such as "
            f"KFold(5), or a list of splits. Got {cv!r} instead."
        )


def shuffled_folds(estimator, y, n_splits, seed, groups=None):
    """A splitter into shuffled folds, stratified for a classifier of one label.

    With `groups`, all rows of a group are in the same fold.
    """
    has_classes = type_of_target(y) in ("binary", "multiclass")
    if is_classifier(estimator) and has_classes:
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    else:
        kind = KFold if groups is None else GroupKFold
    return kind(n_splits=n_splits, shuffle=True, random_state=seed)


def splits_of(estimator, X, y, cv, repeats=1, seed=0, groups=None):
    """A list of (training rows, validation rows): of a splitter or shuffled folds.

    `cv` is a splitter, or the number of the folds, which are drawn `repeats` times.
    """
    check_folds(cv)
    check_consistent_length(X, y, groups)
    if isinstance(cv, Integral):
        rng = check_random_state(seed)
        draws = [shuffled_folds(estimator, y, cv, rng, groups) for _ in range(repeats)]
    else:
        draws = [check_cv(cv, y)]
    n_samples = _num_samples(X)
    try:
        found = [split for folds in draws for split in folds.split(X, y, groups)]
        if not found:
            raise ValueError("it gives no split.")
        return [tuple(_indices(rows, n_samples) for rows in split) for split in found]
    except (ValueError, IndexError) as error:
        raise ValueError(
            f"The 'cv' parameter cannot split n_samples={n_samples}: {error}"
        ) from error


def _indices(rows, n_samples):
    """The indices of a split's rows, which may be a mask."""
    if not len(rows):
        raise ValueError("it gives a split without rows for training or validation.")
    return indices_of(rows, n_samples)


def map_over_splits(function, variants, splits):
    """Call a function for each variant and split, with all its fits in stacks.

    Returns one list per variant, with one result per split.
    """
    variants = list(variants)
    with stacked_if_not_yet():
        found = joblib.Parallel()(
            joblib.delayed(function)(variant, split)
            for variant in variants
            for split in splits
        )
    n = len(splits)
    return [found[start * n : (start + 1) * n] for start in range(len(variants))]


def score_name(estimator, scoring):
    """Return the name of the score for texts and figures."""
    if scoring is None:
        return "accuracy" if is_classifier(estimator) else "R2"
    return scoring if isinstance(scoring, str) else "score"


def standard_errors(scores):
    """Standard error of each row's mean, over the splits; 0 for one split."""
    n_splits = scores.shape[1]
    return scores.std(axis=1, ddof=min(1, n_splits - 1)) / np.sqrt(n_splits)


def paired_interval(differences, splits):
    """The confidence interval of a mean over folds whose training rows overlap.

    The variance of a mean of n folds is (1/n + test rows / training rows) times that
    of one fold, not 1/n times (Nadeau & Bengio 2003).
    For one fold the interval is infinite.
    """
    n = len(differences)
    if n < 2:
        return -np.inf, np.inf
    ratio = np.mean([len(test) / len(train) for train, test in splits])
    spread = np.sqrt((1 / n + ratio) * np.var(differences, ddof=1))
    half = student.ppf(0.5 + CONFIDENCE / 2, n - 1) * spread
    mean = np.mean(differences)
    return float(mean - half), float(mean + half)
