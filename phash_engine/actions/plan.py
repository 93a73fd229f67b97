"""Plans: which photos of each group to keep and which to act on, as a file that people can read, edit and apply later.

::

    {"phash_plan": 1, "catalogue": "…/photos.db", "root": "/photos", "groups": [
        {"keeper": {"path": "…", "size": 83120, "mtime_ns": …, "digest": "9f86d0…"},
         "others": [{"path": "…", …, "companions": [{"path": "…", …}]}]}]}

A plan holds everything by which a file is recognised, so that it can be applied a year later: a file that has changed
since is skipped. The keys "others" and "companions" are the duplicates and their sidecars.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from phash_engine import _files, _json
from phash_engine._files import reason_of
from phash_engine.actions.journal import SUFFIX
from phash_engine.catalogue import Photo
from phash_engine.errors import PlanError
from phash_engine.grouping.groups import Group, Groups

FORMAT = 1

Size = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A record of the file."""


class PlannedFile(_Record, frozen=True, kw_only=True):
    """A file as it was when the plan was made; ``folder`` is its real folder, if its path leads through links."""

    path: str
    size: Size
    mtime_ns: Nanoseconds
    folder: str = ""

    def __post_init__(self) -> None:
        _files.check_absolute(self.path)
        if self.folder:
            _files.check_absolute(self.folder)

    @property
    def real_folder(self) -> str:
        """The folder of the file, links resolved."""
        return self.folder or str(Path(self.path).parent)


class PlannedPhoto(PlannedFile, frozen=True, kw_only=True):
    """A photo with its digest in hex and its sidecars; one of a reference folder is never touched."""

    digest: str
    reference: bool = False
    sidecars: tuple[PlannedFile, ...] = msgspec.field(default=(), name="companions")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch("[0-9a-f]{64}", self.digest):
            raise ValueError(f"{self.path!r} has no digest")


class PlannedGroup(_Record, frozen=True):
    """The photo to keep, the duplicates to act on, and other photos to keep."""

    keeper: PlannedPhoto
    duplicates: tuple[PlannedPhoto, ...] = msgspec.field(default=(), name="others")
    kept: tuple[PlannedPhoto, ...] = ()


class _File(_Record, frozen=True, kw_only=True):
    """The whole file."""

    phash_plan: int
    catalogue: str
    root: str
    groups: tuple[PlannedGroup, ...]

    def __post_init__(self) -> None:
        if self.groups:
            _files.check_absolute(self.root)
        if self.catalogue:
            _files.check_path(self.catalogue)


