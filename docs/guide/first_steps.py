r"""
First steps
===========

A network of skreg is a scikit-learn estimator. ``fit``, ``predict``, pipelines and
searches work as you know them. This page takes five minutes: a first fit, a search, a
table with categories and gaps, and how to read the results.
"""

# %%
# Fit, predict, score
# -------------------
# Thirty measurements of the cell nuclei in 569 tumours, and whether each is benign.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from skreg import MLPRegularizedClassifier

X, y = load_breast_cancer(return_X_y=True)
split = train_test_split(X, y, stratify=y, random_state=0)
X_train, X_test, y_train, y_test = split
network = MLPRegularizedClassifier(random_state=0)
network.fit(X_train, y_train)

probabilities = network.predict_proba(X_test[:4])
print("classes:      ", network.classes_)
print("predicted:    ", network.predict(X_test[:4]))
print("probabilities:", probabilities[:, 1].round(3))
print(f"accuracy:      {network.score(X_test, y_test):.3f}")
print(f"l2 (chosen):   {network.l2_:.4f}")

# %%
# Tables differ in how much regularization they need. With ``l2="auto"``, the default, a
# fit therefore starts with *pilots*: up to 30 trainings on parts of the rows, judged on
# the other rows. They choose the penalty on large weights, ``l2_``, and a dropout of
# 0.2 or none, ``dropout_``. Then the network trains on all rows with these values.
#
# With a number for ``l2``, as below, there are no pilots, and a fit takes a fraction of
# a second. The first fit of a process takes some seconds more: it imports TensorFlow
# and compiles the training.
#
# A number as ``random_state`` gives the same network on every run. Without it, each
# ``fit`` gives another network, with another score
# (:doc:`reproducibility <working/reproducibility>`).
#
# Labels may be numbers or strings, and there may be more than two of them.
# :class:`~skreg.MLPRegularizedRegressor` is the same for numeric targets.

# %%
# Raw columns
# -----------
# Networks train badly on columns of very different sizes, so most networks need a
# ``StandardScaler`` before them. Here the columns' typical sizes differ by orders of
# magnitude.
sizes = np.median(X_train, axis=0)
print(f"smallest median of a column: {sizes.min():.4f}")
print(f"largest median of a column:  {sizes.max():.1f}")

# %%
# You need not do anything about that. ``normalize="robust"``, the default, takes the
# median and the quartiles of the rows given to ``fit``, scales each column by them and
# clips outliers smoothly. In a cross-validation these are the rows of each training
# fold alone, so nothing of a test fold leaks in. Without it, and with the same penalty:
from sklearn.metrics import log_loss

raw = MLPRegularizedClassifier(l2=network.l2_, normalize=False, random_state=0)
raw.fit(X_train, y_train)
for name, fitted in {"scaled": network, "raw": raw}.items():
    loss = log_loss(y_train, fitted.predict_proba(X_train))
    print(f"{name:6}  cross-entropy on training rows {loss:.3f}, ", end="")
    print(f"accuracy {fitted.score(X_test, y_test):.3f}")

# %%
# The history
# -----------
# ``history_`` holds one value an epoch. With ``early_stopping=True`` a part of the
# training rows is set aside, training ends when their loss has not improved for
# ``patience`` epochs, and the weights of the best epoch are restored.
from skreg import LossCurveDisplay

stopping = MLPRegularizedClassifier(
    l2=network.l2_,
    early_stopping=True,
    validation_fraction=0.2,
    patience=15,
    random_state=0,
)
stopping.fit(X_train, y_train)
print("recorded:     ", list(stopping.history_))
print("epochs:       ", stopping.n_iter_, "of", stopping.epochs)
print("best epoch:   ", stopping.best_epoch_)
print(f"its val_loss:  {min(stopping.history_['val_loss']):.3f}")
LossCurveDisplay.from_estimator(stopping)
plt.show()

# %%
# Both losses contain the penalties, as in Keras (here that of ``l2``). The training
# loss is the mean over an epoch in which the weights still change, with dropout on. The
# validation loss is taken at the end of the epoch, with dropout off. So the training
# loss may lie above the validation loss.
#
# A search
# --------
# Every remedy is a parameter, so a search can vary it. Inside
# :func:`~skreg.stacked` all candidates and folds train at once. This search sets
# ``l2``, so its fits train no pilots.
from sklearn.model_selection import GridSearchCV, StratifiedKFold

import skreg

grid = {"dropout": [0, 0.2, 0.5], "l2": [0, 1e-4, 1e-3, 1e-2]}
search = GridSearchCV(
    MLPRegularizedClassifier(epochs=30, random_state=0),
    grid,
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
    scoring="neg_log_loss",
)
with skreg.stacked():
    search.fit(X_train, y_train)
print(search.best_params_)
loss = -search.score(X_test, y_test)
print(f"cross-entropy in the folds:      {-search.best_score_:.3f}")
print(f"cross-entropy on the other rows: {loss:.3f}")

