"""Inputs: arrays, frames and sparse matrices as the network takes them."""

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.preprocessing import StandardScaler

BLOCK_BYTES = 32_000_000


def flattened(X):
    """An array of more than two dimensions with all but the first made one."""
    if getattr(X, "ndim", 2) <= 2:
        return X
    X = np.asarray(X)
    return X.reshape(len(X), -1)


class Standardizer:
    """Columns brought to mean 0 and variance 1, by statistics of the training rows.

    Columns of sparse input are scaled and not centred, which would fill the matrix; so
    are those of `StandardScaler(with_mean=False)`, which computes the statistics.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_features,), float64
    """

    def __init__(self, mean, scale):
        self.mean = mean
        self.scale = scale

    @classmethod
    def of(cls, X, weight):
        """From the rows of `X`, weighted by `weight`."""
        weight = weight / weight.max()
        scaler = StandardScaler(with_mean=not issparse(X)).fit(X, sample_weight=weight)
        mean = np.zeros(X.shape[1]) if issparse(X) else scaler.mean_
        return cls(np.asarray(mean, float), np.asarray(scaler.scale_, float))

    @classmethod
    def identity(cls, n_features):
        """Of columns that are left as they are."""
        return cls(np.zeros(n_features), np.ones(n_features))

    def transform(self, X, dtype):
        """The columns in `dtype`, C-contiguous or CSR; raises for what overflows it."""
        with np.errstate(over="ignore"):  # said below, as an error
            if issparse(X):
                X = csr_array(X)
                data = (X.data / self.scale[X.indices]).astype(dtype)
                result = csr_array((data, X.indices, X.indptr), shape=X.shape)
            else:
                result = data = np.empty(X.shape, dtype)
                for rows in row_blocks(*X.shape):
                    data[rows] = (X[rows] - self.mean) / self.scale
        if not np.isfinite(data).all():
            raise ValueError(
                f"Input X contains a value too large for dtype({dtype!r}) after "
                "standardisation. Scale the columns, or drop what is not a number."
            )
        return result


def row_blocks(n_rows, width):
    """Slices of rows of which `width` float64 columns stay within `BLOCK_BYTES`."""
    size = max(1, BLOCK_BYTES // (8 * width))
    return [slice(start, start + size) for start in range(0, n_rows, size)]
