"""`compare_remedies`: known answers, and what its report says."""

import matplotlib as mpl
import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import t
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skreg import (
    MLPRegularizedClassifier,
    MLPRegularizedRegressor,
    Remedy,
    RemedyReport,
    compare_remedies,
    stacked,
)
from skreg.inspection import paired_interval
from skreg.search.usual_remedies import usual_remedies

mpl.use("agg")
X, Y = make_classification(120, 6, random_state=0)
NETWORK = MLPRegularizedClassifier((8,), epochs=20, learning_rate=0.01)
REMEDIES = {
    "nothing": {"dropout": 0.0},
    "no learning": {"learning_rate": 1e-9},
    "more l2": {"l2": 1e-4},
    "wrong": {"dropout": 2.0},
}


@pytest.fixture(scope="module")
def report():
    network = NETWORK.__class__(**NETWORK.get_params()).set_params(dropout=0.0)
    return compare_remedies(X, Y, network, cv=3, repeats=2, remedies=REMEDIES)


def by_name(report):
    return {remedy.name: remedy for remedy in report.remedies}


def test_what_changes_nothing_gains_nothing(report):
    nothing = by_name(report)["nothing"]
    assert (nothing.gain, nothing.gain_low, nothing.gain_high) == (0.0, 0.0, 0.0)
    assert nothing.relative_cost == 1.0
    assert not nothing.helps
    assert not nothing.harms


def test_what_ruins_the_network_harms(report):
    ruined = by_name(report)["no learning"]
    assert ruined.harms
    assert ruined.gain == pytest.approx(
        ruined.validation_score - report.baseline.validation_score
    )
    assert ruined.gap == pytest.approx(ruined.train_score - ruined.validation_score)


def test_a_remedy_that_cannot_be_fitted_is_said_and_left_out(report):
    assert list(report.failures) == ["wrong"]
    assert "'dropout' parameter" in report.failures["wrong"]
    assert "wrong" not in by_name(report)


def test_remedies_are_sorted_by_validation_score(report):
    scores = [remedy.validation_score for remedy in report.remedies]
    assert scores == sorted(scores, reverse=True)  # few: all went on to all splits
    assert report.n_splits == 6
    assert report.baseline.name == "as it is"


def test_the_report_as_text_frame_and_figure(report):
    text = str(report)
    assert "no learning" in text
    assert "wrong failed: The 'dropout'" in text
    assert text.splitlines()[0].startswith("3 remedies on 6 splits, accuracy")
    frame = report.to_frame()
    assert list(frame.index) == [r.name for r in report.remedies]
    assert frame.loc["no learning", "harms"]
    labels = [tick.get_text() for tick in report.plot().ax_.get_yticklabels()]
    assert set(labels) == {"nothing", "no learning", "more l2"}
    assert len(report.plot(most=1).ax_.get_yticklabels()) == 1


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e4, 1e12])
def test_the_columns_of_a_report_stand_in_line(unit):
    def remedy(name, parameters, gain, noise):
        scores = (0.9 * unit, 0.8 * unit, 0.1 * unit, gain * unit)
        ends = ((gain - noise) * unit, (gain + noise) * unit)
        return Remedy(name, parameters, *scores, *ends, 5, 1.0)

    remedies = remedy("as it is", {}, 0, 0), remedy("a + b", {"l2": 1}, 0.05, 0.01)
    report = RemedyReport(remedies, "score", 5, 1.0)
    _, title, plain, _, found = str(report).splitlines()
    assert len(title) == len(plain) == len(found)
    assert float(found.split()[4]) == pytest.approx(0.05 * unit, rel=0.1)
    assert "]  +" in found


def test_one_bad_remedy_leaves_the_others_their_digits():
    plain = Remedy("as it is", {}, 0.9, 0.812, 0.1, 0.0, 0.0, 0.0, 5, 1.0)
    bad = Remedy("bad", {"l2": 9}, -2e4, -3e4, 1e4, -3e4, -4e4, -2e4, 5, 1.0)
    assert "0.812" in str(RemedyReport((plain, bad), "r2", 5, 1.0))


