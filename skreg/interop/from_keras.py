"""Convert a trained plain Keras model to a fitted estimator."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from ..engine import LOSSES, OPTIMIZERS, State, initial_slots, keras, start_backend
from ..fitting import (
    NumberTargets,
    check_parameters,
    numbers_of,
    optimizer_settings,
    structure_of,
)
from .keras_layers import read_layers
from .keras_losses import read_loss
from .keras_model import read_state, read_weights
from .keras_settings import plain, refuse

KERAS_BATCH_SIZE = 32  # default of keras.Model.fit


def network_from_keras(cls, model, classes=None, **parameters):
    """A fitted estimator of class `cls` that predicts as the Keras model does.

    Parameters
    ----------
    cls : type
        MLPRegularizedClassifier or MLPRegularizedRegressor.
    model, classes, **parameters
        See ``MLPRegularizedClassifier.from_keras``.

    Raises
    ------
    ValueError
        If no estimator can represent the model; the message names the layer.
    """
    _check_model(model)
    start_backend()
    members = _members(model)
    if members:
        return _ensemble_of(cls, members, classes, parameters)
    reading = read_layers(model)
    loss = read_loss(model, reading, parameters.get("loss"))
    found = reading.parameters | _optimizer_parameters(cls, model) | loss.parameters
    _check_not_read(cls, parameters, found)
    estimator = cls(**found | parameters)
    check_parameters(estimator, cls._rules)
    estimator.n_features_in_ = len(reading.standardizer.mean)
    estimator._input_statistics = vars(reading.standardizer)
    if is_classifier(estimator):
        _set_classes(estimator, reading, loss, classes)
    else:
        _set_numbers(estimator, reading, classes)
    _check_loss(estimator, reading, loss)
    _set_state(estimator, model)
    _set_history(estimator, model)
    return estimator


def _check_model(model):
    if not isinstance(model, keras().Model):
        raise ValueError(
            "The 'model' parameter must be a Keras model, Sequential or functional. "
            f"Got {model!r} instead."
        )
    if not model.built:
        raise ValueError(
            f"The 'model' parameter must have weights. Got {model.name!r}, which is "
            "not built: begin it with keras.Input, or call it on data first."
        )
    is_sequential = isinstance(model, keras().Sequential)
    if not is_sequential and not hasattr(model, "operations"):
        raise ValueError(
            "The 'model' parameter must be Sequential or functional. Got "
            f"{type(model).__name__}, which does not say how its layers are connected."
        )


def _check_not_read(cls, parameters, found):
    for name in sorted(set(parameters) & set(found)):
        raise ValueError(
            f"The {name!r} parameter of {cls.__name__} is read from the model as "
            f"{found[name]!r}. Got {parameters[name]!r}: leave it out, and change it "
            "afterwards with set_params."
        )


def _optimizer_parameters(cls, model):
    """Constructor parameters of the optimizer; none if the model is not compiled."""
    if not model.compiled:
        return {}
    optimizer = model.optimizer
    settings = optimizer_settings(cls(optimizer=optimizer))
    usual = OPTIMIZERS[settings.optimizer].defaults
    numbers = {name: plain(value) for name, value in settings.numbers.items()}
    numbers = {name: value for name, value in numbers.items() if value != usual[name]}
    has_names = set(numbers) <= set(cls().get_params())
    own_options = {"nesterov"} if settings.optimizer == "sgd" else set()
    has_options = settings.options <= own_options
    has_clipping = settings.clipping in (None, "clipnorm")
    if settings.schedule is None and has_names and has_options and has_clipping:
        return numbers | {
            "optimizer": settings.optimizer,
            "nesterov": "nesterov" in settings.options,
            "clipnorm": settings.clip if settings.clipping else None,
            "schedule": "constant",
        }
    copy = type(optimizer).from_config(optimizer.get_config())
    return {"optimizer": copy, "schedule": "constant"}


# --- fitted attributes


def _set_classes(estimator, reading, loss, classes):
    n_outputs = reading.output.units
    is_one_hot = loss.activation == "softmax" or loss.keras_name == "CategoricalHinge"
    if reading.rescaling is not None:
        refuse(reading.rescaling, "rescales the outputs, which no classifier does")
    if is_one_hot and n_outputs < 3:
        refuse(
            reading.output,
            f"has {n_outputs} outputs, one for each class. Classifiers of two classes "
            "have one output with a sigmoid. Replace it by a Dense(1) layer with "
            "kernel[:, 1:] - kernel[:, :1] and bias[1:] - bias[:1]",
        )
    estimator._multilabel = n_outputs > 1 and not is_one_hot
    n_classes = max(n_outputs, 2)
    labels = np.arange(n_classes) if classes is None else np.asarray(classes)
    wanted = f"the labels of the network's {n_classes} classes, in ascending order"
    is_right = len(labels) == n_classes and np.array_equal(labels, np.unique(labels))
    if estimator._multilabel:
        wanted = f"None or range({n_classes}), since each sigmoid output is a label"
        is_right = np.array_equal(labels, np.arange(n_classes))
    if not is_right:
        raise ValueError(
            f"The 'classes' parameter must be {wanted}. Got {classes!r} instead."
        )
    estimator.classes_ = labels


def _set_numbers(estimator, reading, classes):
    if classes is not None:
        raise ValueError(
            "The 'classes' parameter is for classifiers. Got "
            f"{classes!r} for {type(estimator).__name__}: leave it out."
        )
    is_one = reading.output.units == 1
    estimator._targets = vars(NumberTargets(reading.offset, reading.scale, is_one))


def _check_loss(estimator, reading, loss):
    """Raise ValueError unless the estimator's loss is the model's."""
    name = estimator._coder().loss(estimator.loss)
    entry = LOSSES[name]
    if loss.activation != entry.activation:
        refuse(
            reading.output,
            f"ends in {loss.activation!r}. With loss={estimator.loss!r} the outputs of "
            f"{type(estimator).__name__} end in {entry.activation!r}",
        )
    if loss.keras_name not in (None, entry.keras_name):
        refuse(
            reading.output,
            f"has {reading.output.units} outputs that end in {loss.activation!r} and "
            f"the loss {loss.keras_name}. The estimators have {entry.keras_name} there",
        )


def _set_state(estimator, model):
    """Set the weights, and the optimizer's slots if the model has them."""
    settings = optimizer_settings(estimator)
    is_number = isinstance(estimator.batch_size, int)
    max_batch_size = estimator.batch_size if is_number else KERAS_BATCH_SIZE
    structure = structure_of(estimator, settings, max_batch_size)
    structure = replace(structure, dtype=model.trainable_variables[0].dtype)
    weights, moving = read_weights(model, structure)
    numbers = numbers_of(estimator, settings, None)
    slots = initial_slots(structure, weights, numbers)
    state = State(weights, moving, slots, step=0, epoch=len(_history(model)["loss"]))
    rate = settings.numbers["learning_rate"]
    if model.compiled:
        rate = float(model.optimizer.learning_rate)
        if model.optimizer.built:
            state = read_state(model, structure, state)
    seed = check_random_state(estimator.random_state).randint(2**31 - 1)
    lane = SimpleNamespace(numbers=numbers, seed=int(seed))
    estimator._take_state(structure, lane, state, rate)


