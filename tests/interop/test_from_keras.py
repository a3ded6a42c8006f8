"""Networks of plain Keras as estimators: they predict and train on the same."""

import pickle
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification

import skreg
from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor, stacking
from skreg.engine import Result, keras
from skreg.interop import network_from_keras
from skreg.interop.keras_model import build_model, read_weights
from tests.support import batch_rows, captured

X, Y = make_classification(96, 6, n_informative=4, n_classes=3, random_state=0)
X = X * [1, 10, 100, 1, 1, 1] + [0, 5, -300, 0, 0, 0]
BINARY, NUMBERS = (Y > 0).astype(int), X @ np.arange(6) / 100


def classifier(model, classes=None, **parameters):
    return network_from_keras(MLPRegularizedClassifier, model, classes, **parameters)


def regressor(model, **parameters):
    return network_from_keras(MLPRegularizedRegressor, model, **parameters)


def network(*layers, inputs=6):
    return keras().Sequential([keras().Input((inputs,)), *layers])


def layer(kind, *arguments, **settings):
    settings = {"dtype": keras().config.floatx()} | settings
    return getattr(keras().layers, kind)(*arguments, **settings)


def adapted():
    normalization = layer("Normalization")
    normalization.adapt(X)
    return normalization


def rich_layers():
    """A network with nearly all that an estimator may have, but for the output."""
    penalty = keras().regularizers.L1L2(1e-4, 1e-3)
    settings = {
        "kernel_regularizer": penalty,
        "bias_regularizer": keras().regularizers.L2(0.01),
        "kernel_constraint": keras().constraints.MaxNorm(3.0),
    }
    yield adapted()
    yield layer("Dropout", 0.1)
    yield layer("GaussianNoise", 0.2)
    for units, rate in ((8, 0.3), (5, 0.2)):
        yield layer("Dense", units, **settings)
        yield layer("BatchNormalization", momentum=0.9)
        yield layer(
            "LeakyReLU", 0.1, activity_regularizer=keras().regularizers.L1(0.01)
        )
        yield layer("Dropout", rate)
    yield layer("Dense", 3, **settings)


def rich_network(is_functional):
    layers = [*rich_layers(), layer("Softmax")]
    if not is_functional:
        return network(*layers)
    inputs = x = keras().Input((6,))
    for one in layers:
        x = one(x)
    return keras().Model(inputs, x)


