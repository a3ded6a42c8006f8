"""Build the job that the engine trains, from an estimator and its samples."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from ..engine import (
    Job,
    Rows,
    State,
    Stopping,
    draw_kernel,
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
    schedule_of,
    seeded,
    structure_of,
)
from .functions import check_activation, drawn
from .inputs import Standardizer
from .optimizer import optimizer_settings

MAX_CACHED_SIZE = 20_000
SHARE_OF_RISE = 0.5  # of the training, in which `feature_l1` rises to its strength


@dataclass(frozen=True)
class TrainingRun:
    """How a training relates to the estimator's earlier ones.

    Attributes
    ----------
    seed : int
    continues : bool
        Whether training continues from the estimator's current state.
    is_partial : bool
        Whether it is one epoch over a part of the data (`partial_fit`), not a fit.
    chosen : dict
        Parameters that pilots chose in place of "auto".
    """

    seed: int
    continues: bool
    is_partial: bool
    chosen: dict = field(default_factory=dict)


def job_of(estimator, training, validation, run, like=None):
    """The structure and the job of a training, from the user's samples.

    `like` is a job from the same samples and settings, whose rows this one takes.
    """
    settings = optimizer_settings(estimator)
    is_partial, dtype = run.is_partial, floatx()
    if like is None:
        rows = encoded_rows(estimator, training, dtype, keeps_scale=is_partial)
        held_out = validation and _validation_rows(estimator, validation, dtype)
    else:
        rows, held_out = like.rows, like.validation
    batch_size, max_batch_size = batch_size_of(estimator, len(rows))
    structure = structure_of(estimator, settings, max_batch_size)
    check_activation(structure.activation, structure.hidden)
    numbers = numbers_of(estimator, settings, None if is_partial else len(rows))
    state = initial_state(estimator, structure, numbers, run)
    steps_per_epoch = -(-len(rows) // batch_size)
    if not is_partial:  # a part of a stream has no known end
        n_steps = SHARE_OF_RISE * estimator.epochs * steps_per_epoch
        numbers["feature_l1_steps"] = max(n_steps, 1.0)
    job = Job(
        state=state,
        rows=rows,
        numbers=numbers,
        schedule=schedule_of(
            estimator,
            settings,
            steps=estimator.epochs * steps_per_epoch,
            # Calls of partial_fit share one schedule; each fit has its own.
            steps_taken=state.step if is_partial else 0,
            first_step=state.step,
            is_partial=is_partial,
        ),
        batch_size=batch_size,
        epochs=1 if is_partial else estimator.epochs,
        seed=run.seed,
        validation=held_out,
        monitor=_monitored(estimator),
        stopping=None if is_partial else _stopping(estimator),
    )
    return structure, job


def _validation_rows(estimator, sample, dtype):
    try:
        return encoded_rows(estimator, sample, dtype)
    except ValueError as error:
        raise ValueError(f"In the validation rows: {error}") from error


def encoded_rows(estimator, sample, dtype, keeps_scale=False):
    """Convert a sample to the engine's `Rows`, without rows of weight zero.

    Weights are scaled to mean 1, so that only their ratios count. If `keeps_scale`,
    they are not, so that they mean the same in every part of the data.
    """
    weight = sample.weight
    if not keeps_scale:  # products and sums of huge weights would overflow
        weight = weight / (weight.max() or 1)
    with np.errstate(over="ignore"):
        weight = weight * estimator._class_weights(sample)
    limit = float(np.finfo(dtype).max) ** 0.5  # optimizers square the gradients
    if keeps_scale and weight.max(initial=0) > limit:
        raise ValueError(
            "Weights of partial_fit (sample_weight, or its product with class_weight) "
            f"must be at most {limit:.1e} ({dtype}). Got {weight.max()}: divide the "
            "weights of all parts by the same constant."
        )
    if not weight.any():
        raise ValueError(
            "The weights of all rows are 0 (sample_weight, or its product with "
            "class_weight). At least one row must have a weight above 0."
        )
    if not weight.all():
        sample, weight = sample[weight > 0], weight[weight > 0]
    if not keeps_scale:
        weight = weight / weight.max()
        weight = weight / weight.mean()
    standardizer = Standardizer(**estimator._input_statistics)
    with np.errstate(over="ignore"):
        y = estimator._coder().encode(sample.y).astype(dtype)
    if not np.isfinite(y).all():
        raise ValueError(
            f"Input y contains a value too large for dtype({dtype!r}). Divide y by a "
            "constant."
        )
    return Rows(standardizer.transform(sample.X, dtype), y, weight.astype(dtype))


def initial_state(estimator, structure, numbers, run):
    """The state that training starts from: a new one, or the estimator's."""
    if not run.continues:
        initializers = kernel_initializers(estimator, len(structure.widths) - 1)

        def draw(layer, shape, seed):
            return _initial_kernel(initializers[layer], shape, seed, structure.dtype)

        weights, moving = initial_weights(structure, draw, run.seed)
        slots = initial_slots(structure, weights, numbers)
        return State(weights, moving, slots)
    before, state = estimator._structure(), estimator._training_state()
    for what, wanted in (
        (weight_shapes, "the same hidden_layer_sizes and batchnorm"),
        (output_activation, "a loss with the same kind of output"),
        (lambda structure: structure.dtype, "the same floatx of Keras"),
    ):
        if what(before) != what(structure):
            raise ValueError(
                f"Training can continue (warm_start, partial_fit) only with {wanted} "
                "as in the earlier fit. Got a change: undo it, or fit with "
                "warm_start=False."
            )
    if (before.optimizer, before.options) != (structure.optimizer, structure.options):
        slots = initial_slots(structure, state.weights, numbers)
        state = replace(state, slots=slots, step=0)
    return state


def _initial_kernel(initializer, shape, seed, dtype):
    """Draw the initial values of a kernel."""
    if not isinstance(initializer, str):
        return drawn(seeded(initializer, seed), shape, dtype)
    if np.prod(shape) <= MAX_CACHED_SIZE:
        return _cached_kernel(initializer, shape, seed, dtype)
    return draw_kernel(seeded(initializer, seed), shape, dtype)


@lru_cache(128)
def _cached_kernel(initializer, shape, seed, dtype):
    """Draw a small kernel, cached: candidates of a search often share their start."""
    return draw_kernel(seeded(initializer, seed), shape, dtype)


def _monitored(estimator):
    """Name of the history entry that determines the best epoch."""
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
