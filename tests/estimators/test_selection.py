"""Which features a network uses: masks, importances, smaller networks, the path."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import skreg
from skreg import FeaturePathDisplay
from tests.support import plain_classifier, plain_regressor

pd = pytest.importorskip("pandas")

NETWORK = plain_classifier(
    (8,), feature_l1=0.2, l2=1e-3, normalize="robust", epochs=60, random_state=0
)


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(
        200, 12, n_informative=2, n_redundant=0, shuffle=False, random_state=0
    )
    return pd.DataFrame(X * 7 + 3).rename(columns="x{}".format), y


@pytest.fixture(scope="module")
def network(data):
    return clone(NETWORK).fit(*data)


@pytest.fixture(scope="module")
def ensemble(data):
    groups = ["a", "a", *"bcdefghij", "j"]
    members = {"n_members": 2, "feature_groups": groups, "feature_l1": 0.1}
    return clone(NETWORK).set_params(**members).fit(*data)


def test_the_mask_is_that_of_rows_other_than_zero(network):
    dense = next(at for at in network.model_.layers if hasattr(at, "kernel"))
    kernel = dense.get_weights()[0]
    mask = network.selected_features_
    np.testing.assert_array_equal(mask, np.abs(kernel).sum(axis=1) > 0)
    assert mask[:2].any()
    assert 1 <= mask.sum() <= 4


def test_importances_are_norms_as_shares(network, ensemble):
    norms = np.linalg.norm(network._state["weights"]["kernel_0"], axis=1)
    importances = network.feature_importances_
    np.testing.assert_allclose(importances, norms / norms.sum(), rtol=1e-6)
    of_all = ensemble._feature_norms().mean(axis=0)
    importances = ensemble.feature_importances_
    np.testing.assert_allclose(importances, of_all / of_all.sum())
    assert importances.sum() == pytest.approx(1)


def test_importances_of_a_linear_model_without_the_penalty(data):
    linear = plain_regressor((), epochs=2, random_state=0).fit(*data)
    weights = np.abs(linear._state["weights"]["kernel_0"][:, 0])
    np.testing.assert_allclose(
        linear.feature_importances_, weights / weights.sum(), rtol=1e-6
    )
    assert linear.selected_features_.all()


def test_groups_are_left_out_together(ensemble):
    for member in ensemble.members_:
        first, second, *_, last, end = member.selected_features_
        assert first == second
        assert last == end
    assert 2 <= ensemble.selected_features_.sum() < 12


@pytest.mark.parametrize("name", ["network", "ensemble"])
def test_a_reduced_network_predicts_the_same(name, request, data, tmp_path):
    fitted, (X, y) = request.getfixturevalue(name), data
    before = fitted.predict_proba(X)
    small = fitted.reduced()
    left = X.loc[:, fitted.selected_features_]
    assert small.n_features_in_ == left.shape[1] < 12
    assert list(small.feature_names_in_) == list(left.columns)
    np.testing.assert_allclose(small.predict_proba(left), before, atol=1e-6)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)
    keras_model = small.model_
    found = keras_model.predict(left.to_numpy(), verbose=0)[:, 0]
    np.testing.assert_allclose(found, before[:, 1], atol=1e-5)
    assert small.n_parameters_ == sum(a.size for a in small._state["weights"].values())
    skreg.save(small, tmp_path / "small.skreg")
    loaded = skreg.load(tmp_path / "small.skreg")
    np.testing.assert_array_equal(loaded.predict_proba(left), small.predict_proba(left))
    more = small.set_params(warm_start=True, epochs=2).fit(left, y)
    assert more.n_iter_ == fitted.n_iter_ + 2
    assert more.selected_features_.any()


def test_a_network_without_features_cannot_be_reduced(data):
    empty = clone(NETWORK).set_params(feature_l1=1e6).fit(*data)
    assert empty.feature_importances_.tolist() == [0.0] * 12
    with pytest.raises(ValueError, match="'?feature_l1'?=1000000.0 has left none"):
        empty.reduced()


def test_labels_of_groups_may_be_of_several_types(data, tmp_path):
    """1 and "1" are two groups, and so are neighbours among large integers."""
    labels = [1, "1", 2**63, 2**63 + 1, -1, -1, *"abcdef"]
    network = clone(NETWORK).set_params(feature_groups=labels, epochs=1).fit(*data)
    found = network._state["structure"]["feature_groups"]
    assert found == (0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10)
    small = network._on_features(np.arange(12) < 4)
    assert small.feature_groups == labels[:4]


@pytest.mark.parametrize("groups", ["ab", list("ab"), [0.5] * 12])
def test_groups_set_since_the_fit_have_to_be_right(groups, network):
    changed = clone(network)
    vars(changed).update(vars(network))
    changed.set_params(feature_groups=groups)
    with pytest.raises(ValueError, match="'feature_groups' parameter"):
        changed.reduced()


def test_parameters_are_not_shared_with_the_reduced_network(data):
    state = np.random.RandomState(0)
    network = clone(NETWORK).set_params(random_state=state, epochs=1).fit(*data)
    before = network.random_state.get_state()[2]
    network.reduced().fit(*data)
    assert network.random_state.get_state()[2] == before


def test_what_is_off_stays_off_and_comes_back_without_the_penalty(network, data):
    off = ~network.selected_features_
    more = clone(network).set_params(warm_start=True).fit(*data)
    more.set_params(epochs=5).fit(*data)
    assert not more.selected_features_[off].any()
    more.set_params(feature_l1=0.0).fit(*data)
    assert more.selected_features_.all()


def test_the_loss_has_the_penalty(data):
    network = clone(NETWORK).set_params(
        epochs=1, learning_rate=1e-9, batch_size="full", feature_l1=0.0, l2=0.0
    )
    without = network.fit(*data).loss_curve_[0]
    strength = network.set_params(feature_l1=0.5).fit(*data).loss_curve_[0]
    squares = np.square(network._state["weights"]["kernel_0"]).sum()
    expected = 0.5 * np.sqrt(squares / 12) * 12
    assert strength - without == pytest.approx(expected, rel=1e-4)


def test_selectors_of_scikit_learn_need_no_getter(network, data):
    X, y = data
    kept = SelectFromModel(network, threshold=1e-12, prefit=True)
    assert kept.transform(X.to_numpy()).shape[1] == network.selected_features_.sum()
    fast = clone(NETWORK).set_params(feature_l1=0.0, epochs=15)
    with skreg.stacked():
        rfe = RFE(fast, n_features_to_select=2, step=5).fit(X, y)
        SequentialFeatureSelector(fast, n_features_to_select=1, cv=2).fit(
            X.iloc[:, :2], y
        )
    assert rfe.support_.sum() == 2


def test_the_path_has_both_choices(data, tmp_path):
    X, y = data
    pipeline = make_pipeline(MinMaxScaler(), clone(NETWORK).set_params(epochs=20))
    path = FeaturePathDisplay.from_estimator(
        pipeline, X, y, strengths=[0.5, 0.001, 0.05], cv=3
    )
    assert path.norms.shape == (3, 3, 12)
    assert path.strengths.tolist() == [0.001, 0.05, 0.5]
    assert (np.diff(path.n_features.mean(axis=1)) <= 0).all()
    assert path.axes_.shape == (3,)


@pytest.mark.parametrize(
    "strengths", [[], 0.1, "ab", [-1, 0.1], [[0.1]], ["0.1"], [True], [None], [1j]]
)
def test_wrong_strengths_are_named(strengths, data):
    with pytest.raises(ValueError, match="The 'strengths' parameter must"):
        FeaturePathDisplay.from_estimator(NETWORK, *data, strengths=strengths)


@pytest.mark.parametrize(
    ("only_first", "found"),
    [([1, 2], "from 2 to 3 features"), ([1], "other 2 features")],
)
def test_the_path_needs_the_same_features_in_all_splits(only_first, found):
    """Columns 1 and 2 vary in the first rows, in the last rows column 3 does."""
    rows, y = np.zeros((40, 4)), np.arange(40.0)
    rows[:, 0], rows[30, 3] = y, 1
    rows[5, only_first] = 1
    network = make_pipeline(StandardScaler(), plain_regressor((), epochs=1))
    pipeline = make_pipeline(VarianceThreshold(), network)
    splits = [(np.arange(20), [38, 39]), (np.arange(20, 38), [38, 39])]
    with pytest.raises(ValueError, match=f"same features in all .* {found}"):
        FeaturePathDisplay.from_estimator(pipeline, rows, y, strengths=[1], cv=splits)
    splits[1] = splits[0]
    path = FeaturePathDisplay.from_estimator(
        pipeline, rows, y, strengths=[1], cv=splits
    )
    assert path.norms.shape == (1, 2, 1 + len(only_first))


def test_the_simplest_is_within_a_standard_error_of_the_best():
    scores = [[0.8, 0.9], [0.9, 1.0], [0.86, 0.96], [0.1, 0.2]]
    norms = np.ones((4, 2, 3))
    norms[2:, :, 0] = 0
    path = FeaturePathDisplay([0.01, 0.1, 1.0, 10.0], scores, scores, norms)
    assert path.best_strength == 0.1
    assert path.simplest_strength == 1.0
    frame = path.to_frame()
    assert frame["choice"].tolist() == ["", "best", "one standard error", ""]
    assert frame["n_features"].tolist() == [3, 3, 2, 2]
    assert frame["standard_error"].tolist() == pytest.approx([0.05] * 4)
    assert path.plot().axes_[-1].get_xscale() == "log"


def test_a_strength_of_0_is_drawn_beside_a_logarithmic_scale():
    scores, norms = np.ones((3, 2)), np.ones((3, 2, 4))
    path = FeaturePathDisplay([0.5, 0.001, 0.0], scores, scores, norms).plot()
    (axis,) = {ax.xaxis.get_transform() for ax in path.axes_[-1:]}
    zero, least, most = axis.transform([0.0, 0.001, 0.5])
    assert zero < least < (zero + most) / 2  # 0.001 is apart from 0, and from 0.5
    assert least - zero > 0.2 * (most - zero)
