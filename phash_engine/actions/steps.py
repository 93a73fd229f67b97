"""What each action does to one file, how it is undone, and how an interrupted step is recovered.

:func:`perform` and :func:`revert` may stop anywhere, by an error or a crash: :func:`recover` then finishes the step or
rolls it back, from its record in the journal. The keeper is compared before and after: if it went with the file, both
paths named one file, and the file is put back.
"""

from __future__ import annotations

import os
from dataclasses import replace

from phash_engine import _files
from phash_engine._files import sync_parent
from phash_engine.actions import file_state, links, move, trash
from phash_engine.actions.file_state import FileState
from phash_engine.actions.journal import Step
from phash_engine.errors import RefusalError

LINKS = frozenset(links.MAKERS)
ACTIONS = ("trash", "move", *links.MAKERS, "delete")


def perform(step: Step, state: FileState, keeper: FileState) -> None:
    """Do a step to a file, given its state and that of its keeper when they were read.

    Raises
    ------
    OSError, RefusalError
        The system refuses, or one of the two has changed since: :func:`recover` decides what becomes of the step.
    """
    if step.action in LINKS:
        links.replace_by_link(step, state, keeper)
        return
    if step.action == "trash":
        trash.put(step.path)
    elif step.action == "move":
        move.move_file(step.path, state, step.to, step.new)
    else:
        os.rename(step.path, step.aside)
        file_state.require_unchanged(step.aside, state)
    file_state.require_unchanged(step.keeper, keeper, "is the keeper itself under another name")
    if step.action == "delete":
        os.unlink(step.aside)
        sync_parent(step.path)


def reverse(step: Step) -> Step:
    """Return the step that undoes another; it is carried out by :func:`revert`.

    Raises
    ------
    RefusalError
        It cannot be undone.
    """
    new = _files.temporary_path(step.path)
    if step.action in LINKS:
        source = step.keeper if step.action == "symlink" else step.path
        return replace(step, action="copy", undoes=step.action, source=source, new=new, aside="")
    if step.action == "delete":
        raise RefusalError("was deleted for good")
    source = _current_path(step)
    to = step.path if source == step.path else _files.unused_path(step.path)
    return replace(step, action="return", undoes=step.action, source=source, to=to, new=new, aside="")


def revert(step: Step) -> None:
    """Bring a file back by a step that :func:`reverse` returned; errors as for :func:`perform`."""
    if step.action == "copy":
        links.replace_by_copy(step)
    elif step.source != step.to:
        move.move_file(step.source, file_state.observe(step.source), step.to, step.new)
        if step.undoes == "trash":
            trash.remove_info(step.source)


def recover(step: Step) -> bool:
    """Finish or roll back a step that may be half done; return whether it is done.

    Raises
    ------
    OSError, RefusalError
        The system refuses, or the drive seems to be away; the step is as it was, and may be recovered later.
    """
    if step.action == "return":
        return _recover_return(step)
    if step.action in {"trash", "move"}:
        return _recover_departure(step)
    _check_drive(step)
    if step.action == "delete":
        return _recover_delete(step)
    return links.recover_copy(step) if step.action == "copy" else links.recover_link(step)


def _recover_return(step: Step) -> bool:
    arrived = move.recover(step.source, step.digest, step.to, step.new)
    if arrived and step.undoes == "trash":
        trash.remove_info(step.source)
    return arrived


def _recover_delete(step: Step) -> bool:
    if not os.path.lexists(step.aside):
        return not os.path.lexists(step.path)
    move.move_file(step.aside, file_state.observe(step.aside), _files.unused_path(step.path), step.new)
    return False


def _recover_departure(step: Step) -> bool:
    """Return whether a file is in the trash or at its new path; put it back if its keeper went with it."""
    move.remove_if_exists(step.aside)
    departed = _departed_path(step)
    if departed is None:
        if os.path.lexists(step.path):
            return False
        if step.action == "move":
            raise RefusalError("is neither at its old nor at its new path")
        _check_drive(step)
        return True  # it went to a trash that cannot be read
    if file_state.has_digest(step.keeper, step.keeper_digest):
        return True
    move.move_file(departed, file_state.observe(departed), _files.unused_path(step.path), step.aside)
    return False


def _departed_path(step: Step) -> str | None:
    """Return the present path of a file in the trash or at its new path; None if it did not go."""
    if step.action == "trash":
        trash.remove_orphaned_info(step.path)
        return None if os.path.lexists(step.path) else trash.find(step.path, step.digest)
    return step.to if move.recover(step.path, step.digest, step.to, step.new) else None


def _current_path(step: Step) -> str:
    """Return the path of a file that was trashed or moved; it may have been taken back by hand already."""
    departed = trash.find(step.path, step.digest) if step.action == "trash" else step.to
    for path in (departed, step.path):
        if path and file_state.has_digest(path, step.digest):
            return path
    raise RefusalError(f"is gone from {step.to or 'the trash'}, or was changed there")


def _check_drive(step: Step) -> None:
    """Refuse to conclude anything if no file of a step exists: the drive may be away."""
    if not any(os.path.lexists(path) for path in (step.path, step.aside, step.keeper) if path):
        raise RefusalError("does not exist, and neither does its keeper: the drive may be away")
