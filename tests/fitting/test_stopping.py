"""Validation rows, early stopping and the best weights."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import train_test_split

from skreg.engine import keras
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


SMALL_PARTS = {
    "too few rows": (0.01, "a row of each of 2 classes"),
    "a class with one row": (0.1, "a row of each of 3 classes"),
}


@pytest.mark.parametrize("case", list(SMALL_PARTS))
def test_a_part_too_small_for_every_class(case, noisy):
    X, _, y, _ = noisy
    fraction, message = SMALL_PARTS[case]
    if "one row" in case:
        y = y.copy()
        y[0] = 2
    with pytest.raises(ValueError, match=f"'validation_fraction' .*{message}"):
        stopping(validation_fraction=fraction).fit(X[:60], y[:60])


def test_validation_rows_need_targets(noisy):
    X, X_val, y, _ = noisy
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        stopping().fit(X, y, X_val=X_val)


def test_validation_rows_are_checked(noisy):
    X, X_val, y, y_val = noisy
    with pytest.raises(ValueError, match="X has 3 features"):
        stopping().fit(X, y, X_val=X_val[:, :3], y_val=y_val)
    with pytest.raises(ValueError, match="labels among the classes"):
        stopping().fit(X, y, X_val=X_val, y_val=y_val + 5)
