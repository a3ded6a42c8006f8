"""Type aliases for public parameters; they are not checked at run time."""

from os import PathLike
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import sparray, spmatrix

# Arrays, lists, pandas and polars frames, sparse matrices: (n_samples, n_features).
Features: TypeAlias = ArrayLike | sparray | spmatrix
Targets: TypeAlias = ArrayLike  # (n_samples,) or (n_samples, n_outputs)
Weights: TypeAlias = ArrayLike | None  # (n_samples,)
Groups: TypeAlias = ArrayLike | None  # (n_samples,)
Floats: TypeAlias = np.ndarray[Any, np.dtype[np.floating]]
Path: TypeAlias = str | PathLike[str]
RandomState: TypeAlias = int | np.random.RandomState | None
BatchSize: TypeAlias = int | Literal["auto", "full"]
ClassWeight: TypeAlias = dict | list[dict] | Literal["balanced"] | None
# Types of Keras, matplotlib, pandas and other libraries, which are imported only when
# they are used.
KerasModel: TypeAlias = Any
KerasOptimizer: TypeAlias = Any
KerasSchedule: TypeAlias = Any
KerasCallback: TypeAlias = Any
Axes: TypeAlias = Any
Frame: TypeAlias = Any
Splitter: TypeAlias = Any
