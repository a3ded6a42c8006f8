"""Tables to compare on: how they are read, split, prepared and scored.

A directory of tables holds an .npz file each, with X, y and cat_mask (categorical
columns hold codes, NaN is missing), and index.json with name and task of each.

Environment of all benchmarks on tables: STEP and FIRST (every so many tables, from
which, 1 and 0 unless the benchmark says otherwise), COLUMNS (wider tables are left out,
300). Where a benchmark says so, ROWS is how many rows train, at most.
"""

import json
import os
from pathlib import Path

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder

MAX_LEVELS = 30


def tables(directory):
    """Name, whether it is classification, X, y and cat_mask of each table."""
    directory = Path(directory)
    for entry in json.loads((directory / "index.json").read_text()):
        with np.load(directory / f"{entry['name']}.npz", allow_pickle=False) as arrays:
            X, y, categorical = (arrays[name] for name in ("X", "y", "cat_mask"))
        is_classification = entry["task"] == "classification"
        y = LabelEncoder().fit_transform(y) if is_classification else y.astype(float)
        yield entry["name"], is_classification, X.astype(float), y, categorical


def from_environment(name, usual):
    """A whole number from the environment."""
    return int(os.environ.get(name, usual))


def chosen_tables(directory, step=1):
    """Those of `tables` that the environment chooses."""
    step, first = from_environment("STEP", step), from_environment("FIRST", 0)
    for index, table in enumerate(tables(directory)):
        is_narrow = table[2].shape[1] <= from_environment("COLUMNS", 300)
        if index % step == first and is_narrow:
            yield table


def splits(y, is_classification, rows, n_splits):
    """Training and test rows; at most `rows` train, and a fifth at least is tested."""
    n_train = min(rows, int(0.8 * len(y)))
    n_test = min(4 * rows, len(y) - n_train)
    rare = is_classification and np.bincount(y).min() < 2
    kind = StratifiedShuffleSplit if is_classification and not rare else ShuffleSplit
    splitter = kind(n_splits, train_size=n_train, test_size=n_test, random_state=0)
    return list(splitter.split(y[:, None], y))


def prepared(X_train, X_test, categorical):
    """Numbers without gaps, for models that need such: categories as columns of 0/1."""
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        max_categories=MAX_LEVELS,
        sparse_output=False,
        drop="if_binary",
    )
    steps = [("numbers", make_pipeline(SimpleImputer(strategy="median")), ~categorical)]
    if categorical.any():
        steps.append(("categories", one_hot, categorical))
    transformer = ColumnTransformer(steps)
    parts = transformer.fit_transform(X_train), transformer.transform(X_test)
    return tuple(part.astype("float32") for part in parts)


def framed(X_train, X_test, categorical):
    """The same as frames with columns of categories, for models that take them."""
    import pandas as pd

    frames = []
    for X in (X_train, X_test):
        frame = pd.DataFrame(X, dtype="float32").rename(columns=str)
        numbers, categories = frame.columns[~categorical], frame.columns[categorical]
        if not frames:
            medians = frame[numbers].median()
        frame[numbers] = frame[numbers].fillna(medians).fillna(0)
        codes = frame[categories].fillna(-1).astype(int)  # missing is a category, too
        frame[categories] = codes.astype(str).astype("category")
        frames.append(frame)
    return frames


def scores(model, X, y, is_classification, y_train):
    """Two losses: error and cross-entropy, or relative RMSE and absolute error."""
    if not is_classification:
        error, spread = y - np.ravel(model.predict(X)), np.std(y_train)
        return np.sqrt(np.mean(error**2)) / spread, np.mean(np.abs(error)) / spread
    probability = np.clip(model.predict_proba(X), 1e-6, 1)
    probability /= probability.sum(axis=1, keepdims=True)
    error = np.mean(model.classes_[probability.argmax(axis=1)] != y)
    known = np.isin(y, model.classes_)
    return error, log_loss(y[known], probability[known], labels=model.classes_)
