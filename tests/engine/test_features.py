"""The penalty on whole features: what it switches off, and what it leaves alone."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

import skreg
from tests.support import plain_classifier, plain_regressor


@pytest.fixture(scope="module")
def data():
    return make_classification(60, 8, n_informative=3, n_redundant=0, random_state=0)


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 20))
    return X, X[:, 0] - X[:, 1] + X[:, 2] * X[:, 3] + 0.3 * rng.normal(size=200)


@pytest.mark.parametrize(
    ("optimizer", "rate", "strength"),
    [
        ("sgd", 0.03, 0.1),
        ("adagrad", 0.1, 0.1),
        ("rmsprop", 0.005, 0.1),
        ("adam", 0.01, 0.1),
        ("adamw", 0.01, 0.1),
        ("nadam", 0.01, 0.1),
        ("adamax", 0.02, 0.1),
        ("adadelta", 3.0, 0.1),
        ("lion", 0.003, 0.05),
    ],
)
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_what_does_not_matter_is_exactly_zero(
    optimizer, rate, strength, schedule, numbers
):
    """Also where the rate ends at 0, and momentum would still move the weights."""
    network = plain_regressor(
        (16,),
        optimizer=optimizer,
        learning_rate=rate,
        schedule=schedule,
        feature_l1=strength,
        l2=1e-3,
        epochs=150,
        random_state=0,
    ).fit(*numbers)
    off = ~np.any(network._state["weights"]["kernel_0"], axis=1)
    assert not off[:4].any()
    assert off[4:].sum() >= 12


@pytest.mark.parametrize(
    "settings", [{"optimizer": "lion"}, {"optimizer": "adam", "epsilon": 1e-10}]
)
def test_lanes_without_the_penalty_stay_finite_beside_others(settings, data):
    """Also the weights of columns that they do not have: these never have a slope."""
    network = plain_classifier((4,), epochs=2, random_state=0).set_params(**settings)
    pipeline = Pipeline([("select", SelectKBest()), ("mlp", network)])
    grid = {"select__k": [2, 8], "mlp__feature_l1": [0.0, 0.5]}
    with skreg.stacked():
        GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(*data)


@pytest.mark.parametrize("strength", [30.0, 1e3, 1e6])
def test_what_is_off_in_the_end_is_exactly_0(data, strength):
    """Steps at the end of a schedule, at a rate of almost 0, bring nothing back."""
    network = plain_classifier((8,), l2=1e-3, schedule="cosine", random_state=0)
    network.set_params(feature_l1=strength, epochs=60).fit(*data)
    assert not network.selected_features_.any()
