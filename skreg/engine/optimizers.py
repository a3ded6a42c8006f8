"""The optimizers' update rules, for weights with a leading lane axis.

The formulas are those of Keras's optimizers; the tests compare them step by step. They
are written again as pure functions for two reasons. Momentum or beta is a number in an
array, one per lane, while Keras compiles it into the program as a constant. And threads
can share one program, since state is passed in and out.

To add an optimizer, add one rule and its row in `OPTIMIZERS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from . import ops


class Slot(NamedTuple):
    """One array of optimizer state that is kept for each weight."""

    keras_attribute: str  # its name in the Keras optimizer
    initial: float | str = 0.0  # a value, or the name of the number that holds it
    scalar: bool = False  # one value per lane, not one per element


@dataclass(frozen=True)
class Optimizer:
    """An optimizer's rule, slots and defaults: a row of `OPTIMIZERS`.

    ``rule(weight, gradient, slots, n, step, options)`` returns the new weight and the
    new slots. ``n`` maps the names of the numbers, and ``"learning_rate"``, to arrays
    of shape (lanes, 1, 1); ``step`` counts from 1 and has the same shape.
    """

    keras_name: str
    rule: Callable
    slots: Mapping[str, Slot]
    # The default value of every number of the optimizer.
    defaults: Mapping[str, float]
    # Slots that exist only with an option of the structure, by option.
    optional_slots: Mapping[str, Mapping[str, Slot]] = field(default_factory=dict)

    def slots_for(self, options):
        """The slots of this optimizer with these `options` (a set of names)."""
        slots = dict(self.slots)
        for option in sorted(options):
            slots |= self.optional_slots.get(option, {})
        return slots


def _sgd(weight, gradient, slots, n, step, options):
    momentum = n["momentum"]
    velocity = slots["momentum"] * momentum - gradient * n["learning_rate"]
    if "nesterov" in options:
        weight = weight + velocity * momentum - gradient * n["learning_rate"]
    else:
        weight = weight + velocity
    return weight, {"momentum": velocity}


def _adagrad(weight, gradient, slots, n, step, options):
    accumulator = slots["accumulator"] + ops.square(gradient)
    weight = weight - n["learning_rate"] * gradient / ops.sqrt(
        accumulator + n["epsilon"]
    )
    return weight, {"accumulator": accumulator}


def _rmsprop(weight, gradient, slots, n, step, options):
    rho = n["rho"]
    velocity = rho * slots["velocity"] + (1 - rho) * ops.square(gradient)
    new_slots = {"velocity": velocity}
    variance = velocity
    if "centered" in options:
        average = rho * slots["average_gradient"] + (1 - rho) * gradient
        new_slots["average_gradient"] = average
        variance = velocity - ops.square(average)
    increment = n["learning_rate"] * gradient / ops.sqrt(variance + n["epsilon"])
    momentum = n["momentum"] * slots["momentum"] + increment
    return weight - momentum, new_slots | {"momentum": momentum}


def _moments(gradient, slots, n):
    """Exponential averages of the gradient and of its square."""
    first = slots["momentum"] + (gradient - slots["momentum"]) * (1 - n["beta_1"])
    second = slots["velocity"] + (ops.square(gradient) - slots["velocity"]) * (
        1 - n["beta_2"]
    )
    return first, second


def _adam(weight, gradient, slots, n, step, options):
    first, second = _moments(gradient, slots, n)
    new_slots = {"momentum": first, "velocity": second}
    # Both moments start at 0; alpha corrects that bias (Kingma & Ba 2015, section 3).
    alpha = (
        n["learning_rate"]
        * ops.sqrt(1 - ops.power(n["beta_2"], step))
        / (1 - ops.power(n["beta_1"], step))
    )
    if "amsgrad" in options:
        second = ops.maximum(slots["velocity_hat"], second)
        new_slots["velocity_hat"] = second
    return weight - first * alpha / (ops.sqrt(second) + n["epsilon"]), new_slots


def _nadam(weight, gradient, slots, n, step, options):
    beta_1 = n["beta_1"]
    u_now = beta_1 * (1 - 0.5 * ops.power(0.96, step))
    u_next = beta_1 * (1 - 0.5 * ops.power(0.96, step + 1))
    product = slots["u_product"] * u_now
    first, second = _moments(gradient, slots, n)
    share_of_first = n["learning_rate"] * u_next / (1 - product * u_next)
    share_of_gradient = n["learning_rate"] * (1 - u_now) / (1 - product)
    correction = 1 / (1 - ops.power(n["beta_2"], step))
    weight = weight - (first * share_of_first + gradient * share_of_gradient) / (
        ops.sqrt(second * correction) + n["epsilon"]
    )
    return weight, {"momentum": first, "velocity": second, "u_product": product}


def _adamax(weight, gradient, slots, n, step, options):
    first = slots["momentum"] + (gradient - slots["momentum"]) * (1 - n["beta_1"])
    norm = ops.maximum(n["beta_2"] * slots["norm"], ops.abs(gradient))
    weight = weight - n["learning_rate"] * first / (
        (1 - ops.power(n["beta_1"], step)) * (norm + n["epsilon"])
    )
    return weight, {"momentum": first, "norm": norm}


def _adadelta(weight, gradient, slots, n, step, options):
    rho, epsilon = n["rho"], n["epsilon"]
    squares = rho * slots["accumulated_grad"] + (1 - rho) * ops.square(gradient)
    before = slots["accumulated_delta_var"] + epsilon
    delta = -gradient * ops.sqrt(before / (squares + epsilon))
    deltas = rho * slots["accumulated_delta_var"] + (1 - rho) * ops.square(delta)
    weight = weight + n["learning_rate"] * delta
    return weight, {"accumulated_grad": squares, "accumulated_delta_var": deltas}


def _lion(weight, gradient, slots, n, step, options):
    momentum, beta_1, beta_2 = slots["momentum"], n["beta_1"], n["beta_2"]
    direction = ops.sign(momentum * beta_1 + gradient * (1 - beta_1))
    momentum = momentum * beta_2 + gradient * (1 - beta_2)
    return weight - n["learning_rate"] * direction, {"momentum": momentum}


def _ftrl(weight, gradient, slots, n, step, options):
    moves, power = n["learning_rate"] > 0, -n["learning_rate_power"]
    rate = ops.where(moves, n["learning_rate"], 1.0)  # a schedule may end at 0
    l1 = n["l1_regularization_strength"]
    l2 = n["l2_regularization_strength"] + n["beta"] / (2 * rate)
    shrunk = gradient + 2 * n["l2_shrinkage_regularization_strength"] * weight
    before = slots["accumulator"]
    accumulator = before + ops.square(gradient)
    root, root_before = (positive_power(a, power) for a in (accumulator, before))
    linear = slots["linear"] + shrunk - (root - root_before) / rate * weight
    new = (ops.clip(linear, -l1, l1) - linear) / (root / rate + 2 * l2)
    return ops.where(moves, new, weight), {
        "accumulator": ops.where(moves, accumulator, before),
        "linear": ops.where(moves, linear, slots["linear"]),
    }


def positive_power(x, power):
    """``x ** power`` for x >= 0; on a CPU this takes a third of `ops.power`'s time."""
    return ops.exp(power * ops.log(ops.maximum(x, 1e-37)))


