"""The end of a process while a stacked search runs."""

import subprocess
import sys

import pytest

SCRIPT = """
import threading, time
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from skreg import MLPRegularizedClassifier, stacked
from skreg.engine import compiled_programs

X, y = load_iris(return_X_y=True)
network = MLPRegularizedClassifier((8,), epochs=10_000_000, batch_size=8)

def search():
    with stacked():
        GridSearchCV(network, {{"dropout": [0.0, 0.1, 0.2]}}).fit(X, y)

threading.Thread(target=search, daemon={daemon}).start()
while not compiled_programs():
    time.sleep(0.01)
time.sleep(0.5)
{end}
"""


@pytest.mark.parametrize(
    ("daemon", "end", "code", "words"),
    [
        (True, "", 0, None),
        (True, "raise ValueError('my own')", 1, "my own"),
        (False, "", 0, "The process is ending"),
    ],
)
def test_a_search_ends_with_the_main_thread(daemon, end, code, words):
    """It would train for days: without an end the timeout fails the test."""
    script = SCRIPT.format(daemon=daemon, end=end)
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert words is None or words in done.stderr
    assert ("CancelledFit" in done.stderr) == (not daemon)
