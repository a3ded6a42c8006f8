"""Exported networks predict the same in a process that has no skreg.

Inputs are raw: normalisation is in what is exported.
"""

import functools
import pickle
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor
from skreg.fitting.parameters import activation_names
from skreg.onnx import register_onnx_converters

TOLERANCE = 1e-5
SCALES = [1e-4, 1e-2, 1.0, 1e3, 1e6]
NAMES = np.array(["ash", "béta", "cedar"])
EXTRA = "needs the extra onnx"

# Each writes what it computes; none may import skreg.
LOAD_KERAS = """
import sys
from pathlib import Path
import keras, numpy as np, tensorflow as tf
try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    Interpreter = tf.lite.Interpreter  # until TensorFlow drops it

def litert(path, X):
    run = Interpreter(str(path)).get_signature_runner()
    (name,) = run.get_input_details()
    (outputs,) = run(**{name: X}).values()
    return outputs

for case in Path(".").iterdir():
    X = np.load(case / "X.npy").astype("float32")
    saved_model = tf.saved_model.load(str(case / "saved_model"))
    np.savez(
        case / "outputs.npz",
        keras=keras.saving.load_model(case / "model.keras")(X),
        h5=keras.saving.load_model(case / "model.h5")(X),
        saved_model=saved_model.serve(X),
        litert=litert(case / "model.tflite", X),
    )
assert "skreg" not in sys.modules
"""
RUN_ONNX = """
import sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
outputs = session.run(None, dict(np.load("inputs.npz")))
plain = [x.astype(str) if x.dtype == object else x for x in outputs]
np.savez("outputs.npz", *plain)
assert not {"skreg", "sklearn", "tensorflow"} & {*sys.modules}
"""
CONVERT = """
import pickle, sys
import numpy as np, skl2onnx
from skreg.onnx import register_onnx_converters
with open("network.pkl", "rb") as file:
    network = pickle.load(file)
register_onnx_converters()
skl2onnx.to_onnx(network, np.zeros((1, network.n_features_in_)))
assert not {"keras", "tensorflow", "tf2onnx"} & {*sys.modules}
"""


def run(code, folder):
    """Run code in a fresh process, in this folder; what it prints shows if it fails."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def rows():
    """Columns whose sizes differ by ten orders, and three classes."""
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(120, 5)) + 1) * SCALES
    return X, (X / SCALES)[:, :3].argmax(axis=1)


# What is fitted, with which settings, on which targets of rows X and classes y.
CASES = {
    "binary": (MLPRegularizedClassifier, {}, lambda X, y: y > 0),
    "multiclass": (
        MLPRegularizedClassifier,
        {"batchnorm": True},
        lambda X, y: NAMES[y],
    ),
    "multilabel ensemble": (
        MLPRegularizedClassifier,
        {"batchnorm": "layer", "normalize": True, "n_members": 2},
        lambda X, y: np.c_[y > 0, y > 1].astype(int),
    ),
    "one target": (
        MLPRegularizedRegressor,
        {"loss": "poisson", "activation": "leaky_relu"},
        lambda X, y: np.abs(X[:, 3]),
    ),
    "two targets": (
        MLPRegularizedRegressor,
        {},
        lambda X, y: X[:, [0, 4]] * [1e7, 1.0] + [500, 0],
    ),
}


@functools.cache
def fitted(case):
    """One network a case, after a few epochs."""
    X, y = rows()
    kind, settings, target = CASES[case]
    return kind((8,), epochs=3, random_state=0, **settings).fit(X, target(X, y))


def difference(outputs, estimator, X):
    """The largest between outputs and `estimator`, of numbers in deviations."""
    if hasattr(estimator, "predict_proba"):
        # Of two classes Keras's models give the second's probability alone.
        expected = estimator.predict_proba(X)[:, -outputs.shape[1] :]
        return np.abs(outputs - expected).max()
    expected = estimator.predict(X).reshape(len(X), -1)
    return (np.abs(outputs - expected) / expected.std(axis=0)).max()


# --- the formats of Keras


@pytest.mark.of_tensorflow
def test_files_of_the_keras_model_predict_the_same_without_skreg(tmp_path):
    X, _ = rows()
    cases = ["binary", "multiclass", "multilabel ensemble", "two targets"]
    for case in cases:
        folder = tmp_path / case
        folder.mkdir()
        np.save(folder / "X.npy", X)
        model = fitted(case).model_
        model.save(folder / "model.keras")
        model.save(folder / "model.h5")
        model.export(folder / "saved_model", verbose=False)
        model.export(str(folder / "model.tflite"), format="litert", verbose=False)
    run(LOAD_KERAS, tmp_path)
    differences = {
        (case, form): difference(outputs, fitted(case), X)
        for case in cases
        for form, outputs in np.load(tmp_path / case / "outputs.npz").items()
    }
    assert len(differences) == 4 * len(cases)
    assert max(differences.values()) < TOLERANCE, differences


@pytest.mark.of_tensorflow
@pytest.mark.parametrize("normalize", [False, True, "robust"])
def test_onnx_of_the_keras_model_predicts_the_same(normalize, tmp_path, monkeypatch):
    pytest.importorskip("tf2onnx", reason="Keras writes ONNX by tf2onnx")
    pytest.importorskip("onnxruntime", reason=EXTRA)
    # Keras sets it for tf2onnx, which is older than NumPy 2.
    monkeypatch.setitem(vars(np), "object", object)
    X, y = rows()
    X = X if normalize else X / SCALES
    network = MLPRegularizedClassifier((8,), normalize=normalize, epochs=3).fit(X, y)
    model = network.model_
    path = str(tmp_path / "model.onnx")
    model.export(path, format="onnx", verbose=False)
    inputs = {model.inputs[0].name: X.astype("float32")}
    (outputs,) = onnx_outputs(inputs, tmp_path)
    assert difference(outputs, network, X) < TOLERANCE


# --- skl2onnx


def onnx_outputs(inputs, folder):
    """What onnxruntime gives for the folder's model in a fresh process."""
    np.savez(folder / "inputs.npz", **inputs)
    run(RUN_ONNX, folder)
    return list(np.load(folder / "outputs.npz").values())


