"""What is to be done with groups, as a file that people can read, keep, and have done later.

::

    {"phash_plan": 1, "catalogue": "…/photos.db", "root": "/photos", "groups": [
        {"keeper": {"path": "…", "size": 83120, "mtime_ns": …, "digest": "9f86d0…"},
         "others": [{"path": "…", …, "companions": [{"path": "…", …}]}]}]}

Everything by which a file is known again stands in the plan, so that it is safe to wait a year with it: what is not
as it was then is left alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from phash_engine import _files
from phash_engine._files import sync_folder
from phash_engine.actions.journal import SUFFIX
from phash_engine.catalogue import Photo, Store
from phash_engine.errors import PlanError
from phash_engine.grouping.groups import Group

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class PlannedFile:
    """A file as it was when the plan was made; ``folder`` is the real one it is in, where links lead there."""

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
    """A photo with its digest in hex and its companions; one of a reference folder is never touched."""

    digest: str
    reference: bool = False
    companions: tuple[PlannedFile, ...] = ()


@dataclass(frozen=True)
class PlannedGroup:
    """The photo that stays, those that go, and those that stay beside the keeper."""

    keeper: PlannedPhoto
    others: tuple[PlannedPhoto, ...]
    kept: tuple[PlannedPhoto, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Groups, the folder above all files that may go, and the catalogue they were found in, "" for none."""

    groups: tuple[PlannedGroup, ...]
    root: str
    catalogue: str = ""
    digest: str = ""
    """SHA-256 of the file in hex, once it was read."""


def make(groups: Iterable[Group], catalogue: Store, references: Sequence[str] = ()) -> Plan:
    """Plan to keep the keeper of each group, and to let the others go.

    Parameters
    ----------
    groups
        As found in this catalogue. Series of shots are left out, and so are photos whose files nobody has read, as
        their codes were computed elsewhere.
    catalogue
        An open catalogue.
    references
        Folders whose photos must stay whatever happens.
    """
    groups = [group for group in groups if not group.series]
    folders = [_files.absolute(folder) for folder in references]
    wanted = {path for group in groups for path in (group.keeper, *group.kept, *group.others)}
    sidecars = catalogue.sidecars_of(wanted)
    photos = {
        photo.path: _planned(photo, sidecars.get(photo.path, ()), is_reference=_files.is_below(photo.path, folders))
        for photo in catalogue.photos()
        if photo.path in wanted and photo.digest
    }
    planned = (_planned_group(group, photos) for group in groups if group.keeper in photos)
    going = tuple(group for group in planned if group.others)
    places = {str(Path(other.path).parent) for group in going for other in group.others}
    return Plan(going, os.path.commonpath(places) if places else "", str(catalogue.path or ""))


def check_target(path: str) -> None:
    """Make sure that a plan may be written to a path.

    Raises
    ------
    PlanError
        Something else than a plan is there, or a plan that was begun, or not even the folder is there.
    """
    if not Path(path).absolute().parent.is_dir():
        raise PlanError(f"there is no folder {Path(path).parent} to write {Path(path).name} to")
    if os.path.lexists(path + SUFFIX):
        raise PlanError(f"{path} has a journal of what was done by it, {path}{SUFFIX}: give the new plan another name")
    if os.path.lexists(path):
        try:
            read(path)
        except PlanError as error:
            raise PlanError(f"{path} is there and no plan: give the plan another name") from error


