"""Store results of a search's fits, keyed by a hash of all that they depend on."""

import hashlib
import os
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from ..engine import Result, State
from . import storage
from .checks import check_weights
from .places import make_place


def fingerprint(structure, job, *texts):
    """Hash of everything that a job's result depends on, and of the given texts."""
    digest = hashlib.blake2b(digest_size=16)
    settings = (
        storage.own_version(),
        # Not hashed: a stack may have more remedies compiled in than the job needs.
        replace(structure, remedies=frozenset()),
        sorted(job.numbers.items()),
        replace(job.schedule, table=None),
        (job.batch_size, job.epochs, job.seed, job.monitor, job.stopping),
        (job.state.step, job.state.epoch),
        texts,
    )
    arrays = [*job.state.weights.values(), *job.state.moving.values()]
    arrays += [a for slot in job.state.slots.values() for a in slot.values()]
    arrays += [] if job.schedule.table is None else [job.schedule.table]
    for rows in (job.rows, job.validation):
        arrays += [] if rows is None else rows.arrays
    shapes = [(array.shape, array.dtype.str) for array in arrays]
    digest.update(repr((*map(_stable_repr, settings), shapes)).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _stable_repr(value):
    """A `repr` that is the same in every process; that of a set is not."""
    if isinstance(value, tuple):
        return tuple(map(_stable_repr, value))
    if hasattr(value, "__dataclass_fields__"):
        return repr([(k, _stable_repr(v)) for k, v in asdict(value).items()])
    return repr(sorted(value)) if isinstance(value, frozenset) else repr(value)


def state_from(parts, structure):
    """The `State` from a file's content, checked against the structure."""
    check_weights(structure, parts)
    return State(**parts)


class ResultStore:
    """Results of a search's fits, in a directory with one file per result.

    Parameters
    ----------
    path : path-like
        The directory; it is created if it does not exist.

    Raises
    ------
    ValueError
        If no files can be written there.
    """

    def __init__(self, path):
        self._path = Path(os.fsdecode(path))
        try:
            make_place(self._file("result"))
        except (OSError, ValueError) as error:
            raise ValueError(
                "The 'checkpoint' parameter must be the path of a directory in which "
                f"files can be written, or of a new one. Got {os.fspath(path)!r}: "
                f"{getattr(error, 'strerror', None) or error}."
            ) from error

    def train(self, structure, jobs, train):
        """Results of the jobs; ``train(structure, jobs)`` gets only the missing ones.

        Jobs with callbacks, verbose output, a checkpoint or a function as activation
        are always trained, and not stored.
        """
        keys = [self._key(structure, job) for job in jobs]
        results = [key and self._load(key, structure) for key in keys]
        missing = [i for i, result in enumerate(results) if result is None]
        if missing:
            trained = train(structure, [jobs[i] for i in missing])
            for i, result in zip(missing, trained, strict=True):
                results[i] = result
                if keys[i] is not None and result.error is None:
                    self._save(keys[i], result)
        return results

    def _key(self, structure, job):
        if job.needs_this_process or callable(structure.activation):
            return None
        return fingerprint(structure, job, getattr(job.score, "targets", ""))

    def _file(self, key):
        return self._path / f"{key}.skreg"

    def _load(self, key, structure):
        try:
            content = storage.read(self._file(key), "result")
            with storage.reading(self._file(key)):
                state = state_from(content["state"], structure)
                return Result(state, **content["result"])
        except (OSError, ValueError):  # not there, not readable or damaged: train
            return None

    def _save(self, key, result):
        values = dict(vars(result))
        del values["state"], values["error"]
        content = {"state": vars(result.state), "result": values}
        try:
            storage.write(self._file(key), "result", content, durable=False)
        except OSError as error:  # the search itself can go on
            warnings.warn(
                "The 'checkpoint' of stacked cannot store the result of a fit, which "
                f"will train again in a later run: {error}.",
                RuntimeWarning,
                stacklevel=2,
            )
