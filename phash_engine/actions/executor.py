"""Do what a plan says, one file after the other, and undo it: conduct of the ways, the plan and its journal.

Before each step the keeper and the file are read again. What is not as the plan has it, or as it should be, is left
alone with the reason, and never stops the rest. Every step is announced in the journal before it is taken, and both
functions may be interrupted at any moment and called again.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from phash_engine import _files
from phash_engine.actions import dispatch, file_state, trash
from phash_engine.actions.file_state import Witness
from phash_engine.actions.journal import SUFFIX, Journal, Log, Step
from phash_engine.actions.plan import Plan, PlannedFile, PlannedGroup, PlannedPhoto, read
from phash_engine.catalogue.store import Store
from phash_engine.errors import RefusalError, UsageError


class Outcome(NamedTuple):
    """What became of one file.

    ``result`` is "done", "would" (in a dry run), "earlier" (done in an earlier run) or "skipped", with the reason;
    ``to`` is where the file is carried, if it is.
    """

    path: str
    way: str
    result: str
    to: str = ""
    reason: str = ""


def apply(path: str, way: str = "trash", *, move_to: str | None = None, dry_run: bool = False) -> Iterator[Outcome]:
    """Let the others of a plan go, each the same way, and their companions with them.

    Companions of which a copy need not remain are never deleted: they go to the trash where photos are deleted. Where
    a link takes a photo's place, they stay.

    Parameters
    ----------
    path
        The plan.
    way
        One of ``dispatch.WAYS``: trash, move, hardlink, symlink, reflink, or delete, which alone cannot be undone.
        Links take the place of photos with the keeper's bytes only.
    move_to
        The folder that "move" carries files to, each below the same folders as below the plan's root.
    dry_run
        Check everything and change nothing: the outcomes are those that doing it would have, as things stand.

    Yields
    ------
    Outcome
        In the order of the plan, as the steps are taken.

    Raises
    ------
    PlanError
        The plan or the journal cannot be used.
    UsageError
        An unknown way, or "move" without a folder.
    """
    if way not in dispatch.WAYS:
        raise UsageError(f"the ways are {', '.join(dispatch.WAYS)}, not {way}")
    if (way == "move") != (move_to is not None):
        raise UsageError("move goes with a folder to move to, and no other way does")
    plan = read(path)
    if dry_run:
        yield from _Run(plan, way, move_to, Log(path + SUFFIX, plan.digest)).outcomes()
        return
    with Journal(path + SUFFIX, plan.digest, plan.catalogue) as journal:
        _settle_all(journal)
        yield from _Run(plan, way, move_to, journal).outcomes()


def undo(path: str) -> Iterator[Outcome]:
    """Bring back what was done by the steps of a journal, the last one first.

    Nothing is overwritten: a file whose name was taken meanwhile comes back beside it, with a number.

    Yields
    ------
    Outcome
        For each file: "done", and where it is if that is another path; or "skipped" with the reason.

    Raises
    ------
    PlanError
        The journal cannot be used.
    """
    with Journal(path) as journal:
        _settle_all(journal)
        for step in journal.unfinished.values():
            yield Outcome(step.path, step.way, "skipped", reason=_HALF_DONE)
        for step in reversed(list(journal.applied.values())):
            if step.path not in journal.unfinished:
                yield _undo(step, journal)


def tell_catalogue(path: str, outcomes: Iterable[Outcome], *, undone: bool = False) -> None:
    """Mark in a catalogue the photos that went as missing, or those that came back as found; the next scan would too.

    Raises
    ------
    CatalogueError
        It cannot be opened or written.
    """
    done = [outcome for outcome in outcomes if outcome.result == "done"]
    with Store(path, create=False) as catalogue:
        if undone:
            catalogue.mark_found(outcome.path for outcome in done if not outcome.to)
        else:
            catalogue.mark_missing(o.path for o in done if o.way not in dispatch.LINKS or o.way == "symlink")


_HALF_DONE = "was left half done by an interruption, and cannot be set right while its drive is away or locked"


class _Run:
    """One execution of a plan; it is dry where the log is no open journal."""

    def __init__(self, plan: Plan, way: str, move_to: str | None, log: Log) -> None:
        self._plan = plan
        self._way = way
        self._move_to = _files.absolute(move_to) if move_to else ""
        self._log = log
        self._taken: set[str] = set()
        self._staying = {file_state.identity(photo.path) for group in plan.groups for photo in _staying(group)}

    def outcomes(self) -> Iterator[Outcome]:
        for group in self._plan.groups:
            for other in group.others:
                yield from self._photo(other, group.keeper)

    def _photo(self, other: PlannedPhoto, keeper: PlannedPhoto) -> Iterator[Outcome]:
        outcome = self._one(other, self._way, keeper)
        yield outcome
        if outcome.result == "skipped" or outcome.way in dispatch.LINKS:
            return
        for companion in other.companions:
            if os.path.lexists(companion.path) or companion.path in self._log.applied:
                yield self._one(companion, "trash" if self._way == "delete" else self._way, keeper)

    def _one(self, file: PlannedFile, way: str, keeper: PlannedPhoto) -> Outcome:
        """Take one step, or find out why not."""
        if file.path in self._log.unfinished:
            return Outcome(file.path, way, "skipped", reason=_HALF_DONE)
        earlier = self._log.applied.get(file.path)
        if earlier:
            return Outcome(file.path, earlier.way, "earlier", earlier.to)
        try:
            stays = _look(keeper, "the keeper ")
            seen = _look(file)
            self._check(file, seen, way, stays)
            step = self._step(file, seen, way, keeper)
            if isinstance(self._log, Journal):
                _take(step, seen, stays, self._log)
        except RefusalError as error:
            return Outcome(file.path, way, "skipped", reason=str(error))
        return Outcome(file.path, way, "done" if isinstance(self._log, Journal) else "would", step.to)

    def _check(self, file: PlannedFile, seen: Witness, way: str, stays: Witness) -> None:
        """Refuse what must not be done though both files are what they were."""
        if isinstance(file, PlannedPhoto) and file.reference:
            raise RefusalError("is a reference file")
        if seen.identity == stays.identity or seen.identity in self._staying:
            raise RefusalError("is one file with a photo that stays")
        if way in dispatch.LINKS and seen.digest != stays.digest:
            raise RefusalError("has other bytes than the keeper: a link in its place would lose them")
        for companion in _companions(file) if way not in dispatch.LINKS else ():
            if os.path.lexists(companion.path):
                _look(companion, f"its companion {companion.path} ")

    def _step(self, file: PlannedFile, seen: Witness, way: str, keeper: PlannedPhoto) -> Step:
        to = self._destination(file.path) if way == "move" else ""
        return Step(
            path=file.path,
            way=way,
            digest=seen.digest.hex(),
            mtime_ns=seen.mtime_ns,
            keeper=keeper.path,
            keeper_digest=keeper.digest,
            to=to,
            aside=_temporary(file.path),
            new=_temporary(to or file.path),
        )

    def _destination(self, path: str) -> str:
        root = self._plan.root if _files.contains(self._plan.root, path) else os.path.splitdrive(path)[0] + os.sep
        to = _files.unused_path(str(Path(self._move_to, os.path.relpath(path, root))), self._taken)
        self._taken.add(to)
        return to


def _look(file: PlannedFile, whose: str = "") -> Witness:
    """Read a file that must be what it was when the plan was made."""
    if os.path.realpath(Path(file.path).parent) != file.real_folder:
        raise RefusalError(f"{whose}is not where it was: a link leads to another folder now")
    try:
        seen = file_state.look(file.path)
    except RefusalError as error:
        raise RefusalError(f"{whose}{error}") from error
    if isinstance(file, PlannedPhoto):
        is_same = seen.digest.hex() == file.digest
    else:
        is_same = (seen.size, seen.mtime_ns) == (file.size, file.mtime_ns)
    if not is_same:
        raise RefusalError(f"{whose}has changed since the plan was made")
    return seen


def _companions(file: PlannedFile) -> tuple[PlannedFile, ...]:
    return file.companions if isinstance(file, PlannedPhoto) else ()


def _temporary(path: str) -> str:
    """Return a hidden name, which scans pass over, in the folder of a path."""
    return str(Path(path).with_name(f".phash-{secrets.token_hex(8)}"))


def _take(step: Step, seen: Witness, stays: Witness, journal: Journal) -> None:
    journal.intend(step)
    try:
        dispatch.take(step, seen, stays)
    except (OSError, RefusalError) as error:
        _give_up(step, journal, error)
    else:
        journal.done(step.path)


def _give_up(step: Step, journal: Journal, error: OSError | RefusalError) -> None:
    """Settle a step that met an error; unless it is done after all, the error is the reason."""
    reason = str(error) if isinstance(error, RefusalError) else (error.strerror or str(error)).lower()
    try:
        done = _settle(step, journal)
    except (OSError, RefusalError):
        raise RefusalError(f"{reason}; it is left half done, and the same command goes on from there") from error
    if not done:
        raise RefusalError(reason) from error


def _settle(step: Step, journal: Journal) -> bool:
    done = dispatch.settle(step)
    (journal.done if done else journal.cancelled)(step.path)
    return done


def _settle_all(journal: Journal) -> None:
    """Settle what an interruption left; what cannot be settled now stays unfinished."""
    for step in list(journal.unfinished.values()):
        with contextlib.suppress(OSError, RefusalError):
            _settle(step, journal)


def _undo(step: Step, journal: Journal) -> Outcome:
    try:
        back = _way_back(step)
        journal.intend(back)
        try:
            dispatch.undo(back)
        except (OSError, RefusalError) as error:
            _give_up(back, journal, error)
        else:
            journal.done(back.path)
    except RefusalError as error:
        return Outcome(step.path, step.way, "skipped", reason=str(error))
    return Outcome(step.path, step.way, "done", "" if back.to in {"", step.path} else back.to)


def _way_back(step: Step) -> Step:
    """Return the step that undoes another."""
    new = _temporary(step.path)
    if step.way in dispatch.LINKS:
        source = step.keeper if step.way == "symlink" else step.path
        return replace(step, way="copy", undoes=step.way, source=source, new=new, aside="")
    if step.way == "delete":
        raise RefusalError("was deleted for good")
    source = _where(step)
    to = step.path if source == step.path else _files.unused_path(step.path)
    return replace(step, way="return", undoes=step.way, source=source, to=to, new=new, aside="")


def _where(step: Step) -> str:
    """Return where a file is that went to the trash or was moved; somebody may have taken it back already."""
    digest = bytes.fromhex(step.digest)
    place = trash.find(step.path, digest) if step.way == "trash" else step.to
    if place and file_state.shows(place, digest):
        return place
    if file_state.shows(step.path, digest):
        return step.path
    raise RefusalError(f"is gone from {step.to or 'the trash'}, or was changed there")


def _staying(group: PlannedGroup) -> Iterator[PlannedPhoto]:
    yield from (group.keeper, *group.kept)
    yield from (other for other in group.others if other.reference)
