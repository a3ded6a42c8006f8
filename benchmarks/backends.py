"""Keras's backends beside each other: the same work in processes of their own.

    python benchmarks/backends.py [case ...] [--backends tensorflow jax] [--repeats 3]

The backends take turns; medians of the repeats. Cases, all by default: first (a
process's first fit, imports included), search (250 fits of a grid of numbers, twice),
structural (200 fits of a random search over structures, the same again, another),
stacked (a search of 8 fits on 20,000 x 54, after a first one), large (a fit of 512-512
units on 20,000 x 100), small (a warm fit alone), layouts (400 layouts in one process:
its memory). The first and the structural also with JAX's programs kept on disk.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.model_selection import GridSearchCV

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL_CACHE = {  # JAX would not keep programs that compile in less than a second
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def first():
    """With the imports: only those of scikit-learn's were before."""

    def fit():
        from skreg import MLPRegularizedClassifier

        X, y = load_breast_cancer(return_X_y=True)
        MLPRegularizedClassifier(l2=1e-4, random_state=0).fit(X, y)

    return {"s": seconds_of(fit)}


def search():
    import search

    seconds = [1000 * s / search.FITS for s in search.skreg_seconds()]
    return {"first, ms a fit": seconds[0], "second, ms a fit": seconds[1]}


def structural():
    import search

    fresh, again, other, *_ = search.structural_seconds()
    named = {"fresh": fresh, "again": again, "other draws": other}
    return {
        f"{name}, ms a fit": 1000 * seconds / search.STRUCTURAL_FITS
        for name, seconds in named.items()
    }


def stacked():
    import skreg

    X, y = make_classification(20_000, 54, n_informative=20, random_state=0)
    grid = {"dropout": [0.0, 0.2], "l2": [0.0, 1e-4]}
    network = skreg.MLPRegularizedClassifier((128, 128), epochs=10, random_state=0)

    def train():
        with skreg.stacked():
            GridSearchCV(network, grid, cv=2, refit=False).fit(X, y)

    return {"s a fit": [seconds_of(train) for _ in range(2)][1] / 8}


def large():
    from fit import large_data

    import skreg

    network = skreg.MLPRegularizedClassifier(
        (512, 512), l2=1e-4, dropout=0.2, batch_size=256, epochs=2, random_state=0
    )
    data = large_data()
    return {"s": min(seconds_of(lambda: network.fit(*data)) for _ in range(4))}


def small():
    import skreg

    X, y = load_breast_cancer(return_X_y=True)
    network = skreg.MLPRegularizedClassifier(
        (64, 64), l2=1e-4, dropout=0.2, epochs=30, random_state=0
    )
    network.fit(X, y)
    seconds = [seconds_of(lambda: network.fit(X, y)) for _ in range(20)]
    return {"ms": 1000 * statistics.median(seconds)}


def megabytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def layouts():
    import skreg

    X, y = make_classification(100, 5, random_state=0)
    rng, sizes = np.random.default_rng(0), []
    for _ in range(400):
        layers = tuple(rng.integers(8, 129, rng.integers(1, 4)).tolist())
        network = skreg.MLPRegularizedClassifier(layers, l2=1e-4, epochs=1)
        network.fit(X, y).predict(X)
        sizes.append(megabytes())
    return {"MB, 100 layouts": sizes[99], "MB, 400 layouts": sizes[-1]}


CASES = {
    function.__name__: function
    for function in (first, search, structural, stacked, large, small, layouts)
}


def in_new_process(case, backend, **environment):
    command = [sys.executable, os.path.join(HERE, "backends.py"), "--run", case]
    environment = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"} | environment
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *command[1:]],
        env=os.environ | environment,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stderr.decode()}\n{case} ended with {done.returncode}.")
    return json.loads(done.stdout.splitlines()[-1])


def compare(case, backends, repeats):
    found = {backend: [] for backend in backends}
    with tempfile.TemporaryDirectory() as cache:
        on_disk = {"JAX_COMPILATION_CACHE_DIR": cache} | SMALL_CACHE
        if case in ("first", "structural") and "jax" in backends:
            found["jax, on disk"] = []
            in_new_process(case, "jax", **on_disk)
        for _ in range(repeats):
            for name, results in found.items():
                backend, *is_on_disk = name.split(", ")
                environment = on_disk if is_on_disk else {}
                results.append(in_new_process(case, backend, **environment))
    for figure in results[0]:
        for name, results in found.items():
            values = [result[figure] for result in results]
            spread = f"{min(values):.3g} to {max(values):.3g}"
            label = f"{case:10} {figure:22} {name:12}"
            print(f"{label} {statistics.median(values):8.3g} ({spread})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--run", choices=CASES, help="one case, in this process")
    wanted = parser.parse_args()
    if wanted.run:
        print(json.dumps(CASES[wanted.run]()))
        return
    for case in wanted.cases:
        compare(case, wanted.backends, wanted.repeats)


if __name__ == "__main__":
    main()
