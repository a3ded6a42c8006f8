"""Promise: a lane's result depends on its program within rounding alone.

A program may serve structures of other sizes, activations, normalizations and
optimizers. In double precision each lane has to give what its own program gives.
"""

import functools
import operator
from dataclasses import replace

import numpy as np
import pytest

from skreg.engine import (
    State,
    compilations,
    number_names,
    program,
    train_block,
    weight_shapes,
)
from skreg.engine.packing import initial_slots, pack_lane, unpack_lane
from skreg.engine.structure import ELEMENTWISE
from skreg.fitting.parameters import activation_names
from tests.conftest import BACKEND
from tests.support import captured, plain_classifier

SIZES = [(12, 6), (5, 16), (1, 1), (16, 16)]
PARTS = [
    {"batchnorm": True},
    {"batchnorm": "layer"},
    {"batchnorm": True, "dropout": (0.2, 0.5), "optimizer": "sgd"},
    {"batchnorm": "layer", "activation": "sigmoid", "dropout": 0.3},
    {"gaussian_noise": 0.5, "input_dropout": 0.3, "activation": "softplus"},
    {"activation": "selu", "dropout": (0.4, 0.1), "batchnorm": True},
    {"l1": 1e-3, "l2": 1e-2, "bias_l1": 1e-3, "bias_l2": 1e-2},
    {"activity_l1": 1e-3, "activity_l2": 1e-3, "activation": "sigmoid"},
    {"max_norm": 0.7, "weight_decay": 0.1, "label_smoothing": 0.1},
    {"mixup": 0.4, "random_state": 3},
    {"feature_l1": 0.1},
    {"early_stopping": True, "patience": 1, "batchnorm": True},
    {"schedule": "cosine", "warmup": 0.3, "batch_size": 32},
    {"activation": "leaky_relu", "negative_slope": 0.4},
]
OPTIMIZERS = [
    {"optimizer": name}
    for name in ("sgd", "adagrad", "rmsprop", "adam", "nadam", "adamax", "adadelta")
] + [
    {"optimizer": "sgd", "nesterov": True, "momentum": 0.5},
    {"optimizer": "lion", "learning_rate": 1e-3},
    {"optimizer": "ftrl", "learning_rate": 0.05},
]
# Those of `OPTIMIZERS`, with the proximal step in some lanes.
SELECTING = [
    own | {"feature_l1": strength}
    for own, strength in zip(OPTIMIZERS, [0.05, 0.2, 0.0] * 3 + [0.1], strict=True)
]
# The same, in turn without normalization and with either.
NORMALIZING = [
    own | {"batchnorm": kind}
    for own, kind in zip(OPTIMIZERS, [False, True, "layer"] * 3 + [False], strict=True)
]
USUAL_OPTIMIZERS = [  # those with a joint rule
    {"optimizer": "adam"},
    {"optimizer": "adam", "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    {"optimizer": "sgd", "weight_decay": 0.1},
    {"optimizer": "sgd", "momentum": 0.0},
    {"optimizer": "rmsprop"},
    {"optimizer": "rmsprop", "momentum": 0.5, "rho": 0.8, "schedule": "cosine"},
]
ACTIVATIONS = [
    {"activation": name, "learning_rate": 1e-4} for name in sorted(ELEMENTWISE)
]


def networks(settings, sizes=SIZES):
    """A classifier for each of the settings; sizes take turns."""
    return [
        plain_classifier(
            sizes[i % len(sizes)], **({"epochs": 3, "random_state": i} | own)
        ).set_params(batch_size=32)
        for i, own in enumerate(settings)
    ]


def assert_same_in_company(estimators, X, y, monkeypatch, n_features=None):
    n_features = n_features or [X.shape[1]] * len(estimators)
    caught = [
        captured(estimator, X[:, :n], y)
        for estimator, n in zip(estimators, n_features, strict=True)
    ]
    shared = functools.reduce(operator.or_, (structure for structure, _ in caught))
    assert all(shared.serves(structure) for structure, _ in caught)
    before = compilations.total()
    jobs = [replace(job, structure=structure) for structure, job in caught]
    together = train_block(shared, jobs, 16)
    assert compilations.total() == before + 1
    monkeypatch.setattr(program, "uses_xla", lambda structure: False)  # it is quick
    slot_atol = 1e-8 if BACKEND == "jax" else 1e-9  # of quick programs: see Makefile
    for (structure, job), result in zip(caught, together, strict=True):
        (alone,) = train_block(structure, [job])
        assert result.diverged is alone.diverged is None
        for part in ("weights", "moving"):
            own, other = vars(alone.state)[part], vars(result.state)[part]
            assert list(own) == list(other)
            for name, array in own.items():
                np.testing.assert_allclose(
                    other[name], array, rtol=1e-9, atol=1e-9, err_msg=f"{structure}"
                )
        for slot, arrays in alone.state.slots.items():
            for name, array in arrays.items():
                np.testing.assert_allclose(
                    result.state.slots[slot][name], array, rtol=1e-8, atol=slot_atol
                )
        for name, values in alone.history.items():
            np.testing.assert_allclose(result.history[name], values, rtol=1e-9)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    "settings",
    [PARTS, OPTIMIZERS, NORMALIZING, USUAL_OPTIMIZERS, ACTIVATIONS, SELECTING],
    ids=len,
)
def test_a_lane_is_the_same_in_a_program_for_others(settings, cancer, monkeypatch):
    X, y = cancer[0][:200], cancer[1][:200]
    assert_same_in_company(networks(settings), X, y, monkeypatch)


