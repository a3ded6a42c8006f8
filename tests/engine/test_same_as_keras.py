"""Promise: without noise, training is Keras's own, step by step.

Each test trains an estimator, and beside it the Keras model that it starts from, by
``train_on_batch`` on the same batches; weights and moving statistics must agree. All
runs in double precision, so that a formula that differs cannot hide behind rounding;
what is left is that Keras rounds constants such as a momentum of 0.9 to single, and on
JAX means, too: where a bias's gradient is zero but for rounding (before batch
normalisation), or an l1 penalty turns it round, its steps are those of the rounding.
"""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression

from skreg.engine import keras
from skreg.engine.batches import mixup_shares
from skreg.fitting import job_of, optimizer_settings, schedule_of
from skreg.fitting.parameters import activation_names, initializer_names
from skreg.interop.keras_model import build_model, read_weights
from tests.conftest import BACKEND
from tests.support import batch_rows, plain_classifier, plain_regressor

N_ROWS, BATCH, EPOCHS = 50, 16, 3  # the last batch of an epoch has 2 rows

pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture
def binary():
    return make_classification(N_ROWS, 6, random_state=0)


@pytest.fixture
def multiclass():
    return make_classification(N_ROWS, 6, n_informative=4, n_classes=3, random_state=0)


@pytest.fixture
def numbers():
    X, y = make_regression(N_ROWS, 6, noise=5.0, random_state=0)
    return X, y * 10 + 300


def captured_start(network, monkeypatch):
    """The network's job, its samples and its Keras model as training finds them."""
    caught = {}
    train = type(network)._train

    def spy(self, parts, run, seeds):
        structure, job = job_of(self, *parts[0], run)
        self._take_state(structure, job, job.state, float(job.schedule.rates([0])[0]))
        model = build_model(self)
        model.run_eagerly = True  # in half of the time
        caught.update(job=job, model=model, training=parts[0][0])
        return train(self, parts, run, seeds)

    monkeypatch.setattr(type(network), "_train", spy)
    return caught


def assert_trains_as_keras(network, X, y, monkeypatch, sample_weight=None):
    network.set_params(batch_size=BATCH, epochs=EPOCHS, random_state=0)
    if network.optimizer == "adam" and network.learning_rate is None:
        network.set_params(learning_rate=1e-3)  # so that roundings stay small
    caught = captured_start(network, monkeypatch)
    network.fit(X, y, sample_weight=sample_weight)
    job, model, sample = caught["job"], caught["model"], caught["training"]
    targets = sample.y
    if hasattr(network, "classes_"):
        targets = job.rows.y
        if model.output_shape[1] > 1 and not network._multilabel:
            targets = np.eye(model.output_shape[1])[targets[:, 0].astype(int)]
    step = 0
    for epoch in range(EPOCHS):
        for rows in batch_rows(job, epoch):
            model.optimizer.learning_rate = job.schedule.rates([step])[0]
            inputs = sample.X[rows], targets[rows].reshape(len(rows), -1)
            if network.mixup:
                inputs = mixed(job, step, *inputs)
            weight = job.rows.weight[rows]
            model.train_on_batch(*inputs, sample_weight=weight)
            step += 1
    has_loose_bias = network.batchnorm is True or network.bias_l1
    atol = 5e-3 if BACKEND == "jax" and has_loose_bias else 1e-5
    weights, moving = read_weights(model, network._structure())
    for name, expected in (weights | moving).items():
        state = network._state["weights"] | network._state["moving"]
        np.testing.assert_allclose(
            state[name], expected, rtol=1e-5, atol=atol, err_msg=name
        )
    start = job.state.weights["kernel_0"]
    moved = np.abs(network._state["weights"]["kernel_0"] - start).max()
    assert moved > 1e-5, "training did nothing, so agreement means nothing"
    assert network.model_.optimizer.iterations == step
    for held, ours in zip(
        model.optimizer.variables, network.model_.optimizer.variables, strict=True
    ):
        if "learning_rate" not in held.path:
            np.testing.assert_allclose(ours, held, rtol=1e-5, atol=atol)
    np.testing.assert_allclose(
        network._outputs(X).mean(axis=0) * network._target_scale()[0]
        + network._target_scale()[1],
        model.predict_on_batch(X),
        rtol=1e-5,
        atol=atol,
    )


