"""Compiled programs, and all that the engine takes from TensorFlow itself.

A program is a pure function of arrays: state goes in and comes out, so that threads can
share it. Programs are cached for the process; `compilations` counts what was compiled.
"""

import threading
import warnings
from collections import Counter, OrderedDict
from functools import partial

import numpy as np

from .._keras import keras
from . import ops
from .batches import chunk_steps
from .losses import LOSSES, one_hot
from .network import forward, forward_training
from .noise import step_key
from .optimizers import OPTIMIZERS, clip_gradients

CACHED_PROGRAMS = 64
# Multiplications and additions of one lane's forward step above which a matrix product
# fills the cores by itself, and TensorFlow's own kernels beat XLA's.
XLA_STEP_WORK = 10_000_000

compilations = Counter()  # by (structure, lanes)
_programs = OrderedDict()
_lock = threading.Lock()


def _tensorflow():
    keras()
    import tensorflow

    return tensorflow


# --- what a step computes


def train_step(structure, state, n, x, y, weight, learning_rate):
    """One step of every lane.

    Parameters
    ----------
    state : dict with "weights", "moving", "slots" and "step"
        "step" has shape (lanes, 1, 1) and counts the steps that were taken.
    n : dict of str to array of shape (lanes, 1, 1)
        The lanes' numbers; ``n["seed"]`` has dtype uint32 and ``n["dropout"]`` holds
        such an array for each hidden layer.
    x, y, weight : arrays of shapes (lanes, batch, ...) and (lanes, batch)
        A lane whose weights are all zero rests: its state stays as it is.
    learning_rate : array of shape (lanes,)

    Returns
    -------
    state : dict
    loss : array of shape (lanes,)
        Mean loss of the rows, penalties included.
    """
    mask = ops.cast(weight > 0, structure.dtype)
    rows = ops.maximum(ops.sum(mask, axis=1), 1.0)
    n = n | {"learning_rate": learning_rate[:, None, None]}
    key = step_key(n["seed"], state["step"])
    entry = LOSSES[structure.loss]
    if entry.one_hot:
        y = one_hot(y, structure.n_outputs)

    def objective(weights):
        raw, moving, activities = forward_training(
            structure, weights, state["moving"], x, n, mask[..., None], key
        )
        loss = ops.sum(entry.function(y, raw, n) * weight, axis=1) / rows
        if "penalties" in structure.remedies:
            loss = loss + penalties(weights, n)
        if "activity_penalties" in structure.remedies:
            for activity in activities:
                cost = _penalty(activity * mask[..., None], n, "activity_")
                loss = loss + cost / rows
        return loss, moving

    weights = state["weights"]
    gradients, loss, moving = _gradients(objective, weights)
    if structure.clipping:
        gradients = clip_gradients(gradients, structure.clipping, n["clip"])
    step = state["step"] + 1
    weights, slots = _update(structure, weights, gradients, state["slots"], n, step)
    new = {"weights": weights, "moving": moving, "slots": slots, "step": step}
    runs = ops.any(weight > 0, axis=1)[:, None, None]
    tf = _tensorflow()
    return tf.nest.map_structure(partial(_choose, runs), new, state), loss


def _choose(runs, new, old):
    return ops.where(runs, new, old)


def _gradients(objective, weights):
    """Gradients of each lane's objective, with its value and what else it returns.

    A lane's objective depends on its own weights alone, so the gradient of the sum
    holds every lane's own.
    """
    tf = _tensorflow()
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)
        loss, other = objective(weights)
        total = ops.sum(loss)
    return tape.gradient(total, weights), loss, other


def _update(structure, weights, gradients, slots, n, step):
    """New weights and slots: decoupled weight decay, the rule, then the constraint."""
    optimizer = OPTIMIZERS[structure.optimizer]
    decay = 1 - n["weight_decay"] * n["learning_rate"]
    step = ops.cast(step, structure.dtype)
    new_weights, new_slots = {}, {slot: {} for slot in slots}
    for name, weight in weights.items():
        weight, own = optimizer.rule(
            weight * decay,
            gradients[name],
            {slot: slots[slot][name] for slot in slots},
            n,
            step,
            structure.options,
        )
        if "max_norm" in structure.remedies and name.startswith("kernel"):
            norm = ops.sqrt(ops.sum(ops.square(weight), axis=1, keepdims=True))
            weight = weight * ops.minimum(norm, n["max_norm"]) / (norm + 1e-7)
        new_weights[name] = weight
        for slot in slots:
            new_slots[slot][name] = own[slot]
    return new_weights, new_slots


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
    l1, l2 = n[f"{prefix}l1"][:, 0, 0], n[f"{prefix}l2"][:, 0, 0]
    absolute = ops.sum(ops.abs(array), axis=(1, 2))
    return l1 * absolute + l2 * ops.sum(ops.square(array), axis=(1, 2))


