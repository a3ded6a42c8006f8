"""Loaders of real data sets that ship with skreg, so that examples need no download.

The source and license of each is in `README.md` in this folder.
"""

import csv
import gzip
from importlib.resources import files
from typing import Any

import numpy as np

__all__ = [
    "load_adult",
    "load_california_housing",
    "load_sonar",
    "load_wine_quality",
]


def load_sonar(*, as_frame: bool = False) -> tuple[Any, Any]:
    """Load sonar: echoes of a metal cylinder and of rocks (classification).

    Parameters
    ----------
    as_frame : bool, default=False
        Whether to return a pandas DataFrame and Series instead of arrays.

    Returns
    -------
    X : ndarray or DataFrame of shape (208, 60)
        The energy in each of 60 frequency bands, in [0, 1].
    y : ndarray or Series of shape (208,)
        "M" (mine, 111 echoes) or "R" (rock, 97).

    Examples
    --------
    >>> from skreg.datasets import load_sonar
    >>> X, y = load_sonar()
    >>> X.shape, str(y[0])
    ((208, 60), 'R')
    """
    return _load("sonar", "label", as_frame)


def load_wine_quality(*, as_frame: bool = False) -> tuple[Any, Any]:
    """Load wine quality: Portuguese wines and the grades of tasters (regression).

    Parameters
    ----------
    as_frame : bool, default=False
        Whether to return a pandas DataFrame and Series instead of arrays.

    Returns
    -------
    X : ndarray of objects, or DataFrame, of shape (6497, 12)
        Eleven chemical measurements, and the colour, "red" (1,599) or "white" (4,898).
    y : ndarray or Series of shape (6497,)
        Median of the tasters' grades, whole numbers from 3 to 9.

    Examples
    --------
    >>> from skreg.datasets import load_wine_quality
    >>> X, y = load_wine_quality()
    >>> X.shape, X[0, -1], y.min(), y.max()
    ((6497, 12), 'red', np.float64(3.0), np.float64(9.0))
    """
    return _load("wine_quality", "quality", as_frame)


def load_california_housing(*, as_frame: bool = False) -> tuple[Any, Any]:
    """Load California housing: house values by district in 1990 (regression).

    The same table as scikit-learn's `fetch_california_housing`, without a download.

    Parameters
    ----------
    as_frame : bool, default=False
        Whether to return a pandas DataFrame and Series instead of arrays.

    Returns
    -------
    X : ndarray or DataFrame of shape (20640, 8)
        Median income, house age, rooms, bedrooms, population, household size, latitude
        and longitude of each district.
    y : ndarray or Series of shape (20640,)
        Median house value, in units of $100,000, capped at 5.

    Examples
    --------
    >>> from skreg.datasets import load_california_housing
    >>> X, y = load_california_housing()
    >>> X.shape, float(y[0])
    ((20640, 8), 4.526)
    """
    return _load("california_housing", "MedHouseVal", as_frame)


def load_adult(*, as_frame: bool = False) -> tuple[Any, Any]:
    """Load adult: whether a person earns more than $50,000 (classification).

    A sample of 10,000 of the 48,842 rows, from the US census of 1994.

    Parameters
    ----------
    as_frame : bool, default=False
        Whether to return a pandas DataFrame and Series instead of arrays.

    Returns
    -------
    X : ndarray of objects, or DataFrame, of shape (10000, 14)
        Six numeric and eight categorical columns; "?" is an unknown category.
    y : ndarray or Series of shape (10000,)
        "<=50K" or ">50K".

    Examples
    --------
    >>> from skreg.datasets import load_adult
    >>> X, y = load_adult()
    >>> X.shape, X[0, 1], str(y[0])
    ((10000, 14), 'Private', '>50K')
    """
    return _load("adult", "income", as_frame)


def _load(name, target, as_frame):
    """Read a table; numeric columns become floats, others strings."""
    with gzip.open(files(__name__) / f"{name}.csv.gz", "rt", newline="") as file:
        header, *rows = csv.reader(file)
    columns = {
        name: _as_numbers(column)
        for name, column in zip(header, zip(*rows, strict=True), strict=True)
    }
    y = columns.pop(target)
    if as_frame:
        import pandas as pd  # noqa: PLC0415, an optional dependency

        return pd.DataFrame(columns), pd.Series(y, name=target)
    numeric = all(column.dtype.kind == "f" for column in columns.values())
    if not numeric:
        columns = {name: column.astype(object) for name, column in columns.items()}
    return np.column_stack(list(columns.values())), y


def _as_numbers(column):
    try:
        return np.array(column, dtype=float)
    except ValueError:
        return np.array(column)
