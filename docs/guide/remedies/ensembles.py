r"""
Ensembles
=========

Networks that start from other weights and see the rows in another order end at other
functions. Each has errors of its own, and their mean has smaller errors. For the
squared error of the mean :math:`\bar f` of :math:`M` networks this is an identity
(Krogh and Vedelsby, *NeurIPS* 1995):

.. math::

   (\bar f - y)^2 = \frac{1}{M} \sum_m (f_m - y)^2
   - \frac{1}{M} \sum_m (f_m - \bar f)^2 .

The ensemble is better than its members are on average, by exactly as much as they
differ. For the cross-entropy of mean probabilities Jensen's inequality says the same
without the exact amount. What all members get wrong alike stays wrong.

The parameter
-------------

``n_members=1`` is the default. Others are trained side by side in one stack, on all
rows, with seeds of their own ("deep ensembles", Lakshminarayanan, Pritzel and Blundell,
*NeurIPS* 2017). With ``early_stopping=True`` each sets aside validation rows of its own
and trains on the others. ``predict`` and ``predict_proba`` average them,
``predict_proba(X, members=True)`` gives each, the regressor's ``predict_std(X)`` how
far they differ, and ``members_`` holds them.
"""

# %%
# How many members
# ----------------
# Sixteen networks for each of five folds of 208 sonar echoes. Groups of 1, 2, 4 and 8
# of them show the scores of smaller ensembles: each point is the mean over all groups
# of that size.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor
from skreg.datasets import load_california_housing, load_sonar

X, y = load_sonar()
network = MLPRegularizedClassifier(
    (64, 64),
    dropout=0,
    l2=0,
    n_members=16,
    random_state=0,
)
sizes = [1, 2, 4, 8, 16]
losses, accuracies = [], []
folds = StratifiedKFold(5, shuffle=True, random_state=0)
for train, test in folds.split(X, y):
    network.fit(X[train], y[train])
    members = network.predict_proba(X[test], members=True)
    losses.append([])
    accuracies.append([])
    for size in sizes:
        groups = members.reshape(-1, size, *members.shape[1:])
        means = groups.mean(axis=1)
        loss = [log_loss(y[test], p) for p in means]
        losses[-1].append(np.mean(loss))
        label = network.classes_[means.argmax(axis=2)]
        accuracies[-1].append(np.mean(label == y[test]))

figure, axes = plt.subplots(
    1,
    2,
    figsize=(9, 3.4),
    layout="constrained",
)
for ax, values, name in (
    (axes[0], np.array(losses), "cross-entropy"),
    (axes[1], np.array(accuracies), "accuracy"),
):
    change = values - values[:, :1]
    error = change.std(axis=0, ddof=1) / np.sqrt(len(change))
    ax.errorbar(sizes, change.mean(axis=0), error, fmt="o-", capsize=3)
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, sizes)
    ax.set(xlabel="members", ylabel=f"change of {name}")
    ax.grid(alpha=0.3)
    print(
        f"{name}: one network {values[:, 0].mean():.3f}, sixteen "
        f"{change[:, -1].mean():+.3f} +- {error[-1]:.3f}"
    )

# %%
# The bars are one standard error of the paired change over the folds. The cross-entropy
# falls with every doubling, by less each time: the first members gain the most. Where
# the members contradict each other, their mean is unsure; a single one of these
# networks is not. The predicted class hardly changes: the accuracy stays within its
# noise.
#
# The identity, on house prices
# -----------------------------
# 1,000 Californian districts, eight networks with the estimator's usual remedies: a
# dropout of 0.2, a cosine schedule, and the l2 that is usual for so many rows.
X, y = load_california_housing()
rows = np.random.default_rng(0).permutation(len(y))[:1000]
X, y = X[rows], y[rows]
ensemble = MLPRegularizedRegressor(
    (64, 64),
    l2=0.001,
    n_members=8,
    random_state=0,
)
parts, spreads, errors = [], [], []
for train, test in KFold(5, shuffle=True, random_state=0).split(X):
    ensemble.fit(X[train], y[train])
    each = np.array([m.predict(X[test]) for m in ensemble.members_])
    spread = ensemble.predict_std(X[test])
    error = ensemble.predict(X[test]) - y[test]
    parts.append(
        [
            np.mean((each - y[test]) ** 2),
            np.mean(error**2),
            np.mean(spread**2),
        ]
    )
    spreads.append(spread)
    errors.append(error)

of_members, of_mean, differ = np.array(parts).T
print(f"members' mean squared error   {of_members.mean():.4f}")
print(f"less what they differ by      {differ.mean():.4f}")
print(f"the ensemble's squared error  {of_mean.mean():.4f}")
gain = of_members - of_mean
error = gain.std(ddof=1) / np.sqrt(len(gain))
share = gain.mean() / of_members.mean()
print(f"gain {gain.mean():.4f} +- {error:.4f}, a share of {share:.1%}")

# %%
# The gain is small here but certain: by the identity it is above 0 on every fold.
#
# Where the members differ
# ------------------------
# Districts in eight parts, from those on which the members agree most to those on which
# they agree least.
spread, error = np.concatenate(spreads), np.concatenate(errors)
eighths = np.array_split(np.argsort(spread), 8)
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.plot(
    [spread[part].mean() for part in eighths],
    [np.sqrt(np.mean(error[part] ** 2)) for part in eighths],
    "o-",
)
ax.axline((0, 0), slope=1, color="black", linewidth=0.8)
ax.set(
    xlabel="predict_std, mean of the part",
    ylabel="root mean squared error",
    xlim=(0, None),
    ylim=(0, None),
)
ax.grid(alpha=0.3)
plt.show()

# %%
# Errors are largest where the members differ most, so ``predict_std`` tells which
# predictions to trust less. It is not an error bar. If it were one, the points would
# lie on the black line, but all lie far above it: it contains neither the noise of the
# prices nor the errors that all members share.
#
# When it does not help
# ---------------------
# Members that end at the same function have nothing to average. A network without
# hidden layers has one minimum, and all starts lead there:
linear = MLPRegularizedRegressor((), l2=0.001, n_members=8, random_state=0)
print(f"mean predict_std of the networks: {spread.mean():.4f}")
spread = linear.fit(X, y).predict_std(X)
print(f"of a linear model: {spread.mean():.4f}")

# %%
# An ensemble does not mend underfitting, nor a bias that all members share. It costs
# its number in training and in prediction, in memory, and in the size of the file. A
# single network with a good ``l2`` may be worth as much as an ensemble of unregularised
# ones: tune first, and average last. :class:`~skreg.RegularizationSearchCV` does so:
# its ``n_members=5`` refits the winner as an ensemble of five.
