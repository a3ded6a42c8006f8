"""
How much luck is in a single split?
===================================

The 208 sonar echoes are often split once, and the accuracy on 52 test echoes is
reported. How different would it be with another split? And can a single split show that
a remedy helps?

Found: accuracies of the same network range from about 0.65 to 0.95, with a deviation of
0.05 from split to split, which is what the draw of 52 echoes alone would give. Dropout
and l2 gain nothing in accuracy, and still they "win" on nearly a third of the splits
and "lose" on more than a third. In cross-entropy the same two networks differ on nearly
every split, in favour of the remedies, by about three standard errors. So compare
networks on the same splits, on many of them, and by a score that sees how sure the
network is.
"""

# %%
# Two networks that differ in their remedies alone, each on 200 random splits of the
# 208 echoes: 156 to train on, 52 to test. A search with two candidates is the simplest
# way to have all 400 fits in the same stacks.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit

import skreg
from skreg.datasets import load_sonar

X, y = load_sonar()
network = skreg.MLPRegularizedClassifier((64,), epochs=60, random_state=0)
candidates = {
    "plain": {"dropout": [0.0], "l2": [0.0]},
    "regularized": {"dropout": [0.3], "l2": [0.003]},
}
search = GridSearchCV(
    network,
    list(candidates.values()),
    cv=StratifiedShuffleSplit(200, test_size=52, random_state=0),
    scoring=["accuracy", "neg_log_loss"],
    refit=False,
)
with skreg.stacked():
    search.fit(X, y)


def by_split(scoring):
    """One row a split, one column a network."""
    scores = [search.cv_results_[f"split{i}_test_{scoring}"] for i in range(200)]
    return pd.DataFrame(scores, columns=list(candidates))


accuracy, entropy = by_split("accuracy"), -by_split("neg_log_loss")

# %%
# One row a network. The last column is the deviation that the draw of 52 test echoes
# alone would give, if the network were always the same.
mean = accuracy.mean()
table = pd.DataFrame(
    {
        "accuracy": mean,
        "deviation": accuracy.std(),
        "lowest": accuracy.min(),
        "highest": accuracy.max(),
        "binomial": (mean * (1 - mean) / 52) ** 0.5,
    }
)
print(table.to_string(float_format="{:.3f}".format))

# %%
# What the remedies gain, on the same split. Splits of the same rows are not
# independent, as their training sets share most rows. Nadeau and Bengio (*Machine
# Learning* 52, 2003) therefore add the ratio of test to training rows to one over the
# number of splits. That part does not go away with more splits.
gains = {
    "accuracy": accuracy["regularized"] - accuracy["plain"],
    "cross-entropy": entropy["plain"] - entropy["regularized"],
}
rows = {}
for name, gain in gains.items():
    rows[name] = {
        "gain": gain.mean(),
        "deviation": gain.std(),
        "error": gain.std() * (1 / 200 + 52 / 156) ** 0.5,
        "better": f"{(gain > 0).mean():.0%}",
        "tie": f"{(gain == 0).mean():.0%}",
        "worse": f"{(gain < 0).mean():.0%}",
    }
print(pd.DataFrame(rows).T.to_string(float_format="{:.3f}".format))

# %%
figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
edges = (np.arange(accuracy.min().min() * 52, 53) - 0.5) / 52
for name, color in (("plain", "#dd8452"), ("regularized", "#4c72b0")):
    axes[0].hist(accuracy[name], edges, color=color, alpha=0.6, label=name)
axes[0].set(xlabel="accuracy on 52 test echoes", ylabel="splits")
axes[0].legend(frameon=False, loc="upper left")
steps = np.arange(-5, 7) - 0.5
for ax, (name, gain), bins in zip(
    axes[1:], gains.items(), [steps / 52, 20], strict=True
):
    ax.hist(gain, bins, color="#8c8c8c")
    ax.axvline(0, color="black", linewidth=1)
    ax.set(xlabel=f"gain of the remedies, {name}")
plt.show()