def test_one_split_knows_no_noise():
    split = [(np.arange(20, len(X)), np.arange(20))]
    report = compare_remedies(X, Y, NETWORK, cv=split, remedies={"l2": {"l2": 0.1}})
    assert "One split does not tell" in str(report)
    line = report.plot().ax_.get_lines()[0]
    assert list(line.get_xdata()) == [0, 1]  # of the axis: every gain is possible


def test_scores_are_those_of_the_same_folds_by_hand():
    network = clone(NETWORK).set_params(l2=1e-3, random_state=0)
    folds = KFold(3, shuffle=True, random_state=1)
    report = compare_remedies(X, Y, network, cv=folds, remedies={"l2": {"l2": 0.1}})
    other = clone(network).set_params(l2=0.1)
    gains = [
        other.fit(X[train], Y[train]).score(X[test], Y[test])
        - network.fit(X[train], Y[train]).score(X[test], Y[test])
        for train, test in folds.split(X)
    ]
    found = by_name(report)["l2"]
    assert found.gain == pytest.approx(np.mean(gains), abs=1e-9)
    assert (found.gain_low, found.gain_high) == pytest.approx(
        paired_interval(gains, list(folds.split(X)))
    )


def test_the_best_go_on_to_the_other_draws():
    rates = {f"rate {i}": {"learning_rate": 1e-5 * 2**i} for i in range(12)}
    network = MLPRegularizedClassifier((8,), epochs=10, learning_rate=0.01)
    report = compare_remedies(X, Y, network, cv=2, repeats=3, remedies=rates)
    n_splits = {r.name: r.n_splits for r in report.remedies if " + " not in r.name}
    went_on = {name for name, n in n_splits.items() if n == 6}
    assert sorted(n_splits.values()) == [2] * 4 + [6] * 9
    assert "as it is" in went_on
    assert report.to_frame().n_splits.is_monotonic_decreasing

    # The first draw decides, and what is left has its scores.
    first = compare_remedies(X, Y, network, cv=2, repeats=1, remedies=rates)
    gains = {r.name: r.gain for r in first.remedies}
    left = set(n_splits) - went_on
    assert max(gains[name] for name in left) <= min(gains[name] for name in went_on)
    for remedy in report.remedies:
        if remedy.name in left:
            assert remedy.gain == gains[remedy.name]
            assert remedy.gain_low <= remedy.gain <= remedy.gain_high

    # Whoever gives a splitter has all remedies on all its splits.
    splitter = KFold(3, shuffle=True, random_state=0)
    report = compare_remedies(X, Y, network, cv=splitter, remedies=rates)
    assert {r.n_splits for r in report.remedies} == {3}


def test_the_interval_knows_that_folds_overlap():
    values, splits = np.array([1.0, 2.0, 3.0, 6.0]), [([0] * 75, [0] * 25)] * 4
    variance = values.var(ddof=1) * (1 / 4 + 25 / 75)  # Nadeau & Bengio's correction
    half = t.ppf(0.975, 3) * np.sqrt(variance)
    assert paired_interval(values, splits) == pytest.approx((3 - half, 3 + half))
    assert paired_interval([1.0], splits) == (-np.inf, np.inf)


def test_the_best_are_tried_together():
    network = MLPRegularizedClassifier((8,), epochs=2, learning_rate=1e-3, batch_size=8)
    remedies = {
        "rate": {"learning_rate": 0.05},
        "another": {"learning_rate": 0.03},
        "epochs": {"epochs": 60},
    }
    found = by_name(compare_remedies(X, Y, network, cv=3, repeats=1, remedies=remedies))
    mixtures = [name for name in found if " + " in name]
    assert mixtures
    for name in mixtures:  # never two values of one parameter
        assert not ("rate" in name and "another" in name)
        joined = {}
        for part in name.split(" + "):
            joined |= remedies[part]
        assert found[name].parameters == joined


def test_numbers_pipelines_and_an_open_context():
    data, targets = make_regression(90, 4, noise=1.0, random_state=0)
    network = MLPRegularizedRegressor((8,), epochs=20, learning_rate=0.03)
    pipeline = make_pipeline(MinMaxScaler(), network)
    remedies = {"less": {"epochs": 1}}
    with stacked():
        report = compare_remedies(data, targets, pipeline, cv=3, remedies=remedies)
    assert report.scoring == "R2"
    less = by_name(report)["less"]
    assert less.parameters == {"mlpregularizedregressor__epochs": 1}
    assert less.harms
    assert less.relative_cost == pytest.approx(1 / 20)


