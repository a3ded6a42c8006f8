"""From an estimator and its samples to the job that the engine trains."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..engine import (
    Job,
    Rows,
    State,
    Stopping,
    floatx,
    initial_slots,
    initial_weights,
    output_activation,
    weight_shapes,
)
from .configuration import (
    batch_size_of,
    kernel_initializers,
    numbers_of,
    optimizer_settings,
    schedule_of,
    seeded,
    structure_of,
)
from .inputs import Standardizer

REMEMBERED_SIZE = 20_000


@dataclass(frozen=True)
class TrainingRun:
    """How a training stands to those before it.

    Attributes
    ----------
    seed : int
    continues : bool
        From the state that the estimator has.
    is_partial : bool
        One epoch over a part of the data, not a fit.
    """

    seed: int
    continues: bool
    is_partial: bool


def job_of(estimator, training, validation, run):
    """The structure and the job of this training, from samples as they were given."""
    settings = optimizer_settings(estimator)
    is_partial, dtype = run.is_partial, floatx()
    rows = _rows(estimator, training, dtype, keeps_scale=is_partial)
    batch_size, room = batch_size_of(estimator, len(rows))
    structure = structure_of(estimator, settings, room)
    numbers = numbers_of(estimator, settings, None if is_partial else len(rows))
    state = initial_state(estimator, structure, numbers, run)
    steps_per_epoch = -(-len(rows) // batch_size)
    job = Job(
        state=state,
        rows=rows,
        numbers=numbers,
        schedule=schedule_of(
            estimator,
            settings,
            steps=estimator.epochs * steps_per_epoch,
            # Parts of the data follow one schedule, fits have each their own.
            taken=state.step if is_partial else 0,
            first_step=state.step,
            is_partial=is_partial,
        ),
        batch_size=batch_size,
        epochs=1 if is_partial else estimator.epochs,
        seed=run.seed,
        validation=validation and _rows(estimator, validation, dtype),
        monitor=_monitored(estimator),
        stopping=None if is_partial else _stopping(estimator),
    )
    return structure, job


def _rows(estimator, sample, dtype, keeps_scale=False):
    """The sample as the engine takes it, without what weighs nothing.

    Weights are brought to mean 1, so that only their ratios count, unless they have to
    mean the same in other parts of the data.
    """
    weight = sample.weight * estimator._class_weights(sample.y)
    if not weight.any():
        raise ValueError(
            "The weights of all rows are 0 (sample_weight, or its product with "
            "class_weight). At least one row must have a weight above 0."
        )
    if not weight.all():
        sample, weight = sample[weight > 0], weight[weight > 0]
    if not keeps_scale:
        weight = weight / weight.max()  # a sum of huge weights would overflow
        weight = weight / weight.mean()
    standardizer = Standardizer(**estimator._input_statistics)
    with np.errstate(over="ignore"):
        y = estimator._coder().encode(sample.y).astype(dtype)
    if not np.isfinite(y).all():
        raise ValueError(f"Input y contains a value too large for dtype({dtype!r}).")
    return Rows(standardizer.transform(sample.X, dtype), y, weight.astype(dtype))


def initial_state(estimator, structure, numbers, run):
    """The state that training starts from."""
    if not run.continues:
        initializers = kernel_initializers(estimator, len(structure.widths) - 1)

        def draw(layer, shape, seed):
            return _drawn(initializers[layer], shape, seed, structure.dtype)

        weights, moving = initial_weights(structure, draw, run.seed)
        slots = initial_slots(structure, weights, numbers)
        return State(weights, moving, slots)
    before, state = estimator._structure(), estimator._training_state()
    for what, parameters in (
        (weight_shapes, "hidden_layer_sizes and batchnorm"),
        (output_activation, "a loss with the same kind of output"),
        (lambda structure: structure.dtype, "Keras's floatx"),
    ):
        if what(before) != what(structure):
            raise ValueError(
                "Training can go on (warm_start, partial_fit) only from the same "
                f"network: with the same {parameters} as in the fit before. Got others:"
                " fit with warm_start=False."
            )
    if (before.optimizer, before.options) != (structure.optimizer, structure.options):
        slots = initial_slots(structure, state.weights, numbers)
        state = replace(state, slots=slots, step=0)
    return state


def _drawn(initializer, shape, seed, dtype):
    """A kernel before training."""
    if isinstance(initializer, str) and np.prod(shape) <= REMEMBERED_SIZE:
        return _remembered(initializer, shape, seed, dtype)
    return seeded(initializer, seed)(shape, dtype)


@lru_cache(128)
def _remembered(initializer, shape, seed, dtype):
    """A small kernel: the candidates of a search often start from the same ones."""
    return np.asarray(seeded(initializer, seed)(shape, dtype))


def _monitored(estimator):
    """The history's entry that decides on the best epoch."""
    is_loss = estimator.monitor in ("loss", "val_loss")
    return estimator.monitor if is_loss else f"val_{estimator.monitor}"


def _stopping(estimator):
    if not estimator.early_stopping:
        return None
    return Stopping(
        patience=estimator.patience,
        min_delta=estimator.min_delta,
        restore_best_weights=bool(estimator.restore_best_weights),
    )
