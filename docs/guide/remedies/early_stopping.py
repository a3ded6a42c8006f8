r"""
Early stopping
==============

While a network trains, the loss of its training rows keeps falling. The loss of other
rows first falls; it rises when only chance is left to learn. Early stopping watches
rows that do not train and keeps the weights of the best epoch,

.. math::

   t^* = \arg\min_t L_{\mathrm{val}}(w_t) .

It cannot see the future, so it waits: training ends when a number of epochs, the
patience, has passed without a better one.

Weights begin small and grow with the steps, so a short training is a penalty on their
distance from the start. For a linear model with squared error it is nearly ridge
regression: :math:`t` steps at a rate :math:`\eta` act as an l2 of about
:math:`1 / (2 \eta t)` (Bishop, *Pattern Recognition and Machine Learning*, 2006,
section 5.5.2; Prechelt, "Early stopping, but when?", 1998).

The parameters
--------------

``early_stopping=False`` is the default. With True,

* ``validation_fraction=0.1`` of the rows given to ``fit`` are set aside, by class (each
  member of an ensemble sets aside others). A splitter of scikit-learn's sets aside its
  last split: ``TimeSeriesSplit()`` the latest rows, ``GroupShuffleSplit()`` whole
  groups (``fit(X, y, groups=...)``). Or give rows of your own: ``fit(X, y, X_val=...,
  y_val=...)``;
* ``monitor="val_loss"`` decides. It may be the name of a scorer, such as
  ``"accuracy"``, or ``"loss"``, for which no rows are set aside;
* ``patience=10`` is the number of epochs without improvement before training ends (0 is
  the same as 1), and ``min_delta=0.0`` the smallest change that counts as improvement;
* ``restore_best_weights=True`` goes back to the best epoch. With False the weights are
  those of the last one, ``patience`` epochs too late.
"""

# %%
# One training of 1,000 wines
# ---------------------------
# Tasters' grades in three classes: up to 5, 6, and 7 or more. The learning rate is
# constant, and the patience is as long as the training, so nothing is stopped yet.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import (
    GridSearchCV,
    RepeatedStratifiedKFold,
)

import skreg
from skreg import (
    LossCurveDisplay,
    MLPRegularizedClassifier,
    RegularizationPathDisplay,
)
from skreg.datasets import load_sonar, load_wine_quality

X, grade = load_wine_quality()
rows = np.random.default_rng(0).permutation(len(grade))[:1000]
X = X[rows, :11].astype(float)
y = np.digitize(grade[rows], [5.5, 6.5])

network = MLPRegularizedClassifier(
    (64, 64),
    dropout=0,
    l2=0,
    learning_rate=0.003,
    schedule="constant",
    early_stopping=True,
    validation_fraction=0.2,
    patience=100,
    random_state=0,
)
network.fit(X, y)
figure, ax = plt.subplots(figsize=(9, 3.4), layout="constrained")
display = LossCurveDisplay.from_estimator(network, ax=ax)

# %%
# The best epoch comes early. All that follows makes the network surer of chance.
#
# How much patience
# -----------------
# The loss of the 80 wines that each fold sets aside wavers from epoch to epoch. Without
# patience, the first small rise ends training. From some patience on the best epoch
# does not change any more; only more epochs are trained after it.
network.set_params(validation_fraction=0.1)
path = RegularizationPathDisplay.from_estimator(
    network,
    X,
    y,
    param_name="patience",
    param_range=[0, 1, 2, 5, 10, 20],
    scoring="neg_log_loss",
)
gain = path.validation_scores - path.validation_scores[0]
for row in (2, 4, 5):
    error = gain[row].std(ddof=1) / np.sqrt(gain.shape[1])
    print(
        f"patience {path.values[row]:2} against 0: "
        f"{gain[row].mean():+.3f} +- {error:.3f}"
    )

