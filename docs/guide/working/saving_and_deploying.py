r"""
Saving and deploying
====================

A trained network can be written to a file in several ways. The right one depends on who
reads the file. What a team should keep for years is on
:doc:`a page of its own </teams>`.

==========================================  ==========================================
The reader                                  Write
==========================================  ==========================================
skreg: predict, train on, look at it        ``skreg.save(network, path)``
scikit-learn: a pipeline or a search        joblib's ``dump``, of pipelines skops's
this program, after a kill                  ``checkpoint=path``
Keras, without skreg                        ``network.model_.save(path)``
TensorFlow Serving                          ``model_.export(path)``
a phone or a small device                   ``model_.export(path, format="litert")``
onnxruntime, the whole pipeline in a file   ``skl2onnx.to_onnx(pipeline, X[:1])``
==========================================  ==========================================
"""

# %%
# All files of this page go into a folder that is deleted in the end.
import pathlib
import tempfile

import numpy as np

import skreg
from skreg import MLPRegularizedClassifier
from skreg.datasets import load_sonar

temporary = tempfile.TemporaryDirectory()
folder = pathlib.Path(temporary.name)

X, y = load_sonar()
network = MLPRegularizedClassifier((32,), l2=0.002, epochs=40, random_state=0)
network.fit(X, y)
probabilities = network.predict_proba(X)

# %%
# One file, for skreg
# -------------------
# :func:`skreg.save` writes parameters, weights, the optimizer's state, classes,
# feature names and the history. :func:`skreg.load` gives an estimator that predicts the
# same bits.
skreg.save(network, folder / "sonar.skreg")
loaded = skreg.load(folder / "sonar.skreg")

assert np.array_equal(loaded.predict_proba(X), probabilities)
size = (folder / "sonar.skreg").stat().st_size
print(f"size: {size / 1000:.0f} kB, weights: {loaded.n_parameters_}")
print(f"epochs trained: {loaded.n_iter_}")

# %%
# The optimizer's state makes up most of the file: Adam keeps two numbers for each
# weight. With them training goes on as if nothing had happened.
network.partial_fit(X, y)
loaded.partial_fit(X, y)
assert np.array_equal(loaded.predict_proba(X), network.predict_proba(X))
print("one more epoch on both: the same bits")

# %%
# (``network.save_weights`` and ``load_weights`` write and read the weights alone.) The
# file is a zip of JSON and arrays, which any program can read.
import zipfile

with zipfile.ZipFile(folder / "sonar.skreg") as file:
    for entry in file.infolist()[:4]:
        print(f"{entry.file_size:8d} bytes  {entry.filename}")

# %%
# Pickle, and why not
# -------------------
# Pickle and joblib work, and they are what a whole pipeline or search needs.
import pickle

copy = pickle.loads(pickle.dumps(network))
assert np.array_equal(copy.predict_proba(X), network.predict_proba(X))

# %%
# But a pickle is a program, and loading it runs it. As an example, this one calls
# ``print``; it could as well delete your files.


class Harmless:
    """An object whose pickle calls a function when it is loaded."""

    def __reduce__(self):
        return print, ("this line was printed by a file",)


pickle.loads(pickle.dumps(Harmless()))

# %%
# So load pickles only from people whom you would let run a program on your machine. A
# pickle also refers to classes by their modules, which may change from one version to
# the next. ``skreg.load`` executes nothing from a file: it reads values and arrays,
# checks their shapes, and refuses what is damaged.
(folder / "strange.skreg").write_bytes(pickle.dumps(network))
try:
    skreg.load(folder / "strange.skreg")
except ValueError as error:
    for part in str(error).replace(f"{folder}/", "").split(": "):
        print(part)

# %%
# For a pipeline without pickle there is `skops <https://skops.readthedocs.io>`__. For a
# server that loads, forks and predicts there are rules. Both are on :doc:`the page for
# teams </teams>`.
#
# A training that survives its process
# ------------------------------------
# With ``checkpoint=path`` the state of training is written after each epoch. The same
# ``fit`` on the same data then goes on where the file ends. As an example, a callback
# stops a training in epoch 25, as a power cut would.
import keras

power = {"is_on": False}


