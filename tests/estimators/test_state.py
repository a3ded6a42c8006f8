"""State: going on with training, copies and files, and fits that fail."""

import copy
import inspect
import io
import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError

from skreg import (
    MLPRegularizedClassifier,
    MLPRegularizedRegressor,
    RegularizationSearchCV,
    engine,
)
from skreg.engine import keras
from tests.support import plain_classifier, plain_regressor

ROOT = Path(__file__).parents[2]
X, Y = make_classification(200, 6, random_state=0)
FAST = {"hidden_layer_sizes": (16,), "random_state": 0}


@pytest.fixture(params=["classifier", "regressor"])
def fitted(request):
    kind = {
        "classifier": MLPRegularizedClassifier,
        "regressor": MLPRegularizedRegressor,
    }[request.param]
    return kind(**FAST, epochs=5, batchnorm=True, dropout=0.2, l2=1e-3).fit(X, Y)


def skops_round_trip(estimator):
    data = skops.io.dumps(estimator)
    untrusted = skops.io.get_untrusted_types(data=data)
    kind = type(estimator)
    assert untrusted == [f"{kind.__module__}.{kind.__name__}"]
    assert untrusted[0] in (ROOT / "docs" / "teams.md").read_text()
    return skops.io.loads(data, trusted=untrusted)


def joblib_round_trip(estimator):
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


ROUND_TRIPS = {
    "pickle": lambda estimator: pickle.loads(pickle.dumps(estimator)),
    "joblib": joblib_round_trip,
    "deepcopy": copy.deepcopy,
    "skops": skops_round_trip,
}


@pytest.mark.parametrize("way", list(ROUND_TRIPS))
@pytest.mark.parametrize("with_model", [False, True])
def test_a_copy_predicts_and_trains_on_the_same(way, with_model, fitted):
    if with_model:
        assert fitted.model_ is not None
    other = ROUND_TRIPS[way](fitted)
    np.testing.assert_array_equal(other.predict(X), fitted.predict(X))
    assert other.history_ == fitted.history_
    for estimator in (fitted, other):
        estimator.partial_fit(X, Y)
    np.testing.assert_array_equal(other.predict(X), fitted.predict(X))


@pytest.mark.parametrize("search", [False, True])
def test_a_pickle_of_another_version(search, fitted, monkeypatch):
    """It lacks parameters that were added since, and says that versions differ."""
    original = RegularizationSearchCV(n_iter=7) if search else fitted
    name = "level" if search else "negative_slope"
    with monkeypatch.context() as patch:
        patch.setattr("skreg.__version__", "0.1.5")
        patch.delattr(original, name)
        data = pickle.dumps(original)
    with pytest.warns(UserWarning, match="pickled by skreg 0.1.5, and is read by"):
        other = pickle.loads(data)
    default = inspect.signature(type(original)).parameters[name].default
    assert getattr(other, name) == default
    assert other.get_params().keys() == original.get_params().keys()
    if not search:
        np.testing.assert_array_equal(other.predict(X), fitted.predict(X))
    with warnings.catch_warnings(action="error"):
        pickle.loads(pickle.dumps(other))
        other.__setstate__(vars(other))  # of a subclass with its own __getstate__


def test_a_pickle_is_parameters_and_arrays(fitted):
    assert fitted.model_ is not None
    data = pickle.dumps(fitted)
    assert b"keras" not in data
    assert b"tensorflow" not in data
    weights = sum(a.nbytes for a in fitted._state["weights"].values())
    assert len(data) < 3 * weights + 10_000  # the weights and Adam's two slots


def test_a_clone_is_unfitted(fitted):
    other = clone(fitted)
    assert other.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        other.predict(X)
    assert not hasattr(other, "model_")


@pytest.mark.parametrize(
    "parameters",
    [
        lambda: {"optimizer": keras().optimizers.SGD(0.1, momentum=0.5)},
        lambda: {"initializer": keras().initializers.HeUniform()},
        lambda: {"schedule": keras().optimizers.schedules.CosineDecay(0.1, 10)},
        lambda: {"activation": keras().ops.sin},
    ],
    ids=["optimizer", "initializer", "schedule", "activation"],
)
def test_objects_of_keras_as_parameters_can_be_cloned_and_copied(parameters):
    network = clone(plain_classifier(**FAST, epochs=3, **parameters()))
    network.fit(X, Y)
    again = clone(network).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), network.predict_proba(X))
    loaded = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(loaded.predict_proba(X), network.predict_proba(X))


