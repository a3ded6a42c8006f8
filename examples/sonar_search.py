"""
Which remedy helps on 208 sonar echoes?
=======================================

A network without any remedy learns all echoes by heart. How good is it on new ones?
What does each remedy gain, alone and together with others? And does the procedure that
chooses among them keep its promise on echoes that had no part in the choice?

The same repeated, stratified folds judge everything. Intervals are 95% intervals,
corrected for the rows that folds share. Accuracy moves by whole echoes. Cross-entropy
also sees how sure the network is, so it can tell more from few rows.

With a path, ``python examples/sonar_search.py figure.png``, the figure is written
there; without one it is shown.
"""

# %%
# The network, the remedies and the folds
# ---------------------------------------
import sys
import tempfile
import time

import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import RepeatedStratifiedKFold

from skreg import (
    MLPRegularizedClassifier,
    RemedyDisplay,
    StrengthDisplay,
    compare_remedies,
    stacked,
)
from skreg.datasets import load_sonar

PLAIN = MLPRegularizedClassifier(
    (64, 64), dropout=0, l2=0, schedule="constant", epochs=50, random_state=0
)
REMEDIES = {
    "dropout 0.5": {"dropout": 0.5},
    "l1 0.001": {"l1": 0.001},
    "l2 0.01": {"l2": 0.01},
    "l2 0.03": {"l2": 0.03},
    "batch normalisation": {"batchnorm": True},
    "noise 0.3": {"gaussian_noise": 0.3},
    "mixup 1": {"mixup": 1.0},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "early stopping": {"early_stopping": True},
    "cosine schedule": {"schedule": "auto"},
    "SGD": {"optimizer": "sgd"},
}
start = time.perf_counter()
X, y = load_sonar()
folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=0)
splits = list(folds.split(X, y))
outer = splits[:5]  # one of the three draws judges the whole procedure


def interval(values):
    """Mean and the ends of its interval (Nadeau and Bengio, 2003)."""
    error = np.sqrt((1 / len(values) + 1 / 4) * np.var(values, ddof=1))
    half = student.ppf(0.975, len(values) - 1) * error
    mean = np.mean(values)
    return mean, mean - half, mean + half


def shown(values, sign=""):
    """The interval as text."""
    mean, low, high = interval(values)
    return f"{mean:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def scores(network, rows):
    """Accuracy and cross-entropy on these rows."""
    loss = log_loss(y[rows], network.predict_proba(X[rows]), labels=network.classes_)
    return network.score(X[rows], y[rows]), loss


# %%
# Without any remedy
# ------------------
# Each fold's network is watched on its test rows, which it does not train on.


def watched(train, test):
    """The plain network, with its loss on the test rows in ``history_``."""
    return clone(PLAIN).fit(X[train], y[train], X_val=X[test], y_val=y[test])


with stacked():
    networks = Parallel()(delayed(watched)(*split) for split in splits)
pairs = list(zip(networks, splits, strict=True))
training = np.array([scores(network, train) for network, (train, _) in pairs])
plain = np.array([scores(network, test) for network, (_, test) in pairs])
curves = {
    name: np.mean([network.history_[name] for network in networks], axis=0)
    for name in ("loss", "val_loss")
}
best_epoch = 1 + int(np.argmin(curves["val_loss"]))
print("1. Without any remedy: 64-64 units, 50 epochs of Adam")
print(f"   accuracy on training echoes       {training[:, 0].mean():.3f}")
print(f"   accuracy on new echoes            {shown(plain[:, 0])}")
print(f"   cross-entropy on training echoes  {training[:, 1].mean():.3f}")
print(f"   cross-entropy on new echoes       {shown(plain[:, 1])}")
print(f"   the latter was {curves['val_loss'].min():.3f} at epoch {best_epoch}")

# %%
# Each remedy alone, and the best few together
# --------------------------------------------
# Twice the same comparison, by cross-entropy and by accuracy. The folder keeps the
# trained networks of the first for the second.
with (
    tempfile.TemporaryDirectory() as folder,
    stacked(checkpoint=folder),
):
    by_loss, by_accuracy = (
        compare_remedies(X, y, PLAIN, remedies=REMEDIES, scoring=scoring, cv=folds)
        for scoring in ("neg_log_loss", "accuracy")
    )
print(f"\n2. Each remedy alone, and the best together, by cross-entropy\n{by_loss}")
print(f"\n   The same by accuracy\n{by_accuracy}")

# %%
# The default's own choice
# ------------------------
# By default a network has remedies, and each fit asks its own rows how strong they
# should be. Here is the same network with the default remedies.
default = MLPRegularizedClassifier((64, 64), epochs=50, random_state=0).fit(X, y)
print("\n3. The default's own choice, from pilots on the echoes")
print(f"   l2 = {default.l2_:.4f}, dropout = {default.dropout_}")