# --- compiling


def run_steps(structure, state, n, x, y, weight, learning_rate, n_steps):
    """`train_step` over the first `n_steps` steps of a chunk, in one loop.

    Returns the state and the losses, shape (steps, lanes).
    """
    numbering = ops.arange(x.shape[0], dtype="int32")[:, None]

    def body(i, state, losses):
        state, loss = train_step(
            structure, state, n, x[i], y[i], weight[i], learning_rate[i]
        )
        return i + 1, state, ops.where(numbering == i, loss[None], losses)

    _, state, losses = ops.while_loop(
        lambda i, state, losses: i < n_steps,
        body,
        (0, state, ops.zeros(x.shape[:2], structure.dtype)),
    )
    return state, losses


def evaluate(structure, weights, moving, n, x, y, weight):
    """The weighted sum of the rows' losses and the penalties, each of shape (lanes,)."""
    raw = forward(structure, weights, moving, x, n)
    entry = LOSSES[structure.loss]
    if entry.one_hot:
        y = one_hot(y, structure.n_outputs)
    total = ops.sum(entry.function(y, raw, n) * weight, axis=1)
    if "penalties" in structure.remedies:
        return total, penalties(weights, n)
    return total, ops.zeros_like(total)


def predict(structure, weights, moving, n, x):
    """What the network predicts, shape (lanes, rows, n_outputs)."""
    raw = forward(structure, weights, moving, x, n)
    activation = LOSSES[structure.loss].activation
    return keras().activations.get(activation)(raw)


class Program:
    """`run_steps` for one structure and number of lanes.

    It is compiled by XLA when it is first called, unless the structure's products are
    so large that TensorFlow's own kernels are faster.
    """

    def __init__(self, structure, lanes):
        self.key = structure, lanes
        work = structure.batch_size * structure.n_kernel_elements
        self.uses_xla = work < XLA_STEP_WORK
        self._function = None
        self._lock = threading.Lock()

    def __call__(self, *arguments):
        """The state and the losses after the chunk; `arguments` as in `run_steps`."""
        if self._function is None:
            with self._lock:
                if self._function is None:
                    return self._first_call(arguments)
        return self._function(*arguments)

    def _first_call(self, arguments):
        compilations[self.key] += 1
        function = self._build(arguments)
        try:
            result = function(*arguments)
        except _tensorflow().errors.OpError as error:
            if not self.uses_xla:
                raise
            _warn_without_xla(error)
            self.uses_xla = False
            function = self._build(arguments)
            result = function(*arguments)
        self._function = function
        return result

    def _build(self, arguments):
        tf = _tensorflow()
        function = tf.function(
            partial(run_steps, self.key[0]),
            jit_compile=self.uses_xla or None,
            autograph=False,
        )
        return function.get_concrete_function(*arguments)


def _warn_without_xla(error):
    warnings.warn(
        "TensorFlow could not compile this network with XLA, so it trains without, "
        f"which is slower. TensorFlow says: {str(error).splitlines()[0]}",
        RuntimeWarning,
        stacklevel=2,
    )


def _cached(key, make):
    with _lock:
        if key not in _programs:
            _programs[key] = make()
        _programs.move_to_end(key)
        if len(_programs) > CACHED_PROGRAMS:
            _programs.popitem(last=False)
        return _programs[key]


def training_program(structure, lanes):
    """The cached program that trains `lanes` lanes of `structure`."""
    return _cached((structure, lanes), lambda: Program(structure, lanes))


def inference(structure, function, state, n, *rows):
    """Call `evaluate` or `predict`, traced once for any number of lanes and rows."""
    tf = _tensorflow()
    lanes = tf.nest.map_structure(to_tensor, (state["weights"], state["moving"], n))
    rows = tuple(map(to_tensor, rows))

    def make():
        def any_lanes(array):
            return tf.TensorSpec([None, *array.shape[1:]], array.dtype)

        def any_rows(array):
            return tf.TensorSpec([None, None, *array.shape[2:]], array.dtype)

        traced = tf.function(partial(function, structure), autograph=False)
        return traced.get_concrete_function(
            *tf.nest.map_structure(any_lanes, lanes), *map(any_rows, rows)
        )

    return _cached((structure, function.__name__), make)(*lanes, *rows)


def to_tensor(array):
    """A numpy array, or a tensor, as a tensor."""
    return ops.convert_to_tensor(array)


def to_tensors(nested):
    """Numpy arrays in nested dictionaries as tensors."""
    return _tensorflow().nest.map_structure(to_tensor, nested)


def to_arrays(nested):
    """Tensors in nested dictionaries as numpy arrays."""
    return _tensorflow().nest.map_structure(np.asarray, nested)
