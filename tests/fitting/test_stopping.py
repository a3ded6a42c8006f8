"""Validation rows, early stopping and the best weights."""

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import (
    average_precision_score,
    get_scorer,
    get_scorer_names,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split

from skreg.engine import keras
from skreg.interop.score_monitor import TAKE_LABELS
from tests.support import captured, plain_classifier, plain_regressor


@pytest.fixture
def noisy():
    """Data on which a network of this size overfits within a few epochs."""
    X, y = make_classification(
        300, 20, n_informative=3, flip_y=0.3, class_sep=0.5, random_state=0
    )
    return train_test_split(X, y, random_state=0)


def stopping(**settings):
    return plain_classifier(
        (32,),
        learning_rate=0.01,
        random_state=0,
        **({"epochs": 200, "early_stopping": True, "patience": 5} | settings),
    )


def test_training_stops_after_patience(noisy):
    X, _, y, _ = noisy
    network = stopping().fit(X, y)
    losses = network.history_["val_loss"]
    assert network.n_iter_ == len(losses) == len(network.loss_curve_) < 200
    assert network.best_epoch_ == np.argmin(losses) + 1
    assert network.n_iter_ == network.best_epoch_ + 5


def test_best_weights_come_back(noisy):
    X, X_val, y, y_val = noisy
    best = stopping().fit(X, y, X_val=X_val, y_val=y_val)
    losses = best.history_["val_loss"]
    assert log_loss(y_val, best.predict_proba(X_val)) == pytest.approx(
        min(losses), 1e-4
    )
    last = stopping(restore_best_weights=False).fit(X, y, X_val=X_val, y_val=y_val)
    assert last.history_["val_loss"] == losses
    assert log_loss(y_val, last.predict_proba(X_val)) == pytest.approx(losses[-1], 1e-4)


def test_stopping_is_that_of_keras(noisy):
    """On the losses of a run to the end, Keras's callback stops at the same epoch."""
    X, X_val, y, y_val = noisy
    whole = stopping(early_stopping=False, epochs=60)
    losses = whole.fit(X, y, X_val=X_val, y_val=y_val).history_["val_loss"]
    for patience, min_delta in ((0, 0.0), (1, 0.0), (3, 0.01), (5, 0.001)):
        callback = keras().callbacks.EarlyStopping(
            patience=patience, min_delta=min_delta
        )
        callback.set_model(keras().Sequential())
        callback.model.stop_training = False
        callback.on_train_begin()
        for epoch, loss in enumerate(losses):
            callback.on_epoch_end(epoch, {"val_loss": loss})
            if callback.model.stop_training:
                break
        network = stopping(patience=patience, min_delta=min_delta, epochs=60)
        network.fit(X, y, X_val=X_val, y_val=y_val)
        assert network.n_iter_ == epoch + 1
        assert network.best_epoch_ == callback.best_epoch + 1


def test_validation_rows_are_stratified_training_rows(noisy):
    X, _, y, _ = noisy
    y = y + (np.arange(len(y)) % 9 == 0)  # 3 classes of unequal size
    X = X + np.arange(len(X))[:, None] * 1e-9  # rows can be told apart
    _, job = captured(stopping(normalize=False, validation_fraction=0.2), X, y)
    together = np.concatenate([job.rows.y, job.validation.y])
    assert len(job.validation) == round(0.2 * len(X))
    np.testing.assert_array_equal(
        np.bincount(together[:, 0].astype(int)), np.bincount(y)
    )
    for part in (job.rows, job.validation):
        shares = np.bincount(part.y[:, 0].astype(int)) / len(part)
        np.testing.assert_allclose(shares, np.bincount(y) / len(y), atol=0.03)
    rows = {row.tobytes() for row in job.rows.X}
    assert not rows & {row.tobytes() for row in job.validation.X}


def test_statistics_come_from_the_rows_that_train(noisy):
    X, _, y, _ = noisy
    network = stopping()
    _, job = captured(network, X, y)
    np.testing.assert_allclose(job.rows.X.mean(axis=0), 0, atol=1e-6)
    assert np.abs(job.validation.X.mean(axis=0)).max() > 0.05


def test_given_validation_rows_leave_the_training_rows_whole(noisy):
    X, X_val, y, y_val = noisy
    _, job = captured(stopping(), X, y, X_val=X_val, y_val=y_val)
    assert len(job.rows) == len(X)
    assert len(job.validation) == len(X_val)


def test_validation_without_early_stopping_only_watches(noisy):
    X, X_val, y, y_val = noisy
    settings = {"early_stopping": False, "epochs": 20}
    watched = stopping(**settings).fit(X, y, X_val=X_val, y_val=y_val)
    plain = stopping(**settings).fit(X, y)
    assert len(watched.history_["val_loss"]) == 20
    assert watched.best_epoch_ == np.argmin(watched.history_["val_loss"]) + 1
    np.testing.assert_allclose(
        watched.predict_proba(X), plain.predict_proba(X), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "neg_log_loss"])
