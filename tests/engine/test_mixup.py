"""Mixtures of rows, beyond what tests/test_same_as_keras.py compares with Keras."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import cross_val_predict

import skreg
from skreg.engine.batches import epoch_order, mixup_shares
from skreg.engine.step import mixtures
from tests.support import captured, plain_classifier


@pytest.fixture(scope="module")
def data():
    return make_classification(60, 5, random_state=0)


@pytest.mark.usefixtures("float64")
def test_partners_are_neighbours_and_padding_is_nobodys():
    x = np.array([[[0.0], [1.0], [2.0], [30.0]], [[0.0], [1.0], [2.0], [30.0]]])
    y, weight = x + 5, np.array([[1.0, 2.0, 1.0, 1.0], [1.0, 2.0, 1.0, 0.0]])
    share = np.full((2, 4), 0.25) * (weight > 0)
    x_mixed, ((own, own_weight), (others, other_weight)) = mixtures(x, y, weight, share)
    np.testing.assert_allclose(np.asarray(x_mixed)[0, :, 0], [0.25, 0.75, 1.75, 23.0])
    np.testing.assert_allclose(np.asarray(x_mixed)[1, :, 0], [0.25, 0.75, 1.75, 30.0])
    np.testing.assert_array_equal(own, y)
    np.testing.assert_array_equal(others, y[:, [1, 0, 1, 2]])
    np.testing.assert_allclose(
        own_weight, [[0.75, 1.5, 0.75, 0.75], [0.75, 1.5, 0.75, 0]]
    )
    np.testing.assert_allclose(
        other_weight, [[0.5, 0.25, 0.5, 0.25], [0.5, 0.25, 0.5, 0]]
    )


def test_shares_are_of_the_beta_distribution_and_the_same_in_any_chunk(data):
    network = plain_classifier((4,), batch_size=16, epochs=200, random_state=0)
    _, job = captured(network.set_params(mixup=0.5), *data)
    all_at_once = mixup_shares(job, 0, job.n_steps)
    in_parts = [mixup_shares(job, first, 5) for first in range(0, job.n_steps, 5)]
    np.testing.assert_array_equal(all_at_once, np.concatenate(in_parts))
    drawn = all_at_once.reshape(200, -1)[:, :60]
    assert abs(drawn.mean() - 0.5) < 0.01
    assert abs(drawn.var() - 1 / 8) < 0.005  # 1 / (4 * (2 * alpha + 1))


def test_partners_change_where_one_batch_is_all(data):
    network = plain_classifier((4,), batch_size="full", epochs=2, random_state=0)
    _, plain = captured(network, *data)
    _, mixing = captured(network.set_params(mixup=0.5), *data)
    assert (epoch_order(plain, 0) == epoch_order(plain, 1)).all()
    assert (epoch_order(mixing, 0) != epoch_order(mixing, 1)).any()


def test_candidates_with_and_without_share_a_stack(data):
    """One program serves both, and each is as it is alone."""
    X, y = data
    for mixup in (0.0, 0.3):
        network = plain_classifier((6,), mixup=mixup, epochs=5, random_state=0)
        alone = cross_val_predict(network, X, y, cv=3, method="predict_proba")
        with skreg.stacked():
            display = skreg.RegularizationPathDisplay.from_estimator(
                network, X, y, param_name="mixup", param_range=[0.0, 0.3], cv=3
            )
            together = cross_val_predict(network, X, y, cv=3, method="predict_proba")
        np.testing.assert_allclose(alone, together, atol=1e-6)
    training = display.train_scores.mean(axis=1)
    assert training[0] != training[1]


def test_mixing_makes_an_overfit_network_less_sure():
    X, y = make_classification(100, 20, flip_y=0.3, random_state=0)
    sure = {}
    for mixup in (0.0, 1.0):
        network = plain_classifier((64,), mixup=mixup, epochs=100, random_state=0)
        sure[mixup] = network.fit(X, y).predict_proba(X).max(axis=1).mean()
    assert sure[0.0] > 0.98
    assert sure[1.0] < sure[0.0] - 0.05


def test_batches_of_one_row_mix_nothing(data):
    X, y = data[0][:20], data[1][:20]
    plain, mixing = (
        plain_classifier((4,), mixup=mixup, batch_size=1, epochs=3, random_state=0)
        for mixup in (0.0, 0.5)
    )
    np.testing.assert_allclose(
        mixing.fit(X, y).predict_proba(X), plain.fit(X, y).predict_proba(X), atol=1e-6
    )
