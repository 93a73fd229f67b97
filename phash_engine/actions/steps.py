"""What each action does to one file, how it is undone, and how an interrupted step is recovered.

All actions begin alike: the file is renamed to a private name in its folder, where it is compared with what was read,
and its keeper is read again. :func:`perform` and :func:`revert` may stop anywhere, by an error or a crash:
:func:`recover` then finishes the step or rolls it back, from its record in the journal.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from phash_engine import _files
from phash_engine._files import sync_parent
from phash_engine.actions import file_state, links, move, renaming, trash
from phash_engine.actions.file_state import FileState
from phash_engine.actions.journal import Step
from phash_engine.actions.move import Route
from phash_engine.errors import RefusalError

LINKS = frozenset(links.MAKERS)
ACTIONS = ("trash", "move", *links.MAKERS, "delete")


def perform(step: Step, state: FileState, check_kept: Callable[[str], None]) -> None:
    """Do a step to a file.

    Parameters
    ----------
    step, state
        The step, and the file's state when it was read.
    check_kept
        Called with the private name of the file; raises RefusalError unless what is kept is there without it.

    Raises
    ------
    OSError, RefusalError
        The system refuses, or a file has changed since: :func:`recover` decides what becomes of the step.
    """
    move.take(step.path, step.aside)
    check_kept(step.aside)
    file_state.require_unchanged(step.aside, state)
    if step.action in LINKS:
        links.place_link(step)
    elif step.action == "delete":
        os.unlink(step.aside)
        sync_parent(step.path)
    elif step.to or step.trashed:
        if step.trashed:
            trash.reserve(step.trashed, step.path, step.new)
        move.place(_route(step), state)
    else:
        renaming.rename(step.aside, step.path)  # people see the name in the trash, and put the file back by it
        trash.send(step.path)


def reverse(step: Step) -> Step:
    """Return the step that undoes another; it is carried out by :func:`revert`.

    Raises
    ------
    RefusalError
        It cannot be undone.
    """
    back = replace(
        step,
        undoes=step.action,
        aside=_files.temporary_path(step.path),
        new=_files.temporary_path(step.path),
        trashed="",
    )
    if step.action in LINKS:
        return replace(back, action="copy", source=step.keeper if step.action == "symlink" else step.path)
    if step.action == "delete":
        raise RefusalError("was deleted for good")
    source = _current_path(step)
    to = step.path if source == step.path else _files.unused_path(step.path)
    return replace(back, action="return", source=source, to=to)


def revert(step: Step) -> None:
    """Bring a file back by a step that :func:`reverse` returned; errors as for :func:`perform`."""
    if step.action == "copy":
        links.replace_by_copy(step)
    elif step.source != step.to:
        route = _route(step)
        state = file_state.observe(step.source)
        move.take(route.path, route.aside)
        move.place(route, state)
        if step.undoes == "trash":
            trash.remove_info(step.source)


def recover(step: Step) -> bool:
    """Finish or roll back a step that may be half done; return whether it is done.

    Raises
    ------
    OSError, RefusalError
        The system refuses, or the drive seems to be away; the step is as it was, and may be recovered later.
    """
    if step.action in LINKS:
        _check_drive(step)
        return links.recover_link(step)
    if step.action == "copy":
        _check_drive(step)
        return links.recover_copy(step)
    if step.action == "delete":
        return _recover_delete(step)
    return _recover_return(step) if step.action == "return" else _recover_departure(step)


def _recover_delete(step: Step) -> bool:
    _check_drive(step)
    return not move.put_back(_route(step)) and not os.path.lexists(step.path)


def _recover_return(step: Step) -> bool:
    has_arrived = not move.put_back(_route(step)) and _has_arrived(step, step.source, step.to)
    if has_arrived and step.undoes == "trash":
        trash.remove_info(step.source)
    return has_arrived


def _recover_departure(step: Step) -> bool:
    """Return whether a file is in the trash or at its new path."""
    was_put_back = move.put_back(_route(step))
    if step.trashed:
        trash.cancel(step.trashed, step.path, step.new)
    if was_put_back:
        return False
    place = _place(step)
    if not place and not os.path.lexists(step.path):
        _check_drive(step)
        return True  # it went to a trash that cannot be read
    return _has_arrived(step, step.path, place)


def _has_arrived(step: Step, path: str, to: str) -> bool:
    """Whether a file without a private name has gone to its new path, and has not been left at the old one."""
    is_there = file_state.has_digest(to, step.digest)
    if not os.path.lexists(path):
        if not is_there:
            raise RefusalError("is neither at its old path nor, with its bytes, at its new one")
        return True
    # If it has gone, another file has its old path by now.
    return is_there and not file_state.has_digest(path, step.digest) and os.lstat(to).st_mtime_ns == step.mtime_ns


def _route(step: Step) -> Route:
    if step.action == "return":
        return Route(step.source, _files.in_folder_of(step.source, step.aside or step.new), step.to, step.new)
    to = step.to or step.trashed or step.path
    return Route(step.path, step.aside, to, _files.in_folder_of(to, step.new))


def _place(step: Step) -> str:
    """Return the path that a file was moved to or has in the trash; empty if it is not known."""
    return step.to or step.trashed or trash.find(step.path, step.digest) or ""


def _current_path(step: Step) -> str:
    """Return the path of a file that was trashed or moved; it may have been taken back by hand already."""
    for path in (step.path, _place(step)):
        if path and file_state.has_digest(path, step.digest):
            return path
    raise RefusalError(f"is gone from {step.to or 'the trash'}, or was changed there")


def _check_drive(step: Step) -> None:
    """Refuse to conclude anything if no file of a step exists: the drive may be away."""
    if not any(os.path.lexists(path) for path in (step.path, step.aside, step.keeper) if path):
        raise RefusalError("does not exist, and neither does its keeper: the drive may be away")
