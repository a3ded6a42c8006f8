"""Train the jobs of a fit: with those of other fits, or alone."""

from dataclasses import replace

from ..engine import canonical_optimizer, is_large, train_block
from .context import stacked_if_not_yet
from .gatherer import current_gatherer


def train(structure, jobs, are_pilots=False):
    """Train a fit's jobs, with those of other fits if `stacked` is open.

    Pilots are counted apart in the progress bar. See `gatherer.Gatherer`.
    """
    optimizer = canonical_optimizer(structure.optimizer)
    structure = replace(structure, optimizer=optimizer)
    is_in_turn = len(jobs) == 1 or is_large(structure)
    if is_in_turn and current_gatherer() is None:
        return train_block(structure, jobs, lanes=1)
    with stacked_if_not_yet(is_one_fit=True) as gatherer:
        return gatherer.train(structure, jobs, are_pilots)
