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
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from phash_engine import _files, _json
from phash_engine._files import reason_of
from phash_engine.actions.journal import SUFFIX
from phash_engine.catalogue import Photo
from phash_engine.errors import PlanError
from phash_engine.grouping.groups import Group, Groups

FORMAT = 1
_KEYS = {"duplicates": "others", "sidecars": "companions"}
"""Keys of the file that are not the names of the fields."""


@dataclass(frozen=True, kw_only=True)
class PlannedFile:
    """A file as it was when the plan was made; ``folder`` is its real folder, if its path leads through links."""

    path: str
    size: int
    mtime_ns: int
    folder: str = ""

    @property
    def real_folder(self) -> str:
        """The folder of the file, links resolved."""
        return self.folder or str(Path(self.path).parent)


@dataclass(frozen=True, kw_only=True)
class PlannedPhoto(PlannedFile):
    """A photo with its digest in hex and its sidecars; one of a reference folder is never touched."""

    digest: str
    reference: bool = False
    sidecars: tuple[PlannedFile, ...] = ()


@dataclass(frozen=True)
class PlannedGroup:
    """The photo to keep, the duplicates to act on, and other photos to keep."""

    keeper: PlannedPhoto
    duplicates: tuple[PlannedPhoto, ...]
    kept: tuple[PlannedPhoto, ...] = ()


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
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise PlanError(f"{path}: {reason_of(error)}") from error
    try:
        record = _json.loads(data)
        version = record["phash_plan"]
    except (ValueError, KeyError, TypeError) as error:
        where = f" ({error})" if isinstance(error, json.JSONDecodeError) else ""  # people edit plans
        raise PlanError(f"{path} is not a plan{where}: 'phash dedupe DIR --plan {path}' writes one") from error
    if version != FORMAT:
        raise PlanError(f"{path} is a plan of version {version}, this phash_engine reads {FORMAT}: make a new plan")
    try:
        groups = tuple(_group(group) for group in record["groups"])
        _check_consistent(groups)
        if groups and not Path(record["root"]).is_absolute():
            raise ValueError(f"{record['root']} is not an absolute path")
        return Plan(groups, record["root"], record["catalogue"], hashlib.sha256(data).hexdigest())
    except KeyError as error:
        raise PlanError(f"{path}: invalid plan: {error} is missing") from error
    except (ValueError, TypeError) as error:
        raise PlanError(f"{path}: invalid plan: {error}") from error


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
    groups = [_as_json(asdict(group)) for group in plan.groups]
    record = {"phash_plan": FORMAT, "catalogue": plan.catalogue, "root": plan.root, "groups": groups}
    return _json.dumps(record, indent=1) + b"\n"


def _as_json(value: Any) -> Any:
    """Return a value with the keys of the file, and without defaults."""
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        filled = {name: item for name, item in value.items() if item is not False and item not in ("", ())}
        return {_KEYS.get(name, name): _as_json(item) for name, item in filled.items()}
    return value


def _group(record: Any) -> PlannedGroup:
    duplicates, kept = (tuple(map(_photo, record.get(name, ()))) for name in (_KEYS["duplicates"], "kept"))
    return PlannedGroup(_photo(record["keeper"]), duplicates, kept)


def _photo(record: Any) -> PlannedPhoto:
    fields = dict(record)
    sidecars = tuple(PlannedFile(**sidecar) for sidecar in fields.pop(_KEYS["sidecars"], ()))
    return PlannedPhoto(**fields, sidecars=sidecars)


def _check_consistent(groups: Sequence[PlannedGroup]) -> None:
    """Raise ValueError if a path is both kept and a duplicate, or a duplicate twice: a plan may have been edited."""
    kept = {photo.path for group in groups for photo in (group.keeper, *group.kept)}
    seen: set[str] = set()
    for group in groups:
        for photo in (group.keeper, *group.kept, *group.duplicates):
            if not re.fullmatch("[0-9a-f]{64}", photo.digest):
                raise ValueError(f"{photo.path} has no digest")
        for file in (file for photo in group.duplicates for file in (photo, *photo.sidecars)):
            if file.path in kept:
                raise ValueError(f"{file.path} is both kept and a duplicate")
            if file.path in seen:
                raise ValueError(f"{file.path} is a duplicate twice")
            if not Path(file.path).is_absolute():
                raise ValueError(f"{file.path} is not an absolute path")
            seen.add(file.path)
