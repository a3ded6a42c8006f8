"""The results of a search's fits, kept under a hash of all that they depend on."""

import hashlib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from ..engine import Result, State
from . import storage
from .checks import check_weights


def fingerprint(structure, job, *texts):
    """A hash of all that a job's result depends on, and of these texts."""
    digest = hashlib.blake2b(digest_size=16)
    settings = (
        storage.own_version(),
        # A stack may have more remedies compiled in than the job asks for.
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
    digest.update(repr((*map(_text, settings), shapes)).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _text(value):
    """The same text in every process, which a set's is not."""
    if isinstance(value, tuple):
        return tuple(map(_text, value))
    if hasattr(value, "__dataclass_fields__"):
        return repr([(k, _text(v)) for k, v in asdict(value).items()])
    return repr(sorted(value)) if isinstance(value, frozenset) else repr(value)


def state_from(parts, structure):
    """The state in a file, checked against the structure."""
    check_weights(structure, parts)
    return State(**parts)


class ResultStore:
    """The results of a search's fits in a directory, a file each.

    Parameters
    ----------
    path : path-like
        The directory, which is made where there is none.
    """

    def __init__(self, path):
        self._path = Path(path)
        self._path.mkdir(parents=True, exist_ok=True)

    def train(self, structure, jobs, train):
        """What ``train(structure, jobs)`` gives, but for jobs whose results are here.

        Jobs with callbacks, or that print, or whose activation is a function, train
        again.
        """
        keys = [self._key(structure, job) for job in jobs]
        results = [key and self._found(key, structure) for key in keys]
        missing = [i for i, result in enumerate(results) if result is None]
        if missing:
            trained = train(structure, [jobs[i] for i in missing])
            for i, result in zip(missing, trained, strict=True):
                results[i] = result
                if keys[i] is not None and result.error is None:
                    self._add(keys[i], result)
        return results

    def _key(self, structure, job):
        if job.stays_here or callable(structure.activation):
            return None
        return fingerprint(structure, job, getattr(job.score, "targets", ""))

    def _file(self, key):
        return self._path / f"{key}.skreg"

    def _found(self, key, structure):
        try:
            content = storage.read(self._file(key), "result")
            with storage.reading(self._file(key)):
                state = state_from(content["state"], structure)
                return Result(state, **content["result"])
        except (FileNotFoundError, ValueError):  # a damaged one is trained again
            return None

    def _add(self, key, result):
        values = dict(vars(result))
        del values["state"], values["error"]
        content = {"state": vars(result.state), "result": values}
        storage.write(self._file(key), "result", content, durable=False)
