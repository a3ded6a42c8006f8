"""The network: sizes that are well known, and models that it contains."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from skreg.engine import keras
from tests.support import plain_classifier, plain_regressor


def test_count_of_a_hidden_layer_with_batchnorm(rng):
    """784 inputs, Dense 32 and its batch normalisation: 25,248, of which 64 fixed."""
    X, y = rng.normal(size=(20, 784)), np.arange(20) % 2
    network = plain_classifier((32,), batchnorm=True, epochs=1).fit(X, y)
    output = 32 + 1
    assert network.model_.count_params() == 25_248 + output
    fixed = sum(v.shape[0] for v in network.model_.non_trainable_variables)
    assert fixed == 64
    assert network.n_parameters_ == 25_248 - 64 + output


def test_count_of_a_text_network(rng):
    """10,000 inputs, 16-16-1: 160,305."""
    X, y = rng.random((20, 10_000)), np.arange(20) % 2
    network = plain_classifier((16, 16), epochs=1).fit(X, y)
    assert network.model_.count_params() == 160_305
    assert network.n_parameters_ == 160_305


def test_model_consists_of_layers_of_keras():
    X, y = make_classification(60, 5, random_state=0)
    network = plain_classifier(
        (8, 4),
        input_dropout=0.1,
        gaussian_noise=0.1,
        dropout=0.2,
        batchnorm=True,
        epochs=1,
    ).fit(X, y)
    names = [type(layer).__name__ for layer in network.model_.layers]
    block = ["Dense", "BatchNormalization", "Activation", "Dropout"]
    assert names == [
        *("Rescaling", "Rescaling", "Dropout", "GaussianNoise"),
        *(block * 2),
        *("Dense", "Activation"),
    ]
    for layer in network.model_.layers:
        assert type(layer).__module__.startswith("keras.")


def test_selu_gets_alpha_dropout_and_lecun():
    X, y = make_classification(60, 5, random_state=0)
    network = plain_classifier((8,), "selu", dropout=0.2, epochs=1).fit(X, y)
    layers = {type(layer).__name__: layer for layer in network.model_.layers}
    assert "AlphaDropout" in layers
    assert type(network.model_.layers[2].kernel_initializer).__name__ == "LecunNormal"


def test_model_is_kept_and_follows_training():
    X, y = make_classification(60, 5, random_state=0)
    network = plain_classifier((8,), epochs=2).fit(X, y)
    model = network.model_
    assert network.model_ is model
    network.partial_fit(X, y)
    assert network.model_ is not model
    np.testing.assert_allclose(
        network.model_(X.astype("float32"))[:, 0],
        network.predict_proba(X)[:, 1],
        rtol=1e-4,
    )


def test_model_saves_and_loads_without_skreg(tmp_path):
    X, y = make_classification(60, 5, random_state=0)
    network = plain_classifier((8,), batchnorm=True, l2=0.01, epochs=2)
    network.fit(X, y).model_.save(tmp_path / "model.keras")
    loaded = keras().saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        loaded(X.astype("float32"))[:, 0], network.predict_proba(X)[:, 1], rtol=1e-4
    )
    assert loaded.optimizer.iterations == network._state["step"]
    loaded.train_on_batch(X, y)


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1e3, 1e25])
def test_model_takes_columns_of_any_scale(factor):
    X, y = make_classification(60, 5, random_state=0)
    X[:, 0] *= factor
    network = plain_classifier((8,), epochs=2).fit(X, y)
    np.testing.assert_allclose(
        network.model_(X.astype("float32"))[:, 0],
        network.predict_proba(X)[:, 1],
        atol=1e-4,
    )


LINEAR = {
    "hidden_layer_sizes": (),
    "batch_size": "full",
    "epochs": 2000,
    "schedule": "cosine",
}


@pytest.mark.usefixtures("float64")
def test_without_hidden_layers_it_is_logistic_regression():
    X, y = make_classification(100, 4, random_state=0)
    # The sum of squares weighs C * n times less in scikit-learn's sum than in a mean.
    reference = LogisticRegression(C=1 / (2 * 0.01 * len(X))).fit(X, y)
    network = plain_classifier(
        **LINEAR, l2=0.01, normalize=False, learning_rate=0.05
    ).fit(X, y)
    np.testing.assert_allclose(
        network._state["weights"]["kernel_0"][:, 0], reference.coef_[0], rtol=1e-3
    )
    np.testing.assert_allclose(
        network.predict_proba(X), reference.predict_proba(X), atol=1e-3
    )


@pytest.mark.usefixtures("float64")
def test_without_hidden_layers_it_is_multinomial_regression():
    X, y = make_classification(100, 5, n_informative=3, n_classes=3, random_state=0)
    reference = LogisticRegression(C=1 / (2 * 0.01 * len(X))).fit(X, y)
    network = plain_classifier(
        **LINEAR, l2=0.01, normalize=False, learning_rate=0.05
    ).fit(X, y)
    np.testing.assert_allclose(
        network.predict_proba(X), reference.predict_proba(X), atol=1e-3
    )


@pytest.mark.usefixtures("float64")
def test_without_hidden_layers_it_is_ridge_regression():
    X, y = make_regression(80, 5, noise=10.0, random_state=0)
    y = y * 50 + 7000
    Z, target = (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()
    reference = Ridge(alpha=0.05 * len(X)).fit(Z, target)
    network = plain_regressor(**LINEAR, l2=0.05, learning_rate=0.05).fit(X, y)
    expected = reference.predict(Z) * y.std() + y.mean()
    np.testing.assert_allclose(network.predict(X), expected, rtol=1e-5)


@pytest.mark.usefixtures("float64")
def test_without_hidden_layers_it_is_poisson_regression(rng):
    X = rng.normal(size=(200, 3))
    y = rng.poisson(np.exp(1 + X @ [0.3, -0.2, 0.1])).astype(float)
    reference = PoissonRegressor(alpha=0).fit(X, y)
    network = plain_regressor(**LINEAR, loss="poisson", learning_rate=0.05)
    network.fit(X, y)
    np.testing.assert_allclose(network.predict(X), reference.predict(X), rtol=1e-3)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantiles_cover_their_share(quantile, rng):
    X = rng.normal(size=(2000, 1))
    y = 100 + 10 * X[:, 0] + rng.normal(size=2000)
    network = plain_regressor(
        (),
        loss="quantile",
        quantile=quantile,
        epochs=60,
        learning_rate=0.02,
        schedule="cosine",
    ).fit(X, y)
    assert (y < network.predict(X)).mean() == pytest.approx(quantile, abs=0.03)


def test_an_absolute_error_predicts_the_median(rng):
    X, y = np.zeros((501, 1)), np.exp(3 * rng.normal(size=501))
    network = plain_regressor(
        (), loss="absolute_error", epochs=200, learning_rate=0.01, schedule="cosine"
    ).fit(X, y)
    assert network.predict(X[:1])[0] == pytest.approx(np.median(y), abs=1)


def test_l1_makes_weights_vanish(rng):
    X = rng.normal(size=(300, 20))
    y = (X[:, 0] > 0).astype(int)
    network = plain_classifier(**LINEAR, l1=0.1, learning_rate=0.01)
    kernel = np.abs(network.fit(X, y)._state["weights"]["kernel_0"][:, 0])
    assert kernel[0] > 0.2
    assert kernel[1:].max() < 0.01


def test_max_norm_holds(rng):
    X, y = make_classification(100, 6, random_state=0)
    network = plain_classifier((8,), max_norm=0.7, epochs=20).fit(X, y)
    for name in ("kernel_0", "kernel_1"):
        norms = np.linalg.norm(network._state["weights"][name], axis=0)
        assert norms.max() <= 0.7 + 1e-5
