"""What each default is worth: the usual network, without pilots, with one changed.

    python benchmarks/defaults.py run TABLES RESULTS.csv
    python benchmarks/defaults.py report RESULTS.csv

`tables.py` says what TABLES holds. All variants of a table train in stacks, on the same
two splits of at most ROWS (1000) rows. STRUCTURES=1 is for variants that need programs
of their own; STEP is 4 then. SETS names tables, so that a sweep can go on in a new
process; ONLY names variants beside the usual one, separated by semicolons. `tables.py`
says more of the environment.
"""

import csv
import os
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import joblib
import numpy as np
from tables import chosen_tables, from_environment, prepared, scores, splits

import skreg

ROWS, SPLITS, MAX_COLUMNS = from_environment("ROWS", 1000), 2, 300
USUAL = "usual"
NUMBERS = {
    USUAL: {},
    "as before": {  # the first version's defaults, on these layers
        "dropout": 0.0,
        "l2": 0.0,
        "learning_rate": 1e-3,
        "schedule": "constant",
        "normalize": True,
    },
    "dropout 0.1 and l2 0.001": {"dropout": 0.1, "l2": 1e-3},  # the second version's
    "standard scaling": {"normalize": True},
    "constant rate": {"schedule": "constant"},
    "no warm-up": {"schedule": "cosine"},
    "no dropout": {"dropout": 0.0},
    "dropout 0.1": {"dropout": 0.1},
    "dropout 0.3": {"dropout": 0.3},
    "dropout 0.4": {"dropout": 0.4},
    "pilots": {"l2": "auto"},
    "no l2": {"l2": 0.0},
    "l2 0.00025": {"l2": 2.5e-4},
    "l2 0.0005": {"l2": 5e-4},
    "l2 0.001": {"l2": 1e-3},
    "l2 0.002": {"l2": 2e-3},
    "l2 0.005": {"l2": 5e-3},
    "weight decay 0.4, no l2": {"l2": 0.0, "weight_decay": 0.4},
    "l1 0.0001, no l2": {"l2": 0.0, "l1": 1e-4},
    "rate 0.003": {"learning_rate": 3e-3},
    "rate 0.03": {"learning_rate": 3e-2},
    "beta_2 0.95": {"beta_2": 0.95},
    "50 epochs": {"epochs": 50},
    "200 epochs": {"epochs": 200},
    "input dropout 0.1": {"input_dropout": 0.1},
    "gaussian noise 0.1": {"gaussian_noise": 0.1},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "early stopping": {"early_stopping": True, "patience": 30},
    "ensemble of 4": {"n_members": 4},
    "ensemble of 5, each stops early": {
        "n_members": 5,
        "early_stopping": True,
        "validation_fraction": 0.2,
        "patience": 100,
    },
    "8 bins a column": {"n_bins": 8},  # not a parameter: see `piecewise`
    "16 bins a column": {"n_bins": 16},
}
STRUCTURES = {
    USUAL: {},
    "64-64": {"hidden_layer_sizes": (64, 64)},
    "256-256": {"hidden_layer_sizes": (256, 256)},
    "128-128-128": {"hidden_layer_sizes": (128,) * 3},
    "batch normalisation": {"batchnorm": True},
    "layer normalisation": {"batchnorm": "layer"},
    "silu": {"activation": "silu"},
    "mish": {"activation": "mish"},
    "selu": {"activation": "selu"},
    "16 rows a batch": {"batch_size": 16},
    "64 rows a batch": {"batch_size": 64},
}
IS_OF_STRUCTURES = os.environ.get("STRUCTURES") == "1"
VARIANTS = STRUCTURES if IS_OF_STRUCTURES else NUMBERS
if ONLY := os.environ.get("ONLY"):
    VARIANTS = {name: VARIANTS[name] for name in (USUAL, *ONLY.split(";"))}


def piecewise(A, B, n_bins):
    """Columns, and how far each row is in each of their bins, from 0 to 1.

    Gorishniy et al. "On embeddings for numerical features in tabular deep learning"
    (NeurIPS 2022): bins between quantiles of the training rows. The new columns are
    scaled so that together they weigh little more than the column itself.
    """
    parts = [(A, B)]
    for a, b in zip(A.T, B.T, strict=True):
        if len(np.unique(a)) > 2:
            edges = np.unique(np.quantile(a, np.linspace(0, 1, n_bins + 1)))
            low, width = edges[:-1], np.diff(edges)
            size = 1 / np.sqrt(n_bins)
            parts.append(
                [np.clip((c[:, None] - low) / width, 0, 1) * size for c in (a, b)]
            )
    return [np.hstack(side).astype("float32") for side in zip(*parts, strict=True)]


