"""Build the untrained network of an estimator, for SciKeras to train."""

from math import prod
from types import SimpleNamespace

import numpy as np
from sklearn.utils import check_random_state

from ..engine import keras
from ..fitting import (
    NumberTargets,
    Standardizer,
    TrainingRun,
    check_parameters,
    initial_state,
    is_keras_schedule,
    numbers_of,
    optimizer_settings,
    schedule_of,
    structure_of,
)
from .keras_model import build_model


def build_network(kind, *, meta, params, compile_kwargs, **network):
    """A compiled, untrained Keras model; this is SciKeras's ``model`` function.

    Parameters
    ----------
    kind : type
        MLPRegularizedClassifier or MLPRegularizedRegressor.
    meta : dict
        SciKeras's metadata on the data.
    params : dict
        SciKeras's own parameters.
    compile_kwargs : dict
        Not used: `network` has the loss and the optimizer.
    **network
        The other parameters of `kind`.

    Returns
    -------
    keras.Sequential
    """
    estimator = kind(**network, random_state=params["random_state"])
    check_parameters(estimator, kind._rules)
    if "classes_" in meta:
        estimator.classes_ = meta["classes_"]
        estimator._multilabel = meta["target_type_"] == "multilabel-indicator"
    else:
        n_outputs = meta["n_outputs_"]
        targets = NumberTargets(np.zeros(n_outputs), np.ones(n_outputs), True)
        estimator._targets = vars(targets)
    estimator.n_features_in_ = prod(meta["X_shape_"][1:])
    n_rows = int(meta["X_shape_"][0] * (1 - params["validation_split"]))
    _set_initial_state(estimator, n_rows, _n_steps(n_rows, params))
    return build_model(estimator)


def _n_steps(n_rows, params):
    """Number of steps in a whole fit."""
    batch_size = n_rows if params["batch_size"] == -1 else params["batch_size"]
    return params["epochs"] * -(-n_rows // batch_size)


def _set_initial_state(estimator, n_rows, n_steps):
    """Set the state of the estimator to the one that training would start from."""
    # `InputScaler` has already standardised the inputs.
    standardizer = Standardizer.identity(estimator.n_features_in_)
    estimator._input_statistics = vars(standardizer)
    settings = optimizer_settings(estimator)
    # The batch size is SciKeras's: the engine does not train here.
    structure = structure_of(estimator, settings, max_batch_size=1)
    # The seed that `fit` draws, so that both start from the same weights.
    seed = check_random_state(estimator.random_state).randint(2**31 - 1)
    numbers = numbers_of(estimator, settings, n_rows)
    lane = SimpleNamespace(numbers=numbers, seed=int(seed))
    run = TrainingRun(lane.seed, continues=False, is_partial=False)
    state = initial_state(estimator, structure, lane.numbers, run)
    estimator._take_state(
        structure, lane, state, keras_schedule(estimator, settings, n_steps)
    )


def keras_schedule(estimator, settings, n_steps):
    """The learning rate of the optimizer: a number, or a Keras schedule.

    After a warm-up, Keras's cosine begins one step earlier than the estimators'.

    Raises
    ------
    ValueError
        For a warm-up with a schedule for which Keras has no warm-up.
    """
    if is_keras_schedule(estimator.schedule):
        return estimator.schedule
    if settings.schedule is not None and estimator.schedule in ("auto", "constant"):
        return settings.schedule
    plan = schedule_of(estimator, settings, n_steps, steps_taken=0, first_step=0)
    rate, warmup = plan.learning_rate, plan.warmup_steps
    rises = max(warmup - 1, 0)  # Keras's first step has the rate before the rise
    steps = max(plan.steps - rises, 1)
    kinds = keras().optimizers.schedules
    if plan.name in ("constant", "cosine"):
        start = {"initial_learning_rate": rate}
        if rises:
            start = {"initial_learning_rate": rate / warmup, "warmup_target": rate}
        elif plan.name == "constant":
            return rate
        least = 1.0 if plan.name == "constant" else 0.0
        return kinds.CosineDecay(
            decay_steps=steps, alpha=least, warmup_steps=rises, **start
        )
    if warmup:
        raise ValueError(
            "The 'warmup' parameter cannot be converted to SciKeras: Keras has a "
            "warm-up only with schedule='constant' and 'cosine'. Got "
            f"warmup={estimator.warmup!r} with schedule={plan.name!r}: set warmup=0."
        )
    return {
        "cosine_restarts": lambda: kinds.CosineDecayRestarts(rate, steps / 7),
        "step": lambda: kinds.PiecewiseConstantDecay(
            [0.5 * steps, 0.75 * steps], [rate, 0.1 * rate, 0.01 * rate]
        ),
        "exponential": lambda: kinds.ExponentialDecay(rate, steps, 0.01),
    }[plan.name]()
