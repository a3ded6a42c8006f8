"""Turn an estimator's parameters and data into a job for the engine.

Parameters are checked and translated, inputs and targets are encoded for the engine,
and validation rows are split off.

May import: engine.
"""

from .configuration import (
    AUTO_DROPOUT,
    activation_name,
    batch_size_of,
    groups_of,
    is_auto,
    kernel_initializers,
    left_to_pilots,
    numbers_of,
    remedies_of,
    schedule_of,
    seeded,
    structure_of,
    usual_l2,
)
from .inputs import (
    Standardizer,
    dtype_of_numbers,
    flattened,
    row_blocks,
    without_duplicates,
)
from .job import TrainingRun, encoded_rows, initial_state, job_of
from .networks import Network, copied, network_of, prefix_of
from .optimizer import check_decay, optimizer_settings
from .parameters import (
    CLASSIFIER_RULES,
    REGRESSOR_RULES,
    check_count,
    check_parameters,
    hidden_layers,
    is_keras_schedule,
)
from .rules import Rule
from .samples import (
    Sample,
    checked_groups,
    folds_of,
    indices_of,
    split_off_validation,
    takes_groups,
)
from .targets import (
    ClassTargets,
    NumberTargets,
    balanced_weights,
    check_class_targets,
    targets_as_text,
)

__all__ = [
    "AUTO_DROPOUT",
    "CLASSIFIER_RULES",
    "REGRESSOR_RULES",
    "ClassTargets",
    "Network",
    "NumberTargets",
    "Rule",
    "Sample",
    "Standardizer",
    "TrainingRun",
    "activation_name",
    "balanced_weights",
    "batch_size_of",
    "check_class_targets",
    "check_count",
    "check_decay",
    "check_parameters",
    "checked_groups",
    "copied",
    "dtype_of_numbers",
    "encoded_rows",
    "flattened",
    "folds_of",
    "groups_of",
    "hidden_layers",
    "indices_of",
    "initial_state",
    "is_auto",
    "is_keras_schedule",
    "job_of",
    "kernel_initializers",
    "left_to_pilots",
    "network_of",
    "numbers_of",
    "optimizer_settings",
    "prefix_of",
    "remedies_of",
    "row_blocks",
    "schedule_of",
    "seeded",
    "split_off_validation",
    "structure_of",
    "takes_groups",
    "targets_as_text",
    "usual_l2",
    "without_duplicates",
]
