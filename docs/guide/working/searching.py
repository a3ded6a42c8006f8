r"""
Searching
=========

A search draws candidates, judges each by cross-validation and keeps the best. Searches
differ in where the candidates come from and in how much training each of them gets.
This page runs four searches at the same cost, on the same rows.

A search is not as good as its ``best_score_``: the best of many noisy scores is partly
luck. What counts is the winner's score on rows that the search has not seen.
"""

# %%
# Four searches
# -------------
# The task: images of handwritten digits: 300 to search on, the other 1,497 to judge
# the winners. Each search has the epochs of nine full trainings, in three folds.
#
# - A grid of three learning rates and three rates of dropout, at the quantiles of the
#   distributions in ``space``. The position of its points is a matter of luck, so it is
#   shifted at random for each split of the rows.
# - Random search: nine candidates drawn from the same distributions.
# - Halving: 27 candidates from there, most of which train for few epochs.
# - Halving with candidates from a larger space, of all remedies.
#
# The winner of each is fitted to all 300 rows as a single network: without
# ``n_members=1``, ``RegularizationSearchCV`` would fit its own as an ensemble of five.
#
# The network has a number as its ``l2``. With ``l2="auto"`` each fit of a search over
# other parameters trains pilots of its own, up to 30 networks more. Give ``l2`` a
# number, or put it into the search, and there are none. ``RegularizationSearchCV`` and
# :func:`~skreg.compare_remedies` choose once, on all rows, for all candidates.
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import loguniform, uniform
from sklearn.datasets import load_digits
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    train_test_split,
)

import skreg

X, y = load_digits(return_X_y=True)
space = {
    "learning_rate": loguniform(1e-4, 0.3),
    "dropout": uniform(0, 0.6),
}


def searches_for(split):
    """The searches by name, and the network as it is."""
    network = skreg.MLPRegularizedClassifier(
        (64,), l2=0.002, epochs=18, batch_size=32, random_state=split
    )
    folds = StratifiedKFold(3, shuffle=True, random_state=split)
    same = {"cv": folds, "scoring": "neg_log_loss"}
    drawn = same | {"random_state": split}
    halved = drawn | {"n_iter": 27, "n_members": 1}
    shift = np.random.default_rng(split).uniform()
    shares = (np.arange(3) + shift) / 3
    grid = {name: values.ppf(shares) for name, values in space.items()}
    race = skreg.RegularizationSearchCV
    return {
        "as it is": GridSearchCV(network, {}, **same),
        "grid": GridSearchCV(network, grid, **same),
        "random": RandomizedSearchCV(network, space, n_iter=9, **drawn),
        "halving": race(network, space=space, **halved),
        "all remedies": race(network, **halved),
    }


# %%
# Three random splits of the digits:
rows, first = {}, None
for split in range(3):
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=300, stratify=y, random_state=split
    )
    searches = searches_for(split)
    for name, search in searches.items():
        start = time.perf_counter()
        with skreg.stacked():
            search.fit(X_train, y_train)
        rows[name, split] = {
            "seconds": time.perf_counter() - start,
            "in folds": -search.best_score_,
            "held out": -search.score(X_test, y_test),
        }
    first = first or searches

table = pd.DataFrame(rows).T.rename_axis(["search", "split"])
held_out = table["held out"].unstack("search")
gains = -held_out.sub(held_out["as it is"], axis=0)
groups = table.groupby("search", sort=False)
means = groups.mean()
means["seconds"] = groups["seconds"].median()
means["gain"], means["its error"] = gains.mean(), gains.sem()
print(means.round(3).to_string())

# %%
# ``in folds`` and ``held out`` are cross-entropies: less is better. The first comes
# from networks that were trained on two thirds of the rows, the second from one that
# was trained on all of them. ``gain`` is how much lower the loss is than that of the
# network as it is, with its standard error over the splits.
#
# Here the searches over two hyperparameters gain about the same. The space of all
# remedies has eleven, which 27 candidates cover thinly: its winner's gain differs much
# from split to split, and is within its error.
#
# Such a table shows three things:
#
# - Three splits settle only large differences. Compare a gain with its error before
#   you prefer one search to another.
# - The best score in the folds need not be the best on new rows. The more candidates
#   and the more hyperparameters, the more of a winner's score is luck.
# - Equal epochs are not equal seconds: a short training costs its preparation and its
#   scoring as well. The seconds are medians, without the compiling of the first split.
#
# A grid and random points
# ------------------------
# A grid of nine candidates tries three learning rates. Nine random points try nine. If
# only the learning rate matters, the grid runs the same experiment three times for each
# rate; random search does not. That is the argument of Bergstra and Bengio (*JMLR* 13,
# 2012). It grows with the number of hyperparameters: a grid of five of them with three
# values each has 243 candidates and still tries three learning rates.
#
# The lower row shows the candidates of the first split, the upper row their losses,
# projected on the learning rate.
figure, axes = plt.subplots(
    2,
    2,
    figsize=(8.5, 5),
    sharex=True,
    sharey="row",
    layout="constrained",
)
for column, name in zip(axes.T, ["grid", "random"], strict=True):
    results = pd.DataFrame(first[name].cv_results_)
    rate = results["param_learning_rate"]
    dropout = results["param_dropout"]
    color = {"c": dropout, "vmin": 0, "vmax": 0.6}
    column[0].scatter(rate, -results["mean_test_score"], **color)
    points = column[1].scatter(rate, dropout, **color)
    for ax, value in ((ax, value) for ax in column for value in rate):
        ax.axvline(value, color="0.85", zorder=0)
    title = f"{name}: {rate.nunique()} learning rates"
    column[0].set(title=title, yscale="log")
    column[1].set(xscale="log", xlabel="learning rate")
