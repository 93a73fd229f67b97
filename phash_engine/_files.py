"""Files and their paths: read with a digest, write atomically, make durable, compare paths, find unused names."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Container, Iterable, Iterator
from io import BufferedIOBase, BufferedReader
from pathlib import Path, PurePath
from typing import IO, NamedTuple

from phash_engine.errors import ImageError, PhashError

MAX_BYTES = 1 << 31
MAX_DOCUMENT = 1 << 29
"""Bytes of the largest document that is read: a plan of two million photos."""
_MAX_NS = (1 << 63) - 1


class File(NamedTuple):
    """A regular file: absolute path, size in bytes, modification time in nanoseconds."""

    path: str
    size: int
    mtime_ns: int

    @classmethod
    def from_stat(cls, path: str, status: os.stat_result) -> File:
        """Return the file of a path and its status."""
        # Corrupt file systems have years after 2262, whose nanoseconds do not fit the catalogue's 64 bits.
        return cls(path, status.st_size, min(status.st_mtime_ns, _MAX_NS))


class Unreadable(NamedTuple):
    """A file or folder that could not be read, and why."""

    path: str
    reason: str


def reason_of(error: OSError) -> str:
    """Return the system's own message of an error, in lower case."""
    return (error.strerror or str(error)).lower()


# ── reading and writing ──────────────────────────────────────────────────────────────────────────────────────────────


def read(path: str) -> tuple[File, bytes]:
    """Read a whole file, with its size and modification time as of that reading.

    Raises
    ------
    ImageError
        It cannot be read, is no regular file, or is larger than :data:`MAX_BYTES`.
    """
    try:
        # Each call releases the interpreter lock, and taking it again costs more than the call: make few calls.
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            _check_regular(path, status)
            if status.st_size > MAX_BYTES:
                raise ImageError(path, f"{status.st_size} bytes are more than the {MAX_BYTES} that are read")
            data = file.read(status.st_size + 1)
            found = File.from_stat(path, status)
            return found, data if len(data) == status.st_size else data + file.read()
    except OSError as error:
        raise ImageError(path, reason_of(error)) from error
    except ValueError as error:  # a NUL, or half a surrogate pair
        raise ImageError(ascii(path), f"is no path: {error}") from error


