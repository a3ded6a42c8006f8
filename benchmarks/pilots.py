"""What pilots cost: default fits beside fits with the usual penalty as a number.

    python benchmarks/pilots.py TABLES

`tables.py` says what TABLES holds. For each table two new processes, one for each kind
of fit, train on one split twice: the first fit imports Keras and compiles.

Environment: ROWS (4000), and what `tables.py` says; STEP is 5.
"""

import json
import os
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
from tables import chosen_tables, from_environment, prepared, splits, tables

ROWS, STEP = from_environment("ROWS", 4000), 5


def seconds_here(directory, name, has_pilots):
    """Seconds of the first and of the second fit in this process."""
    import skreg

    _, is_classification, X, y, categorical = next(
        table for table in tables(directory) if table[0] == name
    )
    ((train, test),) = splits(y, is_classification, ROWS, 1)
    A, _ = prepared(X[train], X[test], categorical)
    kind = "Classifier" if is_classification else "Regressor"
    network = getattr(skreg, f"MLPRegularized{kind}")(random_state=0)
    if not has_pilots:
        network.set_params(l2=0.03 / len(train) ** 0.5)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        network.fit(A, y[train])
        seconds.append(time.perf_counter() - start)
    return seconds


def seconds(*arguments):
    """The same in a new process."""
    command = [sys.executable, "-W", "ignore", __file__, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main(directory):
    print("seconds of a number and of pilots: first fits, second fits")
    ratios = []
    for name, _, X, *_ in chosen_tables(directory, STEP):
        pairs = list(
            zip(*(seconds(directory, name, p) for p in (False, True)), strict=True)
        )
        ratios.append([pilots / number for number, pilots in pairs])
        ratios[-1].append(pairs[0][1] - pairs[0][0])
        said = ", ".join(f"{a:.1f} {b:.1f}" for a, b in pairs)
        print(f"  {name}, {len(X)} x {X.shape[1]}: {said}", flush=True)
    first, second, more = map(statistics.median, zip(*ratios, strict=True))
    print(f"medians of {len(ratios)}: first fits {first:.2f} x, ", end="")
    print(f"{more:+.1f} s; second fits {second:.2f} x")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1].startswith("["):
        print(json.dumps(seconds_here(*json.loads(sys.argv[1]))))
    else:
        main(sys.argv[1])
