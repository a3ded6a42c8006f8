r"""
Batch and layer normalisation
=============================

Between a layer's sums :math:`z` and its activation, normalisation brings them to mean 0
and variance 1, and then gives the network back the freedom to choose both:

.. math::

   \hat z = \frac{z - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad
   \tilde z = \gamma \hat z + \beta,

with :math:`\gamma` and :math:`\beta` learnt for each unit. They differ in what
:math:`\mu` and :math:`\sigma^2` are means over:

- **batch normalisation** (Ioffe and Szegedy, *ICML* 2015): over the rows of the batch,
  for each unit;
- **layer normalisation** (Ba, Kiros and Hinton, 2016): over the units of the layer, for
  each row.

Either keeps the sums at a size where the activation bends and gradients pass, whatever
the layers before do. The output no longer depends on the length of a unit's weights, so
large rates do less harm. It is a matter of debate why it works: the first paper names
the shift of the inputs of each layer, Santurkar et al. (*NeurIPS* 2018) a smoother
loss.

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
# Four layers and larger and larger rates
# ---------------------------------------
# 700 images of digits, plain gradient descent with momentum, no other remedy, ten
# epochs, five folds.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold

import skreg
from skreg import MLPRegularizedClassifier

X, y = load_digits(return_X_y=True)
X, y = X[:700], y[:700]
network = MLPRegularizedClassifier(
    (64, 64, 64, 64),
    dropout=0,
    l2=0,
    optimizer="sgd",
    epochs=10,
    random_state=0,
)
kinds = {"none": False, "batch": True, "layer": "layer"}
rates = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1]
folds = StratifiedKFold(5, shuffle=True, random_state=0)


def searched(network, **grid):
    """Training and validation accuracies, by candidate and fold."""
    search = GridSearchCV(network, grid, cv=folds, refit=False, return_train_score=True)
    with skreg.stacked():
        found = search.fit(X, y).cv_results_
    return [
        np.array([found[f"split{k}_{part}_score"] for k in range(5)]).T
        for part in ("train", "test")
    ]


def shown(values):
    """The mean and its standard error."""
    return f"{values.mean():.3f} ± {values.std(ddof=1) / np.sqrt(5):.3f}"


# A grid's candidates come in the order of its names: batchnorm, then the rate.
training, validation = searched(
    network, batchnorm=list(kinds.values()), learning_rate=rates
)
training, validation = (s.reshape(3, len(rates), 5) for s in (training, validation))
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
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
axes[1].legend(frameon=False, title="normalisation", loc="lower center")
plt.show()
for i, name in enumerate(kinds):
    best = validation[i].mean(axis=1).argmax()
    print(f"{name:6} best rate {rates[best]:<6} accuracy {shown(validation[i, best])}")

# %%
# PROSE
#
# When it does not help
# ---------------------
# Batches of a few rows make :math:`\mu` and :math:`\sigma^2` of batch normalisation
# mere chance. Layer normalisation does not see the batch. With four rows in a step:
small = network.set_params(hidden_layer_sizes=(64,), batch_size=4, learning_rate=0.003)
_, validation = searched(small, batchnorm=list(kinds.values()))
for name, scores in zip(kinds, validation, strict=True):
    print(f"{name:6} accuracy {shown(scores)}")

# %%
# PROSE2
