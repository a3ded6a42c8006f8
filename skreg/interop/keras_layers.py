"""Read the layers of a Keras network as constructor parameters and arrays.

The layers are read in their order, by one function for each part: inputs, hidden
blocks, output. A layer that fits no part is refused by name.
"""

from dataclasses import dataclass, field
from math import prod

import numpy as np

from ..engine import keras
from ..fitting import Standardizer, activation_name
from .keras_settings import (
    activation_of,
    batchnorm_of,
    factor_and_offset,
    max_norm_of,
    penalty_of,
    rate,
    refuse,
)

_ORDER = (
    "[Flatten], [Normalization or Rescaling], [Rescaling, tanh, Rescaling], [Dropout], "
    "[GaussianNoise], hidden layers of Dense, [BatchNormalization or "
    "LayerNormalization], activation, [Dropout or AlphaDropout], and at the end Dense, "
    "[activation], [Rescaling]"
)
_ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax")


@dataclass
class LayerReading:
    """Result of reading a network's layers.

    Attributes
    ----------
    standardizer : Standardizer
        Scaling of the inputs by the layers before the first Dense layer.
    parameters : dict
        Constructor parameters.
    output : Layer
        The last Dense layer.
    activation : str or callable
        Activation of the output, as `activation_name` returns it.
    scale, offset : ndarray of shape (n_outputs,)
        Those of the final Rescaling layer; 1 and 0 without it.
    rescaling : Layer or None
        The final Rescaling layer.
    """

    standardizer: Standardizer
    parameters: dict
    output: object
    activation: object
    scale: np.ndarray
    offset: np.ndarray
    rescaling: object = None


def chain(model):
    """The layers of a network without branches, in their order."""
    if isinstance(model, keras().Sequential):
        return list(model.layers)
    tensor = model.inputs[0]
    layers = [one for one in model.operations if one.output is not tensor]
    for layer in layers:
        if type(layer).__name__ == "InputLayer":
            refuse(layer, "is a second input. The model must have one input")
        if layer.input is not tensor:
            refuse(
                layer,
                "does not take the output of the layer before it as its only input. "
                "The model must have no branches",
            )
        tensor = layer.output
    if len(model.outputs) > 1 or model.outputs[0] is not tensor:
        refuse(
            layers[-1],
            "is called twice, or its output is not the model's only one. The model "
            "must have one output, and no layer twice",
        )
    return layers


def read_layers(model):
    """The `LayerReading` of a built Sequential or functional model.

    Raises
    ------
    ValueError
        If constructor parameters cannot express a layer; the message names it.
    """
    layers = _Layers(chain(model))
    standardizer, parameters = _read_inputs(layers, model.input_shape[1:])
    facts, dropout, sizes = _SharedParameters(), [], []
    while layers.remain("Dense") > 1:
        sizes.append(_read_block(layers, facts, dropout).units)
    output = _read_dense(layers, facts)
    if output.activity_regularizer is not None:
        refuse(output, "has an activity_regularizer. Only hidden layers may")
    activation, rescaling = _read_end(layers, output)
    parameters |= facts.values | {
        "hidden_layer_sizes": tuple(sizes),
        "dropout": dropout[0] if len(set(dropout)) == 1 else tuple(dropout) or 0.0,
        "normalize": standardizer.kind or rescaling is not None,
    }
    scale, offset = np.ones(output.units), np.zeros(output.units)
    if rescaling is not None:
        scale, offset = scale * rescaling.scale, offset + rescaling.offset
    made = standardizer.to_standardizer()
    return LayerReading(made, parameters, output, activation, scale, offset, rescaling)


class _Layers:
    """The layers that are still to be read; each is checked when it is taken."""

    def __init__(self, layers):
        self._layers = layers
        dense = [layer for layer in layers if type(layer).__name__ == "Dense"]
        if not dense:
            raise ValueError(
                "The 'model' parameter must be a model with a Dense layer. Got the "
                f"layers {[layer.name for layer in layers]}."
            )
        self.dtype = dense[-1].variable_dtype

    def remain(self, kind):
        """Number of layers of this kind that are left."""
        return sum(type(layer).__name__ == kind for layer in self._layers)

    def next_is(self, *kinds):
        """Whether the next layer is of one of these Keras classes."""
        if not self._layers:
            return False
        layer = self._layers[0]
        kind = type(layer).__name__
        return kind in kinds and type(layer) is getattr(keras().layers, kind)

    def take(self, *kinds):
        """Remove and return the next layer if it is of these kinds, otherwise None."""
        if not self.next_is(*kinds):
            return None
        layer = self._layers.pop(0)
        dtypes = {layer.variable_dtype, layer.compute_dtype}
        if self.dtype not in ("float32", "float64") or dtypes != {self.dtype}:
            refuse(
                layer,
                f"computes with dtype policy {layer.dtype_policy.name!r}. All layers "
                "must have one dtype, float32 or float64",
            )
        if layer.weights and not layer.trainable:
            refuse(layer, "is frozen (trainable=False). Set layer.trainable = True")
        if layer.activity_regularizer and type(layer).__name__ not in _HAS_ACTIVITY:
            refuse(layer, "has an activity_regularizer. Only activations may")
        return layer

    def refuse_next(self):
        """Raise the error for the next layer."""
        refuse(
            self._layers[0],
            "is of a class, or at a position, that the estimators do not have. They "
            f"take, in this order: {_ORDER}",
        )


_HAS_ACTIVITY = ("Dense", *_ACTIVATIONS)


