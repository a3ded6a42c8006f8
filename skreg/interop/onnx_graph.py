"""Write a network as nodes of an ONNX graph, from the estimator's arrays."""

import numpy as np

from ..engine import NORMALIZATION_EPSILON, output_activation
from ..fitting import Standardizer


class Graph:
    """Write nodes into skl2onnx's container; tensors are identified by name.

    ``graph("Add", x, 1.0)`` adds a node and returns the name of its output. An input
    that is not a name becomes a constant.
    """

    def __init__(self, scope, container):
        self.scope = scope
        self.container = container

    def __call__(self, operator, *inputs, **attributes):
        """Add a node and return the name of its output."""
        inputs = [x if isinstance(x, str) else self._constant(x) for x in inputs]
        output = self.scope.get_unique_variable_name(operator.lower())
        self.container.add_node(operator, inputs, output, **attributes)
        return output

    def set_output(self, x, variable):
        """Make `x` the operator's output `variable`, cast to its type."""
        from skl2onnx.common.data_types import guess_proto_type  # noqa: PLC0415

        dtype = guess_proto_type(variable.type)
        self.container.add_node("Cast", x, variable.full_name, to=dtype)

    def _constant(self, values):
        from onnx.helper import np_dtype_to_tensor_dtype  # noqa: PLC0415 (an extra)

        values = np.float32(values) if isinstance(values, float) else values
        values = np.asarray(values)
        if values.dtype.kind == "U":
            values = np.char.encode(values, "utf-8").astype(object)
        dtype = np_dtype_to_tensor_dtype(values.dtype)
        name = self.scope.get_unique_variable_name("constant")
        self.container.add_initializer(name, dtype, values.shape, values.ravel())
        return name


def mean_outputs(graph, x, estimator):
    """Mean output of the estimator's networks, shape (n_samples, n_outputs)."""
    x = _standardized(graph, x, Standardizer(**estimator._input_statistics))
    outputs = [_outputs(graph, x, member) for member in estimator.members_]
    return outputs[0] if len(outputs) == 1 else graph("Mean", *outputs)


def _standardized(graph, x, statistics):
    """The features as `Standardizer.transform` gives them, in single precision."""
    from onnx import TensorProto  # noqa: PLC0415 (an extra)

    mean, scale, limit = statistics.mean, statistics.scale, statistics.limit
    if np.any(mean != 0) or np.any(scale != 1):
        # In double precision, since with a large mean a small spread would lose digits.
        x = graph("Cast", x, to=TensorProto.DOUBLE)
        x = graph("Div", graph("Sub", x, mean), scale)
    x = graph("Cast", x, to=TensorProto.FLOAT)
    if not np.isinf(limit):
        x = graph("Mul", graph("Tanh", graph("Div", x, limit)), limit)
    return x


def _outputs(graph, x, member):
    """Outputs of one network in prediction; see `engine.network.forward`."""
    structure, state = member._structure(), member._training_state()
    slope = member._state["numbers"]["negative_slope"]
    held = (state.weights | state.moving).items()
    weights = {name: array.astype(np.float32) for name, array in held}
    for layer in range(len(structure.hidden)):
        x = _dense(graph, x, weights, layer)
        if structure.normalization:
            x = _normalized(graph, x, weights, layer, structure.normalization)
        x = _activated(graph, x, structure.activation, slope)
    x = _dense(graph, x, weights, len(structure.hidden))
    return _activated(graph, x, output_activation(structure), slope)


def _dense(graph, x, weights, layer):
    x = graph("MatMul", x, weights[f"kernel_{layer}"])
    return graph("Add", x, weights[f"bias_{layer}"])


