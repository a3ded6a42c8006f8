"""Keras callbacks and the line that `verbose` prints."""

import copy
import pickle
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV

from skreg import stacked
from skreg.engine import keras
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
    network(verbose=1, epochs=2, n_members=2).fit(X, Y)
    lines = sorted(capfd.readouterr().out.splitlines())
    assert [line.partition(" - loss: ")[0] for line in lines] == [
        f"Member {member} - Epoch {epoch}/2" for member in (1, 2) for epoch in (1, 2)
    ]


# --- what callbacks hear, beside what Keras tells them


class Diary(keras().callbacks.Callback):
    """Writes down what it hears; the copies share the list."""

    def __init__(self, entries):
        super().__init__()
        self.entries = entries

    def __deepcopy__(self, memo):
        return type(self)(self.entries)

    def note(self, what, number, logs):
        self.entries.append((what, number, sorted(logs or ())))

    def on_train_begin(self, logs=None):
        self.note("train begin", None, logs)

    def on_train_end(self, logs=None):
        self.note("train end", None, logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.note("epoch begin", epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self.note("epoch end", epoch, logs)


class BatchDiary(Diary):
    def on_train_batch_begin(self, batch, logs=None):
        self.note("batch begin", batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        self.note("batch end", batch, logs)
        weights = [np.array(w) for w in self.model.trainable_weights]
        self.entries.append((logs["loss"], weights))


def without_values(entries):
    return [entry for entry in entries if isinstance(entry[0], str)]


@pytest.mark.parametrize("kind", [Diary, BatchDiary])
def test_hooks_are_called_as_keras_calls_them(kind):
    ours, theirs = [], []
    fitted = network(epochs=2, callbacks=[kind(ours)]).fit(X, Y)
    model = fitted.model_
    model.fit(X, Y[:, None], epochs=2, verbose=0, callbacks=[kind(theirs)])
    assert without_values(ours) == without_values(theirs)


def test_batches_are_those_of_the_training():
    entries = []
    fitted = network(epochs=2, callbacks=[BatchDiary(entries)]).fit(X, Y)
    plain = network(epochs=2).fit(X, Y)
    assert fitted.history_["loss"] == pytest.approx(plain.history_["loss"], rel=1e-5)
    values = [entry for entry in entries if not isinstance(entry[0], str)]
    losses = [loss for loss, _ in values]
    n = len(values) // 2
    assert [losses[n - 1], losses[-1]] == pytest.approx(fitted.history_["loss"])
    for theirs, ours in zip(
        values[-1][1], fitted._state["weights"].values(), strict=True
    ):
        np.testing.assert_allclose(theirs.ravel(), ours.ravel(), rtol=1e-5)
    assert not np.allclose(values[0][1][0], values[1][1][0])


def test_a_batch_may_end_the_training():
    class Enough(keras().callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations == 10:
                self.model.stop_training = True

    fitted = network(callbacks=[Enough()]).fit(X, Y)
    assert fitted._state["step"] == 10  # of 7 an epoch
    assert fitted.n_iter_ == 2
    assert len(fitted.loss_curve_) == 2


def test_a_batch_may_set_the_learning_rate():
    class Freeze(keras().callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations == 7:
                self.model.optimizer.learning_rate = 0.0

    frozen = network(callbacks=[Freeze()]).fit(X, Y)
    one_epoch = network(epochs=1, schedule="constant").fit(X, Y)
    np.testing.assert_allclose(
        frozen.predict_proba(X), one_epoch.predict_proba(X), rtol=1e-5
    )


def test_batches_are_told_inside_a_stack():
    entries = []
    callback = BatchDiary(entries)
    grid = {"l2": [0.0, 0.1]}
    with stacked():
        search = GridSearchCV(
            network(epochs=2, callbacks=[callback]), grid, cv=2, refit=False
        ).fit(X, Y)
    plain = GridSearchCV(network(epochs=2), grid, cv=2, refit=False).fit(X, Y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )
    heard = [what for what, *_ in without_values(entries)]
    assert heard.count("train end") == 4
    assert heard.count("batch end") == 4 * 2 * 4  # fits, epochs, batches of 100 rows


# --- Keras's own


def test_model_checkpoint_writes_models_of_the_epochs(tmp_path):
    template = str(tmp_path / "{epoch:02d}-{val_loss:.5f}.keras")
    callback = keras().callbacks.ModelCheckpoint(template)
    fitted = network(callbacks=[callback], epochs=3).fit(X, Y, X_val=X, y_val=Y)
    values = enumerate(fitted.history_["val_loss"], start=1)
    names = [f"{epoch:02d}-{value:.5f}.keras" for epoch, value in values]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    model = keras().models.load_model(tmp_path / names[-1])
    np.testing.assert_allclose(
        np.ravel(model(X.astype("float32"))), fitted.predict_proba(X)[:, 1], rtol=1e-5
    )


def test_csv_logger_writes_the_history(tmp_path):
    path = tmp_path / "log.csv"
    callback = keras().callbacks.CSVLogger(str(path))
    fitted = network(callbacks=[callback], epochs=3).fit(X, Y, X_val=X, y_val=Y)
    found = np.genfromtxt(path, delimiter=",", names=True)
    assert found["epoch"].tolist() == [0, 1, 2]
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(found[name], fitted.history_[name])


def test_tensorboard_writes_events(tmp_path):
    pytest.importorskip("tensorboard", reason="optional")
    callback = keras().callbacks.TensorBoard(str(tmp_path))
    network(callbacks=[callback], epochs=2).fit(X, Y, X_val=X, y_val=Y)
    folders = {path.parent.name for path in tmp_path.rglob("events*")}
    assert folders == {"train", "validation"}


def test_terminate_on_nan_hears_of_it(capfd):
    callback = keras().callbacks.TerminateOnNaN()
    lost = network(learning_rate=1e38, optimizer="sgd", callbacks=[callback])
    with pytest.raises(ValueError, match="Training diverged"):
        lost.fit(X, Y)
    assert "Invalid loss, terminating training" in capfd.readouterr().out


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_backup_and_restore_goes_on(schedule, tmp_path):
    class FailError(keras().callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 3:
                raise RuntimeError("cut off")

    def backup():
        return keras().callbacks.BackupAndRestore(str(tmp_path / "backup"))

    settings = {"epochs": 8, "schedule": schedule, "dropout": 0.2}
    with pytest.raises(RuntimeError, match="cut off"):
        network(callbacks=[backup(), FailError()], **settings).fit(X, Y)
    restored = network(callbacks=[backup()], **settings).fit(X, Y)
    whole = network(**settings).fit(X, Y)
    np.testing.assert_allclose(
        restored.predict_proba(X), whole.predict_proba(X), rtol=1e-6
    )
    assert restored.n_iter_ == 8
    assert np.isnan(restored.loss_curve_[:4]).all()
    np.testing.assert_allclose(restored.loss_curve_[4:], whole.loss_curve_[4:])


def test_weights_that_a_callback_sets_at_the_start_count():
    class Zero(keras().callbacks.Callback):
        def on_train_begin(self, logs=None):
            for weight in self.model.trainable_weights:
                weight.assign(weight * 0)

    still = network(callbacks=[Zero()], learning_rate=1e-30).fit(X, Y)
    np.testing.assert_allclose(still.predict_proba(X), 0.5)


def test_a_third_partys_callback(tmp_path):
    """One with the interface of WandbMetricsLogger: batches, and attributes of its own.

    https://docs.wandb.ai/ref/python/integrations/keras
    """

    class MetricsLogger(keras().callbacks.Callback):
        def __init__(self, path, log_freq):
            super().__init__()
            self.path, self.log_freq, self.global_step = path, log_freq, 0

        def line(self, *values):
            with open(self.path, "a") as file:
                print(*values, file=file)

        def on_epoch_end(self, epoch, logs=None):
            rate = float(np.asarray(self.model.optimizer.learning_rate))
            self.line("epoch", epoch, rate, *logs)

        def on_batch_end(self, batch, logs=None):
            self.global_step += 1
            if batch % self.log_freq == 0:
                self.line("batch", self.global_step, *logs)

    path = tmp_path / "log"
    network(epochs=2, callbacks=[MetricsLogger(path, 5)]).fit(X, Y)
    lines = [line.split() for line in path.read_text().splitlines()]
    assert [line[:2] for line in lines] == [
        ["batch", "1"],
        ["batch", "6"],
        ["epoch", "0"],
        ["batch", "8"],
        ["batch", "13"],
        ["epoch", "1"],
    ]


# --- the score that is monitored

WATCHERS = {
    "EarlyStopping": lambda name, path: keras().callbacks.EarlyStopping(
        name, patience=2, restore_best_weights=True
    ),
    "ReduceLROnPlateau": lambda name, path: keras().callbacks.ReduceLROnPlateau(
        name, patience=1, factor=0.5
    ),
    "ModelCheckpoint": lambda name, path: keras().callbacks.ModelCheckpoint(
        path / "best.weights.h5", name, save_best_only=True, save_weights_only=True
    ),
}


@pytest.mark.parametrize("kind", list(WATCHERS))
@pytest.mark.parametrize("monitor", ["accuracy", "neg_log_loss"])
def test_callbacks_know_which_scores_are_better(kind, monitor, tmp_path):
    """With mode="auto", Keras's default."""
    name = f"val_{monitor}"
    callback = WATCHERS[kind](name, tmp_path)
    fitted = network(
        callbacks=[callback], monitor=monitor, epochs=12, learning_rate=0.05
    )
    fitted.fit(X[:100], Y[:100], X_val=X[100:], y_val=Y[100:])
    (used,) = fitted.callbacks_
    scores = fitted.history_[name]
    assert used is not callback
    assert used.best == pytest.approx(max(scores))
    assert callback.mode == "auto", "the user's own stays as it is"


# --- what callbacks gather


def test_what_callbacks_gathered_can_be_read():
    history = keras().callbacks.History()
    fitted = network(callbacks=[history], epochs=3).fit(X, Y)
    assert fitted.callbacks_[0].history["loss"] == fitted.loss_curve_
    assert history.model is None
    for again in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert not hasattr(again, "callbacks_")
    fitted.set_params(callbacks=None).fit(X, Y)
    assert not hasattr(fitted, "callbacks_")


def test_what_callbacks_of_members_gathered():
    callbacks = [keras().callbacks.History()]
    fitted = network(callbacks=callbacks, epochs=2, n_members=2).fit(X, Y)
    for member in fitted.members_:
        assert member.callbacks_[0].history["loss"] == member.loss_curve_
    fitted.set_params(callbacks=None).fit(X, Y)
    assert not hasattr(fitted, "callbacks_")


def test_a_callback_that_cannot_be_copied_is_named(tmp_path):
    class WithLock(keras().callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

    before = network(epochs=1).fit(X, Y)
    found = before.predict_proba(X)
    before.callbacks = [keras().callbacks.History(), WithLock()]
    message = r"'callbacks' .*WithLock: TypeError: .*lock"
    with pytest.raises(ValueError, match=message):
        before.fit(X, Y)
    with pytest.raises(ValueError, match=message):
        clone(before)
    with pytest.raises(ValueError, match=message):
        GridSearchCV(before, {"dropout": [0.0]}).fit(X, Y)
    np.testing.assert_array_equal(before.predict_proba(X), found)


# --- Keras's global settings


@pytest.fixture
def mixed():
    keras().config.set_dtype_policy("mixed_float16")
    yield
    keras().config.set_dtype_policy("float32")


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("n_members", [1, 2])
def test_a_global_policy_of_mixed_precision_changes_nothing(n_members):
    fitted = network(callbacks=[lambda_callback()], epochs=2, n_members=n_members)
    fitted.fit(X, Y)
    found = fitted.model_.predict(X.astype("float32"), verbose=0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0], fitted.predict_proba(X)[:, 1], atol=1e-6)
    if n_members == 1:
        fitted.model_.fit(X, Y, verbose=0)
        assert type(fitted.model_.optimizer).__name__ == "Adam"


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision_is_refused(name):
    keras().config.set_floatx(name)
    try:
        with pytest.raises(ValueError, match=f"floatx must be 'float32'.*{name}"):
            network().fit(X, Y)
    finally:
        keras().config.set_floatx("float32")


NO_WARNING = """
import numpy as np, keras
from skreg import MLPRegularizedClassifier
X = np.random.default_rng(0).normal(size=(40, 3)); y = (X[:, 0] > 0).astype(int)
for optimizer in ("adam", "sgd", "nadam", keras.optimizers.RMSprop(momentum=0.5)):
    net = MLPRegularizedClassifier(
        (4,), epochs=2, batchnorm=True, optimizer=optimizer, batch_size=20,
        callbacks=[keras.callbacks.History()],
    ).fit(X, y)
    again = MLPRegularizedClassifier.from_keras(net.model_)
"""


@pytest.mark.of_tensorflow
def test_nothing_warns_of_numpys_conversion_of_variables():
    subprocess.run([sys.executable, "-W", "error", "-c", NO_WARNING], check=True)