# %%
# ``cv_results_`` has a row for each candidate. ``mean_test_score`` is the mean over the
# folds, ``std_test_score`` their standard deviation, ``rank_test_score`` the rank.
# Larger scores are better, hence ``neg_log_loss``.
import pandas as pd

results = pd.DataFrame(search.cv_results_)
results = results.sort_values("rank_test_score")
shown = ["param_dropout", "param_l2", "mean_test_score", "std_test_score"]
print(results[shown].round(4).to_string(index=False))

# %%
# Look at more than the first row. All candidates see the same folds, so compare each
# candidate with the best one, fold by fold. If the mean difference is not much larger
# than its standard error, the order of the two is chance.
folds = results.filter(regex=r"^split\d+_test_score").to_numpy()
behind = folds[0] - folds
error = behind.std(axis=1, ddof=1) / np.sqrt(behind.shape[1])
close = behind.mean(axis=1) <= 2 * error
print(f"within two errors: {close.sum() - 1} of {len(close) - 1} others")

# %%
# After the search the best candidate is fitted to all rows given to it, as
# ``best_estimator_``; the search itself predicts with it. Its score in the folds is
# the best of many, so it is optimistic. Judge it on rows that the search has not seen.
#
# Categories and missing values
# -----------------------------
# The census table has six columns of numbers and eight of categories, where "?" is an
# unknown value. Some of the numbers are removed, so that they have gaps, too.
from skreg.datasets import load_adult

X, y = load_adult(as_frame=True)
hidden = np.random.default_rng(0).random(len(X)) < 0.1
X.loc[hidden, "hours_per_week"] = np.nan
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=1000, stratify=y, random_state=0
)
gaps = (X_train.isna() | (X_train == "?")).sum()
print(gaps[gaps > 0].to_string())

# %%
# A pipeline handles both. ``OneHotEncoder`` turns each category, "?" included, into a
# column of zeros and ones, and gives a row of zeros where a category is new.
# ``SimpleImputer`` fills a gap with the column's median, and ``add_indicator`` adds a
# column that says where there was one.
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

columns = make_column_transformer(
    (
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
        make_column_selector(dtype_exclude="number"),
    ),
    (
        SimpleImputer(strategy="median", add_indicator=True),
        make_column_selector(dtype_include="number"),
    ),
)
network = MLPRegularizedClassifier((32,), l2=0.001, epochs=30, random_state=0)
pipeline = make_pipeline(columns, network)
pipeline.fit(X_train, y_train)
print(f"columns for the network: {pipeline[-1].n_features_in_}")
share = y_test.value_counts(normalize=True).max()
print(f"share of the larger class: {share:.3f}")
print(f"accuracy: {pipeline.score(X_test, y_test):.3f}")

# %%
# skrub's ``tabular_pipeline(MLPRegularizedClassifier())`` builds such a pipeline by
# itself, also for dates and for columns of many different strings (extra ``tables``).
#
# ``sparse_output=False`` matters. Without it the columns may come as a sparse matrix.
# The network takes it, but only divides its columns by their standard deviation, so
# that zeros stay zeros.
#
# In a search the names of the network's parameters start with the name of its step. The
# steps before the network are fitted to each training fold as well.
name = "mlpregularizedclassifier"
grid = {f"{name}__dropout": [0.1, 0.5], f"{name}__l2": [1e-3, 1e-2]}
search = GridSearchCV(pipeline, grid, cv=3, scoring="neg_log_loss")
with skreg.stacked():
    search.fit(X_train, y_train)
print(search.best_params_)
print(f"cross-entropy in the folds:      {-search.best_score_:.3f}")
loss = -search.score(X_test, y_test)
print(f"cross-entropy on the other rows: {loss:.3f}")

# %%
# :class:`~skreg.RegularizationSearchCV` needs no grid. It draws mixtures of all
# remedies, drops the worse ones early, and fits the best as an ensemble. It takes the
# pipeline as it is.
search = skreg.RegularizationSearchCV(
    pipeline, n_iter=54, cv=3, scoring="neg_log_loss", random_state=0
)
search.fit(X_train, y_train)
for parameter, value in sorted(search.best_params_.items()):
    print(f"{parameter.removeprefix(name + '__')}: {value}")
print(f"cross-entropy in the folds:      {-search.best_score_:.3f}")
loss = -search.score(X_test, y_test)
print(f"cross-entropy on the other rows: {loss:.3f}")

# %%
# ``joblib.dump(search.best_estimator_, path)`` keeps what was found. To diagnose the
# network of a pipeline, take it out, and give it the columns that the other steps make:
# ``pipeline[-1].diagnose(pipeline[:-1].transform(X), y)``.
#
# Where to go on
# --------------
# - Which remedies are worth a search on your data: :func:`~skreg.compare_remedies`.
# - Whether the network over- or underfits: ``network.diagnose(X, y)``.
# - Larger searches: :doc:`searching <working/searching>`.
# - Save it, or use it elsewhere:
#   :doc:`saving and deploying <working/saving_and_deploying>`.