def converted_outputs(estimator, X, folder, **settings):
    """What onnxruntime gives for the estimator as skl2onnx converts it."""
    skl2onnx = pytest.importorskip("skl2onnx", reason=EXTRA)
    pytest.importorskip("onnxruntime", reason=EXTRA)
    register_onnx_converters()
    model = skl2onnx.to_onnx(estimator, X[:1], **settings)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    if isinstance(X, np.ndarray):
        return onnx_outputs({"X": X}, folder)
    columns = {name: X[name].to_numpy()[:, None] for name in X}
    texts = {name: x.astype(str) for name, x in columns.items() if x.dtype == object}
    return onnx_outputs(columns | texts, folder)


def assert_converts(estimator, X, folder, **settings):
    outputs = converted_outputs(estimator, X, folder, **settings)
    if hasattr(estimator, "predict_proba"):
        np.testing.assert_array_equal(outputs[0], estimator.predict(X))
        assert outputs[1].shape == estimator.predict_proba(X).shape
    assert difference(outputs[-1], estimator, X) < TOLERANCE


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_onnx_predicts_the_same(case, dtype, tmp_path):
    assert_converts(fitted(case), rows()[0].astype(dtype), tmp_path)


def test_onnx_of_a_pipeline_takes_a_frame(tmp_path):
    X, y = rows()
    frame = pd.DataFrame(X[:, :3], columns=["length", "mass", "volume"])
    frame["colour"] = np.array(["red", "green", "blue"], object)[y[::-1]]
    frame["code"] = y * 7
    pipeline = make_pipeline(
        make_column_transformer(
            (StandardScaler(), ["mass", "length"]),
            (OneHotEncoder(handle_unknown="ignore"), ["colour"]),
            (OneHotEncoder(), ["code"]),
            remainder="passthrough",
        ),
        MLPRegularizedClassifier((8,), epochs=3, random_state=0),
    ).fit(frame, NAMES[y])
    assert_converts(pipeline, frame, tmp_path)


@pytest.mark.parametrize("opset", [12, 15, 18])
def test_onnx_of_earlier_operator_sets(opset, tmp_path):
    X, _ = rows()
    assert_converts(fitted("multilabel ensemble"), X, tmp_path, target_opset=opset)


