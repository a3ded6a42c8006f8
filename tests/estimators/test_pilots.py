"""Pilots: what ``l2="auto"`` chooses, and where it does not choose."""

import pickle
import re
from unittest import mock

import matplotlib as mpl
import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import uniform
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GroupShuffleSplit,
    KFold,
    TimeSeriesSplit,
    cross_val_predict,
)

import skreg
from skreg import (
    MLPRegularizedClassifier,
    MLPRegularizedRegressor,
    RegularizationSearchCV,
    StrengthDisplay,
    compare_remedies,
    stacked,
)
from skreg.engine import compilations
from skreg.estimators import base, pilots
from skreg.estimators.pilots import N_FOLDS, Strength, choose_strengths
from skreg.fitting import folds_of, usual_l2
from skreg.fitting.samples import Sample

mpl.use("agg")
X, Y = make_classification(120, 8, flip_y=0.3, random_state=0)


def network(**parameters):
    settings = {"epochs": 8, "random_state": 0} | parameters
    return MLPRegularizedClassifier((8,), **settings)


@pytest.fixture(scope="module")
def fitted():
    return network().fit(X, Y)


def test_the_final_network_is_that_with_the_chosen_numbers(fitted):
    given = network(l2=fitted.l2_, dropout=fitted.dropout_).fit(X, Y)
    np.testing.assert_allclose(
        fitted.predict_proba(X), given.predict_proba(X), atol=1e-5
    )
    assert (given.l2_, given.dropout_) == (fitted.l2_, fitted.dropout_)
    assert not hasattr(given, "strength_path_")


def test_a_fit_compiles_one_program_even_where_no_dropout_is_chosen(monkeypatch):
    def without_dropout(losses, strengths, doubt):
        return [strength.dropout for strength in strengths].index(0.0)

    monkeypatch.setattr(pilots, "_chosen", without_dropout)
    before = compilations.copy()
    found = MLPRegularizedClassifier((13,), epochs=2, random_state=0).fit(X, Y)
    assert found.dropout_ == 0
    assert [lanes for _, lanes in compilations - before] == [2]


def test_the_path_is_what_a_user_would_measure(fitted):
    path = fitted.strength_path_
    sample = Sample(X, Y, np.ones(len(X)))
    folds = folds_of(sample, Y, 0.1, N_FOLDS, fitted._state["seed"])
    held_out = np.concatenate([rows for _, rows in folds])
    assert sorted(held_out) == list(range(len(X)))
    assert path["val_loss"].shape == (len(path["l2"]), N_FOLDS)
    for place in (0, len(path["l2"]) - 1):
        for fold, (training, rows) in enumerate(folds):
            l2 = path["l2"][place] / usual_l2(len(X)) * usual_l2(len(training))
            own = network(l2=l2, dropout=path["dropout"][place])
            own.fit(X[training], Y[training])
            expected = log_loss(Y[rows], own.predict_proba(X[rows]))
            assert path["val_loss"][place, fold] == pytest.approx(expected, 1e-3)


@pytest.mark.parametrize("favourite", [0.1, 1.0, 3.0, 30.0])
@pytest.mark.parametrize("dropout", ["auto", 0.5, [0.3]])
def test_two_strengths_first_then_the_weaker_or_the_stronger(favourite, dropout):
    """The losses fall towards one strength; it is found without most others."""

    def losses(self, strengths):
        way = [abs(np.log(s.multiple / favourite)) for s in strengths]
        return np.array(
            [
                [w + 0.001 * (s.dropout == 0)] * 3
                for w, s in zip(way, strengths, strict=True)
            ]
        )

    with mock.patch.object(pilots._Folds, "losses", losses):
        found = network(dropout=dropout, epochs=1).fit(X, Y)
    multiples = found.strength_path_["l2"] / usual_l2(len(X))
    assert found.l2_ == pytest.approx(favourite * usual_l2(len(X)))
    tried = {0.1: [0.1, 0.3], 1: [0.3], 3: [10], 30: [10, 30]}[favourite] + [1, 3]
    if dropout == "auto":  # the weak ones also without
        tried += [0.1, 1] if favourite <= 1 else [1]
    np.testing.assert_allclose(multiples, sorted(tried))
    assert ("dropout" in found.strength_path_) == (dropout == "auto")
    assert found.dropout_ == {"auto": 0.2, 0.5: 0.5}.get(str(dropout), found.dropout_)


