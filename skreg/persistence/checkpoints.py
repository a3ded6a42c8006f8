"""Checkpoints of a fit, and resuming from one after the process has died."""

import copy
import os
import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..engine import Progress, Result
from ..fitting import is_auto, targets_as_text
from . import storage
from .contents import network_content
from .places import make_place
from .results import fingerprint, state_from

_in_use: set[Path] = set()
_lock = threading.Lock()


class Checkpoint:
    """Write checkpoints of a fit, and resume from those of an earlier process.

    A path with names in braces as in Keras, such as ``{epoch:02d}-{val_loss:.5f}``,
    gives one file per checkpoint. Any other path is one file, which is overwritten.

    Parameters
    ----------
    estimator : estimator
        The estimator before the training.
    structure, job
        Those of the training.
    continues : bool
        Whether the training extends the estimator's history.
    number : int or None
        Index of the ensemble's member; None for a single network.
    """

    def __init__(self, estimator, structure, job, continues, number=None):
        self._estimator, self._continues = copy.copy(estimator), continues
        self._every = estimator.checkpoint_every
        self._path = member_path(estimator.checkpoint, number)
        self._structure, self._schedule = structure, job.schedule
        names = [type(c).__name__ for c in estimator.callbacks or ()]
        self._texts = targets_as_text(estimator._coder()), *names
        self._fingerprint = fingerprint(structure, job, *self._texts)
        self._estimator.callbacks = None
        content = network_content(self._estimator)
        storage.dumped(content["parameters"])  # raises if something cannot be stored
        self._check_place(self._checked_name(job))

    def _checked_name(self, job):
        """A file's name; ValueError if it or "best" needs a value that will not be."""
        if self._every == "best" and job.validation is None and job.stopping is None:
            raise ValueError(
                "The 'checkpoint_every' parameter can be 'best' only if epochs are "
                "compared: with early_stopping=True, or X_val and y_val. Got neither."
            )
        known = ["epoch", "loss"]
        if job.validation is not None:
            known += ["val_loss", *{job.monitor} - {"loss", "val_loss"}]
        try:
            return self._path.name.format(**dict.fromkeys(known, 1.0) | {"epoch": 1})
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"The 'checkpoint' parameter may have {', '.join(known)} in braces. "
                f"Got {self._path.name!r}: {type(error).__name__} {error}."
            ) from error

    def _check_place(self, name):
        """Make the folder; ValueError if no file of this name can be written to it."""
        try:
            make_place(self._path.parent / name)
        except (OSError, ValueError) as error:
            raise _unusable(self._path, error) from error

    def check(self, job):
        """Raise what a training would whose pilots are still to choose its numbers."""
        with self.locked():  # raises if another fit writes to it
            other = self._unfinished()
        if other is None:
            return
        names = ("l2", "dropout", "feature_l1")
        ours = [name for name in names if is_auto(getattr(self._estimator, name))]
        with storage.reading(self._path):
            theirs = other["estimator"]["parameters"]
            numbers = other["estimator"]["attributes"]["_state"]["numbers"]
            chosen = {n: numbers[n] for n in ours if is_auto(theirs.get(n))}
        job = replace(job, numbers=job.numbers | chosen)
        if other["fingerprint"] != fingerprint(self._structure, job, *self._texts):
            raise self._is_of_others()

    @contextmanager
    def locked(self):
        """Reserve the path; raises if another fit of this process writes to it."""
        path = self._path.absolute()
        with _lock:
            if path in _in_use:
                raise ValueError(
                    "The 'checkpoint' parameter must be a path for one fit at a time. "
                    f"Got {path} for two fits. In a search, leave it out and use "
                    "stacked(checkpoint=...)."
                )
            _in_use.add(path)
        try:
            yield
        finally:
            _in_use.discard(path)

    def resumed(self, job):
        """The job with checkpoints, resumed from its latest one if there is any."""
        job = replace(job, save_progress=self)
        latest = _latest_checkpoint(self._path, self._fingerprint)
        if latest is not None:
            with storage.reading(self._path):
                return replace(job, progress=_progress(latest, self._structure))
        if self._unfinished() is not None:
            raise self._is_of_others()
        return job

    def _is_of_others(self):
        return ValueError(
            "The 'checkpoint' parameter names a file with an unfinished training on "
            "other data or parameters. Fit with the same data and parameters, take "
            f"another path, or delete {self._path}."
        )

    def _unfinished(self):
        """The checkpoint at the path that the training must not replace, or None."""
        content = None if _is_template(self._path) else _latest_checkpoint(self._path)
        is_free = content is None or self._every == "best"
        return None if is_free or not _is_unfinished(content) else content

    def __call__(self, progress):
        """Write a checkpoint after an epoch, if one is due."""
        epochs = len(progress.history["loss"])
        if self._every == "best":
            is_due = progress.best_epoch == epochs
        else:
            is_due = epochs % self._every == 0 or progress.is_done
        if is_due and progress.state.is_finite():
            self._write(self._content_of(progress))
        elif progress.is_done:  # after the best epoch, whose file goes on from there
            best = _latest_checkpoint(self._path, self._fingerprint)
            if best is not None:
                self._write(best | {"has_ended": True})

    def _content_of(self, progress):
        content = {
            "fingerprint": self._fingerprint,
            "progress": vars(progress) | {"state": vars(progress.state)},
            "estimator": network_content(self._estimator_now(progress)),
        }
        if progress.best_state is not None:
            content["progress"]["best_state"] = vars(progress.best_state)
        return content

    def _write(self, content):
        history = content["progress"]["history"]
        logs = {name: values[-1] for name, values in history.items()}
        name = self._path.name.format(epoch=len(history["loss"]), **logs)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        storage.write(self._path.with_name(name), "checkpoint", content)

    def _estimator_now(self, progress):
        """The estimator as it would be if training ended here."""
        network = copy.copy(self._estimator)
        state, best = progress.state, progress.best_state
        if best is not None:
            state = state.with_weights_of(best)
        rate = progress.learning_rate
        if rate is None:
            rate = float(self._schedule.rates([state.step])[0])
        rate = rate or self._schedule.full_rate
        network._state = {**network._state, **vars(state), "learning_rate": rate}
        epoch = progress.best_epoch or len(progress.history["loss"])
        result = Result(state, progress.history, epoch, None, rate)
        network._extend_history(result, self._continues)
        return network


