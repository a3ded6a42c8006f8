"""One fit beside its peers: scikit-learn's MLP, Keras, SciKeras and skorch, in one run.

    python benchmarks/fit.py [case ...]

The same data, layers, batches and epochs for all; medians of five after a warm-up;
what counts are the ratios. Cases: small, large, predict, first, import, memory (all by
default). SciKeras and skorch (with PyTorch) are left out where they are not installed.
"""

import importlib.metadata
import importlib.util
import os
import statistics
import subprocess
import sys
import time
import warnings
from itertools import pairwise

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from skreg import MLPRegularizedClassifier

REPEATS = 5


def has(*packages):
    """Whether all of these are installed."""
    return all(importlib.util.find_spec(package) for package in packages)


def small_data():
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X).astype("float32"), y


def large_data():
    X, y = make_classification(20_000, 100, n_informative=30, random_state=0)
    return X.astype("float32"), y


def keras_model(n_features, layers, dropout):
    import keras

    hidden = []
    for units in layers:
        hidden += [keras.layers.Dense(units, "relu"), keras.layers.Dropout(dropout)]
    model = keras.Sequential(
        [keras.Input((n_features,)), *hidden, keras.layers.Dense(1, "sigmoid")]
    )
    model.compile("adam", "binary_crossentropy")
    return model


def skorch_classifier(n_features, layers, dropout, **settings):
    """A skorch classifier of two classes with such a network, trained on all rows."""
    from skorch import NeuralNetBinaryClassifier
    from torch import nn, optim

    parts = []
    for inputs, units in pairwise((n_features, *layers)):
        parts += [nn.Linear(inputs, units), nn.ReLU(), nn.Dropout(dropout)]
    network = nn.Sequential(*parts, nn.Linear(layers[-1], 1), nn.Flatten(0))
    return NeuralNetBinaryClassifier(
        network, optimizer=optim.Adam, train_split=None, verbose=0, **settings
    )


def fits(X, y, layers, batch, epochs, dropout=0.2):
    """One function a peer that fits it anew."""

    def ours():
        return MLPRegularizedClassifier(
            layers,
            dropout=dropout,
            l2=1e-3,
            batch_size=batch,
            epochs=epochs,
            random_state=0,
        ).fit(X, y)

    def scikit_learn():
        return MLPClassifier(
            layers, batch_size=batch, max_iter=epochs, tol=0, n_iter_no_change=epochs
        ).fit(X, y)

    def plain_keras():
        model = keras_model(X.shape[1], layers, dropout)
        model.fit(X, y, batch_size=batch, epochs=epochs, verbose=0)
        return model

    def skorch():
        classifier = skorch_classifier(
            X.shape[1], layers, dropout, lr=1e-3, batch_size=batch, max_epochs=epochs
        )
        return classifier.fit(X, y.astype("float32"))

    functions = {"skreg": ours, "MLPClassifier": scikit_learn, "Keras": plain_keras}
    if has("skorch", "torch"):
        functions["skorch"] = skorch
    if not has("scikeras"):
        return functions

    def scikeras():
        from scikeras.wrappers import KerasClassifier

        return KerasClassifier(
            lambda: keras_model(X.shape[1], layers, dropout),
            batch_size=batch,
            epochs=epochs,
            verbose=0,
        ).fit(X, y)

    return functions | {"SciKeras": scikeras}


def interleaved(functions, repeats=REPEATS):
    """Median seconds of each function, taking turns, after one warm-up each."""
    seconds = {name: [] for name in functions}
    for repeat in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if repeat:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def report(title, seconds):
    print(f"\n{title}")
    ours = seconds["skreg"]
    for name, value in seconds.items():
        print(f"  {name:14s} {1000 * value:10.1f} ms  {value / ours:8.2f} x skreg")


def small():
    report(
        "Warm fit: breast cancer 569 x 30, 64-64, batch 32, 30 epochs",
        interleaved(fits(*small_data(), (64, 64), 32, 30)),
    )


def large():
    report(
        "Warm fit: 20,000 x 100, 512-512, batch 256, 2 epochs",
        interleaved(fits(*large_data(), (512, 512), 256, 2)),
    )


def predict():
    X, y = large_data()
    X, y = X[:1000, :30], y[:1000]
    functions = fits(X, y, (64, 64), 32, 1)
    models = {name: functions[name]() for name in functions}
    keras_predict = models["Keras"].predict
    calls = {name: lambda m=m: m.predict(X) for name, m in models.items()}
    calls["Keras"] = lambda: keras_predict(X, verbose=0)
    if "SciKeras" in models:
        calls["SciKeras"] = lambda: models["SciKeras"].predict(X, verbose=0)
    report("Warm predict: 1,000 x 30 rows, 64-64", interleaved(calls, 20))


FIRST = """
import time; start = time.perf_counter()
import sys, warnings; sys.path.insert(0, {here!r}); warnings.simplefilter("ignore")
import fit
functions = fit.fits(*fit.small_data(), (64, 64), 32, 30)
middle = time.perf_counter()
functions[{name!r}]()
print(time.perf_counter() - middle)
"""


def first():
    seconds = {
        name: statistics.median(
            in_new_process(FIRST.format(here=os.path.dirname(__file__), name=name))
            for _ in range(3)
        )
        for name in ("skreg", "Keras", "MLPClassifier")
    }
    report("A process's first fit, TensorFlow's import included (as small)", seconds)


IMPORT = """
import time
import sklearn.base, sklearn.metrics, sklearn.model_selection, sklearn.preprocessing
start = time.perf_counter()
import skreg
print(time.perf_counter() - start)
"""


def import_time():
    seconds = statistics.median(in_new_process(IMPORT) for _ in range(5))
    print(f"\nimport skreg after scikit-learn: {1000 * seconds:.0f} ms")


def in_new_process(code):
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return float(output.stdout.split()[-1])


MEMORY = """
import json, sys, warnings; sys.path.insert(0, {here!r})
import fit
X, y = fit.small_data()
def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6
sizes = []
for seed in range(300):
    fit.MLPRegularizedClassifier(
        l2=1e-3, epochs=3, learning_rate=0.001 * (1 + seed % 7), random_state=seed
    ).fit(X, y).predict(X)
    sizes.append(resident())
print(sizes[-1] - sizes[49])
"""


def memory():
    growth = in_new_process(MEMORY.format(here=os.path.dirname(__file__)))
    print(f"\nMemory, fits 51 to 300 of one process: {growth:+.1f} MB")


CASES = {
    "small": small,
    "large": large,
    "predict": predict,
    "first": first,
    "import": import_time,
    "memory": memory,
}


def run(cases):
    """The cases that the command line names, or all."""
    warnings.simplefilter("ignore")
    packages = ("keras", "tensorflow", "scikit-learn", "numpy")
    print({p: importlib.metadata.version(p) for p in packages}, os.cpu_count(), "cores")
    for name in sys.argv[1:] or cases:
        cases[name]()


if __name__ == "__main__":
    run(CASES)