def _history(model):
    """What the model's history has of every epoch; a model from a file has none."""
    found = {"loss": []} | getattr(getattr(model, "history", None), "history", {})
    n_epochs = len(found["loss"])
    return {k: list(values) for k, values in found.items() if len(values) == n_epochs}


def _set_history(estimator, model):
    estimator.history_ = _history(model)
    estimator.loss_curve_ = estimator.history_["loss"]
    estimator.n_iter_ = estimator.best_epoch_ = len(estimator.loss_curve_)
    weights = estimator._state["weights"]
    estimator.n_parameters_ = sum(array.size for array in weights.values())


# --- ensembles


def _members(model):
    """The networks that an averaging model, such as `model_`, averages; else []."""
    operations = getattr(model, "operations", [None])
    if type(operations[-1]).__name__ != "Average":
        return []
    members = [one for one in operations[1:-1] if isinstance(one, keras().Model)]
    return members if len(members) == len(operations) - 2 else []


def _scales_as(one, other):
    """Whether two networks scale inputs, and a regressor's targets, in the same way."""
    return all(
        np.array_equal(value, getattr(other, attribute)[name])
        for attribute in ("_input_statistics", "_targets")
        for name, value in getattr(one, attribute, {}).items()
    )


def _ensemble_of(cls, members, classes, parameters):
    estimators = [
        network_from_keras(cls, one, classes, **parameters) for one in members
    ]
    first = estimators[0]
    for estimator, member in zip(estimators[1:], members[1:], strict=True):
        if estimator._state["structure"] != first._state["structure"]:
            refuse(member, "has another structure than the first averaged network")
        if not _scales_as(estimator, first):
            refuse(member, "has another scaling than the first averaged network")
    seeds = np.random.SeedSequence(first._state["seed"]).generate_state(len(members))
    for estimator, seed in zip(estimators[1:], seeds[1:] >> 1, strict=True):
        estimator._state["seed"] = int(seed)
    ensemble = cls(**first.get_params(deep=False) | {"n_members": len(members)})
    ensemble._take_members(estimators)
    return ensemble
