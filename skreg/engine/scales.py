"""What each optimizer divides the gradient by, for the proximal step of `features`.

A function ``scale(slots, n, step, options)`` returns it, without the learning rate,
given the slots after the step; its arguments are those of the optimizers' rules.
"""

from . import ops
from .optimizers import positive_power


def _sgd(slots, n, step, options):
    momentum = n["momentum"]
    # Keras's form of Nesterov holds the weights one look ahead. Its step at rest is
    # 1 / (1 - momentum + momentum**2) times the change that is carried over.
    is_ahead = "nesterov" in options
    return 1 / (1 - momentum + momentum**2) if is_ahead else ops.ones_like(momentum)


def _adagrad(slots, n, step, options):
    return ops.sqrt(slots["accumulator"] + n["epsilon"])


def _rmsprop(slots, n, step, options):
    variance = slots["velocity"]
    if "centered" in options:
        variance = variance - ops.square(slots["average_gradient"])
    return ops.sqrt(variance + n["epsilon"])


def _adam(slots, n, step, options):
    second = slots["velocity_hat" if "amsgrad" in options else "velocity"]
    correction = ops.sqrt(1 - ops.power(n["beta_2"], step))
    return (ops.sqrt(second) + n["epsilon"]) / correction


def _nadam(slots, n, step, options):
    second_hat = slots["velocity"] / (1 - ops.power(n["beta_2"], step))
    return ops.sqrt(second_hat) + n["epsilon"]


def _adamax(slots, n, step, options):
    return slots["norm"] + n["epsilon"]


def _adadelta(slots, n, step, options):
    epsilon = n["epsilon"]
    squares = slots["accumulated_grad"] + epsilon
    return ops.sqrt(squares / (slots["accumulated_delta_var"] + epsilon))


def _lion(slots, n, step, options):
    return ops.abs(slots["momentum"])  # it steps by the sign of about this


def _ftrl(slots, n, step, options):
    # Its weights answer the sum of all gradients, and so does the sum of penalties.
    l2 = 2 * n["l2_regularization_strength"] * n["learning_rate"] + n["beta"]
    accumulated = positive_power(slots["accumulator"], -n["learning_rate_power"])
    return (accumulated + l2) / step


SCALES = {
    "sgd": _sgd,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adam,
    "nadam": _nadam,
    "adamax": _adamax,
    "adadelta": _adadelta,
    "lion": _lion,
    "ftrl": _ftrl,
}

# Slots that hold steps of the weights, with their sign, by optimizer.
HELD_STEPS = {"sgd": {"momentum": 1.0}, "rmsprop": {"momentum": -1.0}}
