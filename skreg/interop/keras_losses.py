"""The loss that a Keras model is compiled with, as parameters of the estimators."""

from dataclasses import dataclass

import numpy as np

from ..engine import LOSSES, keras
from .keras_settings import plain, refuse

# The estimators' `loss`, by Keras's class.
_NAMES = {
    "BinaryCrossentropy": "log_loss",
    "CategoricalCrossentropy": "log_loss",
    "SparseCategoricalCrossentropy": "log_loss",
    "BinaryFocalCrossentropy": "focal",
    "CategoricalFocalCrossentropy": "focal",
    "Hinge": "hinge",
    "CategoricalHinge": "hinge",
    "MeanSquaredError": "squared_error",
    "MeanAbsoluteError": "absolute_error",
    "Huber": "huber",
    "Poisson": "poisson",
}
# The loss of a network that is not compiled, by its output's activation.
_USUAL = {
    "sigmoid": "log_loss",
    "softmax": "log_loss",
    "linear": "squared_error",
    "exponential": "poisson",
}
# Settings that change the loss and that no parameter has.
_FIXED = {
    "reduction": "sum_over_batch_size",
    "apply_class_balancing": False,
    "alpha": 1.0,
    "ignore_class": None,
    "axis": -1,
}
# Of targets that are codes, or one-hot rows: the same loss.
_DENSE = {"SparseCategoricalCrossentropy": "CategoricalCrossentropy"}
_ADVICE = "Pass loss=... to name the estimator's loss to go on with."


@dataclass
class LossReading:
    """What the loss says.

    Attributes
    ----------
    parameters : dict
        `loss` and its numbers.
    activation : str or callable
        Of the output, also where it is a part of the loss ("from_logits").
    keras_name : str or None
        Keras's class; None where the loss is not the model's.
    """

    parameters: dict
    activation: object
    keras_name: str | None = None


def read_loss(model, reading, given=None):
    """The `LossReading` of a model.

    Parameters
    ----------
    model : keras.Model
    reading : Reading
        Of its layers.
    given : str, default=None
        The `loss` that takes the place of the model's.
    """
    name, settings = _compiled_loss(model)
    activation = reading.activation
    if settings.get("from_logits") and activation == "linear":
        activation = "sigmoid" if name.startswith("Binary") else "softmax"
    elif settings.get("from_logits"):
        refuse(reading.output, f"ends in {activation} under a loss from_logits")
    if given is not None:
        return LossReading({}, activation)
    if not model.compiled:
        if activation not in _USUAL:
            refuse(reading.output, f"ends in {activation!r}. {_ADVICE}")
        return LossReading({"loss": _USUAL[activation]}, activation)
    if name not in _NAMES:
        raise ValueError(
            "The network cannot be taken: it is compiled with the loss "
            f"{model.loss!r}, which the estimators do not have. {_ADVICE}"
        )
    entry = next(e for e in LOSSES.values() if e.keras_name == _DENSE.get(name, name))
    _check_settings(name, settings)
    _check_weight(model, reading, entry.degree)
    numbers = {
        parameter: plain(settings[keras_name])
        for keras_name, parameter in entry.numbers.items()
        if keras_name in settings
    }
    if "huber_delta" in numbers:  # here in standardised units
        delta = numbers["huber_delta"] / np.mean(reading.scale)
        numbers["huber_delta"] = plain(np.float32(delta))
    return LossReading({"loss": _NAMES[name]} | numbers, activation, entry.keras_name)


def _compiled_loss(model):
    """Keras's name of the loss's class and its settings; nothing for other losses."""
    losses, loss = keras().losses, model.loss if model.compiled else None
    if isinstance(loss, dict):
        loss = list(loss.values())
    if isinstance(loss, (list, tuple)):
        (loss,) = loss
    if isinstance(loss, str):
        loss = losses.get(loss)
    for name in _NAMES:
        kind = getattr(losses, name)
        if loss is kind().fn:
            loss = kind()
        if type(loss) is kind:
            return name, loss.get_config() | loss._fn_kwargs  # Huber's lacks its delta
    return None, {}


def _check_settings(name, settings):
    for setting, wanted in _FIXED.items():
        got = settings.get(setting, wanted)
        if setting == "alpha" and name == "BinaryFocalCrossentropy":
            continue  # a part of its balancing
        if got != wanted:
            raise ValueError(
                f"The network cannot be taken: its loss {name} has {setting}={got!r}, "
                f"and the estimators' has {wanted!r}. {_ADVICE}"
            )


def _check_weight(model, reading, degree):
    """Whether the loss weighs as much beside the penalties as in the estimators.

    They have it in standardised units, those before the Rescaling at the end.
    """
    weight = model.get_compile_config()["loss_weights"]
    if isinstance(weight, dict):
        weight = list(weight.values())
    got = 1.0 if weight is None else float(np.ravel(weight)[0])
    wanted = float(np.mean(reading.scale)) ** -degree
    if not np.isclose(got, wanted, rtol=1e-5):
        at_end = (
            ""
            if reading.rescaling is None
            else (f" with the layer {reading.rescaling.name!r} (Rescaling) at the end")
        )
        raise ValueError(
            "The network cannot be taken: it is compiled with "
            f"loss_weights={weight!r}, and the estimators'{at_end} is "
            f"{wanted:.6g}. Compile it with that, or: {_ADVICE}"
        )
