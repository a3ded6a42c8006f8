"""The network in what a user hands in: an estimator, or a pipeline that ends in one."""

from sklearn.pipeline import Pipeline


class Network:
    """What marks the estimators of this package."""


def prefix_of(estimator):
    """What the names of the network's parameters begin with.

    Raises
    ------
    ValueError
        If there is no network.
    """
    if isinstance(estimator, Network):
        return ""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        if isinstance(last, (Network, Pipeline)):
            return f"{name}__{prefix_of(last)}"
    raise ValueError(
        "The 'estimator' parameter must be an MLPRegularizedClassifier or "
        "MLPRegularizedRegressor, or a Pipeline whose last step is one. Got "
        f"{estimator!r} instead."
    )


def network_of(estimator):
    """The network itself."""
    prefix = prefix_of(estimator)
    return estimator.get_params()[prefix.removesuffix("__")] if prefix else estimator
