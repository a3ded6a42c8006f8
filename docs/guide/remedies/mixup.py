r"""
Augmentation: mixup
===================

Images can be turned and cropped to make more of them. Rows of a table cannot, but two
of them can be mixed. Mixup trains on

.. math::

   \tilde x &= a\,x_1 + (1 - a)\,x_2, \qquad a \sim \mathrm{Beta}(\alpha, \alpha), \\
   \tilde L &= a\,L(\tilde x, y_1) + (1 - a)\,L(\tilde x, y_2)

in place of the rows themselves: between two rows of different classes, the target
changes gradually from one class to the other (Zhang et al., *ICLR* 2018). So the
network cannot be certain everywhere between its training rows, as an overfit network
is.

The parameter
-------------

``mixup=0`` is the default: :math:`\alpha`, a number of at least 0. Small values leave
most rows nearly as they are, 1 draws all shares with equal probability, and large
values take the middle of two rows. The partner is another row of the same batch, and
inputs are mixed after standardisation. It works with every loss, and for numbers as
well as for classes. When the network predicts, nothing is mixed.
"""

# %%
# On 208 sonar echoes
# -------------------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_predict

import skreg
from skreg import MLPRegularizedClassifier, RegularizationPathDisplay
from skreg.datasets import load_sonar

X, y = load_sonar()
network = MLPRegularizedClassifier((64, 64), dropout=0, l2=0, random_state=0)
alphas = [0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for ax, scoring in zip(axes, ["accuracy", "neg_log_loss"], strict=True):
    path = RegularizationPathDisplay.from_estimator(
        network,
        X,
        y,
        param_name="mixup",
        param_range=alphas,
        scoring=scoring,
        ax=ax,
    )

# %%
# How sure the network is, on echoes that it has not seen: its larger probability, and
# the share of echoes that it gets right.
folds = StratifiedKFold(5, shuffle=True, random_state=0)
figure, ax = plt.subplots(figsize=(9, 3), layout="constrained")
for alpha in [0, 1.0]:
    model = MLPRegularizedClassifier(
        (64, 64), dropout=0, l2=0, mixup=alpha, random_state=0
    )
    with skreg.stacked():
        probability = cross_val_predict(model, X, y, cv=folds, method="predict_proba")
    sure = probability.max(axis=1)
    right = np.mean(np.unique(y)[probability.argmax(axis=1)] == y)
    ax.hist(sure, np.linspace(0.5, 1, 26), alpha=0.6, label=f"mixup={alpha}")
    print(f"mixup={alpha}: mean confidence {sure.mean():.3f}, right {right:.3f}")
ax.set(xlabel="probability of the class that is predicted", ylabel="echoes")
ax.legend(frameon=False)
plt.show()

# %%
# The change of the cross-entropy, fold by fold:
gain = path.validation_scores - path.validation_scores[0]
error = gain.std(axis=1, ddof=1) / np.sqrt(gain.shape[1])
for alpha, mean, e in zip(alphas, gain.mean(axis=1), error, strict=True):
    print(f"mixup={alpha:<4}  cross-entropy {-mean:+.3f} ± {e:.3f}")

# %%
# Every strength saves more than half of the cross-entropy, from the weakest on. As many
# echoes are right as before, within noise: the network is only less sure of its
# mistakes.
#
# When it does not help
# ---------------------
# There may be nothing between two rows of a table: nobody is half a nurse and half a
# miner. If columns of 0 and 1 decide the classes, mixtures are rows that never occur. A
# network that underfits gets a harder task. And label smoothing, dropout and noise also
# make a network less sure: mixup seldom adds to what one of them has gained.
#
# The loss that ``history_`` shows for training is that of the mixtures, which is higher
# than that of the rows.
