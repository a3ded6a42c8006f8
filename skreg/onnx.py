"""Convert the estimators to ONNX, with skl2onnx.

The graph is written from the estimator's arrays, so that a conversion needs neither
TensorFlow nor tf2onnx.
"""

import numpy as np

from .engine import output_activation
from .estimators import MLPRegularizedClassifier, MLPRegularizedRegressor
from .interop import Graph, mean_outputs

# The estimators' names in skl2onnx's tables.
_CLASSIFIER = "SkregMLPRegularizedClassifier"
_REGRESSOR = "SkregMLPRegularizedRegressor"


def register_onnx_converters() -> None:
    """Register the estimators with skl2onnx, to convert them alone and in pipelines.

    Afterwards ``skl2onnx.to_onnx(pipeline, X[:1])`` writes scaler, encoder and network
    into one model, which takes the pipeline's inputs. A second call changes nothing.

    A classifier's model returns labels of shape (n_samples,), or (n_samples, n_labels)
    if it is multilabel, and probabilities of shape (n_samples, n_classes), as `predict`
    and `predict_proba` do. With ``loss="hinge"`` it returns margins in place of
    probabilities; for two classes these are -m and m. A regressor's model returns
    numbers of shape (n_samples, n_outputs). An ensemble's model returns the mean of its
    members.

    Inputs are standardised in double precision, as in `predict`; the network itself
    computes in single precision. Probabilities are always an array: skl2onnx's option
    `zipmap` can only be False.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.
    ValueError
        Later, from skl2onnx's conversion: if the activation is a function of your own
        or ``"sparsemax"``, or if the classes are neither whole numbers nor strings.

    References
    ----------
    `skl2onnx, Implement a new converter
    <https://onnx.ai/sklearn-onnx/auto_tutorial/plot_icustom_converter.html>`_;
    `ONNX operators <https://onnx.ai/onnx/operators/>`_.

    Examples
    --------
    >>> import skl2onnx
    >>> from sklearn.datasets import load_iris
    >>> import skreg
    >>> X, y = load_iris(return_X_y=True)
    >>> network = skreg.MLPRegularizedClassifier((8,), epochs=5).fit(X, y)
    >>> skreg.register_onnx_converters()
    >>> model = skl2onnx.to_onnx(network, X[:1].astype("float32"))
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    try:
        from skl2onnx import update_registered_converter  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise ImportError(
            "register_onnx_converters needs skl2onnx. Install it with "
            "pip install 'skreg[onnx]'."
        ) from error
    update_registered_converter(
        MLPRegularizedClassifier,
        _CLASSIFIER,
        _classifier_shapes,
        _convert_classifier,
        parser=_parse_classifier,
        options={"zipmap": [False]},
    )
    update_registered_converter(
        MLPRegularizedRegressor, _REGRESSOR, _regressor_shapes, _convert_regressor
    )


# --- called by skl2onnx: to declare outputs, set types and shapes, write the graph


def _parse_classifier(scope, model, inputs, custom_parsers=None):
    """Declare both outputs; skl2onnx would make dictionaries of the probabilities."""
    from skl2onnx.common import data_types  # noqa: PLC0415 (an extra)

    operator = scope.declare_local_operator(_CLASSIFIER, model)
    operator.inputs = inputs
    like_inputs = data_types.guess_tensor_type(inputs[0].type)
    types = {"label": data_types.Int64TensorType(), "probabilities": like_inputs}
    for name, kind in types.items():
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def _classifier_shapes(operator):
    from skl2onnx.common import data_types  # noqa: PLC0415 (an extra)

    classifier, n_rows = operator.raw_operator, operator.inputs[0].type.shape[0]
    are_strings = _onnx_labels(classifier.classes_).dtype.kind == "U"
    kind = data_types.StringTensorType if are_strings else data_types.Int64TensorType
    both = [n_rows, len(classifier.classes_)]
    operator.outputs[0].set_type(kind(both if classifier._multilabel else [n_rows]))
    operator.outputs[1].type.shape = both


def _regressor_shapes(operator):
    n_outputs = operator.raw_operator._structure().n_outputs
    operator.outputs[0].type.shape = [operator.inputs[0].type.shape[0], n_outputs]


def _convert_classifier(scope, operator, container):
    from onnx import TensorProto  # noqa: PLC0415 (an extra)

    classifier, graph = operator.raw_operator, Graph(scope, container)
    outputs = mean_outputs(graph, operator.inputs[0].full_name, classifier)
    has_margins = output_activation(classifier._structure()) == "linear"
    scores = outputs
    if classifier._coder().n_outputs == 1 and not classifier._multilabel:
        other = graph("Neg", outputs) if has_margins else graph("Sub", 1.0, outputs)
        scores = graph("Concat", other, outputs, axis=1)
    if classifier._multilabel:
        labels = graph("Greater", outputs, 0.0 if has_margins else 0.5)
        labels = graph("Cast", labels, to=TensorProto.INT64)
    else:
        codes = graph("ArgMax", scores, axis=1, keepdims=0)
        labels = graph("Gather", _onnx_labels(classifier.classes_), codes)
    graph.set_output(labels, operator.outputs[0])
    graph.set_output(scores, operator.outputs[1])


def _convert_regressor(scope, operator, container):
    from onnx import TensorProto  # noqa: PLC0415 (an extra)

    regressor, graph = operator.raw_operator, Graph(scope, container)
    y = mean_outputs(graph, operator.inputs[0].full_name, regressor)
    scale, offset = regressor._target_scale()
    if np.any(scale != 1) or np.any(offset != 0):
        y = graph("Cast", y, to=TensorProto.DOUBLE)
        y = graph("Add", graph("Mul", y, scale), offset)
    graph.set_output(y, operator.outputs[0])


def _onnx_labels(classes):
    """Convert classes to ONNX's label types, int64 or str; raises for others."""
    # Strings may come as objects or in NumPy's StringDType.
    labels = np.array(classes.tolist()) if classes.dtype.kind in "OT" else classes
    if labels.dtype.kind == "U":
        return labels
    if labels.dtype.kind in "biuf":  # scikit-learn refuses fractions as classes
        return labels.astype(np.int64)
    raise ValueError(
        "classes_ must be whole numbers or strings: ONNX has no other labels. Got "
        f"{classes.tolist()}. Fit with the labels as strings."
    )
