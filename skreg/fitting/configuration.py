"""From constructor parameters to a structure, a lane's numbers and its schedule."""

import inspect
import warnings
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ..engine import OPTIMIZERS, REMEDIES, Schedule, Structure, keras
from .parameters import hidden_layers, is_keras_optimizer, is_keras_schedule

AUTO_L2 = 0.03  # over the root of the rows
STREAM_L2 = 0.001  # where their number is not known

# Activations that are 0, or nearly, for negative inputs: half of the variance is lost,
# which He's initializers make up for.
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


@dataclass(frozen=True)
class OptimizerSettings:
    """What the optimizer's parameters, or a Keras optimizer's own, come to.

    `numbers` holds every number that the rule reads, `learning_rate` among them;
    `clipping` is None or Keras's name of the kind, `clip` its limit; `schedule` is None
    or the Keras schedule that a Keras optimizer holds.
    """

    optimizer: str
    options: frozenset
    numbers: dict
    clipping: str | None = None
    clip: float = np.inf
    schedule: object = None


def optimizer_settings(estimator):
    """The estimator's `OptimizerSettings`.

    Raises
    ------
    ValueError
        For a Keras optimizer that the engine has no rule for.
    """
    if is_keras_optimizer(estimator.optimizer):
        settings = _from_keras(estimator.optimizer)
    else:
        name = estimator.optimizer
        options = {"nesterov"} if estimator.nesterov and name == "sgd" else ()
        settings = OptimizerSettings(
            name, frozenset(options), OPTIMIZERS[name].defaults
        )
    given = {
        name: float(getattr(estimator, name))
        for name in settings.numbers
        if getattr(estimator, name, None) is not None
    }
    settings = replace(settings, numbers={**settings.numbers, **given})
    if "learning_rate" in given:
        settings = replace(settings, schedule=None)
    if estimator.clipnorm is not None:
        settings = replace(
            settings, clipping="clipnorm", clip=float(estimator.clipnorm)
        )
    return settings


def _from_keras(optimizer):
    """What a Keras optimizer instance holds, as a `OptimizerSettings`."""
    kind, config = type(optimizer), optimizer.get_config()
    names = {
        getattr(keras().optimizers, o.keras_name): n for n, o in OPTIMIZERS.items()
    }
    if kind not in names:
        raise ValueError(
            "The 'optimizer' parameter must be one of the Keras optimizers that update "
            f"each weight by itself: {', '.join(c.__name__ for c in names)}. Got an "
            f"instance of {kind.__name__} instead."
        )
    for setting in ("use_ema", "gradient_accumulation_steps", "loss_scale_factor"):
        if config.get(setting):
            raise ValueError(
                f"The 'optimizer' parameter must not set {setting!r}, which is not "
                f"supported. Got {setting}={config[setting]!r} in {kind.__name__}."
            )
    # In the configuration a schedule is a dictionary; the attribute gives its value.
    config["learning_rate"] = np.asarray(optimizer.learning_rate)
    schedule = optimizer._learning_rate
    limits = [k for k in ("clipnorm", "global_clipnorm", "clipvalue") if config[k]]
    return OptimizerSettings(
        names[kind],
        frozenset(o for o in ("nesterov", "amsgrad", "centered") if config.get(o)),
        {k: float(config[k] or 0.0) for k in OPTIMIZERS[names[kind]].defaults},
        limits[0] if limits else None,
        float(config[limits[0]]) if limits else np.inf,
        schedule if is_keras_schedule(schedule) else None,
    )


def structure_of(estimator, settings, room):
    """The structure of an estimator that knows its features and targets.

    Parameters
    ----------
    settings : OptimizerSettings
    room : int
        Rows that a step has room for.
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
        batch_size=room,
        clipping=settings.clipping,
        remedies=remedies_of(estimator),
        dtype=keras().config.floatx(),
    )


def remedies_of(estimator):
    """The parts of a program that the estimator's parameters ask for."""
    return frozenset(
        remedy
        for remedy, names in REMEDIES.items()
        if any(_is_used(getattr(estimator, name)) for name in names)
    )


def activation_name(activation):
    """The name of an activation that Keras has; another function as it is."""
    name = getattr(activation, "__name__", None)
    is_keras = name and getattr(keras().activations, name, None) is activation
    return name if is_keras else activation


def _is_used(value):
    if isinstance(value, str):  # "auto"
        return True
    return value is not None and bool(np.any(np.asarray(value) != 0))


