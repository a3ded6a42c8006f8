"""Read the loss of a compiled Keras model as parameters of the estimators."""

from dataclasses import dataclass

import numpy as np

from ..engine import LOSSES, keras
from .keras_settings import CANNOT, plain, refuse

# The estimators' `loss` for each loss class of Keras.
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
# Default loss of a model that is not compiled, by the activation of its output.
_DEFAULT_LOSS = {
    "sigmoid": "log_loss",
    "softmax": "log_loss",
    "linear": "squared_error",
    "exponential": "poisson",
}
# Settings that change the loss but have no parameter: they must be as here.
_FIXED = {
    "reduction": "sum_over_batch_size",
    "apply_class_balancing": False,
    "alpha": 1.0,
    "ignore_class": None,
    "axis": -1,
}
# A loss for integer labels, and the same loss for one-hot targets.
_ONE_HOT_EQUIVALENT = {"SparseCategoricalCrossentropy": "CategoricalCrossentropy"}
_ADVICE = "Pass loss=..., the estimator's loss for further training."


@dataclass
class LossReading:
    """Result of reading a model's loss.

    Attributes
    ----------
    parameters : dict
        `loss` and its numeric parameters.
    activation : str or callable
        Activation of the output, even if the loss applies it ("from_logits").
    keras_name : str or None
        Keras's class; None if the loss is not read from the model.
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
        Result of `read_layers`.
    given : str, default=None
        The estimators' `loss` that replaces the model's.
    """
    name, settings = _compiled_loss(model)
    activation = reading.activation
    if settings.get("from_logits") and activation == "linear":
        activation = "sigmoid" if name.startswith("Binary") else "softmax"
    elif settings.get("from_logits"):
        why = f"ends in {activation}, but the loss has from_logits=True"
        refuse(reading.output, why)
    if given is not None:
        return LossReading({}, activation)
    if not model.compiled:
        if activation not in _DEFAULT_LOSS:
            refuse(reading.output, f"ends in {activation!r}. {_ADVICE}")
        return LossReading({"loss": _DEFAULT_LOSS[activation]}, activation)
    if name not in _NAMES:
        raise ValueError(
            f"{CANNOT} it is compiled with the loss {model.loss!r}, which the "
            f"estimators do not have. {_ADVICE}"
        )
    entry = next(
        e
        for e in LOSSES.values()
        if e.keras_name == _ONE_HOT_EQUIVALENT.get(name, name)
    )
    _check_settings(name, settings)
    _check_weight(model, reading, entry.degree)
    numbers = {
        parameter: plain(settings[keras_name])
        for keras_name, parameter in entry.numbers.items()
        if keras_name in settings
    }
    if "huber_delta" in numbers:  # the estimators' is in standardised units
        delta = numbers["huber_delta"] / np.mean(reading.scale)
        numbers["huber_delta"] = plain(np.float32(delta))
    return LossReading({"loss": _NAMES[name]} | numbers, activation, entry.keras_name)


def _compiled_loss(model):
    """Class name and settings of the model's loss; (None, {}) for an unknown loss."""
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
            continue  # only used by its class balancing
        if got != wanted:
            raise ValueError(
                f"{CANNOT} its loss {name} has {setting}={got!r}, but the estimators' "
                f"loss has {wanted!r}. {_ADVICE}"
            )


def _check_weight(model, reading, degree):
    """Check that loss and penalties have the same balance as in the estimators.

    The estimators' loss is in standardised units, those before the final Rescaling.
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
            f"{CANNOT} it is compiled with loss_weights={weight!r}, but the "
            f"estimators' weight{at_end} is {wanted:.6g}. Compile it with this weight. "
            f"Or: {_ADVICE}"
        )
