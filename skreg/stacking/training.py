"""How the jobs of a fit are trained: with those of other fits, or by themselves."""

from dataclasses import replace

from ..engine import canonical_optimizer, train_block
from .blocks import full_stack
from .gatherer import current_gatherer


def train(structure, jobs):
    """The results of a fit's jobs: trained with those of other fits where they gather.

    See `gatherer.Gatherer`.
    """
    optimizer = canonical_optimizer(structure.optimizer)
    structure = replace(structure, optimizer=optimizer)
    gatherer = current_gatherer()
    if gatherer is not None:
        return gatherer.train(structure, jobs)
    return train_block(structure, jobs, min(len(jobs), full_stack(structure)))
