"""The noise: exact values, and statistics of a generator that is a hash."""

import numpy as np
import pytest
from scipy import stats

from skreg.engine import keras, noise
from skreg.engine.noise import (
    alpha_dropout,
    dropout,
    gaussian_noise,
    step_key,
    uniform,
)


def key_of(seed, step):
    def as_key(value):
        return keras().ops.reshape(keras().ops.array(value, "uint32"), (-1, 1, 1))

    return step_key(as_key([seed]), as_key([step]))


def draws(seed=0, step=0, layer=0, shape=(1, 200, 300)):
    x = keras().ops.ones(shape)
    return np.asarray(uniform(x, key_of(seed, step), layer)).ravel()


def test_dropout_gives_zero_or_the_scaled_input(rng):
    x = keras().ops.array(rng.normal(size=(1, 100, 50)), "float32")
    for rate in (0.1, 0.5, 0.9):
        dropped = np.asarray(dropout(x, rate, key_of(1, 2), 0))
        kept = dropped != 0
        np.testing.assert_allclose(
            dropped[kept], np.asarray(x)[kept] / (1 - rate), rtol=1e-6
        )
        assert abs(kept.mean() - (1 - rate)) < 0.02


def test_rate_zero_changes_nothing(rng):
    x = keras().ops.array(rng.normal(size=(1, 30, 20)), "float32")
    for change in (dropout, alpha_dropout, gaussian_noise):
        result = change(x, 0.0, key_of(5, 6), 0)
        np.testing.assert_allclose(result, x, rtol=1e-6, atol=1e-6)


def test_alpha_dropout_keeps_mean_and_variance(rng):
    x = keras().ops.array(rng.normal(size=(1, 1000, 200)), "float32")
    result = np.asarray(alpha_dropout(x, 0.3, key_of(0, 0), 0))
    assert abs(result.mean()) < 0.01
    assert abs(result.std() - 1) < 0.01


def test_gaussian_noise_is_normal():
    x = keras().ops.zeros((1, 200, 300))
    found = np.asarray(gaussian_noise(x, 2.0, key_of(3, 4), 0)).ravel() / 2
    assert stats.kstest(found, "norm").pvalue > 1e-3


def test_the_most_extreme_gaussian_noise_is_finite_and_symmetric(monkeypatch):
    bits = np.array([0, 2**31 - 1, 2**31, 2**32 - 1], np.uint32).reshape(1, 1, 4)
    monkeypatch.setattr(noise, "_bits", lambda *_: keras().ops.array(bits))
    x = keras().ops.zeros((1, 1, 4))
    found = np.asarray(gaussian_noise(x, 2.0, None, 0)).ravel()
    np.testing.assert_array_equal(found, -found[::-1])
    expected = 2 * stats.norm.ppf([2.0**-24, 0.5 - 2.0**-24])
    np.testing.assert_allclose(found[:2], expected, rtol=1e-5)


def test_lanes_with_and_without_selu_have_their_own_dropout(rng):
    x = keras().ops.array(rng.normal(size=(2, 50, 20)), "float32")
    keys = keras().ops.concatenate([key_of(1, 2), key_of(3, 4)], axis=0)
    after_selu = keras().ops.array([[[True]], [[False]]])
    together = np.asarray(alpha_dropout(x, 0.4, keys, 3, after_selu=after_selu))
    apart = alpha_dropout(x[:1], 0.4, keys[:1], 3), dropout(x[1:], 0.4, keys[1:], 3)
    np.testing.assert_allclose(together, np.concatenate(apart), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_draws_are_uniform(seed):
    assert stats.kstest(draws(seed), "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"step": 1}, {"layer": 1}, {"seed": 2**16}, {"step": 2**16}],
    ids=str,
)
def test_draws_of_other_lanes_steps_and_layers_are_independent(other):
    correlation = np.corrcoef(draws(), draws(**other))[0, 1]
    assert abs(correlation) < 4 / np.sqrt(200 * 300)


def test_draws_of_neighbouring_elements_are_independent():
    values = draws().reshape(200, 300)
    for a, b in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(a.size)


def test_no_stream_is_another_one_shifted():
    """Masks of many steps: no pair shares more elements than chance has it."""
    masks = np.array([draws(step=step, shape=(1, 32, 64)) < 0.5 for step in range(200)])
    agreement = np.abs(np.corrcoef(masks.astype(float)) - np.eye(200)).max()
    assert agreement < 6 / np.sqrt(32 * 64)


def test_draws_do_not_depend_on_the_neighbours():
    x = keras().ops.ones((3, 8, 5))
    keys = keras().ops.concatenate([key_of(s, 7) for s in (4, 5, 6)], axis=0)
    together = np.asarray(uniform(x, keys, 2))
    for i, seed in enumerate((4, 5, 6)):
        alone = np.asarray(uniform(x[:1], key_of(seed, 7), 2))
        np.testing.assert_array_equal(together[i], alone[0])