@pytest.fixture(scope="module", params=[False, True], ids=["sequential", "functional"])
def trained(request):
    """A network that plain Keras has trained for two epochs."""
    model = rich_network(request.param)
    model.compile(
        keras().optimizers.Adam(0.003, beta_1=0.8, clipnorm=1.0),
        keras().losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    model.fit(X, np.eye(3)[Y], epochs=2, verbose=0)
    return model


def test_a_network_of_keras_becomes_an_estimator(trained):
    estimator = classifier(trained, ["a", "b", "c"])
    probabilities = trained.predict(X, verbose=0)
    np.testing.assert_allclose(estimator.predict_proba(X), probabilities, atol=1e-6)
    labels = np.array(["a", "b", "c"])[probabilities.argmax(axis=1)]
    assert (estimator.predict(X) == labels).all()
    expected = {
        "hidden_layer_sizes": (8, 5),
        "activation": "leaky_relu",
        "negative_slope": 0.1,
        "dropout": (0.3, 0.2),
        "input_dropout": 0.1,
        "gaussian_noise": 0.2,
        "l1": 1e-4,
        "l2": 1e-3,
        "bias_l1": 0.0,
        "bias_l2": 0.01,
        "activity_l1": 0.01,
        "activity_l2": 0.0,
        "max_norm": 3.0,
        "batchnorm": True,
        "normalize": True,
        "optimizer": "adam",
        "learning_rate": 0.003,
        "beta_1": 0.8,
        "beta_2": None,
        "clipnorm": 1.0,
        "schedule": "constant",
        "loss": "log_loss",
        "label_smoothing": 0.1,
    }
    parameters = estimator.get_params()
    assert {name: parameters[name] for name in expected} == expected


def test_it_has_what_a_fit_leaves(trained):
    estimator = classifier(trained)
    with mock.patch.object(stacking, "train", with_random_weights):
        fitted = clone(estimator).fit(X, Y)
    assert set(vars(estimator)) == set(vars(fitted))
    assert set(estimator._state) == set(fitted._state)
    assert estimator.history_ == trained.history.history
    assert estimator.n_iter_ == estimator.best_epoch_ == 2
    assert estimator.n_features_in_ == 6
    assert estimator.n_parameters_ == fitted.n_parameters_
    assert estimator.classes_.tolist() == [0, 1, 2]


def test_it_is_copied_and_leaves_the_network_alone(trained):
    before = trained.get_weights()
    estimator = classifier(trained, random_state=0)
    loaded = pickle.loads(pickle.dumps(estimator))
    for one in (estimator, loaded):
        one.partial_fit(X, Y)
    np.testing.assert_array_equal(loaded.predict_proba(X), estimator.predict_proba(X))
    for now, weights in zip(trained.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, weights)
    assert estimator.n_iter_ == 3
    assert len(estimator.history_["accuracy"]) == 3


# --- training goes on as Keras's does


def assert_goes_on_as_keras(model, cls, targets, encoded):
    """Both train for an epoch on the same batches, from where the model stands."""
    estimator = network_from_keras(
        cls, model, batch_size=40, epochs=1, warm_start=True, random_state=0
    )
    start = estimator._state["weights"]
    _, job = captured(estimator, X, targets)
    assert job.state.step == int(model.optimizer.iterations) > 0
    estimator.fit(X, targets)
    for rows in batch_rows(job, job.state.epoch):
        model.train_on_batch(X[rows], encoded[rows])
    weights, moving = read_weights(model, estimator._structure())
    found = estimator._state["weights"] | estimator._state["moving"]
    for name, expected in (weights | moving).items():
        np.testing.assert_allclose(found[name], expected, 1e-5, 1e-6, err_msg=name)
    assert np.abs(found["kernel_0"] - start["kernel_0"]).max() > 1e-4


OPTIMIZERS = {
    "sgd": lambda o: o.SGD(0.05, momentum=0.5, nesterov=True),
    "plain sgd": lambda o: o.SGD(0.05),
    "nadam": lambda o: o.Nadam(0.01, weight_decay=0.1),
    "amsgrad": lambda o: o.Adam(0.01, amsgrad=True, global_clipnorm=0.5),
}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_training_goes_on_from_the_optimizers_state(name):
    model = network(
        adapted(),
        layer("Dense", 5, "tanh", kernel_regularizer="l2"),
        layer("Dense", 1, kernel_regularizer="l2"),
    )
    loss = keras().losses.BinaryCrossentropy(from_logits=True)
    model.compile(OPTIMIZERS[name](keras().optimizers), loss)
    model.fit(X, BINARY, epochs=2, verbose=0)
    logits = model.predict(X, verbose=0)[:, 0]
    probabilities = classifier(model).predict_proba(X)[:, 1]
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-logits)), atol=1e-6)
    assert_goes_on_as_keras(model, MLPRegularizedClassifier, BINARY, BINARY[:, None])


@pytest.mark.usefixtures("float64")
def test_a_regressor_goes_on_with_its_moving_statistics():
    model = network(
        layer("Dense", 5, activity_regularizer=None),
        layer("BatchNormalization", momentum=0.8),
        layer("Activation", "tanh", activity_regularizer="l2"),
        layer("Dense", 1),
    )
    model.compile("rmsprop", "huber")
    model.fit(X, NUMBERS, epochs=2, verbose=0)
    estimator = regressor(model)
    assert (estimator.loss, estimator.normalize) == ("huber", False)
    predicted = model.predict(X, verbose=0)[:, 0]
    np.testing.assert_allclose(estimator.predict(X), predicted, atol=1e-6)
    assert_goes_on_as_keras(model, MLPRegularizedRegressor, NUMBERS, NUMBERS[:, None])


def test_partial_fit_goes_on_within_a_schedule_of_keras():
    rate = keras().optimizers.schedules.PiecewiseConstantDecay([7, 8], [1.0, 0.5, 0.1])
    model = network(layer("Dense", 1, "sigmoid"))
    model.compile(keras().optimizers.SGD(rate), "binary_crossentropy")
    model.fit(X, BINARY, epochs=2, batch_size=16, verbose=0)  # 12 steps
    estimator = classifier(model, batch_size=96)
    assert estimator.partial_fit(X, BINARY)._state["learning_rate"] == pytest.approx(
        0.1
    )
    assert estimator.model_.optimizer.iterations == 13