_MOMENTS = {"momentum": Slot("_momentums"), "velocity": Slot("_velocities")}
_BETAS = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "weight_decay": 0.0}
_AMSGRAD = {"amsgrad": {"velocity_hat": Slot("_velocity_hats")}}

# The defaults are Keras's, with these exceptions. Adam and its variants: rate 0.01, the
# best with the estimators' usual schedule and sizes (docs/design.md). SGD: momentum
# 0.9, as in scikit-learn's MLPClassifier. Adagrad and Adadelta: rates 0.01 and 1, as in
# their papers (with Keras's 0.001 both hardly learn). Lion: rate 1e-4, since its paper
# advises a rate 3 to 10 times smaller than Adam's.
OPTIMIZERS = {
    "sgd": Optimizer(
        "SGD",
        _sgd,
        {"momentum": Slot("momentums")},
        {"learning_rate": 0.01, "momentum": 0.9, "weight_decay": 0.0},
    ),
    "adagrad": Optimizer(
        "Adagrad",
        _adagrad,
        {"accumulator": Slot("_accumulators", "initial_accumulator_value")},
        {
            "learning_rate": 0.01,
            "initial_accumulator_value": 0.1,
            "epsilon": 1e-7,
            "weight_decay": 0.0,
        },
    ),
    "rmsprop": Optimizer(
        "RMSprop",
        _rmsprop,
        _MOMENTS,
        {
            "learning_rate": 1e-3,
            "rho": 0.9,
            "momentum": 0.0,
            "epsilon": 1e-7,
            "weight_decay": 0.0,
        },
        {"centered": {"average_gradient": Slot("_average_gradients")}},
    ),
    "adam": Optimizer(
        "Adam", _adam, _MOMENTS, {"learning_rate": 0.01} | _BETAS, _AMSGRAD
    ),
    "adamw": Optimizer(
        "AdamW",
        _adam,
        _MOMENTS,
        {"learning_rate": 0.01} | _BETAS | {"weight_decay": 0.004},
        _AMSGRAD,
    ),
    "nadam": Optimizer(
        "Nadam",
        _nadam,
        _MOMENTS | {"u_product": Slot("_u_product", 1.0, scalar=True)},
        {"learning_rate": 0.01} | _BETAS,
    ),
    "adamax": Optimizer(
        "Adamax",
        _adamax,
        {"momentum": Slot("_m"), "norm": Slot("_u")},
        {"learning_rate": 0.01} | _BETAS,
    ),
    "adadelta": Optimizer(
        "Adadelta",
        _adadelta,
        {
            "accumulated_grad": Slot("_accumulated_grads"),
            "accumulated_delta_var": Slot("_accumulated_delta_vars"),
        },
        {"learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-7, "weight_decay": 0.0},
    ),
    "lion": Optimizer(
        "Lion",
        _lion,
        {"momentum": Slot("_momentums")},
        {"learning_rate": 1e-4, "beta_1": 0.9, "beta_2": 0.99, "weight_decay": 0.0},
    ),
    "ftrl": Optimizer(
        "Ftrl",
        _ftrl,
        {
            "accumulator": Slot("_accumulators", "initial_accumulator_value"),
            "linear": Slot("_linears"),
        },
        {
            "learning_rate": 1e-3,
            "learning_rate_power": -0.5,
            "initial_accumulator_value": 0.1,
            "l1_regularization_strength": 0.0,
            "l2_regularization_strength": 0.0,
            "l2_shrinkage_regularization_strength": 0.0,
            "beta": 0.0,
            "weight_decay": 0.0,
        },
    ),
}


def canonical_optimizer(name):
    """The first optimizer with the same rule: both can share a program."""
    rule = OPTIMIZERS[name].rule
    return next(other for other, row in OPTIMIZERS.items() if row.rule is rule)


def clip_gradients(gradients, kind, limit):
    """Clip gradients as Keras's `kind` of clipping does, each lane separately.

    `kind` is "clipnorm" (the norm of each weight array), "global_clipnorm" (the norm
    of all of them together) or "clipvalue"; `limit` has shape (lanes, 1, 1) and is
    infinite for a lane without clipping.
    """
    if kind == "clipvalue":
        return {k: ops.clip(g, -limit, limit) for k, g in gradients.items()}
    squares = {
        k: ops.sum(ops.square(g), axis=(1, 2), keepdims=True)
        for k, g in gradients.items()
    }
    if kind == "global_clipnorm":
        total = sum(squares.values())
        squares = dict.fromkeys(gradients, total)
    # A gradient of zeros has norm 0: the ratio is then 0 / 0 unless it is bounded.
    return {
        k: g * ops.minimum(1.0, limit / ops.sqrt(ops.maximum(squares[k], 1e-30)))
        for k, g in gradients.items()
    }
