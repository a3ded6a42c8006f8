"""What several test modules use."""

from unittest import mock

from skreg import _engine
from skreg._engine.batches import epoch_order


def captured(estimator, X, y, **fit_parameters):
    """The structure and the job that the estimator's fit hands to the engine."""

    class FitReachedEngineError(Exception):
        pass

    def catch(structure, jobs):
        raise FitReachedEngineError(structure, jobs[0])

    try:
        with mock.patch.object(_engine, "train", catch):
            estimator.fit(X, y, **fit_parameters)
    except FitReachedEngineError as caught:
        return caught.args
    raise AssertionError("fit did not reach the engine")


def batch_rows(job, epoch):
    """The rows of each batch of an epoch, as a list of index arrays."""
    order = epoch_order(job, epoch)
    return [order[i : i + job.batch_size] for i in range(0, len(order), job.batch_size)]
