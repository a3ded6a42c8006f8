"""Samples (rows, targets, weights), and the split into training and validation."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sample:
    """Rows with targets and sample weights, as the user gave them.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    weight : ndarray of shape (n_samples,)
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray

    def __getitem__(self, rows):
        return Sample(self.X[rows], self.y[rows], self.weight[rows])

    def __len__(self):
        return len(self.y)


def split_off_validation(sample, strata, fraction, seed):
    """Split a sample into training rows and validation rows, in that order.

    Parameters
    ----------
    strata : ndarray of shape (n_samples,) or None
        Classes by which the split is stratified; None for no stratification. Each
        class keeps a training row; one that is too rare for both has no validation row.
    fraction : float
        Share of the validation rows.

    Raises
    ------
    ValueError
        If there would be no training row or no validation row.
    """
    n_validation = int(np.ceil(fraction * len(sample)))
    if strata is None:
        strata = np.zeros(len(sample))
    rng = np.random.default_rng(seed)
    validation = _stratified(strata, n_validation, rng)
    if not len(validation):
        raise ValueError(
            "The 'validation_fraction' parameter must leave a row for validation and, "
            f"of each class, one for training. Got {fraction} of "
            f"n_samples={len(sample)}. Change it, or pass X_val and y_val to fit."
        )
    is_validation = np.zeros(len(sample), bool)
    is_validation[validation] = True
    return sample[~is_validation], sample[is_validation]


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
