"""Labels and numbers of every kind, and weights of classes and rows."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import KFold, cross_val_score
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor
from skreg.fitting import Sample, balanced_weights
from tests.support import plain_classifier, plain_regressor

X, CODES = make_classification(
    150, 6, n_informative=5, n_redundant=0, n_classes=3, random_state=0
)
FAST = {"hidden_layer_sizes": (16,), "epochs": 20, "learning_rate": 0.01}


@pytest.mark.parametrize(
    "labels",
    [
        np.array([False, True]),
        np.array(["mine", "rock"]),
        np.array(["mine", "rock"], dtype=object),
        np.array([-1, 1]),
        np.array([2, 7], dtype=np.uint8),
        np.array([0.0, 1.0]),
        np.array(["a", "b", "c"]),
        np.array([30, 10, 20]),
    ],
    ids=repr,
)
def test_labels_of_any_type(labels):
    y = labels[CODES % len(labels)]
    network = plain_classifier(**FAST, random_state=0).fit(X, y)
    np.testing.assert_array_equal(network.classes_, np.unique(labels))
    predicted = network.predict(X)
    assert predicted.dtype == np.asarray(labels).dtype
    assert (predicted == y).mean() > 0.7
    probabilities = network.predict_proba(X)
    assert probabilities.shape == (len(y), len(labels))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(
        network.classes_[probabilities.argmax(axis=1)], predicted
    )
    np.testing.assert_allclose(
        np.exp(network.predict_log_proba(X)), probabilities, rtol=1e-5
    )


def test_names_of_labels_do_not_matter():
    fits = [
        plain_classifier(**FAST, random_state=0).fit(X, y).predict_proba(X)
        for y in (CODES, np.array(["x", "y", "z"])[CODES])
    ]
    np.testing.assert_array_equal(*fits)


@pytest.mark.parametrize("sparse", [False, True])
def test_multilabel(sparse):
    X, Y = make_multilabel_classification(150, 6, n_classes=4, random_state=0)
    network = plain_classifier(**FAST, random_state=0)
    network.fit(X, csr_matrix(Y) if sparse else Y)
    predicted = network.predict(X)
    assert predicted.shape == Y.shape
    assert set(np.unique(predicted)) == {0, 1}
    assert (predicted == Y).mean() > 0.75
    np.testing.assert_array_equal(predicted, network.predict_proba(X) > 0.5)
    np.testing.assert_array_equal(network.classes_, np.arange(4))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_hinge_gives_margins(n_classes):
    y = CODES % n_classes
    network = plain_classifier(**FAST, loss="hinge", random_state=0).fit(X, y)
    margins = network.decision_function(X)
    assert margins.shape == ((150,) if n_classes == 2 else (150, 3))
    by_margin = margins > 0 if n_classes == 2 else margins.argmax(axis=1)
    np.testing.assert_array_equal(network.predict(X), by_margin)
    assert not hasattr(network, "predict_proba")
    assert not hasattr(plain_classifier(), "decision_function")


def test_focal_loss_with_gamma_zero_is_log_loss():
    settings = FAST | {"random_state": 0}
    focal = plain_classifier(**settings, loss="focal", focal_gamma=0.0)
    plain = plain_classifier(**settings)
    np.testing.assert_allclose(
        focal.fit(X, CODES).predict_proba(X),
        plain.fit(X, CODES).predict_proba(X),
        rtol=1e-3,
        atol=1e-5,
    )


def test_label_smoothing_keeps_probabilities_from_certainty(rng):
    X = rng.normal(size=(200, 2))
    y = (X[:, 0] > 0).astype(int)
    settings = FAST | {"epochs": 150, "random_state": 0}
    sure = plain_classifier(**settings).fit(X, y).predict_proba(X).max()
    network = plain_classifier(**settings, label_smoothing=0.2).fit(X, y)
    assert network.predict_proba(X).max() < 0.97 < sure


def test_balanced_class_weights_are_those_of_scikit_learn():
    y = (CODES == 0) & (X[:, 0] > 0)
    counts = np.bincount(y)
    by_hand = {label: len(y) / (2 * count) for label, count in enumerate(counts)}
    # Statistics of the columns know sample weights alone: they are left out.
    settings = FAST | {"random_state": 0, "normalize": False}
    fits = [
        plain_classifier(**settings, class_weight=weight).fit(X, y)
        for weight in ("balanced", by_hand, None)
    ]
    rows = [
        fits[0].predict_proba(X),
        fits[1].predict_proba(X),
        plain_classifier(**settings)
        .fit(X, y, sample_weight=np.array([by_hand[label] for label in y]))
        .predict_proba(X),
    ]
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-5)
    np.testing.assert_allclose(rows[0], rows[2], rtol=1e-5)
    assert rows[0][:, 1].mean() > fits[2].predict_proba(X)[:, 1].mean()


@pytest.mark.parametrize("y", [CODES, np.c_[CODES == 0, CODES > 1].astype(int)])
def test_balanced_weights_count_sample_weights(y, rng):
    """They are those of the repeated rows."""
    times = rng.integers(1, 4, len(y))
    expected = compute_sample_weight("balanced", np.repeat(y, times, axis=0))
    for scale in (1.0, 1e300):
        found = np.repeat(balanced_weights(y, scale * times), times)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("unit", [2.0**-700, 2.0**700])
def test_targets_whose_squares_are_no_numbers(unit):
    fits = [
        plain_regressor((), epochs=2, random_state=0).fit(X, X[:, 0] * scale)
        for scale in (1.0, unit)
    ]
    np.testing.assert_array_equal(fits[1].predict(X) / unit, fits[0].predict(X))


def test_one_target_and_many(diabetes):
    X, y = diabetes
    settings = {"hidden_layer_sizes": (16,), "epochs": 20, "random_state": 0}
    one = plain_regressor(**settings).fit(X, y)
    assert one.predict(X).shape == y.shape
    column = plain_regressor(**settings).fit(X, y[:, None])
    assert column.predict(X).shape == (len(y), 1)
    np.testing.assert_allclose(column.predict(X)[:, 0], one.predict(X), rtol=1e-5)
    both = np.stack([y, 1e6 - 1e4 * y], axis=1)
    many = plain_regressor(**settings).fit(X, both)
    assert many.predict(X).shape == both.shape
    assert many.score(X, both) > 0.3


@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0), (1e6, 1e9), (1, -1e5)])
def test_targets_of_any_size(scale, offset, diabetes):
    X, y = diabetes
    settings = {"hidden_layer_sizes": (16,), "epochs": 20, "random_state": 0}
    plain = plain_regressor(**settings).fit(X, y).score(X, y)
    y = scale * y + offset
    assert plain_regressor(**settings).fit(X, y).score(X, y) == pytest.approx(
        plain, abs=0.01
    )


def test_a_constant_target_is_predicted(rng):
    X = rng.normal(size=(30, 3))
    network = plain_regressor((4,), epochs=200, learning_rate=0.01, random_state=0)
    network.fit(X, np.full(30, 1234.5))
    np.testing.assert_allclose(network.predict(X), 1234.5, atol=0.5)


def test_a_column_of_labels_is_taken_with_a_warning():
    with pytest.warns(DataConversionWarning):
        plain_classifier((4,), epochs=1).fit(X, CODES[:, None])


WRONG = {
    "one class": (np.zeros(150), "at least 2 classes. Got one class"),
    "numbers": (X[:, 0], "Unknown label type: continuous"),
    "several columns": (np.stack([CODES, CODES], axis=1), "MultiOutputClassifier"),
    "NaN": (np.where(CODES == 0, np.nan, CODES), "Input y contains NaN"),
    "too few": (CODES[:100], "inconsistent numbers of samples"),
    "-1 and 1 in columns": (
        np.stack([CODES > 0, CODES > 1], axis=1) * 2 - 1,
        "of 0 and 1",
    ),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_wrong_classes(case):
    y, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        plain_classifier(epochs=1).fit(X, y)


@pytest.mark.parametrize(
    ("y", "loss", "message"),
    [
        (np.where(CODES == 0, np.inf, CODES), "huber", "Input y contains infinity"),
        (np.array(["a"] * 150), "huber", "could not convert string|dtype"),
        (np.array([None] * 150), "huber", "Input y contains NaN"),
        (
            CODES.astype("datetime64[D]"),
            "huber",
            r"y must hold numbers. Got datetime64",
        ),
        (-CODES, "poisson", "y must not be negative with loss='poisson'"),
    ],
)
def test_wrong_numbers(y, loss, message):
    with pytest.raises(ValueError, match=message):
        plain_regressor(epochs=1, loss=loss).fit(X, y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(150), "weights of all rows are 0|at least one non-zero"),
        (np.where(CODES == 0, -1.0, 1.0), "Negative values in data"),
        (np.ones(3), "sample_weight.shape"),
        (np.full(150, np.nan), "contains NaN"),
    ],
)
@pytest.mark.parametrize("kind", [MLPRegularizedClassifier, MLPRegularizedRegressor])
def test_wrong_sample_weights(kind, weight, message):
    with pytest.raises(ValueError, match=message):
        kind(epochs=1).fit(X, CODES, sample_weight=weight)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: -1.0}, "'class_weight' .* must give finite weights of at least 0"),
        (
            {0: np.nan},
            "'class_weight' .* must give finite weights of at least 0",
        ),
        ({0: 0, 1: 0, 2: 0}, "weights of all rows are 0"),
        ({0: "a"}, "'class_weight' parameter must have numbers as values"),
        ([{0: 1, 1: 9}], "'class_weight' parameter must be .* a list .* several"),
        ([], "'class_weight' parameter must be .* a list .* several"),
    ],
)
def test_wrong_class_weights(class_weight, message):
    with pytest.raises(ValueError, match=message):
        plain_classifier(epochs=1, class_weight=class_weight).fit(X, CODES)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_class_weights_are_about_the_whole_data(missing):
    """A fold, a learning curve or a bag may lack a class that has a weight."""
    rows = missing != CODES
    weights = {0: 1.0, 1: 2.0, 2: 5.0}
    own = {label: weight for label, weight in weights.items() if label != missing}
    fitted = [
        plain_classifier(**FAST, class_weight=by_label, random_state=0)
        .fit(X[rows], CODES[rows])
        .predict_proba(X)
        for by_label in (weights, own)
    ]
    np.testing.assert_array_equal(*fitted)


@pytest.mark.parametrize(
    "class_weight", [{"0": 2.0}, {0: 1.0, 1: 2.0, "2": 5.0}, {0: 1.0, 1: 2.0, 7: 5.0}]
)
def test_a_misspelt_label_is_refused_as_in_scikit_learn(class_weight):
    with pytest.raises(ValueError, match="not in class_weight"):
        compute_class_weight(class_weight, classes=np.unique(CODES), y=CODES)
    with pytest.raises(ValueError, match="'class_weight' parameter must have keys"):
        plain_classifier(epochs=1, class_weight=class_weight).fit(X, CODES)


def test_class_weights_in_folds_that_lack_the_class():
    y = np.where(np.arange(150) < 3, 2, CODES % 2)
    network = plain_classifier(**FAST, class_weight={0: 1, 1: 2, 2: 5})
    scores = cross_val_score(network, X, y, cv=KFold(3), error_score="raise")
    assert len(scores) == 3


def test_class_weights_of_labels_in_folds_that_lack_a_value():
    y = np.stack([np.arange(150) < 40, CODES == 0], axis=1).astype(int)
    network = plain_classifier(**FAST, class_weight=[{1: 2.0}, {0: 3.0}])
    scores = cross_val_score(network, X, y, cv=KFold(3), error_score="raise")
    assert len(scores) == 3
    sample = Sample(X, y, np.ones(len(y)))
    weight = network.fit(X, y)._class_weights(sample)
    np.testing.assert_array_equal(weight, (1 + y[:, 0]) * (3 - 2 * y[:, 1]))
    for wrong in ([{1: 2.0}], [{1: 2.0}, "balanced"], [{1: 2.0}, {"1": 2.0}]):
        with pytest.raises(ValueError, match="'class_weight' parameter must"):
            network.set_params(class_weight=wrong).fit(X, y)


# --- probabilities

PROBABILITIES = {
    "two classes": (CODES > 0).astype(int),
    "three classes": CODES,
    "labels": (CODES[:, None] == [0, 1, 2]).astype(int),
}


@pytest.mark.parametrize("kind", list(PROBABILITIES))
@pytest.mark.parametrize("n_members", [1, 3])
def test_probabilities_have_double_precision(kind, n_members):
    y = PROBABILITIES[kind]
    network = plain_classifier(**FAST, n_members=n_members, random_state=0)
    network.fit(1e3 * X, y)
    for scale in (1.0, 1e4):  # far from the training rows: sure of itself
        found = network.predict_proba(scale * X)
        logs = network.predict_log_proba(scale * X)
        members = network.predict_proba(scale * X, members=True)
        assert found.dtype == logs.dtype == members.dtype == np.float64
        np.testing.assert_allclose(members.mean(axis=0), found, rtol=1e-12)
        np.testing.assert_allclose(np.exp(logs), found, rtol=1e-12)
        assert np.isfinite(logs).all()
        if y.ndim == 1:
            np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=1e-14)
            rng = np.random.default_rng(0)
            assert rng.multinomial(10, found).shape == found.shape
            np.testing.assert_array_equal(
                network.predict(scale * X), network.classes_[found.argmax(axis=1)]
            )


def test_rows_of_weight_zero_are_left_out():
    weight = (CODES > 0).astype(float)
    settings = FAST | {"random_state": 0}
    weighted = plain_classifier(**settings).fit(X, CODES, sample_weight=weight)
    without = plain_classifier(**settings).fit(X[CODES > 0], CODES[CODES > 0])
    np.testing.assert_array_equal(weighted.classes_, [1, 2])
    np.testing.assert_allclose(
        weighted.predict_proba(X), without.predict_proba(X), rtol=1e-5
    )


@pytest.mark.parametrize("factor", [1000.0, 1e300, 1e-300])
@pytest.mark.parametrize("kind", [MLPRegularizedClassifier, MLPRegularizedRegressor])
def test_the_scale_of_weights_does_not_matter(kind, factor):
    weight = 1.0 + CODES
    fits = [
        kind(**FAST, random_state=0).fit(X, CODES, sample_weight=w * weight)
        for w in (1.0, factor)
    ]
    np.testing.assert_allclose(
        fits[0]._outputs(X), fits[1]._outputs(X), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("l2", [0.001, "auto"])
def test_huge_weights_of_rows_and_classes_are_multiplied(l2):
    """Their product is no number."""
    fits = [
        plain_classifier(**FAST, random_state=0, class_weight=weights, l2=l2).fit(
            X, CODES, sample_weight=np.full(len(X), weights[0])
        )
        for weights in ({0: 1.0, 1: 2.0, 2: 1.0}, {0: 1e200, 1: 2e200, 2: 1e200})
    ]
    np.testing.assert_allclose(
        fits[0].predict_proba(X), fits[1].predict_proba(X), rtol=1e-4
    )


def test_weights_of_a_part_that_gradients_cannot_bear():
    """A stream's weights keep their scale, so that they mean the same in all parts."""

    def trained(weight, class_weight):
        network = plain_classifier(class_weight={0: class_weight, 1: 1.0, 2: 1.0})
        weights = np.full(len(X), weight)
        return network.partial_fit(X, CODES, [0, 1, 2], sample_weight=weights)

    for weight, class_weight in ((1e200, 1e200), (1.0, 1e200), (1e200, 1.0)):
        with pytest.raises(ValueError, match=r"sample_weight.*class_weight.*1.8e\+19"):
            trained(weight, class_weight)
    assert np.isfinite(trained(1e10, 1.0).predict_proba(X)).all()


