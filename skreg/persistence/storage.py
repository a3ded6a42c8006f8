"""File format: nested built-in values and arrays in one zip, without pickle.

The zip holds two uncompressed members. ``skreg.json`` has the values, and the dtype and
shape of each array. ``arrays`` has the bytes of the arrays, one after another, in the
order of the JSON.
Reading creates only built-in values and arrays, and no more of them than the file has
bytes for.
"""

import json
import math
import numbers
import os
import platform
import stat
import struct
import sys
import zipfile
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from ..engine import ForkedProcessError
from .places import replacing

FORMAT = 1
ARRAY_KINDS = "biufUSMm"
MIN_ARRAY_LENGTH = 16  # shortest list of floats that is stored as an array
# A JSON list or object of 2 bytes in the file takes some 64 bytes of memory.
MAX_CONTAINERS = 100_000
MAX_DIRECTORY_BYTES = 1_000  # bytes of the zip's central directory, for two members


def write(path, kind, content, *, check=None, durable=True):
    """Write a dictionary to a file, atomically: completely or not at all.

    Parameters
    ----------
    path : path-like
    kind : str
        Kind of the content, which `read` checks.
    content : dict
        Of None, bool, int, float, str, list, tuple, dict, ndarray and numpy scalars.
    check : callable, optional
        ``check(content)`` is called with the content as `read` would return it, and
        raises an error if it must not be written.
    durable : bool, default=True
        Whether to wait until the data is on disk (fsync), so that the file survives a
        crash of the machine and not only of the process.

    Raises
    ------
    ValueError
        If a value is of another type, or the file would exceed 2 GB, or have more parts
        than `read` takes.
    OSError
        If the file cannot be written. An existing file is left unchanged.
    """
    text, blob = dumped(
        {"format": FORMAT, "kind": kind, "versions": _versions()} | content
    )
    if check is not None:
        with refusing(f"The {kind} cannot be saved, because its file cannot be loaded"):
            check(_Decoder(blob).value(json.loads(text)))
    with replacing(os.fsdecode(path), durable) as file:
        try:
            with zipfile.ZipFile(file, "w", allowZip64=False) as archive:
                archive.writestr("skreg.json", text)
                archive.writestr("arrays", blob)
        except zipfile.LargeZipFile as error:
            raise ValueError("More than 2 GB cannot be stored in one file.") from error


def dumped(content):
    """The bytes of the JSON and of the arrays; ValueError if a file cannot hold it."""
    blob = bytearray()
    text = json.dumps(_encoded(content, blob), allow_nan=False).encode()
    if _n_containers(text) > MAX_CONTAINERS:
        raise ValueError(
            f"More than {MAX_CONTAINERS} lists and dictionaries cannot be stored in "
            f"one file. Got {_n_containers(text)}."
        )
    return text, bytes(blob)


def _n_containers(text):
    return text.count(b"[") + text.count(b"{")


def _versions():
    found = {"python": platform.python_version(), "skreg": own_version()}
    for name in ("keras", "tensorflow", "jax", "scikit-learn", "numpy"):
        with suppress(PackageNotFoundError):  # TensorFlow has several names
            found[name] = version(name)
    return found


def own_version():
    """The version of skreg."""
    return sys.modules["skreg"].__version__


def read(path, *kinds):
    """Read a file that `write` wrote, with content of one of these kinds.

    Raises
    ------
    ValueError
        If the file is damaged, of another kind or newer format, or not skreg's.
    OSError
        If the file cannot be opened.
    """
    path = os.fsdecode(path)
    with open(path, "rb", opener=_opened) as file, reading(path):
        text, blob = _members(file)
        if _n_containers(text) > MAX_CONTAINERS:
            raise ValueError("its JSON has too many parts")
        content = _Decoder(blob).value(json.loads(text))
        number = content["format"]
        if type(number) is not int or number < 1:
            raise ValueError(f"its format has the number {number!r}")
        if number > FORMAT:
            newer = content["versions"]["skreg"]
            raise ValueError(f"it was written by skreg {newer}, which is newer")
        if content["kind"] not in kinds:
            raise ValueError(f"it holds the {content['kind']!r} of a network")
    return content


