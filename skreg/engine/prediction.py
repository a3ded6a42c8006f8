"""Outputs and hidden activities of a trained lane."""

import numpy as np
from scipy.special import expit, softmax

from . import numpy_network, step
from .backends import backend, can_compute
from .batches import dense
from .losses import output_activation
from .numbers import number_names, pack_numbers
from .program import run_inference

# Multiplications up to which a call of TensorFlow's takes longer than NumPy's products.
SMALL_WORK = 1_000_000


def raw_outputs(structure, state, numbers, X):
    """Outputs before the output activation, for rows that fit into memory.

    Parameters
    ----------
    state : State
    numbers : dict of str to float
    X : ndarray or CSR matrix of shape (n_rows, n_features)
        Of the structure's dtype.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), float64
        Logits, means or margins.
    """
    if _is_for_numpy(structure, X):
        raw, _ = numpy_network.forward(structure, state, numbers, dense(X))
    else:
        raw = _run(step.raw_outputs, structure, state, numbers, X)[0]
    return np.asarray(raw, np.float64)


def activities(structure, state, numbers, X):
    """Output of each hidden activation: a list of arrays of shape (n_rows, units).

    Parameters are those of `raw_outputs`.
    """
    if _is_for_numpy(structure, X):
        return numpy_network.forward(structure, state, numbers, dense(X))[1]
    found = _run(step.activities, structure, state, numbers, X)
    return [np.asarray(activity[0]) for activity in found]


# The output activations in double precision, by Keras's names.
_OUTPUT_ACTIVATIONS = {
    "exponential": np.exp,
    "linear": lambda raw: raw,
    "sigmoid": expit,
    "softmax": lambda raw: softmax(raw, axis=-1),
}


def activated(structure, raw):
    """The output activation of raw outputs, shape (..., n_outputs)."""
    with np.errstate(over="ignore"):
        return _OUTPUT_ACTIVATIONS[output_activation(structure)](raw)


def _is_for_numpy(structure, X):
    """Whether NumPy predicts: few rows, or where Keras cannot or would compile."""
    if not numpy_network.can_compute(structure):
        return not can_compute()  # and raises the error
    is_small = X.shape[0] * structure.n_kernel_elements <= SMALL_WORK
    return is_small or not can_compute() or backend().COMPILES_EACH_SHAPE


def _run(function, structure, state, numbers, X):
    structure = structure.for_prediction()
    lane = tuple(
        {name: array[None] for name, array in arrays.items()}
        for arrays in (state.weights, state.moving)
    )
    unread = dict.fromkeys(number_names(structure), 0.0)  # those of the optimizer
    lane += (pack_numbers(structure, unread | numbers)[None],)
    return run_inference(structure, function, lane, (dense(X)[None],))
