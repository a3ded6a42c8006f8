"""Settings of the optimizer: from the parameters, or from a Keras optimizer."""

from dataclasses import dataclass, replace

import numpy as np

from ..engine import OPTIMIZERS, keras, start_backend
from .parameters import is_keras_optimizer, is_keras_schedule


@dataclass(frozen=True)
class OptimizerSettings:
    """Optimizer settings from the estimator's parameters or a Keras optimizer.

    `numbers` holds every number that the update rule reads, including `learning_rate`.
    `clipping` is None or Keras's name of the clipping method, `clip` is its limit.
    `schedule` is None or the Keras schedule of a given Keras optimizer.
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
        defaults = OPTIMIZERS[name].defaults
        settings = OptimizerSettings(name, frozenset(options), defaults)
    given = {
        name: float(getattr(estimator, name))
        for name in settings.numbers
        if getattr(estimator, name, None) is not None
    }
    settings = replace(settings, numbers={**settings.numbers, **given})
    if "learning_rate" in given:
        settings = replace(settings, schedule=None)
    if estimator.clipnorm is not None:
        limit = float(estimator.clipnorm)
        settings = replace(settings, clipping="clipnorm", clip=limit)
    if settings.optimizer == "lion" and not settings.numbers["beta_1"]:
        raise ValueError(
            "The 'beta_1' parameter must be above 0 for optimizer='lion', as in Keras. "
            "Got 0."
        )
    return settings


def check_decay(optimizer):
    """Raise ValueError for a Keras optimizer whose decay leaves weights out.

    Keras keeps them in private attributes, which no copy of the optimizer has.
    """
    for excluded in ("", "_pattern"):
        if getattr(optimizer, f"_exclude_from_weight_decay{excluded}", None):
            raise ValueError(
                "The 'optimizer' parameter must not exclude weights from weight decay "
                "(exclude_from_weight_decay): here it acts on all. Got such an "
                f"instance of {type(optimizer).__name__}."
            )


def _from_keras(optimizer):
    """The `OptimizerSettings` of a Keras optimizer instance."""
    start_backend()
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
    check_decay(optimizer)
    # The config has a schedule as a dictionary; the attribute gives its current value.
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
