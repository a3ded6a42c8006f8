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
far less than scores, because hard folds are hard for both. The mean of :math:`m`
differences has the interval

.. math::

   \bar d \pm t_{0.975,\, m - 1} \sqrt{\left( \frac{1}{m} +
   \frac{n_\text{validation}}{n_\text{training}} \right) s_d^2},

Student's, with the variance corrected for training rows that the folds share (Nadeau
and Bengio, *Machine Learning* 52, 2003). Without the correction the interval would be
less than half as wide here, and false.

The parameters
--------------

``compare_remedies(X, y)`` takes a network with default parameters, some 46 remedies
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
# Look at three things. The position of ``as it is`` among the remedies that went on
# shows how much there is to gain. The gaps: a remedy may narrow the gap and gain
# nothing, if it lowers the training score as much. The intervals: the largest gains are
# not the surest. Some remedies at the top have no mark, because their gain varies much
# from fold to fold; some with smaller gains have one. If two gain about the same, take
# the cheaper one.
report.plot()
plt.show()

# %%
# The same numbers in a data frame, to sort and filter them:
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
# If a network overfits, another seed alone changes its cross-entropy by this much. A
# 95% interval excludes 0 by chance once in twenty times, so among fourteen remedies one
# mark without meaning is as likely as not. Trust gains that support each other: of
# several strengths of one remedy, or of several remedies of one kind.
#
# The folds that chose the remedies to go on and to combine also score them, so these
# gains are optimistic. To report a score, choose within nested cross-validation or keep
# a test set aside.
#
# When it does not help
# ---------------------
# - Few rows and few folds make wide intervals. "No remedy gains more than the folds'
#   noise" does not mean that none helps, but that these rows cannot show it. More
#   ``repeats`` narrow the interval only down to the share that comes from the overlap
#   of training rows.
# - Each remedy is tried at one or two strengths and with the network's other parameters
#   as they are. A remedy that needs more epochs or another rate is underestimated.
#   ``RegularizationSearchCV`` searches mixtures and strengths together.
# - A network that underfits needs no remedy. Ask ``diagnose(X, y)`` first.
