"""Train the fits of a search together: which jobs share a stack, and where it trains.

The fits of a search submit their jobs and wait. A gatherer groups the jobs into blocks
and trains these on threads of this process or on an executor's workers.

May import: engine, persistence.
"""

from .context import stacked, stacked_if_not_yet
from .training import train

__all__ = [
    "stacked",
    "stacked_if_not_yet",
    "train",
]
