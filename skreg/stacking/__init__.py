"""Which jobs share a stack, and where they are trained.

The fits of a search hand in their jobs and wait; a gatherer makes blocks of them and
trains these on threads of this process or on an executor's workers.

May import: engine, persistence.
"""

from .context import stacked, stacked_if_not_yet
from .training import train

__all__ = [
    "stacked",
    "stacked_if_not_yet",
    "train",
]
