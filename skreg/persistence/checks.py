"""Check that an estimator read from a file is consistent, as after a fit."""

import numpy as np

from ..engine import (
    LOSSES,
    OPTIMIZERS,
    REMEDIES,
    Structure,
    initial_slots,
    number_names,
    weight_shapes,
)
from ..fitting import REGRESSOR_RULES


def _check(condition, what):
    if not condition:
        raise ValueError(f"its {what} is not valid")


def check_fitted(network):
    """Raise ValueError unless the fitted attributes are consistent."""
    structure = _checked_structure(network._state["structure"])
    state, n_features = network._state, structure.n_features
    check_weights(structure, state)
    _check_state(structure, state)
    _check(network.n_features_in_ == n_features, "number of features")
    names = getattr(network, "feature_names_in_", np.empty(n_features, object))
    _check(names.shape == (n_features,) and names.dtype == object, "feature names")
    statistics = dict(network._input_statistics)
    _check(statistics.keys() == {"mean", "scale", "limit"}, "input statistics")
    for name in ("mean", "scale"):
        _check_array(statistics[name], (n_features,), np.float64, "input statistics")
    _check(type(statistics["limit"]) is float, "input statistics")
    _check_targets(network, structure)
    counts = network.n_iter_, network.best_epoch_, network.n_parameters_
    _check(all(_is_count(n) for n in counts), "number of epochs")
    _check(
        "loss" in network.history_
        and all(
            isinstance(name, str)
            and len(values) == network.n_iter_
            and all(type(v) is float for v in values)
            for name, values in network.history_.items()
        ),
        "history",
    )


def _checked_structure(values):
    structure = Structure.from_dict(values)
    normalizations, clippings = (
        (None, "batch", "layer"),
        (None, "clipnorm", "global_clipnorm", "clipvalue"),
    )
    groups, n_features = structure.feature_groups, structure.n_features
    are_valid = {
        "widths": all(_is_count(n, 1) for n in structure.widths),
        "batch_size": _is_count(structure.batch_size, 1),
        "activation": _is_activation(structure.activation),
        "normalization": structure.normalization in normalizations,
        "loss": structure.loss in LOSSES,
        "optimizer": structure.optimizer in OPTIMIZERS,
        "options": structure.options <= {"nesterov", "amsgrad", "centered"},
        "clipping": structure.clipping in clippings,
        "remedies": structure.remedies <= REMEDIES.keys(),
        "dtype": structure.dtype in ("float32", "float64"),
        "feature_groups": _are_groups(groups, n_features),
    }
    if wrong := [name for name, is_valid in are_valid.items() if not is_valid]:
        found = ", ".join(f"{name}={getattr(structure, name)!r}" for name in wrong)
        raise ValueError(f"its structure is not valid: {found}")
    return structure


def _is_activation(name):
    return isinstance(name, str) and REGRESSOR_RULES["activation"].accepts(name)


def _are_groups(groups, n_features):
    if groups is None:
        return True
    is_complete = type(groups) is tuple and len(groups) == n_features
    return is_complete and all(map(_is_count, groups))


def _is_count(value, low=0):
    return type(value) is int and value >= low


def _check_array(array, shape, dtype, what):
    is_array = isinstance(array, np.ndarray)
    _check(is_array and array.shape == shape and array.dtype == dtype, what)


def _check_arrays(arrays, shapes, structure, what):
    _check(list(arrays) == list(shapes), what)
    for name, shape in shapes.items():
        _check_array(arrays[name], shape, structure.dtype, f"array {name}")


def check_weights(structure, parts):
    """Raise ValueError unless weights and moving statistics have the right shapes."""
    weights, moving = weight_shapes(structure)
    for arrays, shapes in ((parts["weights"], weights), (parts["moving"], moving)):
        if (found := {k: a.shape for k, a in arrays.items()}) != shapes:
            raise ValueError(f"its weights have shapes {found}, but need {shapes}")
        _check_arrays(arrays, shapes, structure, "weights")


def _check_state(structure, state):
    """Raise ValueError unless numbers, optimizer slots and counters are valid."""
    numbers = state["numbers"]
    _check(set(number_names(structure)) <= numbers.keys(), "numbers")
    for name, value in numbers.items():
        values = value if name == "dropout" else (value,)
        _check(all(type(v) is float for v in values), "numbers")
    _check(len(numbers["dropout"]) == len(structure.hidden), "numbers")
    slots = initial_slots(structure, state["weights"], numbers)
    _check(list(state["slots"]) == list(slots), "optimizer's state")
    for slot, arrays in slots.items():
        shapes = {name: array.shape for name, array in arrays.items()}
        _check_arrays(state["slots"][slot], shapes, structure, "optimizer's state")
    _check(_is_count(state["step"]) and _is_count(state["epoch"]), "step")
    _check(_is_count(state["seed"]) and type(state["learning_rate"]) is float, "seed")


def _check_targets(network, structure):
    """Raise ValueError unless the coder of targets fits the network's outputs."""
    coder = network._coder()
    _check(coder.n_outputs == structure.n_outputs, "targets")
    if hasattr(coder, "classes"):
        _check(type(coder.multilabel) is bool and coder.classes.ndim == 1, "classes")
        _check(len(coder.classes) > 1 or coder.multilabel, "classes")
        order = coder.classes[:-1] < coder.classes[1:]
        _check(bool(np.all(order)), "classes")
    else:
        for name in ("offset", "scale"):
            array = vars(coder)[name]
            _check_array(array, (structure.n_outputs,), np.float64, "targets")
        _check(type(coder.one_dimensional) is bool, "targets")
