r"""
Dropout
=======

In each training step and for each row anew, dropout silences every unit of a layer with
probability :math:`p`, and scales the others:

.. math::

   \tilde h_j = \frac{m_j}{1 - p} h_j, \qquad m_j \sim \mathrm{Bernoulli}(1 - p).

The division by :math:`1 - p` keeps the expected input of the next layer as it was, so
that nothing has to change when the network predicts: there, dropout is simply off.

A unit cannot rely on any other being there, so the network may not build its answer on
a fragile agreement of a few. Another way to see it: each step trains another thinned
network, :math:`2^{n}` of them with shared weights for :math:`n` units, and prediction
uses, roughly, their geometric mean: an ensemble for the price of one (Srivastava et
al., *JMLR* 15, 2014; Baldi and Sadowski, *NeurIPS* 2013).

The parameter
-------------

``dropout`` is the rate :math:`p` after each hidden layer, one number, or one for each
layer. The default, "auto", is 0.2. With ``l2="auto"``, the pilots also choose between
0.2 and no dropout (``dropout_``); with a strong penalty it stays 0.2.
``input_dropout=0`` is the same for the inputs. With ``activation="selu"`` it is alpha
dropout, which keeps mean and variance (Klambauer et al., *NeurIPS* 2017).
"""

# %%
# On 208 sonar echoes
# -------------------
# Two layers of 64 units can learn the echoes by heart. All rates and folds train in one
# stack. The bands are one standard error of the five folds; the negative log loss is
# minus the cross-entropy, so that higher is better in both panels.
import matplotlib.pyplot as plt
import numpy as np

from skreg import MLPRegularizedClassifier, RegularizationPathDisplay
from skreg.datasets import load_sonar

X, y = load_sonar()
network = MLPRegularizedClassifier((64, 64), l2=0, random_state=0)
rates = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
paths = {}
figure, axes = plt.subplots(
    1,
    2,
    figsize=(9, 3.4),
    layout="constrained",
)
for ax, scoring in zip(axes, ["accuracy", "neg_log_loss"], strict=True):
    paths[scoring] = RegularizationPathDisplay.from_estimator(
        network,
        X,
        y,
        param_name="dropout",
        param_range=rates,
        scoring=scoring,
        ax=ax,
    )

# %%
# The training accuracy stays perfect up to a rate of 0.7: even with most units silenced
# the network learns the rows by heart. The validation accuracy hardly moves. The
# confidence changes. At the highest rates the network is less sure of its mistakes, and
# the cross-entropy falls by a lot; at the usual rates it does not, and at 0.5 it rises.
#
# The gains are paired: each is the difference from the same fold without dropout.
for scoring, path in paths.items():
    gain = path.validation_scores - path.validation_scores[0]
    error = gain.std(axis=1, ddof=1) / np.sqrt(gain.shape[1])
    print(f"gain in {scoring}:")
    for row in (1, 5, 7, 8):
        mean = gain[row].mean()
        print(f"  rate {rates[row]}: {mean:+.3f} +- {error[row]:.3f}")

# %%
# When it does not help
# ---------------------
# A network that underfits cannot spare any units. Eight units per layer do not fit
# 1,000 house prices closely even without dropout. Beyond the lowest rate, dropout only
# harms: the training score falls, and the validation score with it. At 0.2, the usual
# rate, the validation score is below that of no dropout in the mean of the folds.
from skreg import MLPRegularizedRegressor
from skreg.datasets import load_california_housing

X, y = load_california_housing()
rows = np.random.default_rng(0).permutation(len(y))[:1000]
path = RegularizationPathDisplay.from_estimator(
    MLPRegularizedRegressor((8, 8), l2=0, random_state=0),
    X[rows],
    y[rows],
    param_name="dropout",
    param_range=[0, 0.1, 0.2, 0.3, 0.4, 0.5],
)
plt.show()

# %%
# Dropout also slows training down, since each step sees a part of the network: give it
# more epochs than the plain network needs. And with ``batchnorm=True`` both act on the
# same units: dropout changes the variance that the moving statistics have to estimate,
# so training and prediction use different statistics (Li et al., *CVPR* 2019).
