"""Defaults beside other people's defaults, on a directory of tables.

    python benchmarks/accuracy.py run TABLES RESULTS.csv MODEL [MODEL ...]
    python benchmarks/accuracy.py report RESULTS.csv [MODEL ...]

`tables.py` says what TABLES holds. Every model gets the same rows of the same splits;
`run` adds what RESULTS lacks, so that it can go on another day, and models of other
environments can be run from there: benchmarks/requirements-peers.txt is for the last
three, which get categories as such, and the others as columns of 0 and 1. `report`
compares models on the splits on which all of them ran; without names, all that RESULTS
has. benchmarks/accuracy.csv holds the results that the docs quote.

Environment: ROWS (4000), SPLITS (3), THREADS (of the last three, 1; `taskset -c 0`
gives the others one core, too), and what `tables.py` says.
"""

import csv
import os
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import numpy as np
from scipy.stats import rankdata
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.model_selection import ShuffleSplit
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import chosen_tables, framed, from_environment, prepared, scores, splits

ROWS, SPLITS = from_environment("ROWS", 4000), from_environment("SPLITS", 3)
THREADS = from_environment("THREADS", 1)
RESAMPLES = 2000


def skreg_default(is_classification):
    import skreg

    kind = "Classifier" if is_classification else "Regressor"
    return getattr(skreg, f"MLPRegularized{kind}")(random_state=0)


def skreg_fixed(is_classification):
    """The usual strength on each table, without pilots."""
    return UsualStrength(skreg_default(is_classification))


def skreg_ensemble(is_classification):
    return skreg_default(is_classification).set_params(n_members=5)


def skreg_fixed_ensemble(is_classification):
    return UsualStrength(skreg_default(is_classification).set_params(n_members=8))


def skreg_search(is_classification, scoring=None):
    import skreg

    return Search(
        skreg.RegularizationSearchCV(
            skreg_default(is_classification),
            n_iter=100,
            scoring=scoring,
            random_state=0,
        )
    )


def skreg_search_log_loss(is_classification):
    return skreg_search(
        is_classification, "neg_log_loss" if is_classification else None
    )


class Wrapped(BaseEstimator):
    """A model that is fitted in another way."""

    def __init__(self, model):
        self.model = model

    def fit(self, X, y, **settings):
        self.model.fit(X, y, **settings)
        self.classes_ = getattr(self.model, "classes_", None)
        return self

    def predict(self, X):
        return self.model.predict(X)

    def predict_proba(self, X):
        return self.model.predict_proba(X)


class UsualStrength(Wrapped):
    """What the strengths of pilots are multiples of."""

    def fit(self, X, y):
        self.model.set_params(l2=0.03 / len(y) ** 0.5)
        return super().fit(X, y)


class Search(Wrapped):
    """A search on five folds; from 1,001 rows on, on one split of a fifth."""

    def fit(self, X, y):
        if len(y) > 1000:
            self.model.set_params(cv=ShuffleSplit(1, test_size=0.2, random_state=0))
        return super().fit(X, y)


def linear(is_classification):
    """A linear model of the strength that cross-validation chooses."""
    if is_classification:
        model = LogisticRegressionCV(
            Cs=10, scoring="neg_log_loss", max_iter=500, use_legacy_attributes=False
        )
    else:
        model = RidgeCV(np.logspace(-3, 4, 15))
    return make_pipeline(StandardScaler(), model)


def sklearn_mlp(is_classification):
    if is_classification:
        return make_pipeline(StandardScaler(), MLPClassifier(random_state=0))
    network = make_pipeline(StandardScaler(), MLPRegressor(random_state=0))
    return TransformedTargetRegressor(network, transformer=StandardScaler())


def keras_mlp(is_classification):
    """The sizes of skreg's default, Adam, 100 epochs of 32 rows."""
    network = KerasNetwork(is_classification)
    pipeline = make_pipeline(StandardScaler(), network)
    if is_classification:
        return pipeline
    return TransformedTargetRegressor(pipeline, transformer=StandardScaler())


class KerasNetwork(BaseEstimator):
    """A Keras MLP as a scikit-learn estimator, in as few lines as do."""

    def __init__(self, is_classification):
        self.is_classification = is_classification

    def fit(self, X, y):
        import keras

        keras.utils.set_random_seed(0)
        sizes = skreg_default(True).hidden_layer_sizes
        layers = [keras.layers.Dense(units, "relu") for units in sizes]
        if self.is_classification:
            self.classes_, y = np.unique(y, return_inverse=True)
            layers.append(keras.layers.Dense(len(self.classes_), "softmax"))
            loss = "sparse_categorical_crossentropy"
        else:
            layers.append(keras.layers.Dense(1))
            loss = "mse"
        self.model_ = keras.Sequential([keras.Input((X.shape[1],)), *layers])
        self.model_.compile("adam", loss)
        self.model_.fit(X, y, batch_size=32, epochs=100, verbose=0)
        return self

    def predict(self, X):
        return self.model_.predict(X, verbose=0)[:, 0]

    def predict_proba(self, X):
        return self.model_.predict(X, verbose=0)


