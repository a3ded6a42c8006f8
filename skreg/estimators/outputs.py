"""From features to a fitted network's outputs."""

from abc import ABCMeta, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import (
    _check_feature_names,
    check_is_fitted,
    validate_data,
)

from .. import engine
from ..engine import State, Structure
from ..fitting import (
    Network,
    Standardizer,
    check_decay,
    dtype_of_numbers,
    flattened,
    row_blocks,
    without_duplicates,
)
from ..interop import copied_callbacks
from .compatibility import PickledMixin, ShownMixin


class NetworkOutputs(
    PickledMixin, ShownMixin, Network, BaseEstimator, metaclass=ABCMeta
):
    """Base class that computes outputs from the state of a fitted estimator.

    The result of training is in `_state` and `_input_statistics`, dictionaries of
    arrays and built-in types: whatever can store such objects can store an estimator.
    The members of an ensemble are in `_members`.
    """

    def __sklearn_clone__(self):
        """A clone, or an error that names what cannot be copied."""
        check_decay(self.optimizer)
        try:
            return super().__sklearn_clone__()
        except Exception:
            if self.callbacks:
                copied_callbacks(self.callbacks)  # raises the error
            raise

    @abstractmethod
    def _coder(self):
        """Return the `ClassTargets` or `NumberTargets` that encodes targets."""

    def _target_scale(self):
        """Scale and offset that convert the network's outputs to predictions."""
        return np.ones(1), np.zeros(1)

    def _structure(self):
        return Structure.from_dict(self._state["structure"])

    def _training_state(self):
        names = ("weights", "moving", "slots", "step", "epoch")
        return State(**{name: self._state[name] for name in names})

    def _all_members(self):
        return getattr(self, "_members", [self])

    def _checked(self, X, *y, **checks):
        """Validate X, and y where it is given."""
        X = flattened(X)
        try:
            dtype = dtype_of_numbers(X)
        except ValueError:
            if not checks.get("reset", True):  # columns that fit did not see
                _check_feature_names(self, X, reset=False)
            raise
        found = validate_data(self, X, *y, accept_sparse="csr", dtype=dtype, **checks)
        if not y:
            return without_duplicates(found)
        return without_duplicates(found[0]), found[1]

    def _raw_outputs(self, X):
        """Outputs of the members before the output activation, float64.

        Returns
        -------
        ndarray of shape (n_members, n_samples, n_outputs)
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        return np.stack(
            [
                np.concatenate(list(member._by_blocks(engine.raw_outputs, X)))
                for member in self._all_members()
            ]
        )

    def _outputs(self, X):
        """Activated outputs, shape (n_members, n_samples, n_outputs)."""
        raw = self._raw_outputs(X)
        return engine.activated(self._structure(), raw)

    def _activities(self, X):
        """Outputs of each hidden activation, each of shape (n_samples, units)."""
        X = self._checked(X, reset=False)
        blocks = self._by_blocks(engine.activities, X)
        return [np.concatenate(layer) for layer in zip(*blocks, strict=True)]

    def _by_blocks(self, function, X):
        """Yield the result of an engine function for each block of rows."""
        structure, state = self._structure(), self._training_state()
        standardizer = Standardizer(**self._input_statistics)
        for rows in row_blocks(X.shape[0], max(structure.widths)):
            block = standardizer.transform(X[rows], structure.dtype)
            yield function(structure, state, self._state["numbers"], block)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
