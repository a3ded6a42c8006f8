r"""
Activity penalties
==================

l1 and l2 put a price on weights. An activity penalty puts it on what the weights
produce: the outputs :math:`h` of the hidden layers. For a batch of :math:`B` rows

.. math::

   L + \frac{1}{B} \sum_{i=1}^{B} \sum_{k} \sum_{j}
   \left( \alpha_1 \, |h_{kj}(x_i)| + \alpha_2 \, h_{kj}(x_i)^2 \right),

summed over the units :math:`j` of all hidden layers :math:`k`. The division by
:math:`B` makes it a mean over rows, as the loss is, so that it does not depend on the
batch size; Keras divides in the same way. Since it is a sum over units, a wider layer
pays more.

An activation then stays only if it lowers the loss by more than its penalty. With
:math:`\alpha_1` most activations are exactly 0 after a ReLU, and each row is described
by a few units: a sparse code (Olshausen and Field, *Nature* 381, 1996; Glorot, Bordes
and Bengio, *AISTATS* 2011, who add it to rectifiers). With :math:`\alpha_2` they are
small.

The parameters
--------------

``activity_l1=0.0`` and ``activity_l2=0.0``: :math:`\alpha_1` and :math:`\alpha_2`, for
the outputs of each hidden activation, before its dropout. The output layer has no such
penalty. In prediction there is none.
"""

# %%
# On 208 sonar echoes
# -------------------
# The plain network has no other remedy. The bands are one standard error of five folds.
import keras
import matplotlib.pyplot as plt
import numpy as np

from skreg import MLPRegularizedClassifier, RegularizationPathDisplay
from skreg.datasets import load_sonar

X, y = load_sonar()
plain = MLPRegularizedClassifier(
    (64, 64),
    dropout=0,
    l2=0,
    random_state=0,
)
values = [0, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
figure, axes = plt.subplots(
    1,
    2,
    figsize=(9, 3.4),
    layout="constrained",
    sharey=True,
)
for ax, name in zip(axes, ["activity_l1", "activity_l2"], strict=True):
    path = RegularizationPathDisplay.from_estimator(
        plain,
        X,
        y,
        param_name=name,
        param_range=values,
        scoring="neg_log_loss",
        ax=ax,
    )
    gain = path.validation_scores - path.validation_scores[0]
    error = gain.std(axis=1, ddof=1) / np.sqrt(gain.shape[1])
    for row in (2, 4):
        print(
            f"{name}={values[row]}: negative log loss "
            f"{gain[row].mean():+.3f} +- {error[row]:.3f}"
        )
axes[0].get_legend().remove()
axes[1].set_ylabel("")

# %%
# A light penalty makes the network less sure of its mistakes. A stronger one does not
# add to that: the curves go up and down within their noise. At the largest
# ``activity_l1`` nearly all activations are gone, and the network has learnt almost
# nothing.
#
# What happens inside
# -------------------
# ``model_`` is the trained Keras network. Passing the rows through its layers gives the
# hidden activations.


def hidden_activations(network, X):
    value, found = X.astype("float32"), []
    for layer in network.model_.layers:
        value = layer(value)
        if getattr(layer, "activation", None) is keras.activations.relu:
            found.append(np.asarray(value))
    return found


settings = {
    "no penalty": {},
    "activity_l1=0.001": {"activity_l1": 1e-3},
    "activity_l1=0.01": {"activity_l1": 1e-2},
    "activity_l2=0.01": {"activity_l2": 1e-2},
}
codes = {}
print("                   zeros in  mean     norm of      training")
print("                   layer 2   of it    last kernel  accuracy")
for name, setting in settings.items():
    plain.set_params(activity_l1=0, activity_l2=0)
    network = plain.set_params(**setting).fit(X, y)
    codes[name] = hidden_activations(network, X)[1]
    kernel = network.model_.layers[-2].get_weights()[0]
    print(
        f"{name:18} {np.mean(codes[name] == 0):<9.0%} "
        f"{codes[name].mean():<8.3f} "
        f"{np.linalg.norm(kernel):<12.1f} "
        f"{network.score(X, y):.2f}"
    )

# %%
# Each line of these pictures is an echo, each column a unit of the second layer,
# rocks above mines.
order = np.argsort(y == "M", kind="stable")
figure, axes = plt.subplots(
    1,
    3,
    figsize=(9, 3.6),
    layout="constrained",
    sharey=True,
)
for ax, name in zip(axes, list(codes)[:3], strict=True):
    ax.imshow(codes[name][order] > 0, aspect="auto", cmap="Greys")
    ax.set_title(name, fontsize=10)
    ax.set_xlabel("unit")
axes[0].set_ylabel("echo (black: above 0)")
plt.show()

# %%
# Without a penalty an echo uses about half of the units, with a light one a few.
# The stronger one leaves most units unused by any echo. All of these networks still
# know all 208 rows by heart: a sparse code is not in itself a weaker network.
#
# When it does not help
# ---------------------
# A ReLU layer can halve its activations if the next kernel doubles: the function stays
# the same, and the penalty is half of what it was. The norms printed above show this
# way out, since the last kernel grows as activations shrink. Therefore use an activity
# penalty together with another penalty, such as a small ``l2``.
#
# Use it for the sparsity, where hidden activations are read as features. Against
# overfitting alone,
# :ref:`l2 <sphx_glr_learn_remedies_l1_and_l2.py>` and
# :ref:`noise <sphx_glr_learn_remedies_noise.py>` gain more on these echoes, in the mean
# over the same folds.
