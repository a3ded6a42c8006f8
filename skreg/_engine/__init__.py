"""The training engine: jobs in, results out. It knows nothing of scikit-learn."""

from dataclasses import replace

from .._keras import keras
from .blocks import full_stack
from .gather import current_gatherer
from .jobs import Job, Progress, Result, Rows, State, Stopping
from .losses import LOSSES
from .network import initial_weights, weight_shapes
from .optimizers import OPTIMIZERS, first_of_its_rule
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
    "current_gatherer",
    "floatx",
    "initial_slots",
    "initial_weights",
    "output_activation",
    "predict",
    "train",
    "train_block",
    "weight_shapes",
]


def floatx():
    """Keras's dtype of weights and data."""
    return keras().config.floatx()


def output_activation(structure):
    """Keras's name of what turns raw outputs into predictions."""
    return LOSSES[structure.loss].activation


def train(structure, jobs):
    """The results of a fit's jobs: trained with those of other fits where they gather.

    See `gather.Gatherer`.
    """
    optimizer = first_of_its_rule(structure.optimizer)
    structure = replace(structure, optimizer=optimizer)
    gatherer = current_gatherer()
    if gatherer is not None:
        return gatherer.train(structure, jobs)
    return train_block(structure, jobs, min(len(jobs), full_stack(structure)))
