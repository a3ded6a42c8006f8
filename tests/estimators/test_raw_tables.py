"""Tables with strings, dates and gaps, in skrub's pipeline."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor, stacked

pandas = pytest.importorskip("pandas", reason="optional")
skrub = pytest.importorskip("skrub", reason="the extra tables")
README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def table():
    rng, n = np.random.default_rng(0), 300
    days = pandas.to_timedelta(rng.integers(0, 700, n), unit="D")
    frame = pandas.DataFrame(
        {
            "city": rng.choice(["Paris", "Rome", "Oslo", None], n),
            "note": [f"note {number}" for number in rng.integers(0, 200, n)],
            "date": pandas.Timestamp("2024-01-01") + days,
            "size": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "kind": pandas.Categorical(rng.choice(["a", "b"], n)),
        }
    )
    frame.loc[::7, "date"] = pandas.NaT
    return frame, ((frame["city"] == "Oslo") | (frame["size"] > 0.5)).astype(int)


def test_the_lines_of_the_readme(table):
    lines = re.search(r"    from skrub.*?\n\n", README.read_text(), re.S).group()
    names = {"MLPRegularizedClassifier": MLPRegularizedClassifier}
    names |= dict(zip("Xy", table, strict=True))
    exec(re.sub("^    ", "", lines, flags=re.M), names)
    assert names["model"].score(*table) > 0.9


@pytest.mark.parametrize("kind", [MLPRegularizedClassifier, MLPRegularizedRegressor])
def test_the_pipeline_is_an_estimator(kind, table):
    pipeline = skrub.tabular_pipeline(kind((16,), epochs=30, random_state=0))
    with stacked():
        scores = cross_val_score(clone(pipeline), *table, cv=3, error_score="raise")
    assert scores.mean() > (0.8 if kind is MLPRegularizedClassifier else 0.3)