def _opened(path, flags):
    """Open a file, without waiting for what another process may write to a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def reading(path):
    """Turn any error in reading a file into a ValueError that names the file."""
    return refusing(f"{os.fsdecode(path)} is not a valid skreg file")


@contextmanager
def refusing(what):
    """Turn any error into a ValueError that begins with `what`."""
    try:
        yield
    except ForkedProcessError:  # not the content's fault
        raise
    except Exception as error:
        raise ValueError(f"{what}: {error or type(error).__name__}.") from error


def _members(file):
    """The bytes of the two members, after a check of their declared sizes."""
    info = os.fstat(file.fileno())
    if not stat.S_ISREG(info.st_mode):
        raise ValueError("it is a device or a pipe")
    size = info.st_size
    file.seek(max(size - 42, 0))
    tail = file.read(42)
    end, locator = tail[-22:], tail[:4]
    if len(end) < 22 or not end.startswith(b"PK\5\6") or end[20:] != b"\0\0":
        raise ValueError("it does not end like a zip file")
    *_, n_members, directory, _, _ = struct.unpack(b"<4s4H2LH", end)
    if n_members != 2 or directory > MAX_DIRECTORY_BYTES or locator == b"PK\6\7":
        raise ValueError("it does not have two members")
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        if [info.filename for info in infos] != ["skreg.json", "arrays"]:
            raise ValueError("its members are not skreg.json and arrays")
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise ValueError("its members are compressed")
        # zipfile allocates memory for one size before it compares it with the other.
        if sum(max(info.file_size, info.compress_size) for info in infos) > size:
            raise ValueError("its members are larger than the file")
        return [archive.read(info) for info in infos]


# --- encoding and decoding of values


def can_hold(value):
    """Whether a file can hold the value."""
    try:
        _encoded(value, bytearray())
    except ValueError:
        return False
    return True


def _encoded(value, blob):  # noqa: PLR0911 (a line a type)
    """Encode a value for JSON; the bytes of arrays are appended to `blob`."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "Mm":
        return {"scalar": _array(value, blob)}
    if isinstance(value, (np.bool_, np.str_)):
        return value.item()
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        value = float(value)
        return value if math.isfinite(value) else {"float": str(value)}
    if (
        isinstance(value, list)
        and len(value) >= MIN_ARRAY_LENGTH
        and _all_floats(value)
    ):
        return {"floats": _array(np.array(value), blob)}
    if isinstance(value, list):
        return [_encoded(item, blob) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_encoded(item, blob) for item in value]}
    if isinstance(value, dict):
        pairs = [[_encoded(k, blob), _encoded(v, blob)] for k, v in value.items()]
        return {"dict": pairs}
    if isinstance(value, np.ndarray) and value.dtype.kind in ARRAY_KINDS:
        return {"array": _array(value, blob)}
    if isinstance(value, np.ndarray) and all(isinstance(v, str) for v in value.flat):
        return {"strings": value.ravel().tolist()}
    kind = type(value).__name__
    if isinstance(value, np.ndarray):
        kind = f"{kind} of {value.dtype}"
    raise ValueError(f"A value of type {kind} cannot be stored.")


def _all_floats(values):
    return all(type(value) is float for value in values)


def _array(array, blob):
    blob += array.tobytes()
    return [array.dtype.str, list(array.shape)]


class _Decoder:
    """Decode values from JSON; arrays are read from the bytes one after another."""

    def __init__(self, blob):
        self._blob = memoryview(blob)
        self._start = 0

    def value(self, value):  # noqa: PLR0911 (a line a type)
        """Decode a value: the inverse of `_encoded`."""
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        ((kind, inner),) = value.items()
        if kind == "float":
            return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[inner]
        if kind == "floats":
            return self._floats(inner)
        if kind == "tuple":
            return tuple(self.value(item) for item in inner)
        if kind == "dict":
            return {self.value(k): self.value(v) for k, v in inner}
        if kind == "array":
            return self._array(*inner)
        if kind == "scalar":
            return self._array(*inner)[()]
        if kind == "strings" and all(isinstance(item, str) for item in inner):
            return np.array(inner, dtype=object)
        raise ValueError(f"it holds an unknown kind of value, {kind!r}")

    def _floats(self, place):
        array = self._array(*place)
        if array.ndim != 1 or array.dtype != np.float64:
            raise ValueError("it holds an invalid list of floats")
        return array.tolist()

    def _array(self, name, shape):
        dtype = np.dtype(name)
        if dtype.kind not in ARRAY_KINDS or dtype.str != name:
            raise ValueError(f"it holds an array of {name!r}")
        if not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError(f"it holds an array of shape {shape!r}")
        start, stop = self._start, self._start + math.prod(shape) * dtype.itemsize
        if stop > len(self._blob):
            raise ValueError("one of its arrays is cut off")
        self._start = stop
        return np.frombuffer(self._blob[start:stop], dtype).reshape(shape).copy()