# %%
# Does the choice keep its promise?
# ---------------------------------
# The folds that measured the remedies also chose the best of them, which flatters it.
# So choose again for each of five folds, by three inner folds of its training rows
# alone. The test rows judge that choice, and the default, beside the plain network.


def chosen(train):
    """The plain network with the remedies that gain most in folds of these rows."""
    report = compare_remedies(
        X[train],
        y[train],
        PLAIN,
        remedies=REMEDIES,
        scoring="neg_log_loss",
        cv=3,
        repeats=1,
    )
    best = max(report.remedies, key=lambda remedy: remedy.gain)
    return best.name, clone(PLAIN).set_params(**best.parameters)


def judged(train, test):
    """The choice's name, and the scores of it and of the default on the test rows."""
    name, network = chosen(train)
    fits = [n.fit(X[train], y[train]) for n in (network, clone(default))]
    return name, *(scores(fitted, test) for fitted in fits)


with stacked():
    names, *found = zip(*Parallel()(delayed(judged)(*s) for s in outer), strict=True)
nested, usual = (np.array(each) for each in found)
counts = {name: names.count(name) for name in dict.fromkeys(names)}
print("\n4. On echoes that had no part in the choice")
print("   chosen:", ", ".join(f"{name} ({n} x)" for name, n in counts.items()))
methods = {"the chosen remedy": nested, "the default": usual}
for name, own in methods.items():
    gain = own - plain[: len(outer)]
    print(f"   {name + ',':18} accuracy {shown(own[:, 0])}, ", end="")
    print(f"gain {shown(gain[:, 0], '+')}")
    print(f"   {'':18} cross-entropy {shown(own[:, 1])}, ", end="")
    print(f"gain {shown(-gain[:, 1], '+')}")

# %%
# What follows
# ------------
# The sentences are made from the numbers above, whatever these are.


def verdict(gains, score):
    """What the interval of a gain says, in words."""
    mean, low, high = interval(gains)
    if low > 0:
        return f"it gains {mean:.3f} in {score}, and {low:.3f} at least"
    if high < 0:
        return f"it loses {-mean:.3f} in {score}, and {-high:.3f} at least"
    return f"its gain of {mean:+.3f} in {score} is within the noise of the folds"


def listed(report):
    """The remedies whose interval is above 0, in words."""
    names = [remedy.name for remedy in report.helpful]
    return f"{len(names)} of {len(report.remedies) - 1}", ", ".join(names)


print("\nIn words")
rise = curves["val_loss"][-1] / curves["val_loss"].min()
print(f"- The plain network is right on {training[:, 0].mean():.0%} of the echoes that")
print(f"  it has seen and on {plain[:, 0].mean():.0%} of new ones. Their cross-entropy")
print(f"  is lowest at epoch {best_epoch}, and {rise:.1f} times that in the end.")
for what, report in {"cross-entropy": by_loss, "accuracy": by_accuracy}.items():
    share, names = listed(report)
    print(f"- {share} remedies and mixtures gain {what} beyond the noise of the folds")
    print(f"  ({names or 'none of them is shown to help'}).")
for name, own in methods.items():
    gain = own - plain[: len(outer)]
    print(f"- With {name}, on echoes that had no part in the choice,")
    print(f"  {verdict(-gain[:, 1], 'cross-entropy')};")
    print(f"  {verdict(gain[:, 0], 'accuracy')}.")
if by_accuracy.helpful:
    print("- So there are remedies here that make the network right more often.")
elif by_loss.helpful:
    print(
        "- So remedies make this network less sure where it is wrong. That any of them"
    )
    print("  makes it right more often, 208 echoes cannot show.")
else:
    print("- So 208 echoes cannot show that any remedy helps.")

# %%
# The figure
# ----------
figure, axes = plt.subplot_mosaic(
    [["curve", "remedies"], ["strength", "remedies"]],
    figsize=(9.5, 5.6),
    layout="constrained",
)
ax = axes["curve"]
epochs = range(1, PLAIN.epochs + 1)
for name, label in [("loss", "training echoes"), ("val_loss", "new echoes")]:
    ax.plot(epochs, curves[name], label=label)
ax.set(title="Without any remedy", xlabel="epoch", ylabel="cross-entropy", ylim=0)
ax.legend(frameon=False)
ax.grid(alpha=0.3)
RemedyDisplay(by_loss).plot(ax=axes["remedies"])
axes["remedies"].set_title("What each remedy gains")
axes["remedies"].set_xlabel("cross-entropy saved on new echoes, with 95% interval")
StrengthDisplay.from_estimator(default, ax=axes["strength"])
axes["strength"].set_title("The default asks its rows")
print(f"\n{time.perf_counter() - start:.0f} s in all", end="")
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=110)
    print(f"; figure: {sys.argv[1]}")
else:
    print()
    plt.show()
