"""A link to the photo that stays, in place of a copy with the same bytes; and a real copy again in place of the link.

The link is made under a temporary name and renamed over the copy, so the name is never without a picture. Until the
photo that stays was seen to stand still, the copy is there under a second name: where both names were one file under
two spellings (an alias that no number of the file system tells), it comes back.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from phash_engine import _files
from phash_engine._files import sync_parent
from phash_engine.actions import file_state, move
from phash_engine.actions.file_state import Witness
from phash_engine.actions.journal import Step
from phash_engine.errors import RefusalError

_FICLONE = 0x40049409


def replace(step: Step, seen: Witness, keeper: Witness) -> None:
    """Put a link to the keeper in place of a file.

    Raises
    ------
    OSError, RefusalError
        The file system has no such links, or says no; one of the two changed meanwhile, or they are one file:
        :func:`is_replaced` tidies up.
    """
    MAKERS[step.way](step.keeper, step.new)
    os.link(step.path, step.aside)
    if not (file_state.stands(step.path, seen) and file_state.stands(step.keeper, keeper)):
        raise RefusalError("changed just now")
    os.replace(step.new, step.path)
    if not file_state.stands(step.keeper, keeper):
        raise RefusalError("is the keeper itself under another name")
    os.unlink(step.aside)
    sync_parent(step.path)


def is_replaced(step: Step) -> bool:
    """Finish or take back what :func:`replace` left half done; return whether the link stands in the file's place."""
    move.drop(step.new)
    if not os.path.lexists(step.aside):
        return _is_link(step)
    if file_state.identity(step.aside) != file_state.identity(step.path):
        if not _shows_keeper(step):
            _put_back(step)
            return False
        os.unlink(step.aside)
        return True
    os.unlink(step.aside)
    return False


def restore(step: Step) -> None:
    """Put a copy of the bytes in place of the link that an earlier step made.

    Raises
    ------
    OSError, RefusalError
        The system says no, or the link or the bytes it leads to are no longer those of then: :func:`is_restored`
        tidies up.
    """
    digest = bytes.fromhex(step.digest)
    move.copy(step.source, digest, step.new)
    os.utime(step.new, ns=(step.mtime_ns, step.mtime_ns))
    if not (_is_link(step) or (step.undoes != "symlink" and file_state.shows(step.path, digest))):
        raise RefusalError("is no longer the link that was made")
    os.replace(step.new, step.path)
    sync_parent(step.path)


def is_restored(step: Step) -> bool:
    """Take back what :func:`restore` left half done; return whether a copy stands in the link's place."""
    move.drop(step.new)
    return step.undoes != "reflink" and not _is_link(step) and file_state.shows(step.path, bytes.fromhex(step.digest))


def _is_link(step: Step) -> bool:
    """Whether the file is a link to the keeper; False for one that shares blocks, which nothing tells."""
    way = step.undoes or step.way
    if way == "symlink":
        return os.path.islink(step.path) and os.readlink(step.path) == step.keeper
    here = file_state.identity(step.path)
    return way == "hardlink" and here is not None and here == file_state.identity(step.keeper)


def _shows_keeper(step: Step) -> bool:
    """Whether the keeper's bytes, by a link of ours, stand in the file's place."""
    digest = bytes.fromhex(step.digest)
    if step.way == "symlink":
        return _is_link(step) and file_state.shows(step.keeper, digest)
    return file_state.shows(step.path, digest) and file_state.shows(step.keeper, digest)


def _put_back(step: Step) -> None:
    """Give the file its name again, or one beside it where another stands there now."""
    if _is_link(step):
        os.replace(step.aside, step.path)
    else:
        move.carry(step.aside, file_state.look(step.aside), _files.unused_path(step.path), step.new)


def _clone(source: str, new: str) -> None:
    """Make a file that shares the blocks of another, where the file system can (Linux: Btrfs, XFS and others)."""
    import fcntl

    with open(source, "rb") as original, open(new, "xb") as clone:
        fcntl.ioctl(clone.fileno(), _FICLONE, original.fileno())
        os.fsync(clone.fileno())


MAKERS: dict[str, Callable[[str, str], None]] = {"hardlink": os.link, "symlink": os.symlink, "reflink": _clone}
"""By way, what makes a link to a path under a new name."""
