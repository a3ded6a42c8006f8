"""What a trained lane predicts."""

import numpy as np

from . import step
from .batches import dense
from .numbers import number_names, pack_numbers
from .program import inference


def predict(structure, state, numbers, X):
    """The network's outputs for rows that fit into memory as a dense array.

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
    structure = structure.for_prediction()
    lane = tuple(
        {name: array[None] for name, array in arrays.items()}
        for arrays in (state.weights, state.moving)
    )
    unread = dict.fromkeys(number_names(structure), 0.0)  # those of the optimizer
    lane += (pack_numbers(structure, unread | numbers)[None],)
    outputs = inference(structure, step.predict, lane, (dense(X)[None],))
    return np.asarray(outputs[0])