def test_small_differences_speak_for_the_usual_strength():
    def chosen(losses, *multiples, doubt=0.5):
        strengths = [Strength(m) for m in multiples]
        return pilots._chosen(np.array(losses), strengths, doubt)

    clear = [[1.0, 1.1, 1.2], [0.9, 1.0, 1.1], [0.8, 0.9, 1.0]]
    assert chosen(clear, 1, 3, 10) == chosen(clear, 1, 0.3, 0.1) == 2
    noisy = [[1.0, 1.1, 1.2], [1.2, 0.9, 1.2], [1.5, 0.6, 1.15]]
    assert np.argmin(np.mean(noisy, axis=1)) == 2
    assert chosen(noisy, 1, 3, 10) == chosen(noisy, 1, 0.3, 0.1) == 0
    doubtful = [[1.0, 1.1, 1.2], [0.8, 1.1, 1.16]]  # 0.08 +- 0.06
    assert chosen(doubtful, 1, 3) == chosen(doubtful, 1, 0.3) == 1
    doubtful[1] = [0.8, 1.1, 1.22]  # 0.06 +- 0.07
    assert (chosen(doubtful, 1, 3), chosen(doubtful, 1, 0.3)) == (0, 1)
    assert chosen(doubtful, 1, 0.3, doubt=1.0) == 0
    assert chosen([[1.0], [0.9], [0.95]], 1, 3, 10) == 1  # one fold, no error
    assert chosen([[np.inf, 1], [2.0, 2.0], [3, 3]], 1, 3, 10) == 1
    assert chosen(np.full((3, 2), np.inf), 1, 3, 10) == 0


@pytest.mark.parametrize(("n_rows", "best"), [(699, 1.0), (700, 0.3)])
def test_few_rows_need_more_evidence_for_a_weaker_penalty(n_rows, best):
    """A gain of one standard error is enough only on many rows, with fewer folds."""

    def losses(folds, strengths):
        assert len(folds.jobs) == (5 if n_rows < 700 else 3)
        gain = np.array([0.0, 0.02, 0.06, -0.02, 0.0])
        return np.array([1 - gain * (s.multiple == 0.3) for s in strengths])

    data = make_classification(n_rows, 8, random_state=0)
    with mock.patch.object(pilots._Folds, "losses", losses):
        found = network(dropout=0.0, epochs=1).fit(*data)
    assert found.l2_ == pytest.approx(best * usual_l2(n_rows))


def test_noise_asks_for_more_strength_than_clean_rows():
    rng = np.random.default_rng(2)
    noise = network(epochs=100, dropout=0.0, random_state=3)
    noise.fit(X, rng.integers(0, 2, len(X)))
    assert noise.l2_ > 5 * usual_l2(len(X))
    columns = rng.normal(size=(300, 3))
    smooth = MLPRegularizedRegressor((32,), random_state=0)
    smooth.fit(columns, np.sin(3 * columns[:, 0]) + columns[:, 1] ** 2)
    assert (smooth.l2_ <= usual_l2(300), smooth.dropout_) == (True, 0.0)


def test_it_helps_on_noisy_rows():
    """The usual penalty overfits; the chosen one does not, on rows not seen."""
    rows, y = make_classification(600, 20, n_informative=2, flip_y=0.4, random_state=1)
    train, test = slice(0, 100), slice(100, None)
    losses = []
    for l2 in ("auto", usual_l2(100)):
        own = network(l2=l2, epochs=100, dropout=0.0).fit(rows[train], y[train])
        losses.append(log_loss(y[test], own.predict_proba(rows[test])))
    assert losses[0] < 0.9 * losses[1]


