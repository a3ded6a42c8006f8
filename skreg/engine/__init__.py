"""The training engine: jobs in, results out. It knows nothing of scikit-learn."""

from .jobs import Job, Progress, Result, Rows, State, Stopping
from .lazy_keras import keras
from .losses import LOSSES
from .network import initial_weights, weight_shapes
from .optimizers import OPTIMIZERS
from .packing import initial_slots
from .prediction import activities, predict
from .program import compilations
from .schedules import Schedule
from .training import train_block

__all__ = [
    "OPTIMIZERS",
    "Job",
    "Progress",
    "Result",
    "Rows",
    "Schedule",
    "State",
    "Stopping",
    "activities",
    "compilations",
    "floatx",
    "initial_slots",
    "initial_weights",
    "output_activation",
    "predict",
    "train_block",
    "weight_shapes",
]


def floatx():
    """Keras's dtype of weights and data."""
    return keras().config.floatx()


def output_activation(structure):
    """Keras's name of what turns raw outputs into predictions."""
    return LOSSES[structure.loss].activation