# --- there and back


def with_random_weights(structure, jobs, are_pilots=False):
    """In place of training, which need not be for a network to come back."""
    rng = np.random.default_rng(0)
    results = []
    for job in jobs:
        weights = {k: rng.normal(size=w.shape) for k, w in job.state.weights.items()}
        weights = {k: w.astype("float32") for k, w in weights.items()}
        state, rate = replace(job.state, weights=weights), job.schedule.learning_rate
        results.append(Result(state, {"loss": [1.0, 1.0]}, 2, None, rate))
    return results


def untrained(cls, y, **parameters):
    settings = {"hidden_layer_sizes": (4,), "epochs": 2, "random_state": 0}
    with mock.patch.object(stacking, "train", with_random_weights):
        return cls(**settings | parameters).fit(X, y)


MULTILABEL = make_multilabel_classification(96, 6, n_classes=3, random_state=0)[1]
ESTIMATORS = {
    "robust": (MLPRegularizedClassifier, BINARY, {"dropout": 0.2}),
    "multiclass": (MLPRegularizedClassifier, Y, {"loss": "focal", "focal_gamma": 1.5}),
    "multilabel": (MLPRegularizedClassifier, MULTILABEL, {"normalize": False}),
    "hinge": (MLPRegularizedClassifier, Y, {"loss": "hinge", "activation": "selu"}),
    "linear model": (MLPRegularizedClassifier, BINARY, {"hidden_layer_sizes": ()}),
    "numbers": (MLPRegularizedRegressor, NUMBERS, {"loss": "huber", "l1": 0.1}),
    "columns": (
        MLPRegularizedRegressor,
        np.c_[NUMBERS, 9 * NUMBERS],
        {"batchnorm": "layer", "optimizer": "lion"},
    ),
    "poisson": (MLPRegularizedRegressor, abs(NUMBERS), {"loss": "poisson"}),
    "ensemble": (MLPRegularizedClassifier, BINARY, {"n_members": 2}),
}


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_the_model_of_an_estimator_comes_back(name, tmp_path):
    cls, y, parameters = ESTIMATORS[name]
    estimator = untrained(cls, y, **parameters)
    model = estimator.model_
    model.save(tmp_path / "network.keras")
    model = keras().saving.load_model(tmp_path / "network.keras")
    back = network_from_keras(cls, model, epochs=2, random_state=0)
    np.testing.assert_allclose(back._outputs(X), estimator._outputs(X), atol=1e-6)
    np.testing.assert_allclose(
        back.predict(X).astype(float), estimator.predict(X).astype(float), rtol=1e-6
    )
    not_said = {"schedule", "dropout"} if name == "linear model" else {"schedule"}
    parameters = back.get_params()
    before = estimator.get_params() | estimator._chosen_parameters()
    before["l2"] = pytest.approx(before["l2"], rel=1e-6)
    if name == "numbers":  # which Keras's files of a Huber loss lack
        not_said.add("huber_delta")
    assert {k: v for k, v in parameters.items() if k not in not_said} == {
        k: v for k, v in before.items() if k not in not_said
    }


def test_a_quantile_loss_has_to_be_named():
    estimator = untrained(
        MLPRegularizedRegressor, NUMBERS, loss="quantile", quantile=0.8
    )
    with pytest.raises(ValueError, match="loss .*quantile_loss.*Pass loss="):
        regressor(estimator.model_)
    back = regressor(estimator.model_, loss="quantile", quantile=0.8)
    np.testing.assert_array_equal(back.predict(X), estimator.predict(X))


def test_images_are_flattened():
    model = keras().Sequential(
        [
            keras().Input((3, 2, 1)),
            layer("Rescaling", 1 / 255, offset=-0.5),
            layer("Flatten"),
            layer("Dense", 4, "relu"),
            layer("Dense", 3, "softmax"),
        ]
    )
    images = X.reshape(-1, 3, 2, 1)
    found = classifier(model).predict_proba(images)
    np.testing.assert_allclose(found, model.predict(images, verbose=0), atol=1e-6)


