"""SciKeras estimators made of ours: the same network, settings and scaling."""

import importlib.util
import pickle
import sys
from unittest import mock

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV, check_cv

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor
from skreg.engine import keras
from skreg.fitting import optimizer_settings, schedule_of
from skreg.interop import to_scikeras
from skreg.interop.scikeras_network import keras_schedule
from tests.support import captured

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("scikeras") is None,
    reason="SciKeras is the extra 'scikeras'",
)


@pytest.fixture(scope="module", autouse=True)
def _keras_as_it_was():
    """Undo, for other tests, what importing SciKeras does to Keras's classes."""
    k = keras()
    classes = [k.Model, k.losses.Loss, k.metrics.Metric, k.optimizers.Optimizer]
    before = [dict(vars(one)) for one in classes]
    yield
    for one, attributes in zip(classes, before, strict=True):
        for name in ("__reduce__", "__deepcopy__"):
            if name in attributes:
                setattr(one, name, attributes[name])
            elif name in vars(one):
                delattr(one, name)


X, Y = make_classification(
    80, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0
)
X = X * [1, 10, 100, 1, 1] + [0, 5, -300, 0, 0]
LABELS = np.array(["a", "b", "c"])[Y]
NUMBERS = 300 + X @ np.arange(5)

# Without noise, and with one batch an epoch, nothing is left to chance but the start.
SAME = {
    "hidden_layer_sizes": (6,),
    "dropout": 0.0,
    "l2": 1e-3,
    "batch_size": "full",
    "epochs": 8,
    "schedule": "constant",
    "random_state": 0,
}


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (MLPRegularizedClassifier(**SAME), (Y > 0).astype(int)),
        (
            MLPRegularizedClassifier(
                **SAME, label_smoothing=0.1, class_weight="balanced", l1=1e-3
            ),
            LABELS,
        ),
        (MLPRegularizedRegressor(**SAME, loss="huber", optimizer="sgd"), NUMBERS),
    ],
    ids=["binary", "multiclass", "regressor"],
)
def test_it_trains_to_the_same_network(estimator, y):
    wrapper = pickle.loads(pickle.dumps(clone(to_scikeras(estimator)))).fit(X, y)
    estimator.fit(X, y)
    assert (wrapper.predict(X) == estimator.predict(X)).all() or is_regressor(estimator)
    method = "predict_proba" if is_classifier(estimator) else "predict"
    found, expected = (getattr(one, method)(X) for one in (wrapper, estimator))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(
        wrapper.history_["loss"], estimator.history_["loss"], rtol=1e-4
    )
    assert wrapper.score(X, y) == pytest.approx(estimator.score(X, y))
    again = pickle.loads(pickle.dumps(wrapper))
    np.testing.assert_array_equal(getattr(again, method)(X), found)


def test_its_network_is_the_estimators():
    estimator = MLPRegularizedClassifier(
        (7, 4),
        "selu",
        dropout=(0.1, 0.2),
        gaussian_noise=0.3,
        batchnorm=True,
        max_norm=2.0,
        activity_l2=0.1,
        normalize=False,
        optimizer="adamw",
        schedule="constant",
        random_state=3,
    )
    wrapper = to_scikeras(estimator).initialize(X, LABELS)
    _, job = captured(estimator, X, LABELS)
    model = wrapper.model_
    assert [type(layer).__name__ for layer in model.layers] == [
        "GaussianNoise",
        *(["Dense", "BatchNormalization", "Activation", "AlphaDropout"] * 2),
        *("Dense", "Activation"),
    ]
    for variable, weight in zip(
        model.trainable_variables, job.state.weights.values(), strict=True
    ):
        np.testing.assert_array_equal(variable, weight.reshape(variable.shape))
    assert type(model.optimizer) is keras().optimizers.AdamW
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert model.optimizer.weight_decay == 0.004


