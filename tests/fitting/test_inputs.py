"""Inputs: dtypes, frames, sparse matrices, images, raw columns of any size."""

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.datasets import load_digits, make_classification
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor
from skreg.fitting import Standardizer
from tests.support import plain_classifier

X, Y = make_classification(120, 6, random_state=0)
FAST = {"hidden_layer_sizes": (16,), "epochs": 10, "random_state": 0}


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i4", "i8", "u1", "u4", "?"])
def test_any_real_dtype(dtype):
    data = np.abs(X * 20).astype(dtype)
    network = plain_classifier(**FAST).fit(data, Y)
    as_float = plain_classifier(**FAST).fit(data.astype(float), Y)
    np.testing.assert_allclose(
        network.predict_proba(data), as_float.predict_proba(data), rtol=1e-2, atol=1e-3
    )


def test_complex_numbers_are_refused():
    with pytest.raises(ValueError, match="Complex data not supported"):
        plain_classifier().fit(X + 1j, Y)


TEXT, CODES = ["a", "b"] * 60, [1, 2] * 60
DAYS = pd.date_range("2026-01-01", periods=120)
PAIRS = pl.Array(pl.Float64, 2)
WRONG_COLUMNS = {
    "text": (pd.Series(TEXT), "str|object"),
    "categories": (pd.Series(TEXT, dtype="category"), "category"),
    "dates": (pd.Series(DAYS), "datetime64"),
    "dates with a zone": (pd.Series(DAYS.tz_localize("UTC")), "datetime64.*UTC"),
    "dates as objects": (pd.Series(DAYS.date, dtype=object), "object"),
    "durations": (pd.Series(DAYS - DAYS[0]), "timedelta64"),
    "text of polars": (pl.Series(TEXT), "String"),
    "categories of polars": (pl.Series(TEXT, dtype=pl.Categorical), "Categorical"),
    "dates of polars": (pl.Series(DAYS.date.tolist()), "Date"),
    "lists of polars": (pl.Series([[1.0, 2.0]] * 120), "List"),
    "arrays of polars": (pl.Series([[1.0, 2.0]] * 120, dtype=PAIRS), "Array"),
}


@pytest.mark.parametrize("case", list(WRONG_COLUMNS))
def test_columns_that_are_not_numbers_are_named(case):
    column, dtype = WRONG_COLUMNS[case]
    kind = pl.DataFrame if isinstance(column, pl.Series) else pd.DataFrame
    frame = kind({"number": X[:, 0], "wrong": column})
    advice = rf"Got other values in 'wrong' \(({dtype}).*\)\. Encode .*tabular_pipeline"
    network = plain_classifier(**FAST)
    with pytest.raises(ValueError, match=advice):
        network.fit(frame, Y)
    network.fit(kind({"number": X[:, 0], "wrong": X[:, 1]}), Y)
    with pytest.raises(ValueError, match=advice):
        network.predict(frame)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[0.0, "a"]] * 120, dtype=object),
        np.array([DAYS.to_numpy()] * 2).T,
    ],
)
def test_arrays_of_other_things_are_refused(array):
    with pytest.raises(ValueError, match=r"Got other values in .*'column 1' \("):
        plain_classifier().fit(array, Y)


def test_a_lazy_frame_is_refused():
    with pytest.raises(ValueError, match="table in memory.* LazyFrame: collect it"):
        plain_classifier(**FAST).fit(pl.LazyFrame(X), Y)


def test_of_many_wrong_columns_a_few_are_named():
    frame = pd.DataFrame({f"c{i}": TEXT for i in range(7)})
    with pytest.raises(ValueError, match=r"'c4' \(\w+\) and 2 more\."):
        plain_classifier().fit(frame, Y)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(CODES, dtype="category"),
        pd.Series(CODES, dtype=object),
        pd.Series(CODES, dtype="Int64"),
        pd.Series(CODES).astype(str),
        pl.Series(CODES),
    ],
)
def test_numbers_in_disguise_are_numbers(column):
    kind = pl.DataFrame if isinstance(column, pl.Series) else pd.DataFrame
    frame = kind({"number": X[:, 0], "code": column})
    plain = kind({"number": X[:, 0], "code": np.array(CODES, float)})
    probabilities = plain_classifier(**FAST).fit(frame, Y).predict_proba(frame)
    np.testing.assert_array_equal(
        probabilities, plain_classifier(**FAST).fit(plain, Y).predict_proba(plain)
    )


def test_dictionaries_of_arrow_are_numbers():
    """Their frame is one of objects, although each column converts to numbers."""
    pa = pytest.importorskip("pyarrow")
    codes = pa.array(CODES).dictionary_encode()
    frame = pd.DataFrame({"code": pd.arrays.ArrowExtensionArray(codes)})
    for kind in (MLPRegularizedClassifier, MLPRegularizedRegressor):
        network = kind(**FAST).fit(frame, Y)
        expected = kind(**FAST).fit(pd.DataFrame({"code": CODES}), Y)
        np.testing.assert_array_equal(network.predict(frame), expected.predict(frame))


