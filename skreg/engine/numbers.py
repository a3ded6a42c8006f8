"""Lane numbers: hyperparameters that a program reads as data, packed into one array."""

import numpy as np

from .losses import LOSSES
from .optimizers import OPTIMIZERS
from .structure import REMEDIES


def number_names(structure):
    """Names of the numbers of a lane of this structure, in a fixed order.

    "dropout" stands for one number per hidden layer.
    """
    names = {"weight_decay", *OPTIMIZERS[structure.optimizer].defaults}
    names |= set(LOSSES[structure.loss].numbers.values())
    names |= {n for remedy in structure.remedies for n in REMEDIES[remedy]}
    if structure.clipping:
        names.add("clip")
    if structure.normalization == "batch":
        names.add("batchnorm_momentum")
    if structure.activation == "leaky_relu":
        names.add("negative_slope")
    return sorted(names - {"learning_rate"})  # given for each step


def count_numbers(structure):
    """Count the numbers of a lane, with one dropout rate per hidden layer."""
    names = number_names(structure)
    return len(names) + (len(structure.hidden) - 1) * ("dropout" in names)


def pack_numbers(structure, numbers):
    """Pack a lane's numbers into one row; ignore those that the structure lacks."""
    values = [numbers[name] for name in number_names(structure)]
    return np.hstack([*values, ()]).astype(structure.dtype)


def unpack_numbers(structure, packed):
    """Unpack to arrays of shape (lanes, 1, 1) by name; for "dropout" a list of them."""
    n, column = {}, 0
    for name in number_names(structure):
        width = len(structure.hidden) if name == "dropout" else 1
        columns = [packed[:, i, None, None] for i in range(column, column + width)]
        n[name] = columns if name == "dropout" else columns[0]
        column += width
    return n