def mixed(job, step, x, y):
    """The batch of a step after mixup: each row with the one before it.

    The first row is mixed with the second. A loss that is linear in the target, or
    whose slope is, gives the same for mixed targets as the mixture of two losses.
    """
    share = mixup_shares(job, step, 1)[0][: len(x), None]
    partners = np.maximum(np.arange(-1, len(x) - 1), 0)
    partners[0] = 1
    return [(1 - share) * rows + share * rows[partners] for rows in (x, y)]


@pytest.mark.parametrize("kind", ["binary", "multiclass", "numbers"])
def test_mixup(kind, request, monkeypatch):
    X, y = request.getfixturevalue(kind)
    make = plain_regressor if kind == "numbers" else plain_classifier
    assert_trains_as_keras(make((8,), mixup=0.4), X, y, monkeypatch)


OPTIMIZERS = [
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.0},
    {"optimizer": "sgd", "nesterov": True},
    {"optimizer": "adagrad"},
    {"optimizer": "rmsprop"},
    {"optimizer": "rmsprop", "momentum": 0.5, "rho": 0.8},
    {"optimizer": "adam"},
    {"optimizer": "adam", "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3},
    {"optimizer": "adamw"},
    {"optimizer": "adamw", "weight_decay": 0.1},
    {"optimizer": "nadam"},
    {"optimizer": "adamax"},
    {"optimizer": "adadelta"},
    {"optimizer": "lion"},
    {"optimizer": "ftrl", "learning_rate": 0.05},
    {"optimizer": "sgd", "weight_decay": 0.1},
    {"optimizer": "adam", "clipnorm": 0.05},
]


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
def test_optimizers(settings, binary, monkeypatch):
    network = plain_classifier((8, 4), **settings)
    assert_trains_as_keras(network, *binary, monkeypatch)


def keras_optimizers():
    o = keras().optimizers
    decay = o.schedules.ExponentialDecay(0.01, 5, 0.9)
    return {
        "sgd": o.SGD(0.05, momentum=0.5, nesterov=True),
        "amsgrad": o.Adam(0.01, amsgrad=True),
        "adamw-amsgrad": o.AdamW(0.01, weight_decay=0.2, amsgrad=True),
        "centered": o.RMSprop(0.01, centered=True, momentum=0.1),
        "adagrad": o.Adagrad(0.1, initial_accumulator_value=0.3),
        "adadelta": o.Adadelta(0.5, rho=0.8),
        "ftrl": o.Ftrl(
            0.05,
            l1_regularization_strength=0.01,
            l2_regularization_strength=0.02,
            l2_shrinkage_regularization_strength=0.03,
            beta=0.1,
            learning_rate_power=-0.4,
            initial_accumulator_value=0.2,
        ),
        "lion": o.Lion(0.01, beta_1=0.8),
        "global_clipnorm": o.Adam(0.01, global_clipnorm=0.01),
        "clipvalue": o.SGD(0.1, clipvalue=0.01),
        "schedule": o.Adam(decay),
    }


@pytest.mark.parametrize("name", list(keras_optimizers()))
def test_keras_optimizer_instances(name, binary, monkeypatch):
    network = plain_classifier((8,), optimizer=keras_optimizers()[name])
    assert_trains_as_keras(network, *binary, monkeypatch)


PENALTIES = [
    {"l1": 0.01},
    {"l2": 0.01},
    {"l1": 0.01, "l2": 0.02},
    {"bias_l1": 0.01, "bias_l2": 0.1},
    {"activity_l1": 0.01, "activity_l2": 0.02},
    {"max_norm": 0.5},
    {"label_smoothing": 0.2},
]


@pytest.mark.parametrize("settings", PENALTIES, ids=str)
def test_penalties(settings, binary, monkeypatch):
    network = plain_classifier((8, 4), **settings)
    assert_trains_as_keras(network, *binary, monkeypatch)


