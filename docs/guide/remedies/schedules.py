r"""
Learning-rate schedules
=======================

Near a minimum, steps on batches do not come to rest: the noise of the batch keeps the
weights moving about it, in a cloud whose size grows with the learning rate. A large
rate moves fast at the beginning, a small one settles at the end. A schedule has both.
With :math:`t \in [0, 1]` the share of the steps that have been taken, the rate is
:math:`\eta f(t)`, with

.. math::

   \text{cosine:} \quad & f(t) = \tfrac{1}{2} (1 + \cos \pi t) \\
   \text{exponential:} \quad & f(t) = 0.01^{\,t} \\
   \text{step:} \quad & f(t) = \begin{cases} 1 & t \le 1/2 \\ 0.1 & t \le 3/4 \\
   0.01 & \text{after} \end{cases}

Cosine with restarts begins anew after 1/7 and 3/7 of the steps (Loshchilov and Hutter,
*ICLR* 2017): each restart leaves the valley, if there is a way out.

In a **warm-up** the rate first rises from 0 in a line. Early gradients are large and
point in changing directions, and Adam's averages rest on a few batches (Goyal et al.,
2017; Liu et al., *ICLR* 2020). The schedule's :math:`t` counts from its end.

The parameters
--------------

``schedule="auto"`` is the default: cosine after a warm-up of a tenth of the steps. In
``partial_fit``, which does not know its end, it is a constant rate. Others are
"constant", "cosine", "cosine_restarts", "step", "exponential" or a
``keras.optimizers.schedules`` instance. ``warmup=0`` is the share of the steps in which
the rate rises. It applies to each schedule; with "auto", 0 means a tenth.
"""

# %%
# The rates
# ---------
# The figure draws the formulas, each with a warm-up of a tenth of the steps.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, KFold

import skreg
from skreg import MLPRegularizedRegressor
from skreg.datasets import load_california_housing


def restarts(t):
    start = np.where(t < 1 / 7, 0, np.where(t < 3 / 7, 1 / 7, 3 / 7))
    length = np.where(t < 1 / 7, 1 / 7, np.where(t < 3 / 7, 2 / 7, 4 / 7))
    return 0.5 * (1 + np.cos(np.pi * (t - start) / length))


factors = {
    "constant": np.ones_like,
    "cosine": lambda t: 0.5 * (1 + np.cos(np.pi * t)),
    "cosine_restarts": restarts,
    "step": lambda t: np.where(t <= 0.5, 1, np.where(t <= 0.75, 0.1, 0.01)),
    "exponential": lambda t: 0.01**t,
}
steps = np.linspace(0, 1, 1000)
t = np.clip((steps - 0.1) / 0.9, 0, 1)
figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for name, factor in factors.items():
    ax.plot(steps, np.minimum(steps / 0.1, 1) * factor(t), label=name)
ax.set(xlabel="share of the steps", ylabel="share of learning_rate")
ax.grid(alpha=0.3)
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
# What they do
# ------------
# The value of houses in 1,500 Californian districts, two layers of 64 units, four rates
# for each schedule, with and without warm-up, five folds. All fits share one program.
X, y = load_california_housing()
rows = np.random.default_rng(0).permutation(len(y))[:1500]
X, y = X[rows], y[rows]
rates = [0.001, 0.003, 0.01, 0.03]
search = GridSearchCV(
    MLPRegularizedRegressor((64, 64), l2=0.0009, epochs=30, random_state=0),
    {"schedule": list(factors), "warmup": [0, 0.1], "learning_rate": rates},
    cv=KFold(5, shuffle=True, random_state=0),
    refit=False,
)
with skreg.stacked():
    search.fit(X, y)


def scores(**parameters):
    """R2 of the folds at these parameters."""
    at = search.cv_results_["params"].index(parameters)
    return np.array([search.cv_results_[f"split{k}_test_score"][at] for k in range(5)])


def shown(values):
    """The mean and its standard error."""
    return f"{values.mean():+.4f} ± {values.std(ddof=1) / np.sqrt(5):.4f}"


figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
figure.set_layout_engine("constrained")
for ax, warmup in zip(axes, [0, 0.1], strict=True):
    for name in factors:
        means = [
            scores(learning_rate=rate, schedule=name, warmup=warmup).mean()
            for rate in rates
        ]
        ax.plot(rates, means, "o-", markersize=4, label=name if warmup else None)
    ax.set(xscale="log", xlabel="learning rate", title=f"warm-up {warmup}")
    ax.grid(alpha=0.3)
axes[0].set_ylabel("R2 on validation folds")
figure.legend(loc="outside upper center", ncols=5, frameon=False)
plt.show()

print("gain over a constant rate, without warm-up, fold by fold")
for name in list(factors)[1:]:
    for rate in [0.003, 0.01]:
        base = scores(learning_rate=rate, schedule="constant", warmup=0)
        own = scores(learning_rate=rate, schedule=name, warmup=0)
        print(f"  {name:15} at {rate:5}: {shown(own - base)}")
print("gain by warm-up, with the cosine")
for rate in rates:
    base = scores(learning_rate=rate, schedule="cosine", warmup=0)
    own = scores(learning_rate=rate, schedule="cosine", warmup=0.1)
    print(f"  at {rate:5}: {shown(own - base)}")

# %%
# At the two small rates the schedules are worse than a constant rate, since they
# shorten the way. At 0.01, the default rate, the cosines and the steps gain by more
# than two standard errors: the network no longer shakes at the end. A rate of 0.03 is
# too large if it is constant, but the best of the four if it falls. The warm-up gains
# nothing here, and costs a little in the mean, most at the smallest rate: two hidden
# layers are shallow, and robust scaling has tamed the inputs.
#
# When it does not help
# ---------------------
# If the rate is small already, a schedule only makes training shorter. A schedule has
# to know its end. ``early_stopping`` looks for the best epoch while the rate still
# falls, and may stop before the schedule has done its work. Use a constant rate with
# it. And warm-up is for deep networks, large rates and large batches: if training is
# stable in its first steps, there is nothing to gain.