def test_the_same_again_in_a_stack_and_in_an_ensemble(fitted):
    again = clone(fitted).fit(X, Y)
    np.testing.assert_array_equal(
        again.strength_path_["val_loss"], fitted.strength_path_["val_loss"]
    )
    ensemble = network(n_members=2).fit(X, Y)
    assert [member.l2_ for member in ensemble.members_] == [fitted.l2_] * 2
    with stacked():
        stack = cross_val_predict(network(), X, Y, cv=3, method="predict_proba")
    alone = cross_val_predict(network(), X, Y, cv=3, method="predict_proba")
    np.testing.assert_allclose(stack, alone, atol=1e-5)


@pytest.mark.parametrize("rows", [39, 40])
def test_few_rows_have_the_usual_penalty(rows):
    few = network().fit(X[:rows], Y[:rows])
    assert hasattr(few, "strength_path_") == (rows == 40)
    if rows < 40:
        assert few.l2_ == pytest.approx(usual_l2(rows))
        with pytest.raises(ValueError, match="fitted without pilots"):
            StrengthDisplay.from_estimator(few)


@pytest.mark.parametrize(
    "parameters",
    [
        {"early_stopping": True},
        {"early_stopping": True, "monitor": "roc_auc"},
        {"early_stopping": True, "monitor": "loss"},
        {"loss": "hinge"},
        {"loss": "focal", "label_smoothing": 0.1},
        {"class_weight": "balanced"},
        {"class_weight": {0: 1.0, 1: 3.0}},
        {"batch_size": "full", "batchnorm": True},
        {"batch_size": 100, "mixup": 0.2, "optimizer": "sgd"},
        {"l1": 1e-3, "activity_l2": 1e-3},
        {"normalize": False},
        {"dropout": 0.5},
    ],
)
def test_pilots_work_with(parameters):
    found = network(**parameters).fit(X, Y)
    assert found.strength_path_["val_loss"].shape[1] == N_FOLDS
    assert np.isfinite(found.strength_path_["val_loss"]).all()


def test_inputs_and_targets_of_all_kinds():
    for rows, y in (
        (csr_array(X), Y),
        (X, np.stack([Y, 1 - Y, Y], axis=1)),
        (X, np.where(np.arange(len(X)) < 2, 2, Y)),  # a class rarer than the folds
        (X, np.array(["a", "b"])[Y]),
    ):
        found = network().fit(rows, y)
        assert found.strength_path_["val_loss"].shape[1] == N_FOLDS
    several = MLPRegularizedRegressor((4,), epochs=2).fit(X, X[:, :2])
    assert several.strength_path_["val_loss"].shape[1] == N_FOLDS


def test_rows_of_no_weight_say_nothing():
    more, y = np.concatenate([X, X]), np.concatenate([Y, 1 - Y])
    weight = np.repeat([2.0, 0.0], len(X))
    np.testing.assert_allclose(
        network().fit(more, y, sample_weight=weight).strength_path_["val_loss"],
        network().fit(X, Y).strength_path_["val_loss"],
        atol=1e-5,
    )


def test_folds_follow_groups_and_splitters():
    groups = np.arange(len(X)) % 5
    sample = Sample(X, Y, np.ones(len(X)), groups)
    for training, rows in folds_of(sample, Y, 0.1, 3, 0):
        assert not set(groups[training]) & set(groups[rows])
    ordered = folds_of(Sample(X, Y, sample.weight), Y, TimeSeriesSplit(5), 3, 0)
    assert [rows[0] for _, rows in ordered] == [60, 80, 100]
    for how, n_folds in ((TimeSeriesSplit(2), 2), (GroupShuffleSplit(1), 1)):
        found = network(validation_fraction=how)
        given = {"groups": groups} if n_folds == 1 else {}
        found.fit(X, Y, **given)
        assert found.strength_path_["val_loss"].shape[1] == n_folds


