"""Validation rows that a splitter of scikit-learn's sets aside."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    TimeSeriesSplit,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skreg
from skreg import MLPRegularizedRegressor, compare_remedies
from tests.support import captured, plain_classifier

N = 60
X = np.arange(N, dtype=float)[:, None]  # a row's number is its only feature
Y = np.arange(N) % 2
GROUPS = np.array([f"patient {i % 6}" for i in range(N)])


def stopping(how, **settings):
    settings = {"epochs": 2, "random_state": 0, "normalize": False} | settings
    return plain_classifier(
        (2,), early_stopping=True, validation_fraction=how, **settings
    )


def rows_of(network, X=X, y=Y, **given):
    """Numbers of the rows that train and that validate."""
    _, job = captured(network, X, y, **given)
    return job.rows.X[:, 0].astype(int), job.validation.X[:, 0].astype(int)


def test_of_a_time_series_the_last_rows_validate():
    training, validation = rows_of(stopping(TimeSeriesSplit(4, gap=2)))
    assert training.tolist() == list(range(46))
    assert validation.tolist() == list(range(48, 60))


@pytest.mark.parametrize(
    "how", [GroupShuffleSplit(), StratifiedGroupKFold(3), GroupKFold(2), 0.3]
)
def test_groups_stay_together(how):
    training, validation = rows_of(stopping(how), groups=GROUPS)
    assert not set(GROUPS[training]) & set(GROUPS[validation])
    assert len(training) + len(validation) == N


def test_rows_of_weight_zero_have_no_part_in_the_split():
    weight = (np.arange(N) >= 20).astype(float)
    training, validation = rows_of(
        stopping(GroupKFold(2)), groups=GROUPS, sample_weight=weight
    )
    assert not set(GROUPS[training]) & set(GROUPS[validation])
    assert sorted([*training, *validation]) == list(range(20, N))


@pytest.mark.parametrize("l2", [0.01, "auto"])
def test_a_splitter_gets_all_rows_that_the_user_gave(l2):
    """Its indices are those of the user's rows, also where some do not count."""
    fold = np.where(np.arange(N) >= 40, 0, -1)
    network = stopping(PredefinedSplit(fold), l2=l2)
    weight = (np.arange(N) % 10 > 0).astype(float)
    training, validation = rows_of(network, sample_weight=weight)
    assert training.tolist() == [i for i in range(40) if i % 10]
    assert validation.tolist() == [i for i in range(40, 60) if i % 10]
    y = np.arange(N) % 3
    network.set_params(class_weight={0: 0.0, 1: 1.0, 2: 1.0})
    training, validation = rows_of(network, y=y, sample_weight=weight)
    assert validation.tolist() == [i for i in range(40, 60) if i % 10 and i % 3]
    with pytest.raises(ValueError, match=r"(?s)at least one row .*n_samples=40"):
        network.fit(X, y, sample_weight=(np.arange(N) < 40).astype(float))


def test_an_unseeded_splitter_has_the_seed_of_the_network():
    def validation(seed, splitter):
        return rows_of(stopping(splitter, random_state=seed))[1].tolist()

    splitter = ShuffleSplit()
    assert validation(0, splitter) == validation(0, splitter)
    assert validation(0, splitter) != validation(1, splitter)
    assert splitter.random_state is None
    seeded = ShuffleSplit(random_state=3)
    assert validation(0, seeded) == validation(1, seeded)


def test_members_draw_their_own_rows():
    network = stopping(ShuffleSplit(), n_members=3)
    network.fit(X, Y)
    losses = [member.history_["val_loss"] for member in network.members_]
    assert losses[0] != losses[1] != losses[2]


def test_sparse_rows_and_predefined_ones():
    fold = np.where(np.arange(N) < 10, 0, -1)
    _, validation = rows_of(stopping(PredefinedSplit(fold)))
    assert validation.tolist() == list(range(10))
    _, job = captured(stopping(PredefinedSplit(fold)), csr_array(X), Y)
    assert len(job.validation) == 10


def test_a_class_may_be_among_the_validation_rows_alone():
    y = np.where(np.arange(N) < 50, Y, 2)
    network = stopping(TimeSeriesSplit(5)).fit(X, y)
    assert network.classes_.tolist() == [0, 1, 2]
    assert np.isfinite(network.history_["val_loss"]).all()


def test_regression():
    network = MLPRegularizedRegressor(
        (2,), epochs=2, early_stopping=True, validation_fraction=TimeSeriesSplit(5)
    )
    assert len(network.fit(X, X[:, 0]).history_["val_loss"]) == 2


