"""Files: saved estimators, weights, checkpoints of a fit, and results of a search.

All are written in one file format, without pickle, and are checked when they are read.

May import: engine, fitting.
"""

from .checkpoints import Checkpoint, check_checkpoints, seed_to_go_on_with
from .contents import read_network, write_network
from .results import ResultStore
from .storage import own_version
from .weights import load_weights, save_weights

__all__ = [
    "Checkpoint",
    "ResultStore",
    "check_checkpoints",
    "load_weights",
    "own_version",
    "read_network",
    "save_weights",
    "seed_to_go_on_with",
    "write_network",
]