@pytest.mark.parametrize("batchnorm", [True, "layer"])
@pytest.mark.parametrize(
    "settings",
    [{"batchnorm_momentum": 0.7}, {"activity_l2": 0.01, "l2": 0.01}],
    ids=str,
)
def test_normalisation(batchnorm, settings, binary, monkeypatch):
    network = plain_classifier((8, 4), batchnorm=batchnorm, **settings)
    assert_trains_as_keras(network, *binary, monkeypatch)


def test_a_last_batch_of_one_row(numbers, monkeypatch):
    """Its variance is 0, by which padding would grow from layer to layer."""
    X, y = (array[: 3 * BATCH + 1] for array in numbers)
    network = plain_regressor((32, 32, 32), batchnorm=True, loss="poisson")
    assert_trains_as_keras(network, X, np.abs(y) / 300, monkeypatch)


@pytest.mark.parametrize("loss", ["log_loss", "focal", "hinge"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_class_losses(loss, kind, label_smoothing, multiclass, monkeypatch):
    X, y = multiclass
    if kind == "binary":
        y = y > 0
    elif kind == "multilabel":
        y = np.stack([y == 0, y == 1, X[:, 0] > 0], axis=1).astype(int)
    network = plain_classifier(
        (8,), loss=loss, label_smoothing=label_smoothing, focal_gamma=1.5
    )
    assert_trains_as_keras(network, X, y, monkeypatch)


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "squared_error"},
        {"loss": "absolute_error"},
        {"loss": "huber", "huber_delta": 0.5},
        {"loss": "quantile", "quantile": 0.8},
        {"loss": "poisson"},
    ],
    ids=str,
)
@pytest.mark.parametrize("normalize", [True, False])
def test_number_losses(settings, normalize, numbers, monkeypatch):
    X, y = numbers
    y = np.abs(y) if normalize else np.abs(y) / 300
    network = plain_regressor((8,), normalize=normalize, **settings)
    assert_trains_as_keras(network, X, y, monkeypatch)


def test_many_targets(numbers, monkeypatch):
    X, y = numbers
    y = np.stack([y, y**2 / 300, X[:, 0]], axis=1)
    network = plain_regressor((8,), normalize=False, learning_rate=1e-4)
    assert_trains_as_keras(network, X, y, monkeypatch)


@pytest.mark.parametrize("estimator", ["classifier", "regressor"])
def test_sample_weights(estimator, binary, numbers, rng, monkeypatch):
    weight = rng.uniform(0.1, 3, N_ROWS)
    if estimator == "classifier":
        network = plain_classifier((8,), batchnorm=True, class_weight={1: 3.0})
        assert_trains_as_keras(network, *binary, monkeypatch, weight)
    else:
        network = plain_regressor((8,), l2=0.01)
        assert_trains_as_keras(network, *numbers, monkeypatch, weight)


@pytest.mark.parametrize("activation", activation_names())
def test_activations(activation, binary, monkeypatch):
    network = plain_classifier((8,), activation, initializer="he_normal")
    assert_trains_as_keras(network, *binary, monkeypatch)


def test_activation_function(binary, monkeypatch):
    def squared_relu(x):
        return keras().ops.square(keras().ops.relu(x))

    network = plain_classifier((8,), squared_relu)
    assert_trains_as_keras(network, *binary, monkeypatch)


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_leaky_slope(slope, binary, monkeypatch):
    network = plain_classifier((8,), "leaky_relu", negative_slope=slope)
    assert_trains_as_keras(network, *binary, monkeypatch)


@pytest.mark.parametrize(
    "schedule", ["constant", "cosine", "cosine_restarts", "step", "exponential"]
)
@pytest.mark.parametrize("warmup", [0.0, 0.25])
def test_schedules(schedule, warmup, binary, monkeypatch):
    network = plain_classifier((8,), schedule=schedule, warmup=warmup)
    assert_trains_as_keras(network, *binary, monkeypatch)


STEPS = 70


