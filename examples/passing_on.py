"""
Does a network know when it is wrong?
=====================================

A network that says 51% and is wrong has done what it could; one that says 99.9% and is
wrong has not. If the cases that it is least sure of are passed on to somebody else, how
many errors are left among the others, and which remedies help with that?

Found: the plain network is far too sure: where it expects next to no errors, it makes
about one in a hundred. Its order is still of use, as passing on 5% of the cases takes
away about half of the errors or more, with every network. A larger l2 does most: a
third fewer errors to begin with, less than half of the cross-entropy, few wrong ones
among those that are 99% sure, and about as many errors as it expects where it is less
sure. An ensemble of five and dropout save half as many errors or fewer, some two
standard errors, and six repeats cannot tell them apart. Label smoothing makes the same
errors; it is hardly ever 99% sure, and expects more errors than it makes.
"""

# %%
# 569 tumours, six times five folds. A network keeps fewer errors if it passes on the
# cases of which it is least sure. Its own probabilities alone decide which these are;
# remedies can change them.
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict

import skreg

X, y = load_breast_cancer(return_X_y=True)
network = skreg.MLPRegularizedClassifier(
    (64, 64), dropout=0.0, l2=0.0, epochs=60, random_state=0
)
variants = {
    "plain": {},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "dropout 0.5": {"dropout": 0.5},
    "l2 0.003": {"l2": 0.003},
    "ensemble of 5": {"n_members": 5},
}
REPEATS = 6


def chances(name, repeat):
    """The chance of the second class, each row's by a network that did not see it."""
    model = clone(network).set_params(**variants[name], random_state=repeat)
    folds = StratifiedKFold(5, shuffle=True, random_state=repeat)
    return cross_val_predict(model, X, y, cv=folds, method="predict_proba")[:, 1]


keys = [(name, repeat) for name in variants for repeat in range(REPEATS)]
with skreg.stacked():
    found = Parallel()(delayed(chances)(*key) for key in keys)
found = dict(zip(keys, found, strict=True))


# %%
# Errors among the cases that are kept, when the least sure ones are passed on; and the
# area under that curve, which is small where errors are passed on first.
def errors_kept(chance):
    """Errors left after none, one, two ... of the least sure cases are passed on."""
    wrong = (chance > 0.5) != y
    return wrong.sum() - np.r_[0, np.cumsum(wrong[np.argsort(np.abs(chance - 0.5))])]


rows, curves = {}, {}
for (name, repeat), chance in found.items():
    kept = errors_kept(chance)
    curves[name, repeat] = kept
    confident = np.maximum(chance, 1 - chance) > 0.99
    rows[name, repeat] = {
        "errors": kept[0],
        "after 5% passed": kept[round(0.05 * len(y))],
        "after 10%": kept[round(0.10 * len(y))],
        "99% sure": confident.mean(),
        "wrong of these": ((chance > 0.5) != y)[confident].sum(),
        "cross-entropy": log_loss(y, chance),
    }
rows = pd.DataFrame(rows).T.rename_axis(["network", "repeat"])
print(
    rows.groupby("network", sort=False).mean().to_string(float_format="{:.2f}".format)
)
gain = rows.loc["plain"] - rows
gain = gain.drop("plain", level=0).groupby("network", sort=False)
print("\nLess than the plain network, with standard errors over repeats")
columns = ["errors", "after 5% passed", "cross-entropy"]
print(gain[columns].agg(["mean", "sem"]).to_string(float_format="{:.2f}".format))

# %%
colors = ("black", "#c03d3e", "#dd8452", "#3a923a", "#4c72b0")
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
passed = np.arange(round(0.15 * len(y)))
edges = [0.5, 0.9, 0.99, 0.999, 1.1]
truth = np.tile(y, REPEATS)
for name, color in zip(variants, colors, strict=True):
    mean = np.mean([curves[name, i] for i in range(REPEATS)], axis=0)
    left.plot(100 * passed / len(y), mean[passed], color=color, label=name)
    chance = np.concatenate([found[name, i] for i in range(REPEATS)])
    sure, wrong = np.maximum(chance, 1 - chance), (chance > 0.5) != truth
    bins = [(a <= sure) & (sure < b) for a, b in pairwise(edges)]
    bins = [which for which in bins if wrong[which].any()]
    right.plot(
        [np.mean(1 - sure[which]) for which in bins],
        [wrong[which].mean() for which in bins],
        "o-",
        color=color,
    )
ends = [1e-5, 0.6]
right.plot(ends, ends, color="#8c8c8c", linewidth=0.8)
right.set(
    xscale="log",
    yscale="log",
    aspect="equal",
    title="Above the line: too sure",
    xlabel="share of errors that the network expects",
    ylabel="share of errors that it makes",
)
left.set(
    xlabel="cases passed on, percent",
    ylabel="errors among the others",
    ylim=0,
)
left.legend(frameon=False)
plt.show()
