"""Replace a copy by a link to its keeper, and the link by a real copy again.

The link is made under a temporary name and renamed over the copy, so there is a picture under the name at every moment.
The copy keeps a second name until the keeper is found unchanged: if both names were one file (an alias that the inode
does not show, as on network drives), it is put back.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from phash_engine import _files
from phash_engine._files import file_id, sync_parent
from phash_engine.actions import file_state, move
from phash_engine.actions.file_state import FileState
from phash_engine.actions.journal import Step
from phash_engine.errors import RefusalError

_FICLONE = 0x40049409


def replace_by_link(step: Step, state: FileState, keeper: FileState) -> None:
    """Put a link to the keeper in place of a file.

    Raises
    ------
    OSError, RefusalError
        The file system has no such links, or refuses; one of the two has changed since, or they are one file:
        :func:`recover_link` cleans up.
    """
    MAKERS[step.action](step.keeper, step.new)
    os.link(step.path, step.aside)
    file_state.require_unchanged(step.path, state)
    file_state.require_unchanged(step.keeper, keeper)
    os.replace(step.new, step.path)
    file_state.require_unchanged(step.keeper, keeper, "is the keeper itself under another name")
    os.unlink(step.aside)
    sync_parent(step.path)


def recover_link(step: Step) -> bool:
    """Finish or roll back an interrupted :func:`replace_by_link`; return whether the link is in place."""
    move.remove_if_exists(step.new)
    if not os.path.lexists(step.aside):
        return _is_link(step)
    is_replaced = file_id(step.aside, follow_links=False) != file_id(step.path, follow_links=False)
    if is_replaced and not _has_keeper_bytes(step):
        _put_back(step)
        return False
    os.unlink(step.aside)
    return is_replaced


def replace_by_copy(step: Step) -> None:
    """Put a copy of the bytes in place of the link that an earlier step made.

    Raises
    ------
    OSError, RefusalError
        The system refuses, or the link or the bytes it leads to have changed: :func:`recover_copy` cleans up.
    """
    move.copy_file(step.source, step.digest, step.new)
    os.utime(step.new, ns=(step.mtime_ns, step.mtime_ns))
    if not (_is_link(step) or (step.undoes != "symlink" and file_state.has_digest(step.path, step.digest))):
        raise RefusalError("is no longer the link that was made")
    os.replace(step.new, step.path)
    sync_parent(step.path)


def recover_copy(step: Step) -> bool:
    """Roll back an interrupted :func:`replace_by_copy`; return whether a copy is in place of the link."""
    move.remove_if_exists(step.new)
    return step.undoes != "reflink" and not _is_link(step) and file_state.has_digest(step.path, step.digest)


def _is_link(step: Step) -> bool:
    """Whether the file is a link to the keeper; False for a reflink, which cannot be recognised."""
    action = step.undoes or step.action
    if action == "symlink":
        return os.path.islink(step.path) and os.readlink(step.path) == step.keeper
    found = file_id(step.path, follow_links=False)
    return action == "hardlink" and found is not None and found == file_id(step.keeper, follow_links=False)


def _has_keeper_bytes(step: Step) -> bool:
    """Whether the keeper and, by our link, the path of the file have the bytes that both had."""
    if step.action == "symlink":
        return _is_link(step) and file_state.has_digest(step.keeper, step.digest)
    return file_state.has_digest(step.path, step.digest) and file_state.has_digest(step.keeper, step.digest)


def _put_back(step: Step) -> None:
    """Give the file its name again, or a similar one if another file has it now."""
    if _is_link(step):
        os.replace(step.aside, step.path)
    else:
        move.move_file(step.aside, file_state.observe(step.aside), _files.unused_path(step.path), step.new)


def _clone(source: str, new: str) -> None:
    """Make a file that shares the blocks of another, where the file system can (Linux: Btrfs, XFS and others)."""
    import fcntl

    with open(source, "rb") as original, open(new, "xb") as clone:
        fcntl.ioctl(clone.fileno(), _FICLONE, original.fileno())
        os.fsync(clone.fileno())


MAKERS: dict[str, Callable[[str, str], None]] = {"hardlink": os.link, "symlink": os.symlink, "reflink": _clone}
"""By action, the function that makes a link to a path under a new name."""
