"""The place of a file: what is there already, and a new file instead of it."""

import errno
import io
import os
import stat
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path, durable):
    """A new file that takes the place of the one at `path` if the block succeeds.

    A symbolic link stays one, and leads to the new file. Of a file that is replaced,
    permissions, owner and extended attributes are kept. A device or a pipe is written
    to, all at once. An OSError names `path`.
    """
    with _naming(path):
        old = _found(path)
        if old is not None and not stat.S_ISREG(old.st_mode):
            with open(path, "wb") as device:
                file = io.BytesIO()  # a device does not know how far one has written
                yield file
                device.write(file.getbuffer())
            return
        place = os.path.realpath(path)
        # Not readable before it is as the old one.
        with _part_of(place, 0o666 if old is None else 0o600) as (part, file):
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
            if old is not None:
                _take_over(part, old, place)
            file.close()
            part.replace(place)


def make_place(path):
    """Make the folder of a file; raises OSError if the file could not be written.

    Nothing else is left there. If this raises, folders that it made are gone again.
    """
    with _naming(path):
        old = _found(path)
        if old is not None and stat.S_ISDIR(old.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        folder = Path(path).parent
        missing = [f for f in (folder, *folder.parents) if not os.path.exists(f)]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if old is None or stat.S_ISREG(old.st_mode):
                with _part_of(os.path.realpath(path), 0o600):
                    pass
        except OSError:
            for made in missing:
                with suppress(OSError):
                    made.rmdir()
            raise


@contextmanager
def _naming(path):
    """Let errors name the user's path, and not a hidden file beside it."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, path) from None


def _found(path):
    """What `os.stat` says of the file at a path; None if there is none."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


@contextmanager
def _part_of(place, mode):
    """A new file beside the place, as its path and open; it is gone in the end."""
    part = Path(place).with_name(f".{uuid.uuid4().hex}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(part, flags, mode), "wb") as file:
            yield part, file
    finally:
        part.unlink(missing_ok=True)


def _take_over(part, old, place):
    """Give a file the owner, permissions and extended attributes of another."""
    new = part.stat()
    if hasattr(os, "chown") and (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with suppress(PermissionError):  # only root may give files away
            os.chown(part, old.st_uid, old.st_gid)
    if hasattr(os, "listxattr"):
        with suppress(OSError):  # a file system without them
            for name in os.listxattr(place):
                with suppress(OSError):  # one that only root may set
                    os.setxattr(part, name, os.getxattr(place, name))
    part.chmod(stat.S_IMODE(old.st_mode))  # at last: it may become read-only
