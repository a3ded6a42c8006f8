"""What importing and a first fit do to the process, and memory over many fits."""

import os
import subprocess
import sys

import pytest

FIT = "skreg.MLPRegularizedClassifier(epochs=2).fit([[0.0], [1.0], [2.0]], [0, 1, 1])"

NOISY = "epochs=2, dropout=0.2, input_dropout=0.1, gaussian_noise=0.1, random_state=0"


def run(code, **environment):
    kept = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=kept | environment,
    )


def test_import_loads_neither_keras_nor_tensorflow():
    code = (
        "import sys, skreg; print({'keras', 'tensorflow', 'scikeras'} & {*sys.modules})"
    )
    assert run(code).stdout.strip() == "set()"


PILOTS = """
from sklearn.datasets import load_iris
skreg.MLPRegularizedClassifier((8,), epochs=2).fit(*load_iris(return_X_y=True))
"""


@pytest.mark.parametrize("fit", [FIT, PILOTS], ids=["alone", "with pilots"])
def test_a_first_fit_prints_nothing(fit):
    result = run(f"import skreg\n{fit}")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert result.stderr == ""


def test_errors_reach_the_terminal_while_keras_is_imported():
    code = """
import os, sys
from skreg.engine import lazy_keras
with lazy_keras.without_chatter():
    os.write(2, b"I0000 00:00:17.5 1 port.cc:153] oneDNN is on\\n")
    os.write(2, b"2026-01-01 10:00:00.5: W tensorflow/core] a note\\n")
    os.write(2, b"E0000 00:00:17.5 1 port.cc:153] a real error\\n")
    print("a traceback", file=sys.stderr)
"""
    lines = run(code).stderr.splitlines()
    assert lines == ["E0000 00:00:17.5 1 port.cc:153] a real error", "a traceback"]


def test_standard_error_may_be_closed():
    code = f"import os; os.close(2); import skreg; {FIT}; print('done')"
    assert run(code).stdout.strip() == "done"


def test_nothing_global_changes():
    code = f"""
import logging, os, random, warnings
import numpy as np
import keras, tensorflow as tf
from tensorflow.python.framework.config import is_op_determinism_enabled
import skreg
def state():
    return (
        dict(os.environ),
        logging.root.level,
        list(logging.root.handlers),
        warnings.filters[:],
        random.getstate(),
        repr(np.random.get_state()),
        keras.config.floatx(),
        is_op_determinism_enabled(),
        tf.config.optimizer.get_jit(),
        tf.config.functions_run_eagerly(),
        keras.Model.__reduce__,
        tf.get_logger().level,
    )
before = state()
estimator = {FIT.replace("epochs=2", NOISY)}
estimator.predict([[0.5]]); estimator.model_
changed = [i for i, (new, old) in enumerate(zip(state(), before)) if new != old]
assert not changed, changed
"""
    result = run(code)
    assert result.returncode == 0, result.stderr


def test_the_environment_is_left_as_it_was():
    code = f"import os, skreg; {FIT}; print(os.environ.get('TF_CPP_MIN_LOG_LEVEL'))"
    assert run(code).stdout.strip() == "None"
    assert run(code, TF_CPP_MIN_LOG_LEVEL="1").stdout.strip() == "1"


def test_another_backend_is_refused():
    result = run(f"import skreg; {FIT}", KERAS_BACKEND="torch")
    message = (
        "skreg trains with Keras's backends 'tensorflow' and 'jax', but Keras runs on "
        "'torch'"
    )
    assert message in result.stderr


MEMORY = """
import warnings
from sklearn.datasets import load_breast_cancer
from skreg import MLPRegularizedClassifier
X, y = load_breast_cancer(return_X_y=True)
def megabytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6
sizes = []
for fit in range(300):
    network = MLPRegularizedClassifier(
        (32,), dropout=0.01 * (fit % 50), learning_rate=1e-3 + 1e-5 * fit, epochs=2
    )
    if fit % 5:  # the others have pilots
        network.set_params(l2=1e-4 * (1 + fit % 7))
    network.fit(X[: 400 + fit % 100], y[: 400 + fit % 100]).predict(X)
    sizes.append(megabytes())
# Freed memory stays with the process for a while: the least counts. All numbers of rows
# were there by the 100th fit.
print(min(sizes[250:]) - min(sizes[100:150]))
"""


@pytest.mark.skipif(
    not os.path.exists("/proc/self/statm"), reason="needs Linux's /proc"
)
def test_memory_does_not_grow_with_fits():
    result = run(MEMORY, MALLOC_ARENA_MAX="1")  # each thread's would keep freed memory
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < 20