# %%
# Here the patience does not matter for new rows: longer trainings follow the training
# rows further, and the score stays within its noise. The loss of fewer rows wavers
# more, and needs more patience.
#
# What it gains, and what the rows cost
# -------------------------------------
# Rows that are set aside are missing from training. A schedule that ends after a fixed
# number of epochs needs none: here 20 epochs of ``"cosine"``, a guess from the first
# figure. So do penalties: the last variant has the usual ``l2``, which is 0.03 over the
# root of the training rows, the usual ``dropout`` and the usual ``schedule``, over all
# 100 epochs. All are compared with 100 epochs at a constant rate, on the same ten
# folds, for the wines and for 208 sonar echoes.
variants = {
    "stop": {"early_stopping": [True]},
    "stop, a fifth set aside": {
        "early_stopping": [True],
        "validation_fraction": [0.2],
    },
    "stop, last weights": {
        "early_stopping": [True],
        "restore_best_weights": [False],
    },
    "20 epochs, cosine": {"epochs": [20], "schedule": ["cosine"]},
    "l2, dropout, cosine": {
        "dropout": [0.2],
        "schedule": ["auto"],
    },
}
plain = MLPRegularizedClassifier(
    (64, 64),
    dropout=0,
    l2=0,
    learning_rate=0.003,
    schedule="constant",
    random_state=0,
)
folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
scorings = ["accuracy", "neg_log_loss"]
figure, axes = plt.subplots(
    1,
    2,
    figsize=(9, 3.2),
    layout="constrained",
    sharey=True,
)
places = np.arange(len(variants))
tables = {"wines": (X, y), "sonar": load_sonar()}
scores = {}
for table, (features, target) in tables.items():
    l2 = 0.03 / np.sqrt(0.8 * len(target))
    variants["l2, dropout, cosine"]["l2"] = [l2]
    search = GridSearchCV(
        plain,
        [{"epochs": [100]}, *variants.values()],
        cv=folds,
        scoring=scorings,
        refit=False,
    )
    with skreg.stacked():
        search.fit(features, target)
    for ax, scoring in zip(axes, scorings, strict=True):
        results = search.cv_results_
        names = [f"split{fold}_test_{scoring}" for fold in range(10)]
        values = np.array([results[name] for name in names])
        scores[table, scoring] = values
        gain = values[:, 1:] - values[:, :1]
        error = gain.std(axis=0, ddof=1) / np.sqrt(len(gain))
        shift = 0.1 if table == "wines" else -0.1
        ax.errorbar(
            gain.mean(axis=0),
            places[::-1] + shift,
            xerr=error,
            fmt="o",
            markersize=4,
            label=table,
        )
        ax.set_xlabel(f"gain in {scoring}")
axes[0].set_yticks(places[::-1], list(variants))
axes[1].legend(frameon=False)
for ax in axes:
    ax.axvline(0, color="black", linewidth=0.8)
    ax.grid(axis="x", alpha=0.3)
plt.show()

# %%
# By cross-entropy all of them beat the long training by far. By accuracy, stopping is
# within two standard errors on the wines, where the schedule and the penalties, on all
# rows, gain a little. On the few echoes all variants are behind in the mean: stopping
# *loses* accuracy, and the penalties lose some on all rows.
pairs = {
    "stop - no stop": (1, 0),
    "stop, a fifth - no stop": (2, 0),
    "20 epochs - stop": (4, 1),
    "l2, dropout - no stop": (5, 0),
}
for (table, scoring), values in scores.items():
    print(f"{table}, {scoring}")
    for name, (one, other) in pairs.items():
        gain = values[:, one] - values[:, other]
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        print(f"  {name:24} {gain.mean():+.3f} +- {error:.3f}")

# %%
# In all four, 20 epochs on all rows are ahead of stopping, though only in the
# cross-entropy of the echoes by more than two standard errors. The ten folds share
# rows, so that these standard errors are somewhat too small.
#
# When it does not help
# ---------------------
# * There are few rows. A tenth of 166 echoes is 17: too few to judge an epoch by, and
#   too many to give away.
# * The learning rate follows a schedule, as by default. A cosine gains at its end,
#   which training does not reach if it stops earlier. Use ``schedule="constant"`` with
#   early stopping, or choose ``epochs`` instead.
# * Other remedies work. If ``l2`` keeps the validation loss from rising, there is
#   nothing to stop.
#
# It does save time if there are many rows and nobody knows how long to train.
# Once the best epoch is known, train that many epochs on all rows.
