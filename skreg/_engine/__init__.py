"""The training engine: jobs in, results out. It knows nothing of scikit-learn."""

from .jobs import Job, Result, Rows, State, Stopping
from .network import initial_weights, weight_shapes
from .optimizers import OPTIMIZERS
from .prediction import predict
from .program import compilations
from .schedules import Schedule
from .training import initial_slots, train_block

__all__ = [
    "OPTIMIZERS",
    "Job",
    "Result",
    "Rows",
    "Schedule",
    "State",
    "Stopping",
    "compilations",
    "initial_slots",
    "initial_weights",
    "predict",
    "train",
    "train_block",
    "weight_shapes",
]


def train(structure, job):
    """Train one job: a block of one lane."""
    return train_block(structure, [job])[0]
