r"""
Optimizers
==========

With :math:`g_t` the gradient of the loss on batch :math:`t` and :math:`\eta` the
learning rate, gradient descent steps by

.. math::

   w_{t+1} = w_t - \eta g_t.

**Momentum** (Polyak, 1964) adds up past steps, so that directions that stay the same
gain speed and those that change cancel out; **Nesterov's** form (1983; Sutskever et
al., *ICML* 2013) takes the gradient where momentum is about to lead:

.. math::

   v_{t+1} &= \mu v_t - \eta g_t, \\
   w_{t+1} &= w_t + v_{t+1} \quad \text{or} \quad w_t + \mu v_{t+1} - \eta g_t.

Other optimizers divide by the past size of each weight's own gradient, so that all
weights move by about the same distance. **AdaGrad** (Duchi et al., *JMLR* 12, 2011)
adds up all squares, **RMSProp** (Hinton, lecture 6 of his course, 2012) forgets old
ones:

.. math::

   s_{t+1} &= s_t + g_t^2 \quad \text{or} \quad \rho s_t + (1 - \rho) g_t^2, \\
   w_{t+1} &= w_t - \frac{\eta g_t}{\sqrt{s_{t+1} + \epsilon}}.

**Adam** (Kingma and Ba, *ICLR* 2015) averages gradients and squares, and corrects each
average for its start at 0:

.. math::

   m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \\
   s_t &= \beta_2 s_{t-1} + (1 - \beta_2) g_t^2, \\
   w_t &= w_{t-1} - \eta \, \frac{m_t / (1 - \beta_1^t)}
   {\sqrt{s_t / (1 - \beta_2^t)} + \epsilon}.

**AdamW** (Loshchilov and Hutter, *ICLR* 2019) also takes :math:`\eta \lambda w` off
each weight. An l2 penalty would go through the division and shrink weights with large
gradients less than others.

The parameters
--------------

``optimizer="adam"`` is the default. The others are "sgd", "adagrad", "rmsprop",
"adamw", "nadam" (Adam with Nesterov's momentum), "adamax" (the largest gradient in
place of the squares), "adadelta", "lion" (steps of one size, by the sign of the
momentum) and "ftrl". ``learning_rate=None`` is each one's usual rate: 0.01 for most,
0.001 for "rmsprop" and "ftrl", 0.0001 for "lion", 1 for "adadelta".

"ftrl" (McMahan et al., *KDD* 2013) is made for linear models,
``hidden_layer_sizes=()``. Its first step replaces the initial weights by a small
multiple of the gradient, here as in Keras, from which hidden layers hardly recover.

``momentum`` (0.9 for "sgd", 0 for "rmsprop") applies to these two, ``nesterov=False``
to "sgd", ``rho`` (0.9 for "rmsprop", 0.95 for "adadelta") to these two, ``beta_1`` and
``beta_2`` (0.9 and 0.999; 0.99 for "lion") to Adam's family, and ``weight_decay`` to
all (0.004 for "adamw", 0 for others).
"""

# %%
# Six of them on images of digits
# -------------------------------
# Each trains at four constant rates, a factor of about 5 apart, around its usual one
# (for SGD without momentum they are ten times as large). There are 15 epochs and five
# folds. Rates and momenta are data; each other rule is a program of its own.
import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

import skreg
from skreg import MLPRegularizedClassifier

X, y = load_digits(return_X_y=True)
folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
network = MLPRegularizedClassifier(
    (64,), dropout=0, l2=0, schedule="constant", epochs=15, random_state=0
)
kinds = {
    "SGD": ({"optimizer": "sgd", "momentum": 0}, [0.02, 0.1, 0.5, 2.5]),
    "momentum 0.9": ({"optimizer": "sgd"}, [0.002, 0.01, 0.05, 0.25]),
    "Nesterov": (
        {"optimizer": "sgd", "nesterov": True},
        [0.002, 0.01, 0.05, 0.25],
    ),
    "AdaGrad": ({"optimizer": "adagrad"}, [0.002, 0.01, 0.05, 0.25]),
    "RMSProp": ({"optimizer": "rmsprop"}, [0.0002, 0.001, 0.005, 0.025]),
    "Adam": ({"optimizer": "adam"}, [0.0004, 0.002, 0.01, 0.05]),
}


def fold(parameters, rate, train, test):
    fitted = clone(network).set_params(learning_rate=rate, **parameters)
    fitted.fit(X[train], y[train])
    loss = log_loss(y[test], fitted.predict_proba(X[test]))
    return fitted.loss_curve_, loss, fitted.score(X[test], y[test])


tasks = [
    (parameters, rate, *split)
    for parameters, rates in kinds.values()
    for rate in rates
    for split in folds
]
with skreg.stacked():
    found = Parallel()(delayed(fold)(*task) for task in tasks)
curves = np.array([curve for curve, _, _ in found]).reshape(6, 4, 5, 15)
losses = np.array([loss for _, loss, _ in found]).reshape(6, 4, 5)
accuracies = np.array([score for _, _, score in found]).reshape(6, 4, 5)

# %%
# On the left are the training losses at each one's best rate, on the right the
# validation losses over the rate; both are means of the folds.
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8))
figure.set_layout_engine("constrained")
for i, (name, (_, rates)) in enumerate(kinds.items()):
    best = losses[i].mean(axis=1).argmin()
    axes[0].plot(np.arange(1, 16), curves[i, best].mean(axis=0))
    axes[1].plot(rates, losses[i].mean(axis=1), "o-", markersize=4, label=name)
    loss, accuracy = losses[i, best], accuracies[i, best]
    print(
        f"{name:12}  best rate {rates[best]:<6}  "
        f"cross-entropy {loss.mean():.3f} ± {loss.std(ddof=1) / 5**0.5:.3f}  "
        f"accuracy {accuracy.mean():.3f} ± {accuracy.std(ddof=1) / 5**0.5:.3f}"
    )
axes[0].set(xlabel="epoch", ylabel="training loss", yscale="log")
axes[1].set(xlabel="learning rate", ylabel="validation cross-entropy")
axes[1].set(xscale="log", yscale="log")
for ax in axes:
    ax.grid(alpha=0.3)
figure.legend(loc="outside upper center", ncols=6, frameon=False)
plt.show()

# %%
# At their best rates, the six optimizers differ on new rows by no more than the noise
# of the folds. Their best rates differ: that of plain gradient descent is about a
# hundred times that of RMSProp. A momentum of 0.9 needs about a tenth of the plain
# rate, since each gradient counts ten times in the sum. For every optimizer, a rate
# that is too small for these few epochs costs more than the choice among optimizers.
#
# When it does not help
# ---------------------
# An optimizer is no remedy by itself. It decides how fast the loss falls and, as above,
# hardly changes where the validation score ends. A comparison of two optimizers at the
# same rate is a comparison of rates. Adaptive rules are good where gradients differ
# much between weights, as with rare categories. Plain momentum with a tuned rate and
# schedule is as good on many tables, and generalised better on some (Wilson et al.,
# *NeurIPS* 2017). Search the learning rate first, the optimizer last.
