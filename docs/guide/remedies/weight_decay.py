r"""
Weight decay
============

Weight decay subtracts a share of every weight in each step, apart from the gradient.
With the learning rate :math:`\eta_t` of the step and the optimizer's own move
:math:`u_t`,

.. math::

   w_{t+1} = (1 - \eta_t \lambda) \, w_t - \eta_t \, u_t(\nabla L).

An l2 penalty instead adds :math:`2 \lambda_2 w` to the gradient, and the optimizer
moves by :math:`u_t(\nabla L + 2 \lambda_2 w_t)`. For plain gradient descent, where
:math:`u_t` is the gradient itself, the two are the same with
:math:`\lambda = 2 \lambda_2`. For Adam they are not: it divides by the root of each
weight's mean squared gradient, the penalty's part along with the loss's. A weight with
large gradients is then hardly regularised. Decay "decoupled" from the gradient shrinks
all weights at the same rate (Loshchilov and Hutter, *ICLR* 2019).

The parameter
-------------

``weight_decay=None`` is 0.004 for ``optimizer="adamw"``, as in Keras, and 0 for all
others; a number sets :math:`\lambda` for any optimizer. ``optimizer="adam"`` with
``weight_decay=0.004`` is AdamW. As in Keras it acts on all weights, biases and the
scales of a normalisation included, and the learning rate multiplies it: what counts is
:math:`\lambda \sum_t \eta_t`.
"""

# %%
# The same under SGD, another thing under Adam
# --------------------------------------------
# Two networks from one start on 208 sonar echoes: one with l2 on kernels and biases,
# one with twice that number as weight decay. Each point is a weight in both networks.
# SGD has no momentum here: momentum would carry on the penalty's gradient, but not the
# decay.
import matplotlib.pyplot as plt
import numpy as np

from skreg import MLPRegularizedClassifier, RegularizationPathDisplay
from skreg.datasets import load_sonar

X, y = load_sonar()
figure, axes = plt.subplots(
    1,
    2,
    figsize=(9, 3.8),
    layout="constrained",
)
optimizers = {
    "sgd": {"learning_rate": 0.05, "momentum": 0},
    "adam": {"learning_rate": 0.003},
}
penalty = {"l2": 0.01, "bias_l2": 0.01, "weight_decay": 0}
decay = {"l2": 0, "bias_l2": 0, "weight_decay": 0.02}
print("      largest      mean size of a weight")
print("      difference   l2       weight decay")
for ax, optimizer in zip(axes, optimizers, strict=True):
    plain = MLPRegularizedClassifier(
        (64, 64),
        dropout=0,
        l2=0,
        optimizer=optimizer,
        epochs=60,
        random_state=0,
        **optimizers[optimizer],
    ).fit(X, y)
    ends = []
    for remedy in (penalty, decay):
        network = plain.set_params(**remedy).fit(X, y)
        weights = network.model_.get_weights()
        ends.append(np.concatenate([w.ravel() for w in weights]))
    difference = np.abs(ends[0] - ends[1]).max()
    sizes = [np.abs(end).mean() for end in ends]
    line = f"{optimizer:5} {difference:<12.0e} "
    print(line + f"{sizes[0]:<8.3f} {sizes[1]:.3f}")
    ax.plot(*ends, ".", markersize=3, alpha=0.5)
    ax.axline((0, 0), slope=1, color="black", linewidth=0.8)
    ax.set(xlabel="weight with l2", ylabel="with weight decay")
    ax.set_title(optimizer)
    ax.grid(alpha=0.3)

# %%
# Under SGD the weights agree to the rounding of single precision. Under Adam the same
# number is a strong penalty and a weak decay. Once the rows are learned, the gradient
# of the loss is small and that of the penalty remains. Adam turns it into steps of full
# size, so l2 presses small weights to 0. The decay only shrinks them by its fixed
# share.
#
# Which is better?
# ----------------
# Each has its own scale, so each gets its own range of values.
plain = MLPRegularizedClassifier(
    (64, 64),
    dropout=0,
    l2=0,
    random_state=0,
)
ranges = {
    "l2": [0, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
    "weight_decay": [0, 0.004, 0.1, 0.3, 1, 3, 10],
}
paths = {}
figure, axes = plt.subplots(
    1,
    2,
    figsize=(9, 3.4),
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
axes[0].get_legend().remove()
axes[1].set_ylabel("")
plt.show()

# %%
# Differences are paired over the same five folds.
best = {}
for name, path in paths.items():
    scores = path.validation_scores
    best[name] = scores[scores.mean(axis=1).argmax()]
usual = paths["weight_decay"].validation_scores[1]
neither = paths["l2"].validation_scores[0]
differences = {
    "best l2 - neither": best["l2"] - neither,
    "best decay - neither": best["weight_decay"] - neither,
    "best decay - best l2": best["weight_decay"] - best["l2"],
    "decay of 0.004 - neither": usual - neither,
}
for name, difference in differences.items():
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    print(f"{name:24}: {difference.mean():+.3f} +- {error:.3f}")

# %%
# Both gain more than their noise, and the difference between them is within it: tuned
# over a wide range, either will do here. Loshchilov and Hutter find decay easier to
# tune, on images and with long trainings.
#
# When it does not help
# ---------------------
# Keras's default of 0.004 does nothing in a short training. It shrinks a weight that
# has no gradient by this share only:
steps = plain.epochs * int(np.ceil(len(X) * 0.8 / 32))
rate = 0.01 / 2  # Adam's rate here, in the mean over warm-up and cosine
lost = 1 - np.exp(-0.004 * rate * steps)
print(f"share lost in {steps} steps: {lost:.1%}")

# %%
# A search should cover orders of magnitude, on this table from 0.1 to 10, elsewhere
# from 0.01 to 2 as in :func:`~skreg.regularization_space`. Repeat it when the
# learning rate or the number of steps changes much. With ``batchnorm=True`` decay
# acts on kernels whose scale does not matter and sets their effective learning rate,
# as l2 does (Zhang et al., *ICLR* 2019).
