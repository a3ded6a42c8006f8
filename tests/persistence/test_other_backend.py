"""Promise: files and pickles of one backend load under another and predict the same."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import skreg
from tests.conftest import BACKEND
from tests.support import plain_classifier, plain_regressor

PREDICT = """
import pickle, sys
from pathlib import Path
import keras, numpy as np
import skreg
folder, = map(Path, sys.argv[1:])
X = np.load(folder / "X.npy")
for path in sorted(folder.glob("*.skreg")):
    net = skreg.load(path)
    outputs = [net._outputs(X).mean(axis=0), net.model_.predict(X, verbose=0)]
    model = keras.saving.load_model(path.with_suffix(".keras"))
    unpickled = pickle.loads(path.with_suffix(".pickle").read_bytes())
    outputs += [model.predict(X, verbose=0), unpickled._outputs(X).mean(axis=0)]
    net.set_params(warm_start=True, epochs=2).fit(X, net.predict(X))
    assert np.isfinite(net.history_["loss"]).all()
    np.savez(path.with_suffix(".npz"), *outputs)
print(keras.config.backend())
"""


def networks(X, y):
    """With all that a file holds: noise, moving statistics, slots, Keras's objects."""
    settings = {"epochs": 3, "random_state": 0, "dropout": 0.2, "batchnorm": True}
    yield "classes", plain_classifier((8, 4), **settings).fit(X, y)
    settings = {"activation": "selu", "optimizer": "nadam", "epochs": 3}
    yield "numbers", plain_regressor((8,), **settings).fit(X, X[:, 0])


def test_files_load_under_the_other_backend(cancer, tmp_path):
    pytest.importorskip("jax", reason="the other backend")
    X, y = cancer[0][:100], cancer[1][:100]
    np.save(tmp_path / "X.npy", X)
    expected = {}
    for name, network in networks(X, y):
        path = tmp_path / f"{name}.skreg"
        skreg.save(network, path)
        path.with_suffix(".pickle").write_bytes(pickle.dumps(network))
        network.model_.save(path.with_suffix(".keras"))
        outputs = network._outputs(X).mean(axis=0)
        scale, centre = network._target_scale()
        expected[name] = outputs, outputs * scale + centre
    other = "tensorflow" if BACKEND == "jax" else "jax"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PREDICT, tmp_path],
        env=os.environ | {"KERAS_BACKEND": other},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(other)
    for name, (raw, scaled) in expected.items():
        with np.load(tmp_path / f"{name}.npz") as found:
            assert len(found) == 4
            for key, outputs in found.items():
                is_of_keras = key in ("arr_1", "arr_2")
                np.testing.assert_allclose(
                    outputs, scaled if is_of_keras else raw, atol=1e-6, rtol=1e-6
                )
