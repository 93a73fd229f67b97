"""What a journal may name: the files of its plan, their new paths, and private names next to these.

A journal says what is still to be done, and so which files are renamed and removed, but it may have come with a plan
from anywhere. Therefore only the plan, which a person has given, decides which files are touched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import PurePath

from phash_engine import _files
from phash_engine.actions import steps
from phash_engine.actions.journal import SUFFIX, JournalReader, Step
from phash_engine.actions.plan import Plan, PlannedFile, PlannedPhoto, read
from phash_engine.errors import PlanError

_PRIVATE = re.compile(r"\.phash-[0-9a-f]{16}")


def plan_of(journal: str) -> Plan:
    """Read the plan of a journal, which lies next to it.

    Raises
    ------
    PlanError
        There is no such journal, or no such plan.
    """
    if not os.path.lexists(journal):
        raise PlanError(f"no journal at {journal}")
    if not journal.endswith(SUFFIX):
        raise PlanError(f"{journal} is not a journal of 'phash apply': those are called PLAN{SUFFIX}")
    try:
        return read(journal.removesuffix(SUFFIX))
    except PlanError as error:
        raise PlanError(f"{journal} cannot be followed without its plan: {error}") from error


def check(journal: JournalReader, plan: Plan) -> None:
    """Check that all steps of a journal are steps of a plan, before the first is followed.

    Raises
    ------
    ValueError
        A step names another file, or private names elsewhere; names the line.
    """
    if journal.plan and journal.catalogue != plan.catalogue:
        raise ValueError(f"names the catalogue {journal.catalogue!r:.200}, and its plan {plan.catalogue!r:.200}")
    files = {
        file.path: (file, group.keeper)
        for group in plan.groups
        for photo in group.duplicates
        for file in (photo, *photo.sidecars)
    }
    kept = {photo.path for group in plan.groups for photo in (group.keeper, *group.kept)}
    last: dict[str, Step] = {}
    for number, step in journal.steps:
        with _at_line(number):
            if step.path not in files:
                raise ValueError(f"{step.path!r} is no duplicate of the plan")
            _check_file(step, *files[step.path])
            if step.undoes:
                _check_undoing(step, last.get(step.path))
            else:
                _check_doing(step, plan, kept)
                last[step.path] = step
            _check_private(step)


@contextmanager
def _at_line(number: int) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


def _check_file(step: Step, file: PlannedFile, keeper: PlannedPhoto) -> None:
    """Check that a step is about the file of the plan: for a photo its digest is known, for a sidecar its time."""
    if (step.keeper, step.keeper_digest) != (keeper.path, keeper.digest):
        raise ValueError(f"the keeper of {step.path!r} is not that of the plan")
    is_planned = step.digest == file.digest if isinstance(file, PlannedPhoto) else step.mtime_ns == file.mtime_ns
    if not is_planned:
        raise ValueError(f"{step.path!r} is not the file of the plan")


def _check_doing(step: Step, plan: Plan, kept: Container[str]) -> None:
    if step.action not in steps.ACTIONS or step.source:
        raise ValueError(f"{step.path!r} has no action of 'phash apply'")
    if step.action == "move":
        _files.check_absolute(step.to)
        below = PurePath(plan.below_root(step.path)).parts[:-1]
        folders = PurePath(step.to).parts[:-1]
        if folders[len(folders) - len(below) :] != below or not _is_numbered(step.to, step.path) or step.to in kept:
            raise ValueError(f"{step.to!r} is not where {step.path!r} is moved to in any folder")
    elif step.to:
        raise ValueError(f"{step.path!r} is not moved, and yet to {step.to!r}")
    if step.trashed and not (
        step.action == "trash" and _is_trashed(step.trashed) and _is_numbered(step.trashed, step.path)
    ):
        raise ValueError(f"{step.trashed!r} is not where {step.path!r} has a place in the trash")


def _check_undoing(step: Step, done: Step | None) -> None:
    if done is None or done.action != step.undoes or step.trashed:
        raise ValueError(f"{step.path!r} was not acted on before")
    if step.action == "copy" and step.undoes in steps.LINKS:
        is_planned = step.source == (step.keeper if step.undoes == "symlink" else step.path) and not step.to
    elif step.action == "return" and step.undoes in {"trash", "move"}:
        is_beside = PurePath(step.to).parent == PurePath(step.path).parent and _is_numbered(step.to, step.path)
        is_trashed = step.undoes == "trash" and _is_trashed(step.source)
        is_planned = is_beside and (is_trashed or step.source in {step.path, done.to or step.path})
    else:
        is_planned = False
    if not is_planned:
        raise ValueError(f"{step.path!r} would not come back as 'phash undo' does it")


def _check_private(step: Step) -> None:
    folders = {PurePath(path).parent for path in (step.path, step.to or step.path)}
    for path in map(PurePath, filter(None, (step.aside, step.new))):
        if path.parent not in folders or not _PRIVATE.fullmatch(path.name):
            raise ValueError(f"{str(path)!r} is no private name beside {step.path!r}")


def _is_numbered(to: str, path: str) -> bool:
    """Whether the name of a path is that of another, perhaps with a number."""
    stem, extension = os.path.splitext(PurePath(path).name)
    return re.fullmatch(rf"{re.escape(stem)}( \(\d+\))?{re.escape(extension)}", PurePath(to).name) is not None


def _is_trashed(source: str) -> bool:
    """Whether a path is directly in the folder of files of some trash."""
    _files.check_absolute(source)
    files = PurePath(source).parent
    return files.name == "files" and any(re.fullmatch(r"Trash|\.Trash(-\d+)?", part) for part in files.parts[-3:-1])
