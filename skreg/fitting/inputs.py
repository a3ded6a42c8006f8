"""Inputs: arrays, frames and sparse matrices as the network takes them."""

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.preprocessing import StandardScaler

BLOCK_BYTES = 32_000_000
ROBUST_LIMIT = 3.0  # quartile distances


def flattened(X):
    """An array of more than two dimensions with all but the first made one."""
    if getattr(X, "ndim", 2) <= 2:
        return X
    X = np.asarray(X)
    return X.reshape(len(X), -1)


class Standardizer:
    """Columns brought to a common size by statistics of the training rows.

    Columns of sparse input are scaled and not centred, which would fill the matrix; so
    are those of `StandardScaler(with_mean=False)`, which computes the statistics.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_features,), float64
        What is subtracted, and what then divides.
    limit : float
        Where the columns are clipped, smoothly: to ``limit * tanh(x / limit)``.
    """

    def __init__(self, mean, scale, limit=np.inf):
        self.mean = mean
        self.scale = scale
        self.limit = limit

    @classmethod
    def of(cls, X, weight, robust=False):
        """From the rows of `X`, weighted by `weight`.

        Either by mean and standard deviation; or, if `robust`, by median and quartiles,
        and clipped (Holzmueller et al. "Better by default", NeurIPS 2024, clip by
        another function, which Keras has no layer for).
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
        """Of columns that are left as they are."""
        return cls(np.zeros(n_features), np.ones(n_features))

    def transform(self, X, dtype):
        """The columns in `dtype`, C-contiguous or CSR; raises for what overflows it."""
        with np.errstate(over="ignore"):  # said below, as an error
            if issparse(X):
                X = csr_array(X)
                data = self._clipped(X.data / self.scale[X.indices]).astype(dtype)
                result = csr_array((data, X.indices, X.indptr), shape=X.shape)
            else:
                result = data = np.empty(X.shape, dtype)
                for rows in row_blocks(*X.shape):
                    data[rows] = self._clipped((X[rows] - self.mean) / self.scale)
        if not np.isfinite(data).all():
            raise ValueError(
                f"Input X contains a value too large for dtype({dtype!r}) after "
                "standardisation. Scale the columns, or drop what is not a number."
            )
        return result

    def _clipped(self, x):
        return x if np.isinf(self.limit) else self.limit * np.tanh(x / self.limit)


def _median_and_spread(column, weight):
    """Median and distance of the quartiles; half of the range where that is zero."""
    order = np.argsort(column)
    column, share = column[order], np.cumsum(weight[order])
    share = share / share[-1]

    def quantile(q):  # between two values where the share is reached exactly
        below, above = np.searchsorted(share, [q - 1e-9, q + 1e-9])
        return (column[below] / 2 + column[above] / 2).astype(float)

    low, middle, high = map(quantile, (0.25, 0.5, 0.75))
    spread = high - low
    if not spread > 0:
        spread = (column[-1] / 2 - column[0] / 2).astype(float)
    return middle, spread if spread > 0 else 1.0


def row_blocks(n_rows, width):
    """Slices of rows of which `width` float64 columns stay within `BLOCK_BYTES`."""
    size = max(1, BLOCK_BYTES // (8 * width))
    return [slice(start, start + size) for start in range(0, n_rows, size)]