def test_balanced_weights_do_not_count_rows_of_weight_zero():
    weight = (np.arange(150) >= 30).astype(float)
    settings = FAST | {"random_state": 0, "class_weight": "balanced"}
    weighted = plain_classifier(**settings).fit(X, CODES, sample_weight=weight)
    without = plain_classifier(**settings).fit(X[30:], CODES[30:])
    np.testing.assert_allclose(
        weighted.predict_proba(X), without.predict_proba(X), rtol=1e-5
    )


def test_a_class_of_weight_zero_stays_a_class():
    network = plain_classifier(**FAST, class_weight={2: 0}, random_state=0)
    network.fit(X, CODES, X_val=X, y_val=CODES)
    np.testing.assert_array_equal(network.classes_, [0, 1, 2])
    assert (network.predict(X) == 2).mean() < 0.05


def test_numbers_too_large_for_the_network_are_refused():
    with pytest.raises(ValueError, match="Input y contains a value too large"):
        plain_regressor(normalize=False, epochs=1).fit(X, X[:, 0] * 1e39)


def test_validation_targets_have_the_shape_of_the_others():
    with pytest.raises(ValueError, match="y must have one column"):
        plain_classifier(epochs=1).fit(
            X, CODES > 0, X_val=X, y_val=np.stack([CODES > 0, CODES > 1], axis=1)
        )
