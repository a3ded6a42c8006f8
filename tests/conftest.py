import os

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

BACKEND = os.environ.get("KERAS_BACKEND") or "tensorflow"
collect_ignore = ["typed_use.py"]  # for mypy alone


def pytest_collection_modifyitems(items):
    """Skip what only TensorFlow can do where Keras runs on another backend."""
    if BACKEND == "tensorflow":
        return
    skip = pytest.mark.skip(reason="what only Keras's TensorFlow backend can do")
    for item in items:
        if item.get_closest_marker("of_tensorflow"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def cancer():
    """Breast cancer, raw columns of very different size: 569 x 30, two classes."""
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="session")
def diabetes():
    """Diabetes: 442 x 10, targets from 25 to 346."""
    return load_diabetes(return_X_y=True)


@pytest.fixture
def float64():
    """Keras's double precision, for equalities without rounding."""
    from skreg.engine import keras

    if BACKEND == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    keras().config.set_floatx("float64")
    yield
    keras().config.set_floatx("float32")
    # Keras makes it of the floatx at its first use, and keeps it.
    keras().config.set_dtype_policy("float32")
    if BACKEND == "jax":
        jax.config.update("jax_enable_x64", False)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