def read_document(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a file that may come from anywhere: a plan, a list, a table.

    Raises
    ------
    OSError
        It cannot be read, is no regular file (a pipe or a device may have no end), or is larger than
        :data:`MAX_DOCUMENT`.
    """
    with opened_regular(path) as file:
        return read_bounded(file)


def opened_regular(path: str | os.PathLike[str]) -> BufferedReader:
    """Open a regular file for reading; OSError if it is something else: a pipe or a device may have no end."""
    return open(path, "rb", opener=open_regular)


def read_bounded(file: IO[bytes] | BufferedIOBase) -> bytes:
    """Return all that is left of an open file, at most :data:`MAX_DOCUMENT` bytes; OSError if there is more."""
    data = file.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise OSError(errno.EFBIG, f"is larger than {MAX_DOCUMENT} bytes")
    return data


def read_text(path: str | os.PathLike[str], errors: str = "strict") -> str:
    """Return the text of a document; errors as for :func:`read_document` and :func:`decoded`."""
    return decoded(read_document(path), errors)


def decoded(data: bytes, errors: str = "strict") -> str:
    """Return UTF-8 as text, without a byte order mark.

    Raises
    ------
    ValueError
        Not UTF-8; names line and column.
    """
    try:
        return data.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        raise ValueError(f"not UTF-8: {line_and_column(before, len(before))}") from None


def line_and_column(text: str, position: int) -> str:
    """Return a position in a text as people count, from 1: ``line 3 column 5``."""
    return f"line {text.count(chr(10), 0, position) + 1} column {position - text.rfind(chr(10), 0, position)}"


def open_regular(path: str, flags: int) -> int:
    """Open a regular file, as the ``opener`` of :func:`open`; OSError if it is something else."""
    descriptor = _open_at_once(path, flags)
    try:
        _check_regular(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for a writer, should it be a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _check_regular(path: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is not a regular file", path)


@contextlib.contextmanager
def reading(path: str | os.PathLike[str], error: type[PhashError]) -> Iterator[None]:
    """Let OSError and ValueError become an error of one line: the path, and the reason."""
    try:
        yield
    except OSError as reason:
        raise error(f"{os.fspath(path)}: {reason_of(reason)}") from reason
    except ValueError as reason:
        raise error(f"{os.fspath(path)}: {reason}") from reason


def digest(data: bytes) -> bytes:
    """Return the SHA-256 of a file's bytes, 32 bytes."""
    return hashlib.sha256(data).digest()


def file_id(path: str, *, follow_links: bool = True) -> tuple[int, int] | None:
    """Return device and inode, which all names of one file or folder share; None if there is none or no access."""
    try:
        status = os.stat(path, follow_symlinks=follow_links)  # noqa: PTH116 - one call for both cases
    except OSError:
        return None
    return status.st_dev, status.st_ino


def same_file(one: str, two: str) -> bool:
    """Whether two paths name one file; a symbolic link is a file of its own."""
    identity = file_id(one, follow_links=False)
    return identity is not None and identity == file_id(two, follow_links=False)


def atomic_write(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file durably, so that readers, and whoever comes after a crash, find the old or the new one whole.

    The bytes are written to a temporary file in the same folder, which then replaces ``path``.

    Raises
    ------
    OSError
        The file cannot be written; ``filename`` is ``path``, and no temporary file is left.
    """
    name = os.fspath(path)
    temporary = Path(temporary_path(name))
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(name)
        sync_parent(name)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        error.filename = name
        raise


def sync_parent(path: str) -> None:
    """Make the entries of the parent folder of a path durable, where the system can."""
    if os.name != "nt":
        sync(Path(path).parent)


def sync(path: str | os.PathLike[str]) -> None:
    """Make the bytes of a file durable, or the entries of a folder where the system can."""
    if os.name == "nt" and Path(path).is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ── paths ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def absolute(path: str | os.PathLike[str]) -> str:
    """Return the normal form of a path: absolute, without ``..`` and doubled slashes.

    Links are resolved only before a ``..``: ``link/..`` is the folder above the one that the link leads to.
    """
    parts = PurePath(path).parts
    if os.pardir in parts and os.name != "nt":
        behind = len(parts) - parts[::-1].index(os.pardir)
        with contextlib.suppress(ValueError):  # a NUL, or half a surrogate pair: it is no path in either form
            path = PurePath(os.path.realpath(PurePath(*parts[:behind])), *parts[behind:])
    name = os.path.abspath(path)
    # POSIX gives a meaning of its own to two leading slashes, and Python keeps them: //a and /a would be two photos.
    return name[1:] if os.sep == "/" and name.startswith("//") else name


def check_path(path: str) -> None:
    """Check that a string can be the path of a file.

    Raises
    ------
    ValueError
        It is empty, or has a NUL or characters that no path can have.
    """
    if not path or "\0" in path:
        raise ValueError("a path has no NUL" if path else "a path is not empty")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise ValueError(f"{path!r} is no path: it has half a surrogate pair") from None


def check_absolute(path: str) -> None:
    """Check that a string is an absolute path in normal form; errors as for :func:`check_path`."""
    check_path(path)
    if not Path(path).is_absolute():
        raise ValueError(f"{path!r} is not an absolute path")
    if absolute(path) != path:
        raise ValueError(f"{path!r} is not in normal form: {absolute(path)!r} is")


def listed(paths: object, name: str = "paths") -> list[str]:
    """Return one path or pattern, or several, as a list.

    Raises
    ------
    TypeError
        Something else; ``name`` is what the message calls the argument.
    """
    is_one = isinstance(paths, str | bytes | os.PathLike) or not isinstance(paths, Iterable)
    found: list[str] = []
    for path in [paths] if is_one else paths:  # type: ignore[attr-defined]
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"{name} must be a path or several (str or os.PathLike), not {type(path).__name__}")
        found.append(os.fspath(path))
    return found


def contains(folder: str, path: str) -> bool:
    """Whether an absolute path is a folder itself or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether one of some folders contains an absolute path."""
    return any(contains(folder, path) for folder in folders)


def unused_path(path: str, taken: Container[str] = ()) -> str:
    """Return a path that does not exist: the given one, or with a number before its extension, as ``a (2).jpg``.

    Costs about twice the logarithm of the number, so that thousands of files of one name are numbered fast.
    """
    stem, extension = os.path.splitext(path)

    def numbered(number: int) -> str:
        return f"{stem} ({number}){extension}" if number > 1 else path

    def is_used(number: int) -> bool:
        name = numbered(number)
        return name in taken or os.path.lexists(name)

    used, unused = 0, 1
    while is_used(unused):
        used, unused = unused, 2 * unused
    while unused - used > 1:
        middle = (used + unused) // 2
        used, unused = (middle, unused) if is_used(middle) else (used, middle)
    return numbered(unused)


def temporary_path(path: str) -> str:
    """Return a new hidden name, which scans skip, in the parent folder of a path."""
    return str(Path(path).parent / f".phash-{os.urandom(8).hex()}")


def in_folder_of(path: str, private: str) -> str:
    """Return the name of a private path, in the folder of another path."""
    return os.path.join(os.path.dirname(path), os.path.basename(private))  # noqa: PTH118, PTH119, PTH120 - one string
