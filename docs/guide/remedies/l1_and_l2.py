r"""
l1 and l2 penalties
===================

A penalty on large weights joins the loss. With kernels :math:`W_1, W_2, \dots` and the
mean loss :math:`L` of a batch, training descends on

.. math::

   L + \lambda_1 \sum_k \sum_{ij} |W_{k,ij}| + \lambda_2 \sum_k \sum_{ij} W_{k,ij}^2 .

The two terms add to a weight's gradient

.. math::

   \lambda_1 \, \mathrm{sign}(w) + 2 \lambda_2 \, w .

l2 pulls in proportion to the weight: large weights shrink most, and none becomes
exactly 0. l1 pulls with the same force however small the weight is, so a weight that
the data do not support goes to 0: the network becomes sparse. Both together are the
elastic net (Zou and Hastie, *JRSS B* 67, 2005). Small weights make smooth functions:
the output's slope is bounded by the product of the kernels' norms.

From a Bayesian point of view, the penalised minimum is the most probable network. With
:math:`n` rows, l2 stands for a normal prior of variance :math:`1 / (2 n \lambda_2)` on
each weight, l1 for a Laplace prior of scale :math:`1 / (n \lambda_1)` (Tibshirani,
*JRSS B* 58, 1996; MacKay, *Neural Computation* 4, 1992). The prior does not change when
rows are added, so the best penalty falls as :math:`n` grows.

The parameters
--------------

``l2="auto"`` and ``l1=0.0`` are the defaults. With "auto", a fit chooses the penalty on
held-out rows. The usual penalty is :math:`0.03 / \sqrt n`: 0.002 for 225 rows, 0.001
for 900, since more rows need less of it. First, pilots train in stacks on four fifths
of the rows, with 1 and 3 times the usual penalty. If 3 times is better on the held-out
rows, pilots with 10 times follow, otherwise with 0.3 times, and where that is better
still, with 30 or 0.1 times. Among the penalties that are about as good as the best, the
one nearest to the usual trains the network (``l2_``, :class:`~skreg.StrengthDisplay`).
There are no pilots below 40 rows, nor in ``partial_fit``, which does not know :math:`n`
and uses 0.001.

The penalties act on the kernels of all layers, the output's included. Biases have their
own, ``bias_l1=0.0`` and ``bias_l2=0.0``. A bias shifts a unit but makes nothing
steeper, so it is usually left free. ``max_norm=None`` is a limit instead of a penalty:
if the weights into a unit have a larger norm, they are scaled back after each step
(Srebro and Shraibman, *COLT* 2005).
"""

# %%
# What each does on 208 sonar echoes
# ----------------------------------
# The plain network has neither penalty nor dropout. Each path changes one parameter.
import matplotlib.pyplot as plt
import numpy as np

from skreg import (
    MLPRegularizedClassifier,
    RegularizationPathDisplay,
    WeightsDisplay,
)
from skreg.datasets import load_sonar

X, y = load_sonar()
plain = MLPRegularizedClassifier(
    (64, 64),
    dropout=0,
    l2=0,
    random_state=0,
)
ranges = {
    "l1": [0, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2],
    "l2": [0, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1],
    "max_norm": [4, 2, 1.5, 1, 0.5, 0.25],
}
paths = {}
figure, axes = plt.subplots(
    1,
    3,
    figsize=(9, 3.2),
    layout="constrained",
    sharey=True,
)
for ax, (name, values) in zip(axes, ranges.items(), strict=True):
    paths[name] = RegularizationPathDisplay.from_estimator(
        plain,
        X,
        y,
        param_name=name,
        param_range=values,
        scoring="neg_log_loss",
        ax=ax,
    )
for ax in axes[1:]:
    ax.set_ylabel("")
    ax.get_legend().remove()
for ax in axes:
    ax.tick_params("x", labelsize=8)

