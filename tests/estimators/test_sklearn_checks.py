"""scikit-learn's own checks of an estimator, in several configurations."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor
from tests.support import plain_classifier, plain_regressor

# The suite fits hundreds of times: small networks and few epochs keep it short.
SMALL = {"hidden_layer_sizes": (16,), "epochs": 40, "learning_rate": 0.01}
# The suite's data sets have from 10 rows on.
SMALL_BATCHES = SMALL | {"batch_size": 8}

# Pilots train forty networks for one.
NO_PILOTS = SMALL_BATCHES | {"l2": 0.001}

CONFIGURATIONS = {
    "default": SMALL_BATCHES,
    "dropout and batchnorm": NO_PILOTS | {"dropout": 0.1, "batchnorm": True},
    "early stopping": NO_PILOTS | {"early_stopping": True, "patience": 20},
}

WEIGHTS_IN_BATCHES = (
    "with several batches an epoch, a row that is there twice is not in the same batch "
    "twice as a row of weight 2 is"
)


def expected_failures(estimator):
    if estimator.batch_size == "full":
        return {}
    return {
        "check_sample_weight_equivalence_on_dense_data": WEIGHTS_IN_BATCHES,
        "check_sample_weight_equivalence_on_sparse_data": WEIGHTS_IN_BATCHES,
    }


@parametrize_with_checks(
    [
        kind(**settings)
        for kind in (MLPRegularizedClassifier, MLPRegularizedRegressor)
        for settings in CONFIGURATIONS.values()
    ],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore:.*batch_size=.* is clipped")
def test_checks(estimator, check):
    check(estimator)


@pytest.mark.usefixtures("float64")
@parametrize_with_checks(
    [
        plain_classifier(**SMALL, batch_size="full"),
        plain_regressor(**SMALL, batch_size="full"),
    ],
    expected_failed_checks=expected_failures,
)
def test_checks_of_full_batches(estimator, check):
    """Without noise: weights are equivalent to repeated rows.

    In double precision, since the suite compares to a relative 1e-7.
    """
    check(estimator)
