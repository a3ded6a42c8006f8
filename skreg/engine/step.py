"""The training step, validation loss and prediction, for all lanes of a stack."""

from . import ops
from .backends import backend
from .features import feature_penalty
from .losses import LOSSES, one_hot
from .network import forward, forward_training
from .noise import step_key
from .numbers import unpack_numbers
from .optimizers import clip_gradients
from .packing import grouped, pack, separate, unpack
from .update import updated


def train_step(structure, state, n, x, y, weight, learning_rate, mixed, key):
    """Take one training step with every lane.

    Parameters
    ----------
    state : dict with "weights", "moving", "slots" and "step"
        The first three hold arrays of groups: see `packing.groups`. "step" is the
        number of steps taken so far, shape (lanes, 1, 1).
    n : dict of str to array of shape (lanes, 1, 1)
        The lanes' numbers.
    x, y, weight : arrays of shapes (lanes, batch, ...) and (lanes, batch)
        A weight of zero marks padding.
    learning_rate : array of shape (lanes,)
    mixed : array of shape (lanes, batch)
        The share of each row's partner in mixup; not read if no lane uses mixup.
    key : array of shape (lanes, 1, 1), dtype uint32
        Random key of this step, for dropout and noise.

    Returns
    -------
    state : dict
    loss : array of shape (lanes,)
        Mean loss over the rows, penalties included.
    """
    mask = ops.cast(weight > 0, structure.dtype)
    rows = ops.maximum(ops.sum(mask, axis=1), 1.0)
    n = n | {"learning_rate": learning_rate[:, None, None]}
    targets = [(y, weight)]
    if "mixup" in structure.remedies:
        x, targets = mixtures(x, y, weight, mixed * mask)

    def objective(weights):
        raw, moments, activities = forward_training(
            structure, weights, x, n, mask[..., None], key
        )
        loss = _activity_penalties(structure, activities, n, mask)
        for own, share in targets:
            loss = loss + _summed_losses(structure, own, raw, n, share)
        return loss / rows, moments

    weights = separate(structure, state["weights"])
    slopes, loss, moments = backend().gradients(objective, weights)
    penalty, penalty_slopes = penalties(structure, weights, n)
    loss = loss + penalty
    slopes = {k: v + penalty_slopes.get(k, 0.0) for k, v in slopes.items()}
    if structure.clipping:
        slopes = clip_gradients(slopes, structure.clipping, n["clip"])
    step = state["step"] + 1
    moving = {}
    if moments:
        share, now = n["batchnorm_momentum"], grouped(structure, moments)["moving"]
        moving["moving"] = state["moving"]["moving"] * share + now * (1 - share)
    weights, slots = updated(structure, state, grouped(structure, slopes), n, step)
    return {"weights": weights, "moving": moving, "slots": slots, "step": step}, loss


def mixtures(x, y, weight, mixed):
    """Mixup: mix each row with the row before it (Zhang et al. 2018).

    The partner of the first row is the second row, since the last one may be padding.

    Parameters
    ----------
    x, y, weight
        As in `train_step`.
    mixed : array of shape (lanes, batch)
        The share of the partner; replaced by 0 if the partner is padding.

    Returns
    -------
    x : array
    targets : list of (y, weight)
        Targets of the rows and of their partners, weighted by their shares.
    """
    partners, others, partner_weight = map(_partners, (x, y, weight))
    mixed = mixed * ops.cast(partner_weight > 0, mixed.dtype)
    x = x + mixed[..., None] * (partners - x)
    return x, [(y, (1 - mixed) * weight), (others, mixed * partner_weight)]


def _partners(array):
    """Each row's partner in mixup, shape (lanes, batch, ...)."""
    if array.shape[1] == 1:  # there is no other row
        return ops.zeros_like(array)
    return ops.concatenate([array[:, 1:2], array[:, :-1]], axis=1)


