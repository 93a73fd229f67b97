"""Replace a copy by a link to its keeper, and the link by a real copy again.

In both, what is at the path is first taken aside, and what replaces it is made under a private name. What was taken
aside is removed when its replacement has been read at the path.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from phash_engine import _files
from phash_engine._files import sync_parent
from phash_engine.actions import file_state, move, renaming
from phash_engine.actions.journal import Step
from phash_engine.errors import NameTakenError, RefusalError

_FICLONE = 0x40049409


def place_link(step: Step) -> None:
    """Put a link to the keeper in place of a file that was taken aside.

    Raises
    ------
    OSError, RefusalError
        The file system has no such links, or refuses; another file has the path, or one of the two has changed:
        :func:`recover_link` cleans up.
    """
    MAKERS[step.action](step.keeper, step.new)
    _exchange(step, lambda: _leads_to_bytes(step) and file_state.has_digest(step.aside, step.digest))


def recover_link(step: Step) -> bool:
    """Finish or roll back an interrupted link; return whether it is in place."""
    move.remove_if_exists(step.new)
    if not os.path.lexists(step.aside):
        return _is_link(step, step.path)
    renaming.release(step.aside, step.path)
    if _leads_to_bytes(step) and file_state.has_digest(step.aside, step.digest):
        os.unlink(step.aside)
        return True
    if _is_link(step, step.path):
        os.rename(step.path, step.new)
        if _is_link(step, step.new):
            os.unlink(step.new)
    _put_back(step)
    return False


def replace_by_copy(step: Step) -> None:
    """Put a copy of the bytes in place of the link that an earlier step made.

    Raises
    ------
    OSError, RefusalError
        The system refuses, or the link or the bytes it leads to have changed: :func:`recover_copy` cleans up.
    """
    move.copy_file(step.source, step.digest, step.new)
    os.utime(step.new, ns=(step.mtime_ns, step.mtime_ns))
    os.rename(step.path, step.aside)
    if not (_is_link(step, step.aside) or (step.undoes != "symlink" and _has_bytes(step, step.aside))):
        raise RefusalError("is no longer the link that was made")
    _exchange(step, lambda: _has_bytes(step, step.path))


def recover_copy(step: Step) -> bool:
    """Finish or roll back an interrupted :func:`replace_by_copy`; return whether a copy is in place of the link."""
    move.remove_if_exists(step.new)
    is_copy = not _is_link(step, step.path) and _has_bytes(step, step.path)
    if not os.path.lexists(step.aside):
        return step.undoes != "reflink" and is_copy
    if is_copy and not _files.same_file(step.aside, step.path):
        os.unlink(step.aside)
        return True
    _put_back(step)
    return False


def _exchange(step: Step, is_in_place: Callable[[], bool]) -> None:
    """Give the new file the path, and remove the one that was taken aside when the new one is seen to be in place."""
    try:
        renaming.rename(step.new, step.path)
    except NameTakenError as error:
        raise RefusalError("another file has its name now") from error
    sync_parent(step.path)
    if not is_in_place():
        raise RefusalError("changed just now")
    os.unlink(step.aside)
    sync_parent(step.path)


def _put_back(step: Step) -> None:
    renaming.release(step.aside, step.path)
    renaming.rename(step.aside, _files.unused_path(step.path))


def _is_link(step: Step, path: str) -> bool:
    """Whether a path is a link to the keeper; False for a reflink, which cannot be recognised."""
    action = step.undoes or step.action
    if action == "symlink":
        return os.path.islink(path) and os.readlink(path) == step.keeper
    return action == "hardlink" and _files.same_file(path, step.keeper)


def _leads_to_bytes(step: Step) -> bool:
    """Whether our link is at the path and leads to the bytes that both files had."""
    if step.action == "reflink":
        return _has_bytes(step, step.path)
    return _is_link(step, step.path) and _has_bytes(step, step.keeper)


def _has_bytes(step: Step, path: str) -> bool:
    return file_state.has_digest(path, step.digest)


def _clone(source: str, new: str) -> None:
    """Make a file that shares the blocks of another, where the file system can (Linux: Btrfs, XFS and others)."""
    import fcntl

    with open(source, "rb") as original, open(new, "xb") as clone:
        fcntl.ioctl(clone.fileno(), _FICLONE, original.fileno())
        os.fsync(clone.fileno())


MAKERS: dict[str, Callable[[str, str], None]] = {"hardlink": os.link, "symlink": os.symlink, "reflink": _clone}
"""By action, the function that makes a link to a path under a new name."""