def test_a_grid_search_finds_its_parameters():
    wrapper = to_scikeras(MLPRegularizedClassifier(**SAME))
    search = GridSearchCV(
        wrapper, {"epochs": [1, 2], "model__hidden_layer_sizes": [(3,), (4,)]}, cv=2
    )
    search.fit(X, LABELS)
    best, network = search.best_params_, search.best_estimator_.model_
    assert len(search.best_estimator_.history_["loss"]) == best["epochs"]
    assert (network.layers[0].units,) == best["model__hidden_layer_sizes"]


def test_folds_are_stratified_and_statistics_are_the_folds_own():
    wrapper = to_scikeras(MLPRegularizedRegressor(**SAME, normalize=True))
    assert is_regressor(wrapper)
    classifier = to_scikeras(MLPRegularizedClassifier(**SAME))
    assert type(check_cv(3, Y, classifier=is_classifier(classifier))).__name__ == (
        "StratifiedKFold"
    )
    rows = np.arange(40)
    wrapper.set_params(epochs=1).fit(X[rows], NUMBERS[rows])
    scaler = wrapper.feature_encoder_.standardizer_
    np.testing.assert_allclose(scaler.mean, X[rows].mean(axis=0))
    np.testing.assert_allclose(scaler.scale, X[rows].std(axis=0))
    np.testing.assert_allclose(
        wrapper.target_encoder_.coder_.offset, NUMBERS[rows].mean()
    )


def test_early_stopping_is_keras_own():
    estimator = MLPRegularizedRegressor(
        (4,),
        early_stopping=True,
        validation_fraction=0.25,
        patience=2,
        min_delta=1e6,  # which no epoch reaches
        epochs=9,
        random_state=0,
    )
    wrapper = to_scikeras(estimator).fit(X, NUMBERS)
    assert len(wrapper.history_["val_loss"]) == 3
    assert wrapper.validation_split == 0.25


@pytest.mark.parametrize(
    ("settings", "atol"),
    [
        ({"schedule": "constant"}, 0),
        ({"schedule": "cosine"}, 0),
        ({"schedule": "cosine_restarts"}, 0),
        ({"schedule": "step"}, 0),
        ({"schedule": "exponential"}, 0),
        ({"schedule": "auto"}, 0.02),  # the cosine begins a step early
        ({"schedule": "auto", "warmup": 0.01}, 0.02),  # one step
        ({"schedule": "constant", "warmup": 0.1}, 0),
        ({"schedule": "constant", "warmup": 0.01}, 0),
    ],
    ids=str,
)
def test_rates_are_those_of_the_schedule(settings, atol):
    estimator = MLPRegularizedClassifier(learning_rate=1.0, **settings)
    found = optimizer_settings(estimator)
    schedule = schedule_of(estimator, found, 100, steps_taken=0, first_step=0)
    ours = schedule.rates(range(100))
    theirs = keras_schedule(estimator, found, 100)
    if callable(theirs):
        theirs = [float(theirs(step)) for step in range(100)]
    np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-6 + 1.001 * atol)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_members": 2}, "'n_members' .* Got 2"),
        ({"mixup": 0.2}, "'mixup' .* Got 0.2"),
        ({"feature_l1": 0.2}, "'feature_l1' .* Got 0.2"),
        ({"loss": "hinge"}, "'loss' .* Got 'hinge'"),
        ({"early_stopping": True, "monitor": "roc_auc"}, "'monitor' .* Got 'roc_auc'"),
        ({"schedule": "step", "warmup": 0.1}, "'warmup' .* Got warmup=0.1"),
        ({"dropout": 2}, "'dropout' parameter of MLPRegularizedClassifier"),
    ],
)
def test_what_scikeras_does_not_have_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        to_scikeras(MLPRegularizedClassifier(**parameters))


def test_without_scikeras_the_extra_is_named():
    missing = {"scikeras": None, "scikeras.wrappers": None}
    with (
        mock.patch.dict(sys.modules, missing),
        pytest.raises(ImportError, match=r'pip install "skreg\[scikeras\]"'),
    ):
        to_scikeras(MLPRegularizedClassifier())
