"""What each constructor parameter accepts, and the errors that say so.

`RULES`, with what each estimator adds to it, is the one table: it feeds the checks and
the messages. Names that Keras or the engine define come from their own tables.
"""

import difflib
import math
import numbers
import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.metrics import get_scorer_names

from ._engine.optimizers import OPTIMIZERS
from ._engine.schedules import SCHEDULES
from ._keras import keras


class Rule(NamedTuple):
    """Whether a value is accepted, in code and in words."""

    accepts: Callable  # of a value
    text: str  # "{}" in it stands for the names
    names: Callable = tuple  # gives the names among which a string must be


def check_parameters(estimator, rules):
    """Raise ValueError for the first parameter whose value breaks its rule."""
    owner = type(estimator).__name__
    for name, value in estimator.get_params(deep=False).items():
        rule = rules.get(name)  # a subclass may have parameters of its own
        if rule is not None and not rule.accepts(value):
            names = list(rule.names())
            text = rule.text.format(", ".join(map(repr, names)))
            raise ValueError(
                f"The {name!r} parameter of {owner} must be {text}. "
                f"Got {value!r} instead.{_nearest(value, names)}"
            )
    n_layers = len(hidden_layers(estimator.hidden_layer_sizes))
    if np.ndim(estimator.dropout) and len(estimator.dropout) != n_layers:
        raise ValueError(
            f"The 'dropout' parameter of {owner} must be one rate, or a list of one "
            f"rate a hidden layer. Got {len(estimator.dropout)} rates for the "
            f"{n_layers} layers of hidden_layer_sizes={estimator.hidden_layer_sizes!r}."
        )


def hidden_layers(sizes):
    """The units of each hidden layer as a tuple, from an integer or a sequence."""
    return (int(sizes),) if np.ndim(sizes) == 0 else tuple(int(s) for s in sizes)


# What Keras, or usage, calls some of the losses.
_OTHER_NAMES = {
    "binary_crossentropy": "log_loss",
    "categorical_crossentropy": "log_loss",
    "sparse_categorical_crossentropy": "log_loss",
    "crossentropy": "log_loss",
    "cross_entropy": "log_loss",
    "mse": "squared_error",
    "mean_squared_error": "squared_error",
    "mae": "absolute_error",
    "mean_absolute_error": "absolute_error",
    "pinball": "quantile",
}


