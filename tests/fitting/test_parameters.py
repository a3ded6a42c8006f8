"""Every constructor parameter: wrong types and values, and what the errors say."""

from fractions import Fraction

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor
from skreg.engine import OPTIMIZERS, keras
from skreg.estimators import base
from skreg.fitting.parameters import USUAL_INITIALIZERS, initializer_names
from tests.support import captured

X, Y = make_classification(40, 5, random_state=0)


class Unhelpful:
    """A value of no accepted type, with a short repr."""

    def __repr__(self):
        return "<unhelpful>"


NOT_A_NUMBER = [(Unhelpful(), None), ("0.1", None), (True, None), (np.nan, None)]
HUGE = 10**400
RATE = [(-0.1, None), (1.0, None), *NOT_A_NUMBER]
NOT_NEGATIVE = [(-1e-9, None), (np.inf, None), *NOT_A_NUMBER]
POSITIVE_OR_NONE = [(0.0, None), (-1.0, None), *NOT_A_NUMBER]
RATE_OR_NONE = [(1.0, None), (-0.5, None), *NOT_A_NUMBER]
COUNT = [(0, None), (2.0, None), *NOT_A_NUMBER]
FLAG = [(1, None), ("True", None), (None, None)]

# Wrong values of each parameter, with the nearest name where one is suggested.
SHARED = {
    "hidden_layer_sizes": [
        (0, None),
        ((8, -1), None),
        ((8, 2.5), None),
        ("8", None),
        ([3, [4]], None),
    ],
    "activation": [("rleu", "relu"), (5, None), ("glu", "gelu"), (None, None)],
    "negative_slope": [*NOT_NEGATIVE, (HUGE, None)],
    "dropout": [*RATE, ((0.1, 1.2), None), ([0.1, "a"], None)],
    "input_dropout": RATE,
    "gaussian_noise": NOT_NEGATIVE,
    "mixup": NOT_NEGATIVE,
    "l1": NOT_NEGATIVE,
    "l2": [*NOT_NEGATIVE, ("auot", "auto"), (None, None)],
    "feature_l1": NOT_NEGATIVE,
    "feature_groups": [(3, None), ("abcde", None), ([0, 0, 1, 1.5, 2], None)],
    "bias_l1": NOT_NEGATIVE,
    "bias_l2": NOT_NEGATIVE,
    "activity_l1": NOT_NEGATIVE,
    "activity_l2": NOT_NEGATIVE,
    "max_norm": POSITIVE_OR_NONE,
    "weight_decay": [(-0.1, None), *NOT_A_NUMBER],
    "batchnorm": [("batch", None), (1, None), ("layers", "layer")],
    "batchnorm_momentum": RATE,
    "normalize": [(1, None), ("robst", "robust"), (None, None)],
    "initializer": [("he_norml", "he_normal"), (3, None), (None, None)],
    "optimizer": [("Adem", "adam"), (None, None), (0.1, None)],
    "learning_rate": POSITIVE_OR_NONE,
    "momentum": RATE_OR_NONE,
    "nesterov": FLAG,
    "rho": RATE_OR_NONE,
    "beta_1": RATE_OR_NONE,
    "beta_2": RATE_OR_NONE,
    "epsilon": POSITIVE_OR_NONE,
    "clipnorm": POSITIVE_OR_NONE,
    "schedule": [("cosin", "cosine"), (None, None), (0.1, None)],
    "warmup": RATE,
    "batch_size": [*COUNT[:3], ("fall", "full"), (None, None)],
    "epochs": [*COUNT, (2**31, None), (10**30, None)],
    "n_members": COUNT,
    "early_stopping": FLAG,
    "validation_fraction": [(0.0, None), (1.0, None), *NOT_A_NUMBER],
    "patience": [(-1, None), (1.5, None), *NOT_A_NUMBER],
    "min_delta": NOT_NEGATIVE,
    "monitor": [("roc_uac", "roc_auc"), ("val_los", "val_loss"), (None, None)],
    "restore_best_weights": FLAG,
    "callbacks": [(Unhelpful(), None), (["EarlyStopping"], None)],
    "checkpoint": [(3, None), (True, None), (["a"], None)],
    "checkpoint_every": [(0, None), (1.5, None), ("bset", "best"), (None, None)],
    "verbose": [(-1, None), ("yes", None), (0.5, None)],
    "warm_start": FLAG,
    "random_state": [(-1, None), ("seed", None), (2**32, None), (1.5, None)],
}
CLASSIFIER = SHARED | {
    "loss": [
        ("log_los", "log_loss"),
        ("binary_crossentropy", "log_loss"),
        (None, None),
        ("squared_error", None),
    ],
    "label_smoothing": RATE,
    "focal_gamma": NOT_NEGATIVE,
    "class_weight": [("balance", "balanced"), (3, None)],
}
REGRESSOR = SHARED | {
    "loss": [
        ("hubert", "huber"),
        ("mse", "squared_error"),
        (None, None),
        ("log_loss", None),
    ],
    "huber_delta": [(0.0, None), *NOT_A_NUMBER],
    "quantile": [(0.0, None), (1.0, None), *NOT_A_NUMBER],
}

