"""The plain Keras model of a fitted estimator.

It consists of Keras's own layers, loss and optimizer, so that it can be saved, exported
and trained further without skreg.
"""

from dataclasses import replace

import numpy as np

from ..engine import LOSSES, OPTIMIZERS, keras, start_backend, weight_shapes
from ..fitting import kernel_initializers, seeded


def build_model(estimator):
    """A compiled ``keras.Sequential`` with the estimator's weights and slots."""
    start_backend()
    model = keras().Sequential(list(_layers(estimator)))
    model.compile(
        optimizer=_optimizer(estimator),
        loss=_loss(estimator),
        loss_weights=_loss_weight(estimator),
        auto_scale_loss=False,  # which Keras's global policy may ask for
    )
    model.optimizer.build(model.trainable_variables)
    write_state(model, estimator._structure(), estimator._training_state())
    return model


def build_average(estimator):
    """A ``keras.Model`` that averages the models of an ensemble's members."""
    dtype = estimator._structure().dtype
    inputs = keras().Input((estimator.n_features_in_,), dtype=dtype)
    outputs = [member.model_(inputs) for member in estimator.members_]
    return keras().Model(inputs, keras().layers.Average(dtype=dtype)(outputs))


def write_state(model, structure, state):
    """Assign the state's weights and optimizer slots to the model."""
    for variable, array in zip(
        model.trainable_variables, state.weights.values(), strict=True
    ):
        variable.assign(array.reshape(variable.shape))
    for variable, array in zip(
        _moving_variables(model), state.moving.values(), strict=True
    ):
        variable.assign(array.reshape(variable.shape))
    optimizer = model.optimizer
    optimizer.iterations.assign(state.step)
    for name, slot in _slots(structure).items():
        held = getattr(optimizer, slot.keras_attribute)
        arrays = list(state.slots[name].values())
        if slot.scalar:
            held.assign(arrays[0].item())
        elif held:  # Keras has no momentum slots if momentum is 0
            for variable, array in zip(held, arrays, strict=True):
                variable.assign(array.reshape(variable.shape))


def read_weights(model, structure):
    """Copies of the weights and moving statistics that the model holds, by name."""
    shapes, moving_shapes = weight_shapes(structure)
    return (
        _read(model.trainable_variables, shapes),
        _read(_moving_variables(model), moving_shapes),
    )


def read_state(model, structure, state):
    """Read the state of the model and its optimizer; the rest is as in `state`."""
    weights, moving = read_weights(model, structure)
    shapes, _ = weight_shapes(structure)
    optimizer, slots = model.optimizer, {}
    for name, slot in _slots(structure).items():
        held = getattr(optimizer, slot.keras_attribute)
        if slot.scalar:
            value = _values(held).reshape(1, 1)
            slots[name] = {weight: value.copy() for weight in shapes}
        else:  # Keras has no momentum slots if momentum is 0
            slots[name] = _read(held, shapes) if held else state.slots[name]
    return replace(
        state,
        weights=weights,
        moving=moving,
        slots=slots,
        step=int(optimizer.iterations),
    )


def _read(variables, shapes):
    return {
        name: _values(variable).reshape(shape)
        for variable, (name, shape) in zip(variables, shapes.items(), strict=True)
    }


def _values(variable):
    """A copy of a variable's values; ``np.array(variable)`` warns in NumPy 2."""
    return np.asarray(variable).copy()


def _slots(structure):
    return OPTIMIZERS[structure.optimizer].slots_for(structure.options)


def _moving_variables(model):
    return [v for v in model.non_trainable_variables if v.name.startswith("moving_")]


