r"""
Dropout
=======

In each training step, dropout silences every unit of a layer with probability
:math:`p`, anew for each row, and scales what is left:

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

``dropout=0.1`` is the default: the rate :math:`p` after each hidden layer, one number
or one a layer. ``input_dropout=0`` is the same for the inputs. With
``activation="selu"`` it is alpha dropout, which keeps mean and variance (Klambauer et
al., *NeurIPS* 2017).
"""

# %%
# On 208 sonar echoes
# -------------------
# Two layers of 64 units can learn the echoes by heart. All rates and folds train in one
# stack.
import matplotlib.pyplot as plt
import numpy as np

from skreg import MLPRegularizedClassifier, RegularizationPathDisplay
from skreg.datasets import load_sonar

X, y = load_sonar()
network = MLPRegularizedClassifier((64, 64), l2=0, random_state=0)
rates = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for ax, scoring in zip(axes, ["accuracy", "neg_log_loss"], strict=True):
    path = RegularizationPathDisplay.from_estimator(
        network, X, y, param_name="dropout", param_range=rates, scoring=scoring, ax=ax
    )

# %%
# The training score falls from perfect as the rate rises: the network can no longer
# learn the rows by heart. Where the two curves are closest is not where the
# validation score is best.
validation = path.validation_scores.mean(axis=1)
gain = path.validation_scores - path.validation_scores[0]
best = int(np.argmax(validation))
error = gain[best].std(ddof=1) / np.sqrt(gain.shape[1])
print(f"without dropout: cross-entropy {-validation[0]:.3f}")
print(f"best rate {rates[best]}: {-validation[best]:.3f}, ", end="")
print(f"{gain[best].mean():.3f} less, with a standard error of {error:.3f}")

# %%
# When it does not help
# ---------------------
# A network that underfits has nothing to spare: with four units a layer, dropout only
# takes away.
small = MLPRegularizedClassifier((4, 4), l2=0, random_state=0)
path = RegularizationPathDisplay.from_estimator(
    small, X, y, param_name="dropout", param_range=rates[:7], scoring="neg_log_loss"
)
plt.show()

# %%
# It also slows training down, since each step sees a part of the network: give it more
# epochs than the plain network needs. And with ``batchnorm=True`` both add noise to
# the same units; together they seldom gain more than the better one alone.
