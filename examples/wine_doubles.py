"""
Which model gains most from doubled rows?
=========================================

The table of Portuguese wines holds 6,497 rows, but 1,177 of them are copies of another
row, measurements and all. Folds by rows put copies of a wine on both sides: a model
that learns rows by heart is rewarded for it. What are the scores, and the order of the
models, when all copies of a wine go to the same fold?

Found: the copies are worth most to nearest neighbours and to extra trees, about 0.15 of
R2; boosted trees gain half of that, the network a quarter, and the linear model
nothing. Folds by rows put extra trees, nearest neighbours and boosted trees ahead of
the network. With folds by wines the network and extra trees are level, about one
standard error apart, and both a little ahead of boosted trees; nearest neighbours are
behind them all but the linear model. Nothing was tuned.
"""

# %%
# How many copies
# ---------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import skreg
from skreg.datasets import load_wine_quality

X, y = load_wine_quality(as_frame=True)
wine = X.groupby(list(X.columns), sort=False).ngroup()
copies = X.duplicated()
print(f"{len(X)} rows, {wine.nunique()} wines, {copies.sum()} copies")


# %%
# Five models on both kinds of folds
# ----------------------------------
# ``colour`` becomes a column of 0/1. The network scales its inputs itself; nearest
# neighbours need a scaler.
def after_encoding(*steps):
    encoder = make_column_transformer(
        (OneHotEncoder(drop="first", sparse_output=False), ["colour"]),
        remainder="passthrough",
    )
    return make_pipeline(encoder, *steps)


network = skreg.MLPRegularizedRegressor(l2=0.0004, epochs=40, random_state=0)
models = {
    "ridge": after_encoding(StandardScaler(), RidgeCV(np.logspace(-2, 3, 6))),
    "network": after_encoding(network),
    "boosted trees": after_encoding(HistGradientBoostingRegressor(random_state=0)),
    "extra trees": after_encoding(ExtraTreesRegressor(100, n_jobs=2, random_state=0)),
    "nearest neighbours": after_encoding(
        StandardScaler(), KNeighborsRegressor(15, weights="distance")
    ),
}
folds = {
    "by rows": list(KFold(5, shuffle=True, random_state=0).split(X)),
    "by wines": list(GroupKFold(5, shuffle=True, random_state=0).split(X, groups=wine)),
}
scores, by_fold = {}, {kind: pd.DataFrame() for kind in folds}
with skreg.stacked():
    for name, model in models.items():
        for kind, splits in folds.items():
            found = cross_val_score(model, X, y, cv=splits)
            by_fold[kind][name] = found
            error = by_fold[kind][name].sem()
            scores[name, kind] = {"R2": found.mean(), "error": error}

# %%
# R2 of each model, with its standard error over the five folds, and what of it the
# copies gave.
table = pd.DataFrame(scores).T.unstack()
table = table.swaplevel(axis=1).sort_index(axis=1)
table["from", "copies"] = table["by rows", "R2"] - table["by wines", "R2"]
table = table.sort_values(("by wines", "R2"), ascending=False)
print(table.to_string(float_format="{:.3f}".format))

# %%
# What the network gains on the others with folds by wines, fold by fold.
more = -by_fold["by wines"].sub(by_fold["by wines"]["network"], axis=0)
more = more.drop(columns="network").agg(["mean", "sem"]).T
print(more.to_string(float_format="{:.3f}".format))

# %%
figure, ax = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
places = np.arange(len(table))[::-1]
for kind, color in (("by wines", "#4c72b0"), ("by rows", "#dd8452")):
    ax.errorbar(
        table[kind, "R2"],
        places,
        xerr=table[kind, "error"],
        fmt="o",
        color=color,
        capsize=3,
        label=f"folds {kind}",
        zorder=3,
    )
ax.hlines(places, table["by wines", "R2"], table["by rows", "R2"], "#cccccc")
ax.set_yticks(places, table.index)
ax.set(xlabel="R2, with its standard error over five folds")
ax.set_ylim(-0.6, len(table) - 0.4)
ax.grid(axis="x", alpha=0.3)
ax.legend(frameon=False, loc="lower right")
plt.show()