def test_gaps_in_categories_of_numbers_are_gaps():
    frame = pd.DataFrame({"code": pd.Series([1, None] * 60, dtype="category")})
    with pytest.raises(ValueError, match="Input X contains NaN"):
        plain_classifier().fit(frame, Y)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_and_their_names(frame):
    names = list("abcdef")
    data = frame(dict(zip(names, X.T, strict=True)))
    network = plain_classifier(**FAST).fit(data, Y)
    np.testing.assert_array_equal(network.feature_names_in_, names)
    from_array = plain_classifier(**FAST).fit(X, Y)
    np.testing.assert_array_equal(
        network.predict_proba(data), from_array.predict_proba(X)
    )
    with pytest.raises(ValueError, match="same order as they were in fit"):
        network.predict(data[names[::-1]])
    with pytest.raises(ValueError, match="Feature names unseen at fit time"):
        network.predict(frame(dict(zip("abcxyz", X.T, strict=True))))


def test_frames_of_mixed_dtypes():
    data = pd.DataFrame(X, columns=list("abcdef"))
    data["a"] = (data["a"] * 10).astype("int8")
    data["b"] = data["b"] > 0
    data["c"] = data["c"].astype("float32")
    network = plain_classifier(**FAST).fit(data, pd.Series(Y))
    assert network.score(data, Y) > 0.7


def robust(column, weight=None):
    X = np.asarray(column, float)[:, None]
    weight = np.ones(len(X)) if weight is None else np.asarray(weight, float)
    return Standardizer.of(X, weight, robust=True)


def test_robust_scaling():
    """Median and quartiles, then clipped; the outlier changes neither."""
    column = [1.0, 2, 3, 4, 5, 6, 7, 8, 1e9]
    scaler = robust(column)
    assert (scaler.mean, scaler.scale, scaler.limit) == (5.0, 4.0, 3.0)
    found = scaler.transform(np.array(column)[:, None], "float64")[:, 0]
    np.testing.assert_allclose(found[:-1], 3 * np.tanh((np.arange(1, 9) - 5) / 4 / 3))
    assert found[-1] == 3.0


@pytest.mark.parametrize(
    ("column", "middle", "spread"),
    [
        ([7.0, 7, 7], 7, 1),
        ([0, 0, 0, 0, 0, 0, 0, 0, 1], 0, 0.5),  # half of the range
        ([1.0, 3], 2, 2),
    ],
)
def test_robust_scaling_of_columns_with_few_values(column, middle, spread):
    scaler = robust(column)
    assert (scaler.mean, scaler.scale) == (middle, spread)


def test_robust_scaling_takes_a_weight_for_so_many_rows(rng):
    column, weight = rng.normal(size=40), rng.integers(1, 4, size=40)
    weighted, repeated = robust(column, weight), robust(np.repeat(column, weight))
    np.testing.assert_allclose(weighted.mean, repeated.mean)
    np.testing.assert_allclose(weighted.scale, repeated.scale)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_robust_scaling_is_in_the_keras_model(form):
    data = np.where(np.abs(X) > 1, X, 0.0)
    network = plain_classifier(**FAST, normalize="robust").fit(form(data), Y)
    np.testing.assert_allclose(
        np.asarray(network.model_(data.astype("float32")))[:, 0],
        network.predict_proba(form(data))[:, 1],
        atol=1e-5,
    )


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_sparse_input_is_scaled_and_not_centred(kind):
    data = np.where(np.abs(X) > 1, X, 0.0)
    scaled = StandardScaler(with_mean=False).fit_transform(data)
    of_sparse = plain_classifier(**FAST).fit(getattr(sparse, f"{kind}_matrix")(data), Y)
    of_scaled = plain_classifier(**FAST, normalize=False).fit(scaled, Y)
    np.testing.assert_allclose(
        of_sparse.predict_proba(sparse.csr_array(data)),
        of_scaled.predict_proba(scaled),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        of_sparse.predict_proba(data), of_scaled.predict_proba(scaled), rtol=1e-5
    )


@pytest.mark.parametrize("normalize", ["robust", True, False])
def test_entries_of_one_place_are_added(normalize):
    """A matrix with each entry in two halves, as CSR allows, is the same matrix."""
    whole = sparse.csr_matrix(np.where(X > 0, X, 0))
    halves = np.repeat(whole.data / 2, 2), np.repeat(whole.indices, 2)
    split = sparse.csr_matrix((*halves, whole.indptr * 2), shape=whole.shape)
    before = split.copy()
    network = plain_classifier(**FAST, normalize=normalize).fit(whole, Y)
    again = plain_classifier(**FAST, normalize=normalize).fit(split, Y)
    expected = network.predict_proba(whole)
    np.testing.assert_array_equal(network.predict_proba(split), expected)
    np.testing.assert_array_equal(again.predict_proba(whole), expected)
    np.testing.assert_array_equal(split.data, before.data)  # the user's stays


