"""Carry out a plan file by file, and undo it: plan and journal in, outcomes out.

Before each step the keeper and the file are read again. A file that is not what it was when the plan was made is
skipped, with the reason, and never stops the rest. Every step is recorded in the journal before it is taken, and both
functions may be interrupted at any moment and called again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from phash_engine import _files
from phash_engine._files import reason_of
from phash_engine.actions import boundaries, preconditions, quarantine, steps, trash
from phash_engine.actions.file_state import FileState
from phash_engine.actions.journal import SUFFIX, Journal, JournalReader, Step
from phash_engine.actions.plan import Plan, PlannedFile, PlannedPhoto, read
from phash_engine.actions.preconditions import observe_planned
from phash_engine.catalogue.store import Store
from phash_engine.errors import NameTakenError, NotBegunError, RefusalError, UsageError


class Outcome(NamedTuple):
    """What became of one file.

    ``result`` is "done", "would" (in a dry run), "earlier" (done in an earlier run) or "skipped", with the reason;
    ``to`` is the new path of a file that is moved.
    """

    path: str
    action: str
    result: str
    to: str = ""
    reason: str = ""


def apply(
    path: str, action: str | None = None, *, move_to: str | None = None, dry_run: bool = False
) -> Iterator[Outcome]:
    """Take an action on the duplicates of a plan and their sidecars.

    Sidecars are never deleted, since there need not be a copy of them: they go to the trash where photos are deleted.
    Where photos are replaced by links, they stay. The catalogue of the plan remembers the folder that files are moved
    to, and scans pass over it from then on.

    Parameters
    ----------
    path
        The plan.
    action
        One of ``steps.ACTIONS``: trash, move, hardlink, symlink, reflink, or delete, the only one that cannot be
        undone. Links replace only photos with the keeper's bytes. By default files go to the trash, and to a folder
        next to the plan, ``PLAN.quarantine``, where :func:`undo` could not reach the trash.
    move_to
        The folder that "move" moves files to, with their paths below the plan's root.
    dry_run
        Check everything and change nothing: the outcomes are those that a run would have now.

    Yields
    ------
    Outcome
        In the order of the plan, as the steps are taken.

    Raises
    ------
    PlanError
        The plan or the journal cannot be used.
    UsageError
        An unknown action, or "move" without a folder; the folder cannot be one, has photos of the collection, or is
        among them and there is no catalogue to remember it.
    """
    if action is not None and action not in steps.ACTIONS:
        raise UsageError(f"the actions are {', '.join(steps.ACTIONS)}, not {action}")
    if (action == "move") != (move_to is not None):
        raise UsageError("move needs a folder to move to, and no other action takes one")
    plan = read(path)
    folder = _files.absolute(move_to or path + quarantine.SUFFIX)
    if move_to is not None:
        quarantine.check_folder(move_to)
        quarantine.remember(plan, folder, dry_run=dry_run)
    check = partial(boundaries.check, plan=plan)
    if dry_run:
        reader = JournalReader(path + SUFFIX, plan.digest, plan.catalogue, check)
        yield from _Execution(plan, action, folder, reader).outcomes()
        return
    with Journal(path + SUFFIX, plan.digest, plan.catalogue, check) as journal:
        _recover_all(journal)
        yield from _Execution(plan, action, folder, journal).outcomes()


def undo(path: str) -> Iterator[Outcome]:
    """Bring back the files of a journal, the last one first.

    Nothing is overwritten: a file whose path is used by another one now gets a number.

    Yields
    ------
    Outcome
        For each file: "done", with its path if that is another one; or "skipped" with the reason.

    Raises
    ------
    PlanError
        The journal cannot be used, or its plan is not next to it.
    """
    with Journal(path, check=partial(boundaries.check, plan=boundaries.plan_of(path))) as journal:
        _recover_all(journal)
        for step in journal.unfinished.values():
            yield Outcome(step.path, step.action, "skipped", reason=_UNFINISHED)
        for step in reversed(list(journal.applied.values())):
            if step.path not in journal.unfinished:
                yield _undo(step, journal)


def update_catalogue(journal: str, outcomes: Iterable[Outcome], *, undone: bool = False) -> None:
    """Mark the photos that went as missing, or those that came back as found, as the next scan would.

    The catalogue is that of the journal; without one, or if nothing was done, there is nothing to mark.

    Raises
    ------
    CatalogueError
        It cannot be opened or written.
    """
    done = [outcome for outcome in outcomes if outcome.result == "done"]
    path = JournalReader(journal).catalogue if done else ""
    if not path:
        return
    with Store(path, create=False) as catalogue:
        if undone:
            catalogue.mark_found(outcome.path for outcome in done if not outcome.to)
        else:
            catalogue.mark_missing(o.path for o in done if o.action not in steps.LINKS or o.action == "symlink")


_UNFINISHED = "was interrupted, and cannot be finished: its drive is away or locked, or the file was changed"


class _Execution:
    """One execution of a plan; a dry run if the journal is not open for writing."""

    def __init__(self, plan: Plan, action: str | None, folder: str, journal: JournalReader) -> None:
        self._plan = plan
        self._action = action
        self._folder = folder
        self._journal = journal
        self._is_remembered = action == "move"
        self._taken: set[str] = set()
        self._kept = preconditions.kept_files(plan)
        self._kept_paths = preconditions.kept_paths(plan)

    def outcomes(self) -> Iterator[Outcome]:
        for group in self._plan.groups:
            for photo in group.duplicates:
                yield from self._photo_outcomes(photo, group.keeper)

    def _photo_outcomes(self, photo: PlannedPhoto, keeper: PlannedPhoto) -> Iterator[Outcome]:
        outcome = self._outcome(photo, self._action, keeper)
        yield outcome
        if outcome.result == "skipped" or outcome.action in steps.LINKS:
            return
        for sidecar in photo.sidecars:
            if os.path.lexists(sidecar.path) or sidecar.path in self._journal.applied:
                yield self._outcome(sidecar, None if self._action == "delete" else self._action, keeper)

    def _outcome(self, file: PlannedFile, action: str | None, keeper: PlannedPhoto) -> Outcome:
        """Take one step, or return the reason why not."""
        if file.path in self._journal.unfinished:
            return Outcome(file.path, action or "trash", "skipped", reason=_UNFINISHED)
        earlier = self._journal.applied.get(file.path)
        if earlier:
            return Outcome(file.path, earlier.action, "earlier", earlier.to)
        try:
            keeper_state = observe_planned(keeper, "the keeper ")
            state = observe_planned(file)
            preconditions.check(file, state, action, keeper_state, self._kept)
            check_kept = partial(
                preconditions.check_kept,
                keeper=keeper.path,
                state=keeper_state,
                others=self._kept_paths.get(state.digest, ()),
            )
            step = _execute(
                partial(self._step, file, state, action, keeper),
                lambda step: steps.perform(step, state, check_kept),
                self._journal,
            )
        except RefusalError as error:
            return Outcome(file.path, action or "trash", "skipped", reason=str(error))
        return Outcome(file.path, step.action, "done" if isinstance(self._journal, Journal) else "would", step.to)

    def _step(self, file: PlannedFile, state: FileState, action: str | None, keeper: PlannedPhoto) -> Step:
        trashed = trash.unused_place(file.path, self._taken) if action in {None, "trash"} else ""
        if action == "trash" and trash.IS_OURS and not trashed:
            raise RefusalError("has no trash on its file system: give a folder to move it to")
        action = action or ("trash" if trashed else "move")
        to = self._new_path(file.path) if action == "move" else ""
        self._taken.add(to or trashed)
        return Step(
            path=file.path,
            action=action,
            digest=state.digest,
            mtime_ns=state.mtime_ns,
            keeper=keeper.path,
            keeper_digest=keeper.digest,
            to=to,
            trashed=trashed,
            aside=_files.temporary_path(file.path),
            new=_files.temporary_path(to or file.path),
        )

    def _new_path(self, path: str) -> str:
        """Return the path that a file is moved to; the catalogue knows the folder by then.

        Raises
        ------
        RefusalError
            Files may not be moved to the folder next to the plan.
        """
        if not self._is_remembered:
            try:
                quarantine.remember(self._plan, self._folder, dry_run=not isinstance(self._journal, Journal))
            except UsageError as error:
                raise RefusalError(f"has no trash that undo can reach, and {error}") from error
            self._is_remembered = True
        return _files.unused_path(str(Path(self._folder, self._plan.below_root(path))), self._taken)


def _undo(step: Step, journal: Journal) -> Outcome:
    try:
        back = _execute(partial(steps.reverse, step), steps.revert, journal)
    except RefusalError as error:
        return Outcome(step.path, step.action, "skipped", reason=str(error))
    return Outcome(step.path, step.action, "done", "" if back.to in {"", step.path} else back.to)


def _execute(prepare: Callable[[], Step], operate: Callable[[Step], None], journal: JournalReader) -> Step:
    """Take a step between two records of the journal, if it is open for writing, and return it.

    If another file gets the new name of the file in that moment, another step is prepared, with another name.

    Raises
    ------
    RefusalError
        The step failed, and is not done.
    """
    while True:
        step = prepare()
        if not isinstance(journal, Journal):
            return step
        with contextlib.suppress(NameTakenError):
            _record(step, operate, journal)
            return step


def _record(step: Step, operate: Callable[[Step], None], journal: Journal) -> None:
    """Take a step between two records of the journal; if it fails, recover it."""
    journal.record_intent(step)
    try:
        operate(step)
    except NotBegunError:
        journal.record_cancelled(step.path)
        raise
    except (OSError, RefusalError) as error:
        refusal = error if isinstance(error, RefusalError) else RefusalError(reason_of(error))
        try:
            done = _recover(step, journal)
        except (OSError, RefusalError):
            raise RefusalError(f"{refusal}; the step is unfinished, and the same command continues it") from error
        if not done:
            raise refusal from error
    else:
        journal.record_done(step.path)


def _recover(step: Step, journal: Journal) -> bool:
    done = steps.recover(step)
    (journal.record_done if done else journal.record_cancelled)(step.path)
    return done


def _recover_all(journal: Journal) -> None:
    """Recover the steps that an interruption left unfinished; those that cannot be recovered now stay so."""
    for step in list(journal.unfinished.values()):
        with contextlib.suppress(OSError, RefusalError):
            _recover(step, journal)