def test_onnx_keeps_small_spreads_around_large_means(tmp_path):
    """Seconds since 1970, of which single precision keeps every hundredth."""
    X, y = rows()
    X = np.c_[X, 1.7e9 + np.arange(len(X))]
    network = MLPRegularizedClassifier((8,), epochs=3, random_state=0).fit(X, y)
    assert_converts(network, X, tmp_path)
    assert_converts(network, (X + 0.5).astype(np.int64), tmp_path)


@pytest.mark.parametrize("classes", [[False, True], [3, -1], [1.0, 2.0], ["é", "e"]])
def test_onnx_labels(classes, tmp_path):
    X, y = rows()
    labels = np.array(classes)[(y > 0).astype(int)]
    network = MLPRegularizedClassifier((8,), epochs=1).fit(X, labels)
    assert_converts(network, X, tmp_path)
    network.classes_ = network.classes_.astype(object)
    label, _ = converted_outputs(network, X, tmp_path)
    np.testing.assert_array_equal(label, network.predict(X).astype(label.dtype))


def test_onnx_gives_margins_of_a_hinge_loss(tmp_path):
    X, y = rows()
    network = MLPRegularizedClassifier((8,), loss="hinge", epochs=3).fit(X, NAMES[y])
    label, margins = converted_outputs(network, X, tmp_path)
    np.testing.assert_array_equal(label, network.predict(X))
    np.testing.assert_allclose(margins, network.decision_function(X), atol=TOLERANCE)
    network.fit(X, y > 0)
    label, margins = converted_outputs(network, X, tmp_path)
    np.testing.assert_array_equal(label, network.predict(X))
    m = network.decision_function(X)
    np.testing.assert_allclose(margins, np.c_[-m, m], atol=TOLERANCE)


def test_onnx_of_every_activation():
    """Of one network whose activation is exchanged, with weights that reach its bends.

    In this process, which is quicker.
    """
    skl2onnx = pytest.importorskip("skl2onnx", reason=EXTRA)
    onnxruntime = pytest.importorskip("onnxruntime", reason=EXTRA)
    register_onnx_converters()
    X, _ = rows()
    network = pickle.loads(pickle.dumps(fitted("binary")))
    network._state["weights"]["kernel_0"] *= 3
    for name in sorted({*activation_names()} - {"sparsemax"}):
        network._state["structure"]["activation"] = name
        model = skl2onnx.to_onnx(network, X[:1]).SerializeToString()
        _, outputs = onnxruntime.InferenceSession(model).run(None, {"X": X})
        assert difference(outputs, network, X) < TOLERANCE, name


def test_onnx_refuses_what_it_has_no_operator_or_label_for():
    skl2onnx = pytest.importorskip("skl2onnx", reason=EXTRA)
    register_onnx_converters()
    X, y = rows()
    for activation in (np.asarray, "sparsemax"):
        network = pickle.loads(pickle.dumps(fitted("binary")))
        network._state["structure"]["activation"] = activation
        message = rf"'activation' parameter .* Got {re.escape(repr(activation))}"
        with pytest.raises(ValueError, match=message):
            skl2onnx.to_onnx(network, X[:1])
    days = np.array(["2026-01-01", "2026-01-02", "2026-01-03"], "datetime64[D]")
    network = MLPRegularizedClassifier((8,), epochs=1).fit(X, days[y])
    with pytest.raises(ValueError, match=r"classes_ must be .* Got \[datetime.date"):
        skl2onnx.to_onnx(network, X[:1])


def test_conversion_needs_no_tensorflow(tmp_path):
    pytest.importorskip("skl2onnx", reason=EXTRA)
    (tmp_path / "network.pkl").write_bytes(pickle.dumps(fitted("binary")))
    run(CONVERT, tmp_path)


def test_onnx_takes_the_option_that_others_need(tmp_path):
    options = {"zipmap": False}
    assert_converts(fitted("binary"), rows()[0], tmp_path, options=options)


def test_missing_skl2onnx_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'skreg\[onnx\]'"):
        register_onnx_converters()
