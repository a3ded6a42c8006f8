"""Which features are found, beside LassoNet, LassoCV and permutation importance.

    python benchmarks/selection.py simulated OUT.csv [--models skreg,lasso,...]
    python benchmarks/selection.py real DIRECTORY OUT.csv [--models ...]
    python benchmarks/selection.py report OUT.csv

Simulated data: 10 of 100 normal features matter. "linear": y is their sum with signs
that alternate; "xor": the sum of products of five pairs; "correlated": as "linear", and
all features correlate by 0.7. The noise has half of the signal's standard deviation.
LassoNet (package lassonet) needs torch; its path is chosen by a fifth of the rows, held
out, since it has no folds. `report` prints means over seeds.
"""

import argparse
import csv
import time
import warnings
from pathlib import Path

import numpy as np

N_FEATURES, N_TRUE, N_TEST = 100, 10, 2000
KINDS, SIZES = ("linear", "xor", "correlated"), (500, 5000)
FEW_ROWS = 1000
FOLDS, STRENGTHS = 5, np.geomspace(0.001, 0.5, 50)


def simulated(kind, n_rows, seed):
    """Rows and targets; the first `N_TRUE` features matter."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, N_FEATURES))
    if kind == "correlated":
        X = np.sqrt(0.3) * X + np.sqrt(0.7) * rng.normal(size=(n_rows, 1))
    if kind == "xor":
        signal = (X[:, 0:N_TRUE:2] * X[:, 1:N_TRUE:2]).sum(axis=1)
    else:
        signal = X[:, :N_TRUE] @ np.resize([1.0, -1.0], N_TRUE)
    return X, signal + 0.5 * signal.std() * rng.normal(size=n_rows)


# --- models: each returns masks of the selected features by name, and a fitted model


def _now():
    return np.array([time.perf_counter(), time.process_time()])


def _since(start):
    """Seconds, and seconds of the processor, rounded."""
    return (_now() - start).round(2).tolist()


def skreg(X, y, is_classification, seed):
    """The cross-validated path, then a fit of the best and of the simplest strength."""
    from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor
    from skreg.inspection import FeaturePathDisplay

    kind = MLPRegularizedClassifier if is_classification else MLPRegularizedRegressor
    epochs = 100 if len(y) <= FEW_ROWS else 20  # many rows are many steps an epoch
    network = kind((64,), dropout=0, l2=0.001, epochs=epochs, random_state=seed)
    start = _now()
    path = FeaturePathDisplay._trained(
        network, X, y, STRENGTHS, groups=None, cv=FOLDS, scoring=None
    )
    seconds = _since(start)
    for name, strength in (
        ("skreg", path.best_strength),
        ("skreg, one error", path.simplest_strength),
    ):
        fitted = network.set_params(feature_l1=strength).fit(X, y)
        yield name, fitted.selected_features_, fitted, seconds
        network = kind(**network.get_params())


def default(X, y, is_classification, seed, name="skreg, default", **parameters):
    """The default network, which keeps all features."""
    from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor

    kind = MLPRegularizedClassifier if is_classification else MLPRegularizedRegressor
    start = _now()
    fitted = kind(random_state=seed, **parameters).fit(X, y)
    yield name, fitted.selected_features_, fitted, _since(start)


def auto(*data):
    """The default network, in which pilots choose the features as well."""
    yield from default(*data, name="skreg, auto", feature_l1="auto")


def lasso(X, y, is_classification, seed):
    """LassoCV, or logistic regression with an l1 penalty, chosen on five folds."""
    from sklearn.linear_model import LassoCV, LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = LassoCV(cv=FOLDS)
    if is_classification:
        model = LogisticRegressionCV(
            Cs=20, l1_ratios=(1,), solver="saga", cv=FOLDS, max_iter=300,
            use_legacy_attributes=False, scoring="accuracy",
        )  # fmt: skip
    start = _now()
    fitted = make_pipeline(StandardScaler(), model).fit(X, y)
    mask = np.any(np.atleast_2d(fitted[-1].coef_) != 0, axis=0)
    yield "l1 linear", mask, fitted, _since(start)


def lassonet(X, y, is_classification, seed):
    """LassoNet's path, one strength after another; the best loss on a fifth of rows."""
    from lassonet import LassoNetClassifier, LassoNetRegressor
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(X)
    scale = (0.0, 1.0) if is_classification else (y.mean(), y.std())
    Z, t = scaler.transform(X).astype("float32"), y
    if not is_classification:
        t = ((y - scale[0]) / scale[1]).astype("float32")
    kind = LassoNetClassifier if is_classification else LassoNetRegressor
    model = kind(hidden_dims=(64,), random_state=seed, torch_seed=seed, verbose=0)
    start = _now()
    parts = train_test_split(
        Z,
        t,
        test_size=0.2,
        random_state=seed,
        stratify=t if is_classification else None,
    )
    Z_train, Z_held, t_train, t_held = parts
    path = model.path(
        Z_train, t_train, X_val=Z_held, y_val=t_held, return_state_dicts=True
    )
    scores = []
    for point in path:
        model.load(point.state_dict)
        scores.append(model.score(Z_held, t_held))
    best = path[int(np.argmax(scores))]
    seconds = _since(start)
    model.load(best.state_dict)
    fitted = _Scaled(model, scaler, *scale)
    yield "LassoNet", np.asarray(best.selected, bool), fitted, seconds


