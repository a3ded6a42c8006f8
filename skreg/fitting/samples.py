"""Samples (rows, targets, weights), and the split into training and validation."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split


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
        Classes by which the split is stratified; None for no stratification.
    fraction : float
        Share of the validation rows.

    Raises
    ------
    ValueError
        If the validation rows lack a class, or either part has too few rows.
    """
    classes = set() if strata is None else set(strata.tolist())
    try:
        training, validation = train_test_split(
            np.arange(len(sample)),
            test_size=fraction,
            stratify=strata,
            random_state=seed,
        )
        held = set() if strata is None else set(strata[validation].tolist())
    except ValueError:  # a part is empty or has fewer rows than there are classes
        held = None
    if held != classes:
        each = f" of each of {len(classes)} classes" if classes else ""
        raise ValueError(
            f"The 'validation_fraction' parameter must leave a row{each} for "
            f"validation and for training. Got {fraction} of n_samples={len(sample)}. "
            "Change it, or pass X_val and y_val to fit."
        )
    return sample[training], sample[validation]