@pytest.mark.parametrize("rarest", [0, 1, 3])
def test_folds_of_groups_may_lack_rare_classes(rarest):
    y = np.where(np.arange(len(X)) < rarest, "rare", np.array(["a", "b"])[Y])
    groups = np.arange(len(X)) % 7
    found = network(epochs=2).fit(X, y, groups=groups)
    assert found.strength_path_["val_loss"].shape[1] == N_FOLDS
    many = np.arange(len(X)) // 3  # each class is rarer than the folds
    for classes in (y, many, None):
        sample = Sample(X, classes, np.ones(len(X)), groups)
        folds = folds_of(sample, classes, 0.1, N_FOLDS, 0)
        held_out = np.concatenate([rows for _, rows in folds])
        assert sorted(held_out) == list(range(len(X)))


def test_no_fold_of_groups_is_empty():
    """A large group of one class makes scikit-learn leave a fold empty."""
    rng = np.random.default_rng(0)
    for seed in range(100):
        groups = rng.choice(6, 60, p=rng.dirichlet(np.full(6, 0.1)))
        classes = rng.choice(4, 60, p=rng.dirichlet(np.full(4, 0.1)))
        if len(np.unique(groups)) > 1:
            sample = Sample(X[:60], classes, np.ones(60), groups)
            for training, held_out in folds_of(sample, classes, 0.1, 5, seed):
                assert len(training) > 0
                assert len(held_out) > 0


def test_folds_have_rows_that_count():
    y = np.repeat([0, 1, 2], 40)
    found = network(class_weight={0: 0, 1: 1, 2: 0.5}, epochs=40).fit(X, y)
    assert np.isfinite(found.strength_path_["val_loss"]).all()
    assert (found.predict(X) != 0).all()
    one_group = network().fit(X, Y, groups=np.zeros(len(X)))
    assert not hasattr(one_group, "strength_path_")


def test_few_rows_that_count_have_no_pilots():
    y = np.where(np.arange(len(X)) < 4, [1, 2, 2, 1] * 30, 0)
    found = network(class_weight={0: 0.0, 1: 1.0, 2: 1.0}).fit(X, y)
    assert not hasattr(found, "strength_path_")


def test_the_usual_penalty_is_that_of_the_rows_that_train():
    settings = {"early_stopping": True, "validation_fraction": 0.5}
    path = network(**settings).fit(X, Y).strength_path_
    assert usual_l2(60) in path["l2"]
    path = network(class_weight={0: 0, 1: 1}).fit(X, Y).strength_path_
    assert usual_l2((Y == 1).sum()) in path["l2"]


def test_pilots_stop_by_the_validation_rows_of_the_user():
    """Folds may lack a class that a scorer needs."""
    y = np.where(np.arange(len(X)) < 2, 1, 0)
    given = {"X_val": X, "y_val": Y, "sample_weight_val": 1.0 + Y}
    found = network(early_stopping=True, monitor="roc_auc").fit(X, y, **given)
    assert found.strength_path_["val_loss"].shape[1] == N_FOLDS
    assert len(found.history_["val_roc_auc"]) == found.n_iter_


@pytest.mark.parametrize("kinds", [2, 3])
def test_pilots_whose_rows_lack_a_class_stop_by_loss(kinds):
    """Of 5 folds, some have no row of a class with 4, which a scorer needs."""
    y = np.arange(len(X)) % (kinds - 1)
    y[[5, 40, 80, 110]] = kinds - 1
    monitor = "roc_auc" if kinds == 2 else "roc_auc_ovr"
    found = network(early_stopping=True, monitor=monitor, validation_fraction=0.4)
    found.fit(X, y)
    assert found.strength_path_["val_loss"].shape[1] == N_FOLDS
    assert len(found.history_[f"val_{monitor}"]) == found.n_iter_


def test_going_on_keeps_what_was_chosen(fitted):
    pinned = network(warm_start=True, dropout="auto").fit(X, Y)
    pinned._state["numbers"]["dropout"] = (0.0,)  # as pilots may choose
    pinned.set_params(l2=pinned.l2_).fit(X, Y)
    assert pinned.dropout_ == 0.0
    warm = network(warm_start=True).fit(X, Y)
    assert warm.fit(X[:50], 1 - Y[:50]).l2_ == fitted.l2_
    assert warm.strength_path_ is not None
    assert clone(fitted).fit(X, Y).partial_fit(X, Y).l2_ == fitted.l2_
    stream = network().partial_fit(X, Y, classes=[0, 1])
    assert stream.l2_ == 0.001
    assert not hasattr(stream, "strength_path_")
    cold = clone(fitted).fit(X, Y).set_params(l2=0.5).fit(X, Y)
    assert cold.l2_ == 0.5
    assert not hasattr(cold, "strength_path_")