def check_checkpoints(estimator, jobs, continues):
    """Raise what the checkpoints of a fit would, before its pilots train.

    `jobs` are the structure and the job of each member, as they are before pilots
    choose their numbers.
    """
    estimator = copy.copy(estimator)
    for name in ("_state", "_members"):  # of an earlier fit
        vars(estimator).pop(name, None)
    for number, (structure, job) in enumerate(jobs):
        own = None if estimator.n_members == 1 else number
        Checkpoint(estimator, structure, job, continues, own).check(job)


def member_path(path, number=None):
    """Checkpoint path of an ensemble's member; the path itself for a single network."""
    path = Path(os.fsdecode(path))
    if not path.name:
        raise _unusable(path, "It is a folder")
    if number is None:
        return path
    end = path.name.find(".", path.name.rfind("}") + 1)  # where the suffix begins
    end = len(path.name) if end < 0 else end
    return path.with_name(f"{path.name[:end]}-member{number}{path.name[end:]}")


def seed_to_go_on_with(path, n_members):
    """Seed of the (first) network of an unfinished training at the path, or None."""
    numbers = [None] if n_members == 1 else range(n_members)
    found = [_latest_checkpoint(member_path(path, number)) for number in numbers]
    if found[0] is None or not any(c and _is_unfinished(c) for c in found):
        return None
    with storage.reading(path):
        return found[0]["estimator"]["attributes"]["_state"]["seed"]


def _unusable(path, why):
    """The error of a path that cannot be written to, or holds something else."""
    return ValueError(
        "The 'checkpoint' parameter must be the path of a file that skreg can make, or "
        f"of its checkpoint, not of another file or a folder. Got {str(path)!r}: "
        f"{(getattr(why, 'strerror', None) or str(why)).rstrip('.')}."
    )


def _is_template(path):
    return "{" in path.name


def _is_unfinished(content):
    return not (content["progress"]["is_done"] or content.get("has_ended"))


def _latest_checkpoint(path, fingerprint=None):
    """The checkpoint with the most epochs at a path, with this fingerprint, or None."""
    latest, most = None, -1
    try:
        files = _files(path)
    except OSError as error:
        raise _unusable(path, error) from error
    for file in files:
        try:
            content = _content(file)
        except (OSError, ValueError) as error:
            if not _is_template(path):
                raise _unusable(path, error) from error
            continue  # another file whose name matches by chance
        if content is None or fingerprint not in (None, content["fingerprint"]):
            continue
        if (epochs := len(content["progress"]["history"]["loss"])) > most:
            latest, most = content, epochs
    return latest


def _files(path):
    if not _is_template(path):
        return [path] if os.path.exists(path) else []
    if not os.path.isdir(path.parent):
        return []
    parts = map(re.escape, re.split(r"\{[^}]*\}", path.name))
    pattern = re.compile(".+".join(parts))
    names = (file for file in path.parent.iterdir() if pattern.fullmatch(file.name))
    return [file for file in names if file.is_file() and file.name[0] != "."]


def _content(path):
    """Content of a checkpoint file; None if the file was written by `save`."""
    content = storage.read(path, "checkpoint", "estimator")
    if content["kind"] != "checkpoint":
        return None
    with storage.reading(path):
        progress = content["progress"]
        _ = content["fingerprint"], progress["history"]["loss"], progress["is_done"]
    return content


def _progress(content, structure):
    """The `Progress` in a checkpoint, checked against the job's structure."""
    parts = dict(content["progress"])
    for name in ("state", "best_state"):
        if parts[name] is not None:
            parts[name] = state_from(parts[name], structure)
    return Progress(**parts)
