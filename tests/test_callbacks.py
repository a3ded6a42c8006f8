"""Keras callbacks and the line that `verbose` prints."""

import re

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV

from skreg._keras import keras
from tests.support import plain_classifier

X, Y = make_classification(200, 6, random_state=0)


def network(**settings):
    return plain_classifier((8,), random_state=0, **({"epochs": 6} | settings))


def lambda_callback(**functions):
    return keras().callbacks.LambdaCallback(**functions)


def test_callbacks_hear_of_every_epoch():
    heard = []
    callback = lambda_callback(
        on_train_begin=lambda logs: heard.append("begin"),
        on_epoch_begin=lambda epoch, logs: heard.append(f"epoch {epoch}"),
        on_epoch_end=lambda epoch, logs: heard.append(logs["loss"]),
        on_train_end=lambda logs: heard.append("end"),
    )
    # The copies share the lambdas, and with them the list.
    fitted = network(callbacks=[callback], epochs=2).fit(X, Y)
    first, second = fitted.loss_curve_
    assert heard == ["begin", "epoch 0", first, "epoch 1", second, "end"]


def test_callbacks_that_watch_change_nothing():
    watched = network(callbacks=[lambda_callback()], schedule="cosine").fit(X, Y)
    plain = network(schedule="cosine").fit(X, Y)
    np.testing.assert_allclose(
        watched.predict_proba(X), plain.predict_proba(X), rtol=1e-5
    )


def test_the_model_of_a_callback_is_that_of_the_moment():
    seen = []

    class Watch(keras().callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            model = self.model
            seen.append(
                (model(X.astype("float32"))[:, 0], model.optimizer.iterations + 0)
            )

    for epochs in (1, 3):
        seen.clear()
        fitted = network(callbacks=[Watch()], epochs=epochs).fit(X, Y)
        outputs, iterations = seen[-1]
        np.testing.assert_allclose(outputs, fitted.predict_proba(X)[:, 1], rtol=1e-4)
        assert iterations == fitted._state["step"]


def test_keras_early_stopping_stops_and_restores():
    settings = {"epochs": 200, "learning_rate": 0.05}
    callback = keras().callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    theirs = network(callbacks=[callback], **settings)
    theirs.fit(X[:100], Y[:100], X_val=X[100:], y_val=Y[100:])
    ours = network(early_stopping=True, patience=3, **settings)
    ours.fit(X[:100], Y[:100], X_val=X[100:], y_val=Y[100:])
    assert theirs.n_iter_ == ours.n_iter_ < 200
    np.testing.assert_allclose(
        theirs.predict_proba(X), ours.predict_proba(X), rtol=1e-4, atol=1e-6
    )


def test_learning_rates_that_callbacks_set_act():
    scheduler = keras().callbacks.LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1))
    rates = []
    watch = lambda_callback(
        on_epoch_end=lambda epoch, logs: rates.append(logs["learning_rate"])
    )
    fitted = network(callbacks=[scheduler, watch], optimizer="sgd").fit(X, Y)
    np.testing.assert_allclose(rates, 0.5 / np.arange(1, 7), rtol=1e-6)
    constant = network(optimizer="sgd", learning_rate=0.5).fit(X, Y)
    assert fitted.loss_curve_[0] == pytest.approx(constant.loss_curve_[0], rel=1e-5)
    assert fitted.loss_curve_[2] != pytest.approx(constant.loss_curve_[2], rel=1e-3)


def test_reduce_on_plateau_reduces():
    callback = keras().callbacks.ReduceLROnPlateau(
        monitor="loss", patience=1, factor=0.1, min_delta=10.0
    )
    fitted = network(callbacks=[callback], learning_rate=1e-3).fit(X, Y)
    # The first epoch is the best one; each later one divides by ten.
    assert float(fitted.model_.optimizer.learning_rate) == pytest.approx(1e-8)


@pytest.mark.parametrize("place", ["schedule", "optimizer"])
def test_callbacks_beside_schedules_of_keras(place):
    schedule = keras().optimizers.schedules.CosineDecay(0.1, 10)
    value = schedule if place == "schedule" else keras().optimizers.SGD(schedule)
    watched = network(callbacks=[lambda_callback()], **{place: value}).fit(X, Y)
    plain = network(**{place: value}).fit(X, Y)
    np.testing.assert_allclose(
        watched.predict_proba(X), plain.predict_proba(X), rtol=1e-5
    )


def test_weights_that_a_callback_breaks_are_seen():
    class Break(keras().callbacks.Callback):
        def on_train_end(self, logs=None):
            self.model.set_weights([w * np.nan for w in self.model.get_weights()])

    with pytest.raises(ValueError, match="diverged"):
        network(callbacks=[Break()]).fit(X, Y)


def test_watching_does_not_change_the_best_epoch(capsys):
    settings = {"monitor": "loss", "learning_rate": 0.3, "epochs": 20}
    loud = network(verbose=1, **settings).fit(X, Y)
    assert loud.best_epoch_ == network(**settings).fit(X, Y).best_epoch_ == 20
    assert capsys.readouterr().out


def test_a_search_shares_callbacks():
    callback = keras().callbacks.EarlyStopping(monitor="loss", patience=1)
    search = GridSearchCV(
        network(callbacks=[callback]), {"dropout": [0.0, 0.3]}, cv=2
    ).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert callback.model is None, "each fit has a copy of its own"


def test_verbose_prints_epochs(capfd):
    network(verbose=1, epochs=2).fit(X, Y, X_val=X, y_val=Y)
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 2
    pattern = r"Epoch 2/2 - loss: \d\.\d{4} - val_loss: \d\.\d{4}"
    assert re.fullmatch(pattern, lines[1])
    network(epochs=2).fit(X, Y)
    assert capfd.readouterr() == ("", "")
