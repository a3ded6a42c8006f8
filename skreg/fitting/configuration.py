"""Translate constructor parameters into a structure, lane numbers and a schedule."""

import inspect
import warnings
from functools import cache

import numpy as np

from ..engine import (
    REMEDIES,
    Schedule,
    Structure,
    floatx,
    keras,
)
from .functions import tabulated
from .parameters import hidden_layers, is_keras_schedule

AUTO_L2 = 0.03  # divided by the square root of the number of rows
PARTIAL_FIT_L2 = 0.001  # if the number of rows is not known
AUTO_DROPOUT = 0.2

# Activations that are 0, or nearly 0, for negative inputs. They lose half of the
# variance; He's initializers compensate for that.
_RELU_FAMILY = {
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "celu",
    "gelu",
    "silu",
    "swish",
    "hard_silu",
    "hard_swish",
    "mish",
}


def structure_of(estimator, settings, max_batch_size):
    """The structure of an estimator whose features and targets are known.

    Parameters
    ----------
    settings : OptimizerSettings
    max_batch_size : int
        Rows in the largest batch that a step can take.
    """
    coder = estimator._coder()
    normalization = {True: "batch", False: None, "layer": "layer"}
    return Structure(
        n_features=estimator.n_features_in_,
        n_outputs=coder.n_outputs,
        hidden=hidden_layers(estimator.hidden_layer_sizes),
        activation=activation_name(estimator.activation),
        normalization=normalization[estimator.batchnorm],
        loss=coder.loss(estimator.loss),
        optimizer=settings.optimizer,
        options=settings.options,
        batch_size=max_batch_size,
        clipping=settings.clipping,
        remedies=remedies_of(estimator),
        dtype=floatx(),
        feature_groups=groups_of(estimator),
    )


def groups_of(estimator):
    """The number of each feature's group, or None."""
    labels, n_features = estimator.feature_groups, estimator.n_features_in_
    if labels is None:
        return None
    if len(labels) != n_features:
        raise ValueError(
            "The 'feature_groups' parameter must have one label for each of the "
            f"{n_features} features. Got {len(labels)} labels. If each feature may be "
            "left out alone, set it to None."
        )
    numbers = {}  # an array of the labels would make 1 and "1" the same
    return tuple(numbers.setdefault(label, len(numbers)) for label in labels)


def remedies_of(estimator):
    """The remedies (optional parts of a program) that the parameters need."""
    return frozenset(
        remedy
        for remedy, names in REMEDIES.items()
        if any(_is_used(getattr(estimator, name)) for name in names)
    )


def activation_name(activation):
    """The name of a Keras activation function; other values are returned unchanged."""
    name = getattr(activation, "__name__", None)
    is_keras = name and getattr(keras().activations, name, None) is activation
    return name if is_keras else activation


def _is_used(value):
    if isinstance(value, str):  # "auto"
        return True
    return value is not None and bool(np.any(np.asarray(value) != 0))


def numbers_of(estimator, settings, n_rows):
    """The lane numbers of the estimator, by name.

    `n_rows` is the number of training rows, None if it is not known.
    """
    layers = len(hidden_layers(estimator.hidden_layer_sizes))
    names = {name for group in REMEDIES.values() for name in group} - {"max_norm"}
    names |= {"negative_slope", "batchnorm_momentum"}
    # Classifier and regressor have different parameters of the loss.
    names |= {"label_smoothing", "focal_gamma", "huber_delta", "quantile"} & set(
        vars(estimator)
    )
    numbers = {name: getattr(estimator, name) for name in sorted(names)}
    rates = np.asarray(dropout_of(estimator), float)
    numbers["dropout"] = tuple(np.broadcast_to(rates, layers).tolist())
    numbers["l2"] = l2_of(estimator, n_rows)
    if is_auto(estimator.feature_l1):  # no pilots chose it
        numbers["feature_l1"] = 0.0
    numbers["max_norm"] = np.inf if estimator.max_norm is None else estimator.max_norm
    numbers["clip"] = settings.clip
    numbers["feature_l1_steps"] = 1.0  # a fit with a known end sets another
    numbers |= settings.numbers
    del numbers["learning_rate"]  # the schedule gives one for each step
    return {
        name: value if isinstance(value, tuple) else float(value)
        for name, value in numbers.items()
    }