def rates_of(network):
    schedule = schedule_of(network, optimizer_settings(network), STEPS, 0, 0)
    return schedule.rates(np.arange(STEPS))


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("cosine", ("CosineDecay", (0.1, STEPS))),
        ("cosine_restarts", ("CosineDecayRestarts", (0.1, STEPS / 7))),
        ("exponential", ("ExponentialDecay", (0.1, STEPS, 0.01))),
        ("step", ("PiecewiseConstantDecay", ([35.0, 52.5], [0.1, 0.01, 0.001]))),
    ],
)
def test_schedule_formulas_are_those_of_keras(name, theirs):
    kind, arguments = theirs
    schedule = getattr(keras().optimizers.schedules, kind)(*arguments)
    ours = rates_of(plain_classifier(schedule=name, learning_rate=0.1))
    expected = [float(schedule(step)) for step in range(STEPS)]
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-8)


def test_warmup_rises_to_the_schedule():
    settings = {"schedule": "cosine", "learning_rate": 0.1}
    rates = rates_of(plain_classifier(**settings, warmup=0.2))
    np.testing.assert_allclose(rates[:14], 0.1 * np.arange(1, 15) / 14)
    share = np.arange(56) / 56
    np.testing.assert_allclose(rates[14:], 0.05 * (1 + np.cos(np.pi * share)))


def keras_schedules():
    s = keras().optimizers.schedules
    return [
        s.InverseTimeDecay(0.05, 4, 0.5),
        s.ExponentialDecay(0.1, 10, 0.5, staircase=True),
        s.PolynomialDecay(0.1, 20, cycle=True),
        s.PiecewiseConstantDecay([10, 30], [0.1, 0.05, 0.01]),
        s.CosineDecay(0.0, 40, warmup_target=0.1, warmup_steps=10),
        s.CosineDecayRestarts(0.1, 9),
    ]


@pytest.mark.parametrize("i", range(len(keras_schedules())))
def test_keras_schedules(i):
    schedule = keras_schedules()[i]
    expected = [float(schedule(step)) for step in range(STEPS)]
    rates = rates_of(plain_classifier(schedule=schedule))
    np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-8)
    optimizer = keras().optimizers.Adam(schedule)
    rates = rates_of(plain_classifier(optimizer=optimizer))
    np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-8)


def test_keras_schedules_act(binary, monkeypatch):
    network = plain_classifier((8,), schedule=keras_schedules()[0])
    assert_trains_as_keras(network, *binary, monkeypatch)


@pytest.mark.parametrize("initializer", initializer_names())
def test_initializers_are_drawn_by_keras(initializer, binary):
    network = plain_classifier(
        (64, 64), initializer=initializer, epochs=1, learning_rate=1e-12
    ).fit(*binary)
    kernel = network._state["weights"]["kernel_1"]
    name = "he_normal" if initializer == "auto" else initializer
    expected = np.asarray(keras().initializers.get(name)((64, 64)))
    np.testing.assert_allclose(kernel.std(), np.std(expected), rtol=0.1, atol=1e-6)
    np.testing.assert_allclose(kernel.mean(), np.mean(expected), atol=0.02)


def test_history_is_that_of_keras(binary, monkeypatch):
    X, y = binary
    network = plain_classifier(
        (8,), l2=0.01, batch_size=BATCH, epochs=EPOCHS, batchnorm=True, random_state=0
    ).set_params(learning_rate=1e-3)
    caught = captured_start(network, monkeypatch)
    network.fit(X, y, X_val=X[:20], y_val=y[:20])
    model, expected = caught["model"], {"loss": [], "val_loss": []}
    for epoch in range(EPOCHS):
        losses, counts = [], []
        for rows in batch_rows(caught["job"], epoch):
            model.reset_metrics()
            losses.append(float(model.train_on_batch(X[rows], y[rows])))
            counts.append(len(rows))
        expected["loss"].append(np.average(losses, weights=counts))
        expected["val_loss"].append(model.evaluate(X[:20], y[:20], verbose=0))
    np.testing.assert_allclose(network.history_["loss"], expected["loss"], rtol=1e-6)
    # On JAX, biases before batch normalisation differ (see above): moving means lag
    # behind them.
    rtol = 1e-5 if BACKEND == "jax" else 1e-6
    np.testing.assert_allclose(
        network.history_["val_loss"], expected["val_loss"], rtol=rtol
    )
