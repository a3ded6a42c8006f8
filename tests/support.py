"""What several test modules use."""

from unittest import mock

from skreg import _engine


def captured(estimator, X, y, **fit_parameters):
    """The structure and the job that the estimator's fit hands to the engine."""

    class FitReachedEngineError(Exception):
        pass

    def catch(structure, job):
        raise FitReachedEngineError(structure, job)

    try:
        with mock.patch.object(_engine, "train", catch):
            estimator.fit(X, y, **fit_parameters)
    except FitReachedEngineError as caught:
        return caught.args
    raise AssertionError("fit did not reach the engine")