CASES = [
    pytest.param(kind, name, value, near, id=f"{kind.__name__[14:]}-{name}-{value!r}")
    for kind, table in (
        (MLPRegularizedClassifier, CLASSIFIER),
        (MLPRegularizedRegressor, REGRESSOR),
    )
    for name, cases in table.items()
    for value, near in cases
]


@pytest.mark.parametrize(("kind", "name", "value", "near"), CASES)
def test_wrong_value_is_named(kind, name, value, near):
    estimator = kind(epochs=1).set_params(**{name: value})
    with pytest.raises(ValueError, match=f"The '{name}' parameter") as caught:
        estimator.fit(X, Y)
    message = str(caught.value)
    assert f"of {kind.__name__} must be" in message
    assert f"Got {value!r} instead." in message
    assert ("Did you mean" in message) == (near is not None)
    if near:
        assert f"Did you mean {near!r}?" in message


@pytest.mark.parametrize(
    ("kind", "table"),
    [(MLPRegularizedClassifier, CLASSIFIER), (MLPRegularizedRegressor, REGRESSOR)],
)
def test_every_parameter_has_wrong_values(kind, table):
    assert set(table) == set(kind().get_params())


# A value of each parameter other than its default that changes the network.
CHANGES = {
    "hidden_layer_sizes": (9,),
    "activation": "tanh",
    "negative_slope": 0.4,
    "dropout": 0.3,
    "input_dropout": 0.3,
    "gaussian_noise": 0.5,
    "mixup": 0.5,
    "l1": 0.1,
    "l2": 0.1,
    "feature_l1": 0.1,
    "feature_groups": [0, 0, 0, 1, 1],
    "bias_l1": 0.1,
    "bias_l2": 1.0,
    "activity_l1": 0.1,
    "activity_l2": 0.1,
    "max_norm": 0.1,
    "weight_decay": 1.0,
    "batchnorm": True,
    "batchnorm_momentum": 0.5,
    "normalize": False,
    "initializer": "lecun_uniform",
    "optimizer": "adamax",
    "learning_rate": 0.1,
    "momentum": 0.1,
    "nesterov": True,
    "rho": 0.5,
    "beta_1": 0.5,
    "beta_2": 0.5,
    "epsilon": 0.1,
    "clipnorm": 1e-3,
    "schedule": "exponential",
    "warmup": 0.5,
    "batch_size": 7,
    "epochs": 4,
    "early_stopping": True,
    "validation_fraction": 0.4,
    "patience": 1,
    "min_delta": 100.0,
    "monitor": "loss",
    "restore_best_weights": False,
    "warm_start": True,
    "random_state": 5,
    "label_smoothing": 0.4,
    "focal_gamma": 5.0,
    "class_weight": {0: 9.0},
    "huber_delta": 0.1,
    "quantile": 0.9,
}
# What has to be set for a parameter to apply.
CONTEXT = {
    "batchnorm_momentum": {"batchnorm": True},
    "negative_slope": {"activation": "leaky_relu"},
    "momentum": {"optimizer": "sgd"},
    "nesterov": {"optimizer": "sgd"},
    "rho": {"optimizer": "rmsprop"},
    "clipnorm": {"optimizer": "sgd"},
    "validation_fraction": {"early_stopping": True},
    "patience": {
        "early_stopping": True,
        "learning_rate": 0.3,
        "schedule": "constant",
        "epochs": 30,
    },
    "min_delta": {"early_stopping": True, "validation_fraction": 0.5, "epochs": 6},
    "monitor": {"early_stopping": True, "learning_rate": 0.3, "epochs": 10},
    "restore_best_weights": {
        "early_stopping": True,
        "patience": 2,
        "learning_rate": 0.3,
        "epochs": 30,
    },
    "feature_groups": {"feature_l1": 0.1},
    "focal_gamma": {"loss": "focal"},
    "huber_delta": {"loss": "huber"},
    "quantile": {"loss": "quantile"},
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_every_parameter_changes_the_network(name, rng):
    kind = MLPRegularizedClassifier
    if name in ("huber_delta", "quantile"):
        kind = MLPRegularizedRegressor
    labels = np.where(rng.random(len(Y)) < 0.2, 1 - Y, Y)
    settings = {"hidden_layer_sizes": (8, 8), "epochs": 3, "random_state": 0}
    base = kind(**(settings | {"batch_size": 16} | CONTEXT.get(name, {})))
    changed = base.__class__(**base.get_params()).set_params(**{name: CHANGES[name]})
    predict = "predict" if kind is MLPRegularizedRegressor else "predict_proba"
    outputs = []
    for estimator in (base, changed):
        estimator.fit(X, labels)
        if name == "warm_start":
            estimator.fit(X, labels)
        outputs.append(getattr(estimator, predict)(X))
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-6


@pytest.mark.parametrize(
    ("dropout", "sizes", "counts"),
    [([0.1], (8, 8), "1 rates"), ([0.1, 0.2], 8, "2 ra")],
)
def test_rates_of_the_wrong_length(dropout, sizes, counts):
    estimator = MLPRegularizedClassifier(sizes, dropout=dropout)
    with pytest.raises(ValueError, match=f"'dropout' parameter .* Got {counts}"):
        estimator.fit(X, Y)


def test_groups_of_other_features():
    estimator = MLPRegularizedClassifier(feature_l1=0.1, feature_groups=[0, 1])
    with pytest.raises(ValueError, match="'feature_groups' .* 5 features. Got 2"):
        estimator.fit(X, Y)


@pytest.mark.parametrize("as_rates", [list, tuple, np.array])
def test_one_rate_a_layer(as_rates):
    network = MLPRegularizedClassifier((8, 8), dropout=as_rates([0.0, 0.5]), epochs=1)
    layers = network.fit(X, Y).model_.layers
    rates = [layer.rate for layer in layers if "dropout" in layer.name]
    assert rates == [0.5]


@pytest.mark.parametrize("value", [np.float32(0.25), np.int64(0), 0, Fraction(1, 4)])
def test_numbers_of_any_type_are_numbers(value):
    MLPRegularizedClassifier(dropout=value, epochs=np.int64(1)).fit(X, Y)


def test_usual_names_are_kerass():
    """They are accepted without a look into Keras."""
    assert {*USUAL_INITIALIZERS} <= {*initializer_names()}


def test_a_subclass_may_have_parameters_of_its_own():
    class Named(MLPRegularizedClassifier):
        def __init__(self, name="network", dropout=0.0):
            super().__init__(dropout=dropout, epochs=1)
            self.name = name

    assert Named("mine").fit(X, Y).n_iter_ == 1


def test_a_function_of_keras_is_its_name():
    named = MLPRegularizedClassifier(activation="selu", dropout=0.2, epochs=1)
    given = MLPRegularizedClassifier(
        activation=keras().activations.selu, dropout=0.2, epochs=1
    )
    structures = [n.fit(X, Y)._structure() for n in (named, given)]
    assert structures[0] == structures[1]


class Rate(keras().optimizers.schedules.LearningRateSchedule):
    """A schedule of the user's: any function of the step."""

    def __init__(self, function):
        self.function = function

    def __call__(self, step):
        return self.function(step)


@pytest.mark.parametrize(
    ("name", "function", "what"),
    [
        ("activation", np.tanh, "is not: .*Error"),
        ("activation", lambda x: x.numpy(), "no attribute '?numpy"),
        ("activation", lambda x: 1.0, "shape"),
        ("activation", lambda x: x[..., :1], r"of \(2, 2, 1\) from \(2, 2, 4\)"),
        ("activation", keras().layers.PReLU(), "weights of its own"),
        ("initializer", lambda shape: shape, "TypeError: .*2 were given"),
        ("initializer", lambda shape, dtype: np.ones(3), r"\(5, 4\).*\(3,\)"),
        ("initializer", lambda shape, dtype: np.full(shape, np.nan), "nan"),
        ("schedule", Rate(lambda step: -1.0), r"begin with \[-1. -1. -1.\]"),
        ("schedule", Rate(lambda step: [0.1, 0.2]), r"begin with \[0.1"),
        ("schedule", Rate(lambda step: 1 / 0), "ZeroDivisionError"),
    ],
)
@pytest.mark.parametrize("l2", [0.001, "auto"])
def test_functions_that_a_parameter_cannot_be(name, function, what, l2):
    network = MLPRegularizedClassifier(4, epochs=2, batch_size=10, l2=l2)
    network.set_params(**{name: function})
    with pytest.raises(ValueError, match=f"(?s)The '{name}' parameter.*{what}"):
        network.fit(X, Y)
    assert not hasattr(network, "classes_")


def group_sort(x):
    """It needs an even number of units."""
    a, b = keras().ops.split(x, 2, axis=-1)
    return keras().ops.concatenate(
        [keras().ops.maximum(a, b), keras().ops.minimum(a, b)], axis=-1
    )


@pytest.mark.parametrize(
    "function",
    [
        group_sort,
        lambda x: x * np.linspace(0, 1, x.shape[-1], dtype="float32"),
        keras().layers.ReLU(negative_slope=0.1),
    ],
)
def test_activations_that_look_at_the_units(function):
    network = MLPRegularizedClassifier((8, 4), function, epochs=1, l2=0.001)
    assert network.fit(X, Y).predict(X).shape == Y.shape


def test_a_schedule_may_divide_by_the_step():
    """The example of Keras's documentation, which TensorFlow does not bear."""
    start = MLPRegularizedClassifier(4, epochs=2, batch_size=10, optimizer="sgd")
    start.set_params(l2=0.001, dropout=0.0, random_state=0, schedule="constant")
    falling = clone(start).set_params(schedule=Rate(lambda step: 0.1 / (step + 1)))
    same = keras().optimizers.schedules.InverseTimeDecay(0.1, 1, 1.0)
    np.testing.assert_array_equal(
        falling.fit(X, Y).predict_proba(X),
        clone(start).set_params(schedule=same).fit(X, Y).predict_proba(X),
    )


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS])
def test_every_optimizer_bears_a_rate_of_zero(optimizer):
    """At the end of a cosine, in partial fits after it."""
    network = MLPRegularizedClassifier(
        (4,), optimizer=optimizer, schedule="cosine", warmup=0.2, epochs=3
    ).fit(X, Y)
    assert network.model_.optimizer.learning_rate > 0  # that it began with
    before = network.predict_proba(X)
    network.partial_fit(X, Y)
    tolerance = 0.1 if optimizer == "sgd" else 1e-6  # its momentum still moves it
    np.testing.assert_allclose(network.predict_proba(X), before, atol=tolerance)