def _nearest(value, names):
    if not isinstance(value, str):
        return ""
    value = _OTHER_NAMES.get(value.lower(), value.lower())
    near = difflib.get_close_matches(value, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def check_count(owner, name, low):
    """Raise ValueError unless the attribute is an integer of at least `low`."""
    value = getattr(owner, name)
    if not _is_count(value, low):
        raise ValueError(
            f"The {name!r} parameter of {type(owner).__name__} must be an integer of "
            f"at least {low}. Got {value!r} instead."
        )


# --- kinds of rule


def _is_number(value):
    if not isinstance(value, numbers.Real) or isinstance(value, (bool, np.bool_)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _is_rate(value):
    return _is_number(value) and 0 <= value < 1


def _not_negative():
    return Rule(lambda v: _is_number(v) and v >= 0, "a number of at least 0")


def _positive():
    return Rule(lambda v: _is_number(v) and v > 0, "a number above 0")


def _rate():
    return Rule(_is_rate, "a number in [0, 1)")


def _inside():
    return Rule(lambda v: _is_number(v) and 0 < v < 1, "a number in (0, 1)")


def _is_count(value, low=1):
    return _is_number(value) and isinstance(value, numbers.Integral) and value >= low


def _count(low=1):
    return Rule(lambda v: _is_count(v, low), f"an integer of at least {low}")


def _boolean():
    return Rule(lambda v: isinstance(v, (bool, np.bool_)), "True or False")


def _boolean_or(name):
    return _either(lambda: [name], _boolean().accepts, "True, False or {}")


def _or_none(rule, meaning):
    """The rule, with None allowed for what `meaning` says."""
    return rule._replace(
        accepts=lambda v: v is None or rule.accepts(v),
        text=f"{rule.text}, or None ({meaning})",
    )


def _either(names, other, text):
    """One of the names that the function `names` gives, or what `other` accepts."""

    def accepts(value):
        return value in names() if isinstance(value, str) else bool(other(value))

    return Rule(accepts, text, names)


def one_of(names):
    """The rule for a string among these names."""
    return _either(lambda: names, lambda v: False, "one of {}")


def _sequence_of(accepts):
    def accepts_all(value):
        is_sequence = isinstance(value, (list, tuple))
        is_vector = isinstance(value, np.ndarray) and value.ndim == 1
        return (is_sequence or is_vector) and all(map(accepts, value))

    return accepts_all


# --- names that Keras knows


def activation_names():
    """Names of Keras's activations that work unit by unit or over a layer's units."""
    # glu halves the units, and threshold cannot do without its arguments.
    unfit = {"get", "serialize", "deserialize", "glu", "threshold"}
    return _public_names(keras().activations, unfit)


def initializer_names():
    """The names of Keras's initializers for a matrix, and "auto"."""
    # "constant" by name lacks its value in Keras 3; "zeros" and "ones" are there.
    unfit = {"get", "serialize", "deserialize", "stft", "constant"}
    return ["auto", *_public_names(keras().initializers, unfit)]


def _public_names(module, unfit):
    return [
        name
        for name in dir(module)
        if name.islower() and name[0] != "_" and name not in unfit
    ]


def is_keras_optimizer(value):
    """Whether the value is an instance of a Keras optimizer."""
    return isinstance(value, keras().optimizers.Optimizer)


def is_keras_schedule(value):
    """Whether the value is an instance of a Keras learning-rate schedule."""
    schedules = keras().optimizers.schedules
    return isinstance(value, schedules.LearningRateSchedule)


def _is_callback_list(value):
    callback = keras().callbacks.Callback
    return isinstance(value, (list, tuple)) and all(
        isinstance(item, callback) for item in value
    )


def _is_random_state(value):
    is_seed = _is_count(value, 0) and value < 2**32
    return is_seed or isinstance(value, np.random.RandomState)


_USUAL = "the optimizer's usual value"

RULES = {
    "hidden_layer_sizes": Rule(
        lambda v: _is_count(v) or _sequence_of(_is_count)(v),
        "an integer of at least 1, or a list of them, one a hidden layer",
    ),
    "activation": _either(
        activation_names,
        lambda v: callable(v) and not isinstance(v, type),
        "a function of a tensor or one of {}",
    ),
    "negative_slope": _not_negative(),
    "dropout": Rule(
        lambda v: _is_rate(v) or _sequence_of(_is_rate)(v),
        "a number in [0, 1), or a list of them, one a hidden layer",
    ),
    "input_dropout": _rate(),
    "gaussian_noise": _not_negative(),
    "mixup": _not_negative(),
    "l1": _not_negative(),
    "l2": _not_negative(),
    "bias_l1": _not_negative(),
    "bias_l2": _not_negative(),
    "activity_l1": _not_negative(),
    "activity_l2": _not_negative(),
    "max_norm": _or_none(_positive(), "no limit"),
    "weight_decay": _or_none(_not_negative(), _USUAL),
    "batchnorm": _boolean_or("layer"),
    "batchnorm_momentum": _rate(),
    "normalize": _boolean_or("robust"),
    "initializer": _either(
        initializer_names,
        lambda v: callable(v) and not isinstance(v, type),
        "a Keras initializer instance or one of {}",
    ),
    "optimizer": _either(
        lambda: list(OPTIMIZERS),
        is_keras_optimizer,
        "a Keras optimizer instance or one of {}",
    ),
    "learning_rate": _or_none(_positive(), _USUAL),
    "momentum": _or_none(_rate(), _USUAL),
    "nesterov": _boolean(),
    "rho": _or_none(_rate(), _USUAL),
    "beta_1": _or_none(_rate(), _USUAL),
    "beta_2": _or_none(_rate(), _USUAL),
    "epsilon": _or_none(_positive(), _USUAL),
    "clipnorm": _or_none(_positive(), "no limit"),
    "schedule": _either(
        lambda: ["auto", *SCHEDULES],
        is_keras_schedule,
        "a Keras learning-rate schedule instance or one of {}",
    ),
    "warmup": _rate(),
    "batch_size": _either(
        lambda: ["auto", "full"], _is_count, "an integer of at least 1 or one of {}"
    ),
    "epochs": _count(),
    "early_stopping": _boolean(),
    "validation_fraction": _inside(),
    "patience": _count(0),
    "min_delta": _not_negative(),
    "monitor": _either(
        lambda: ["val_loss", "loss", *get_scorer_names()],
        lambda v: False,
        "'val_loss', 'loss' or the name of a scikit-learn scorer "
        "(sklearn.metrics.get_scorer_names())",
    ),
    "restore_best_weights": _boolean(),
    "n_members": _count(),
    "callbacks": _or_none(
        Rule(_is_callback_list, "a list of Keras callback instances"), "no callbacks"
    ),
    "checkpoint": _or_none(
        Rule(lambda v: isinstance(v, (str, os.PathLike)), "a path"), "no checkpoints"
    ),
    "checkpoint_every": _either(
        lambda: ["best"], _is_count, "an integer of at least 1 or {}"
    ),
    "verbose": Rule(
        lambda v: isinstance(v, (bool, np.bool_)) or _is_count(v, 0),
        "an integer of at least 0, or a boolean",
    ),
    "warm_start": _boolean(),
    "random_state": _or_none(
        Rule(
            _is_random_state,
            "an integer in [0, 2**32 - 1], a numpy.random.RandomState instance",
        ),
        "another result on each fit",
    ),
}

CLASSIFIER_RULES = RULES | {
    "loss": one_of(["log_loss", "focal", "hinge"]),
    "label_smoothing": _rate(),
    "focal_gamma": _not_negative(),
    "class_weight": _either(
        lambda: ["balanced"],
        lambda v: v is None or isinstance(v, (dict, list)),
        "None, a dictionary {{label: weight}} or {}",
    ),
}

REGRESSOR_RULES = RULES | {
    "loss": one_of(["squared_error", "absolute_error", "huber", "quantile", "poisson"]),
    "huber_delta": _positive(),
    "quantile": _inside(),
}
