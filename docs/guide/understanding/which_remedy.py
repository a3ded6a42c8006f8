r"""
Which remedy helps?
===================

There are more remedies against overfitting than one can try by hand, and each helps on
some tables and harms on others. ``compare_remedies`` measures: it trains the network as
it is and with each remedy alone on the same folds, all in stacks. The best fifth of the
remedies, eight at least, goes on to folds that are drawn anew, and the best two and
three of them are tried together.

The gain of a remedy is the difference in validation score on the same fold,
:math:`d_i = s_i^\text{remedy} - s_i^\text{as it is}`. Differences on the same rows vary
far less than scores do, since hard folds are hard for both. The mean of :math:`m`
differences has the interval

.. math::

   \bar d \pm t_{0.975,\, m - 1} \sqrt{\left( \frac{1}{m} +
   \frac{n_\text{validation}}{n_\text{training}} \right) s_d^2},

Student's, with the variance corrected for training rows that the folds share (Nadeau
and Bengio, *Machine Learning* 52, 2003). Without the correction the interval would be
less than half as wide here, and false.

The parameters
--------------

``compare_remedies(X, y)`` takes a network with default parameters, some forty remedies
and five folds drawn three times. ``estimator`` is another network to start from, or a
pipeline; ``scoring`` is any of scikit-learn's; ``remedies`` names others to try, as
parameters to set; ``cv`` and ``repeats`` set the folds. A splitter as ``cv`` measures
every remedy on all of its splits.
"""

# %%
# Fourteen remedies on 208 sonar echoes
# -------------------------------------
# The network that asks for help has two layers of 32 units and no remedy. These are
# fourteen of the usual ones. Leave ``remedies`` out to get all of them, which takes
# about a minute: eight other optimizers and other widths have to be compiled.
import matplotlib.pyplot as plt

from skreg import MLPRegularizedClassifier, compare_remedies
from skreg.datasets import load_sonar

X, y = load_sonar()
network = MLPRegularizedClassifier((32, 32), dropout=0, l2=0, epochs=50, random_state=0)
remedies = {
    "dropout 0.1": {"dropout": 0.1},
    "dropout 0.3": {"dropout": 0.3},
    "dropout 0.5": {"dropout": 0.5},
    "input dropout 0.1": {"input_dropout": 0.1},
    "noise 0.3": {"gaussian_noise": 0.3},
    "l2 0.001": {"l2": 0.001},
    "l2 0.01": {"l2": 0.01},
    "weight decay 1": {"weight_decay": 1.0},
    "max-norm 2": {"max_norm": 2.0},
    "smoothing 0.1": {"label_smoothing": 0.1},
    "batch norm": {"batchnorm": True},
    "half the epochs": {"epochs": 25},
    "twice the epochs": {"epochs": 100},
    "ensemble of 5": {"n_members": 5},
}
report = compare_remedies(X, y, network, remedies=remedies, scoring="neg_log_loss")
print(report)

# %%
# How to read it
# --------------
# Rows are sorted by the gain in validation score, here minus the cross-entropy: nearer
# to 0 is better. Those that went on to all ``splits`` come first. A ``+`` marks
# intervals that are above 0 and a ``-`` those below. ``gap`` is the training score
# minus the validation score, and ``cost`` is how many times the multiplications of the
# network as it is.
#
# Three things are worth a look. Whether ``as it is`` stands at the top or at the bottom
# of those that went on: this says how much there is to gain. The column of gaps: a
# remedy may narrow the gap and gain nothing, when it costs the training score as much.
# And the intervals: the largest gains are not the surest. Some of the remedies at the
# top have no mark, since their gain differs much from fold to fold, and some with
# smaller gains have one. Where two gain about the same, the cheaper one is the better
# one.
report.plot()
plt.show()

# %%
# The same figures in a frame, for a search of one's own through them:
frame = report.to_frame()
print(frame[["gap", "gain", "helps", "relative_cost"]].head(5).round(3))

# %%
# What chance alone does
# ----------------------
# A seed is no remedy. Eight other seeds, measured in the same way, show how large
# gains are that mean nothing:
seeds = {f"seed {k}": {"random_state": k} for k in range(1, 9)}
placebo = compare_remedies(X, y, network, remedies=seeds, scoring="neg_log_loss")
gains = [remedy.gain for remedy in placebo.remedies if remedy.parameters]
marked = sum(remedy.helps or remedy.harms for remedy in placebo.remedies)
print(f"gains of other seeds: from {min(gains):+.3f} to {max(gains):+.3f}")
print(f"marked as help or harm: {marked} of {len(gains)}")
placebo.plot()
plt.show()

# %%
# Another seed alone moves the cross-entropy of a network that overfits this much. An
# interval of 95% leaves 0 aside by chance once in twenty times, so that among fourteen
# remedies a mark that means nothing is as likely as not. Trust first what has a reason:
# several strengths of one remedy that gain alike, or remedies of one kind that do.
#
# What went on and what was mixed was chosen on folds that it is scored on, which
# flatters it. To report a score, choose within nested cross-validation or keep a
# test set aside.
#
# When it does not help
# ---------------------
# - Few rows and few folds make wide intervals. "No remedy gains more than the folds'
#   noise" does not say that none helps, but that these rows cannot tell. More
#   ``repeats`` narrow the interval only down to the share that comes from the
#   overlap of training rows.
# - Each remedy is tried at one or two strengths and with the network's other parameters
#   as they are. A remedy that wants more epochs or another rate is sold short.
#   ``RegularizationSearchCV`` searches mixtures and strengths together.
# - A network that underfits needs no remedy. Ask ``diagnose(X, y)`` first.