def test_each_fit_of_a_search_splits_its_own_rows():
    grid = {"validation_fraction": [0.2, TimeSeriesSplit(2), ShuffleSplit(1)]}
    search = GridSearchCV(stopping(0.1), grid, cv=3, error_score="raise").fit(X, Y)
    assert len(search.cv_results_["params"]) == 3


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_groups_come_by_metadata_routing(in_pipeline):
    """Both splitters need the groups: the search's and the network's."""
    network = stopping(GroupShuffleSplit())
    estimator = network
    if in_pipeline:
        estimator = make_pipeline(FunctionTransformer(), network)
    given = {"params": {"groups": GROUPS}, "error_score": "raise"}
    with config_context(enable_metadata_routing=True):
        cross_validate(estimator, X, Y, cv=GroupKFold(3), **given)
        # A network that does not need them does not get in the way.
        cross_validate(stopping(0.2), X, Y, cv=GroupKFold(3), **given)
        network.set_fit_request(groups=False)
        with pytest.raises(ValueError, match="Give groups to fit"):
            cross_validate(network, X, Y, cv=GroupKFold(3), **given)


@pytest.mark.parametrize("l2", [0.0, "auto"])
def test_remedies_hand_groups_to_a_network_that_needs_them(l2):
    network = stopping(GroupShuffleSplit(), l2=l2)
    one = {"dropout": {"dropout": 0.5}}
    report = compare_remedies(X, Y, network, groups=GROUPS, cv=3, remedies=one)
    assert len(report.remedies) == 2
    assert not report.failures


class Halves:
    """A user's splitter: the rows of both halves, in a form of its own."""

    def __init__(self, form):
        self.form = form

    def get_n_splits(self, X=None, y=None, groups=None):
        return 1

    def split(self, X, y=None, groups=None):
        rows = np.arange(len(X))
        yield self.form(rows[::2]), self.form(rows[1::2])


@pytest.mark.parametrize(
    "form",
    [pd.Series, pd.Index, tuple, list, lambda rows: np.isin(np.arange(N), rows)],
    ids=["series", "index", "tuple", "list", "mask"],
)
def test_rows_in_the_forms_of_users(form):
    training, validation = rows_of(stopping(Halves(form)))
    np.testing.assert_array_equal(training, np.arange(0, N, 2))
    np.testing.assert_array_equal(validation, np.arange(1, N, 2))


@pytest.mark.parametrize(
    ("how", "groups", "message"),
    [
        (
            GroupShuffleSplit(),
            None,
            "(?s)'validation_fraction' .*random_state=None.*Give groups to fit",
        ),
        (TimeSeriesSplit(80), None, "cannot split n_samples=60: Cannot have number"),
        (PredefinedSplit(np.full(N, -1)), None, "cannot split n_samples=60"),
        (PredefinedSplit(np.arange(N + 9) % 2), None, "60: index 61 is out of bounds"),
        (0.2, GROUPS[:5], "inconsistent numbers of samples"),
        (0.2, np.array([GROUPS, GROUPS]).T, "1d array"),
        (0.2, [None, "a"] * (N // 2), "'groups' .* types NoneType, str: give each row"),
        (GroupShuffleSplit, None, "a scikit-learn splitter, such as"),
        ("KFold", None, "a scikit-learn splitter, such as"),
    ],
)
def test_what_cannot_be_split(how, groups, message):
    with pytest.raises(ValueError, match=message):
        stopping(how).fit(X, Y, groups=groups)


@pytest.mark.parametrize(
    "how",
    [
        TimeSeriesSplit(4, gap=1),
        GroupShuffleSplit(2, test_size=0.3, random_state=np.random.RandomState(1)),
        RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=1),
        PredefinedSplit(np.where(np.arange(N) < 10, 0, -1)),
    ],
)
def test_a_file_holds_the_splitter(how, tmp_path):
    network = stopping(how, checkpoint=tmp_path / "checkpoint.skreg")
    groups = GROUPS if isinstance(how, GroupShuffleSplit) else None
    network.fit(X, Y, groups=groups)
    skreg.save(network, tmp_path / "network.skreg")
    loaded = skreg.load(tmp_path / "network.skreg").validation_fraction
    splits = list(loaded.split(X, Y, groups))
    assert len(splits) == how.get_n_splits(X, Y, groups)
    for own, expected in zip(splits, how.split(X, Y, groups), strict=True):
        np.testing.assert_array_equal(own[1], expected[1])


class MyFolds(KFold):
    """A splitter that is not scikit-learn's."""


def test_a_file_holds_no_other_splitter(tmp_path):
    network = stopping(MyFolds()).fit(X, Y)
    with pytest.raises(ValueError, match="'validation_fraction' parameter cannot be"):
        skreg.save(network, tmp_path / "network.skreg")
