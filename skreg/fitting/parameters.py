"""Validation of constructor parameters: accepted values and error messages.

`RULES`, with the additions of each estimator, is the only table: checks and messages
come from it. Names that Keras or the engine define come from their own tables.
"""

import difflib
import numbers
import os

import numpy as np
from sklearn.metrics import get_scorer_names

from ..engine import ACTIVATIONS, OPTIMIZERS, SCHEDULES, keras
from .rules import (
    Rule,
    boolean,
    boolean_or,
    count,
    either,
    fraction,
    is_count,
    is_rate,
    not_negative,
    one_of,
    or_none,
    positive,
    rate,
    sequence_of,
)


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
                f"Got {value!r} instead.{_suggestion(value, names)}"
            )
    n_layers = len(hidden_layers(estimator.hidden_layer_sizes))
    if np.ndim(estimator.dropout) and len(estimator.dropout) != n_layers:
        raise ValueError(
            f"The 'dropout' parameter of {owner} must be one rate, or a list with one "
            f"rate for each hidden layer. Got {len(estimator.dropout)} rates for the "
            f"{n_layers} layers of hidden_layer_sizes={estimator.hidden_layer_sizes!r}."
        )


def hidden_layers(sizes):
    """The units of each hidden layer as a tuple, from an integer or a sequence."""
    return (int(sizes),) if np.ndim(sizes) == 0 else tuple(int(s) for s in sizes)


