"""What a trained lane predicts."""

import numpy as np

from . import program
from .batches import dense


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
    lane = {
        "weights": {name: a[None] for name, a in state.weights.items()},
        "moving": {name: a[None] for name, a in state.moving.items()},
    }
    slope = np.full((1, 1, 1), numbers["negative_slope"], structure.dtype)
    n = {"negative_slope": slope}
    outputs = program.inference(structure, program.predict, lane, n, dense(X)[None])
    return np.asarray(outputs[0])
