"""The penalty on whole features: Keras's steps and a proximal step written in numpy."""

import numpy as np
import pytest
from sklearn.datasets import make_classification

from skreg.engine import OPTIMIZERS, keras
from skreg.engine.scales import SCALES
from tests.engine.test_same_as_keras import captured_start
from tests.support import batch_rows, plain_classifier

N_FEATURES, N_ROWS, BATCH, EPOCHS = 8, 60, 16, 6


@pytest.fixture(scope="module")
def data():
    return make_classification(
        N_ROWS, N_FEATURES, n_informative=3, n_redundant=0, random_state=0
    )


def scale(optimizer, name, step):
    """What a Keras optimizer divides the first kernel's gradient by."""

    def held(attribute):
        return np.asarray(getattr(optimizer, attribute)[0])

    def root(squares):
        return np.sqrt(squares + optimizer.epsilon)

    def adam():
        second = held("_velocity_hats" if optimizer.amsgrad else "_velocities")
        root = np.sqrt(second) + optimizer.epsilon
        return root / np.sqrt(1 - optimizer.beta_2**step)

    def rmsprop():
        average = held("_average_gradients") if optimizer.centered else 0
        return root(held("_velocities") - average**2)

    def nadam():
        second = held("_velocities") / (1 - optimizer.beta_2**step)
        return np.sqrt(second) + optimizer.epsilon

    def sgd():
        m = optimizer.momentum
        return np.ones(1) / (1 - m + m**2 if optimizer.nesterov else 1)

    def adadelta():
        return root(held("_accumulated_grads")) / root(held("_accumulated_delta_vars"))

    return {
        "sgd": sgd,
        "adam": adam,
        "adamw": adam,
        "nadam": nadam,
        "rmsprop": rmsprop,
        "adadelta": adadelta,
        "adamax": lambda: held("_u") + optimizer.epsilon,
        "adagrad": lambda: root(held("_accumulators")),
        "lion": lambda: np.abs(held("_momentums")),
        "ftrl": lambda: np.sqrt(held("_accumulators")) / step,
    }[name]()


def shrink(model, network, name, step, rate, strength):
    """The proximal step on the Keras model's first kernel, in numpy."""
    variable, optimizer = model.trainable_variables[0], model.optimizer
    kernel = np.asarray(variable).copy()
    groups = np.arange(len(kernel))
    if network.feature_groups is not None:
        groups = np.asarray(network.feature_groups)
    squares = np.square(kernel).sum(axis=1)
    rms = np.sqrt(squares.mean())
    divisors = np.square(scale(optimizer, name, step)) + np.zeros(kernel.shape)
    new = kernel.copy()
    for group in set(groups.tolist()):
        rows = groups == group
        threshold = rate * strength * rms / np.sqrt(divisors[rows].mean())
        new[rows] *= max(0.0, 1 - threshold / max(squares[rows].mean(), 1e-30))
    variable.assign(new)
    if name == "sgd" and optimizer.momentum:
        momentum = optimizer.momentums[0]
        momentum.assign(np.asarray(momentum) + new - kernel)
    if name == "rmsprop" and optimizer.momentum:
        momentum = optimizer._momentums[0]
        momentum.assign(np.asarray(momentum) - (new - kernel))


def keras_optimizers():
    o = keras().optimizers
    return {
        "amsgrad": ("adam", o.Adam(0.01, amsgrad=True)),
        "centered": ("rmsprop", o.RMSprop(0.01, centered=True, momentum=0.5)),
    }


CASES = [
    *({"optimizer": name} for name in OPTIMIZERS if name != "ftrl"),
    {"optimizer": "ftrl", "learning_rate": 0.05},
    {"optimizer": "sgd", "nesterov": True, "learning_rate": 0.1},
    {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.1},
    {"optimizer": "rmsprop", "momentum": 0.5},
    {"optimizer": "amsgrad"},
    {"optimizer": "centered"},
    {"optimizer": "sgd", "feature_groups": [0, 0, 1, 2, 2, 2, 3, 4]},
    {"optimizer": "adam", "feature_groups": list("aabbcdde"), "weight_decay": 0.1},
    {"optimizer": "adam", "l2": 0.01, "max_norm": 0.8},
]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("settings", CASES, ids=str)
def test_it_trains_as_keras_with_a_proximal_step(settings, data, monkeypatch):
    name = settings["optimizer"]
    if name in keras_optimizers():
        name, instance = keras_optimizers()[name]
        settings = settings | {"optimizer": instance}
    network = plain_classifier(
        (5,), feature_l1=0.05, batch_size=BATCH, epochs=EPOCHS, random_state=0
    ).set_params(**settings)
    caught = captured_start(network, monkeypatch)
    network.fit(*data)
    job, model, sample = caught["job"], caught["model"], caught["training"]
    n_steps, step = EPOCHS * -(-N_ROWS // BATCH), 0
    for epoch in range(EPOCHS):
        for rows in batch_rows(job, epoch):
            rate = job.schedule.rates([step])[0]
            model.optimizer.learning_rate = rate
            model.train_on_batch(sample.X[rows], job.rows.y[rows])
            step += 1
            share = min(1.0, step / (0.5 * n_steps))
            shrink(model, network, name, step, rate, 0.05 * share)
    found = [
        a.reshape(v.shape)
        for a, v in zip(
            network._state["weights"].values(), model.trainable_variables, strict=True
        )
    ]
    for ours, theirs in zip(found, model.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5, atol=1e-5)
    # The step has to have done something.
    plain = network.__class__(**network.get_params()).set_params(feature_l1=0.0)
    other = plain.fit(*data)._state["weights"]["kernel_0"]
    assert np.abs(found[0] - other).max() > 1e-4


def test_every_optimizer_has_a_scale():
    assert set(SCALES) == set(OPTIMIZERS)