def test_the_usual_schedule_is_a_cosine_in_fit_and_constant_in_parts():
    """A stream has no known end, after which a cosine would have no rate left."""
    usual = MLPRegularizedClassifier((4,), epochs=3, random_state=0)
    cosine = MLPRegularizedClassifier(**usual.get_params()).set_params(
        schedule="cosine", warmup=0.1
    )
    np.testing.assert_array_equal(
        usual.fit(X, Y).predict_proba(X), cosine.fit(X, Y).predict_proba(X)
    )
    for network, moves in ((usual, True), (cosine, False)):
        before = network.predict_proba(X)
        network.partial_fit(X, Y)
        moved = np.abs(network.predict_proba(X) - before).max()
        assert (moved > 1e-3) == moves


def test_the_schedule_of_a_keras_optimizer_comes_before_the_usual_one():
    schedules = keras().optimizers.schedules
    still = keras().optimizers.Adam(schedules.ExponentialDecay(1e-12, 10, 0.5))
    kept = MLPRegularizedClassifier((4,), optimizer=still, epochs=2, l2=0.0).fit(X, Y)
    start = kept._state["weights"]["bias_0"]
    np.testing.assert_allclose(start, 0, atol=1e-9)


def test_the_class_of_an_optimizer_is_not_an_optimizer():
    estimator = MLPRegularizedClassifier(optimizer=keras().optimizers.Adam)
    with pytest.raises(ValueError, match="'optimizer' .* a Keras optimizer instance"):
        estimator.fit(X, Y)


