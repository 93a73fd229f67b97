"""Carry a file to an unused path by way of private names, and put it back if that was interrupted.

The file is first renamed to a private name in its own folder, so that no other program finds it any more, and is then
looked at. To another file system the bytes are copied to a private name next to the new path, made durable and compared
before the original is removed. A public name is only ever given by a rename that replaces nothing. So a file has
arrived exactly when no private name is left; and among private names the original goes before its copy.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from phash_engine import _files
from phash_engine._files import reason_of, sync_parent
from phash_engine.actions import file_state, renaming
from phash_engine.actions.file_state import FileState
from phash_engine.errors import NameTakenError, NotBegunError, RefusalError


class Route(NamedTuple):
    """Path, private name next to it, new path, private name next to that."""

    path: str
    aside: str
    to: str
    new: str

    @property
    def back(self) -> str:
        """Private name next to the old path, for a copy that comes back from another file system."""
        return _files.in_folder_of(self.path, self.new)


def take(path: str, aside: str) -> None:
    """Rename a file to a private name in its folder.

    Raises
    ------
    NotBegunError
        It cannot be renamed.
    """
    try:
        os.rename(path, aside)
    except OSError as error:
        if os.path.lexists(aside):
            raise  # the answer of a server was lost, and its second one is an error
        raise NotBegunError("is gone" if error.errno == errno.ENOENT else reason_of(error)) from error


def place(route: Route, state: FileState) -> None:
    """Give a file that was taken aside its new path, and read it there; folders above it are made.

    Raises
    ------
    OSError, RefusalError
        The path is used, the system refuses, or the file has changed since: :func:`put_back` brings it back.
    """
    os.makedirs(os.path.dirname(route.to), exist_ok=True)
    try:
        renaming.rename(route.aside, route.to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _place_copy(route, state)
    sync_parent(route.to)
    sync_parent(route.path)
    if not file_state.has_digest(route.to, state.digest):
        renaming.rename(route.to, route.new)
        raise RefusalError("changed just now")


def _place_copy(route: Route, state: FileState) -> None:
    copy_file(route.aside, state.digest, route.new)
    sync_parent(route.new)
    if os.path.lexists(route.to):
        raise NameTakenError("another file has its new name")
    file_state.require_unchanged(route.aside, state)
    os.unlink(route.aside)
    renaming.rename(route.new, route.to)


def put_back(route: Route) -> bool:
    """Bring a file back from its private names; return False if it has none.

    Another file that has its path now keeps it, and this one gets a number.

    Raises
    ------
    OSError, RefusalError
        The system refuses; the file is where it was.
    """
    names = list(dict.fromkeys((route.aside, route.new, route.back)))  # in one folder the last two are one
    for name in names:
        renaming.release(name, route.to)
        renaming.release(name, route.path)
    original, *copies = [name for name in names if os.path.lexists(name)] or [""]
    for name in copies:
        remove_if_exists(name)
    if original == route.new and _is_copied_in_part(route):
        os.unlink(original)
    elif original:
        _put_back(original, route)
    return bool(original)


def _put_back(private: str, route: Route) -> None:
    to = _files.unused_path(route.path)
    try:
        renaming.rename(private, to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_file(private, file_state.observe(private).digest, route.back)
        sync_parent(route.back)
        os.unlink(private)
        renaming.rename(route.back, to)
    sync_parent(to)


def _is_copied_in_part(route: Route) -> bool:
    """Whether the file is at its path still, and some of its bytes in a copy, as older versions copied."""
    try:
        return Path(route.path).read_bytes().startswith(Path(route.new).read_bytes())
    except OSError:
        return False


def copy_file(source: str, digest: str, to: str) -> None:
    """Copy a file's bytes, times and permissions to an unused path, durably.

    Raises
    ------
    OSError, RefusalError
        The system refuses, or the copy does not have the digest.
    """
    shutil.copyfile(source, to, follow_symlinks=False)
    shutil.copystat(source, to, follow_symlinks=False)
    _files.sync(to)
    if not file_state.has_digest(to, digest):
        raise RefusalError("changed just now")


def remove_if_exists(path: str) -> None:
    """Remove a private file; an empty path and one that does not exist are skipped."""
    if path and os.path.lexists(path):
        os.unlink(path)
