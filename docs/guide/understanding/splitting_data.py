r"""
Training, validation and test rows
==================================

A score on rows that a network was trained on says how well it has learnt them by heart.
So some rows are set aside, for two different purposes:

- **training rows** set the weights;
- **validation rows** choose: the rate of dropout, the epoch to stop at, the network;
- **test rows** answer one question, once: how good is what was chosen?

A choice adapts to the rows on which it is made, as weights do, only more slowly.
Suppose that :math:`k` candidates are equally good, and that their scores differ only by
chance, with mean :math:`\mu` and standard deviation :math:`\sigma`. The best score is
then expected to be about

.. math::

   \mathbb{E} \max_{i \le k} s_i \approx \mu + \sigma \sqrt{2 \ln k}

(an upper bound for normal scores that are independent). It grows with the number of
candidates, although none of them is better. This is why a third set of rows is needed
(Cawley and Talbot, *JMLR* 11, 2010).

With few rows, a single split wastes many of them. In :math:`k`-fold cross-validation,
every row is in the test fold once; stratified folds keep the shares of the classes.
"""

# %%
# Folds, shuffled and stratified
# ------------------------------
# Many tables are sorted. The sonar echoes come as 97 rocks, then 111 metal cylinders,
# so that folds of consecutive rows train and test on unequal shares of the classes.
import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
    train_test_split,
)
from sklearn.pipeline import make_pipeline

import skreg
from skreg import MLPRegularizedClassifier
from skreg.datasets import load_sonar

X, y = load_sonar()
network = MLPRegularizedClassifier((16,), l2=0.0025, epochs=15, random_state=0)
stratified = StratifiedKFold(5, shuffle=True, random_state=0)


def shown(scores):
    """The mean and its standard error."""
    error = np.std(scores, ddof=1) / np.sqrt(len(scores))
    return f"{np.mean(scores):.3f} ± {error:.3f}"


with skreg.stacked():
    for name, folds in [
        ("consecutive rows", KFold(5)),
        ("shuffled, stratified", stratified),
    ]:
        scores = cross_val_score(network, X, y, cv=folds)
        print(f"{name:20}  accuracy {shown(scores)}  {scores.round(2)}")

# %%
# What 52 rows can say
# --------------------
# An accuracy :math:`p` on :math:`n` rows has the standard error
#
# .. math::
#
#    \sqrt{p (1 - p) / n},
#
# about 0.05 for 0.85 on 50 rows. Here are thirty splits with 52 test rows each. The
# network and its seed are always the same.


def one_split(seed):
    parts = train_test_split(X, y, test_size=52, stratify=y, random_state=seed)
    X_train, X_test, y_train, y_test = parts
    return clone(network).fit(X_train, y_train).score(X_test, y_test)


with skreg.stacked():
    single = Parallel()(delayed(one_split)(seed) for seed in range(30))
mean = np.mean(single)
print(f"from {min(single):.2f} to {max(single):.2f}, mean {mean:.3f}")
print(f"deviation {np.std(single, ddof=1):.3f}, ", end="")
print(f"by the formula {np.sqrt(mean * (1 - mean) / 52):.3f}")

# %%
# The best of many, on the test fold
# ----------------------------------
# Now the labels are shuffled: there is nothing to learn, and every network is right on
# half of new rows. In each of six splits 30 networks, which differ in dropout, noise,
# rate and seed, train on one half of the rows. A quarter of the rows is the test fold
# on which the best network is chosen. The last quarter is not used for anything before
# the end.
rng = np.random.default_rng(0)
noise = rng.permutation(y)
candidates = [
    clone(network).set_params(
        dropout=rng.uniform(0.05, 0.5),
        gaussian_noise=rng.uniform(0.05, 0.5),
        learning_rate=10 ** rng.uniform(-3, -1.5),
        random_state=seed,
    )
    for seed in range(30)
]


def two_scores(candidate, seed):
    rows = np.random.default_rng(seed).permutation(len(y))
    train, test, fresh = np.split(rows, [104, 156])
    fitted = clone(candidate).fit(X[train], noise[train])
    return [fitted.score(X[part], noise[part]) for part in (test, fresh)]


with skreg.stacked():
    found = Parallel()(
        delayed(two_scores)(candidate, seed)
        for seed in range(6)
        for candidate in candidates
    )
on_test, on_fresh = np.moveaxis(np.reshape(found, (6, 30, 2)), 2, 0)

# Of k candidates in a random order, the score of the best, and its score on new rows.
counts = np.arange(1, 31)
curves = np.zeros((2, 6, 30))
for _ in range(200):
    mixed = rng.permutation(30)
    test, fresh = on_test[:, mixed], on_fresh[:, mixed]
    best = [[np.argmax(row[:k]) for k in counts] for row in test]
    curves[0] += np.take_along_axis(test, np.array(best), axis=1) / 200
    curves[1] += np.take_along_axis(fresh, np.array(best), axis=1) / 200

figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
names = ["on the test fold that chose", "on rows that had no part"]
for curve, name, color in zip(curves, names, ["#dd8452", "#4c72b0"], strict=True):
    middle, error = curve.mean(axis=0), curve.std(axis=0, ddof=1) / np.sqrt(6)
    ax.plot(counts, middle, color=color, label=f"the best of them {name}")
    ax.fill_between(counts, middle - error, middle + error, color=color, alpha=0.2)
    print(f"best of 30 {name}: {shown(curve[:, -1])}")
ax.axhline(0.5, color="black", linestyle=":", linewidth=1)
ax.set(xlabel="candidates", ylabel="accuracy on shuffled labels", ylim=(0.4, 0.75))
ax.grid(alpha=0.3)
ax.legend(frameon=False, loc="upper left")
plt.show()

# %%
# The band is one standard error over the splits. The best test score rises with the
# number of candidates, but on new rows the same networks only guess. Two other habits
# are the same mistake: to stop at the epoch with the best test score, and to try
# remedies one by one and keep those that raised the test score.
#
# Nested cross-validation
# -----------------------
# The remedy is to test the choice as well: for each outer fold, a separate search
# chooses by inner folds of the other rows. A search is an estimator, so nesting is one
# call; inside of ``stacked`` all inner fits of all outer folds train together.
inner = StratifiedKFold(3, shuffle=True, random_state=1)
grid = {"dropout": [0.05, 0.2, 0.4], "learning_rate": [0.001, 0.003, 0.01, 0.03]}
search = GridSearchCV(network, grid, cv=inner)
with skreg.stacked():
    nested = cross_validate(search, X, y, cv=stratified, return_estimator=True)
promised = [fold.best_score_ for fold in nested["estimator"]]
print(f"best scores of the five searches: {shown(promised)}")
print(f"on the outer folds:               {shown(nested['test_score'])}")

# %%
# Here the best scores of the searches hold on new rows, within the standard error.
# There are twelve candidates, some of them truly better, and each is judged on all 166
# rows of its inner folds: this leaves little room for chance. The thirty equal
# candidates on a single fold, above, left much. You cannot know this beforehand, and
# with a nested score you need not know it.
#
# To deploy, fit the search once more on all rows; the nested score estimates how good
# the result is.
#
# Leakage before the split
# ------------------------
# Every step that uses the targets is part of the training. Here are 2,000 columns of
# plain noise. Choosing the 20 that go best with the labels of all rows, and
# cross-validating afterwards, finds structure that does not exist. In a pipeline, the
# same choice is made on the training rows of each fold.
X_noise = rng.normal(size=(len(y), 2000))
chosen = SelectKBest(k=20).fit_transform(X_noise, y)
pipeline = make_pipeline(SelectKBest(k=20), network)
with skreg.stacked():
    before = cross_val_score(network, chosen, y, cv=stratified)
    within = cross_val_score(pipeline, X_noise, y, cv=stratified)
print(f"columns chosen before the split: {shown(before)}")
print(f"columns chosen in each fold:     {shown(within)}")

# %%
# A scaler fitted on all rows leaks, too, though far less, since it does not see the
# targets. skreg scales by the training rows of each fit (``normalize="robust"``), and
# takes the rows for early stopping out of them (``validation_fraction``), never out of
# a search's test fold. The rows that judge the pilots of a fit (``l2="auto"``) come
# from there, too. (For ``compare_remedies`` pilots choose once, on all rows.)
#
# Repeated folds, and an honest error
# -----------------------------------
# Five folds are one random draw. Repeating them with other draws removes this
# randomness from the mean, but adds no rows. The folds overlap, so the standard
# deviation divided by the root of the number of scores is too small. Nadeau and Bengio
# (*Machine Learning* 52, 2003) correct the variance :math:`s^2` of :math:`m` scores by
# the ratio of test to training rows:
#
# .. math::
#
#    \mathrm{SE}^2 = \left( \frac{1}{m} +
#    \frac{n_\text{test}}{n_\text{train}} \right) s^2.
#
# ``compare_remedies`` and ``diagnose`` give intervals of this kind.
folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=5, random_state=0)
with skreg.stacked():
    scores = cross_val_score(network, X, y, cv=folds)
repeats = scores.reshape(5, 5).mean(axis=1)
deviation = scores.std(ddof=1)
print(f"means of the repeats: {repeats.round(3)}")
print(f"mean {scores.mean():.3f}, deviation of a fold {deviation:.3f}")
print(f"too small: {deviation / np.sqrt(25):.3f}, ", end="")
print(f"corrected: {deviation * np.sqrt(1 / 25 + 1 / 4):.3f}")

# %%
# When it does not help
# ---------------------
# Folds at random assume that rows are alike and independent. Rows of the same patient,
# or of the same day, in training and test cause a leak that no pipeline can stop: use
# ``GroupKFold`` or ``TimeSeriesSplit``. With tens of thousands of rows a single split
# is precise enough, and the time is better spent on the network. And no split shows how
# good the network is on rows of another year or another place.
