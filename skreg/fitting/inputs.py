"""Preprocess inputs: flatten arrays, standardise dense and sparse columns."""

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.preprocessing import StandardScaler

BLOCK_BYTES = 32_000_000
ROBUST_LIMIT = 3.0  # in interquartile ranges


NUMBERS = "biufc"  # kinds of NumPy's dtypes; scikit-learn refuses complex ones


def flattened(X):
    """Reshape arrays of more than two dimensions to (n_samples, n_features)."""
    if getattr(X, "ndim", 2) <= 2:
        return X
    X = np.asarray(X)
    return X.reshape(len(X), -1)


def dtype_of_numbers(X):
    """The dtype to validate inputs as: "numeric", or float64 for numbers in disguise.

    Text, categories and objects may hold numbers; what holds anything else is an error.

    Raises
    ------
    ValueError
        For a data frame or an array of objects with columns that are not numbers, and
        for a lazy frame.
    """
    if hasattr(X, "collect") and not hasattr(X, "__array__"):  # polars, PySpark
        raise ValueError(
            f"X must be a table in memory. Got a {type(X).__name__}: collect it first."
        )
    odd = [(name, column) for name, column in _columns(X) if not _has_numbers(column)]
    wrong = [f"{name!r} ({column.dtype})" for name, column in odd if _is_wrong(column)]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise ValueError(
            f"X must hold numbers. Got other values in {', '.join(wrong[:5])}{more}. "
            "Encode these columns first, in a pipeline before the network: by "
            "scikit-learn's OneHotEncoder, or all at once by "
            "skrub.tabular_pipeline(network)."
        )
    return np.float64 if odd else "numeric"


def _columns(X):
    """Names and columns that may not be numbers, of a data frame or an array."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):  # of pandas or polars
        # Only these are taken out: that of each column would slow a wide frame.
        places = [i for i, dtype in enumerate(X.dtypes) if _kind(dtype) not in NUMBERS]
        columns = getattr(X, "iloc", X)
        return ((X.columns[i], columns[:, i]) for i in places)
    if isinstance(X, np.ndarray) and X.dtype.kind in "OmM" and X.ndim == 2:
        return ((f"column {i}", column) for i, column in enumerate(X.T))
    return ()


def _kind(dtype):
    return getattr(dtype, "kind", "O")  # polars has none


def _has_numbers(column):
    """Whether scikit-learn, too, sees numbers in the column of a frame."""
    if getattr(column.dtype, "kind", None) == "O":  # of pandas, whose frame is objects
        return False
    values = np.asarray(column)  # of lists or arrays it has more dimensions
    return values.dtype.kind in NUMBERS and values.ndim == 1


def _is_wrong(column):
    """Whether a column cannot be read as numbers. Dates can, but are none."""
    values = np.asarray(column)
    if values.ndim > 1 or "M" in (_kind(column.dtype), values.dtype.kind.upper()):
        return True
    try:
        values.astype(float)
    except ValueError:
        return True
    except TypeError:  # for arrays scikit-learn has an error that it checks
        return not isinstance(column, np.ndarray)
    return False


def without_duplicates(X):
    """A CSR matrix whose entries of one place are added up; other arrays as they are.

    The user's own matrix stays as it is.
    """
    if not issparse(X) or X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


class Standardizer:
    """Standardise columns with statistics of the training rows.

    Sparse columns are scaled but not centred, which would make the matrix dense. Their
    statistics come from `StandardScaler(with_mean=False)`.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_features,), float64
        Columns become ``(x - mean) / scale``.
    limit : float
        The result is clipped smoothly, to ``limit * tanh(x / limit)``, unless inf.
    """

    def __init__(self, mean, scale, limit=np.inf):
        self.mean = mean
        self.scale = scale
        self.limit = limit

    @classmethod
    def of(cls, X, weight, robust=False):
        """Fit to `X` (n_samples, n_features), weighted by `weight` (n_samples,).

        Uses mean and standard deviation or, if `robust`, median and quartiles with
        clipping (Holzmueller et al. "Better by default", NeurIPS 2024, clip by another
        function, for which Keras has no layer).
        """
        weight = weight / weight.max()
        limit = ROBUST_LIMIT if robust else np.inf
        if robust and not issparse(X):
            found = [_median_and_spread(column, weight) for column in X.T]
            return cls(*np.array(found, float).T, limit)
        scaler = StandardScaler(with_mean=not issparse(X)).fit(X, sample_weight=weight)
        mean = np.zeros(X.shape[1]) if issparse(X) else scaler.mean_
        return cls(np.asarray(mean, float), np.asarray(scaler.scale_, float), limit)

    @classmethod
    def identity(cls, n_features):
        """A standardizer that leaves the columns unchanged."""
        return cls(np.zeros(n_features), np.ones(n_features))

    def transform(self, X, dtype):
        """Standardise `X`, to `dtype`, C-contiguous or CSR; raises on overflow."""
        with np.errstate(over="ignore"):  # reported below, as an error
            if issparse(X):
                X = csr_array(X)
                data = self._clipped(X.data / self.scale[X.indices]).astype(dtype)
                result = csr_array((data, X.indices, X.indptr), shape=X.shape)
            else:
                result = data = np.empty(X.shape, dtype)
                for rows in row_blocks(*X.shape):
                    data[rows] = self._clipped((X[rows] - self.mean) / self.scale)
        if not np.isfinite(data).all():
            what = f"a value too large for dtype({dtype!r}) after standardisation"
            raise ValueError(
                f"Input X contains {'NaN' if np.isnan(data).any() else what}. Scale "
                "the columns, or drop rows with such values."
            )
        return result

    def _clipped(self, x):
        return x if np.isinf(self.limit) else self.limit * np.tanh(x / self.limit)


def _median_and_spread(column, weight):
    """Weighted median and interquartile range; half of the range if that is zero."""
    order = np.argsort(column)
    column, share = column[order], np.cumsum(weight[order])
    share = share / share[-1]

    def quantile(q):  # mean of two values if the share is reached exactly
        below, above = np.searchsorted(share, [q - 1e-9, q + 1e-9])
        return (column[below] / 2 + column[above] / 2).astype(float)

    low, middle, high = map(quantile, (0.25, 0.5, 0.75))
    spread = high - low
    if not spread > 0:
        spread = (column[-1] / 2 - column[0] / 2).astype(float)
    return middle, spread if spread > 0 else 1.0


def row_blocks(n_rows, width):
    """Slices of rows such that `width` float64 columns fit into `BLOCK_BYTES`."""
    size = max(1, BLOCK_BYTES // (8 * width))
    return [slice(start, start + size) for start in range(0, n_rows, size)]
