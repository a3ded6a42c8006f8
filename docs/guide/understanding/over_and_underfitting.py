r"""
Over- and underfitting
======================

A network underfits if it does not learn what the features say about the target: it is
wrong on its training rows, and about as wrong on new rows. It overfits if it learns
what is true of its training rows alone: it is right on these, but worse on new rows
than a simpler network or a shorter training would be.

Two numbers show both. The training loss says how well the network fits its training
rows. The validation loss, on other rows, says how much of this is of use for new rows:

.. math::

   \text{validation loss} = \text{training loss} + \text{gap}.

A high training loss is underfitting, a wide gap overfitting. A gap alone is no fault:
every good network has one. The sum is what counts in the end.

Bias and variance
-----------------

If the network were trained on many tables of the same size, its prediction
:math:`\hat f(x)` would differ from table to table. For squared errors

.. math::

   \mathbb{E}\,(y - \hat f(x))^2 =
   &\underbrace{(\mathbb{E}\,\hat f(x) - f(x))^2}_{\text{bias}^2} \\
   + &\underbrace{\mathrm{Var}\,\hat f(x)}_{\text{variance}} +
   \underbrace{\mathrm{Var}(y \mid x)}_{\text{noise}},

where :math:`f(x)` is the mean of :math:`y` given :math:`x`, and expectations are over
training tables and :math:`y` (Geman, Bienenstock and Doursat, *Neural Computation* 4,
1992). Underfitting is a high bias, overfitting a high variance. The noise, which no
network can remove, cannot be told from bias on real data.
"""

# %%
# Three networks on 1,500 districts
# ---------------------------------
# One unit, one layer of 8, and two layers of 64, without any remedy, learn the house
# values of 1,500 Californian districts. A thousand others are for validation. Each
# network is trained five times, on five tables of 1,500, so that bias and variance can
# be measured. The 15 fits train in stacks.
import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed

import skreg
from skreg import LossCurveDisplay, MLPRegularizedRegressor
from skreg.datasets import load_california_housing

X, y = load_california_housing()
order = np.random.default_rng(0).permutation(len(y))
X_val, y_val = X[order[:1000]], y[order[:1000]]
tables = order[1000:8500].reshape(5, 1500)


def trained(sizes, rows):
    network = MLPRegularizedRegressor(
        sizes, dropout=0, l2=0, schedule="constant", epochs=60, random_state=0
    )
    return network.fit(X[rows], y[rows], X_val=X_val, y_val=y_val)


names = {"1 unit": (1,), "8 units": (8,), "64 + 64 units": (64, 64)}
with skreg.stacked():
    fits = Parallel()(
        delayed(trained)(sizes, rows) for sizes in names.values() for rows in tables
    )
fits = {name: fits[5 * i : 5 * i + 5] for i, name in enumerate(names)}

# %%
# The curves
# ----------
# Losses are squared errors in units of the variance of the values: 0 is perfect, and
# predicting the mean gives about 1.
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True)
figure.set_layout_engine("constrained")
for ax, name in zip(axes, names, strict=True):
    LossCurveDisplay.from_estimator(fits[name][0], ax=ax)
    ax.set(title=name, ylim=(0, 0.8))
    ax.legend(loc="upper right", fontsize=8)
    ax.label_outer()

# %%
# The single unit's two curves end together, and early: more epochs, or more rows, would
# not help it. The curves of the large network separate after a few epochs: its training
# loss continues to fall, but its validation loss has its best epoch early and then
# rises. The network of eight units lies in between. It has a small gap, and its
# validation loss ends below those of both others.
#
# (The training curve includes penalties on weights, if there are any, and is measured
# with dropout on. So with remedies it may lie above the other.)
#
# Bias and variance, measured
# ---------------------------
# The variance is that of the five predictions of each validation row. The squared
# distance of their mean from the target is the sum of bias, noise and a fifth of the
# variance; this fifth is subtracted.
total = y_val.var()
parts = {}
for name, networks in fits.items():
    predictions = np.array([network.predict(X_val) for network in networks])
    variance = predictions.var(axis=0, ddof=1).mean() / total
    rest = ((predictions.mean(axis=0) - y_val) ** 2).mean() / total
    parts[name] = rest - variance / 5, variance
    training = [networks[k].score(X[rows], y[rows]) for k, rows in enumerate(tables)]
    validation = [network.score(X_val, y_val) for network in networks]
    print(name)
    for where, r2 in [("training", training), ("validation", validation)]:
        error = np.std(r2, ddof=1) / np.sqrt(5)
        print(f"  R2, {where:10}  {np.mean(r2):.3f} ± {error:.3f}")
    print(f"  bias² and noise {parts[name][0]:.3f}, variance {variance:.3f}")

# %%
# The ± is one standard error over the five training tables; the validation rows are the
# same for all.
bias, variance = np.array(list(parts.values())).T
figure, ax = plt.subplots(figsize=(9, 2.2), layout="constrained")
ax.barh(list(parts), bias, color="#4c72b0", label="bias² and noise")
ax.barh(list(parts), variance, left=bias, color="#dd8452", label="variance")
ax.invert_yaxis()
ax.set(xlabel="squared error on validation rows, of the variance of y")
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
# More units lower the bias and raise the variance. Their sum is smallest between the
# two extremes.
#
# A verdict
# ---------
# ``diagnose()`` judges the curves of a fit that had validation rows:
print(fits["64 + 64 units"][0].diagnose())

# %%
# Curves that agree say less: a network that fits well has them, one that is too small
# and one that has learnt nothing.
print(fits["1 unit"][0].diagnose())

# %%
# With data, ``diagnose`` makes the experiments that can tell these apart. On five
# folds it trains the network for longer, with more units, with a smaller rate (and the
# default one, if its own is smaller), on half of the rows and with weaker remedies, if
# it has some, and compares. Losses are relative, as above; in brackets is a 95%
# interval over the folds.
rows = tables[:3].ravel()
print(fits["1 unit"][0].diagnose(X[rows], y[rows]))

# %%
# What to do
# ----------
# ============================  =============================================
# Against underfitting          Against overfitting
# ============================  =============================================
# more units, another layer     fewer units
# more epochs, a larger rate    early stopping
# less dropout, smaller l2      more dropout, larger l2, weight decay
# better features               more rows, an ensemble
# ============================  =============================================
#
# When it does not help
# ---------------------
# Both losses are means over rows, and few rows make them uncertain: with 40 validation
# rows, a gap may be chance. ``diagnose`` then says "unclear". And a wide gap need not
# be the network's fault. If training and validation rows come from different times,
# places or people, no remedy on this list closes it.
#
# And the figure is not the whole story. Far beyond the size that learns its rows by
# heart, networks may get better again ("double descent": Belkin et al., *PNAS* 116,
# 2019). A large network with remedies often beats a small one without, so do not reduce
# the size first.