@dataclass
class _SharedParameters:
    """Parameters that must have the same value in all layers."""

    values: dict = field(default_factory=dict)

    def add(self, layer, **values):
        """Record the layer's values; raises if an earlier layer has others."""
        for name, value in values.items():
            before = self.values.setdefault(name, value)
            if value != before:
                refuse(
                    layer,
                    f"has {name}={value!r}, but a layer before it {name}={before!r}. "
                    "The estimators have one value for all layers",
                )


class _InputScaling:
    """The map ``(x - mean) / scale`` with clipping, composed from layers."""

    def __init__(self, shape):
        self.shape = shape
        self.mean, self.scale, self.limit = np.zeros(prod(shape)), np.ones(1), np.inf
        self.kind = False  # the estimator's `normalize`

    def append_affine(self, factor, offset):
        """Append the map ``x * factor + offset``."""
        factor, offset = self._columns(factor), self._columns(offset)
        self.kind = True
        self.mean = self.mean - offset * self.scale / factor
        self.scale = self.scale / factor

    def append_tanh(self, limit):
        """Append the map ``limit * tanh(x)``."""
        self.kind, self.limit = "robust", float(limit)
        self.scale = self.scale / self.limit

    def _columns(self, values):
        values = np.asarray(values, float)
        return np.broadcast_to(values, (1, *self.shape)).reshape(-1)

    def to_standardizer(self):
        """The map as a `Standardizer`."""
        return Standardizer(self.mean, self.scale * np.ones(len(self.mean)), self.limit)


def _read_inputs(layers, shape):
    """Read the scaling of the inputs, and the parameters of their noise."""
    found, n_features = _InputScaling(shape), prod(shape)
    while layer := layers.take("Flatten", "Normalization", "Rescaling"):
        if type(layer).__name__ != "Flatten":
            found.append_affine(*factor_and_offset(layer))
        elif layer.data_format == "channels_first" and len(found.shape) > 1:
            refuse(layer, "moves the channels. It must have data_format=None")
        else:
            found.shape = (n_features,)
    if layers.next_is("Activation"):
        layer = layers.take("Activation")
        if activation_name(layer.activation) != "tanh":
            refuse(layer, "is before the first Dense layer. Only tanh may be there")
        limit = layers.take("Rescaling")
        if limit is not None and (np.ndim(limit.scale) or np.any(limit.offset)):
            refuse(limit, "follows a tanh. It must have one scale and no offset")
        found.append_tanh(1.0 if limit is None else limit.scale)
    if len(found.shape) > 1 and layers.next_is("Dense"):
        dense = layers.take("Dense")
        refuse(dense, f"takes rows of shape {shape}. Put a Flatten layer before it")
    dropout, noise = layers.take("Dropout"), layers.take("GaussianNoise")
    return found, {
        "input_dropout": rate(dropout),
        "gaussian_noise": 0.0 if noise is None else noise.stddev,
    }


def _read_block(layers, facts, dropout):
    """Read a hidden block, from Dense to dropout; returns the Dense layer."""
    layer = dense = _read_dense(layers, facts)
    activation, slope = activation_of(dense)
    if activation == "linear" and dense.activity_regularizer is None:
        normalization = layers.take("BatchNormalization", "LayerNormalization")
        batchnorm = batchnorm_of(normalization)
        facts.add(normalization or dense, batchnorm=batchnorm)
        if batchnorm is True:
            facts.add(normalization, batchnorm_momentum=float(normalization.momentum))
        taken = layers.take(*_ACTIVATIONS)
        if taken is not None:
            layer = taken
            activation, slope = activation_of(layer)
    else:
        facts.add(dense, batchnorm=False)
    facts.add(layer, activation=activation)
    if activation == "leaky_relu":
        facts.add(layer, negative_slope=slope)
    l1, l2 = penalty_of(layer, "activity_regularizer")
    facts.add(layer, activity_l1=l1, activity_l2=l2)
    noise = layers.take("Dropout", "AlphaDropout")
    wanted = "AlphaDropout" if activation == "selu" else "Dropout"
    if noise is not None and type(noise).__name__ != wanted:
        refuse(noise, f"follows {activation}, after which the estimators have {wanted}")
    dropout.append(rate(noise))
    return dense


def _read_dense(layers, facts):
    layer = layers.take("Dense")
    if layer is None:
        layers.refuse_next()
    if not layer.use_bias:
        refuse(layer, "has no bias. Dense layers must have use_bias=True")
    if layer.bias_constraint is not None:
        refuse(layer, "has a bias_constraint. The estimators have none")
    if layer.quantization_mode or layer.lora_enabled:
        refuse(layer, "is quantized or has LoRA. Dense layers must be plain")
    l1, l2 = penalty_of(layer, "kernel_regularizer")
    bias_l1, bias_l2 = penalty_of(layer, "bias_regularizer")
    facts.add(layer, l1=l1, l2=l2, bias_l1=bias_l1, bias_l2=bias_l2)
    facts.add(layer, max_norm=max_norm_of(layer))
    return layer


def _read_end(layers, output):
    """Read the output's activation and the final Rescaling layer, or None."""
    activation, _ = activation_of(output)
    if activation == "linear" and layers.next_is("Activation", "Softmax"):
        activation, _ = activation_of(layers.take("Activation", "Softmax"))
    rescaling = layers.take("Rescaling")
    if layers._layers:
        layers.refuse_next()
    return activation, rescaling
