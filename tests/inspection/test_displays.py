"""Figures: what is drawn, from known numbers."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skreg import (
    Diagnosis,
    LossCurveDisplay,
    MLPRegularizedClassifier,
    RegularizationPathDisplay,
    WeightsDisplay,
)
from skreg.inspection.weights_display import dead_units

mpl.use("agg")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def network(cancer):
    network = MLPRegularizedClassifier(
        (8, 4), epochs=12, early_stopping=True, patience=2, random_state=0
    )
    return network.fit(*cancer)


def test_loss_curves(network):
    display = LossCurveDisplay.from_estimator(network)
    training, validation, best = display.ax_.get_lines()[:3]
    np.testing.assert_array_equal(training.get_ydata(), network.history_["loss"])
    np.testing.assert_array_equal(validation.get_ydata(), network.history_["val_loss"])
    assert best.get_xdata()[0] == network.best_epoch_
    assert display.figure_ is display.ax_.figure


def test_loss_curves_of_a_pipeline_on_given_axes(cancer):
    _, ax = plt.subplots()
    network = MLPRegularizedClassifier((4,), epochs=3)
    pipeline = make_pipeline(StandardScaler(), network).fit(*cancer)
    display = LossCurveDisplay.from_estimator(pipeline, ax)
    assert display.ax_ is ax
    assert len(ax.get_lines()) == 1


def test_a_path_over_one_split_has_no_band():
    display = RegularizationPathDisplay("l2", [0.1, 0.2], [[0.9], [0.8]], [[0.7]] * 2)
    band = display.plot().ax_.collections[0].get_paths()[0].vertices
    assert set(band[:, 1].round(9)) == {0.9, 0.8}


@pytest.mark.parametrize(
    "wrong",
    [
        {"param_range": []},
        {"param_range": 0.1},
        {"param_range": "relu"},
        {"cv": 1},
        {"scoring": ["accuracy"]},
        {"scoring": lambda estimator, X, y: "good"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_wrong_values_of_a_path_are_named(cancer, wrong):
    network = MLPRegularizedClassifier((4,), epochs=1, random_state=0)
    usual = {"param_name": "l2", "param_range": iter([0.1]), "cv": 2}
    with pytest.raises(ValueError, match=f"The '{next(iter(wrong))}' parameter must"):
        RegularizationPathDisplay.from_estimator(network, *cancer, **(usual | wrong))


@pytest.mark.parametrize(
    ("values", "scale"),
    [([0, 1e-4, 1e-2], "linear"), ([1e-3, 1e-1], "log"), ([0.1, 0.2], "linear")],
)
def test_paths(cancer, values, scale):
    X, y = cancer
    network = MLPRegularizedClassifier((4,), epochs=3, random_state=0)
    display = RegularizationPathDisplay.from_estimator(
        network, X, y, param_name="l2", param_range=values, cv=3
    )
    assert display.train_scores.shape == (len(values), 3)
    assert display.ax_.get_xscale() == scale
    means = display.ax_.get_lines()[1].get_ydata()
    np.testing.assert_allclose(means, display.validation_scores.mean(axis=1))
    assert display.ax_.get_xlabel() == "l2"


def test_a_path_of_one_split_has_no_error():
    scores = np.array([[0.5], [0.6]])
    display = RegularizationPathDisplay("l2", [0.0, 0.1], scores, scores).plot()
    for line in display.ax_.get_lines():
        np.testing.assert_array_equal(line.get_ydata(), scores[:, 0])


def test_a_path_in_any_order_is_drawn_from_left_to_right():
    scores = np.array([[0.5], [0.7], [0.6]])
    display = RegularizationPathDisplay("l2", [1.0, 1e-4, 1e-2], scores, scores).plot()
    line = display.ax_.get_lines()[0]
    np.testing.assert_array_equal(line.get_xdata(), [1e-4, 1e-2, 1.0])
    np.testing.assert_array_equal(line.get_ydata(), [0.7, 0.6, 0.5])


def test_a_path_of_yes_and_no():
    scores = np.arange(4.0).reshape(2, 2)
    display = RegularizationPathDisplay("nesterov", [False, True], scores, scores)
    labels = [tick.get_text() for tick in display.plot().ax_.get_xticklabels()]
    assert labels == ["False", "True"]


def test_a_path_of_names():
    scores = np.arange(4.0).reshape(2, 2)
    display = RegularizationPathDisplay("activation", ["relu", "tanh"], scores, scores)
    labels = [tick.get_text() for tick in display.plot().ax_.get_xticklabels()]
    assert labels == ["relu", "tanh"]


def test_a_path_with_a_wrong_value(cancer):
    with pytest.raises(ValueError, match="'dropout' parameter"):
        RegularizationPathDisplay.from_estimator(
            MLPRegularizedClassifier((4,), epochs=1),
            *cancer,
            param_name="dropout",
            param_range=[0.1, 1.5],
        )


def test_dead_units(network, cancer):
    """A unit without inputs and with a negative bias gives 0 on all rows."""
    X, y = cancer
    other = MLPRegularizedClassifier((8, 4), epochs=2, random_state=0).fit(X, y)
    weights = {name: array.copy() for name, array in other._state["weights"].items()}
    weights["kernel_0"][:, :4], weights["bias_0"][:, :4] = 0, -1
    other._state = other._state | {"weights": weights}
    assert dead_units(other, X)[0] >= 0.5
    display = WeightsDisplay.from_estimator(other, X)
    assert [ax.get_title() for ax in display.axes_] == [
        "hidden 1, 30 x 8",
        "hidden 2, 8 x 4",
        "output, 4 x 1",
    ]
    assert "dead units: " in display.axes_[0].get_xlabel()
    scaler = StandardScaler().fit(X)
    for pipeline, rows in (
        (make_pipeline(other), X),
        (make_pipeline(scaler, make_pipeline(other)), scaler.inverse_transform(X)),
    ):
        again = WeightsDisplay.from_estimator(pipeline, rows)
        assert again.dead == pytest.approx(display.dead)
    assert "dead" not in display.axes_[2].get_xlabel()


def test_a_diagnosis_without_curves_can_be_drawn():
    display = Diagnosis("diverging", "all folds diverged").plot()
    assert display.ax_.get_title() == "diverging"
