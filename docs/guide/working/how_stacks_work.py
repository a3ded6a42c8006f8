r"""
How stacks work
===============

A search trains the same network again and again, with other numbers and other rows.
Small networks leave a processor idle: most of the time goes into starting operations,
not into arithmetic. A stack trains many of them in one operation.

A hidden layer multiplies a batch of :math:`b` rows by a kernel, :math:`X W`, with
:math:`X` of shape :math:`(b, d)` and :math:`W` of shape :math:`(d, h)`. For
:math:`k` networks the batches and kernels are put into arrays with one axis more, of
shapes :math:`(k, b, d)` and :math:`(k, d, h)`, and there is one product instead of
:math:`k`:

.. math::

   H_{ijl} = \sum_{m=1}^{d} X_{ijm} W_{iml}, \qquad i = 1, \ldots, k.

Nothing is shared between the networks. Each has its own rows, weights, noise, learning
rate and state of the optimizer, in its own lane :math:`i`.
"""

# %%
# What it gains
# -------------
# Twelve candidates in five folds, 60 trainings of a small network, first one after the
# other. Before the clock starts, one fit imports TensorFlow and compiles.
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, StratifiedKFold

import skreg

X, y = load_breast_cancer(return_X_y=True)
network = skreg.MLPRegularizedClassifier(
    (64, 64), l2=0.001, batch_size=32, epochs=30, random_state=0
)
search = GridSearchCV(
    network,
    {"dropout": [0.1, 0.2, 0.3, 0.5], "l2": [1e-4, 1e-3, 1e-2]},
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
    scoring="neg_log_loss",
    refit=False,
)
n_fits = 60


def seconds_of(function, *args):
    """How long a call takes, and how much of the processor's time."""
    wall, cpu = time.perf_counter(), time.process_time()
    function(*args)
    return time.perf_counter() - wall, time.process_time() - cpu


def fit_stacked(search):
    """Run a search in stacks."""
    with skreg.stacked():
        search.fit(X, y)


network.fit(X, y)
plain = clone(search)
taken = {"plain": seconds_of(plain.fit, X, y)}
taken["stacked, first"] = seconds_of(fit_stacked, search)
taken["stacked, second"] = seconds_of(fit_stacked, search)
print(f"{'60 fits':18s}  wall  ms a fit  processor, ms a fit")
for name, (wall, cpu) in taken.items():
    print(f"{name:16s} {wall:5.2f} s", end="")
    print(f"  {1000 * wall / n_fits:8.1f}  {1000 * cpu / n_fits:19.1f}")

wall, cpu = np.divide(taken["plain"], taken["stacked, second"])
print(f"{'plain / stacked':16s} {wall:5.1f}            {cpu:19.1f}")

# %%
# The scores are the same:
one = plain.cv_results_["mean_test_score"]
other = search.cv_results_["mean_test_score"]
print(f"largest difference of mean scores: {np.abs(one - other).max():.1e}")
assert np.allclose(one, other)

# %%
# ``processor`` adds up all cores, and depends less than the clock on what else the
# machine does.
#
# The first stacked search had to compile the program for its stacks, the second one
# took it from memory. The remaining time is not only training: it includes splitting,
# preparing rows and scoring. A single fit is fast already, because it runs as one
# program, too. Compared with a library that starts each operation from Python, the
# difference is much larger (:doc:`beside others </beside_others>`).
#
# The way of a fit
# ----------------
from matplotlib.patches import FancyBboxPatch

BLUE, ORANGE, GREY = "#4c72b0", "#dd8452", "#8c8c8c"
figure, ax = plt.subplots(figsize=(9, 4.2), layout="constrained")
ax.set(xlim=(-0.5, 99.5), ylim=(-1, 50))
ax.axis("off")


centred = {"ha": "center", "va": "center"}


def box(x, y, width, height, text, color):
    """A box with a text in its middle."""
    shape = FancyBboxPatch(
        (x, y),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=1",
        facecolor=color + "22",
        edgecolor=color,
        linewidth=1.5,
    )
    ax.add_patch(shape)
    ax.text(x + width / 2, y + height / 2, text, **centred)


def arrow(start, end):
    """An arrow from point to point."""
    look = {"arrowstyle": "-|>", "color": "0.3", "linewidth": 1.2}
    ax.annotate("", end, start, arrowprops=look)


titles = ["candidate and fold", "job", "stack", "results"]
for x, title in zip([10, 34.5, 63, 90], titles, strict=True):
    ax.text(x, 48, title, weight="bold", **centred)
for row, height in enumerate([35, 24, 13]):
    candidate = f"dropout 0.{row + 1}\nfold {row + 1}"
    box(0, height, 20, 8, candidate, GREY)
    box(26, height, 17, 8, "rows, numbers,\nweights, seed", BLUE)
    box(52, height, 22, 8, f"lane {row + 1}", ORANGE)
    box(81, height, 18, 8, "weights,\nhistory", BLUE)
    for start, end in [(20, 26), (43, 52), (74, 81)]:
        arrow((start, height + 4), (end, height + 4))