def test_a_refit_starts_as_the_estimators_own_fit():
    model = network(adapted(), layer("Dense", 4, "relu"), layer("Dense", 1, "sigmoid"))
    own = MLPRegularizedClassifier(
        (4,), dropout=0, l2=0, normalize=True, random_state=0
    )
    _, expected = captured(own, X, BINARY)
    _, job = captured(clone(classifier(model, random_state=0)), X, BINARY)
    for name, weight in expected.state.weights.items():
        np.testing.assert_array_equal(job.state.weights[name], weight)
    np.testing.assert_array_equal(job.rows.X, expected.rows.X)


def test_a_network_without_training_has_no_history():
    model = network(layer("Dense", 1, "sigmoid"))
    estimator = classifier(model, batch_size=96)
    assert estimator.history_ == {"loss": []}
    assert estimator.n_iter_ == 0
    assert estimator.partial_fit(X, BINARY).n_iter_ == 1
    built = build_model(estimator)
    assert built.optimizer.iterations == 1


# --- what is refused


def dense_pair(first=None, second=None, between=()):
    first = {"units": 4, "activation": "relu", "name": "one"} | (first or {})
    second = {"units": 4, "activation": "relu", "name": "two"} | (second or {})
    return network(
        layer("Dense", **first), *between, layer("Dense", **second), layer("Dense", 1)
    )


def shared_layer():
    inputs = keras().Input((6,))
    dense = layer("Dense", 6, name="one")
    return keras().Model(inputs, dense(dense(inputs)))


def branches():
    inputs = keras().Input((6,))
    x = layer("Dense", 6, name="one")(inputs)
    return keras().Model(inputs, layer("Add", name="both")([inputs, x]))


def two_inputs():
    inputs = [keras().Input((3,), name="left"), keras().Input((3,), name="right")]
    x = layer("Concatenate", name="both")(inputs)
    return keras().Model(inputs, layer("Dense", 1)(x))


def frozen():
    model = dense_pair()
    model.layers[1].trainable = False
    return model


def batchnorm(**settings):
    norm = layer("BatchNormalization", name="norm", **settings)
    return network(layer("Dense", 4), norm, layer("ReLU"), layer("Dense", 1))


