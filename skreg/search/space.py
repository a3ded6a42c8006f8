"""Search space of all remedies, for a randomized search."""

from typing import Any, Literal

import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.utils import check_random_state

from ..fitting import prefix_of
from ..typing import RandomState

KINDS = ("classification", "regression")
LEVELS = ("quick", "full")


class Sometimes:
    """A distribution for a share of the draws; the other draws give `otherwise`.

    With it a remedy can be off, which no continuous distribution draws.

    Parameters
    ----------
    distribution : object with a method ``rvs``
        A distribution, such as those of ``scipy.stats``.
    share : float, default=0.5
        Share of the draws that come from the distribution, in [0, 1].
    otherwise : object, default=0.0
        Value of the other draws.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> from skreg import Sometimes
    >>> draws = Sometimes(uniform(0.1, 0.4), 0.5).rvs(1000, random_state=0)
    >>> bool(0.4 < (draws == 0).mean() < 0.6)
    True
    """

    def __init__(
        self, distribution: Any, share: float = 0.5, otherwise: Any = 0.0
    ) -> None:
        self.distribution = distribution
        self.share = share
        self.otherwise = otherwise

    def rvs(self, size: int | None = None, random_state: RandomState = None) -> Any:
        """Draw one value, or an array of `size` values, as scipy's distributions do.

        Parameters
        ----------
        size : int, default=None
            None draws one value.
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        object or ndarray of shape (size,)
        """
        rng = check_random_state(random_state)
        if size is not None:
            return np.array([self.rvs(random_state=rng) for _ in range(size)])
        is_on = rng.uniform() < self.share
        drawn = self.distribution.rvs(random_state=rng)
        return drawn if is_on else self.otherwise

    def __repr__(self):
        inner = self.distribution
        name = getattr(getattr(inner, "dist", None), "name", repr(inner))
        given = getattr(inner, "args", ())
        return f"Sometimes({name}{given}, {self.share}, {self.otherwise})"


def regularization_space(
    kind: Literal["classification", "regression"] = "classification",
    level: Literal["quick", "full"] = "quick",
    estimator: Any = None,
) -> list[dict]:
    """The search space of remedies against overfitting, as distributions.

    The space combines what Kadra et al. [1]_ call the regularization cocktail (weight
    decay, dropout, normalisation, noise, averaging of networks) with the classical
    penalties. Numbers whose order of magnitude matters are drawn on logarithmic scales.
    Each remedy is off in a share of the draws. Parameters of an optimizer are drawn
    only together with this optimizer.

    Parameters
    ----------
    kind : {"classification", "regression"}, default="classification"
        Task of the network.
    level : {"quick", "full"}, default="quick"
        "quick" keeps the network's size and optimizer; the whole search then compiles
        only two programs. "full" also draws sizes, activations, normalisation,
        optimizers, batch sizes and ensembles; it compiles a program, in some seconds,
        for each number of layers and batch size.
    estimator : estimator or Pipeline, default=None
        For a pipeline, names get the prefix of its last step, the network. None adds no
        prefix.

    Returns
    -------
    list of dict
        Names of parameters and their distributions, for ``RandomizedSearchCV`` or
        ``HalvingRandomSearchCV``; each candidate is drawn from one of the dictionaries.

    Raises
    ------
    ValueError
        If `kind` or `level` is not one of these, or `estimator` does not end in a
        network.

    See Also
    --------
    RegularizationSearchCV : Search this space with successive halving.

    References
    ----------
    .. [1] A. Kadra et al. "Well-tuned simple nets excel on tabular datasets."
       NeurIPS 2021.

    Examples
    --------
    >>> from sklearn.model_selection import ParameterSampler
    >>> from skreg import regularization_space
    >>> sampler = ParameterSampler(regularization_space(), 2, random_state=0)
    >>> sorted(list(sampler)[0])[:3]
    ['batchnorm', 'dropout', 'gaussian_noise']
    """
    for name, value, choices in (("kind", kind, KINDS), ("level", level, LEVELS)):
        if value not in choices:
            raise ValueError(
                f"The {name!r} parameter of regularization_space must be one of "
                f"{', '.join(map(repr, choices))}. Got {value!r} instead."
            )
    spaces = _quick() if level == "quick" else _full()
    if kind == "classification":
        smoothing = {"label_smoothing": Sometimes(uniform(0.01, 0.19))}
        spaces = [space | smoothing for space in spaces]
    prefix = "" if estimator is None else prefix_of(estimator)
    return [{prefix + k: v for k, v in space.items()} for space in spaces]


def _quick():
    return [
        {
            "learning_rate": loguniform(1e-3, 3e-2),
            "weight_decay": Sometimes(loguniform(1e-2, 2.0), 0.3),
            "l2": Sometimes(loguniform(1e-5, 3e-2), 0.8),
            "dropout": Sometimes(uniform(0.05, 0.55), 0.7),
            "input_dropout": Sometimes(uniform(0.02, 0.28), 0.3),
            "gaussian_noise": Sometimes(loguniform(0.02, 0.5), 0.3),
            "mixup": Sometimes(loguniform(0.05, 2.0), 0.3),
            "batchnorm": [False, False, True],
            "normalize": [True, "robust"],
            "schedule": ["auto", "auto", "constant"],
        }
    ]


def _full():
    common = _quick()[0] | {
        "hidden_layer_sizes": [(64,), (64, 64), (128, 128), (256, 256), (128,) * 3],
        "activation": ["relu", "silu", "mish", "selu", "tanh"],
        "batchnorm": [False, False, True, "layer"],
        "schedule": ["auto", "constant", "cosine_restarts", "step", "exponential"],
        "warmup": [0.0, 0.1],
        "l1": Sometimes(loguniform(1e-6, 1e-3), 0.2),
        "feature_l1": Sometimes(loguniform(1e-3, 0.3), 0.2),
        "max_norm": Sometimes(loguniform(0.5, 5.0), 0.2, otherwise=None),
        "activity_l2": Sometimes(loguniform(1e-6, 1e-3), 0.1),
        "initializer": ["auto", "glorot_uniform", "he_normal", "orthogonal"],
        "n_members": [1, 1, 4],
        "batch_size": ["auto", 32, 128],
    }
    adaptive = common | {
        "optimizer": ["adam", "nadam", "rmsprop"],
        "clipnorm": [None, 1.0],
    }
    betas = common | {"optimizer": ["adamw"], "beta_2": [0.95, 0.99, 0.999]}
    descent = common | {
        "optimizer": ["sgd"],
        "learning_rate": loguniform(1e-3, 0.3),
        "momentum": [0.0, 0.9, 0.98],
        "nesterov": [False, True],
        "weight_decay": Sometimes(loguniform(1e-4, 1e-2), 0.3),
    }
    return [adaptive, betas, descent]
