"""A fit that survives its process: checkpoints, and going on from one."""

import copy
import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..engine import Progress, Result
from ..fitting import targets_as_text
from . import storage
from .contents import network_content
from .results import fingerprint, state_from

_in_use: set[Path] = set()
_lock = threading.Lock()


class Checkpoint:
    """Writes how far a fit is, and goes on from what an earlier process wrote.

    A path with Keras's names in braces, such as ``{epoch:02d}-{val_loss:.5f}``, makes a
    file of each epoch; another is one file, which the next epoch replaces.

    Parameters
    ----------
    estimator : estimator
        As it is before the training.
    structure, job
        Of the training.
    continues : bool
        Whether the estimator's history goes on.
    number : int or None
        That of an ensemble's member.
    """

    def __init__(self, estimator, structure, job, continues, number=None):
        self._estimator, self._continues = copy.copy(estimator), continues
        self._every = estimator.checkpoint_every
        self._path = member_path(estimator.checkpoint, number)
        self._structure, self._schedule = structure, job.schedule
        names = [type(c).__name__ for c in estimator.callbacks or ()]
        targets = targets_as_text(estimator._coder())
        self._fingerprint = fingerprint(structure, job, targets, *names)
        self._estimator.callbacks = None
        network_content(self._estimator)  # raises for what cannot be stored
        self._check_name(job)

    def _check_name(self, job):
        """Raise ValueError for what there will be no value of."""
        if self._every == "best" and job.validation is None and job.stopping is None:
            raise ValueError(
                "The 'checkpoint_every' parameter can be 'best' only where epochs are "
                "compared: with early_stopping=True, or X_val and y_val. Got neither."
            )
        known = ["epoch", "loss"]
        if job.validation is not None:
            known += ["val_loss", *{job.monitor} - {"loss", "val_loss"}]
        try:
            self._path.name.format(**dict.fromkeys(known, 1.0) | {"epoch": 1})
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"The 'checkpoint' parameter may name {', '.join(known)} in braces. "
                f"Got {self._path.name!r}: {type(error).__name__} {error}."
            ) from error

    @contextmanager
    def locked(self):
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

    def resumed(self, job):
        """The job from where an earlier training of it ended."""
        job = replace(job, save_progress=self)
        latest = _latest(self._path, self._fingerprint)
        if latest is not None:
            with storage.reading(self._path):
                return replace(job, progress=_progress(latest, self._structure))
        other = None if _is_template(self._path) else _latest(self._path)
        if other is not None and self._every != "best" and _is_unfinished(other):
            raise ValueError(
                "The 'checkpoint' parameter names a file that holds an unfinished "
                "training of other data or parameters. Give them as they were, or "
                f"another path, or delete {self._path}."
            )
        return job

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
        self._path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "fingerprint": self._fingerprint,
            "progress": vars(progress) | {"state": vars(progress.state)},
            "estimator": network_content(self._network(progress)),
        }
        if progress.best_state is not None:
            content["progress"]["best_state"] = vars(progress.best_state)
        name = self._path.name.format(epoch=epochs, **logs)
        storage.write(self._path.with_name(name), "checkpoint", content)

    def _network(self, progress):
        """The estimator as it would be if training ended here."""
        network = copy.copy(self._estimator)
        state, best = progress.state, progress.best_state
        if best is not None:
            state = state.with_weights_of(best)
        rate = progress.learning_rate
        if rate is None:
            rate = float(self._schedule.rates([state.step])[0])
        rate = rate or self._schedule.learning_rate
        network._state = {**network._state, **vars(state), "learning_rate": rate}
        epoch = progress.best_epoch or len(progress.history["loss"])
        result = Result(state, progress.history, epoch, None, rate)
        network._extend_history(result, self._continues)
        return network


def member_path(path, number=None):
    """The path of an ensemble's member; the path itself where there is one network."""
    path = Path(path)
    if number is None:
        return path
    end = path.name.find(".", path.name.rfind("}") + 1)  # where the suffix begins
    end = len(path.name) if end < 0 else end
    return path.with_name(f"{path.name[:end]}-member{number}{path.name[end:]}")


def seed_to_go_on_with(path, n_members):
    """The first seed of an unfinished training that the path holds, or None."""
    numbers = [None] if n_members == 1 else range(n_members)
    found = [_latest(member_path(path, number)) for number in numbers]
    if found[0] is None or not any(c and _is_unfinished(c) for c in found):
        return None
    with storage.reading(path):
        return found[0]["estimator"]["attributes"]["_state"]["seed"]


def _is_template(path):
    return "{" in path.name


def _is_unfinished(content):
    return not content["progress"]["is_done"]


def _latest(path, fingerprint=None):
    """The content with most epochs at a path, of a fit with this fingerprint."""
    latest, most = None, -1
    for file in _files(path):
        try:
            content = _content(file)
        except ValueError:
            if not _is_template(path):
                raise
            continue  # another file that happens to be called so
        if content is None or fingerprint not in (None, content["fingerprint"]):
            continue
        if (epochs := len(content["progress"]["history"]["loss"])) > most:
            latest, most = content, epochs
    return latest


def _files(path):
    if not _is_template(path):
        return [path] if path.exists() else []
    if not path.parent.is_dir():
        return []
    parts = map(re.escape, re.split(r"\{[^}]*\}", path.name))
    pattern = re.compile(".+".join(parts))
    names = (file for file in path.parent.iterdir() if pattern.fullmatch(file.name))
    return [file for file in names if file.is_file() and file.name[0] != "."]


def _content(path):
    """What is in a checkpoint; None where the file is an estimator of `save`'s."""
    content = storage.read(path, "checkpoint", "estimator")
    if content["kind"] != "checkpoint":
        return None
    with storage.reading(path):
        progress = content["progress"]
        _ = content["fingerprint"], progress["history"]["loss"], progress["is_done"]
    return content


def _progress(content, structure):
    """The progress in a file, checked against the job's structure."""
    parts = dict(content["progress"])
    for name in ("state", "best_state"):
        if parts[name] is not None:
            parts[name] = state_from(parts[name], structure)
    return Progress(**parts)
