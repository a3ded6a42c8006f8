r"""
Batch and layer normalisation
=============================

Between a layer's sums :math:`z` and its activation, normalisation brings them to mean 0
and variance 1, and then gives the network back the freedom to choose both:

.. math::

   \hat z = \frac{z - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad
   \tilde z = \gamma \hat z + \beta,

with :math:`\gamma` and :math:`\beta` learnt for each unit. The two methods compute
:math:`\mu` and :math:`\sigma^2` over different values:

- **batch normalisation** (Ioffe and Szegedy, *ICML* 2015): over the rows of the batch,
  for each unit;
- **layer normalisation** (Ba, Kiros and Hinton, 2016): over the units of the layer, for
  each row.

Both keep the sums at a size where the activation is not linear and gradients are not
small, whatever the layers before do. The output no longer depends on the length of a
unit's weights, so large rates do less harm. It is a matter of debate why it works: the
first paper names the shift of the inputs of each layer, Santurkar et al. (*NeurIPS*
2018) a smoother loss.

As a remedy against overfitting, batch normalisation acts like noise: each row's sums
depend on which other rows happen to be in its batch. For predictions it takes moving
averages of the training's batches,

.. math::

   \mu_\text{moving} \leftarrow 0.9 \, \mu_\text{moving} + 0.1 \, \mu_\text{batch}.

Layer normalisation has no such noise, and no difference between training and
prediction.

The parameters
--------------

``batchnorm=False`` is the default, True is batch and ``"layer"`` layer normalisation,
after each hidden layer's kernel. ``batchnorm_momentum=0.9`` is the share that a moving
average keeps; it applies to batch normalisation alone. (Keras's own layer has 0.99, for
long trainings.)
"""

# %%
# Three layers and larger and larger rates
# ----------------------------------------
# 700 images of digits, plain gradient descent with momentum, no other remedy, ten
# epochs, five folds.
import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

import skreg
from skreg import MLPRegularizedClassifier

X, y = load_digits(return_X_y=True)
X, y = X[:700], y[:700]
network = MLPRegularizedClassifier(
    (64, 64, 64),
    dropout=0,
    l2=0,
    optimizer="sgd",
    epochs=10,
    random_state=0,
)
kinds = {"none": False, "batch": True, "layer": "layer"}
rates = [0.003, 0.01, 0.1, 0.3, 1.0]
folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))


def fold(kind, rate, batch_size, train, test):
    """Training and validation accuracy; a training that diverges counts as a guess."""
    fitted = clone(network).set_params(
        batchnorm=kind, learning_rate=rate, batch_size=batch_size
    )
    try:
        fitted.fit(X[train], y[train])
    except ValueError:
        return 0.1, 0.1
    return [fitted.score(X[part], y[part]) for part in (train, test)]


def compared(kinds, rates, batch_size):
    """Training and validation accuracies by kind, rate and fold."""
    with skreg.stacked():
        found = Parallel()(
            delayed(fold)(kind, rate, batch_size, *split)
            for kind in kinds
            for rate in rates
            for split in folds
        )
    return np.array(found).T.reshape(2, len(kinds), len(rates), 5)


def shown(values):
    """The mean and its standard error."""
    return f"{values.mean():.3f} ± {values.std(ddof=1) / np.sqrt(5):.3f}"


training, validation = compared(list(kinds.values()), rates, 32)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
figure.set_layout_engine("constrained")
titles = ["training rows", "validation rows"]
for ax, scores, title in zip(axes, [training, validation], titles, strict=True):
    for i, name in enumerate(kinds):
        middle = scores[i].mean(axis=1)
        error = scores[i].std(axis=1, ddof=1) / np.sqrt(5)
        ax.plot(rates, middle, "o-", markersize=4, label=name)
        ax.fill_between(rates, middle - error, middle + error, alpha=0.2)
    ax.set(xscale="log", xlabel="learning rate", title=title)
    ax.grid(alpha=0.3)
axes[0].set_ylabel("accuracy")
axes[1].legend(frameon=False, title="normalisation", loc="lower left")
plt.show()
for i, name in enumerate(kinds):
    best = validation[i].mean(axis=1).argmax()
    print(f"{name:6} best rate {rates[best]:<6} accuracy {shown(validation[i, best])}")
plain = validation[0][validation[0].mean(axis=1).argmax()]
for i, name in [(1, "batch"), (2, "layer")]:
    gain = validation[i][validation[i].mean(axis=1).argmax()] - plain
    print(f"{name} against none, each at its best rate: {shown(gain)}")

# %%
# Here normalisation widens the range of rates that work. Without it, a rate of 0.3 ends
# in a network that guesses. With either kind 0.3 trains well, and with batches most of
# the digits are right even at 1. At small rates ten epochs take a normalised network
# further. At their best rates, the three networks differ on new rows by less than two
# standard errors.
#
# When it does not help
# ---------------------
# Batches of a few rows make :math:`\mu` and :math:`\sigma^2` of batch normalisation
# mere chance: of two rows, one gives 1 and the other -1 in each unit, whatever their
# sums are. Layer normalisation does not see the batch. With two rows in a step, at the
# better of two rates:
_, validation = compared([True, "layer"], [0.001, 0.004], 2)
for name, scores in zip(["batch", "layer"], validation, strict=True):
    print(f"{name} accuracy {shown(scores[scores.mean(axis=1).argmax()])}")

# %%
# Normalisation is for deep networks and large rates. On one or two layers, with He's
# initializer, scaled inputs and Adam, which are skreg's defaults, it has little to
# improve. It conflicts with dropout, which raises the variance of the sums in training
# but not in prediction, while the moving averages remember that of training (Li et al.,
# *CVPR* 2019). And an l2 penalty on kernels before it no longer bounds what the network
# can represent, since the length of the weights cancels; it then acts on the effective
# learning rate alone (van Laarhoven, 2017).