@pytest.mark.parametrize("name", ["Lamb", "Muon", "Adafactor"])
def test_optimizers_that_mix_weights_are_refused(name):
    estimator = MLPRegularizedClassifier(optimizer=getattr(keras().optimizers, name)())
    with pytest.raises(ValueError, match=f"'optimizer' .*instance of {name}"):
        estimator.fit(X, Y)


@pytest.mark.parametrize("setting", ["use_ema", "gradient_accumulation_steps"])
def test_settings_of_keras_optimizers_that_are_not_supported(setting):
    optimizer = keras().optimizers.Adam(**{setting: 2})
    with pytest.raises(ValueError, match=f"must not set '{setting}'"):
        MLPRegularizedClassifier(optimizer=optimizer).fit(X, Y)


@pytest.mark.parametrize("excluded", [{"var_names": ["bias"]}, {"var_list": []}])
def test_weight_decay_acts_on_all_weights(excluded):
    optimizer = keras().optimizers.AdamW()
    optimizer.exclude_from_weight_decay(**excluded)
    network = MLPRegularizedClassifier(4, optimizer=optimizer, epochs=1)
    if excluded.get("var_list") == []:  # nothing is excluded
        network.fit(X, Y)
        return
    for refused in (lambda: network.fit(X, Y), lambda: clone(network)):
        with pytest.raises(ValueError, match="'optimizer' .*exclude_from_weight_decay"):
            refused()