REFUSED = {
    "activations": (
        lambda: dense_pair(second={"activation": "tanh"}),
        r"'two' \(Dense\) has activation='tanh', but a layer before it .*'relu'",
    ),
    "penalties": (
        lambda: dense_pair(second={"kernel_regularizer": "l2"}),
        r"'two' \(Dense\) has l2=0.01, but a layer before it l2=0.0",
    ),
    "bias": (lambda: dense_pair({"use_bias": False}), r"'one' \(Dense\) has no bias"),
    "regularizer": (
        lambda: dense_pair({"kernel_regularizer": "orthogonal_regularizer"}),
        r"'one' \(Dense\) has a kernel_regularizer of OrthogonalRegularizer",
    ),
    "constraint": (
        lambda: dense_pair({"kernel_constraint": "non_neg"}),
        r"'one' \(Dense\) has a kernel_constraint of NonNeg",
    ),
    "noise in between": (
        lambda: dense_pair(between=[layer("GaussianNoise", 0.1, name="noise")]),
        r"'noise' \(GaussianNoise\) is of a class, or at a position",
    ),
    "epsilon": (
        lambda: batchnorm(momentum=0.9, epsilon=1e-5),
        r"'norm' \(BatchNormalization\) has epsilon=1e-05",
    ),
    "normalisation after": (
        lambda: dense_pair(between=[layer("LayerNormalization", name="norm")]),
        r"'norm' \(LayerNormalization\) is of a class, or at a position",
    ),
    "convolution": (
        lambda: keras().Sequential(
            [
                keras().Input((6, 1)),
                layer("Conv1D", 2, 3, name="conv"),
                layer("Flatten"),
                layer("Dense", 1),
            ]
        ),
        r"'conv' \(Conv1D\) is of a class",
    ),
    "bidirectional": (
        lambda: keras().Sequential(
            [
                keras().Input((6, 1)),
                layer("Bidirectional", layer("GRU", 2), name="both"),
                layer("Dense", 1),
            ]
        ),
        r"'both' \(Bidirectional\) is of a class",
    ),
    "dtype": (
        lambda: dense_pair({"dtype": "mixed_bfloat16"}),
        r"'one' \(Dense\) computes with dtype policy 'mixed_bfloat16'",
    ),
    "half precision": (
        lambda: network(layer("Dense", 1, dtype="float16", name="one")),
        r"'one' \(Dense\) computes with dtype policy 'float16'",
    ),
    "frozen": (frozen, r"'two' \(Dense\) is frozen"),
    "branches": (
        branches,
        r"'both' \(Add\) does not take the output of the layer before",
    ),
    "shared": (shared_layer, r"'one' \(Dense\) .* no layer twice"),
    "inputs": (two_inputs, r"'right' \(InputLayer\) is a second input"),
    "prelu": (
        lambda: network(layer("Dense", 4), layer("PReLU", name="p"), layer("Dense", 1)),
        r"'p' \(PReLU\) is of a class",
    ),
    "selu": (
        lambda: dense_pair(
            {"activation": "selu"}, between=[layer("Dropout", 0.1, name="drop")]
        ),
        r"'drop' \(Dropout\) follows selu",
    ),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_a_layer_that_no_estimator_has_is_named(name):
    build, message = REFUSED[name]
    with pytest.raises(ValueError, match=f"its layer {message}"):
        regressor(build())


def test_a_momentum_is_taken_over():
    assert regressor(batchnorm()).batchnorm_momentum == 0.99


def compiled(units, activation, loss, **settings):
    model = network(layer("Dense", units, activation, name="end"))
    model.compile("sgd", loss, **settings)
    return model


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: compiled(2, "softmax", "categorical_crossentropy"), "one output with"),
        (lambda: compiled(3, "tanh", "mse"), "'end'.*ends in 'tanh'|loss"),
        (
            lambda: compiled(3, "sigmoid", "categorical_crossentropy"),
            "'end' .*3 outputs",
        ),
        (lambda: compiled(1, "sigmoid", "squared_hinge"), "loss 'squared_hinge'"),
        (
            lambda: compiled(1, "sigmoid", "binary_crossentropy", loss_weights=[2.0]),
            "loss_weights",
        ),
        (
            lambda: compiled(
                3, "softmax", keras().losses.CategoricalFocalCrossentropy()
            ),
            "alpha=0.25",
        ),
    ],
)
def test_a_loss_that_no_classifier_has_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        classifier(build())


def test_arguments_that_are_wrong():
    model = compiled(3, "softmax", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="'classes' .* 3 classes, in ascending order"):
        classifier(model, ["b", "a", "c"])
    with pytest.raises(ValueError, match="'classes' .* 3 classes"):
        classifier(model, [0, 1])
    with pytest.raises(ValueError, match="'optimizer' .* read from the model"):
        classifier(model, optimizer="adam")
    with pytest.raises(ValueError, match="'classes' parameter is for classifiers"):
        network_from_keras(MLPRegularizedRegressor, network(layer("Dense", 1)), [0, 1])
    with pytest.raises(ValueError, match="'model' parameter must be a Keras model"):
        classifier("network.keras")
    with pytest.raises(ValueError, match="not built"):
        classifier(keras().Sequential([layer("Dense", 1)]))


@pytest.mark.parametrize("what", ["inputs", "targets"])
def test_averaged_networks_have_one_scaling(what):
    one = untrained(MLPRegularizedRegressor, NUMBERS)
    other = untrained(MLPRegularizedRegressor, NUMBERS)
    if what == "inputs":
        other._input_statistics["mean"] = other._input_statistics["mean"] + 1.0
    else:
        other._targets["scale"] = 9 * other._targets["scale"]
    models = [one.model_, other.model_]
    inputs = keras().Input((6,))
    average = keras().layers.Average()([model(inputs) for model in models])
    with pytest.raises(ValueError, match="another scaling than the first averaged"):
        regressor(keras().Model(inputs, average))


def test_a_history_has_what_every_epoch_has(tmp_path):
    model = network(layer("Dense", 3, activation="softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=4, validation_data=(X, Y), validation_freq=2, verbose=0)
    estimator = classifier(model)
    assert list(estimator.history_) == ["loss"]
    skreg.save(estimator, tmp_path / "network.skreg")
    assert skreg.load(tmp_path / "network.skreg").history_ == estimator.history_