def test_sparse_input_with_early_stopping():
    network = plain_classifier(**FAST, early_stopping=True)
    network.fit(sparse.csr_matrix(X), Y)
    assert len(network.history_["val_loss"]) == network.n_iter_


SPARSE = """
import re
from pathlib import Path
import numpy as np
from scipy import sparse
from skreg import MLPRegularizedClassifier

# Not sparse.random, which takes more time and memory than the fit.
rng = np.random.default_rng(0)
starts, columns = np.arange(0, 2_000_001, 100), rng.integers(10_000, size=2_000_000)
X = sparse.csr_matrix((rng.random(2_000_000), columns, starts), (20_000, 10_000))
X.sum_duplicates()
y = (np.asarray(X[:, :2000].sum(axis=1)).ravel() > 10).astype(int)
network = MLPRegularizedClassifier((16, 16), epochs=2).fit(X, y)
assert network.predict(X).shape == y.shape
# Not getrusage's figure, which begins with that of the process that started this one.
status = Path("/proc/self/status").read_text()
print(int(re.search("VmHWM:(.*) kB", status)[1]) / 1e6)
"""


def test_a_large_sparse_matrix_stays_small():
    """20,000 x 10,000, 1% filled; dense it would take 1.6 GB in double precision."""
    gigabytes = subprocess.run(
        [sys.executable, "-c", SPARSE], capture_output=True, text=True, check=True
    ).stdout
    assert 0.2 < float(gigabytes) < 1.6


def test_images_are_flattened():
    images, digits = load_digits(return_X_y=True)
    images = images[:300].reshape(-1, 8, 8)
    network = plain_classifier(**FAST).fit(images, digits[:300])
    assert network.n_features_in_ == 64
    flat = plain_classifier(**FAST).fit(images.reshape(-1, 64), digits[:300])
    np.testing.assert_array_equal(
        network.predict_proba(images), flat.predict_proba(images.reshape(-1, 64))
    )
    with pytest.raises(ValueError, match="expecting 64 features"):
        network.predict(images[:, :4])


def test_raw_columns_of_very_different_size_need_no_pipeline(cancer):
    X, y = cancer
    raw = plain_classifier(**(FAST | {"epochs": 30}))
    assert cross_val_score(raw, X, y).mean() > 0.95
    piped = make_pipeline(StandardScaler(), plain_classifier(**FAST))
    alone = plain_classifier(**FAST)
    np.testing.assert_allclose(
        alone.fit(X, y).predict_proba(X), piped.fit(X, y).predict_proba(X), atol=1e-3
    )


def test_large_offsets_lose_nothing():
    """Standardisation is done in double precision: a column may count seconds."""
    shifted = plain_classifier(**FAST).fit(X + 1.7e9, Y)
    plain = plain_classifier(**FAST).fit(X, Y)
    np.testing.assert_allclose(
        shifted.predict_proba(X + 1.7e9), plain.predict_proba(X), atol=1e-3
    )


def test_constant_columns_do_no_harm():
    constant = np.hstack([X, np.full((120, 1), 3.3), np.zeros((120, 1))])
    network = plain_classifier(**FAST).fit(constant, Y)
    before = network.predict_proba(constant)
    constant[:, -2:] += 1e-3
    np.testing.assert_allclose(network.predict_proba(constant), before, atol=0.01)


def test_statistics_are_weighted_by_row():
    weight = np.where(X[:, 0] > 0, 3.0, 1.0)
    network = plain_classifier(**FAST).fit(X, Y, sample_weight=weight)
    expected = np.average(X, axis=0, weights=weight)
    np.testing.assert_allclose(network._input_statistics["mean"], expected)


@pytest.mark.parametrize("kind", [MLPRegularizedClassifier, MLPRegularizedRegressor])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_are_refused(kind, value):
    data = X.copy()
    data[3, 2] = value
    name = "NaN" if np.isnan(value) else "infinity"
    with pytest.raises(ValueError, match=f"Input X contains {name}"):
        kind(**FAST).fit(data, Y)
    fitted = kind(**FAST).fit(X, Y)
    with pytest.raises(ValueError, match=f"Input X contains {name}"):
        fitted.predict(data)


def test_values_too_large_for_the_network_are_refused():
    with pytest.raises(ValueError, match=r"too large for dtype.'float32'."):
        plain_classifier(normalize=False, epochs=1).fit(X * 1e39, Y)


def test_nan_that_nobody_looked_for():
    with config_context(assume_finite=True), pytest.raises(ValueError, match="NaN"):
        plain_classifier(**FAST).fit(np.where(X > 1, np.nan, X), Y)


def test_a_column_that_fit_did_not_see():
    frame = pd.DataFrame(X).rename(columns="c{}".format)
    network = plain_classifier(**FAST).fit(frame, Y)
    with pytest.raises(ValueError, match="unseen at fit time:\n- text"):
        network.predict(frame.assign(text=TEXT))


def test_wrong_number_of_features():
    network = plain_classifier(**FAST).fit(X, Y)
    with pytest.raises(ValueError, match="X has 5 features, but .* expecting 6"):
        network.predict(X[:, :5])
