r"""
Initializers
============

Training starts from random weights, and how large they are decides whether a deep
network learns at all. A unit sums :math:`n_\text{in}` products. With independent
weights of mean 0 and inputs :math:`x_i`, its sum :math:`z` has the variance

.. math::

   \mathrm{Var}(z) = n_\text{in} \, \mathrm{Var}(w) \, \mathbb{E}(x_i^2).

For this to be the same in each layer, :math:`n_\text{in} \mathrm{Var}(w)` has to undo
what the activation does to :math:`\mathbb{E}(x^2)`. Otherwise, sums shrink or grow by
the same factor in every layer, so exponentially with depth, and so do gradients on
their way back.

- **Xavier Glorot** (with Y. Bengio, *AISTATS* 2010), for activations that are nearly
  linear around 0, such as tanh. The gradient asks for
  :math:`n_\text{out} \mathrm{Var}(w) = 1` on its way back; the compromise is
  :math:`\mathrm{Var}(w) = 2 / (n_\text{in} + n_\text{out})`.
- **Kaiming He** (et al., *ICCV* 2015), for ReLU, which sets half of the sums to 0 and
  so halves :math:`\mathbb{E}(x^2)`: :math:`\mathrm{Var}(w) = 2 / n_\text{in}`.
- **Yann LeCun** (et al., *Neural Networks: Tricks of the Trade*, 1998), and for SELU
  (Klambauer et al., *NeurIPS* 2017): :math:`\mathrm{Var}(w) = 1 / n_\text{in}`.

Each comes as a normal distribution, which Keras cuts at two deviations, and as a
uniform one from :math:`-a` to :math:`a`, with
:math:`a = \sqrt{3 \, \mathrm{Var}(w)}`. Biases start at 0.

The parameter
-------------

``initializer="auto"`` is the default: ``"he_normal"`` for ReLU and similar activations,
``"lecun_normal"`` for SELU, ``"glorot_uniform"`` for others and for the output layer.
Any name in ``keras.initializers``, or an instance, applies to all layers. Fits that
continue from existing weights (``warm_start``, ``partial_fit``) do not use it.
"""

# %%
# Ten layers before training
# --------------------------
# Images of digits go through ten layers of 64 units with fresh weights. The figure
# shows the root mean square of each layer's outputs.
import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import scale

import skreg
from skreg import MLPRegularizedClassifier

X, y = load_digits(return_X_y=True)
deviations = {
    "Glorot": lambda n_in, n_out: np.sqrt(2 / (n_in + n_out)),
    "He": lambda n_in, n_out: np.sqrt(2 / n_in),
    "deviation 0.05": lambda n_in, n_out: 0.05,
}
rng = np.random.default_rng(0)


def relu(z):
    return np.maximum(z, 0)


figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
figure.set_layout_engine("constrained")
for ax, activation in zip(axes, [relu, np.tanh], strict=True):
    for name, deviation in deviations.items():
        h, sizes = scale(X), [1.0]
        for _ in range(10):
            kernel = rng.normal(size=(64, 64)) * deviation(64, 64)
            h = activation(h @ kernel)
            sizes.append(np.sqrt(np.mean(h**2)))
        ax.plot(sizes, "o-", markersize=4, label=name)
        print(f"{activation.__name__:5} {name:15} after ten layers {sizes[-1]:.1e}")
    ax.set(title=activation.__name__, xlabel="layer", yscale="log")
    ax.grid(alpha=0.3)
axes[0].set_ylabel("size of the outputs")
axes[0].legend(frameon=False)
plt.show()

# %%
# Under ReLU only He's keeps the size, up to chance: Glorot's loses a factor of about
# the root of 2 a layer. Under tanh, Glorot's shrinks slowly, since tanh lies below the
# line further out; He's stays larger, with units nearer to their flat ends, where
# gradients are small. A fixed deviation of 0.05 (Keras's ``"random_normal"``) fits
# neither.
#
# Training
# --------
# Eight layers of 64 ReLU units learn the digits from five starts, with plain gradient
# descent of momentum 0.9. An initializer is data, so all fits share one program. Five
# folds each; lines are means.
network = MLPRegularizedClassifier(
    (64,) * 8, dropout=0, l2=0, optimizer="sgd", epochs=15, random_state=0
)
starts = {
    "Glorot": "glorot_uniform",
    "He": "he_normal",
    "orthogonal": "orthogonal",
    "deviation 0.05": "random_normal",
    "all zero": "zeros",
}
folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))


def fold(network, start, train, test):
    """Losses by epoch and the accuracy on the fold."""
    fitted = clone(network).set_params(initializer=start).fit(X[train], y[train])
    return fitted.loss_curve_, fitted.score(X[test], y[test])


def compare(network, starts, ax):
    with skreg.stacked():
        found = Parallel()(
            delayed(fold)(network, start, *split)
            for start in starts.values()
            for split in folds
        )
    for i, name in enumerate(starts):
        losses, scores = zip(*found[5 * i : 5 * i + 5], strict=True)
        ax.plot(np.arange(1, 16), np.mean(losses, axis=0), label=name)
        error = np.std(scores, ddof=1) / np.sqrt(5)
        print(f"{name:15} accuracy {np.mean(scores):.3f} ± {error:.3f}")
    ax.set(xlabel="epoch", ylabel="training loss", yscale="log")
    ax.grid(alpha=0.3)


figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
compare(network, starts, ax)
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
# From He's start the loss falls at once, from Glorot's and an orthogonal one (which
# keeps lengths, until ReLU halves their squares) a few epochs later: their outputs are
# small, but not hopelessly so after eight layers. On new rows the three end within
# noise of one another, or nearly. With a deviation of 0.05 next to nothing arrives at
# the output, and the network still guesses after the last epoch. So does one that
# starts from zeros: all units of a layer are the same and stay so. (The two lines
# coincide.)
#
# When it does not help
# ---------------------
# With one hidden layer there is no depth in which a wrong factor could grow. Weights
# that are too small train there, too, an epoch or two later:
figure, ax = plt.subplots(figsize=(7, 3.0), layout="constrained")
shallow = clone(network).set_params(hidden_layer_sizes=(64,))
usual = {name: starts[name] for name in ["Glorot", "He", "deviation 0.05"]}
compare(shallow, usual, ax)
ax.legend(frameon=False)
plt.show()

# %%
# Batch or layer normalisation rescales the sums of each layer and makes the start
# matter less in deep networks. So does Adam, whose steps do not depend on the size of
# the gradient. And no initializer is a remedy against overfitting: it changes where
# training begins, not what the network can learn by heart.