def test_fits_in_turn_are_one_fit():
    """Two fits of 3 epochs with warm_start are one of 6, with the optimizer's state."""
    whole = plain_classifier(**FAST, epochs=6, dropout=0.2).fit(X, Y)
    halves = plain_classifier(**FAST, epochs=3, dropout=0.2, warm_start=True)
    halves.fit(X, Y).fit(X, Y)
    np.testing.assert_allclose(
        halves.predict_proba(X), whole.predict_proba(X), rtol=1e-5
    )
    np.testing.assert_allclose(halves.loss_curve_, whole.loss_curve_, rtol=1e-5)
    assert halves.n_iter_ == whole.n_iter_ == 6
    assert halves.best_epoch_ == 6


@pytest.mark.parametrize("kind", [MLPRegularizedClassifier, MLPRegularizedRegressor])
def test_partial_fits_are_epochs(kind):
    settings = FAST | {"epochs": 4, "schedule": "cosine", "optimizer": "nadam"}
    whole = kind(**settings, l2=0.01).fit(X, Y)  # parts do not know the rows of "auto"
    parts = kind(**settings, l2=0.01)
    classes = {"classes": [0, 1]} if kind is MLPRegularizedClassifier else {}
    parts.partial_fit(X, Y, **classes)
    for _ in range(3):
        parts.partial_fit(X, Y)
    np.testing.assert_allclose(
        parts._outputs(X), whole._outputs(X), rtol=1e-4, atol=1e-6
    )
    assert parts.n_iter_ == 4
    assert parts.model_.optimizer.iterations == whole.model_.optimizer.iterations


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_stream_may_have_more_steps_than_an_int32(optimizer):
    settings = FAST | {"optimizer": optimizer, "dropout": 0.2}
    network = plain_classifier(**settings).partial_fit(X, Y, classes=[0, 1])
    n_steps = network._state["step"]
    network._state["step"] = 2**31 - 2
    network.partial_fit(X, Y).partial_fit(X, Y)
    assert network._state["step"] == 2**31 - 2 + 2 * n_steps
    assert network.loss_curve_[-1] < network.loss_curve_[0]


def test_partial_fit_with_classes_that_come_later():
    network = plain_classifier(**FAST, learning_rate=0.01)
    network.partial_fit(X[Y == 0], Y[Y == 0], classes=[0, 1, 2])
    assert network.predict_proba(X).shape == (200, 3)
    for _ in range(10):
        network.partial_fit(X, Y)
    assert network.score(X, Y) > 0.8


def test_partial_fit_needs_classes():
    network = plain_classifier(**FAST)
    with pytest.raises(ValueError, match="classes must be passed to the first call"):
        network.partial_fit(X, Y)
    with pytest.raises(ValueError, match=r"classes must have at least 2 .* \[0\]"):
        network.partial_fit(X, Y, classes=[0])
    network.partial_fit(X, Y, classes={0, 1}).partial_fit(X, Y, classes={1, 0})
    with pytest.raises(ValueError, match="classes must be those of the first call"):
        network.partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="labels among the classes"):
        network.partial_fit(X, Y + 5)
    balanced = plain_classifier(class_weight="balanced")
    with pytest.raises(ValueError, match="'class_weight' .* Got 'balanced'"):
        balanced.partial_fit(X, Y, classes=[0, 1])


def test_another_optimizer_goes_on_with_the_weights():
    network = plain_classifier(**FAST, epochs=5, warm_start=True).fit(X, Y)
    before = network.loss_curve_[-1]
    network.set_params(optimizer="sgd").fit(X, Y)
    assert network.loss_curve_[5] < network.loss_curve_[0]
    assert abs(network.loss_curve_[5] - before) < 0.1


def test_other_layers_cannot_go_on():
    network = plain_classifier(**FAST, epochs=1, warm_start=True).fit(X, Y)
    network.set_params(hidden_layer_sizes=(9,))
    with pytest.raises(ValueError, match="same hidden_layer_sizes and batchnorm"):
        network.fit(X, Y)


def test_outputs_of_another_kind_cannot_go_on():
    """The targets would stay centred, which exponentials cannot reach."""
    network = plain_regressor(**FAST, epochs=1, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="a loss with the same kind of output"):
        network.set_params(loss="poisson").fit(X, Y)


def test_series_that_start_later_are_filled_up():
    network = plain_classifier(**FAST, epochs=2, warm_start=True).fit(X, Y)
    network.fit(X, Y, X_val=X, y_val=Y)
    network.partial_fit(X, Y)
    losses = network.history_["val_loss"]
    assert np.isnan(losses).tolist() == [True, True, False, False, True]
    assert len(network.history_["loss"]) == 5


