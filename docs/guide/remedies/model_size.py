r"""
The size of the network
=======================

The fewer weights, the less can be learnt by heart. A network of :math:`d` features,
hidden layers of :math:`n_1, \dots, n_L` units and :math:`k` outputs has

.. math::

   (d + 1) n_1 + \sum_{l=2}^{L} (n_{l-1} + 1) n_l + (n_L + 1) k

weights. Width sets how many features of the inputs a layer can form, depth how often
they are combined. A single hidden layer that is wide enough approximates any continuous
function (Cybenko, *Mathematics of Control, Signals, and Systems* 2, 1989); some
functions take exponentially fewer units with more layers (Telgarsky, *COLT* 2016).

The number of weights is an upper limit, and not the whole story. Training from small
weights finds smooth functions first, and remedies such as ``l2`` or dropout limit how
much of its size a large network uses (Bartlett, *IEEE Transactions on
Information Theory* 44, 1998: the size of the weights is more important than that of the
network).

The parameter
-------------

``hidden_layer_sizes=(128, 128)`` is the default: units of each hidden layer. An empty
tuple gives a linear model. Each other tuple is another program to compile, in a second
or two; in ``stacked()``, tuples of one length share programs.
"""

# %%
# From no unit to 256 a layer
# ---------------------------
# A thousand Californian districts and what their houses are worth, five folds: once
# without any remedy and once with usual ones (dropout 0.2, an l2 of 0.001, which is
# usual for so many rows, and a cosine schedule). One search trains all sizes; only its
# scores are of interest.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, KFold

import skreg
from skreg import MLPRegularizedRegressor, RegularizationPathDisplay
from skreg.datasets import load_california_housing

X, y = load_california_housing()
rows = np.random.default_rng(0).permutation(len(y))[:1000]
X, y = X[rows], y[rows]
widths = [(), (8,), (32,), (256,)]
depths = [(32, 32, 32)]
sizes = widths + depths
plain = {"dropout": [0], "l2": [0], "schedule": ["constant"]}
usual = {"dropout": [0.2], "l2": [0.001], "schedule": ["auto"]}
search = GridSearchCV(
    MLPRegularizedRegressor(epochs=40, random_state=0),
    [{"hidden_layer_sizes": sizes, **remedies} for remedies in (plain, usual)],
    cv=KFold(5, shuffle=True, random_state=0),
    return_train_score=True,
    refit=False,
)
with skreg.stacked():
    search.fit(X, y)


def scores(part):
    """Scores by remedies (none, usual), size and fold."""
    folds = [search.cv_results_[f"split{k}_{part}_score"] for k in range(5)]
    return np.array(folds).T.reshape(2, len(sizes), 5)


names = ["no remedy", "usual remedies"]
training, validation = scores("train"), scores("test")
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
figure.set_layout_engine("constrained")
for i, name in enumerate(names):
    path = RegularizationPathDisplay(
        "units of the hidden layer",
        ["none", *(str(size[0]) for size in widths[1:])],
        training[i, : len(widths)],
        validation[i, : len(widths)],
        scoring="R2",
    ).plot(axes[i])
    axes[i].set_title(name)
    axes[i].label_outer()
    print(name)
    gaps = (training[i] - validation[i]).mean(axis=1)
    errors = validation[i].std(axis=1, ddof=1) / np.sqrt(5)
    for size, mean, error, gap in zip(
        sizes, validation[i].mean(axis=1), errors, gaps, strict=True
    ):
        print(f"  {size!s:16} R2 {mean:.3f} ± {error:.3f}, gap {gap:.3f}")
plt.show()

# %%
# The training score rises with every unit. Without a remedy the validation score rises
# at first and then falls: the widest network has the widest gap and is the worst. With
# the usual remedies the gap widens, too, but the validation score does not fall; it
# levels out. The remedies take the place of a careful choice of width, and a layer that
# is somewhat too wide costs time, not accuracy.
#
# Depth
# -----
# The last row of each table is a network of three layers. Against one layer of 32
# units, fold by fold:
for i, name in enumerate(names):
    for n, size in enumerate(depths, start=len(widths)):
        gain = validation[i, n] - validation[i, sizes.index((32,))]
        error = gain.std(ddof=1) / np.sqrt(5)
        print(f"{name}, {len(size)} layers: {gain.mean():+.3f} ± {error:.3f}")

# %%
# Without a remedy, two more layers learn the rows by heart and do worse on new ones.
# With the usual remedies they lose, too: about a third as much, and more than the
# noise.
#
# When it does not help
# ---------------------
# A network that underfits gets worse when it is made smaller. And size can only be
# changed in coarse steps. Another number of layers is another program to compile, and a
# narrow network takes as long as the widest in its program. The strength of ``l2`` or
# ``dropout`` is only a number. For most tables it is quicker to keep ``(128, 128)`` and
# to search over strengths. A smaller network is useful if prediction has to be fast or
# the file small: see ``n_parameters_``.