# %%
# Each is best at a middle strength. With too little, the network is sure of its
# mistakes. With too much, it predicts the same for every row, as at an l1 of 0.03. For
# ``max_norm``, which is a limit, strong is on the left.
#
# The first value of each range is the plain network's (a ``max_norm`` of 4 limits
# nothing here), so the gains are paired over the folds. The best of six on the same
# folds is slightly optimistic; nested cross-validation gives a fair estimate.
for name, path in paths.items():
    gain = path.validation_scores - path.validation_scores[0]
    best = int(np.argmax(gain.mean(axis=1)))
    error = gain[best].std(ddof=1) / np.sqrt(gain.shape[1])
    print(
        f"{name:8} {ranges[name][best]:<5}: negative log loss "
        f"{gain[best].mean():+.3f} +- {error:.3f}"
    )

# %%
# What they do to the weights
# ---------------------------
# l1 empties the network: most weights are near 0, and few connections do all the work.
sparse = plain.set_params(l1=0.01).fit(X, y)
display = WeightsDisplay.from_estimator(sparse, X)
display.figure_.suptitle("l1=0.01", fontsize=11)
kernel = display.kernels[0]
unused = np.all(np.abs(kernel) < 1e-3, axis=1)
print(f"inputs without any weight, l1: {unused.sum()} of {len(unused)}")

# %%
# l2 of the same size shrinks all weights together and leaves far more of them in use.
# Fewer units are dead, too: these give the same on all rows, so they add a constant at
# most.
shrunk = plain.set_params(l1=0, l2=0.01).fit(X, y)
display = WeightsDisplay.from_estimator(shrunk, X)
display.figure_.suptitle("l2=0.01", fontsize=11)
unused = np.all(np.abs(display.kernels[0]) < 1e-3, axis=1)
print(f"inputs without any weight, l2: {unused.sum()} of {len(unused)}")

# %%
# Adam with l1 does not put weights at 0 itself, as a proximal method does. It steps
# over 0 and back by about the learning rate. The cosine schedule takes that rate to 0,
# and the weights with it; with ``schedule="constant"`` they keep trembling. To set the
# weights of whole features to 0, use
# :ref:`feature_l1 <sphx_glr_learn_remedies_feature_selection.py>`.
#
# The same penalty in scikit-learn
# --------------------------------
# ``MLPClassifier(alpha=...)`` adds :math:`\alpha / (2 m) \sum w^2`, where :math:`m`
# counts the rows of a batch, and ``LogisticRegression(C=...)`` minimises the *sum* of
# the losses and :math:`1 / (2 C) \sum w^2`. So
#
# .. math::
#
#    \lambda_2 = \frac{\alpha}{2 m} = \frac{1}{2 C n} .
#
# A network without hidden layers, trained on full batches, shows it: the problem is
# convex, and all three end at the same probabilities.
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

Z, alpha = StandardScaler().fit_transform(X), 20.0
linear = MLPRegularizedClassifier(
    (),
    l2=alpha / (2 * len(Z)),
    normalize=False,
    batch_size="full",
    learning_rate=0.1,
    epochs=500,
    random_state=0,
)
others = [
    MLPClassifier((), alpha=alpha, solver="lbfgs", random_state=0),
    LogisticRegression(C=1 / alpha, tol=1e-8),
]
probability = linear.fit(Z, y).predict_proba(Z)
for other in others:
    difference = other.fit(Z, y).predict_proba(Z) - probability
    largest = np.abs(difference).max()
    print(f"{type(other).__name__}: within {largest:.0e}")
plt.show()

# %%
# Its default, ``alpha=0.0001`` with batches of 200 rows, is an l2 of 2.5e-7: almost
# none.
#
# When it does not help
# ---------------------
# * The network underfits: a penalty holds back weights that should grow. The training
#   curves above show it for the strongest penalties.
# * Inputs are of unequal size. A column in small units needs a large weight, which the
#   penalty shrinks. ``normalize`` is on by default for this reason.
# * ``batchnorm`` follows a layer: the layer's output does not change when its kernel is
#   scaled, so the penalty does not limit the function. It sets the effective
#   learning rate instead (van Laarhoven, 2017).
# * The optimizer is adaptive: Adam divides the penalty's gradient by the same root as
#   the data's. :ref:`Weight decay <sphx_glr_learn_remedies_weight_decay.py>` does not.