def test_weights_mean_the_same_in_every_part():
    """One row a part: a weight of 100 still moves the network more than one of 1."""
    moves = []
    for weight in (1.0, 100.0):
        network = plain_classifier(**FAST, optimizer="sgd", normalize=False)
        network.partial_fit(X[:50], Y[:50], classes=[0, 1])
        before = network.predict_proba(X)
        network.partial_fit(X[50:51], Y[50:51], sample_weight=[weight])
        moves.append(np.abs(network.predict_proba(X) - before).max())
    assert moves[1] > 5 * moves[0] > 0


def test_class_weights_in_parts_that_lack_a_class():
    network = plain_classifier(**FAST, class_weight={0: 1, 2: 5})
    network.partial_fit(X, Y, classes=[0, 1, 2])
    network.set_params(class_weight={"a": 1})
    with pytest.raises(ValueError, match="'class_weight' .* keys among the classes"):
        network.partial_fit(X, Y)


def test_methods_follow_the_fitted_loss():
    network = plain_classifier(**FAST, epochs=2, loss="hinge").fit(X, Y)
    network.set_params(loss="log_loss")
    assert hasattr(network, "decision_function")
    assert not hasattr(network, "predict_proba")


@pytest.mark.parametrize("optimizer", ["adagrad", "rmsprop", "sgd"])
def test_the_model_is_that_of_the_fit(optimizer):
    network = plain_classifier(**FAST, epochs=2, beta_1=0.7).fit(X, Y)
    network.set_params(optimizer=optimizer, beta_1=0.1, clipnorm=1.0)
    model = network.model_
    assert type(model.optimizer).__name__ == "Adam"
    assert model.optimizer.beta_1 == pytest.approx(0.7)
    assert model.optimizer.clipnorm is None


FAILURES = {
    "parameter": ({"dropout": 2.0}, X, Y, "'dropout' parameter"),
    "NaN": ({}, np.where(X > 1, np.nan, X), Y, "contains NaN"),
    "one class": ({}, X[:, :3], np.zeros(200), "^y must have at least 2 classes"),
    "divergence": (
        {"learning_rate": 1e30, "optimizer": "sgd"},
        X[:, :4],
        Y,
        "diverged in epoch 1.*smaller learning_rate, clipnorm=1 or another normalize",
    ),
}


@pytest.mark.parametrize("case", list(FAILURES))
def test_a_fit_that_fails_leaves_the_fit_before(case):
    parameters, data, target, message = FAILURES[case]
    network = plain_classifier(**FAST, epochs=3).fit(X, Y)
    before, state = network.predict_proba(X), vars(network).copy()
    network.set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        network.fit(data, target)
    assert network.n_features_in_ == 6
    changed = {k for k, v in vars(network).items() if v is not state.get(k)}
    assert changed <= set(parameters)
    np.testing.assert_array_equal(network.predict_proba(X), before)


def test_divergence_of_weights_alone_is_seen():
    """The last step's loss is that of the weights before it."""
    network = plain_regressor(
        (), epochs=1, batch_size="full", optimizer="sgd", learning_rate=1e38
    )
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        network.fit(1e3 * X, X[:, 0]).set_params(normalize=False).fit(1e30 * X, Y)


def test_a_fit_meanwhile_does_not_change_what_a_prediction_sees(monkeypatch):
    network = plain_classifier(**FAST, n_members=2, batchnorm=True).fit(X, Y)
    labels, probabilities = network.predict(X), network.predict_proba(X)
    outputs = engine.raw_outputs

    def with_a_fit(*arguments):
        if len(network.classes_) == 2:
            network.set_params(epochs=1).fit(X[:, :2], np.arange(len(X)) % 3 + 10)
        return outputs(*arguments)

    monkeypatch.setattr(engine, "raw_outputs", with_a_fit)
    np.testing.assert_array_equal(network.predict(X), labels)
    assert network.predict(X[:, :2]).min() >= 10
    network.fit(X, Y)
    monkeypatch.undo()
    assert network.predict_proba(X).shape == probabilities.shape


def test_to_show_a_network_does_not_build_its_model(fitted):
    loaded = pickle.loads(pickle.dumps(fitted))
    loaded._repr_html_()
    assert "_keras_model" not in vars(loaded)


def test_parameters_set_later_do_not_change_predictions():
    network = plain_classifier(**FAST, epochs=3).fit(X, Y)
    before = network.predict_proba(X)
    network.set_params(hidden_layer_sizes=(3, 3), activation="tanh", normalize=False)
    np.testing.assert_array_equal(network.predict_proba(X), before)
