"""What a type checker has to say of code that uses the package: `make lint` asks mypy.

Each ``type: ignore`` stands where an error has to be found; one that finds none is
an error itself.
"""

from typing import assert_type

import numpy as np

import skreg
from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor

X, y = np.ones((4, 2)), np.array([0, 1, 0, 1])

assert_type(MLPRegularizedClassifier().fit(X, y), MLPRegularizedClassifier)
assert_type(MLPRegularizedRegressor().partial_fit(X, y), MLPRegularizedRegressor)
assert_type(skreg.compare_remedies(X, y).baseline.helps, bool)

network = MLPRegularizedClassifier((64, 64), dropout=[0.5, 0.2], batch_size="full")
network.predict_proba(X, members=True)
network.diagnose(X, y, reference_error=0.1).verdict.upper()
with skreg.stacked(progress=True):
    skreg.RegularizationSearchCV(network, n_iter=9).fit(X, y)

MLPRegularizedClassifier(dropout="much")  # type: ignore[arg-type]
MLPRegularizedClassifier(loss="squared_error")  # type: ignore[arg-type]
MLPRegularizedClassifier(droput=0.5)  # type: ignore[call-arg]
network.partial_fit(X)  # type: ignore[call-arg]
skreg.regularization_space("clustering")  # type: ignore[arg-type]