@dataclass(frozen=True, repr=False)
class Plan:
    """Groups, the folder above all duplicates, and the catalogue they were found in, "" for none."""

    groups: tuple[PlannedGroup, ...]
    root: str
    catalogue: str = ""
    digest: str = ""
    """SHA-256 of the plan's file in hex; empty if it was not read from one."""

    @classmethod
    def from_groups(cls, groups: Groups) -> Plan:
        """Plan to keep the keeper of each group, and to act on its duplicates: see :func:`make`."""
        return make(groups)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Plan:
        """Read a plan; errors as :func:`read`."""
        return read(os.fspath(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan to a file, whole or not at all; errors as :func:`write`."""
        write(self, _files.absolute(path))

    def below_root(self, path: str) -> str:
        """Return the relative path of a file below the root, or below its drive if it is elsewhere."""
        root = self.root if _files.contains(self.root, path) else os.path.splitdrive(path)[0] + os.sep
        return os.path.relpath(path, root)

    def __repr__(self) -> str:
        duplicates = sum(len(group.duplicates) for group in self.groups)
        return f"Plan({len(self.groups)} groups, {duplicates} duplicates below {self.root!r})"


def make(groups: Groups) -> Plan:
    """Plan to keep the keeper of each group, and to act on the duplicates.

    Parameters
    ----------
    groups
        As ``find_groups`` returns them. Series of shots are left out, and so are photos whose files were never read,
        since their codes were computed elsewhere.
    """
    shots = [group for group in groups if not group.is_series and group.keeper.digest]
    planned = {
        photo.path: _planned(photo, groups)
        for group in shots
        for photo in (group.keeper, *group.kept, *group.duplicates)
        if photo.digest
    }
    filled = tuple(group for group in (_planned_group(group, planned) for group in shots) if group.duplicates)
    parents = {str(Path(photo.path).parent) for group in filled for photo in group.duplicates}
    return Plan(filled, os.path.commonpath(parents) if parents else "", groups.catalogue)


def check_target(path: str) -> None:
    """Check that a plan may be written to a path.

    Raises
    ------
    PlanError
        The path is that of another file, or of a plan that was applied; or its folder does not exist.
    """
    if not Path(path).absolute().parent.is_dir():
        raise PlanError(f"there is no folder {Path(path).parent} to write {Path(path).name} to")
    if os.path.lexists(path + SUFFIX):
        raise PlanError(f"{path} was applied, its journal is {path}{SUFFIX}: give the new plan another name")
    if os.path.lexists(path):
        try:
            read(path)
        except PlanError as error:
            raise PlanError(f"{path} exists and is not a plan: give the plan another name") from error


def write(plan: Plan, path: str) -> None:
    """Write a plan atomically; an older one that was not applied is replaced.

    Raises
    ------
    PlanError
        As for :func:`check_target`, or the file cannot be written.
    """
    check_target(path)
    try:
        _files.atomic_write(path, _encoded(plan))
    except OSError as error:
        raise PlanError(f"{path}: cannot write the plan: {reason_of(error)}") from error


def read(path: str) -> Plan:
    """Read a plan.

    Raises
    ------
    PlanError
        No such file, not a plan, of another version, or one that contradicts itself.
    """
    with _files.reading(path, PlanError):
        data = _files.read_document(path)
    try:
        text = _files.decoded(data)
        record = _json.loads(text)
    except ValueError as error:
        raise PlanError(f"{path} is not a plan ({error})") from error
    if not isinstance(record, dict) or "phash_plan" not in record:
        raise PlanError(f"{path} is not a plan (no 'phash_plan': line 1 column 1)")
    version = record["phash_plan"]
    if isinstance(version, int) and version != FORMAT:
        raise PlanError(f"{path} is a plan of version {version}, this phash_engine reads {FORMAT}: make a new plan")
    with _files.reading(f"{path}: invalid plan", PlanError):
        plan = _json.convert(record, _File, text)
        _check_consistent(plan.groups, text)
    return Plan(plan.groups, plan.root, plan.catalogue, hashlib.sha256(data).hexdigest())


def _planned_group(group: Group, planned: Mapping[str, PlannedPhoto]) -> PlannedGroup:
    duplicates, kept = (
        tuple(planned[photo.path] for photo in photos if photo.path in planned)
        for photos in (group.duplicates, group.kept)
    )
    return PlannedGroup(planned[group.keeper.path], duplicates, kept)


def _planned(photo: Photo, groups: Groups) -> PlannedPhoto:
    return PlannedPhoto(
        path=photo.path,
        size=photo.size,
        mtime_ns=photo.mtime_ns,
        folder=_real_folder(photo.path),
        digest=(photo.digest or b"").hex(),
        reference=_files.is_below(photo.path, groups.references),
        sidecars=tuple(_planned_sidecars(groups.sidecars.get(photo.path, ()))),
    )


def _planned_sidecars(paths: Iterable[str]) -> Iterator[PlannedFile]:
    for path in paths:
        try:
            status = os.lstat(path)
        except OSError:
            continue  # gone since the scan
        yield PlannedFile(path=path, size=status.st_size, mtime_ns=status.st_mtime_ns, folder=_real_folder(path))


def _real_folder(path: str) -> str:
    """Return the real folder of a file; empty if it is that of its path."""
    folder = str(Path(path).parent)
    real = os.path.realpath(folder)
    return "" if real == folder else real


def _encoded(plan: Plan) -> bytes:
    file = _File(phash_plan=FORMAT, catalogue=plan.catalogue, root=plan.root, groups=plan.groups)
    return _json.dumps(msgspec.to_builtins(file), indent=1) + b"\n"


def _check_consistent(groups: Sequence[PlannedGroup], text: str) -> None:
    """Raise ValueError if a path is both kept and a duplicate, or a duplicate twice: a plan may have been edited."""
    kept = {photo.path for group in groups for photo in (group.keeper, *group.kept)}
    seen: set[str] = set()
    for number, group in enumerate(groups):
        for other, photo in enumerate(group.duplicates):
            for file in (photo, *photo.sidecars):
                if file.path in kept or file.path in seen:
                    reason = "both kept and a duplicate" if file.path in kept else "a duplicate twice"
                    at = _json.place(text, f"$.groups[{number}].others[{other}]")
                    raise ValueError(f"{file.path!r} is {reason}: {at}")
                seen.add(file.path)
