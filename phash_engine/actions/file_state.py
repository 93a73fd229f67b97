"""The state of a file before something is done to it: which file it is, and the digest of its bytes.

A path may name another file a moment later: between a plan and its execution a folder may become a link to another, a
file may be edited, or two paths may turn out to name one file.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import NamedTuple

from phash_engine._files import reason_of
from phash_engine.errors import RefusalError


class FileState(NamedTuple):
    """A regular file when it was read: device, inode, size in bytes, modification time, and the digest in hex."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    digest: str

    @property
    def file_id(self) -> tuple[int, int]:
        """Device and inode, which all names of one file share, as ``_files.file_id`` returns them."""
        return self.device, self.inode


def observe(path: str) -> FileState:
    """Read a file and return its state; costs one reading.

    Raises
    ------
    RefusalError
        It does not exist, is a symbolic link or not a regular file, cannot be read, or changes while it is read.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise RefusalError("is a symbolic link now" if os.path.islink(path) else "is not a regular file")
        with open(path, "rb", opener=_open) as file:
            before = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            state = _state(os.fstat(file.fileno()), digest)
    except FileNotFoundError as error:
        raise RefusalError("is gone") from error
    except OSError as error:
        raise RefusalError(reason_of(error)) from error
    if state != _state(before, digest) or not _is_named(path, state):
        raise RefusalError("changes while it is read")
    return state


def require_unchanged(path: str, state: FileState, reason: str = "changed just now") -> None:
    """Raise RefusalError, with the reason, unless a path names the file of a state; costs one reading."""
    try:
        is_unchanged = observe(path) == state
    except RefusalError as error:
        raise RefusalError(reason) from error
    if not is_unchanged:
        raise RefusalError(reason)


def has_digest(path: str, digest: str) -> bool:
    """Whether a path names a regular file whose bytes have a digest, in hex; costs one reading."""
    try:
        return observe(path).digest == digest
    except RefusalError:
        return False


def _is_named(path: str, state: FileState) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and _state(status, state.digest) == state


def _state(status: os.stat_result, digest: str) -> FileState:
    return FileState(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, digest)


def _open(path: str, flags: int) -> int:
    """Open a file, not what a symbolic link leads to, and do not wait if it has become a pipe."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
