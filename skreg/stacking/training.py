"""Train the jobs of a fit: with those of other fits, or alone."""

from dataclasses import replace

from ..engine import canonical_optimizer
from .blocks import train_alone
from .gatherer import current_gatherer


def train(structure, jobs, are_pilots=False):
    """Train a fit's jobs, with those of other fits if `stacked` is open.

    Pilots are counted apart in the progress bar. See `gatherer.Gatherer`.
    """
    optimizer = canonical_optimizer(structure.optimizer)
    structure = replace(structure, optimizer=optimizer)
    gatherer = current_gatherer()
    if gatherer is not None:
        return gatherer.train(structure, jobs, are_pilots)
    return train_alone(structure, jobs)
