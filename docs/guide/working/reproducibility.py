r"""
Reproducibility
===============

The same code should give the same numbers. This page says how far that holds for
skreg, and shows each statement by a comparison of predictions, bit for bit.

Chance enters a training in four places: the first weights, the order of the rows,
noise (dropout, Gaussian noise), and the choice of rows that are held out, for early
stopping and for the pilots of ``l2="auto"``. ``random_state`` decides all four.
"""

# %%
# The same seed again
# -------------------
import numpy as np

import skreg
from skreg import MLPRegularizedClassifier
from skreg.datasets import load_sonar

X, y = load_sonar()


def network_of(seed):
    """A network with dropout and noise."""
    return MLPRegularizedClassifier(
        (32,),
        dropout=0.2,
        l2=0.002,
        gaussian_noise=0.1,
        epochs=30,
        random_state=seed,
    )


def fitted(seed=0):
    """The network, trained on all rows."""
    return network_of(seed).fit(X, y)


def are_equal(one, other):
    """Whether two networks predict the same bits."""
    return np.array_equal(one.predict_proba(X), other.predict_proba(X))


first = fitted()
print("same seed:   ", are_equal(first, fitted()))
print("another seed:", are_equal(first, fitted(seed=1)))
assert are_equal(first, fitted())

# %%
# The same holds inside and outside of ``stacked()``, where results are equal for a
# number as ``random_state``.
#
# With ``random_state=None``, the default, each fit is another network. You should know
# how much its score differs from seed to seed:
from sklearn.model_selection import StratifiedKFold, cross_val_predict

folds = StratifiedKFold(5, shuffle=True, random_state=0)
accuracies = []
with skreg.stacked():
    for seed in range(8):
        predicted = cross_val_predict(network_of(seed), X, y, cv=folds)
        accuracies.append(np.mean(predicted == y))
print("accuracy in the same folds:", np.round(accuracies, 3))
print(f"deviation over seeds: {np.std(accuracies, ddof=1):.3f}")

# %%
# Do not count a difference between two settings that is no larger than this. A fixed
# seed makes a run repeatable, but its result is still partly luck. ``n_members=8``
# reduces this part, by averaging eight networks.
#
# Nothing global
# --------------
# The global generators of Python, NumPy and Keras are neither read nor changed. So
# other code that draws random numbers does not change a fit, and a fit does not change
# it.
import random

import keras
from sklearn.utils import check_random_state


def draws():
    """A number from each global generator."""
    of_numpy = check_random_state(None).random_sample()
    return random.random(), of_numpy, float(keras.random.uniform(()))


keras.utils.set_random_seed(1)  # of all three
undisturbed = draws()
keras.utils.set_random_seed(1)
again = fitted()
assert draws() == undisturbed
assert are_equal(first, again)
print("neither has changed the other")

# %%
# Threads
# -------
# Fits on threads do not share a stream of random numbers. Whatever thread comes first,
# each gets its own bits.
from concurrent.futures import ThreadPoolExecutor

with ThreadPoolExecutor(4) as threads:
    together = list(threads.map(fitted, range(4)))
one_by_one = [fitted(seed) for seed in range(4)]
pairs = zip(together, one_by_one, strict=True)
print("threads:", [are_equal(one, other) for one, other in pairs])

# %%
# Processes
# ---------
# The same seed gives the same bits in a new process. joblib's workers are processes;
# the network that they send back was trained there.
import joblib

with joblib.parallel_config(backend="loky", n_jobs=2):
    task = joblib.delayed(network_of(0).fit)(X, y)
    (from_worker,) = joblib.Parallel()([task])
print("another process:", are_equal(first, from_worker))
assert are_equal(first, from_worker)

# %%
# Alone and in a stack
# --------------------
# In :func:`~skreg.stacked` a fit shares its arithmetic with others. A fit's noise
# comes from its own seed, the step and the place of the unit, not from a stream that
# all share, so the neighbours cannot change it. Here are nine candidates in five
# folds, first one after the other, then in stacks:
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

grid = {"dropout": [0.1, 0.2, 0.5], "l2": [1e-4, 1e-3, 1e-2]}
plain = GridSearchCV(
    network_of(0),
    grid,
    cv=folds,
    scoring="neg_log_loss",
    refit=False,
)
stacked = clone(plain)
plain.fit(X, y)
with skreg.stacked():
    stacked.fit(X, y)

scores = [
    np.array([found.cv_results_[f"split{i}_test_score"] for i in range(5)])
    for found in (plain, stacked)
]
difference = np.abs(scores[0] - scores[1])
equal = (difference == 0).sum()
print(f"{equal} of {difference.size} scores are equal to the last bit")
print(f"largest difference: {difference.max():.1e}")

# %%
# skreg promises equality up to rounding; most results are exactly equal. With
# floating-point numbers, :math:`(a + b) + c` and :math:`a + (b + c)` differ in the last
# bit, and the order of a sum may depend on the shape of the arrays. skreg arranges its
# sums such that they have the same order alone and in a stack. If a library on some
# machine does otherwise, the last bits differ, and hundreds of steps can make such a
# difference larger.
print((0.1 + 0.2) + 0.3 == 0.1 + (0.2 + 0.3))

# %%
# What differs
# ------------
# Bits are not promised
#
# - on another CPU: with other vector instructions or another number of cores, sums may
#   come in another order;
# - with other versions of TensorFlow, Keras or NumPy, for the same reason, or of skreg,
#   whose defaults may change;
# - in another precision (``keras.config.set_floatx``);
# - with another order of the rows, since batches are made of the shuffled rows.
#
# The results then differ by the effects of rounding: the first digits of a score stay
# the same, but a row near the border between two classes may change its class. (With
# ``l2="auto"``, where two penalties are nearly as good, the pilots may choose the
# other.)
order = np.random.default_rng(0).permutation(len(X))
shuffled = clone(first).fit(X[order], y[order])
print("other order of the rows:", are_equal(first, shuffled))

# %%
# For a result that others can check, note the versions and the machine, and keep the
# network itself: a network loaded from a file of :func:`skreg.save` predicts the same,
# whatever training would give elsewhere.
import sys
from importlib.metadata import version

print("Python", sys.version.split()[0])
for package in ("keras", "tensorflow", "numpy", "scikit-learn"):
    print(package, version(package))
