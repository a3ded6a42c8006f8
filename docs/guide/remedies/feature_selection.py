r"""
Selecting features
==================

Which inputs does the network need? ``feature_l1`` is a penalty on all weights that
leave an input. If an input does not matter, its weights become exactly 0, and the input
is off. Let :math:`w_j` be the row of the first kernel that belongs to feature
:math:`j`, of :math:`p`. The penalty that joins the loss is

.. math::

   \lambda \sum_j \frac{s}{\lVert w_j \rVert} \, \lVert w_j \rVert ,
   \qquad s = \sqrt{\frac{1}{p} \sum_j \lVert w_j \rVert^2} ,

where the price :math:`\lambda s / \lVert w_j \rVert` of a row's norm is held fixed in
each step. A row of the usual size costs :math:`\lambda` times its norm, which is the
group lasso (Yuan and Lin, *JRSS B* 68, 2006). A short row costs more, and a long one
less, which is the adaptive lasso (Zou, *JASA* 101, 2006): rows that matter keep their
size, and the others go to 0.

After each step of the optimizer, a proximal step follows, with the same learning rate
:math:`\eta`:

.. math::

   w_j \leftarrow w_j \, \max\left(0, \;
   1 - \frac{\eta \lambda s}{d_j \lVert w_j \rVert^2} \right) .

:math:`d_j` is 1 for SGD. Adam divides gradients by the root of their mean square; so
:math:`d_j` is that root, as one number per row (its root mean square). Data and penalty
are then divided by the same number, and a strength has about the same effect with every
optimizer (Yun et al., *NeurIPS* 2021). :math:`\lambda` rises from 0 in the first half
of the training, so that the network finds what it needs before it has to choose.

The parameters
--------------

``feature_l1=0.0`` is the strength :math:`\lambda`. Useful values lie between 0.001 and
0.5. ``feature_groups=None`` are labels of features that are kept or left out together,
such as the 0/1 columns of a category. After a fit, ``selected_features_`` is the mask
of the features that are left, ``feature_importances_`` are the norms as shares, and
``reduced()`` gives the network on these features alone.
"""

# %%
# What each penalty does to the weights
# -------------------------------------
# Five products of two features each make the target; 40 other features are noise. Only
# pairs of features say something about the target, so no linear model and no
# correlation finds them.
import matplotlib.pyplot as plt
import numpy as np

from skreg import FeaturePathDisplay, MLPRegularizedRegressor, WeightsDisplay

rng = np.random.default_rng(0)


def make_rows(n_rows):
    X = rng.normal(size=(n_rows, 50))
    signal = (X[:, 0:10:2] * X[:, 1:10:2]).sum(axis=1)
    return X, signal + rng.normal(size=n_rows)


X, y = make_rows(600)
X_test, y_test = make_rows(2000)
settings = {
    "none": {},
    "l1=0.003": {"l1": 0.003},
    "l2=0.01": {"l2": 0.01},
    "weight_decay=1": {"weight_decay": 1.0},
    "feature_l1=0.05": {"feature_l1": 0.05, "l2": 0.001},
}
figure, axes = plt.subplots(
    2,
    5,
    figsize=(11, 4.4),
    layout="constrained",
)
for (name, parameters), (above, below) in zip(settings.items(), axes.T, strict=True):
    network = MLPRegularizedRegressor((64,), dropout=0, l2=0, random_state=0)
    network.set_params(**parameters).fit(X, y)
    kernel = WeightsDisplay.from_estimator(network).kernels[0]
    plt.close()
    norms = np.linalg.norm(kernel, axis=1)
    above.hist(kernel.ravel(), 40)
    above.set_yscale("log")
    above.set_title(name, fontsize=10)
    below.bar(np.arange(50), norms, width=1.0)
    print(
        f"{name:16} weights of exactly 0: {np.mean(kernel == 0):4.0%}, "
        f"features off: {np.sum(norms == 0):2}, R2 {network.score(X_test, y_test):.2f}"
    )
axes[0, 0].set_ylabel("weights")
axes[1, 0].set_ylabel("norm by feature")

# %%
# Above are the histograms of the first kernel's weights, below the norms by feature;
# the first ten matter. l2 and weight decay shrink all weights. l1 pulls most weights
# near 0, but with Adam, as in Keras, none stays at 0. ``feature_l1`` switches off whole
# features. Those that matter keep norms of about 1, as with the other penalties.
#
# The path
# --------
# :class:`~skreg.FeaturePathDisplay` trains with each strength on each fold, all in one
# stack, and draws the score, the number of features left and their norms. Dashed lines
# mark the best strength, and the strongest within one standard error of it, which keeps
# fewer features.
network = MLPRegularizedRegressor((64,), dropout=0, l2=0.001, random_state=0)
path = FeaturePathDisplay.from_estimator(
    network, X, y, strengths=np.geomspace(0.003, 0.3, 10)
)
print(path.to_frame().round(3).to_string())

# %%
# The strength from held-out rows
# -------------------------------
# ``feature_l1="auto"`` does this inside ``fit``: pilots on five folds try 0 and ten
# strengths, and the strongest within one standard error of the best loss is taken.
chosen = MLPRegularizedRegressor(
    (64,), dropout=0, l2=0.001, feature_l1="auto", random_state=0
).fit(X, y)
print(f"chosen: {chosen.feature_l1_:.3f}, R2 {chosen.score(X_test, y_test):.2f}")
print("left:", np.flatnonzero(chosen.selected_features_))

# %%
# A network on the features that are left
# ---------------------------------------
# Fit again on all rows with the strength of your choice. ``reduced()`` predicts the
# same from fewer columns.
network.set_params(feature_l1=path.best_strength).fit(X, y)
print("left:", np.flatnonzero(network.selected_features_))
small = network.reduced()
left = X_test[:, network.selected_features_]
difference = np.abs(small.predict(left) - network.predict(X_test)).max()
print(f"{small.n_features_in_} features, differs by {difference:.0e}")

# %%
# scikit-learn's selectors read ``feature_importances_``. A threshold just above 0 keeps
# the features that the network kept:
from sklearn.feature_selection import SelectFromModel

selector = SelectFromModel(network, threshold=1e-12, prefit=True)
print(selector.transform(X).shape)
plt.show()

# %%
# When to use which
# -----------------
# * Fewer mistakes on new rows: ``l2`` (the default chooses it), or weight decay.
# * Fewer features, or the names of those that matter: ``feature_l1``, with an l2 beside
#   it. Without any l2 the next layer can grow while the first shrinks.
# * ``l1`` is Keras's. It makes weights small, but not the model smaller.
#
# When it does not help
# ---------------------
# * Most features matter a little, as in images: then accuracy falls with each that is
#   left out.
# * Copies of a feature: which of them stays is chance. ``feature_groups`` keeps them
#   together.
# * The inputs are not scaled (``normalize=False``): a column in small units needs a
#   large weight, and looks important.
# * Thousands of rows: the path takes long, but needs fewer epochs. With 5,000 rows 20
#   epochs found the same ten of 100 features as 100 did.
# * Few rows and many features: look at what several folds or seeds keep before you
#   believe in one.
