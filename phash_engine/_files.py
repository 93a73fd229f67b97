"""Files and their paths: read one with its digest, compare paths, free names, durable folders, paths in JSON."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from phash_engine.errors import ImageError

MAX_BYTES = 1 << 31
_LAST_NS = (1 << 63) - 1
_BYTES = "_b64"


class File(NamedTuple):
    """A regular file: absolute path, size in bytes, time of last change in nanoseconds."""

    path: str
    size: int
    mtime_ns: int


class Unreadable(NamedTuple):
    """A file or folder that could not be read, and why."""

    path: str
    reason: str


def read(path: str) -> tuple[File, bytes]:
    """Read a file whole, with its size and time of change as of that reading.

    Raises
    ------
    ImageError
        It cannot be read, or is larger than :data:`MAX_BYTES`.
    """
    try:
        # Each call lets go of the interpreter lock, and taking it back costs more than the call: the fewer the better.
        with open(path, "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if status.st_size > MAX_BYTES:
                raise ImageError(path, f"{status.st_size} bytes are more than the {MAX_BYTES} that are read")
            data = file.read(status.st_size + 1)
            return file_of(path, status), data if len(data) == status.st_size else data + file.read()
    except OSError as error:
        raise ImageError(path, reason_of(error)) from error


def identity(path: str) -> tuple[int, int] | None:
    """Return device and number of a file or folder, the same under all its names; None where it cannot be seen."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def digest(data: bytes) -> bytes:
    """Return the SHA-256 of a file's bytes, 32 bytes."""
    return hashlib.sha256(data).digest()


def absolute(path: str | os.PathLike[str]) -> str:
    """Return the one name a path is kept under: absolute, without ``..`` and doubled slashes, links not resolved."""
    name = os.path.abspath(path)
    # POSIX leaves two leading slashes to the system, and so does Python; //a would be another photo than /a.
    return name[1:] if os.sep == "/" and name.startswith("//") else name


def contains(folder: str, path: str) -> bool:
    """Whether an absolute path is a folder itself or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether one of some folders contains an absolute path."""
    return any(contains(folder, path) for folder in folders)


def file_of(path: str, status: os.stat_result) -> File:
    """Return a file by its path and status."""
    # Years after 2262, which damaged file systems have, are more nanoseconds than the catalogue's 64 bits.
    return File(path, status.st_size, min(status.st_mtime_ns, _LAST_NS))


def reason_of(error: OSError) -> str:
    """Return why the system refused, in its own words."""
    return (error.strerror or str(error)).lower()


def sync_folder(path: str) -> None:
    """Make the entries of the folder that a path is in durable, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(Path(path).parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_name(path: str, taken: Container[str] = ()) -> str:
    """Return a path that nothing has: the one given, or with a number before its extension, as ``a (2).jpg``."""
    stem, extension = os.path.splitext(path)
    name, number = path, 1
    while name in taken or os.path.lexists(name):
        number += 1
        name = f"{stem} ({number}){extension}"
    return name


def encode(value: Any) -> Any:
    """Return a value fit for JSON: what is not UTF-8 in a string is replaced, and ``NAME_b64`` has its bytes."""
    if isinstance(value, str):
        return os.fsencode(value).decode(errors="replace")
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if not isinstance(value, dict):
        return value
    encoded: dict[str, Any] = {}
    for name, item in value.items():
        encoded[name] = encode(item)
        strings = item if isinstance(item, list | tuple) else [item]
        if any(isinstance(string, str) and _is_not_utf8(string) for string in strings):
            in_base64 = [base64.b64encode(os.fsencode(string)).decode() for string in strings]
            encoded[f"{name}{_BYTES}"] = in_base64 if isinstance(item, list | tuple) else in_base64[0]
    return encoded


def decode(value: Any) -> Any:
    """Return what :func:`encode` was given, single strings of any bytes included; lists of them stay replaced.

    Raises
    ------
    ValueError
        What should be base64 is not.
    """
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    decoded = {name: decode(item) for name, item in value.items() if not name.endswith(_BYTES)}
    for name, item in value.items():
        if name.endswith(_BYTES) and isinstance(item, str):
            decoded[name.removesuffix(_BYTES)] = os.fsdecode(base64.b64decode(item, validate=True))
    return decoded


def _is_not_utf8(string: str) -> bool:
    try:
        os.fsencode(string).decode()
    except UnicodeDecodeError:
        return True
    return False
