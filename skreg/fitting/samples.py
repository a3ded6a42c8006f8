"""Samples (rows, targets, weights), and the split into training and validation."""

from copy import copy
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    StratifiedGroupKFold,
)
from sklearn.utils import check_consistent_length


@dataclass(frozen=True)
class Sample:
    """Rows with targets and sample weights, as the user gave them.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    weight : ndarray of shape (n_samples,)
    groups : ndarray of shape (n_samples,) or None
    whole : Sample or None
        The sample of which these are the rows that count, for splitters.
    kept : ndarray of shape (n_samples,) or None
        Their indices in it.
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray
    groups: np.ndarray | None = None
    whole: "Sample | None" = None
    kept: np.ndarray | None = None

    def __getitem__(self, rows):
        groups = None if self.groups is None else self.groups[rows]
        return Sample(self.X[rows], self.y[rows], self.weight[rows], groups)

    def __len__(self):
        return len(self.y)

    def that_counts(self, weight):
        """The rows with a weight above 0; this sample, if all or none have one."""
        if weight.all() or not weight.any():
            return self
        kept = np.flatnonzero(weight)
        if self.whole is None:
            return replace(self[kept], whole=self, kept=kept)
        return replace(self[kept], whole=self.whole, kept=self.kept[kept])


def checked_groups(groups, X):
    """The group of each row, as an ndarray of shape (n_samples,).

    Raises
    ------
    ValueError
        If these are not labels of one kind, one for each row.
    """
    check_consistent_length(X, groups)
    groups = np.asarray(groups)
    if groups.size != len(groups):
        raise ValueError(
            "The 'groups' parameter must be a 1d array, with one label for each row. "
            f"Got the shape {groups.shape}."
        )
    groups = groups.ravel()
    try:
        np.sort(groups)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in groups})
        raise ValueError(
            "The 'groups' parameter must be numbers or texts that can be sorted, one "
            f"for each row. Got values of the types {', '.join(kinds)}: give each row "
            "without a group one of its own."
        ) from error
    return groups


def split_off_validation(sample, classes, how, seed):
    """Split a sample into training rows and validation rows, in that order.

    Parameters
    ----------
    classes : ndarray of shape (n_samples,) or None
        By which a share is stratified; None for no stratification. Each class keeps a
        training row; one that is too rare for both has no validation row.
    how : float or splitter
        Share of the validation rows, whole groups if the sample has any; or a splitter
        of scikit-learn's, whose last split is taken: of ``TimeSeriesSplit`` that with
        the most training rows.
    seed : int
        Also of a splitter whose `random_state` is None.

    Raises
    ------
    ValueError
        If there would be no training row or no validation row.
    """
    if isinstance(how, Real) and sample.groups is None:
        if classes is None:
            classes = np.zeros(len(sample))
        n_validation = int(np.ceil(how * len(sample)))
        validation = _stratified(classes, n_validation, np.random.default_rng(seed))
        training = np.setdiff1d(np.arange(len(sample)), validation)
        # Validation rows are taken in their order too.
        validation = np.sort(validation)
    else:
        if isinstance(how, Real):
            splitter = GroupShuffleSplit(1, test_size=how, random_state=seed)
            found = _splits(replace(sample, whole=None), splitter, seed)
        else:
            found = _splits(sample, how, seed)
        training, validation = found[-1]
    if not len(training) or not len(validation):
        raise _without_rows(how, sample)
    return sample[training], sample[validation]


def _without_rows(how, sample):
    return ValueError(
        "The 'validation_fraction' parameter must leave at least one row for "
        f"validation and, of each class, one for training. Got {how} with "
        f"n_samples={len(sample)}. Change it, or pass X_val and y_val to fit."
    )


def folds_of(sample, classes, how, n_folds, seed):
    """Folds of a sample: a list of indices of (training rows, held-out rows).

    The parameters are those of `split_off_validation`. Of a splitter they are its last
    `n_folds` splits.
    """
    if not isinstance(how, Real):
        found = [s for s in _splits(sample, how, seed) if all(map(len, s))]
        if not found:
            raise _without_rows(how, sample)
        return found[-n_folds:]
    if sample.groups is not None:
        return _folds_of_groups(sample, classes, n_folds, seed)
    order = np.random.default_rng(seed).permutation(len(sample))
    if classes is not None:  # all rows of a class are dealt out in turn
        order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(len(sample), int)
    fold[order] = np.arange(len(sample)) % n_folds
    return [
        (np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)
    ]


def _folds_of_groups(sample, classes, n_folds, seed):
    """Folds of whole groups, at most one for each group, none of them empty."""
    n_folds = min(n_folds, len(np.unique(sample.groups)))
    settings = {"n_splits": n_folds, "shuffle": True, "random_state": seed}
    if classes is not None:
        _, codes, counts = np.unique(classes, return_inverse=True, return_counts=True)
        # A class with fewer rows than folds counts as the most common one.
        strata = np.where(counts < n_folds, counts.argmax(), np.arange(len(counts)))
        splitter = StratifiedGroupKFold(**settings)
        folds = list(splitter.split(sample.X, strata[codes], sample.groups))
        if all(len(training) and len(held_out) for training, held_out in folds):
            return folds
    return list(GroupKFold(**settings).split(sample.X, groups=sample.groups))


def takes_groups(how):
    """Whether a splitter needs the groups of the rows, by scikit-learn's metadata."""
    if not hasattr(how, "get_metadata_routing"):
        return False
    return how.get_metadata_routing().split.requests.get("groups") is True