def catboost(is_classification):
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostClassifier if is_classification else CatBoostRegressor
    return Native(
        kind(verbose=0, random_seed=0, allow_writing_files=False, thread_count=THREADS)
    )


def realmlp_td(is_classification, suffix="TD"):
    import pytabkit

    kind = "Classifier" if is_classification else "Regressor"
    model = getattr(pytabkit, f"RealMLP_{suffix}_{kind}")
    return Native(model(random_state=0, device="cpu", n_threads=THREADS))


class Native(Wrapped):
    """A model that takes frames with categories."""

    def fit(self, X, y):
        settings = {}
        if "cat_features" in self.model.fit.__code__.co_varnames:
            settings["cat_features"] = list(X.columns[X.dtypes == "category"])
        return super().fit(X, y, **settings)


def realmlp_td_s(is_classification):
    return realmlp_td(is_classification, "TD_S")


MODELS = {
    function.__name__: function
    for function in (
        skreg_default,
        skreg_fixed,
        skreg_ensemble,
        skreg_fixed_ensemble,
        skreg_search,
        skreg_search_log_loss,
        linear,
        sklearn_mlp,
        keras_mlp,
        catboost,
        realmlp_td,
        realmlp_td_s,
    )
}


def run(directory, results, names):
    path = Path(results)
    done = {tuple(row[:3]) for row in csv.reader(path.open())} if path.exists() else ()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        for table_name, is_classification, X, y, categorical in chosen_tables(
            directory
        ):
            for split, (train, test) in enumerate(
                splits(y, is_classification, ROWS, SPLITS)
            ):
                for name in names:
                    if (name, table_name, str(split)) in done:
                        continue
                    model = MODELS[name](is_classification)
                    prepare = framed if isinstance(model, Native) else prepared
                    A, B = prepare(X[train], X[test], categorical)
                    start = time.process_time()  # waiting for a core is nobody's cost
                    model.fit(A, y[train])
                    seconds = time.process_time() - start
                    found = scores(model, B, y[test], is_classification, y[train])
                    row = name, table_name, split, int(is_classification), *found
                    writer.writerow([*row, seconds])
                    file.flush()


def report(path, names):
    rows = list(csv.reader(Path(path).read_text().splitlines()))
    names = names or sorted({row[0] for row in rows})
    by_split = {}
    for model, table, split, _, *figures in rows:
        if model in names:
            found = by_split.setdefault((table, split), {})
            found[model] = [float(figure) for figure in figures]
    by_table = {}
    for (table, _), found in by_split.items():
        if len(found) == len(names):
            by_table.setdefault(table, []).append([found[name] for name in names])
    # Of shape (tables, models, 3): two losses and the seconds, means over the splits.
    figures = np.array([np.mean(splits, axis=0) for splits in by_table.values()])
    for number, label in ((0, "error / RMSE"), (1, "cross-entropy / absolute error")):
        losses = figures[:, :, number]
        best, worst = losses.min(axis=1), losses.max(axis=1)
        width = np.where(worst > best, worst - best, 1)
        normalised = (losses - best[:, None]) / width[:, None]
        ranks = rankdata(losses, axis=1)
        print(f"\n{label}: {len(figures)} tables, ranks of {len(names)} models")
        print(f"{'':16} {'mean rank':>20} {'normalised':>20} {'CPU s':>9}")
        for i in np.argsort(ranks.mean(axis=0)):
            print(
                f"{names[i]:16} {_interval(ranks[:, i]):>20} "
                f"{_interval(normalised[:, i]):>20} {figures[:, i, 2].mean():9.1f}"
            )
        for i, name in enumerate(names[1:], 1):
            ahead = (losses[:, 0] < losses[:, i]).sum()
            print(f"{names[0]} is ahead of {name} on {ahead} of {len(losses)} tables")


def _interval(values):
    """Mean, and the bootstrap's 95% interval over tables."""
    rng = np.random.default_rng(0)
    picks = rng.integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[picks].mean(axis=1), [0.025, 0.975])
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    action, *arguments = sys.argv[1:]
    if action == "run":
        run(arguments[0], arguments[1], arguments[2:])
    else:
        report(arguments[0], arguments[1:])