def _normalized(graph, x, weights, layer, kind):
    """Batch normalisation, or layer normalisation with the moments of each row."""
    gamma, beta = weights[f"gamma_{layer}"], weights[f"beta_{layer}"]
    if kind == "batch":
        centred = graph("Sub", x, weights[f"moving_mean_{layer}"])
        variance = weights[f"moving_variance_{layer}"]
    else:
        # By a matrix product, since the axes of ReduceMean changed form in opset 18.
        averaging = np.full((gamma.size, 1), 1 / gamma.size, np.float32)
        centred = graph("Sub", x, graph("MatMul", x, averaging))
        variance = graph("MatMul", graph("Mul", centred, centred), averaging)
    deviation = graph("Sqrt", graph("Add", variance, NORMALIZATION_EPSILON))
    return graph("Add", graph("Mul", graph("Div", centred, deviation), gamma), beta)


def _activated(graph, x, activation, slope):
    if activation == "leaky_relu":
        return graph("LeakyRelu", x, alpha=slope)
    if activation in _OPERATORS:
        operator, attributes = _OPERATORS[activation]
        return graph(operator, x, **attributes)
    if activation in _FORMULAS:
        return _FORMULAS[activation](graph, x)
    raise ValueError(
        "The 'activation' parameter must be one that ONNX has operators for: "
        f"{sorted([*_OPERATORS, *_FORMULAS, 'leaky_relu'])}. Got {activation!r} "
        "instead. Fit with one of these, or export the network alone, without the "
        "pipeline, with model_.export."
    )


# Keras activations that are one ONNX operator, with its attributes.
_OPERATORS = {
    "celu": ("Celu", {}),
    "elu": ("Elu", {}),
    "exponential": ("Exp", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "linear": ("Identity", {}),
    "log_softmax": ("LogSoftmax", {"axis": 1}),
    "relu": ("Relu", {}),
    "selu": ("Selu", {}),
    "sigmoid": ("Sigmoid", {}),
    "softmax": ("Softmax", {"axis": 1}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "sparse_sigmoid": ("HardSigmoid", {"alpha": 0.5, "beta": 0.5}),
    "tanh": ("Tanh", {}),
}


def _gelu(g, x):
    distribution = g("Add", g("Erf", g("Mul", x, 0.5**0.5)), 1.0)
    return g("Mul", g("Mul", x, 0.5), distribution)


def _hard_shrink(g, x):
    return g("Where", g("Greater", g("Abs", x), 0.5), x, 0.0)


def _hard_silu(g, x):
    return g("Mul", x, g("HardSigmoid", x, alpha=1 / 6, beta=0.5))


def _soft_shrink(g, x):
    return g("Mul", g("Sign", x), g("Relu", g("Sub", g("Abs", x), 0.5)))


def _sparse_plus(g, x):
    bend = g("Relu", g("Mul", g("Add", x, 1.0), 0.5))
    return g("Where", g("Less", x, 1.0), g("Mul", bend, bend), x)


def _squareplus(g, x):
    root = g("Sqrt", g("Add", g("Mul", x, x), 4.0))
    return g("Mul", g("Add", x, root), 0.5)


# Keras activations that are composed of several ONNX operators.
_FORMULAS = {
    "gelu": _gelu,
    "hard_shrink": _hard_shrink,
    "hard_silu": _hard_silu,
    "hard_swish": _hard_silu,
    "hard_tanh": lambda g, x: g("Max", g("Min", x, 1.0), -1.0),
    "log_sigmoid": lambda g, x: g("Neg", g("Softplus", g("Neg", x))),
    "mish": lambda g, x: g("Mul", x, g("Tanh", g("Softplus", x))),
    "relu6": lambda g, x: g("Min", g("Relu", x), 6.0),
    "silu": lambda g, x: g("Mul", x, g("Sigmoid", x)),
    "soft_shrink": _soft_shrink,
    "sparse_plus": _sparse_plus,
    "squareplus": _squareplus,
    "swish": lambda g, x: g("Mul", x, g("Sigmoid", x)),
    "tanh_shrink": lambda g, x: g("Sub", x, g("Tanh", x)),
}
