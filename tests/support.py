"""What several test modules use."""

from unittest import mock

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor, stacking
from skreg.engine.batches import epoch_order
from skreg.estimators import base


def captured(estimator, X, y, **fit_parameters):
    """The structure and the job that its fit, without pilots, hands to the engine."""

    class FitReachedEngineError(Exception):
        pass

    def catch(structure, jobs):
        raise FitReachedEngineError(structure, jobs[0])

    try:
        with (
            mock.patch.object(stacking, "train", catch),
            mock.patch.object(base, "has_rows_for_pilots", return_value=False),
        ):
            estimator.fit(X, y, **fit_parameters)
    except FitReachedEngineError as caught:
        return caught.args
    raise AssertionError("fit did not reach the engine")


def batch_rows(job, epoch):
    """The rows of each batch of an epoch, as a list of index arrays."""
    order = epoch_order(job, epoch)
    return [order[i : i + job.batch_size] for i in range(0, len(order), job.batch_size)]


# A network without remedies, at a constant rate, for tests of one thing at a time.
PLAIN = {"dropout": 0.0, "l2": 0.0, "schedule": "constant", "normalize": True}


def plain_classifier(*arguments, **parameters):
    """A classifier without the default remedies."""
    return MLPRegularizedClassifier(*arguments, **(PLAIN | parameters))


def plain_regressor(*arguments, **parameters):
    """A regressor without the default remedies."""
    return MLPRegularizedRegressor(*arguments, **(PLAIN | parameters))
