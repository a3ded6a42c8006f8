"""The network in a user's estimator, itself or the last step of a pipeline; copies."""

from sklearn.pipeline import Pipeline


class Network:
    """Marker base class of this package's estimators."""


def prefix_of(estimator):
    """Prefix of the network's parameters, such as ``mlp__`` in a pipeline.

    Raises
    ------
    ValueError
        If `estimator` is no network and no pipeline that ends in one.
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
    """The network in `estimator`, which may be a pipeline that ends in it."""
    prefix = prefix_of(estimator)
    return estimator.get_params()[prefix.removesuffix("__")] if prefix else estimator


def copied(estimator, **attributes):
    """Return a shallow copy of the estimator, with these attributes replaced."""
    copy = object.__new__(type(estimator))
    vars(copy).update(vars(estimator) | attributes)
    return copy
