"""Carry a file to a name that nothing has, and find out after a crash whether it arrived.

A name is claimed by an empty file that only we can have made, and then replaced in one step: so nothing is ever
overwritten, on file systems without hard links too. To another file system the bytes are copied, made durable and
compared before the file goes.
"""

from __future__ import annotations

import errno
import os
import shutil

from phash_engine._files import sync_parent
from phash_engine.actions import file_state
from phash_engine.actions.file_state import Witness
from phash_engine.errors import RefusalError


def carry(source: str, seen: Witness, to: str, new: str) -> None:
    """Move a file.

    Parameters
    ----------
    source, seen
        The file, and what it was when it was looked at.
    to
        Its new path; folders above it are made.
    new
        A free name beside ``to``, used while bytes are copied.

    Raises
    ------
    OSError, RefusalError
        ``to`` is taken, the system says no, or the file changed meanwhile: :func:`has_arrived` tidies up.
    """
    os.makedirs(os.path.dirname(to), exist_ok=True)
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    _check(source, seen)
    try:
        os.replace(source, to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy(source, seen.digest, new)
        os.replace(new, to)
        sync_parent(to)
        _check(source, seen)
        os.unlink(source)
    sync_parent(to)
    sync_parent(source)


def has_arrived(source: str, digest: bytes, to: str, new: str) -> bool:
    """Finish or take back what :func:`carry` left half done; return whether the file is at its new path now."""
    drop(new)
    if not file_state.shows(to, digest):
        _drop_claim(to)
        return False
    if not file_state.shows(source, digest):
        return True
    if file_state.identity(source) == file_state.identity(to):
        return False
    try:
        os.unlink(source)  # a whole copy arrived, and only this was still to come
    except OSError:
        os.unlink(to)
        return False
    sync_parent(source)
    return True


def copy(source: str, digest: bytes, new: str) -> None:
    """Copy a file's bytes, times and permissions to a free name, durably.

    Raises
    ------
    OSError, RefusalError
        The system says no, or the copy has other bytes than it should.
    """
    shutil.copyfile(source, new, follow_symlinks=False)
    shutil.copystat(source, new, follow_symlinks=False)
    descriptor = os.open(new, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if not file_state.shows(new, digest):
        raise RefusalError("changed just now")


def drop(path: str) -> None:
    """Remove a file that we made, if it is there."""
    if path and os.path.lexists(path):
        os.unlink(path)


def _check(source: str, seen: Witness) -> None:
    if not file_state.stands(source, seen):
        raise RefusalError("changed just now")


def _drop_claim(to: str) -> None:
    """Remove the empty file that claims a name, if that is all there is."""
    if os.path.lexists(to) and os.lstat(to).st_size == 0:
        os.unlink(to)