class _Scaled:
    """LassoNet's model on raw rows and targets."""

    def __init__(self, model, scaler, offset, scale):
        self.model, self.scaler, self.offset, self.scale = model, scaler, offset, scale

    def score(self, X, y):
        found = self.model.predict(self.scaler.transform(X).astype("float32"))
        if self.scale == 1.0 and y.dtype.kind in "iu":
            return np.mean(np.ravel(found) == y)
        error = y - (np.ravel(found) * self.scale + self.offset)
        return 1 - np.mean(error**2) / np.var(y)


def permutation(X, y, is_classification, seed):
    """The default network; features whose importance is two deviations above 0."""
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import train_test_split

    from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor

    kind = MLPRegularizedClassifier if is_classification else MLPRegularizedRegressor
    start = _now()
    X_train, X_held, y_train, y_held = train_test_split(
        X, y, test_size=0.2, random_state=seed
    )
    fitted = kind((64,), random_state=seed).fit(X_train, y_train)
    found = permutation_importance(fitted, X_held, y_held, n_repeats=5, random_state=0)
    mask = found.importances_mean - 2 * found.importances_std > 0
    yield "permutation", mask, fitted, _since(start)


MODELS = {
    "skreg": skreg, "auto": auto, "default": default, "lasso": lasso,
    "lassonet": lassonet, "permutation": permutation,
}  # fmt: skip


def write(path, rows):
    """Append rows to the CSV file."""
    is_new = not Path(path).exists()
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def run_simulated(options):
    """Each model on each kind of data, number of rows and seed."""
    for seed in range(options.first, options.first + options.seeds):
        for n_rows in options.sizes:
            for kind in options.kinds:
                X, y = simulated(kind, n_rows, seed)
                X_test, y_test = simulated(kind, N_TEST, 10_000 + seed)
                for name in options.models:
                    for model, mask, fitted, seconds in MODELS[name](X, y, False, seed):
                        n_true, n_found = int(mask[:N_TRUE].sum()), int(mask.sum())
                        row = {
                            "data": kind, "rows": n_rows, "seed": seed, "model": model,
                            "n_features": n_found, "n_true": n_true,
                            "f1": round(2 * n_true / (n_found + N_TRUE), 4),
                            "score": round(float(fitted.score(X_test, y_test)), 4),
                            "seconds": seconds[0], "cpu_seconds": seconds[1],
                        }  # fmt: skip
                        write(options.out, [row])
                        print(*row.values(), flush=True)


def run_real(options):
    """Each model on the tables of over 50 columns, by the score on held-out rows."""
    from tables import prepared, splits, tables

    for table, is_classification, X, y, categorical in tables(options.directory):
        if X.shape[1] <= 50 or (options.tables and table not in options.tables):
            continue
        for seed, (train, test) in enumerate(
            splits(y, is_classification, options.rows, options.splits)
        ):
            X_train, X_test = prepared(X[train], X[test], categorical)
            for name in options.models:
                for model, mask, fitted, seconds in MODELS[name](
                    X_train, y[train], is_classification, seed
                ):
                    row = {
                        "data": table, "rows": len(train), "seed": seed,
                        "model": model, "n_features": int(mask.sum()),
                        "n_true": X_train.shape[1], "f1": "",
                        "score": round(float(fitted.score(X_test, y[test])), 4),
                        "seconds": seconds[0], "cpu_seconds": seconds[1],
                    }  # fmt: skip
                    write(options.out, [row])
                    print(*row.values(), flush=True)


def report(options):
    """Print means over seeds, for each data set and model."""
    import pandas as pd

    frame = pd.read_csv(options.out)
    keys = ["data", "rows", "model"]
    means = frame.groupby(keys, sort=False)[
        ["n_features", "n_true", "f1", "score", "seconds", "cpu_seconds"]
    ].mean()
    means.insert(0, "seeds", frame.groupby(keys, sort=False).size())
    print(means.round(3).to_string())


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, function in (
        ("simulated", run_simulated),
        ("real", run_real),
        ("report", report),
    ):
        command = commands.add_parser(name)
        if name == "real":
            command.add_argument("directory")
        command.add_argument("out")
        command.set_defaults(run=function)
        command.add_argument("--models", default=",".join(MODELS))
        command.add_argument("--kinds", default=",".join(KINDS))
        command.add_argument("--sizes", default=",".join(map(str, SIZES)))
        command.add_argument("--seeds", type=int, default=20)
        command.add_argument("--first", type=int, default=0)
        command.add_argument("--rows", type=int, default=1000)
        command.add_argument("--splits", type=int, default=3)
        command.add_argument("--tables", default="")
    options = parser.parse_args()
    for name in ("models", "kinds", "tables"):
        setattr(options, name, [v for v in getattr(options, name).split(",") if v])
    options.sizes = list(map(int, options.sizes.split(",")))
    warnings.filterwarnings("ignore")
    options.run(options)


if __name__ == "__main__":
    main()