@pytest.mark.usefixtures("float64")
def test_columns_may_differ(cancer, monkeypatch):
    X, y = cancer[0][:200], cancer[1][:200]
    settings = [
        {"gaussian_noise": 0.5, "input_dropout": 0.3, "batchnorm": True},
        {"dropout": 0.5, "l2": 0.1, "feature_l1": 0.1},
        {"early_stopping": True, "patience": 2},
    ]
    n_features = [30, 7, 1]
    assert_same_in_company(networks(settings), X, y, monkeypatch, n_features)


def test_two_hundred_structures_share_one_state_layout(cancer, rng):
    """Packing and unpacking a lane's state gives the same state."""
    base, _ = captured(plain_classifier((8, 8)), *cancer)
    optimizers = ["adam", "sgd", "nadam", "rmsprop"]
    for _ in range(200):
        own = replace(
            base,
            n_features=int(rng.integers(1, 40)),
            hidden=tuple(rng.integers(1, 40, 2).tolist()),
            normalization=[None, "batch", "layer"][rng.integers(3)],
            optimizer=optimizers[rng.integers(4)],
        )
        shared = own | replace(base, hidden=(64, 64), optimizer="nadam")
        state = random_state(own, rng)
        row = pack_lane(shared, state, own)
        found = unpack_lane(shared, row, 5, 2, own)
        for part in ("weights", "moving"):
            for name, array in vars(state)[part].items():
                np.testing.assert_array_equal(vars(found)[part][name], array)
        for slot, arrays in state.slots.items():
            for name, array in arrays.items():
                np.testing.assert_array_equal(found.slots[slot][name], array)


def random_state(structure, rng):
    def drawn(shapes):
        return {
            name: rng.normal(size=shape).astype(structure.dtype)
            for name, shape in shapes.items()
        }

    weights, moving = map(drawn, weight_shapes(structure))
    numbers = dict.fromkeys(number_names(structure), 0.0)
    slots = initial_slots(structure, weights, numbers)
    return State(weights, moving, slots)


@pytest.mark.parametrize(
    "change",
    [
        {"loss": "binary_hinge"},
        {"hidden": (8,)},
        {"batch_size": 64},
        {"dtype": "float64"},
        {"clipping": "clipnorm"},
        {"n_outputs": 2},
        {"feature_groups": (0,) * 30},
        {"hidden": (8, 9), "activation": "softmax"},
    ],
    ids=str,
)
def test_what_cannot_share_a_program(cancer, change):
    own, _ = captured(plain_classifier((8, 8), batch_size=32), *cancer)
    other = replace(own, **change)
    assert not own.serves(other)
    with pytest.raises(ValueError, match="program|padded"):
        own | other


def test_all_activations_that_look_at_one_unit_are_shared():
    across = {"softmax", "log_softmax", "sparsemax", "threshold"}
    assert set(activation_names()) - across <= ELEMENTWISE | {"glu"}
