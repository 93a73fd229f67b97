"""Files looked at closely before anything is done to them: which file it is, and what its bytes are.

A path is a name, and names change hands: between a plan and its execution a folder may become a link to another, a file
may be edited, or two names may turn out to be one file.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import NamedTuple

from phash_engine.errors import RefusalError


class Witness(NamedTuple):
    """A regular file as it was when it was read: what tells it from all others, and the digest of its bytes."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    digest: bytes

    @property
    def identity(self) -> tuple[int, int]:
        """What all names of one file share."""
        return self.device, self.inode


def look(path: str) -> Witness:
    """Read a file and say what it is; costs one reading.

    Raises
    ------
    RefusalError
        It is gone, a symbolic link, no regular file, not readable, or changes while it is read.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise RefusalError("is a symbolic link now" if os.path.islink(path) else "is no regular file")
        with open(path, "rb", opener=_open) as file:
            before = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").digest()
            seen = _witness(os.fstat(file.fileno()), digest)
    except FileNotFoundError as error:
        raise RefusalError("is gone") from error
    except OSError as error:
        raise RefusalError((error.strerror or str(error)).lower()) from error
    if seen != _witness(before, digest) or not stands(path, seen):
        raise RefusalError("changes while it is read")
    return seen


def stands(path: str, seen: Witness) -> bool:
    """Whether a path still names the file that was looked at, and nobody has written to it since."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and _witness(status, seen.digest) == seen


def shows(path: str, digest: bytes) -> bool:
    """Whether a path names a regular file with these bytes."""
    try:
        return look(path).digest == digest
    except RefusalError:
        return False


def identity(path: str) -> tuple[int, int] | None:
    """Return what all names of one file share; None where there is none. Links are not followed."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _witness(status: os.stat_result, digest: bytes) -> Witness:
    return Witness(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, digest)


def _open(path: str, flags: int) -> int:
    """Open the file of this very name, and do not wait for what may have become a pipe."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
