"""What must hold before a file is touched: file and keeper are those of the plan, and nothing would be lost."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from phash_engine import _files
from phash_engine._files import file_id
from phash_engine.actions import file_state, steps
from phash_engine.actions.file_state import FileState
from phash_engine.actions.plan import Plan, PlannedFile, PlannedPhoto
from phash_engine.errors import RefusalError

FileId = tuple[int, int] | None


def observe_planned(file: PlannedFile, subject: str = "") -> FileState:
    """Return the state of a file that must be what it was when the plan was made.

    Raises
    ------
    RefusalError
        It is not; the reason begins with ``subject``.
    """
    if os.path.realpath(Path(file.path).parent) != file.real_folder:
        raise RefusalError(f"{subject}is not where it was: a link leads to another folder now")
    try:
        state = file_state.observe(file.path)
    except RefusalError as error:
        raise RefusalError(f"{subject}{error}") from error
    if isinstance(file, PlannedPhoto):
        is_same = state.digest == file.digest
    else:
        is_same = (state.size, state.mtime_ns) == (file.size, file.mtime_ns)
    if not is_same:
        raise RefusalError(f"{subject}has changed since the plan was made")
    return state


def check(file: PlannedFile, state: FileState, action: str | None, keeper: FileState, kept: Container[FileId]) -> None:
    """Raise RefusalError if an action must not be taken though file and keeper are what they were.

    Parameters
    ----------
    file, state
        The file and its state.
    action
        One of ``steps.ACTIONS``, or None for the default.
    keeper
        State of the keeper.
    kept
        What :func:`kept_files` returned.
    """
    if isinstance(file, PlannedPhoto) and file.reference:
        raise RefusalError("is a reference file")
    if state.file_id == keeper.file_id or state.file_id in kept:
        raise RefusalError("is the same file as a photo that is kept")
    if action in steps.LINKS:
        if state.digest != keeper.digest:
            raise RefusalError("has other bytes than the keeper: a link in its place would lose them")
    elif isinstance(file, PlannedPhoto):
        for sidecar in file.sidecars:
            if os.path.lexists(sidecar.path):
                observe_planned(sidecar, f"its sidecar {sidecar.path} ")


def check_kept(private: str, keeper: str, state: FileState, others: Iterable[str]) -> None:
    """Raise RefusalError if a file that was taken aside may be a photo that is kept, by another name of its folder.

    On network drives, and where one file system is laid over another, one file may have two paths and two inodes, and
    the system may show it at the second path for a while after it has gone from the first.

    Parameters
    ----------
    private
        The private name of the file.
    keeper, state
        The keeper, and its state when it was read; it is read again.
    others
        Other photos that are kept and have the bytes of the file.
    """
    folder = os.path.realpath(os.path.dirname(private))
    for path in (keeper, *others):
        if os.path.realpath(os.path.dirname(path)) != folder and os.path.lexists(_files.in_folder_of(path, private)):
            raise RefusalError(f"is in the folder of {path} by another name, and may be that file, which is kept")
    file_state.require_unchanged(
        keeper, state, "is the keeper itself under another name, or the keeper changed just now"
    )


def kept_files(plan: Plan) -> set[FileId]:
    """Return device and inode of the photos that no step may touch: keepers, other kept photos, references."""
    return {file_id(photo.path, follow_links=False) for photo in _kept(plan)}


def kept_paths(plan: Plan) -> dict[str, list[str]]:
    """Return, by digest in hex, the paths of the photos that no step may touch."""
    paths: dict[str, list[str]] = {}
    for photo in _kept(plan):
        paths.setdefault(photo.digest, []).append(photo.path)
    return paths


def _kept(plan: Plan) -> Iterator[PlannedPhoto]:
    for group in plan.groups:
        yield from (group.keeper, *group.kept)
        yield from (photo for photo in group.duplicates if photo.reference)