class PowerCut(keras.callbacks.Callback):
    """Ends the training in epoch 25, unless the power is on."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == 25 and not power["is_on"]:
            raise RuntimeError("the power is gone")


path = folder / "training.skreg"
network = MLPRegularizedClassifier(
    (32,),
    l2=0.002,
    epochs=40,
    callbacks=[PowerCut()],
    checkpoint=path,
    random_state=0,
)
try:
    network.fit(X, y)
except RuntimeError as error:
    print(f"{error}; epochs in the file: {skreg.load(path).n_iter_}")

power["is_on"] = True
network.fit(X, y)  # from epoch 25 on
assert np.array_equal(network.predict_proba(X), probabilities)
print(f"epochs: {network.n_iter_}; predictions as without the power cut")

# %%
# The parameters and the data have to be the same: a file with an unfinished training on
# others is refused, not overwritten. ``"{epoch:03d}.skreg"`` in the path makes a file
# of each epoch, ``checkpoint_every`` writes fewer of them. The pilots of ``l2="auto"``
# are not in the file: they train again.
#
# The fits of a search cannot share a path. There ``stacked(checkpoint=folder)`` keeps
# the result of each fit, and a search that is started again trains what is missing.
import time

from sklearn.model_selection import GridSearchCV, StratifiedKFold

search = GridSearchCV(
    MLPRegularizedClassifier((32,), epochs=40, random_state=0),
    {"dropout": [0.1, 0.3, 0.5], "l2": [1e-3, 1e-2]},
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
)
for attempt in ("first", "again"):
    start = time.perf_counter()
    with skreg.stacked(checkpoint=folder / "search"):
        search.fit(X, y)
    seconds = time.perf_counter() - start
    files = len(list((folder / "search").iterdir()))
    print(f"{attempt}: {seconds:.2f} s, {files} files")
    print(search.best_params_)

# %%
# Keras, without skreg
# --------------------
# ``model_`` is the network as a plain ``keras.Sequential``, with the scaling of its
# inputs in its first layers. Its file needs no skreg to predict or to train on.
network.model_.save(folder / "sonar.keras")
model = keras.saving.load_model(folder / "sonar.keras")
for layer in model.layers:
    print(layer.name)

# %%
# Two classes have one output, the probability of ``classes_[1]``. Keras predicts in
# single precision from the raw features on, skreg standardises in double precision:
# they agree to some six digits.
mine = network.predict_proba(X)[:, 1]
its = model.predict(X, verbose=0)[:, 0]
print(f"largest difference: {np.abs(mine - its).max():.1e}")
assert np.allclose(mine, its, atol=1e-5)

# %%
# Labels are not in the file: note ``classes_`` beside it. An ensemble has a model for
# each of its ``members_``.
#
# Servers and devices
# -------------------
# Keras exports ``model_`` to other formats. Each takes raw features.
#
# .. code-block:: python
#
#     network.model_.export("sonar")  # a SavedModel, for TensorFlow Serving
#     network.model_.export("sonar.tflite", format="litert")
#     network.model_.export("sonar.onnx", format="onnx")  # skreg's extra onnx
#
# A SavedModel is called with a tensor:
#
# .. code-block:: python
#
#     import tensorflow as tf
#
#     served = tf.saved_model.load("sonar")
#     served.serve(tf.constant(X[:5], tf.float32))
#
# and a LiteRT file by an interpreter (``pip install ai-edge-litert``):
#
# .. code-block:: python
#
#     from ai_edge_litert.interpreter import Interpreter
#
#     signature = Interpreter("sonar.tflite").get_signature_runner()
#     names = signature.get_input_details()
#     signature(**{name: X[:5].astype("float32") for name in names})
#
# A whole pipeline as ONNX
# ------------------------
# A network seldom stands alone: there are gaps to fill and categories to encode before
# it. `skl2onnx <https://onnx.ai/sklearn-onnx/>`__ writes a whole pipeline, labels
# included, into one file, which onnxruntime runs without Keras and without
# scikit-learn. :func:`skreg.register_onnx_converters` tells it what skreg's networks
# are. This part needs the extra ``onnx``.
import onnxruntime
import skl2onnx
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

holes = X.astype("float32")  # onnxruntime has no imputer for doubles
holes[np.random.default_rng(0).random(X.shape) < 0.05] = np.nan
network = MLPRegularizedClassifier((32,), l2=0.002, epochs=40, random_state=0)
pipeline = make_pipeline(SimpleImputer(), network).fit(holes, y)

skreg.register_onnx_converters()
model = skl2onnx.to_onnx(pipeline, holes[:1])
(folder / "pipeline.onnx").write_bytes(model.SerializeToString())

# %%
# The device has the file alone:
session = onnxruntime.InferenceSession(folder / "pipeline.onnx")
name = session.get_inputs()[0].name
labels, probabilities = session.run(None, {name: holes})

assert np.array_equal(labels, pipeline.predict(holes))
print("labels:", labels[:6])
expected = pipeline.predict_proba(holes)
difference = np.abs(probabilities - expected).max()
print(f"largest difference of the probabilities: {difference:.1e}")

# %%
# Compare predictions after every export, as here, on real rows. It takes a line, and
# finds a column in the wrong order or a scaler left behind.
temporary.cleanup()
