"""Files: estimators, weights, checkpoints of a fit, and the results of a search.

All of them are written by one storage, without pickle, and are checked when they are
read.

May import: engine, fitting.
"""

from .checkpoints import Checkpoint, seed_to_go_on_with
from .contents import read_network, write_network
from .results import ResultStore
from .weights import load_weights, save_weights

__all__ = [
    "Checkpoint",
    "ResultStore",
    "load_weights",
    "read_network",
    "save_weights",
    "seed_to_go_on_with",
    "write_network",
]
