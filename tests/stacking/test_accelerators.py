"""What changes where programs run on a GPU or TPU, without one."""

import numpy as np
import pytest

from skreg import stacked
from skreg.engine import batches
from skreg.stacking import blocks, trainers
from tests.support import captured, plain_classifier


@pytest.fixture
def accelerator(monkeypatch):
    for module in (batches, blocks, trainers):
        monkeypatch.setattr(module, "has_accelerator", lambda: True)


def test_stacks_are_larger_and_train_one_after_another(cancer, accelerator):
    structure, _ = captured(plain_classifier((16,)), *cancer)
    assert blocks.full_stack_lanes(structure) == blocks.ACCELERATOR_MAX_LANES
    wide, _ = captured(plain_classifier((512, 512), batch_size=16), *cancer)
    assert 64 < blocks.full_stack_lanes(wide) < blocks.ACCELERATOR_MAX_LANES
    trainer = trainers.LocalTrainer(4)
    assert trainer.max_blocks == 1
    trainer.close()


def test_without_one_each_core_trains(cancer):
    trainer = trainers.LocalTrainer(4)
    assert trainer.max_blocks == 4
    trainer.close()


def test_results_are_the_same(cancer, accelerator, monkeypatch):
    networks = [plain_classifier((8,), epochs=2, random_state=i) for i in range(3)]
    with stacked():
        found = [network.fit(*cancer).predict_proba(cancer[0]) for network in networks]
    monkeypatch.undo()
    for network, probabilities in zip(networks, found, strict=True):
        expected = network.fit(*cancer).predict_proba(cancer[0])
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)
