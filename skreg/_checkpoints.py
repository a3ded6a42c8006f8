"""Training that survives its process: checkpoints of a fit, results of a search."""

import hashlib
import os
import re
import threading
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from . import _storage
from ._checks import check_weights
from ._contents import network_content
from ._engine import Progress, Result, State


def fingerprint(structure, job):
    """A hash of all that a job's result depends on."""
    digest = hashlib.blake2b(digest_size=16)
    activation = structure.activation
    if callable(activation):
        activation = f"{activation.__module__}.{activation.__qualname__}"
    settings = (
        _storage.own_version(),
        # A stack may have more remedies compiled in than the job asks for.
        replace(structure, activation=activation, remedies=frozenset()),
        sorted(job.numbers.items()),
        replace(job.schedule, table=None),
        (job.batch_size, job.epochs, job.seed, job.monitor, job.stopping),
        (job.state.step, job.state.epoch),
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


# --- a fit

_in_use = set()  # paths
_lock = threading.Lock()


class Checkpoint:
    """Writes how far a fit is, and goes on from what an earlier process wrote.

    A path with Keras's names in braces, such as ``{epoch:02d}-{val_loss:.5f}``, makes a
    file of each epoch; another is one file, which the next epoch replaces.
    """

    def __init__(self, estimator, structure, job, number=None):
        self._estimator = estimator
        self._every = estimator.checkpoint_every
        self._path = member_path(estimator.checkpoint, number)
        self._fingerprint = fingerprint(structure, job)
        self._structure = structure
        if self._every == "best" and job.validation is None and job.stopping is None:
            raise ValueError(
                "The 'checkpoint_every' parameter can be 'best' only where epochs are "
                "compared: with early_stopping=True, or X_val and y_val. Got neither."
            )

    def resumed(self, job):
        """The job from where an earlier training of it ended."""
        job = replace(job, keep=self)
        contents = [c for c in map(_content, self._files()) if c is not None]
        own = [c for c in contents if c["fingerprint"] == self._fingerprint]
        if own:
            latest = max(own, key=lambda c: len(c["progress"]["history"]["loss"]))
            return replace(job, progress=_progress(latest, self._structure))
        is_one_file = not self._is_template and self._every != "best"
        if contents and is_one_file and not contents[0]["progress"]["is_done"]:
            raise ValueError(
                "The 'checkpoint' parameter names a file that holds an unfinished "
                "training of other data or parameters. Give them as they were, or "
                f"another path, or delete {self._path}."
            )
        return job

    @contextmanager
    def alone(self):
        """While no other fit of this process writes to the path."""
        path = self._path.absolute()
        with _lock:
            if path in _in_use:
                raise ValueError(
                    "The 'checkpoint' parameter must name a path for one fit at a time."
                    f" Got {path} for two: leave it out in a search, which "
                    "stacked(checkpoint=...) keeps."
                )
            _in_use.add(path)
        try:
            yield
        finally:
            _in_use.discard(path)

    @property
    def _is_template(self):
        return "{" in self._path.name

    def _files(self):
        if not self._is_template:
            return [self._path] if self._path.exists() else []
        pattern = re.sub(r"\{[^}]*\}", "*", self._path.name)
        return sorted(self._path.parent.glob(pattern))

    def __call__(self, progress):
        """After an epoch."""
        epochs = len(progress.history["loss"])
        if self._every == "best":
            is_due = progress.best_epoch == epochs
        else:
            is_due = epochs % self._every == 0 or progress.is_done
        if is_due and progress.state.is_finite():
            self._write(progress, epochs)

    def _write(self, progress, epochs):
        logs = {name: values[-1] for name, values in progress.history.items()}
        try:
            name = self._path.name.format(epoch=epochs, **logs)
        except (KeyError, IndexError) as error:
            known = ", ".join(["epoch", *logs])
            raise ValueError(
                f"The 'checkpoint' parameter may name {known} in braces. Got "
                f"{os.fspath(self._path)!r}."
            ) from error
        self._path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "fingerprint": self._fingerprint,
            "progress": vars(progress) | {"state": vars(progress.state)},
            "estimator": network_content(self._network(progress)),
        }
        if progress.best_state is not None:
            content["progress"]["best_state"] = vars(progress.best_state)
        _storage.write(self._path.with_name(name), "checkpoint", content)

    def _network(self, progress):
        """The estimator as it would be if training ended here."""
        network = object.__new__(type(self._estimator))
        vars(network).update(vars(self._estimator) | {"callbacks": None})
        network._state = {**network._state, **vars(progress.state)}
        best = progress.best_epoch or len(progress.history["loss"])
        result = Result(progress.state, progress.history, best, None, 0.0)
        network._keep_history(result, hasattr(network, "history_"))
        return network


def member_path(path, number=None):
    """The path of an ensemble's member; the path itself where there is one network."""
    path = Path(path)
    return path if number is None else path.with_stem(f"{path.stem}-member{number}")


def unfinished_seed(path):
    """The seed of the unfinished training that a checkpoint holds, or None."""
    path = Path(path)
    content = _content(path) if path.exists() else None
    if content is None or content["progress"]["is_done"]:
        return None
    return content["estimator"]["attributes"]["_state"]["seed"]


def _content(path):
    """What is in a checkpoint; None where the file is an estimator of `save`'s."""
    content = _storage.read(path, "checkpoint", "estimator")
    return content if content["kind"] == "checkpoint" else None


def _progress(content, structure):
    """The progress in a file, checked against the job's structure."""
    parts = dict(content["progress"])
    for name in ("state", "best_state"):
        if parts[name] is not None:
            parts[name] = _state(parts[name], structure)
    return Progress(**parts)


def _state(parts, structure):
    check_weights(structure, parts)
    return State(**parts)


# --- a search


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

        Jobs with callbacks, or that print, train again.
        """
        keys = [None if j.stays_here else fingerprint(structure, j) for j in jobs]
        results = [key and self._found(key, structure) for key in keys]
        missing = [i for i, result in enumerate(results) if result is None]
        if missing:
            trained = train(structure, [jobs[i] for i in missing])
            for i, result in zip(missing, trained, strict=True):
                results[i] = result
                if keys[i] is not None and result.error is None:
                    self._add(keys[i], result)
        return results

    def _file(self, key):
        return self._path / f"{key}.skreg"

    def _found(self, key, structure):
        try:
            content = _storage.read(self._file(key), "result")
            with _storage.reading(self._file(key)):
                state = _state(content["state"], structure)
                return Result(state, **content["result"])
        except (FileNotFoundError, ValueError):  # a damaged one is trained again
            return None

    def _add(self, key, result):
        values = dict(vars(result))
        del values["state"], values["error"]
        content = {"state": vars(result.state), "result": values}
        _storage.write(self._file(key), "result", content, durable=False)