def test_files_and_pickles_hold_the_path(fitted, tmp_path):
    skreg.save(fitted, tmp_path / "network.skreg")
    for copy in (
        skreg.load(tmp_path / "network.skreg"),
        pickle.loads(pickle.dumps(fitted)),
    ):
        assert copy.l2_ == fitted.l2_
        for name, values in fitted.strength_path_.items():
            np.testing.assert_array_equal(copy.strength_path_[name], values)


def test_what_a_checkpoint_cannot_hold_is_refused_before_the_pilots(tmp_path):
    def fit():
        with pytest.raises(ValueError, match="'checkpoint' parameter"):
            network(checkpoint=tmp_path / "fit{n}").fit(X, Y)

    assert calls_of_pilots(fit) == 0


def test_a_killed_fit_goes_on(tmp_path):
    class KilledError(Exception):
        pass

    path = tmp_path / "fit.skreg"
    with mock.patch.object(base, "Checkpoint", autospec=True) as kind:
        kind.side_effect = KilledError
        with pytest.raises(KilledError):
            network(checkpoint=path).fit(X, Y)
    first = network(checkpoint=path, random_state=3).fit(X, Y)
    again = network(checkpoint=path, random_state=3).fit(X, Y)
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))


def calls_of_pilots(function):
    with mock.patch.object(base, "choose_strengths", wraps=choose_strengths) as spied:
        function()
    return spied.call_count


def test_comparisons_and_searches_need_pilots_once_or_never(fitted):
    one = {"dropout": {"dropout": 0.5}}
    space = {"dropout": uniform(0, 0.5)}
    assert (
        calls_of_pilots(lambda: compare_remedies(X, Y, network(), cv=3, remedies=one))
        == 1
    )
    assert calls_of_pilots(lambda: clone(fitted).fit(X, Y).diagnose(X, Y, cv=3)) == 1
    search = RegularizationSearchCV(network(), n_iter=3, cv=3, n_members=1)
    assert calls_of_pilots(lambda: search.fit(X, Y)) == 0
    search.set_params(space=space)
    assert calls_of_pilots(lambda: search.fit(X, Y)) == 1
    paths = skreg.RegularizationPathDisplay.from_estimator
    for name, n_calls in (("dropout", 1), ("l2", 0)):
        assert n_calls == calls_of_pilots(
            lambda name=name: paths(
                network(), X, Y, param_name=name, param_range=[0.1], cv=KFold(3)
            )
        )


def test_scikeras_gets_the_number(fitted):
    pytest.importorskip("scikeras", reason="an extra")
    given = fitted.to_scikeras().get_params()
    assert given["model__l2"] == fitted.l2_
    assert given["model__dropout"] == fitted.dropout_


def test_verbose_says_that_pilots_run(capsys):
    network(verbose=1, epochs=1).fit(X, Y)
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "l2='auto': trainings on parts of the rows (pilots) choose it."
    assert re.fullmatch(r"The pilots chose l2=0\.0\d+, dropout=0(\.2)?\.", second)


def test_the_display_marks_the_choice():
    X, y = load_breast_cancer(return_X_y=True)
    found = network().fit(X[::3], y[::3])
    display = StrengthDisplay.from_estimator(found)
    assert display.ax_.get_xscale() == "log"
    path, n_groups = found.strength_path_, len(set(found.strength_path_["dropout"]))
    *drawn, chosen = display.ax_.lines
    assert len(drawn) == n_groups * (N_FOLDS + 1)
    usual = path["dropout"] == 0.2
    np.testing.assert_allclose(
        drawn[N_FOLDS].get_ydata(), path["val_loss"][usual].mean(axis=1)
    )
    assert chosen.get_xdata()[0] == found.l2_