def test_lion_needs_a_beta():
    with pytest.raises(ValueError, match="'beta_1' .*above 0.*'lion'"):
        MLPRegularizedClassifier(4, optimizer="lion", beta_1=0.0, epochs=1).fit(X, Y)


@pytest.mark.parametrize("end", [0.0, 0.1])
def test_the_model_goes_on_with_a_rate_of_the_schedule(end):
    """With the full one, if the last is 0."""
    schedule = keras().optimizers.schedules.PolynomialDecay(0.3, 4, end)
    network = MLPRegularizedClassifier(
        4, optimizer="sgd", schedule=schedule, epochs=6, batch_size="full", l2=0.001
    ).fit(X, Y)
    rate = float(network.model_.optimizer.learning_rate)
    assert rate == pytest.approx(end or 0.3)


def test_parameters_win_over_the_optimizer_instance():
    optimizer = keras().optimizers.SGD(0.5, momentum=0.3)
    network = MLPRegularizedClassifier(optimizer=optimizer, learning_rate=0.1, epochs=1)
    model = network.fit(X, Y).model_
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)
    assert model.optimizer.momentum == pytest.approx(0.3)


def test_a_batch_larger_than_the_data_is_clipped():
    network = MLPRegularizedClassifier(batch_size=1000, epochs=2)
    with pytest.warns(UserWarning, match="batch_size=1000 for 40 training rows"):
        network.fit(X, Y)
    assert network._state["step"] == 2


@pytest.mark.parametrize(
    ("rows", "batch"),
    [(40, 32), (1800, 32), (1820, 64), (4000, 128), (10_000, 256), (10**6, 256)],
)
def test_automatic_batch_size(rows, batch):
    from skreg.fitting.configuration import batch_size_of

    assert batch_size_of(MLPRegularizedClassifier(), rows)[0] == batch


def test_the_usual_l2_falls_with_the_rows(monkeypatch):
    """Those that train: without validation rows, and without rows of weight 0."""
    monkeypatch.setattr(base, "has_rows_for_pilots", lambda *_: False)

    def penalty(rows=200, weight=None, **settings):
        X, y = np.arange(rows)[:, None], np.arange(rows) % 2
        network = MLPRegularizedClassifier((2,), epochs=1, **settings)
        _, job = captured(network, X, y, sample_weight=weight)
        assert job.numbers["dropout"] == (0.2,)
        return job.numbers["l2"]

    assert penalty(900) == pytest.approx(0.001)
    assert penalty(400) == pytest.approx(0.0015)
    stopping = {"early_stopping": True, "validation_fraction": 0.25}
    assert penalty(1200, **stopping) == pytest.approx(0.001)
    assert penalty(1000, np.arange(1000) < 900) == pytest.approx(0.001)
    assert penalty(900, np.full(900, 7.0)) == pytest.approx(0.001)
    assert penalty(l2=0.5) == 0.5
    stream = MLPRegularizedClassifier((2,)).partial_fit(X, Y, classes=np.unique(Y))
    assert stream._state["numbers"]["l2"] == 0.001
