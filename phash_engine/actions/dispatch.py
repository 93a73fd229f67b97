"""The ways a file can go: what each does, and how to find out after a crash whether it was done.

:func:`take` may stop anywhere, by an error or by the death of the process: :func:`settle` then finishes the step or
takes it back, from what the journal says of it. The photo that stays is looked at before and after; where it went with
the file, both names were one file, and the file comes back.
"""

from __future__ import annotations

import os

from phash_engine import _files
from phash_engine._files import sync_parent
from phash_engine.actions import file_state, links, move, trash
from phash_engine.actions.file_state import Witness
from phash_engine.actions.journal import Step
from phash_engine.errors import RefusalError

LINKS = frozenset(links.MAKERS)
WAYS = ("trash", "move", *links.MAKERS, "delete")


def take(step: Step, seen: Witness, keeper: Witness) -> None:
    """Do a step to a file, given what it and its keeper were when they were looked at.

    Raises
    ------
    OSError, RefusalError
        The system says no, or one of the two is not what it was: :func:`settle` tells what became of the step.
    """
    if step.way in LINKS:
        links.replace(step, seen, keeper)
        return
    if step.way == "trash":
        trash.put(step.path)
    elif step.way == "move":
        move.carry(step.path, seen, step.to, step.new)
    else:
        os.rename(step.path, step.aside)
        if not file_state.stands(step.aside, seen):
            raise RefusalError("changed just now")
    if not file_state.stands(step.keeper, keeper):
        raise RefusalError("is the keeper itself under another name")
    if step.way == "delete":
        os.unlink(step.aside)
        sync_parent(step.path)


def undo(step: Step) -> None:
    """Bring a file back; errors as for :func:`take`."""
    if step.way == "copy":
        links.restore(step)
    elif step.source != step.to:
        move.carry(step.source, file_state.look(step.source), step.to, step.new)
        if step.undoes == "trash":
            trash.drop_record(step.source)


def settle(step: Step) -> bool:
    """Finish or take back a step that may be half done; return whether it is done.

    Raises
    ------
    OSError, RefusalError
        The system says no, or the drive seems to be away; the step is as it was, and may be settled later.
    """
    if step.way == "return":
        return _is_back(step)
    if step.way in {"trash", "move"}:
        return _is_carried_away(step)
    _check_drive(step)
    if step.way == "delete":
        return _is_deleted(step)
    return links.is_restored(step) if step.way == "copy" else links.is_replaced(step)


def _is_back(step: Step) -> bool:
    arrived = move.has_arrived(step.source, bytes.fromhex(step.digest), step.to, step.new)
    if arrived and step.undoes == "trash":
        trash.drop_record(step.source)
    return arrived


def _is_deleted(step: Step) -> bool:
    if not os.path.lexists(step.aside):
        return not os.path.lexists(step.path)
    move.carry(step.aside, file_state.look(step.aside), _files.unused_path(step.path), step.new)
    return False


def _is_carried_away(step: Step) -> bool:
    """Tell whether a file is in the trash or where it was to go; bring it back if its keeper went with it."""
    move.drop(step.aside)
    place = _new_place(step)
    if place is None:
        if os.path.lexists(step.path):
            return False
        if step.way == "move":
            raise RefusalError("is neither where it was nor where it was to go")
        _check_drive(step)
        return True  # what left for a trash that we cannot look into has left
    if file_state.shows(step.keeper, bytes.fromhex(step.keeper_digest)):
        return True
    move.carry(place, file_state.look(place), _files.unused_path(step.path), step.aside)
    return False


def _check_drive(step: Step) -> None:
    """Refuse to conclude anything where nothing of a step is to be seen: the drive may be away."""
    if not any(os.path.lexists(path) for path in (step.path, step.aside, step.keeper) if path):
        raise RefusalError("is away, and so is its keeper")


def _new_place(step: Step) -> str | None:
    """Return where a file is now that was to go to the trash or elsewhere; None if it did not."""
    digest = bytes.fromhex(step.digest)
    if step.way == "trash":
        trash.drop_orphans(step.path)
        return None if os.path.lexists(step.path) else trash.find(step.path, digest)
    return step.to if move.has_arrived(step.path, digest, step.to, step.new) else None
