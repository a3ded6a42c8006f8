"""The training engine: training as a pure function from jobs to results; prediction.

A structure describes what is compiled. A lane is one network in training, and lanes of
one structure train side by side as a stack. The engine does not depend on scikit-learn.

May import: nothing else of skreg.
"""

from .backends import ForkedProcessError, floatx, has_accelerator, start_backend
from .evaluation import held_out_losses
from .initializers import draw_kernel
from .jobs import Job, Progress, Result, Rows, State, Stopping
from .lazy_keras import keras
from .losses import LOSSES, output_activation
from .network import initial_weights, weight_shapes
from .normalization import NORMALIZATION_EPSILON
from .numbers import number_names
from .numpy_network import ACTIVATIONS
from .optimizers import OPTIMIZERS, canonical_optimizer
from .packing import initial_slots, row_size
from .prediction import activated, activities, raw_outputs
from .program import compilations, compiled_programs, is_large, min_lanes
from .schedules import SCHEDULES, Schedule
from .structure import REMEDIES, Structure
from .training import Observer, train_block
from .update import has_joint_rule

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "NORMALIZATION_EPSILON",
    "OPTIMIZERS",
    "REMEDIES",
    "SCHEDULES",
    "ForkedProcessError",
    "Job",
    "Observer",
    "Progress",
    "Result",
    "Rows",
    "Schedule",
    "State",
    "Stopping",
    "Structure",
    "activated",
    "activities",
    "canonical_optimizer",
    "compilations",
    "compiled_programs",
    "draw_kernel",
    "floatx",
    "has_accelerator",
    "has_joint_rule",
    "held_out_losses",
    "initial_slots",
    "initial_weights",
    "is_large",
    "keras",
    "min_lanes",
    "number_names",
    "output_activation",
    "raw_outputs",
    "row_size",
    "start_backend",
    "train_block",
    "weight_shapes",
]
