"""Prediction and hidden activities of a trained lane."""

import numpy as np

from . import step
from .batches import dense
from .numbers import number_names, pack_numbers
from .program import run_inference


def predict(structure, state, numbers, X):
    """Predict rows that fit into memory as a dense array.

    Parameters
    ----------
    state : State
    numbers : dict of str to float
    X : ndarray or CSR matrix of shape (n_rows, n_features)
        Of the structure's dtype.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
        Probabilities, means or margins: after the output activation.
    """
    return np.asarray(_run(step.predict, structure, state, numbers, X)[0])


def activities(structure, state, numbers, X):
    """Output of each hidden activation: a list of arrays of shape (n_rows, units).

    Parameters are those of `predict`.
    """
    found = _run(step.activities, structure, state, numbers, X)
    return [np.asarray(activity[0]) for activity in found]


def _run(function, structure, state, numbers, X):
    structure = structure.for_prediction()
    lane = tuple(
        {name: array[None] for name, array in arrays.items()}
        for arrays in (state.weights, state.moving)
    )
    unread = dict.fromkeys(number_names(structure), 0.0)  # those of the optimizer
    lane += (pack_numbers(structure, unread | numbers)[None],)
    return run_inference(structure, function, lane, (dense(X)[None],))
