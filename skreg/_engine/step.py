"""What a training step computes for every lane, and what a network predicts."""

from functools import partial

from .._keras import keras
from . import ops
from .losses import LOSSES, one_hot
from .network import forward, forward_training
from .noise import step_key
from .numbers import unpack_numbers
from .optimizers import OPTIMIZERS, clip_gradients
from .packing import pack, unpack
from .tensorflow import gradients


def train_step(structure, state, n, x, y, weight, learning_rate, key):
    """One step of every lane.

    Parameters
    ----------
    state : dict with "weights", "moving", "slots" and "step"
        "step" counts the steps that were taken, shape (lanes, 1, 1).
    n : dict of str to array of shape (lanes, 1, 1)
        The lanes' numbers.
    x, y, weight : arrays of shapes (lanes, batch, ...) and (lanes, batch)
        A lane whose weights are all zero rests: its state stays as it is.
    learning_rate : array of shape (lanes,)
    key : array of shape (lanes, 1, 1), dtype uint32
        What the noise of this step is drawn from.

    Returns
    -------
    state : dict
    loss : array of shape (lanes,)
        Mean loss of the rows, penalties included.
    """
    mask = ops.cast(weight > 0, structure.dtype)
    rows = ops.maximum(ops.sum(mask, axis=1), 1.0)
    n = n | {"learning_rate": learning_rate[:, None, None]}

    def objective(weights):
        raw, moving, activities = forward_training(
            structure, weights, state["moving"], x, n, mask[..., None], key
        )
        loss = _summed_losses(structure, y, raw, activities, n, weight) / rows
        if "penalties" in structure.remedies:
            loss = loss + penalties(weights, n)
        return loss, moving

    slopes, loss, moving = gradients(objective, state["weights"])
    if structure.clipping:
        slopes = clip_gradients(slopes, structure.clipping, n["clip"])
    step = state["step"] + 1
    weights, slots = _update(structure, state, slopes, n, step)
    new = {"weights": weights, "moving": moving, "slots": slots, "step": step}
    runs = ops.any(weight > 0, axis=1)[:, None, None]
    old = {name: state[name] for name in new}
    return keras().tree.map_structure(partial(ops.where, runs), new, old), loss


def _summed_losses(structure, y, raw, activities, n, weight):
    """The rows' weighted losses and activity penalties, summed; shape (lanes,)."""
    loss = LOSSES[structure.loss]
    if loss.one_hot:
        y = one_hot(y, structure.n_outputs)
    total = ops.sum(loss.function(y, raw, n) * weight, axis=1)
    if "activity_penalties" in structure.remedies:
        mask = ops.cast(weight > 0, structure.dtype)[..., None]
        for activity in activities:
            total = total + _penalty(activity * mask, n, "activity_")
    return total


def _update(structure, state, slopes, n, step):
    """New weights and slots: decoupled weight decay, the rule, then the constraint."""
    optimizer = OPTIMIZERS[structure.optimizer]
    decay = 1 - n["weight_decay"] * n["learning_rate"]
    step = ops.cast(step, structure.dtype)
    weights, slots = {}, {slot: {} for slot in state["slots"]}
    for name, old in state["weights"].items():
        own = {slot: arrays[name] for slot, arrays in state["slots"].items()}
        new, own = optimizer.rule(
            old * decay, slopes[name], own, n, step, structure.options
        )
        if "max_norm" in structure.remedies and name.startswith("kernel"):
            new = _within_norm(new, n["max_norm"])
        weights[name] = new
        for slot, array in own.items():
            slots[slot][name] = array
    return weights, slots


def _within_norm(kernel, limit):
    """Each unit's incoming weights, scaled back as Keras's MaxNorm does."""
    norm = ops.sqrt(ops.sum(ops.square(kernel), axis=1, keepdims=True))
    factor = ops.minimum(norm, limit) / (norm + 1e-7)
    # Keras's 1e-7 shrinks every kernel a little: not that of a lane without a limit.
    return kernel * ops.where(ops.isinf(limit), 1.0, factor)


def penalties(weights, n):
    """The l1 and l2 penalties of each lane's kernels and biases, shape (lanes,)."""
    total = 0.0
    for name, weight in weights.items():
        if name.startswith("kernel"):
            total = total + _penalty(weight, n, "")
        elif name.startswith("bias"):
            total = total + _penalty(weight, n, "bias_")
    return total


def _penalty(array, n, prefix):
    l1, l2 = n[f"{prefix}l1"], n[f"{prefix}l2"]
    return ops.sum(l1 * ops.abs(array) + l2 * ops.square(array), axis=(1, 2))


def run_steps(structure, rows, step, seed, numbers, chunk, n_steps):
    """`train_step` over the first `n_steps` steps of a chunk, in one loop.

    Parameters
    ----------
    rows : array of shape (lanes, row_size)
        The lanes' states, packed.
    step, seed : arrays of shape (lanes,), dtypes int32 and uint32
        Steps that each lane has taken, and what its noise is drawn from.
    numbers : array of shape (lanes, n_numbers)
    chunk : Chunk
    n_steps : int array of shape ()

    Returns
    -------
    rows, step : arrays, as the parameters
    losses : array of shape (steps, lanes)
    """
    n = unpack_numbers(structure, numbers)
    x, y, weight, learning_rate = chunk
    numbering = ops.arange(x.shape[1], dtype="int32")[:, None]
    state = unpack(structure, rows) | {"step": step[:, None, None]}
    seed = seed[:, None, None]

    def body(i, state, losses):
        state, loss = train_step(
            structure,
            state,
            n,
            x[:, i],
            y[:, i],
            weight[:, i],
            learning_rate[:, i],
            step_key(seed, state["step"]),
        )
        return i + 1, state, ops.where(numbering == i, loss[None], losses)

    _, state, losses = ops.while_loop(
        lambda i, state, losses: i < n_steps,
        body,
        (0, state, ops.zeros((x.shape[1], x.shape[0]), structure.dtype)),
    )
    return pack(structure, state), state["step"][:, 0, 0], losses


def evaluate(structure, rows, numbers, x, y, weight):
    """Summed losses of the batch and the weights' penalties, each of shape (lanes,)."""
    n, parts = unpack_numbers(structure, numbers), unpack(structure, rows)
    weights = parts["weights"]
    raw, activities = forward(structure, weights, parts["moving"], x, n)
    total = _summed_losses(structure, y, raw, activities, n, weight)
    if "penalties" in structure.remedies:
        return total, penalties(weights, n)
    return total, ops.zeros_like(total)


def predict(structure, weights, moving, numbers, x):
    """What the network predicts, shape (lanes, rows, n_outputs)."""
    raw, _ = forward(structure, weights, moving, x, unpack_numbers(structure, numbers))
    activation = LOSSES[structure.loss].activation
    return keras().activations.get(activation)(raw)
