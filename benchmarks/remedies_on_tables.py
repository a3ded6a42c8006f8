"""What comparisons of remedies find on a directory of tables, and whether it holds.

    python benchmarks/remedies_on_tables.py run TABLES RESULTS.csv
    python benchmarks/remedies_on_tables.py report RESULTS.csv

`tables.py` says what TABLES holds. On one split of each table, a comparison on the
training rows measures all remedies; the network as it is and the best remedy (by
accuracy or R2, of those measured on all draws of folds) are then fitted on these rows
and judged on the test rows. `run` adds the tables that RESULTS lacks; a row is a remedy
on a table. benchmarks/remedies_on_tables.csv holds the results that the docs quote.

Environment: ROWS (1000), and what `tables.py` says; STEP is 2.
"""

import csv
import os
import sys
import time
import warnings
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import numpy as np
from sklearn.base import clone
from tables import chosen_tables, from_environment, prepared, scores, splits

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor, compare_remedies

ROWS, STEP = from_environment("ROWS", 1000), 2
FIGURES = ["validation", "gain", "low", "high", "n_splits", "cost"]
FIELDS = ["table", "is_classification", "remedy", *FIGURES]
TEST_FIELDS = ["error", "loss"]  # of the network as it is, and of the best remedy


def run(directory, results):
    path = Path(results)
    done = {row["table"] for row in rows_of(path)} if path.exists() else set()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [*FIELDS, *TEST_FIELDS])
        if not done:
            writer.writeheader()
        for name, is_classification, X, y, categorical in chosen_tables(
            directory, STEP
        ):
            if name in done:
                continue
            start = time.process_time()
            ((train, test),) = splits(y, is_classification, ROWS, 1)
            A, B = prepared(X[train], X[test], categorical)
            writer.writerows(
                {"table": name, "is_classification": int(is_classification), **row}
                for row in compared(is_classification, A, y[train], B, y[test])
            )
            file.flush()
            print(name, len(train), f"{time.process_time() - start:.0f} s of CPU")


def compared(is_classification, A, y_train, B, y_test):
    """A row for each remedy; two of them with their losses on the test rows."""
    kind = MLPRegularizedClassifier if is_classification else MLPRegularizedRegressor
    network = kind(random_state=0)
    report = compare_remedies(A, y_train, network)
    best = report.remedies[0]  # they are sorted
    for remedy in report.remedies:
        figures = (
            remedy.validation_score,
            remedy.gain,
            remedy.gain_low,
            remedy.gain_high,
            remedy.n_splits,
            remedy.relative_cost,
        )
        row = dict(zip(FIGURES, figures, strict=True))
        if remedy in (best, report.baseline):
            model = clone(network).set_params(**remedy.parameters).fit(A, y_train)
            losses = scores(model, B, y_test, is_classification, y_train)
            row |= dict(zip(TEST_FIELDS, losses, strict=True))
        yield {"remedy": remedy.name} | {k: f"{v:.5g}" for k, v in row.items()}


def report(path):
    by_table = defaultdict(list)
    for row in rows_of(path):
        by_table[row["table"]].append(row)
    for is_classification, title in (("1", "classes"), ("0", "numbers")):
        chosen = [
            rows
            for rows in by_table.values()
            if rows[0]["is_classification"] == is_classification
        ]
        print(f"\n{len(chosen)} tables of {title}")
        report_choices(chosen)
        report_remedies(chosen)


def report_choices(by_table):
    """How often a remedy is better than none, and what the best does on new rows."""
    helpful = [sum(float(row["low"]) > 0 for row in rows) for rows in by_table]
    print(f"  on {np.count_nonzero(helpful)} the gain of some remedy excludes 0")
    ratios = []
    for rows in by_table:
        (plain,) = (row for row in rows if row["remedy"] == "as it is")
        own, its = (
            np.array([float(row[name]) for name in TEST_FIELDS])
            for row in (rows[0], plain)
        )
        if rows[0] is not plain:
            ratios.append(np.log((own + 0.001) / (its + 0.001)))
    means, errors = np.mean(ratios, axis=0), np.std(ratios, axis=0, ddof=1)
    errors = 200 * errors / np.sqrt(len(ratios))
    print(f"  on {len(ratios)} the best is a remedy; on new rows, beside none:", end="")
    for name, mean, error in zip(TEST_FIELDS, means, errors, strict=True):
        print(f" {name} {100 * np.expm1(mean):+.1f} +- {error:.1f}%", end=",")
    print(f" better error on {np.count_nonzero(np.array(ratios)[:, 0] < 0)}")


def report_remedies(by_table):
    """Each remedy's gain, on how many tables it helps and harms, and its cost."""
    found = defaultdict(list)
    for rows in by_table:
        for row in rows:
            if " + " not in row["remedy"]:
                found[row["remedy"]].append(row)
    print(f"  {'':24}  mean gain  helps  harms  tables  cost")
    figures = []
    for remedy, rows in found.items():
        gain, low, high, cost = (
            np.array([float(row[name]) for row in rows])
            for name in ("gain", "low", "high", "cost")
        )
        counts = np.count_nonzero(low > 0), np.count_nonzero(high < 0), len(rows)
        figures.append((gain.mean(), remedy, *counts, np.median(cost)))
    for gain, remedy, helps, harms, n_tables, cost in sorted(figures, reverse=True):
        counts = f"{helps:5}  {harms:5}  {n_tables:6}"
        print(f"  {remedy:24}  {gain:+9.4f}  {counts}  {cost:4.1f}")


def rows_of(path):
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if len(sys.argv) == 4 and sys.argv[1] == "run":
        run(*sys.argv[2:])
    elif len(sys.argv) == 3 and sys.argv[1] == "report":
        report(sys.argv[2])
    else:
        sys.exit(__doc__)