box(50, 11, 26, 34, "", ORANGE)
box(50, 0, 26, 7, "one compiled program", ORANGE)
arrow((63, 7), (63, 11))
notes = ["scikit-learn, on threads", "as plain arrays", "back to each fit"]
for x, note in zip([10, 34.5, 90], notes, strict=True):
    ax.text(x, 3.5, note, color="0.3", **centred)
plt.show()

# %%
# A search hands its fits to joblib. In ``stacked()`` each runs on a thread up to the
# point where training would start, leaves a *job*, plain arrays and numbers, and waits.
# When a stack is full, or nothing runs any more, the stack is trained. If the training
# of a lane ends early, for instance by early stopping, the lane takes the next job.
# Then the fits wake up one after the other, with their weights, and are scored.
#
# Structure against numbers
# -------------------------
# A program is compiled for a *structure*: for the shapes of the arrays and for the
# operations. All else is *numbers*, which the program takes as data.
#
# ========================================  =========================================
# Structure: another value compiles anew    Numbers: they never do
# ========================================  =========================================
# features, classes, widths of the layers   rates of dropout, ``l1``, ``l2``, noise
# ``activation``, ``batchnorm``, ``loss``   ``learning_rate``, ``schedule``, ``epochs``
# the optimizer's rule, the batch size      ``momentum``, ``beta_1``, ``weight_decay``
# whether a remedy is on at all             rows, folds, ``random_state``, patience
# ========================================  =========================================
#
# Switching a remedy on makes another structure, so a network without dropout does not
# spend time on it. AdamW uses Adam's rule, so these two share a program.
#
# In a search, structures share programs. One program has the remedies of all its
# candidates, and a rate of zero does nothing. If compiling would take longer than it
# saves, a program also has several activations, optimizers and kinds of normalisation;
# each lane uses its own. It then has the largest of several widths, and units that a
# lane does not have stay zero. The results of a lane are the same within rounding.
# Depth, batch size and loss are never shared.
#
# To see the difference, two new learning rates, then two new widths, in seconds. The
# first line is there to make the program for a stack of this size.


def cost_of(**grid):
    """Seconds of a stacked search over these values."""
    other = clone(search).set_params(param_grid=grid)
    seconds, _ = seconds_of(fit_stacked, other)
    return f"{seconds:.2f} s"


print("two rates:            ", cost_of(learning_rate=[0.002, 0.005]))
print("two other rates:      ", cost_of(learning_rate=[0.003, 0.02]))
widths = [(24, 24), (48, 48)]
print("two widths:           ", cost_of(hidden_layer_sizes=widths))
print("the same widths again:", cost_of(hidden_layer_sizes=widths))

# %%
# The last 64 programs are kept as long as the process lives.
#
# When stacks do not pay
# ----------------------
# - **A search over depths and batch sizes.** Each number of layers and each batch size
#   is a program of its own, of some seconds, with its own small stacks. Widths share
#   programs, but a narrow network takes as long as the widest in its program: leave out
#   widths that you do not need.
# - **Large networks.** Their time goes into arithmetic, of which a stack saves less,
#   and the states of many no longer fit into the cache. skreg makes stacks smaller for
#   larger networks, down to one lane.
# - **Callbacks.** A Keras callback needs its network after each epoch, so its fit stops
#   for it after each epoch.
# - **A single fit.** There is nothing to stack, except the members of an ensemble
#   (``n_members=8``) and the pilots that choose the penalty (``l2="auto"``). Both train
#   in stacks, in ``stacked()`` or not.
# - **Few fits of long trainings on a GPU.** Keras's own ``fit`` is built for that.
#
# Here is the gain for layers of 512 units, with some fifty times the weights of the
# network above:
large = clone(search).set_params(
    estimator__hidden_layer_sizes=(512, 512),
    estimator__epochs=3,
    param_grid={"learning_rate": [0.003, 0.01]},
)
clone(large.estimator).fit(X, y)  # compiles
fit_stacked(large)
taken = {"plain": seconds_of(large.fit, X, y)}
taken["stacked"] = seconds_of(fit_stacked, large)
print(f"{'10 fits':9s}  ms a fit  processor, ms a fit")
for name, (wall, cpu) in taken.items():
    print(f"{name:9s}  {100 * wall:8.1f}  {100 * cpu:19.1f}")

# %%
# The processor works a third to a half less (above, two thirds less). The clock may
# gain more, since a stacked search prepares and scores some fits while others train.
#
# What to do about it
# -------------------
# Search in two steps: first sizes and kinds, few of them, then numbers, as many as you
# like. Leave ``n_jobs`` alone: worker processes would import TensorFlow and compile,
# each for itself. The design and its measurements are in :doc:`/design`.
