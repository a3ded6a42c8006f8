"""Lane numbers: hyperparameters that a program reads as data, packed into one array."""

from operator import attrgetter

import numpy as np

from . import ops
from .losses import LOSSES
from .optimizers import OPTIMIZERS
from .structure import REMEDIES


def number_names(structure):
    """Names of the numbers of a lane of this structure, in a fixed order.

    "dropout" and "units" stand for one number per hidden layer.
    """
    optimizers = [OPTIMIZERS[name] for name, _ in structure.optimizers]
    names = {"weight_decay"}.union(*(row.defaults for row in optimizers))
    names |= set(LOSSES[structure.loss].numbers.values())
    names |= {n for remedy in structure.remedies for n in REMEDIES[remedy]}
    if "feature_l1" in structure.remedies:
        names.add("feature_l1_steps")
    if structure.clipping:
        names.add("clip")
    if "batch" in structure.normalizations:
        names.add("batchnorm_momentum")
    if "leaky_relu" in structure.activations:
        names.add("negative_slope")
    names |= {name for name, offered in _CHOICES.items() if len(offered(structure)) > 1}
    if structure.is_padded:
        names |= {"n_features", "units"}
    return sorted(names - {"learning_rate"})  # given for each step


# What a lane chooses in a program for several structures, with what there is.
_CHOICES = {
    "activation": attrgetter("activations"),
    "normalization": attrgetter("normalizations"),
    "optimizer": attrgetter("optimizers"),
}
_PER_LAYER = ("dropout", "units")  # one number for each hidden layer


def _choices(structure, own):
    """The numbers that say which of the program's structures a lane has."""
    chosen = {
        name: offered(structure).index(offered(own)[0])
        for name, offered in _CHOICES.items()
    }
    return chosen | {"n_features": own.n_features, "units": own.hidden}


def count_numbers(structure):
    """Count the numbers of a lane, with one dropout rate per hidden layer."""
    names = number_names(structure)
    n_per_layer = sum(name in names for name in _PER_LAYER)
    return len(names) + (len(structure.hidden) - 1) * n_per_layer


def pack_numbers(structure, numbers, own=None):
    """Pack a lane's numbers into one row; ignore those that the structure lacks.

    `own` is the lane's structure, if that of the program serves others, too. The
    numbers of the others are 0.
    """
    names = number_names(structure)
    if own is not None and own != structure:
        others = dict.fromkeys(set(names) - numbers.keys(), 0.0)  # optimizers'
        numbers = numbers | others | _choices(structure, own)
    return np.hstack([*(numbers[name] for name in names), ()]).astype(structure.dtype)


def unpack_numbers(structure, packed):
    """Unpack to arrays of shape (lanes, 1, 1) by name; for one per layer a list."""
    columns = iter(ops.split(packed[:, :, None], packed.shape[1], axis=1))
    n = {}
    for name in number_names(structure):
        if name in _PER_LAYER:
            n[name] = [next(columns) for _ in structure.hidden]
        else:
            n[name] = next(columns)
    return n
