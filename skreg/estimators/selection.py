"""Which features a fitted network uses, and a network on these alone."""

from typing import Self

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..fitting import check_parameters, groups_of
from ..typing import Floats
from .outputs import NetworkOutputs


class SelectedFeatures(NetworkOutputs):
    """Base class with what a fitted network says of its features."""

    @property
    def feature_importances_(self) -> Floats:
        """Weight of each feature in the first layer, as shares that sum to 1.

        A weight is the norm of the scaled feature's weights in the first layer (see
        `normalize`), averaged over the members. It is 0 for a feature that `feature_l1`
        has left out. Without `feature_l1` it says little about a deep network, because
        it ignores the next layers. If no feature is left, all shares are 0.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skreg import MLPRegularizedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> network = MLPRegularizedClassifier((16,), epochs=5).fit(X, y)
        >>> network.feature_importances_.shape
        (4,)
        """
        norms = self._feature_norms().mean(axis=0)
        return norms / max(norms.sum(), np.finfo(float).tiny)

    @property
    def selected_features_(self) -> np.ndarray:
        """Mask of the features with weights other than 0 in any member.

        Examples
        --------
        >>> import numpy as np
        >>> from skreg import MLPRegularizedRegressor
        >>> X = np.random.default_rng(0).normal(size=(200, 10))
        >>> network = MLPRegularizedRegressor(
        ...     (16,), feature_l1=0.1, l2=0.001, random_state=0
        ... ).fit(X, X[:, 3] - X[:, 5])
        >>> network.selected_features_.nonzero()[0]
        array([3, 5])
        """
        return self._feature_norms().any(axis=0)

    @property
    def feature_l1_(self) -> float:
        """The `feature_l1` of the training; with "auto", the chosen one.

        Examples
        --------
        >>> import numpy as np
        >>> from skreg import MLPRegularizedRegressor
        >>> X = np.random.default_rng(0).normal(size=(200, 10))
        >>> network = MLPRegularizedRegressor(
        ...     (16,), feature_l1="auto", l2=0.001, random_state=0
        ... ).fit(X, X[:, 3] - X[:, 5])
        >>> network.feature_l1_ > 0
        True
        """
        check_is_fitted(self)
        return self._state["numbers"].get("feature_l1", 0.0)  # old files lack it

    def _feature_norms(self):
        """Norms of the first kernel's rows, shape (n_members, n_features)."""
        check_is_fitted(self)
        kernels = [m._state["weights"]["kernel_0"] for m in self._all_members()]
        return np.linalg.norm(np.asarray(kernels, np.float64), axis=2)

    def reduced(self) -> Self:
        """The same fitted network, with only the features in `selected_features_`.

        It takes ``X[:, network.selected_features_]`` and predicts the same up to
        rounding. It can be saved, exported and trained further.

        Returns
        -------
        estimator
            A new estimator; this one is not changed.

        Raises
        ------
        ValueError
            If no feature is selected, or if a parameter that was changed since `fit` is
            invalid.
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from skreg import MLPRegularizedRegressor
        >>> X = np.random.default_rng(0).normal(size=(200, 10))
        >>> network = MLPRegularizedRegressor(
        ...     (16,), feature_l1=0.1, l2=0.001, random_state=0
        ... ).fit(X, X[:, 3] - X[:, 5])
        >>> small = network.reduced()
        >>> small.n_features_in_
        2
        >>> left = X[:, network.selected_features_]
        >>> bool(np.allclose(small.predict(left), network.predict(X), atol=1e-5))
        True
        """
        mask = self.selected_features_
        if not mask.any():
            raise ValueError(
                "reduced needs at least one selected feature, but feature_l1="
                f"{self.feature_l1_!r} has left none. Fit with a smaller feature_l1."
            )
        check_parameters(self, self._rules)
        groups_of(self)  # raises if there are more or fewer labels than features
        return self._on_features(mask)

    def _on_features(self, mask):
        """A copy that has only the features of a mask."""
        network = clone(self)
        parameters = network.get_params(deep=False)
        vars(network).update(vars(self) | parameters)
        vars(network).pop("_keras_model", None)
        if self.feature_groups is not None:
            labels = np.asarray(self.feature_groups, object)  # of any types
            network.feature_groups = labels[mask].tolist()
        network.n_features_in_ = int(mask.sum())
        if hasattr(self, "feature_names_in_"):
            network.feature_names_in_ = self.feature_names_in_[mask]
        statistics = self._input_statistics
        network._input_statistics = statistics | {
            name: statistics[name][mask] for name in ("mean", "scale")
        }
        network._state = _state_on_features(self._state, self._structure(), mask)
        weights = network._state["weights"].values()
        network.n_parameters_ = sum(array.size for array in weights)
        if hasattr(self, "_members"):
            network._members = [m._on_features(mask) for m in self._members]
        return network


def _state_on_features(state, structure, mask):
    """The state of training without the other features' weights."""

    def cut(arrays):
        kernel = arrays["kernel_0"]  # a slot may hold one number for all weights
        is_cut = len(kernel) == len(mask) and kernel.shape != (1, 1)
        return arrays | {"kernel_0": kernel[mask]} if is_cut else arrays

    groups = structure.feature_groups
    if groups is not None:
        left = np.asarray(groups)[mask]
        groups = tuple(np.unique(left, return_inverse=True)[1].tolist())
    changed = {"n_features": int(mask.sum()), "feature_groups": groups}
    return state | {
        "structure": state["structure"] | changed,
        "weights": cut(state["weights"]),
        "slots": {name: cut(arrays) for name, arrays in state["slots"].items()},
    }