# Common names of losses, in Keras or elsewhere, for the hint in an error.
_LOSS_ALIASES = {
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


def _suggestion(value, names):
    if not isinstance(value, str):
        return ""
    value = _LOSS_ALIASES.get(value.lower(), value.lower())
    near = difflib.get_close_matches(value, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def check_count(owner, name, low):
    """Raise ValueError unless the attribute is an integer of at least `low`."""
    value = getattr(owner, name)
    if not is_count(value, low):
        raise ValueError(
            f"The {name!r} parameter of {type(owner).__name__} must be an integer of "
            f"at least {low}. Got {value!r} instead."
        )


# --- names and classes that Keras defines


def activation_names():
    """Names of Keras's activations that work unit by unit or over a layer's units."""
    # glu halves the number of units, and threshold has required arguments.
    unfit = {"get", "serialize", "deserialize", "glu", "threshold"}
    return _public_names(keras().activations, unfit)


USUAL_INITIALIZERS = [
    "auto",
    *(f"{a}_{b}" for a in ("glorot", "he", "lecun") for b in ("normal", "uniform")),
    "orthogonal",
    "random_normal",
    "random_uniform",
    "truncated_normal",
]


def initializer_names():
    """The names of Keras's initializers for a matrix, and "auto"."""
    # "constant" needs a value, which a name cannot give. "zeros" and "ones" remain.
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


def _is_splitter(value):
    methods = hasattr(value, "split") and hasattr(value, "get_n_splits")
    return methods and not isinstance(value, type)


def _is_random_state(value):
    is_seed = is_count(value, 0) and value < 2**32
    return is_seed or isinstance(value, np.random.RandomState)


_OPTIMIZER_DEFAULT = "the optimizer's usual value"

RULES = {
    "hidden_layer_sizes": Rule(
        lambda v: is_count(v) or sequence_of(is_count)(v),
        "an integer of at least 1, or a list of them, one for each hidden layer",
    ),
    "activation": either(
        activation_names,
        lambda v: callable(v) and not isinstance(v, type),
        "a function of a tensor or one of {}",
        known=[*ACTIVATIONS, "leaky_relu"],
    ),
    "negative_slope": not_negative(),
    "dropout": either(
        lambda: ["auto"],
        lambda v: is_rate(v) or sequence_of(is_rate)(v),
        "a number in [0, 1), a list of them, one for each hidden layer, or {}",
    ),
    "input_dropout": rate(),
    "gaussian_noise": not_negative(),
    "mixup": not_negative(),
    "l1": not_negative(),
    "l2": either(
        lambda: ["auto"], not_negative().accepts, "a number of at least 0 or {}"
    ),
    "feature_l1": either(
        lambda: ["auto"], not_negative().accepts, "a number of at least 0 or {}"
    ),
    "feature_groups": or_none(
        Rule(
            sequence_of(lambda v: isinstance(v, (str, numbers.Integral))),
            "a list of integers or strings, the group label of each feature",
        ),
        "each feature is its own group",
    ),
    "bias_l1": not_negative(),
    "bias_l2": not_negative(),
    "activity_l1": not_negative(),
    "activity_l2": not_negative(),
    "max_norm": or_none(positive(), "no limit"),
    "weight_decay": or_none(not_negative(), _OPTIMIZER_DEFAULT),
    "batchnorm": boolean_or("layer"),
    "batchnorm_momentum": rate(),
    "normalize": boolean_or("robust"),
    "initializer": either(
        initializer_names,
        lambda v: callable(v) and not isinstance(v, type),
        "a Keras initializer instance or one of {}",
        known=USUAL_INITIALIZERS,
    ),
    "optimizer": either(
        lambda: list(OPTIMIZERS),
        is_keras_optimizer,
        "a Keras optimizer instance or one of {}",
    ),
    "learning_rate": or_none(positive(), _OPTIMIZER_DEFAULT),
    "momentum": or_none(rate(), _OPTIMIZER_DEFAULT),
    "nesterov": boolean(),
    "rho": or_none(rate(), _OPTIMIZER_DEFAULT),
    "beta_1": or_none(rate(), _OPTIMIZER_DEFAULT),
    "beta_2": or_none(rate(), _OPTIMIZER_DEFAULT),
    "epsilon": or_none(positive(), _OPTIMIZER_DEFAULT),
    "clipnorm": or_none(positive(), "no limit"),
    "schedule": either(
        lambda: ["auto", *SCHEDULES],
        is_keras_schedule,
        "a Keras learning-rate schedule instance or one of {}",
    ),
    "warmup": rate(),
    "batch_size": either(
        lambda: ["auto", "full"], is_count, "an integer of at least 1 or one of {}"
    ),
    "epochs": Rule(lambda v: is_count(v) and v < 2**31, "an integer in [1, 2**31 - 1]"),
    "early_stopping": boolean(),
    "validation_fraction": Rule(
        lambda v: fraction().accepts(v) or _is_splitter(v),
        "a number in (0, 1) or a scikit-learn splitter, such as GroupShuffleSplit()",
    ),
    "patience": count(0),
    "min_delta": not_negative(),
    "monitor": either(
        lambda: ["val_loss", "loss", *get_scorer_names()],
        lambda v: False,
        "'val_loss', 'loss' or the name of a scikit-learn scorer "
        "(sklearn.metrics.get_scorer_names())",
    ),
    "restore_best_weights": boolean(),
    "n_members": count(),
    "callbacks": or_none(
        Rule(_is_callback_list, "a list of Keras callback instances"), "no callbacks"
    ),
    "checkpoint": or_none(
        Rule(lambda v: isinstance(v, (str, os.PathLike)), "a path"), "no checkpoints"
    ),
    "checkpoint_every": either(
        lambda: ["best"], is_count, "an integer of at least 1 or {}"
    ),
    "verbose": Rule(
        lambda v: isinstance(v, (bool, np.bool_)) or is_count(v, 0),
        "an integer of at least 0, or a boolean",
    ),
    "warm_start": boolean(),
    "random_state": or_none(
        Rule(
            _is_random_state,
            "an integer in [0, 2**32 - 1], a numpy.random.RandomState instance",
        ),
        "another result on each fit",
    ),
}

CLASSIFIER_RULES = RULES | {
    "loss": one_of(["log_loss", "focal", "hinge"]),
    "label_smoothing": rate(),
    "focal_gamma": not_negative(),
    "class_weight": either(
        lambda: ["balanced"],
        lambda v: v is None or isinstance(v, (dict, list)),
        "None, a dictionary {{label: weight}}, a list of these (multilabel) or {}",
    ),
}

REGRESSOR_RULES = RULES | {
    "loss": one_of(["squared_error", "absolute_error", "huber", "quantile", "poisson"]),
    "huber_delta": positive(),
    "quantile": fraction(),
}