def write(plan: Plan, path: str) -> None:
    """Write a plan, whole or not at all, in place of an older one that nobody has begun.

    Raises
    ------
    PlanError
        As for :func:`check_target`, or the file cannot be written.
    """
    check_target(path)
    temporary = Path(f"{path}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(_encoded(plan))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # nothing is there where nothing may be written
            temporary.unlink()
        raise PlanError(f"{path}: cannot write the plan: {(error.strerror or str(error)).lower()}") from error


def read(path: str) -> Plan:
    """Read a plan.

    Raises
    ------
    PlanError
        No such file, no plan, of another version, or one that contradicts itself.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise PlanError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    try:
        record = _files.decode(json.loads(data))
        version = record["phash_plan"]
    except (ValueError, KeyError, TypeError) as error:
        where = f" ({error})" if isinstance(error, json.JSONDecodeError) else ""  # people edit plans
        raise PlanError(f"{path} is no plan{where}: 'phash dedupe DIR --plan {path}' would write one") from error
    if version != FORMAT:
        raise PlanError(f"{path} is a plan of version {version}, this phash_engine reads {FORMAT}: make it anew")
    try:
        groups = tuple(_group(group) for group in record["groups"])
        _check(groups)
        if groups and not Path(record["root"]).is_absolute():
            raise ValueError(f"{record['root']} is no absolute path")
        return Plan(groups, record["root"], record["catalogue"], hashlib.sha256(data).hexdigest())
    except KeyError as error:
        raise PlanError(f"{path} is damaged: {error} is missing") from error
    except (ValueError, TypeError) as error:
        raise PlanError(f"{path} is damaged: {error}") from error


def _planned_group(group: Group, photos: Mapping[str, PlannedPhoto]) -> PlannedGroup:
    others, kept = (tuple(photos[path] for path in paths if path in photos) for paths in (group.others, group.kept))
    return PlannedGroup(photos[group.keeper], others, kept)


def _planned(photo: Photo, sidecars: Sequence[str], *, is_reference: bool) -> PlannedPhoto:
    return PlannedPhoto(
        path=photo.path,
        size=photo.size,
        mtime_ns=photo.mtime_ns,
        folder=_link_folder(photo.path),
        digest=(photo.digest or b"").hex(),
        reference=is_reference,
        companions=tuple(_companions(sidecars)),
    )


def _companions(sidecars: Sequence[str]) -> Iterator[PlannedFile]:
    for companion in sidecars:
        try:
            status = os.lstat(companion)
        except OSError:
            continue  # gone since the scan: nothing is there to go with the photo
        yield PlannedFile(
            path=companion, size=status.st_size, mtime_ns=status.st_mtime_ns, folder=_link_folder(companion)
        )


def _link_folder(path: str) -> str:
    """Return the real folder of a file, where it is another than the path says."""
    folder = str(Path(path).parent)
    real = os.path.realpath(folder)
    return "" if real == folder else real


def _encoded(plan: Plan) -> bytes:
    groups = [_without_defaults(asdict(group)) for group in plan.groups]
    record = {"phash_plan": FORMAT, "catalogue": plan.catalogue, "root": plan.root, "groups": groups}
    return (json.dumps(_files.encode(record), ensure_ascii=False, indent=1) + "\n").encode()


def _without_defaults(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_without_defaults(item) for item in value]
    if isinstance(value, dict):
        return {
            name: _without_defaults(item) for name, item in value.items() if item is not False and item not in ("", ())
        }
    return value


def _group(record: Any) -> PlannedGroup:
    others, kept = (tuple(_photo(photo) for photo in record.get(name, ())) for name in ("others", "kept"))
    return PlannedGroup(_photo(record["keeper"]), others, kept)


def _photo(record: Any) -> PlannedPhoto:
    companions = tuple(PlannedFile(**companion) for companion in record.get("companions", ()))
    return PlannedPhoto(**{**record, "companions": companions})


def _check(groups: Iterable[PlannedGroup]) -> None:
    """Make sure that each file has one fate: a plan may have been edited."""
    groups = list(groups)
    stays = {photo.path for group in groups for photo in (group.keeper, *group.kept)}
    goes: set[str] = set()
    for group in groups:
        for photo in (group.keeper, *group.kept, *group.others):
            if not re.fullmatch("[0-9a-f]{64}", photo.digest):
                raise ValueError(f"{photo.path} has no digest")
        for file in (file for other in group.others for file in (other, *other.companions)):
            if file.path in stays:
                raise ValueError(f"{file.path} is to stay and to go")
            if file.path in goes:
                raise ValueError(f"{file.path} is to go twice")
            if not Path(file.path).is_absolute():
                raise ValueError(f"{file.path} is no absolute path")
            goes.add(file.path)
