"""Move a file to an unused path, and finish or roll back a move that was interrupted.

The new path is reserved by an empty placeholder that only this process can have created, and then replaced in one step:
nothing is ever overwritten, on file systems without hard links too. To another file system the bytes are copied, made
durable and compared before the file is removed.
"""

from __future__ import annotations

import errno
import os
import shutil

from phash_engine._files import file_id, sync_parent
from phash_engine.actions import file_state
from phash_engine.actions.file_state import FileState
from phash_engine.errors import RefusalError


def move_file(source: str, state: FileState, to: str, temporary: str) -> None:
    """Move a file.

    Parameters
    ----------
    source, state
        The file, and its state when it was read.
    to
        Its new path; folders above it are made.
    temporary
        An unused path in the folder of ``to``, used while bytes are copied.

    Raises
    ------
    OSError, RefusalError
        ``to`` exists, the system refuses, or the file has changed since: :func:`recover` cleans up.
    """
    os.makedirs(os.path.dirname(to), exist_ok=True)
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    file_state.require_unchanged(source, state)
    try:
        os.replace(source, to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_file(source, state.digest, temporary)
        os.replace(temporary, to)
        sync_parent(to)
        file_state.require_unchanged(source, state)
        os.unlink(source)
    sync_parent(to)
    sync_parent(source)


def recover(source: str, digest: str, to: str, temporary: str) -> bool:
    """Finish or roll back an interrupted :func:`move_file`; return whether the file is at its new path now."""
    remove_if_exists(temporary)
    if not file_state.has_digest(to, digest):
        _remove_placeholder(to)
        return False
    if not file_state.has_digest(source, digest):
        return True
    if file_id(source, follow_links=False) == file_id(to, follow_links=False):
        return False
    try:
        os.unlink(source)  # the copy is complete, and only this was missing
    except OSError:
        os.unlink(to)
        return False
    sync_parent(source)
    return True


def copy_file(source: str, digest: str, to: str) -> None:
    """Copy a file's bytes, times and permissions to an unused path, durably.

    Raises
    ------
    OSError, RefusalError
        The system refuses, or the copy does not have the digest.
    """
    shutil.copyfile(source, to, follow_symlinks=False)
    shutil.copystat(source, to, follow_symlinks=False)
    descriptor = os.open(to, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if not file_state.has_digest(to, digest):
        raise RefusalError("changed just now")


def remove_if_exists(path: str) -> None:
    """Remove a temporary file of ours; an empty path and one that does not exist are skipped."""
    if path and os.path.lexists(path):
        os.unlink(path)


def _remove_placeholder(to: str) -> None:
    """Remove the empty file that reserves a path, unless it has been replaced."""
    if os.path.lexists(to) and os.lstat(to).st_size == 0:
        os.unlink(to)