def _summed_losses(structure, y, raw, n, weight):
    """Sum of the rows' weighted losses, shape (lanes,)."""
    loss = LOSSES[structure.loss]
    if loss.one_hot:
        y = one_hot(y, structure.n_outputs)
    weighted = loss.function(y, raw, n) * weight
    return ops.sum(ops.where(weight > 0, weighted, 0.0), axis=1)  # padding may overflow


def _activity_penalties(structure, activities, n, mask):
    """Sum of the rows' activity penalties, shape (lanes,); 0.0 if there are none."""
    total = 0.0
    if "activity_penalties" in structure.remedies:
        for activity in activities:
            activity = ops.where(mask[..., None] > 0, activity, 0.0)
            l1, l2 = n["activity_l1"], n["activity_l2"]
            penalty = l1 * ops.abs(activity) + l2 * ops.square(activity)
            total = total + ops.sum(penalty, axis=(1, 2))
    return total


def penalties(structure, weights, n):
    """Penalties of kernels and biases, shape (lanes,), and gradients of l1 and l2.

    The gradients are written out, so that they cost nothing compared with the update.
    The sum over a kernel's rows is a product with ones, which takes a third of the time
    of a sum and adds in the same order in stacks of any size.
    """
    total, slopes = 0.0, {}
    for name, weight in weights.items():
        kind = name.split("_")[0]
        if kind not in ("kernel", "bias"):
            continue
        prefix = "" if kind == "kernel" else "bias_"
        terms, slope = [], 0.0
        if (l1 := f"{prefix}l1") in structure.remedies:
            terms.append(n[l1] * ops.abs(weight))
            slope = slope + n[l1] * ops.sign(weight)
        if (l2 := f"{prefix}l2") in structure.remedies:
            terms.append(n[l2] * ops.square(weight))
            slope = slope + 2 * n[l2] * weight
        if terms:
            ones = ops.ones_like(ops.swapaxes(weight[:, :, :1], 1, 2))
            total = total + ops.sum(ops.matmul(ones, sum(terms)), axis=(1, 2))
        slopes[name] = slope
    if "feature_l1" in structure.remedies:  # it has a proximal step, no gradient
        total = total + feature_penalty(structure, weights, n)
    return total, slopes


def run_steps(structure, rows, step, seed, numbers, chunk, n_steps):
    """Run `train_step` for the first `n_steps` steps of a chunk, in one loop.

    Parameters
    ----------
    rows : array of shape (lanes, row_size)
        The lanes' states, packed.
    step, seed : arrays of shape (lanes,), dtypes int32 and uint32
        Steps that each lane has taken, and the seed of its noise.
    numbers : array of shape (lanes, n_numbers)
    chunk : Chunk
    n_steps : int array of shape ()

    Returns
    -------
    rows, step : arrays, as the parameters
    losses : array of shape (steps, lanes)
    """
    n = unpack_numbers(structure, numbers)
    x, y, weight, learning_rate, mixed = chunk
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
            mixed[:, i],
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
    """Summed validation losses of a batch and weight penalties, each (lanes,)."""
    n, parts = unpack_numbers(structure, numbers), unpack(structure, rows)
    weights, moving = (separate(structure, parts[k]) for k in ("weights", "moving"))
    raw, activities = forward(structure, weights, moving, x, n)
    mask = ops.cast(weight > 0, structure.dtype)
    total = _summed_losses(structure, y, raw, n, weight)
    total = total + _activity_penalties(structure, activities, n, mask)
    penalty, _ = penalties(structure, weights, n)
    return total, penalty + ops.zeros_like(total)


def raw_outputs(structure, weights, moving, numbers, x):
    """Outputs before the output activation, shape (lanes, rows, n_outputs)."""
    n = unpack_numbers(structure, numbers)
    return forward(structure, weights, moving, x, n)[0]


def activities(structure, weights, moving, numbers, x):
    """Output of each hidden activation in prediction, each (lanes, rows, units)."""
    n = unpack_numbers(structure, numbers)
    return tuple(forward(structure, weights, moving, x, n)[1])
