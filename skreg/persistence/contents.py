"""Convert estimators to built-in values and arrays, and back."""

import inspect
import os

import numpy as np
from sklearn import model_selection

from ..engine import keras, start_backend
from ..fitting import activation_name, check_parameters
from . import storage
from .checks import check_fitted

# Fitted attributes of an estimator, except the members of an ensemble.
ATTRIBUTES = (
    "n_features_in_",
    "feature_names_in_",
    "classes_",
    "_multilabel",
    "_targets",
    "_input_statistics",
    "_state",
    "history_",
    "n_iter_",
    "best_epoch_",
    "n_parameters_",
    "strength_path_",
    "feature_path_",
)


def write_network(path, estimator):
    """Write an estimator to a file, but none that `read_network` would refuse."""
    classes = {type(estimator).__name__: type(estimator)}
    storage.write(
        path,
        "estimator",
        {"estimator": network_content(estimator)},
        check=lambda content: network_from(content["estimator"], classes),
    )


def read_network(path, classes):
    """Read the estimator in a file or checkpoint; `classes` maps names to classes."""
    content = storage.read(path, "estimator", "checkpoint")
    with storage.reading(path):
        return network_from(content["estimator"], classes)


def network_content(estimator):
    """Convert an estimator to built-in values and arrays."""
    check_parameters(estimator, estimator._rules)
    held = vars(estimator)
    content = {
        "class": type(estimator).__name__,
        "parameters": {
            name: _storable(name, _parameter(name, value))
            for name, value in estimator.get_params(deep=False).items()
        },
        "attributes": {name: held[name] for name in ATTRIBUTES if name in held},
    }
    if "classes_" in held and not storage.can_hold(held["classes_"]):
        raise ValueError(
            "The labels of the classes cannot be stored: save takes numbers, strings, "
            f"booleans and dates. Got {held['classes_'].tolist()!r}. Fit with such "
            "labels, or use pickle."
        )
    if hasattr(estimator, "_state") and callable(estimator._structure().activation):
        raise ValueError(_not_stored("activation", estimator._structure().activation))
    if "_members" in held:
        content["members"] = [network_content(m) for m in held["_members"]]
    return content


def network_from(content, classes):
    """The inverse of `network_content`; `classes` maps names to classes."""
    kind = classes[content["class"]]
    known = inspect.signature(kind).parameters
    parameters = dict(content["parameters"])
    if strange := parameters.keys() - known.keys():
        raise ValueError(f"it has unknown parameters, {sorted(strange)}")
    network = kind(**{name: _parameter_from(v) for name, v in parameters.items()})
    check_parameters(network, network._rules)
    attributes = dict(content["attributes"])
    if strange := attributes.keys() - set(ATTRIBUTES):
        raise ValueError(f"it has unknown attributes, {sorted(strange)}")
    if attributes:
        vars(network).update(attributes)
        check_fitted(network)
        network.loss_curve_ = network.history_["loss"]
    if "members" in content:
        network._members = [
            network_from(member, classes) for member in content["members"]
        ]
        if len(network._members) < 2 or any(m.n_members != 1 for m in network._members):
            raise ValueError("its ensemble is not valid")
    return network


# --- parameters that are objects


def _not_stored(name, value):
    return (
        f"The {name!r} parameter cannot be stored, because files hold no code: save "
        "takes names, numbers, objects of Keras's own classes and scikit-learn's "
        f"splitters. Got {value!r}: set it to None or to a name first, or use pickle."
    )


def _storable(name, value):
    """The value, if a file can hold it."""
    if not storage.can_hold(value):
        raise ValueError(_not_stored(name, value))
    return value


def _parameter(name, value):
    """Convert a parameter's value to built-in values and arrays."""
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, np.random.RandomState):
        return {"numpy": "RandomState", "state": value.get_state(legacy=True)}
    if name == "callbacks" and value:
        raise ValueError(_not_stored(name, value))
    for where, modules in _keras_classes().items():
        kind = type(value)
        if getattr(modules, kind.__name__, None) is kind:
            if where == "optimizers":
                start_backend()  # its settings are variables
            config = dict(value.get_config())
            schedule = getattr(value, "_learning_rate", None)
            if isinstance(schedule, keras().optimizers.schedules.LearningRateSchedule):
                config["learning_rate"] = _parameter(name, schedule)
            if not all(map(_is_plain, config.values())):
                raise ValueError(_not_stored(name, value))
            return {"keras": where, "class": kind.__name__, "config": config}
    if hasattr(value, "split") and not isinstance(value, str):
        return _splitter(name, value)
    if name == "activation":
        value = activation_name(value)  # the name of a Keras function
    if callable(value):
        raise ValueError(_not_stored(name, value))
    return value


def _splitter(name, value):
    """Convert a splitter of scikit-learn's: its class and constructor's parameters."""
    kind = type(value)
    if getattr(model_selection, kind.__name__, None) is not kind:
        raise ValueError(_not_stored(name, value))
    held = {**vars(value), **getattr(value, "cvargs", {})}
    config = {key: held[key] for key in inspect.signature(kind).parameters}
    config = {key: _parameter(key, setting) for key, setting in config.items()}
    return {"splitter": kind.__name__, "config": config}


def _splitter_from(name, config):
    """The inverse of `_splitter`, for classes of scikit-learn's splitters alone."""
    kind = getattr(model_selection, name) if name in model_selection.__all__ else None
    if not (inspect.isclass(kind) and hasattr(kind, "split")):
        raise ValueError(f"{name!r} in it is not a scikit-learn splitter")
    return kind(**{key: _parameter_from(setting) for key, setting in config.items()})


def _is_plain(setting):
    """Whether a setting of a Keras object is plain, so that it may be stored."""
    if isinstance(setting, dict):  # a schedule in an optimizer
        is_ours = setting.keys() == {"keras", "class", "config"}
        return is_ours and all(map(_is_plain, setting["config"].values()))
    if isinstance(setting, (list, tuple)):
        return all(map(_is_plain, setting)) and not any(
            isinstance(item, dict) for item in setting
        )
    return setting is None or isinstance(setting, (bool, int, float, str))


def _keras_classes():
    optimizers = keras().optimizers
    return {
        "optimizers": optimizers,
        "schedules": optimizers.schedules,
        "initializers": keras().initializers,
    }


def _parameter_from(value):
    """A parameter's value: the inverse of `_parameter`."""
    if not isinstance(value, dict):
        return value
    if value.keys() == {"numpy", "state"}:
        random_state = np.random.RandomState()
        random_state.set_state(value["state"])
        return random_state
    if value.keys() == {"splitter", "config"}:
        return _splitter_from(value["splitter"], value["config"])
    if value.keys() != {"keras", "class", "config"}:
        return value  # class_weight
    kind = getattr(_keras_classes()[value["keras"]], value["class"])
    if not (inspect.isclass(kind) and value["class"][0].isupper()):
        raise ValueError(f"{value['class']!r} in it is not a class of Keras")
    if not all(map(_is_plain, value["config"].values())):
        # Keras would create any object that a nested dictionary names.
        raise ValueError(f"the settings of its {value['class']} are nested")
    if value["keras"] == "optimizers":
        start_backend()  # its settings become variables
    return kind.from_config({k: _parameter_from(v) for k, v in value["config"].items()})