def losses_of(parameters, is_classification, A, B, y, u):
    parameters = {"l2": 0.03 / len(y) ** 0.5} | parameters  # without pilots
    if n_bins := parameters.pop("n_bins", None):
        A, B = piecewise(A, B, n_bins)
    name = "Classifier" if is_classification else "Regressor"
    network = getattr(skreg, f"MLPRegularized{name}")(random_state=0, **parameters)
    try:
        return scores(network.fit(A, y), B, u, is_classification, y)
    except ValueError:  # it diverged
        return np.nan, np.nan


def run(directory, results):
    wanted = os.environ.get("SETS", "").split(",")
    with Path(results).open("a", newline="") as file:
        writer = csv.writer(file)
        for name, is_class, X, y, categorical in chosen_tables(
            directory, step=4 if IS_OF_STRUCTURES else 1
        ):
            if wanted != [""] and name not in wanted:
                continue
            start = time.perf_counter()
            parts = [
                (*prepared(X[a], X[b], categorical), y[a], y[b])
                for a, b in splits(y, is_class, ROWS, SPLITS)
            ]
            if parts[0][0].shape[1] > MAX_COLUMNS:
                continue
            names = [
                v for v in VARIANTS if is_class or "label_smoothing" not in VARIANTS[v]
            ]
            tasks = [(v, split) for v in names for split in range(SPLITS)]
            with skreg.stacked():
                found = joblib.Parallel()(
                    joblib.delayed(losses_of)(VARIANTS[v], is_class, *parts[split])
                    for v, split in tasks
                )
            for (variant, split), losses in zip(tasks, found, strict=True):
                writer.writerow([name, int(is_class), variant, split, *losses])
            file.flush()
            seconds = time.perf_counter() - start
            print(f"{name} {parts[0][0].shape} {seconds:.1f} s", flush=True)


def report(path):
    found = {}
    for name, is_class, variant, _, *losses in csv.reader(
        Path(path).read_text().splitlines()
    ):
        own = found.setdefault(int(is_class), {}).setdefault(name, {})
        own.setdefault(variant, []).append([float(loss) for loss in losses])
    for is_class, by_table in sorted(found.items(), reverse=True):
        kind = "classification" if is_class else "regression"
        first, second = ("error", "cross-entropy") if is_class else ("RMSE", "MAE")
        variants = list(dict.fromkeys(v for t in by_table.values() for v in t))
        full = [t for t in by_table.values() if t.keys() == set(variants)]
        means = np.array([[np.mean(t[v], axis=0) for v in variants] for t in full])
        means = np.nan_to_num(means, nan=10.0)
        usual = means[:, [variants.index(USUAL)]]
        logs = np.log((means + 0.01) / (usual + 0.01))  # (tables, variants, losses)
        error = logs.std(axis=0, ddof=1) / np.sqrt(len(full))
        change = 100 * np.expm1(logs.mean(axis=0))
        print(f"\n{kind}, {len(full)} tables: change in %, with its standard error")
        print(f"{'':26} {first:>16} {second:>16}")
        for i in np.argsort(change[:, 0]):
            cells = [
                f"{change[i, k]:+7.1f} +- {100 * error[i, k]:4.1f}" for k in (0, 1)
            ]
            print(f"{variants[i]:26} {cells[0]:>16} {cells[1]:>16}")
        print(_cross_validated(logs, variants))


def _cross_validated(logs, variants, repeats=200):
    """What the best variant of one half of the tables gains on the other."""
    rng, gains, picks = np.random.default_rng(0), [], []
    for _ in range(repeats):
        order = rng.permutation(len(logs))
        one, other = np.array_split(order, 2)
        best = logs[one].mean(axis=(0, 2)).argmin()
        picks.append(variants[best])
        gains.append(logs[other, best].mean())
    name = max(set(picks), key=picks.count)
    return (
        f"chosen on half of the tables (most often {name!r}), the other half changes "
        f"by {100 * np.expm1(np.mean(gains)):+.1f}%"
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    action, *arguments = sys.argv[1:]
    if action == "run":
        run(*arguments)
    else:
        report(*arguments)
