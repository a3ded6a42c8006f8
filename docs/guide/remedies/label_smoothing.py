r"""
Label smoothing
===============

Cross-entropy with targets of 0 and 1 is never satisfied: a row that is right with
probability 0.99 still adds to the loss, and the logits grow without end. Where the
classes overlap, a network that has learned its rows by heart gives 0.99 for other rows,
too, and is wrong in far more than one case of a hundred. Smoothing moves a share
:math:`s` of each target to all :math:`K` classes alike,

.. math::

   y'_k = (1 - s) \, y_k + \frac{s}{K} ,

so that the loss is smallest at a finite logit, where the probability of the row's class
is :math:`1 - s + s / K` (Szegedy et al., *CVPR* 2016). Written out, it is the usual
loss and a penalty on probabilities that leave the uniform distribution:

.. math::

   L' = (1 - s) \, L + \frac{s}{K} \sum_k -\log p_k .

Its use is calibration: of the rows that get 0.8, some 80% should be right (Guo et al.,
*ICML* 2017; Müller, Kornblith and Hinton, *NeurIPS* 2019).

The parameters
--------------

``label_smoothing=0.0`` is :math:`s`, for the classifier with ``loss="log_loss"`` (the
default) or ``"focal"``; the hinge loss does not use it. With two classes 0.1 makes
targets of 0.05 and 0.95.

``loss="focal"`` with ``focal_gamma=2.0`` has a similar effect by other means. It
multiplies a row's loss by a power of one minus its probability,
:math:`-(1 - p)^\gamma \log p`, so that rows that are right already hardly count (Lin et
al., *ICCV* 2017; Mukhoti et al., *NeurIPS* 2020, on calibration).
"""

# %%
# 1,000 wines
# -----------
# Tasters' grades in three classes: up to 5, 6, and 7 or more. They overlap: no network
# gets far beyond six right of ten. The first network has no other remedy, the second
# has an ``l2`` that suits these rows. Each row's probabilities come from the fold in
# which it did not train.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_predict

import skreg
from skreg import MLPRegularizedClassifier
from skreg.datasets import load_wine_quality

X, grade = load_wine_quality()
rows = np.random.default_rng(0).permutation(len(grade))[:1000]
X = X[rows, :11].astype(float)
y = np.digitize(grade[rows], [5.5, 6.5])
folds = StratifiedKFold(5, shuffle=True, random_state=0)


def predictions(**parameters):
    network = MLPRegularizedClassifier((64, 64), random_state=0)
    network.set_params(**parameters)
    with skreg.stacked():
        return cross_val_predict(
            network,
            X,
            y,
            cv=folds,
            method="predict_proba",
        )


def cross_entropy(p):
    """Of each row, of probabilities from 1e-7 on."""
    return -np.log(np.maximum(p[np.arange(len(y)), y], 1e-7))


def reliability(p, ax, label):
    """Accuracy over confidence, in five parts of equal size."""
    order = np.argsort(p.max(axis=1))
    confidence = p.max(axis=1)[order]
    right = (p.argmax(axis=1) == y)[order]
    ax.plot(
        [part.mean() for part in np.array_split(confidence, 5)],
        [part.mean() for part in np.array_split(right, 5)],
        "o-",
        markersize=4,
        label=label,
    )


def report(name, p):
    """Means over the folds, with standard errors."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    parts = [test for _, test in folds.split(X, y)]
    line = f"{name:15}"
    for values in (confidence, right, cross_entropy(p)):
        means = np.array([values[part].mean() for part in parts])
        error = means.std(ddof=1) / np.sqrt(len(means))
        line += f"{means.mean():6.3f} +- {error:.3f}  "
    print(line.rstrip())


networks = {
    "no other remedy": {"l2": 0, "dropout": 0},
    "l2=0.01, dropout=0.1": {"l2": 0.01, "dropout": 0.1},
}
figure, axes = plt.subplots(
    1,
    2,
    figsize=(9, 4.2),
    layout="constrained",
    sharex=True,
    sharey=True,
)
found = {}
print(f"{'':15}{'confidence':17}{'accuracy':17}cross-entropy")
for ax, (name, remedies) in zip(axes, networks.items(), strict=True):
    print(name)
    for smoothing in (0, 0.1, 0.4):
        p = predictions(label_smoothing=smoothing, **remedies)
        found[name, smoothing] = p
        report(f"  smoothing {smoothing}", p)
        reliability(p, ax, f"smoothing {smoothing}")
    ax.plot([0.35, 1], [0.35, 1], color="black", linewidth=0.8)
    ax.set(title=name, xlabel="confidence", ylim=(0.3, 1.02))
    ax.grid(alpha=0.3)
axes[0].set_ylabel("share that is right")
axes[0].legend(frameon=False, loc="upper left")
plt.show()

# %%
# On the black line, a network is as often right as it is sure. Without other remedies
# it is sure of nearly everything and right in little more than half. Smoothing brings
# the confidence down, and the cross-entropy with it. The accuracy stays within its
# noise: the network has learned the same, but is less sure.
#
# The second network is calibrated already. There, smoothing pushes the curve to the
# other side: the network is less sure than it could be.
#
# Differences of the cross-entropy from no smoothing, paired over the folds:
parts = [test for _, test in folds.split(X, y)]
for name in networks:
    for smoothing in (0.1, 0.4):
        change = cross_entropy(found[name, smoothing])
        change = change - cross_entropy(found[name, 0])
        change = np.array([change[part].mean() for part in parts])
        error = change.std(ddof=1) / np.sqrt(len(change))
        mean = change.mean()
        what = f"{name}, smoothing {smoothing}"
        print(f"{what}: {mean:+.3f} +- {error:.3f}")

# %%
# Focal loss
# ----------
# :math:`\gamma = 0` is the usual cross-entropy. A larger one makes the first network
# less sure, too.
print(f"{'':15}{'confidence':17}{'accuracy':17}cross-entropy")
for gamma in (0, 2, 5):
    p = predictions(loss="focal", focal_gamma=gamma, l2=0, dropout=0)
    report(f"focal_gamma {gamma}", p)

# %%
# When it does not help
# ---------------------
# * The network is calibrated already, as the second one is. First choose ``l2`` by
#   cross-entropy, then look at the curve.
# * Probabilities are needed as they are, for costs or rare events. With smoothing the
#   best that training can reach is a probability between :math:`s / K` and
#   :math:`1 - s + s / K`, and a class of 1% is then overstated. scikit-learn's
#   ``CalibratedClassifierCV`` calibrates a trained network without this bound.
# * Only the predicted class counts. The accuracy here does not change beyond its noise.
# * The network is to teach another one: smoothing removes what it knows about which
#   classes are alike (Müller et al. 2019).