def _splits(sample, splitter, seed):
    """All splits of a splitter: indices of training rows and validation rows.

    It splits all rows that the user gave, of which some may not count.
    """
    whole = sample if sample.whole is None else sample.whole
    seeded = copy(splitter)
    if getattr(splitter, "random_state", seed) is None:
        seeded.random_state = seed
    try:
        found = [
            tuple(indices_of(rows, len(whole)) for rows in split)
            for split in seeded.split(whole.X, whole.y, whole.groups)
        ]
        if not found:
            raise ValueError("it gives no split.")
    except (IndexError, TypeError, ValueError) as error:
        hint = ""
        if whole.groups is None and takes_groups(splitter):
            hint = " Give groups to fit; in a search, use metadata routing."
        raise ValueError(
            f"The 'validation_fraction' parameter, {splitter}, cannot split "
            f"n_samples={len(whole)}: {error}{hint}"
        ) from error
    if sample.whole is None:
        return found
    position = np.full(len(whole), -1)
    position[sample.kept] = np.arange(len(sample))
    found = [tuple(position[rows] for rows in split) for split in found]
    return [tuple(rows[rows >= 0] for rows in split) for split in found]


def indices_of(rows, n_rows):
    """The indices of a part's rows, which may be a mask, a Series or a tuple."""
    rows = np.asarray(rows)
    return np.arange(n_rows)[rows] if len(rows) else np.empty(0, int)


def _stratified(strata, n_rows, rng):
    """Indices of about `n_rows` rows that have the proportions of the strata.

    Each stratum gives the whole part of its share. The rows that are still missing come
    from the strata with the largest remainders, drawn at random among equals, but none
    from a stratum that would lose its last row.
    """
    _, codes, counts = np.unique(strata, return_inverse=True, return_counts=True)
    share = n_rows * counts / len(strata)
    taken = np.minimum(np.floor(share), counts - 1).astype(int)
    by_remainder = np.lexsort((rng.permutation(len(counts)), taken - share))
    able = by_remainder[(taken < counts - 1)[by_remainder]]
    taken[able[: max(n_rows - taken.sum(), 0)]] += 1
    order = rng.permutation(len(strata))
    order = order[np.argsort(codes[order], kind="stable")]
    rows = np.split(order, np.cumsum(counts)[:-1])  # of each stratum
    return np.concatenate([own[:n] for own, n in zip(rows, taken, strict=True)])
