"""Searches on a GPU or TPU, and on the CPU beside it. Needs JAX and scikit-learn.

    python benchmarks/accelerator.py [--small]

Each device has a process of its own. Printed are fits a second of random searches, the
second of two, hence without compiling; how that depends on the lanes of a stack; and
the multiplications of the training steps a second. `--small` tries out the script.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import pairwise

from scipy.stats import loguniform
from sklearn.datasets import make_classification
from sklearn.model_selection import RandomizedSearchCV

FOLDS = 5
TABLES = {  # rows, columns, layers, batch size, epochs
    "569 x 30, 64-64": (569, 30, (64, 64), 32, 30),
    "20,000 x 100, 256-256": (20_000, 100, (256, 256), 256, 2),
}
# Fits of the searches on an accelerator, on the CPU, and of those by lanes.
FITS = {"569 x 30, 64-64": ([100, 1000, 5000], [100, 1000], 1000)}
FITS["20,000 x 100, 256-256"] = [100, 1000], [50], 500
LANES = [16, 64, 256, 1024]


def search_of(table, n_fits):
    import skreg

    rows, columns, layers, batch_size, epochs = TABLES[table]
    X, y = make_classification(rows, columns, n_informative=10, random_state=0)
    network = skreg.MLPRegularizedClassifier(
        layers, batch_size=batch_size, epochs=epochs, dropout=0.2, random_state=0
    )
    choices = {"l2": loguniform(1e-6, 1e-2), "learning_rate": loguniform(1e-4, 1e-2)}
    search = RandomizedSearchCV(
        network, choices, n_iter=n_fits // FOLDS, cv=FOLDS, refit=False, random_state=0
    )
    return search, X.astype("float32"), y


def seconds(table, n_fits, lanes=None):
    """Seconds of a search, after one that compiles."""
    import skreg

    found = []
    for _ in range(2):
        search, X, y = search_of(table, n_fits)
        start = time.perf_counter()
        with skreg.stacked(lanes=lanes):
            search.fit(X, y)
        found.append(time.perf_counter() - start)
    return found[-1]


def multiplications(table, n_fits):
    rows, columns, layers, _, epochs = TABLES[table]
    widths = [columns, *layers, 1]
    kernels = sum(a * b for a, b in pairwise(widths))
    steps_rows = rows * (FOLDS - 1) / FOLDS * epochs
    return 3 * kernels * steps_rows * n_fits  # forward, and two products backward


def measure(is_small):
    """Print the figures of this process's device."""
    import jax

    device = jax.devices()[0]
    print(f"\n{device.device_kind} ({device.platform})", flush=True)
    for table, (many, few, by_lanes) in FITS.items():
        on_cpu = device.platform == "cpu"
        for n_fits in [20] if is_small else few if on_cpu else many:
            taken = seconds(table, n_fits)
            rate = multiplications(table, n_fits) / taken / 1e9
            print(
                f"  {table:22} {n_fits:5} fits: {n_fits / taken:8.1f} fits a second, "
                f"{rate:8.1f} billion multiplications a second",
                flush=True,
            )
        if on_cpu and not is_small:
            continue
        n_fits = 20 if is_small else by_lanes
        by = {n: seconds(table, n_fits, n) for n in LANES[: 1 if is_small else None]}
        shown = ", ".join(f"{n}: {n_fits / s:.1f}" for n, s in by.items())
        print(f"  {table:22} fits a second by lanes: {shown}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--platform", help="one, in this process")
    wanted = parser.parse_args()
    if wanted.platform:
        measure(wanted.small)
        return
    probe = "import jax, json; print(json.dumps(jax.default_backend()))"
    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, check=True
    )
    for platform in dict.fromkeys([json.loads(found.stdout), "cpu"]):
        environment = {"KERAS_BACKEND": "jax"}
        if platform == "cpu":
            environment["JAX_PLATFORMS"] = "cpu"
        command = [sys.executable, "-W", "ignore", __file__, "--platform", platform]
        subprocess.run(
            [*command, *(["--small"] if wanted.small else [])],
            env=os.environ | environment,
            check=True,
        )


if __name__ == "__main__":
    main()
