"""The plain Keras model of a fitted estimator.

It consists of Keras's own layers, loss and optimizer, so that it can be saved, exported
and trained further without skreg.
"""

import numpy as np

from ._configuration import descent, keras_schedule_of, kernel_initializers, seeded
from ._engine.losses import LOSSES
from ._engine.network import BATCHNORM_MOMENTUM
from ._engine.optimizers import OPTIMIZERS
from ._keras import keras


def build_model(estimator):
    """A compiled ``keras.Sequential`` with the estimator's weights and slots."""
    model = keras().Sequential(_layers(estimator))
    model.compile(
        optimizer=_optimizer(estimator),
        loss=_loss(estimator),
        loss_weights=_loss_weight(estimator),
    )
    model.optimizer.build(model.trainable_variables)
    write_state(model, estimator._structure(), estimator._training_state())
    return model


def write_state(model, structure, state):
    """Give the model this state's weights and optimizer's slots."""
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
        else:  # momentum is not there where it is 0
            for variable, array in zip(held, arrays, strict=False):
                variable.assign(array.reshape(variable.shape))


def read_weights(model, state):
    """The weights and moving statistics that the model holds, in the state's form."""

    def read(variables, like):
        return {
            name: np.asarray(variable).reshape(array.shape)
            for variable, (name, array) in zip(variables, like.items(), strict=True)
        }

    return (
        read(model.trainable_variables, state.weights),
        read(_moving_variables(model), state.moving),
    )


def _slots(structure):
    return OPTIMIZERS[structure.optimizer].slots_for(structure.options)


def _moving_variables(model):
    return [v for v in model.non_trainable_variables if v.name.startswith("moving_")]


def _layers(estimator):
    layers, n = keras().layers, estimator._state["numbers"]
    structure = estimator._structure()
    yield keras().Input((structure.n_features,))
    mean, scale = estimator._input_statistics.values()
    if np.any(mean != 0) or np.any(scale != 1):
        yield layers.Normalization(mean=mean, variance=scale**2)
    seed = estimator._state["seed"]
    if n["input_dropout"]:
        yield layers.Dropout(n["input_dropout"], seed=seed)
    if n["gaussian_noise"]:
        yield layers.GaussianNoise(n["gaussian_noise"], seed=seed)
    names = kernel_initializers(estimator, len(structure.widths) - 1)
    initializers = [seeded(name, seed) for name in names]
    for layer, units in enumerate(structure.hidden):
        yield _dense(units, initializers[layer], n)
        if structure.normalization == "batch":
            yield layers.BatchNormalization(momentum=BATCHNORM_MOMENTUM)
        elif structure.normalization == "layer":
            yield layers.LayerNormalization()
        yield _activation(structure, n)
        if n["dropout"][layer]:
            drop = "AlphaDropout" if structure.activation == "selu" else "Dropout"
            yield getattr(layers, drop)(n["dropout"][layer], seed=seed + layer + 1)
    yield _dense(structure.n_outputs, initializers[-1], n)
    if LOSSES[structure.loss].activation != "linear":
        yield layers.Activation(LOSSES[structure.loss].activation)
    scale, offset = estimator._target_scale()
    if np.any(scale != 1) or np.any(offset != 0):
        yield layers.Rescaling(scale.tolist(), offset=offset.tolist())


def _dense(units, initializer, n):
    limit = n["max_norm"]
    return keras().layers.Dense(
        units,
        kernel_initializer=initializer,
        kernel_regularizer=_penalty(n["l1"], n["l2"]),
        bias_regularizer=_penalty(n["bias_l1"], n["bias_l2"]),
        kernel_constraint=(
            None if np.isinf(limit) else keras().constraints.MaxNorm(limit)
        ),
    )


def _activation(structure, n):
    penalty = _penalty(n["activity_l1"], n["activity_l2"])
    if structure.activation == "leaky_relu":
        return keras().layers.LeakyReLU(
            negative_slope=n["negative_slope"], activity_regularizer=penalty
        )
    return keras().layers.Activation(structure.activation, activity_regularizer=penalty)


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
    """What brings a loss in the targets' units to those of standardised ones."""
    scale = float(np.mean(estimator._target_scale()[0]))
    return scale ** -LOSSES[estimator._structure().loss].degree


def _quantile_loss(quantile):
    """Keras has no pinball loss: a function, which a saved model does not need."""
    ops = keras().ops

    def quantile_loss(y_true, y_pred):
        error = y_true - y_pred
        return ops.mean(ops.maximum(quantile * error, (quantile - 1) * error), axis=-1)

    return quantile_loss


def _optimizer(estimator):
    found = descent(estimator)
    entry = OPTIMIZERS[found.optimizer]
    settings = {name: found.numbers[name] for name in entry.defaults}
    schedule = None if estimator.warmup else keras_schedule_of(estimator, found)
    settings["learning_rate"] = schedule or estimator._state["learning_rate"]
    if found.clipping:
        settings[found.clipping] = found.clip
    for option in found.options:
        settings[option] = True
    return getattr(keras().optimizers, entry.keras_name)(**settings)
