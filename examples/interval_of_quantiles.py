"""
Do two quantile networks cover what they promise?
=================================================

``loss="quantile"`` trains a network for a quantile. One for 0.1 and one for 0.9 make an
interval that should hold 80% of the values. Does it, for patients that the networks
have not seen?

Found: on the rows that the networks were trained on, yes: 78 to 81%. On new rows, the
plain network's interval holds little more than a third, and is far too narrow: it has
bent around single patients. With more and more l2 the interval widens and the share
rises to nearly what was promised, with an l2 of 0.01 to 0.03. (For as many rows 0.0017
is usual.) Beyond that it only gets wider. The pinball loss, which judges how close the
ends are to true quantiles, is least from 0.003 to 0.01. So choose the penalty by the
pinball loss in folds, and measure the coverage on rows that were not used for any
choice.
"""

# %%
# One network for the quantile 0.1 and one for 0.9 should have 80% of the rows between
# them. The penalty l2 goes from none to 0.1; all 6 x 2 x 8 fits train in the same
# stacks.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import ShuffleSplit

import skreg

X, y = load_diabetes(return_X_y=True)
network = skreg.MLPRegularizedRegressor(
    (64, 64), loss="quantile", dropout=0.0, epochs=60, random_state=0
)
penalties = [0.0, 0.001, 0.003, 0.01, 0.03, 0.1]
splits = list(ShuffleSplit(8, test_size=0.3, random_state=0).split(X))


def quantiles(l2, quantile, train):
    """Predictions for all rows, of a network that saw those of `train`."""
    fitted = clone(network).set_params(l2=l2, quantile=quantile)
    return fitted.fit(X[train], y[train]).predict(X)


keys = [(l2, q, i) for l2 in penalties for q in (0.1, 0.9) for i in range(8)]
with skreg.stacked():
    found = Parallel()(delayed(quantiles)(l2, q, splits[i][0]) for l2, q, i in keys)
found = dict(zip(keys, found, strict=True))

# %%
# One row a penalty and split. The pinball loss judges both ends: it is what a true
# quantile would make least.
rows = {}
for l2 in penalties:
    for i, (train, test) in enumerate(splits):
        low, high = found[l2, 0.1, i], found[l2, 0.9, i]
        inside = (low <= y) & (y <= high)
        rows[l2, i] = {
            "covered, training": inside[train].mean(),
            "covered, new": inside[test].mean(),
            "width": (high - low)[test].mean(),
            "pinball": mean_pinball_loss(y[test], low[test], alpha=0.1)
            + mean_pinball_loss(y[test], high[test], alpha=0.9),
            "crossed": (low > high)[test].mean(),
        }
rows = pd.DataFrame(rows).T.rename_axis(["l2", "split"])
table = rows.groupby("l2").mean()
table.insert(2, "error", rows["covered, new"].groupby("l2").sem())
print(table.to_string(float_format="{:.3f}".format))

# %%
best = table["pinball"].idxmin()
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
places = np.arange(len(penalties))
for name, color in (
    ("covered, training", "#4c72b0"),
    ("covered, new", "#dd8452"),
):
    groups = rows[name].groupby("l2")
    left.errorbar(
        places,
        groups.mean(),
        groups.sem(),
        fmt="o-",
        color=color,
        label=f"{name.split(', ')[1]} rows",
        capsize=3,
    )
left.axhline(0.8, color="black", linewidth=0.8, linestyle="--")
left.text(len(penalties) - 0.8, 0.805, "promised", ha="right", va="bottom")
left.set_xticks(places, [f"{l2:g}" for l2 in penalties])
left.set(xlabel="l2", ylabel="share of rows in the interval")
left.legend(frameon=False, loc="lower right")

train, test = splits[0]
low, high = found[best, 0.1, 0], found[best, 0.9, 0]
order = test[np.argsort((low + high)[test])]
right.vlines(np.arange(len(order)), low[order], high[order], "#4c72b0", alpha=0.3)
inside = (low <= y)[order] & (y <= high)[order]
for which, color, name in (
    (inside, "#4c72b0", "inside"),
    (~inside, "#c03d3e", "outside"),
):
    right.plot(
        np.flatnonzero(which),
        y[order][which],
        ".",
        color=color,
        label=f"{name}: {which.mean():.0%}",
    )
right.set(
    title=f"l2={best:g}, new rows of the first split",
    xlabel="patients, sorted by the interval's middle",
    ylabel="progression of the disease",
)
right.legend(frameon=False, loc="upper left")
plt.show()