def numbers_of(estimator, settings, n_rows):
    """Every number that a lane of the estimator's structure carries.

    `n_rows` trains it, None where that is not known.
    """
    layers = len(hidden_layers(estimator.hidden_layer_sizes))
    names = {name for group in REMEDIES.values() for name in group} - {"max_norm"}
    names |= {"negative_slope", "batchnorm_momentum"}
    # Each kind of estimator has its own parameters of the loss.
    names |= {"label_smoothing", "focal_gamma", "huber_delta", "quantile"} & set(
        vars(estimator)
    )
    numbers = {name: getattr(estimator, name) for name in sorted(names)}
    dropout = np.broadcast_to(np.asarray(estimator.dropout, float), layers)
    numbers["dropout"] = tuple(dropout.tolist())
    numbers["l2"] = l2_of(estimator, n_rows)
    numbers["max_norm"] = np.inf if estimator.max_norm is None else estimator.max_norm
    numbers["clip"] = settings.clip
    numbers |= settings.numbers
    del numbers["learning_rate"]  # each step has its own
    return {
        name: value if isinstance(value, tuple) else float(value)
        for name, value in numbers.items()
    }


def l2_of(estimator, n_rows):
    """The l2 penalty, which "auto" has fall with the number of rows."""
    if estimator.l2 != "auto":
        return estimator.l2
    return STREAM_L2 if n_rows is None else AUTO_L2 / np.sqrt(n_rows)


def batch_size_of(estimator, n_rows):
    """Rows in a batch, and the rows that a step should have room for."""
    wanted = estimator.batch_size
    if wanted == "auto":
        # 1/40 of the rows, as the nearest power of two from 32 to 256.
        wanted = 2 ** int(np.clip(np.round(np.log2(n_rows / 40)), 5, 8))
    elif wanted == "full":
        return n_rows, _rounded_up(n_rows)
    elif wanted > n_rows:
        warnings.warn(
            f"Got batch_size={wanted} for {n_rows} training rows. It is clipped to "
            f"{n_rows}; batch_size='full' asks for that.",
            stacklevel=2,
        )
    if wanted > n_rows:
        return n_rows, min(wanted, _rounded_up(n_rows))
    return int(wanted), int(wanted)


def _rounded_up(rows):
    """To a few sizes, so that folds of unequal size have the same structure."""
    unit = max(8, 2 ** int(np.log2(rows)) // 8)
    return -(-rows // unit) * unit


def schedule_of(estimator, settings, steps, taken, first_step, is_partial=False):
    """The learning rate of each step of a training.

    Parameters
    ----------
    steps : int
        Steps in which the schedule runs through.
    taken : int
        How many of them were taken before.
    first_step : int
        The lane's step that comes first.
    is_partial : bool
        Whether the end of training is not known.
    """
    rate = settings.numbers["learning_rate"]
    name, share = estimator.schedule, estimator.warmup
    if isinstance(name, str) and name == "auto":
        name, share = ("constant", share) if is_partial else ("cosine", share or 0.1)
    warmup = round(share * steps)
    keras_schedule = _keras_schedule(estimator, settings)
    if keras_schedule is None:
        start = first_step - taken
        return Schedule(name, rate, steps, warmup, start)
    numbering = np.arange(taken, max(steps, taken + 1))
    table = _values(keras_schedule, numbering)
    table *= np.minimum((numbering + 1) / max(round(estimator.warmup * steps), 1), 1.0)
    return Schedule("constant", rate, steps, warmup, first_step, table)


def _keras_schedule(estimator, settings):
    """The Keras schedule that the user gave, by itself or in an optimizer, or None."""
    if is_keras_schedule(estimator.schedule):
        return estimator.schedule
    return settings.schedule if estimator.schedule in ("auto", "constant") else None


def _values(keras_schedule, steps):
    """A Keras schedule's values at many steps, traced once and not called for each."""
    ops = keras().ops
    values = ops.vectorized_map(
        lambda step: ops.convert_to_tensor(keras_schedule(step), "float32"),
        ops.convert_to_tensor(steps, "int64"),
    )
    return np.array(values, float)


def kernel_initializers(estimator, n_layers):
    """The Keras initializer of each layer's kernel, as a name or an object."""
    wanted = estimator.initializer
    if not (isinstance(wanted, str) and wanted == "auto"):
        return [wanted] * n_layers
    usual = dict.fromkeys(_RELU_FAMILY, "he_normal") | {"selu": "lecun_normal"}
    hidden = usual.get(activation_name(estimator.activation), "glorot_uniform")
    return [hidden] * (n_layers - 1) + ["glorot_uniform"]


@cache
def _takes_seed(kind):
    return "seed" in inspect.signature(kind).parameters


def seeded(initializer, seed):
    """A Keras initializer, from a name or an instance, that draws from this seed.

    An instance with a seed of its own keeps it. Keras takes seeds that are left open
    from Python's global generator, so none is.
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