def test_scorers_decide(scoring, noisy):
    X, X_val, y, y_val = noisy
    network = stopping(monitor=scoring).fit(X, y, X_val=X_val, y_val=y_val)
    scores = network.history_[f"val_{scoring}"]
    assert network.best_epoch_ == np.argmax(scores) + 1
    assert network.n_iter_ == network.best_epoch_ + 5
    score = get_scorer(scoring)(network, X_val, y_val)
    assert score == pytest.approx(max(scores), abs=1e-6)


def test_scorers_of_frames_do_not_warn(noisy):
    X, _, y, _ = noisy
    data = pd.DataFrame(X, columns=[f"column {i}" for i in range(20)])
    network = stopping(monitor="accuracy", epochs=3).fit(data, y)
    assert len(network.history_["val_accuracy"]) == 3


def test_scorers_of_numbers(diabetes):
    X, y = diabetes
    network = plain_regressor(
        (32,), early_stopping=True, monitor="neg_mean_absolute_error", random_state=0
    ).fit(X, y)
    scores = network.history_["val_neg_mean_absolute_error"]
    assert network.best_epoch_ == np.argmax(scores) + 1
    assert -60 < max(scores) < -30, "in the targets' own units"


def test_the_training_loss_can_be_monitored(noisy):
    X, _, y, _ = noisy
    network = stopping(monitor="loss", min_delta=0.05, epochs=100).fit(X, y)
    assert network.n_iter_ < 100


def test_the_training_loss_needs_no_rows_set_aside(noisy):
    X, _, y, _ = noisy
    _, job = captured(stopping(monitor="loss"), X, y)
    assert len(job.rows) == len(X)
    assert job.validation is None


@pytest.mark.parametrize(
    "settings", [{"l2": 0.01}, {"activity_l1": 0.1, "activity_l2": 0.1}], ids=str
)
def test_validation_losses_hold_every_penalty(settings, noisy):
    X, X_val, y, y_val = noisy
    network = stopping(early_stopping=False, epochs=2, **settings)
    network.fit(X, y, X_val=X_val, y_val=y_val)
    expected = network.model_.evaluate(X_val, y_val, verbose=0, batch_size=len(X_val))
    assert network.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-4)


def test_repeated_fits_split_alike(noisy):
    X, _, y, _ = noisy
    network = stopping()
    first = network.fit(X, y).history_
    assert clone(network).fit(X, y).history_ == first


RARE = {
    "4 rows of 200": np.repeat([0, 1], [196, 4]),
    "one row of a class": np.repeat([0, 1, 2], [30, 29, 1]),
    "100 classes of 3 rows": np.repeat(np.arange(100), 3),
    "2 classes of 2 rows": np.repeat([0, 1], 2),
}


@pytest.mark.parametrize("case", list(RARE))
@pytest.mark.parametrize("n_members", [1, 2])
def test_rows_of_rare_classes_stay_in_training(case, n_members, rng):
    y = RARE[case]
    X = rng.normal(size=(len(y), 3))
    network = stopping(epochs=2, n_members=n_members)
    network.fit(X, y)
    assert len(network.history_["val_loss"]) == 2
    _, job = captured(stopping(epochs=2), X, y)
    assert {*job.rows.y[:, 0]} == {*y}, "each class trains"
    assert len(job.validation) == np.ceil(0.1 * len(y))


def test_a_class_without_a_row_to_share_needs_other_validation_rows(rng):
    with pytest.raises(ValueError, match="'validation_fraction' parameter must leave"):
        stopping().fit(rng.normal(size=(3, 2)), [0, 1, 2])


# Of those that older versions of scikit-learn have, and that take labels there.
KNOWN = [
    name
    for name in set(get_scorer_names()) & set(TAKE_LABELS)
    if "labels" in inspect.signature(get_scorer(name)._score_func).parameters
]


@pytest.mark.parametrize("scoring", [*sorted(KNOWN), "accuracy", "f1_macro"])
@pytest.mark.filterwarnings("ignore:.*y_pred contains classes not in y_true")
def test_scorers_do_without_a_rare_class(scoring, rng):
    y = RARE["one row of a class"]
    network = stopping(epochs=3, monitor=scoring)
    network.fit(rng.normal(size=(len(y), 3)), y)
    assert np.isfinite(network.history_[f"val_{scoring}"]).all()


@pytest.mark.filterwarnings("ignore:Only one class is present")
@pytest.mark.filterwarnings("ignore:Number of classes in y_true not equal")
def test_a_scorer_that_needs_the_class_says_so(rng):
    y = RARE["4 rows of 200"]
    network = stopping(epochs=3, monitor="roc_auc")
    with pytest.raises(ValueError, match=r"'monitor' .*lack the classes \[1\]"):
        network.fit(rng.normal(size=(200, 3)), y)


@pytest.mark.parametrize("n_labels", [2, 3])
@pytest.mark.parametrize(
    ("scoring", "score"),
    [("roc_auc", roc_auc_score), ("average_precision", average_precision_score)],
)
def test_rankings_of_labels_are_scikit_learns(scoring, score, n_labels, rng):
    """Two labels are not two classes."""
    X = rng.normal(size=(60, 3))
    y = (X > 0).astype(int)[:, :n_labels]
    network = stopping(epochs=2, monitor=scoring, restore_best_weights=False)
    network.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    expected = score(y[40:], network.predict_proba(X[40:]))
    assert network.history_[f"val_{scoring}"][-1] == pytest.approx(expected)


