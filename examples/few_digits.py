"""
Does noise replace shifted copies?
==================================

A digit moved by a pixel is still the same digit. A network does not know that, but
shifted copies of the training rows tell it. Noise on the inputs is copies, too, but of
another kind. Does it do as well where rows are few, and what do both do together?

Found: with 50 and 100 digits, noise and input dropout gain about half of what shifted
copies gain, or less; with 400 they gain as much. Shifts and noise together are best
everywhere, by a little: they do not take each other's place. Dropout between the layers
helps only where rows are few, and takes away from what shifts gain, at least in the
same number of steps. All gains shrink as rows become more.
"""

# %%
# 50, 100 or 400 digits to train on; the others of the 1,797 are the test.
# Shifted copies are each digit moved by one pixel to the four sides: that is knowledge
# about images. Noise on the inputs knows nothing. Do both together gain more?
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import skreg

X, y = load_digits(return_X_y=True)
ROWS, SPLITS = (50, 100, 400), 6


def with_shifts(X, y):
    """The digits, and each moved by a pixel to four sides."""
    images = np.pad(X.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    moves = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    moved = [images[:, i : i + 8, j : j + 8].reshape(-1, 64) for i, j in moves]
    return np.concatenate(moved), np.tile(y, len(moves))


# %%
# Each network takes as many steps: five times the rows have a fifth of the epochs, and
# batches are as large.
network = skreg.MLPRegularizedClassifier(
    (64, 64),
    dropout=0.0,
    l2=0.0,
    normalize=True,
    batch_size=32,
    epochs=100,
    random_state=0,
)
variants = {
    "plain": ({}, False),
    "noise 0.5": ({"gaussian_noise": 0.5}, False),
    "input dropout 0.3": ({"input_dropout": 0.3}, False),
    "dropout 0.5": ({"dropout": 0.5}, False),
    "shifts": ({}, True),
    "shifts and noise 0.5": ({"gaussian_noise": 0.5}, True),
    "shifts and dropout 0.5": ({"dropout": 0.5}, True),
}


def accuracy(variant, rows, split):
    parameters, shifted = variants[variant]
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=rows, stratify=y, random_state=split
    )
    model = clone(network).set_params(**parameters, random_state=split)
    if shifted:
        X_train, y_train = with_shifts(X_train, y_train)
        model.set_params(epochs=network.epochs // 5)
    return model.fit(X_train, y_train).score(X_test, y_test)


keys = [(v, n, i) for v in variants for n in ROWS for i in range(SPLITS)]
with skreg.stacked():
    scores = Parallel()(delayed(accuracy)(*key) for key in keys)
index = pd.MultiIndex.from_tuples(keys, names=["variant", "rows", "split"])
scores = pd.Series(scores, index).unstack("split")

# %%
# Gains over the plain network, paired by split, with standard errors.
gains = scores - scores.loc["plain"].reindex(scores.index, level="rows")
table = pd.concat(
    {
        "accuracy": scores.mean(axis=1),
        "gain": gains.mean(axis=1),
        "error": gains.sem(axis=1),
    },
    axis=1,
)
table = table.unstack("rows").swaplevel(axis=1)
table = table.sort_index(axis=1, level=0, sort_remaining=False).loc[list(variants)]
print(table.to_string(float_format="{:.3f}".format))

# %%
figure, axes = plt.subplots(
    1,
    len(ROWS),
    figsize=(9.5, 3.4),
    layout="constrained",
    sharex=True,
    sharey=True,
)
names = list(variants)[:0:-1]
for ax, rows in zip(axes, ROWS, strict=True):
    part = table[rows].loc[names]
    colors = ["#4c72b0" if variants[name][1] else "#dd8452" for name in names]
    ax.barh(names, part["gain"], xerr=part["error"], color=colors, capsize=3)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set_title(
        f"{rows} digits (plain: {table.loc['plain', (rows, 'accuracy')]:.3f})",
        fontsize=10,
    )
figure.supxlabel("accuracy gained, with its standard error", fontsize=10)
plt.show()