axes[0, 0].set_ylabel("cross-entropy in the folds")
axes[0, 0].set_yticks([0.3, 0.5, 1, 2], ["0.3", "0.5", "1", "2"])
axes[0, 0].minorticks_off()
axes[1, 0].set_ylabel("dropout")
figure.colorbar(points, ax=axes, label="dropout")
plt.show()

# %%
# The grid also says how much each hyperparameter matters. Average the logarithms of the
# losses over the other hyperparameter: the share of the variance that is left is due to
# this one. On a space as wide as this one the learning rate is nearly everything.
results = pd.DataFrame(first["grid"].cv_results_)
loss = np.log(-results["mean_test_score"].astype(float))
for name in space:
    means = loss.groupby(results[f"param_{name}"]).transform("mean")
    share = means.var() / loss.var()
    print(f"{name:13s} explains {share:3.0%} of the variance")

# %%
# Halving: many short trainings before few long ones
# --------------------------------------------------
# A bad candidate often shows early. Successive halving trains all candidates for a few
# epochs, and the better third of them three times as long, until the last ones train
# to the end (Jamieson and Talwalkar, *AISTATS* 2016).
# :class:`~skreg.RegularizationSearchCV` does that, with the epochs as the resource and
# schedules that fit each length.
results = pd.DataFrame(first["halving"].cv_results_)
for epochs, rung in results.groupby("n_resources"):
    total = len(rung) * epochs
    print(f"{len(rung):3d} candidates x {epochs:2d} epochs = {total:3d}")

# %%
# The risk is to lose a candidate that starts slowly and would have won: a small
# learning rate, a strong dropout. Halving prefers candidates that learn fast.
#
# All remedies at once
# --------------------
# :func:`~skreg.regularization_space` combines the remedies. Each is off in a share of
# the draws, and each number has a suitable scale. ``RegularizationSearchCV`` draws from
# it if it gets no ``space``. ``level="full"`` adds sizes, activations, optimizers and
# more.
for name, values in skreg.regularization_space()[0].items():
    if hasattr(values, "dist"):  # a distribution of scipy's
        values = f"{values.dist.name}{values.args}"
    print(f"{name:15s}", values)

# %%
# ``Sometimes(uniform(0.05, 0.55), 0.7, 0.0)`` draws from the distribution in 70% of
# the cases and is 0 in the others. The arguments of scipy's ``uniform`` are the lower
# end and the width.
#
# The gallery asks the same with more care:
# :doc:`random against grid </gallery/random_against_grid>` on Sonar, in ten splits, and
# :doc:`halving </gallery/tune_by_halving>` against training the same candidates to the
# end.
#
# Candidates that learn from those before
# ---------------------------------------
# Bayesian optimisation draws the next candidate where the results so far promise most.
# It is useful where a training is expensive. Its candidates come one after the other,
# so a stack holds only the folds of one candidate. With `Optuna <https://optuna.org>`__
# (``pip install optuna``) the loop is this:
#
# .. code-block:: python
#
#     import optuna
#     from sklearn.model_selection import cross_val_score
#
#
#     def objective(trial):
#         rate = trial.suggest_float("learning_rate", 1e-4, 0.3, log=True)
#         dropout = trial.suggest_float("dropout", 0, 0.6)
#         network = skreg.MLPRegularizedClassifier(
#             (64,),
#             learning_rate=rate,
#             dropout=dropout,
#             l2=0.002,
#             epochs=18,
#             random_state=0,
#         )
#         scores = cross_val_score(
#             network, X_train, y_train, cv=3, scoring="neg_log_loss"
#         )
#         return scores.mean()
#
#
#     sampler = optuna.samplers.TPESampler(seed=0)
#     study = optuna.create_study(direction="maximize", sampler=sampler)
#     with skreg.stacked():
#         study.optimize(objective, n_trials=9)
#     print(study.best_params, study.best_value)
#
# :doc:`Tuning with Optuna </gallery/tune_with_optuna>` has several trials at a time and
# pruning by ``partial_fit``, and shows what both gained.
#
# Which one?
# ----------
# - One or two hyperparameters whose effect you want to see: a grid, or
#   :class:`~skreg.RegularizationPathDisplay`.
# - Three or more: random. It can be stopped at any time, and its candidates can be
#   added to those of an earlier search.
# - Many remedies, and no idea which of them help: :func:`~skreg.compare_remedies`
#   first, or ``RegularizationSearchCV``.
# - Trainings of minutes: Optuna.
#
# Whatever you choose, keep rows aside to judge the winner, or put the whole search into
# ``cross_val_score``, which is nested cross-validation.
