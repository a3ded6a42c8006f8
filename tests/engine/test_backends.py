"""Promise: every backend of Keras gives the same results from the same jobs."""

import functools
import operator
import os
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import make_regression

from skreg import MLPRegularizedClassifier
from skreg.engine import draw_kernel, keras
from skreg.fitting import seeded
from skreg.fitting.parameters import initializer_names
from tests.conftest import BACKEND
from tests.engine.test_shared_programs import OPTIMIZERS, PARTS, networks
from tests.support import captured, plain_classifier, plain_regressor

LOSSES = {
    plain_classifier: ["log_loss", "focal", "hinge"],
    plain_regressor: [
        "squared_error",
        "absolute_error",
        "huber",
        "quantile",
        "poisson",
    ],
}

TRAIN = """
import os, pickle, sys
if os.environ["KERAS_BACKEND"] == "jax":
    import jax
    jax.config.update("jax_enable_x64", True)
import keras
from skreg.engine import train_block
keras.config.set_floatx("float64")
with open(sys.argv[1], "rb") as file:
    blocks = pickle.load(file)
results = [
    [(result.state, result.history) for result in train_block(structure, jobs, 16)]
    for structure, jobs in blocks
]
assert os.environ["KERAS_BACKEND"] == "tensorflow" or "tensorflow" not in sys.modules
with open(sys.argv[2], "wb") as file:
    pickle.dump(results, file)
"""


def block_of(estimators, X, y):
    """The program for these estimators' fits, and their jobs."""
    caught = [captured(estimator, X, y) for estimator in estimators]
    shared = functools.reduce(operator.or_, (structure for structure, _ in caught))
    return shared, [replace(job, structure=structure) for structure, job in caught]


def results_of(backend, jobs_file, folder):
    """Results of the jobs in a process of its own, with this backend."""
    path = folder / f"{backend}.pickle"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TRAIN, jobs_file, path],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return pickle.loads(path.read_bytes())


@pytest.mark.usefixtures("float64")
def test_jax_gives_the_results_of_tensorflow(cancer, tmp_path):
    """For every optimizer, normalisation, remedy and loss, noise included."""
    pytest.importorskip("jax", reason="the other backend")
    X, y = cancer[0][:200], cancer[1][:200]
    blocks = [block_of(networks(part), X, y) for part in (PARTS, OPTIMIZERS)]
    columns, target = make_regression(200, 6, noise=5.0, random_state=0)
    numbers = columns, abs(target)
    for make, losses in LOSSES.items():
        for loss in losses:
            one = make((8,), loss=loss, dropout=0.3, epochs=3, random_state=0)
            data = (X, y) if make is plain_classifier else numbers
            blocks.append(block_of([one], *data))
    jobs_file = tmp_path / "jobs.pickle"
    jobs_file.write_bytes(pickle.dumps(blocks))
    found = [results_of(name, jobs_file, tmp_path) for name in ("jax", "tensorflow")]
    n_compared = 0
    for jobs, others in zip(*found, strict=True):
        for (state, history), (other, other_history) in zip(jobs, others, strict=True):
            for part in ("weights", "moving"):
                for name, array in vars(other)[part].items():
                    assert array.dtype == "float64"
                    np.testing.assert_allclose(
                        vars(state)[part][name], array, rtol=1e-8, atol=1e-8
                    )
                    n_compared += 1
            for name, values in other_history.items():
                np.testing.assert_allclose(history[name], values, rtol=1e-8)
    assert n_compared > 150


@pytest.mark.parametrize("name", [n for n in initializer_names() if n != "auto"])
def test_kernels_drawn_by_numpy_are_distributed_as_keras_s(name, monkeypatch):
    from skreg.engine import backends

    shape = 300, 200
    expected = np.asarray(seeded(name, 0)(shape, "float32"))
    monkeypatch.setattr(backends.backend(), "COMPILES_EACH_SHAPE", True)
    found, again, other = (
        draw_kernel(seeded(name, seed), shape, "float32") for seed in (0, 0, 1)
    )
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found, again)
    if np.std(expected) > 0 and "dentity" not in name:
        assert (found != other).any()
    levels = np.linspace(0, 1, 21)
    np.testing.assert_allclose(
        np.quantile(found, levels[1:-1]),
        np.quantile(expected, levels[1:-1]),
        atol=0.04 * np.std(expected) + 1e-7,
    )
    for end in (np.min, np.max):
        assert abs(end(found) - end(expected)) <= np.std(expected)


def test_users_initializers_are_called():
    class Halves(keras().initializers.HeNormal):
        def __call__(self, shape, dtype=None):
            return np.full(shape, 0.5, dtype)

    assert (draw_kernel(Halves(seed=0), (3, 2), "float32") == 0.5).all()
    assert (draw_kernel(np.ones, (3, 2), "float32") == 1).all()


of_jax = pytest.mark.skipif(BACKEND != "jax", reason="what only JAX has")


@of_jax
@pytest.mark.parametrize("n_members", [1, 3])
def test_double_precision_of_one_thread_is_not_that_of_members(n_members, cancer):
    import jax

    is_new = hasattr(jax, "enable_x64")
    enable_x64 = jax.enable_x64 if is_new else jax.experimental.enable_x64
    network = MLPRegularizedClassifier((4,), l2=0.01, epochs=1, n_members=n_members)
    keras().config.set_floatx("float64")
    try:
        with (
            enable_x64(n_members > 1),  # on this thread alone
            pytest.raises(ValueError, match="on for all threads"),
        ):
            network.fit(*cancer)
        jax.config.update("jax_enable_x64", True)
        kernels = network.fit(*cancer)._state["weights"].values()
        assert {kernel.dtype.name for kernel in kernels} == {"float64"}
    finally:
        jax.config.update("jax_enable_x64", False)
        keras().config.set_floatx("float32")


@of_jax
@pytest.mark.parametrize("setting", ["jax_disable_jit", "jax_debug_nans"])
def test_settings_of_jax_for_debugging_do_not_end_training(setting, cancer):
    import jax

    network = MLPRegularizedClassifier((5,), epochs=1, random_state=0)
    expected = network.fit(*cancer).predict_proba(cancer[0])
    jax.config.update(setting, True)
    try:
        found = network.fit(*cancer).predict_proba(cancer[0])
    finally:
        jax.config.update(setting, False)
    np.testing.assert_array_equal(found, expected)


@of_jax
def test_a_length_of_rows_or_steps_compiles_nothing_of_its_own(cancer, caplog):
    import jax

    schedule = keras().optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    settings = {"early_stopping": True, "batch_size": 16, "schedule": schedule}
    network = MLPRegularizedClassifier(
        (4,), epochs=1, l2=0.01, activation=keras().activations.relu6, **settings
    )
    X, y = cancer

    def use(n_rows):
        network.fit(X[:n_rows], y[:n_rows]).predict(X[:n_rows])

    use(256)
    with jax.log_compiles():
        use(250)
        use(230)
    assert not [r for r in caplog.records if "Compiling" in r.getMessage()]