def l2_of(estimator, n_rows):
    """The l2 penalty; for "auto", where no pilots chose it, the usual one."""
    if not is_auto(estimator.l2):
        return estimator.l2
    return PARTIAL_FIT_L2 if n_rows is None else usual_l2(n_rows)


def dropout_of(estimator):
    """The rate or rates of dropout; for "auto", where no pilots chose, the usual."""
    return AUTO_DROPOUT if is_auto(estimator.dropout) else estimator.dropout


def is_auto(value):
    """Whether the value of a parameter leaves the choice to skreg."""
    return isinstance(value, str) and value == "auto"


def left_to_pilots(estimator):
    """Names of the strengths that pilots are to choose."""
    return [name for name in ("l2", "feature_l1") if is_auto(getattr(estimator, name))]


def usual_l2(n_rows):
    """The usual l2 penalty for a number of rows, if none is chosen."""
    return AUTO_L2 / np.sqrt(n_rows)


def batch_size_of(estimator, n_rows):
    """The batch size, and the size of the largest batch that a step can take."""
    wanted = estimator.batch_size
    if is_auto(wanted):
        # 1/40 of the rows, as the nearest power of two from 32 to 256.
        wanted = 2 ** int(np.clip(np.round(np.log2(n_rows / 40)), 5, 8))
    elif wanted == "full":
        return n_rows, _rounded_up(n_rows)
    elif wanted > n_rows:
        warnings.warn(
            f"Got batch_size={wanted} for {n_rows} training rows. It is reduced to "
            f"{n_rows}; batch_size='full' does this without a warning.",
            stacklevel=2,
        )
    if wanted > n_rows:
        return n_rows, min(wanted, _rounded_up(n_rows))
    return int(wanted), int(wanted)


def _rounded_up(rows):
    """Round up to one of a few sizes, so that unequal folds share a structure."""
    unit = max(8, 2 ** int(np.log2(rows)) // 8)
    return -(-rows // unit) * unit


def schedule_of(estimator, settings, steps, steps_taken, first_step, is_partial=False):
    """The `Schedule`, with the learning rate of each training step.

    Parameters
    ----------
    steps : int
        Length of the whole schedule, in steps.
    steps_taken : int
        Number of these steps taken before.
    first_step : int
        The lane's step at which this training starts.
    is_partial : bool
        Whether the total number of steps is not known.
    """
    rate = settings.numbers["learning_rate"]
    name, share = estimator.schedule, estimator.warmup
    if is_auto(name):
        name, share = ("constant", share) if is_partial else ("cosine", share or 0.1)
    warmup = round(share * steps)
    keras_schedule = _keras_schedule(estimator, settings)
    if keras_schedule is None:
        start = first_step - steps_taken
        return Schedule(name, rate, steps, warmup, start)
    numbering = np.arange(steps_taken, max(steps, steps_taken + 1))
    table = tabulated(keras_schedule, numbering)
    table *= np.minimum((numbering + 1) / max(round(estimator.warmup * steps), 1), 1.0)
    return Schedule("constant", rate, steps, warmup, first_step, table)


def _keras_schedule(estimator, settings):
    """The user's Keras schedule, given directly or in a Keras optimizer, or None."""
    if is_keras_schedule(estimator.schedule):
        return estimator.schedule
    return settings.schedule if estimator.schedule in ("auto", "constant") else None


def kernel_initializers(estimator, n_layers):
    """The Keras initializer of each layer's kernel, as a name or an object."""
    wanted = estimator.initializer
    if not is_auto(wanted):
        return [wanted] * n_layers
    usual = dict.fromkeys(_RELU_FAMILY, "he_normal") | {"selu": "lecun_normal"}
    hidden = usual.get(activation_name(estimator.activation), "glorot_uniform")
    return [hidden] * (n_layers - 1) + ["glorot_uniform"]


@cache
def _takes_seed(kind):
    return "seed" in inspect.signature(kind).parameters


def seeded(initializer, seed):
    """A Keras initializer with this seed, from a name or an instance.

    An instance that already has a seed keeps it. Without a seed Keras would draw one
    from Python's global random generator, so a seed is always set.
    """
    if isinstance(initializer, str):
        kind, config = getattr(keras().initializers, initializer), {}
        if not _takes_seed(kind):
            return kind()
    elif hasattr(initializer, "get_config"):
        kind, config = type(initializer), initializer.get_config()
        if config.get("seed", 0) is not None:
            return initializer
    else:
        return initializer
    return kind.from_config(config | {"seed": seed})