@pytest.mark.parametrize("kind", [MLPRegularizedClassifier, MLPRegularizedRegressor])
def test_the_usual_remedies_are_parameters_and_none_is_there_already(kind):
    own = kind().get_params()
    usual = usual_remedies(kind())
    for name, parameters in usual.items():
        assert parameters.keys() <= own.keys(), name
        assert any(own[k] != v for k, v in parameters.items()), name
    dropped = usual_remedies(kind(dropout=0.5))
    assert "dropout 0.5" not in dropped
    assert dropped["no dropout"] == {"dropout": 0.0}
    assert not any(
        n.startswith("optimizer") for n in usual_remedies(kind(learning_rate=1))
    )
    assert ("label smoothing 0.1" in usual) == (kind is MLPRegularizedClassifier)


def test_the_first_error_of_the_network_itself_is_raised():
    with pytest.raises(ValueError, match="'l2' parameter"):
        compare_remedies(X, Y, MLPRegularizedClassifier(l2=-1), cv=2, repeats=1)
    with pytest.raises(ValueError, match="'estimator' parameter must be"):
        compare_remedies(X, Y, MinMaxScaler())
    with pytest.raises(ValueError, match="'remedies' .* called 'as it is'"):
        compare_remedies(X, Y, remedies={"as it is": {"dropout": 0.5}})


def test_a_score_that_is_no_number_is_an_error():
    """Without it, a comparison of NaNs said that no remedy gains."""
    network = MLPRegularizedClassifier((4,), l2=0.01, epochs=2)
    settings = {"cv": KFold(3), "remedies": {"dropout": {"dropout": 0.5}}}
    with pytest.raises(ValueError, match=r"'scoring' parameter .* Got nan on 40 rows"):
        compare_remedies(X, Y, network, scoring=_nan_on_few_rows, **settings)
    with pytest.raises(ValueError, match="'scoring' parameter must be one name"):
        compare_remedies(X, Y, network, scoring=["accuracy", "f1"], **settings)


def _nan_on_few_rows(estimator, X, y):
    return np.nan if len(y) == 40 else 1.0


def test_a_remedy_that_cannot_be_scored_is_said_and_left_out():
    remedies = {"hinge": {"loss": "hinge"}, "dropout": {"dropout": 0.5}}
    network = MLPRegularizedClassifier((4,), l2=0.01, epochs=2)
    report = compare_remedies(
        X, Y, network, cv=2, repeats=2, scoring="neg_log_loss", remedies=remedies
    )
    assert "predict_proba" in report.failures["hinge"]
    assert by_name(report).keys() == {"as it is", "dropout"}


def test_sparse_labels_are_those_of_the_dense_matrix():
    labels = (X[:, :3] > 0).astype(int)
    network = MLPRegularizedClassifier((4,), l2=0.01, epochs=2)
    settings = {"cv": 2, "repeats": 1, "remedies": {"dropout": {"dropout": 0.5}}}
    found = compare_remedies(X, csr_array(labels), network, **settings)
    assert found.remedies == compare_remedies(X, labels, network, **settings).remedies


@pytest.mark.parametrize(
    "wrong", [{"cv": 1}, {"repeats": 0}, {"scoring": ["r2"]}], ids=str
)
def test_wrong_parameters_are_named(wrong):
    X = np.random.default_rng(0).normal(size=(40, 2))
    network = MLPRegularizedRegressor((2,), l2=0.0, epochs=1)
    usual = {"cv": 2, "repeats": 1, "remedies": {}}
    with pytest.raises(ValueError, match=f"The '{next(iter(wrong))}' parameter must"):
        compare_remedies(X, X[:, 0], network, **(usual | wrong))


def test_the_estimator_is_left_as_it_was(report):
    assert not hasattr(NETWORK, "classes_")
    assert NETWORK.random_state is None


@pytest.mark.parametrize("remedies", [["l2"], {"l2": 0.1}, "l2", 3])
def test_remedies_are_a_dict_of_dicts(remedies):
    with pytest.raises(ValueError, match="'remedies' parameter must be a dict"):
        compare_remedies(X, Y, NETWORK, remedies=remedies)