def _layers(estimator):
    structure, n = estimator._structure(), estimator._state["numbers"]
    seed, activation = estimator._state["seed"], LOSSES[structure.loss].activation
    names = kernel_initializers(estimator, len(structure.widths) - 1)
    initializers = [seeded(name, seed) for name in names]

    def layer(kind, *arguments, **settings):
        # Keras's global dtype policy may differ from the dtype of the training.
        settings["dtype"] = structure.dtype
        return getattr(keras().layers, kind)(*arguments, **settings)

    yield keras().Input((structure.n_features,), dtype=structure.dtype)
    yield from _standardization(layer, **estimator._input_statistics)
    if n["input_dropout"]:
        yield layer("Dropout", n["input_dropout"], seed=seed)
    if n["gaussian_noise"]:
        yield layer("GaussianNoise", n["gaussian_noise"], seed=seed)
    for i, units in enumerate(structure.hidden):
        yield layer("Dense", units, **_dense_settings(initializers[i], n))
        if structure.normalization == "batch":
            yield layer("BatchNormalization", momentum=n["batchnorm_momentum"])
        elif structure.normalization == "layer":
            yield layer("LayerNormalization")
        yield _hidden_activation(layer, structure, n)
        if n["dropout"][i]:
            kind = "AlphaDropout" if structure.activation == "selu" else "Dropout"
            yield layer(kind, n["dropout"][i], seed=seed + i + 1)
    yield layer("Dense", structure.n_outputs, **_dense_settings(initializers[-1], n))
    if activation != "linear":
        yield layer("Activation", activation)
    scale, offset = estimator._target_scale()
    if np.any(scale != 1) or np.any(offset != 0):
        yield layer("Rescaling", scale.tolist(), offset=offset.tolist())


def _standardization(layer, mean, scale, limit):
    # Not Normalization: Keras's export to ONNX turns its tensors into inputs.
    if np.any(mean != 0) or np.any(scale != 1):
        yield layer("Rescaling", 1.0, offset=(-mean).tolist())
        yield layer("Rescaling", (1 / scale).tolist())
    if not np.isinf(limit):
        yield layer("Rescaling", 1 / limit)
        yield layer("Activation", "tanh")
        yield layer("Rescaling", limit)


def _dense_settings(initializer, n):
    limit = n["max_norm"]
    return {
        "kernel_initializer": initializer,
        "kernel_regularizer": _penalty(n["l1"], n["l2"]),
        "bias_regularizer": _penalty(n["bias_l1"], n["bias_l2"]),
        "kernel_constraint": (
            None if np.isinf(limit) else keras().constraints.MaxNorm(limit)
        ),
    }


def _hidden_activation(layer, structure, n):
    penalty = _penalty(n["activity_l1"], n["activity_l2"])
    if structure.activation == "leaky_relu":
        slope = n["negative_slope"]
        return layer("LeakyReLU", slope, activity_regularizer=penalty)
    return layer("Activation", structure.activation, activity_regularizer=penalty)


def _penalty(l1, l2):
    return keras().regularizers.L1L2(l1, l2) if l1 or l2 else None


def _loss(estimator):
    """The Keras loss, with its numbers in the units of the targets."""
    structure, n = estimator._structure(), estimator._state["numbers"]
    entry = LOSSES[structure.loss]
    if entry.keras_name is None:
        return _quantile_loss(n["quantile"])
    settings = {keras_name: n[name] for keras_name, name in entry.numbers.items()}
    if structure.loss == "categorical_focal":
        settings["alpha"] = 1.0
    if structure.loss == "huber":
        settings["delta"] *= float(np.mean(estimator._target_scale()[0]))
    return getattr(keras().losses, entry.keras_name)(**settings)


def _loss_weight(estimator):
    """Factor that converts a loss from the targets' units to standardised units."""
    scale = float(np.mean(estimator._target_scale()[0]))
    return scale ** -LOSSES[estimator._structure().loss].degree


def _quantile_loss(quantile):
    """Pinball loss as a function: Keras has none, and a saved model needs none."""
    ops = keras().ops

    def quantile_loss(y_true, y_pred):
        error = y_true - y_pred
        return ops.mean(ops.maximum(quantile * error, (quantile - 1) * error), axis=-1)

    return quantile_loss


def _optimizer(estimator):
    """The Keras optimizer with the settings of the last training."""
    structure, state = estimator._structure(), estimator._state
    entry, n = OPTIMIZERS[structure.optimizer], state["numbers"]
    settings = {k: n[k] for k in entry.defaults if k != "learning_rate"}
    if structure.clipping:
        settings[structure.clipping] = n["clip"]
    settings |= dict.fromkeys(structure.options, True)
    kind = getattr(keras().optimizers, entry.keras_name)
    return kind(learning_rate=state["learning_rate"], **settings)
