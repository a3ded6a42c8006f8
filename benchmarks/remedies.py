"""How long a full comparison of remedies takes in a new process, and what it finds.

    python benchmarks/remedies.py [sonar] [large] [--scoring NAME] [--figure FIGURE.png]

Cases: sonar (208 x 60), large (5,000 x 30, made by scikit-learn); the figure is of the
last.
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from sklearn.datasets import make_classification

from skreg import compare_remedies, engine
from skreg.datasets import load_sonar


def large():
    """A noisy task of two classes."""
    return make_classification(
        5_000, 30, n_informative=10, flip_y=0.1, class_sep=0.7, random_state=0
    )


CASES = {"sonar": load_sonar, "large": large}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--scoring")
    parser.add_argument("--figure")
    wanted = parser.parse_args()
    for name in wanted.cases:
        X, y = CASES[name]()
        before = sum(engine.compilations.values())
        start = time.perf_counter()
        report = compare_remedies(X, y, scoring=wanted.scoring)
        seconds = time.perf_counter() - start
        programs = sum(engine.compilations.values()) - before
        print(f"{name}, {X.shape[0]} x {X.shape[1]}: {seconds:.1f} s", end=", ")
        print(f"{programs} programs compiled\n{report}\n", flush=True)
    if wanted.figure:
        report.plot().figure_.savefig(wanted.figure, dpi=120)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
