"""
How optimistic is a search's best score?
========================================

A search reports the winner's score in the folds that chose it. The winner of many
candidates is partly the luckiest. How much of its score is luck, and from how many
candidates on?

Found: one candidate's score in the folds equals, within its error, its score on rows
that were not used for any choice. The more candidates, the higher the winner's score in
the folds; on the other half, its accuracy stops rising after some ten of them. With
all, the choice adds 0.04 of accuracy that is not there, several standard errors. In
cross-entropy, which is less a matter of luck, the winners go on getting better, and
more than half of what the search gains is real. So take a search's best score as a
choice and not as a result: ``cross_val_score(search, X, y)``, nested cross-validation,
gives that, in ``skreg.stacked()`` all at once.
"""

# %%
# Eight random halves of the 208 sonar echoes. On each, every candidate has its score in
# five folds, which a search would see, and a score on the other half, of a network
# that was trained on the whole first half. A search takes any list of splits, so that
# all of it is one search of 48 splits, in the same stacks.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import loguniform, uniform
from sklearn.model_selection import (
    RandomizedSearchCV,
    StratifiedKFold,
    train_test_split,
)

import skreg
from skreg.datasets import load_sonar

X, y = load_sonar()
HALVES, FOLDS, CANDIDATES = 8, 5, 32
splits = []
for half in range(HALVES):
    train, other = train_test_split(
        np.arange(len(y)), test_size=0.5, stratify=y, random_state=half
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=half)
    splits += [(train[a], train[b]) for a, b in folds.split(train, y[train])]
    splits.append((train, other))

network = skreg.MLPRegularizedClassifier((32,), epochs=40, random_state=0)
space = {
    "learning_rate": loguniform(1e-3, 3e-2),
    "l2": loguniform(1e-5, 1e-1),
    "dropout": uniform(0.0, 0.7),
    "gaussian_noise": uniform(0.0, 0.7),
}
search = RandomizedSearchCV(
    network,
    space,
    n_iter=CANDIDATES,
    cv=splits,
    scoring=["accuracy", "neg_log_loss"],
    refit=False,
    random_state=0,
)
with skreg.stacked():
    search.fit(X, y)

# %%
# What a search over a part of the candidates would have found, on average over 300
# random orders of them: the winner's score in the folds, and on the other half.
SIZES = [1, 2, 4, 8, 16, 32]


def winners(scoring):
    """Arrays of shape (halves, sizes): in the folds, and on the other half."""
    scores = [
        search.cv_results_[f"split{i}_test_{scoring}"] for i in range(len(splits))
    ]
    scores = np.reshape(scores, (HALVES, FOLDS + 1, CANDIDATES))
    seen, new = scores[:, :FOLDS].mean(axis=1), scores[:, FOLDS]
    rng = np.random.default_rng(0)
    found = np.zeros((2, HALVES, len(SIZES)))
    for _ in range(300):
        order = rng.permutation(CANDIDATES)
        for i, size in enumerate(SIZES):
            best = order[np.argmax(seen[:, order[:size]], axis=1)]
            found[0, :, i] += seen[np.arange(HALVES), best] / 300
            found[1, :, i] += new[np.arange(HALVES), best] / 300
    return found


found = {scoring: winners(scoring) for scoring in ("accuracy", "neg_log_loss")}
tables = {}
for scoring, (seen, new) in found.items():
    tables[scoring] = pd.DataFrame(
        {
            "in the folds": seen.mean(axis=0),
            "other half": new.mean(axis=0),
            "optimism": (seen - new).mean(axis=0),
            "error": (seen - new).std(axis=0, ddof=1) / HALVES**0.5,
        },
        index=pd.Index(SIZES, name="candidates"),
    )
    print(scoring)
    print(tables[scoring].to_string(float_format="{:.3f}".format), end="\n\n")

# %%
# The optimism that the choice adds: the gap of each search minus that of a single
# candidate, half by half.
for scoring, (seen, new) in found.items():
    optimism = seen - new
    added = optimism[:, -1] - optimism[:, 0]
    error = added.std(ddof=1) / HALVES**0.5
    print(f"{scoring}: {added.mean():.3f}, standard error {error:.3f}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for ax, (scoring, table) in zip(axes, tables.items(), strict=True):
    for name, color in (
        ("in the folds", "#4c72b0"),
        ("other half", "#dd8452"),
    ):
        ax.plot(SIZES, table[name], "o-", color=color, label=name)
    ax.set_xscale("log")
    ax.set_xticks(SIZES, SIZES)
    ax.minorticks_off()
    ax.set(xlabel="candidates tried", ylabel=f"the winner's {scoring}")
    ax.grid(alpha=0.3)
axes[0].legend(frameon=False)
plt.show()