@pytest.mark.parametrize("label", [1, 2])
def test_a_brier_score_of_rows_of_one_class(label, rng):
    """It is that of the second class, whatever labels the rows have."""
    X, y = rng.normal(size=(60, 3)), np.arange(60) % 2 + 1
    X_val, y_val = X[y == label], y[y == label]
    network = stopping(epochs=2, monitor="neg_brier_score", restore_best_weights=False)
    network.fit(X, y, X_val=X_val, y_val=y_val)
    expected = np.mean((network.predict_proba(X_val)[:, 1] - (label == 2)) ** 2)
    found = network.history_["val_neg_brier_score"][-1]
    assert found == pytest.approx(-expected, rel=1e-5)


def test_a_scorer_of_probabilities_that_the_loss_does_not_give(noisy):
    X, _, y, _ = noisy
    with pytest.raises(ValueError, match="'monitor' .* attributes: predict_proba"):
        stopping(loss="hinge", monitor="neg_log_loss", epochs=1).fit(X, y)


def test_validation_rows_of_any_number_for_regression(rng):
    network = plain_regressor(early_stopping=True, epochs=2)
    network.fit(rng.normal(size=(2, 2)), [0.0, 1.0])
    with pytest.raises(ValueError, match="n_samples=1"):
        network.fit([[0.0]], [1.0])


# --- weights of validation rows


@pytest.fixture
def doubtful(rng):
    """Half of the labels are wrong and weigh next to nothing."""
    X = rng.normal(size=(400, 5))
    right = (X[:, 0] > 0).astype(int)
    is_wrong = np.arange(400) % 2 == 1
    labels = np.where(is_wrong, 1 - right, right)
    return X, labels, np.where(is_wrong, 1e-4, 1.0)


@pytest.mark.parametrize("given", [False, True], ids=["set aside", "X_val"])
@pytest.mark.parametrize("monitor", ["val_loss", "neg_log_loss", "accuracy"])
def test_monitored_scores_heed_the_weights(monitor, given, doubtful):
    X, y, weight = doubtful
    rows = {"X": X, "y": y, "sample_weight": weight}
    if given:
        rows = {name: part[:300] for name, part in rows.items()}
        rows |= {"X_val": X[300:], "y_val": y[300:], "sample_weight_val": weight[300:]}
    network = stopping(monitor=monitor, epochs=30, validation_fraction=0.25)
    network.fit(**rows)
    right = (X[:, 0] > 0).astype(int)
    assert network.score(X, right) > 0.85  # by chance: 0.5
    if monitor == "neg_log_loss":
        best = max(network.history_["val_neg_log_loss"])
        assert best > -0.3, "of unweighted rows it would be below log(1/2)"


def test_each_member_heeds_the_weights(doubtful):
    X, y, weight = doubtful
    network = stopping(monitor="neg_log_loss", epochs=20, n_members=2)
    network.fit(X, y, sample_weight=weight)
    for member in network.members_:
        assert max(member.history_["val_neg_log_loss"]) > -0.4


def test_weights_of_given_rows_are_those_of_scikit_learns_scorer(doubtful):
    X, y, weight = doubtful
    rows = {"X_val": X[300:], "y_val": y[300:], "sample_weight_val": weight[300:]}
    network = stopping(monitor="neg_log_loss", epochs=3, restore_best_weights=False)
    network.fit(X[:300], y[:300], **rows)
    expected = log_loss(
        y[300:], network.predict_proba(X[300:]), sample_weight=weight[300:]
    )
    found = network.history_["val_neg_log_loss"][-1]
    assert found == pytest.approx(-expected, abs=1e-6)


def test_a_scorer_without_weights_is_refused_where_there_are_some(doubtful):
    X, y, weight = doubtful
    network = stopping(monitor="adjusted_rand_score", epochs=2)
    network.fit(X, y)
    network.fit(X, y, sample_weight=np.full(400, 2.0))  # all the same
    with pytest.raises(ValueError, match="'monitor' .* takes sample_weight"):
        network.fit(X, y, sample_weight=weight)


def test_weights_of_validation_rows_need_the_rows(doubtful):
    X, y, weight = doubtful
    with pytest.raises(ValueError, match="sample_weight_val needs X_val"):
        stopping().fit(X, y, sample_weight_val=weight)


def test_validation_rows_need_targets(noisy):
    X, X_val, y, _ = noisy
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        stopping().fit(X, y, X_val=X_val)


def test_validation_rows_are_checked(noisy):
    X, X_val, y, y_val = noisy
    with pytest.raises(ValueError, match="In X_val, .*: X has 3 features"):
        stopping().fit(X, y, X_val=X_val[:, :3], y_val=y_val)
    message = "In the validation rows: y must have only labels among the classes"
    with pytest.raises(ValueError, match=message):
        stopping().fit(X, y, X_val=X_val, y_val=y_val + 5)
