"""Forked processes: predictions by NumPy; an error, where training would hang.

Each case runs in a process of its own, with a limit of time: it must not hang.
"""

import multiprocessing
import subprocess
import sys

import numpy as np
import pytest

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor
from skreg.engine import ForkedProcessError, backends, keras, numpy_network
from skreg.fitting.parameters import activation_names

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="needs fork"
)

SETUP = """
import multiprocessing as mp, os, pathlib, pickle, subprocess, sys, tempfile
import numpy as np
from sklearn.datasets import load_iris
X, y = load_iris(return_X_y=True)

def forked(function, *arguments):
    with mp.get_context("fork").Pool(1) as pool:
        return pool.apply_async(function, arguments).get(timeout=60)

def error_of(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
"""


def printed_by(code):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SETUP + code],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_after_a_fit_a_fork_predicts_and_refuses_to_train():
    found = printed_by("""
from skreg import MLPRegularizedClassifier
net = MLPRegularizedClassifier((8,), epochs=2, n_members=2, random_state=0).fit(X, y)
print(np.abs(forked(net.predict_proba, X) - net.predict_proba(X)).max() < 1e-6)
print((forked(net.predict, X) == net.predict(X)).all())
print(forked(error_of, net.fit, X, y))
print(forked(error_of, net.partial_fit, X, y))
print(forked(error_of, getattr, net, "model_"))
""").splitlines()
    assert found[:2] == ["True", "True"]
    for line in found[2:]:
        assert line.startswith("ForkedProcessError: This process was forked from one")
        assert "'spawn' or 'forkserver'" in line
        assert "loky" in line
    assert len(found) == 5


def test_loading_saving_and_predicting_few_rows_start_nothing():
    """A server loads in the master and forks workers, which then train as well."""
    found = printed_by("""
import skreg
path = pathlib.Path(tempfile.mkdtemp()) / "net"
def make():
    skreg.save(skreg.MLPRegularizedClassifier((8,), epochs=2).fit(X, y), path)
forked(make)  # nothing runs here yet
code = "import sys, skreg; print(skreg.load(sys.argv[1]).predict([[0.0] * 4]).shape)"
code += "; print('keras' in sys.modules)"
print(subprocess.check_output([sys.executable, "-c", code, path], text=True), end="")
net = skreg.load(path)
skreg.save(net, path)
pickle.loads(pickle.dumps(net))
net.save_weights(path); net.load_weights(path)
print(error_of(skreg.MLPRegularizedClassifier(dropout=2).fit, X, y))
print(error_of(skreg.MLPRegularizedClassifier().fit, X[:, 0], y))
print(net.predict(X[:5]).shape)
print(forked(net.fit, X, y).n_iter_)
""").splitlines()
    assert found[:2] == ["(1,)", "False"]  # Keras is not even imported
    assert found[2].startswith("ValueError: The 'dropout' parameter")
    assert found[3].startswith("ValueError: ")
    assert found[4:] == ["(5,)", "2"]


STARTS = {
    "jax": "import jax; jax.devices()",
    "tensorflow": "import tensorflow; tensorflow.zeros(3)",
}


def test_whoever_started_the_backend():
    start = STARTS[keras().config.backend()]
    found = printed_by(f"""
{start}
def fit():  # skreg is imported after the fork
    from skreg import MLPRegularizedClassifier
    MLPRegularizedClassifier((8,), epochs=2).fit(X, y)
print(forked(error_of, fit))
import skreg
print(forked(error_of, fit))
fit()  # here it runs
""").splitlines()
    assert len(found) == 2
    assert all(line.startswith("ForkedProcessError") for line in found)


def test_joblibs_processes():
    """The errors are caught there: joblib's pool may hang when a task fails."""
    found = printed_by("""
import joblib
from sklearn.model_selection import cross_val_score
from skreg import MLPRegularizedClassifier
net = MLPRegularizedClassifier((8,), epochs=2).fit(X, y)
def search():
    cross_val_score(net, X, y, error_score="raise")
with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
    for line in joblib.Parallel()(joblib.delayed(error_of)(search) for _ in range(2)):
        print(line)
""").splitlines()
    assert len(found) == 2
    for line in found:
        assert line.startswith("ForkedProcessError: This process was forked from one")


# --- the forward pass in NumPy


@pytest.fixture
def broken(monkeypatch):
    """As in a forked process. Until it is switched on, Keras predicts few rows, too."""
    monkeypatch.setattr("skreg.engine.prediction.SMALL_WORK", -1)

    def switch():
        monkeypatch.setattr(backends._fork, "broken", [backends.backend()])

    return switch


@pytest.mark.parametrize("activation", activation_names())
def test_numpy_predicts_the_same(activation, broken, rng):
    X = rng.normal(0, 3, (60, 4))
    y = rng.integers(0, 3, 60)
    network = MLPRegularizedClassifier(
        (16, 8), activation=activation, negative_slope=0.3, epochs=2, random_state=0
    ).fit(X, y)
    expected, activities = network.predict_proba(X), network._activities(X)
    broken()
    np.testing.assert_allclose(network.predict_proba(X), expected, atol=2e-6)
    for found, other in zip(network._activities(X), activities, strict=True):
        np.testing.assert_allclose(found, other, rtol=1e-5, atol=1e-5)
    assert {*activation_names()} == {*numpy_network.ACTIVATIONS, "leaky_relu"}


@pytest.mark.parametrize(
    "settings",
    [
        {"batchnorm": True},
        {"batchnorm": "layer"},
        {"loss": "poisson"},
        {"n_members": 2},
    ],
    ids=str,
)
def test_numpy_predicts_the_same_with(settings, broken, rng):
    X = rng.normal(0, 3, (60, 4))
    network = MLPRegularizedRegressor((16,), epochs=3, **settings)
    expected = network.fit(X, np.abs(X[:, :2])).predict(X)
    broken()
    np.testing.assert_allclose(network.predict(X), expected, rtol=1e-5, atol=1e-5)


def test_a_function_as_activation_has_no_numpy(broken, rng):
    X = rng.normal(size=(20, 2))
    network = MLPRegularizedRegressor((4,), activation=lambda x: x, epochs=1)
    network.fit(X, X[:, 0])
    broken()
    with pytest.raises(ForkedProcessError, match="activation=<function"):
        network.predict(X)
