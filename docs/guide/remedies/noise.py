r"""
Noise on the inputs
===================

A network that has learned a row by heart is right at that very point, but its
prediction close to it is chance. Noise turns each row into a cloud: in every step the
inputs are

.. math::

   \tilde x = x + \sigma \varepsilon, \qquad \varepsilon \sim \mathcal{N}(0, I),

drawn anew, with the same target. The network has to be right in the neighbourhood, and
so cannot be steep there. For the squared error of a function :math:`f` and small
:math:`\sigma`, the expected loss is

.. math::

   \mathrm{E} \, (f(\tilde x) - y)^2 \approx (f(x) - y)^2
   + \sigma^2 \, \| \nabla f(x) \|^2 ,

up to a term with :math:`f(x) - y` and the curvature, which vanishes on average where
:math:`f` fits: Tikhonov's penalty on slopes (Bishop, *Neural Computation* 7, 1995).

Input dropout sets inputs to 0, each with probability :math:`p`, and divides the others
by :math:`1 - p`. This is noise, too. Its variance is :math:`x_j^2 \, p / (1 - p)`: it
is larger where an input is far from its centre (Wager, Wang and Liang, *NeurIPS* 2013).

The parameters
--------------

``gaussian_noise=0.0`` is :math:`\sigma` and ``input_dropout=0.0`` is :math:`p`. Both
act in training alone, on the inputs as they are after ``normalize``: :math:`\sigma` is
in units of a column's spread (with the default, ``"robust"``, the distance of its
quartiles), and a dropped input has its column's centre.
"""

# %%
# For a linear model the formula is exact
# ---------------------------------------
# There :math:`\nabla f = w`, and the penalty is that of ridge regression with
# :math:`\alpha = n \sigma^2`. On standardised columns the mean of :math:`x_j^2` is 1,
# so that input dropout with :math:`p / (1 - p) = \sigma^2` is the same ridge. A network
# without hidden layers shows it on the diabetes data of 442 patients.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.preprocessing import StandardScaler

from skreg import (
    MLPRegularizedClassifier,
    MLPRegularizedRegressor,
    RegularizationPathDisplay,
)
from skreg.datasets import load_sonar

X, y = load_diabetes(return_X_y=True)
names = load_diabetes().feature_names
X = StandardScaler().fit_transform(X)
y = (y - y.mean()) / y.std()

variance = 1.0
remedies = {
    "gaussian_noise": np.sqrt(variance),
    "input_dropout": variance / (1 + variance),
}
slopes = {
    "least squares": LinearRegression().fit(X, y).coef_,
    "ridge": Ridge(alpha=variance * len(X)).fit(X, y).coef_,
}
for name, value in remedies.items():
    linear = MLPRegularizedRegressor(
        (),
        l2=0,
        normalize=False,
        learning_rate=0.03,
        epochs=1000,
        batch_size="full",
        random_state=0,
        **{name: value},
    ).fit(X, y)
    at_zero = linear.predict(np.zeros((1, X.shape[1])))
    slopes[name] = linear.predict(np.eye(X.shape[1])) - at_zero
    off = np.abs(slopes[name] - slopes["ridge"]).max()
    print(f"{name}={value:.2f}: within {off:.3f} of ridge's slopes")

figure, ax = plt.subplots(figsize=(9, 3.2), layout="constrained")
places = np.arange(X.shape[1])
for shift, (name, slope) in enumerate(slopes.items()):
    ax.bar(places + 0.2 * (shift - 1.5), slope, width=0.2, label=name)
ax.axhline(0, color="black", linewidth=0.8)
ax.set_xticks(places, names)
ax.set(xlabel="column", ylabel="slope")
ax.legend(frameon=False, ncols=2)
plt.show()

# %%
# The remaining difference between ridge and the noisy networks is due to chance in a
# finite training.
#
# On 208 sonar echoes
# -------------------
# With hidden layers the slope differs from place to place, and no penalty on weights is
# equivalent.
X, y = load_sonar()
plain = MLPRegularizedClassifier(
    (64, 64),
    dropout=0,
    l2=0,
    random_state=0,
)
ranges = {
    "gaussian_noise": [0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.2, 1.6],
    "input_dropout": [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
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
# Much more noise helps than one would guess: the best is near the columns' own spread.
# Neighbouring frequency bands of an echo say much the same, so that the network can
# average the noise out over them. On other tables less is right:
# :func:`~skreg.regularization_space` stops at 0.5, and at 0.3 for ``input_dropout``.
# Gains are paired over the five folds.
for name, path in paths.items():
    gain = path.validation_scores - path.validation_scores[0]
    best = int(np.argmax(gain.mean(axis=1)))
    error = gain[best].std(ddof=1) / np.sqrt(gain.shape[1])
    print(
        f"{name}={ranges[name][best]}: negative log loss "
        f"{gain[best].mean():+.3f} +- {error:.3f}"
    )

# %%
# When it does not help
# ---------------------
# * One column decides, and no other column repeats its information. Input dropout then
#   hides the answer in a share :math:`p` of the rows, and noise blurs a threshold.
# * Columns of 0 and 1: noise makes values that no row has. ``input_dropout`` is nearer
#   to what happens there, "this entry is not known".
# * The true function is steep. Noise assumes that it is not.
# * There are many rows. Each then has real neighbours, which do the same work.
