"""Folders that are no collection of photos: what a scan passes over, and whose photos are never kept before others.

A system or an application keeps in them what was deleted, older versions, thumbnails, or a store of its own. Names that
people give to folders too, such as ``cache``, count only where a second mark is there. Folders that ``phash apply``
moved files to, quarantines, are known by their name, ``PLAN.quarantine``, or listed in the catalogue.

The layouts are the documented ones: the trash of freedesktop.org (Trash specification 1.0), cache folders with a tag
(bford.info/cachedir), Immich (its storage folders, each with a file ``.immich``), PhotoPrism (a storage folder with a
file ``.ppstorage``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from phash_engine import _files
from phash_engine.catalogue import Photo, Store
from phash_engine.catalogue.settings import QUARANTINES
from phash_engine.errors import UsageError

TRASH: Final = "trash"
VERSIONS: Final = "versions"
THUMBNAILS: Final = "thumbnails"
STORE: Final = "store"
QUARANTINE: Final = "quarantine"

MEANING: Final = {
    TRASH: "of deleted files",
    VERSIONS: "of older versions",
    THUMBNAILS: "of thumbnails or caches",
    STORE: "of an application's own store",
    QUARANTINE: "of files that 'phash apply' moved",
}
"""The kinds of managed folders, in words that follow ``folders``."""


class ManagedFolder(NamedTuple):
    """A folder that is managed: its path, one of the kinds of :data:`MEANING`, and whose it is."""

    path: str
    kind: str
    application: str


class Database(NamedTuple):
    """A database of an application that keeps track of the photos around it: folders with one are scanned."""

    path: str
    application: str


class Rule(NamedTuple):
    """Which folders are managed.

    Attributes
    ----------
    name
        The folder's name, matched without regard to case; with a leading ``*`` the end of it, with a trailing ``*`` its
        beginning. With a slash the name of the folder above comes first.
    kind, application
        As in :class:`ManagedFolder`.
    marks
        Second marks, paths from the folder on: all of one of these must exist. Empty where the name is enough.
    """

    name: str
    kind: str
    application: str
    marks: tuple[tuple[str, ...], ...] = ()


_TAG = ("CACHEDIR.TAG",)

RULES: Final = (
    Rule(".Trash", TRASH, "freedesktop.org, macOS"),
    Rule(".Trash-*", TRASH, "freedesktop.org"),
    Rule("Trash", TRASH, "freedesktop.org", (("files", "info"),)),
    Rule(".Trashes", TRASH, "macOS"),
    Rule("Network Trash Folder", TRASH, "macOS"),
    Rule("$RECYCLE.BIN", TRASH, "Windows"),
    Rule("RECYCLER", TRASH, "Windows"),
    Rule("RECYCLED", TRASH, "Windows", (("INFO2",), ("desktop.ini",))),
    Rule("#recycle", TRASH, "Synology"),
    Rule("@sharebin", TRASH, "Synology"),
    Rule("@Recycle", TRASH, "QNAP"),
    Rule(".recycle", TRASH, "Samba"),
    Rule(".Recycle.Bin", TRASH, "Unraid"),
    Rule(".dtrash", TRASH, "digiKam"),
    Rule("files_trashbin", TRASH, "Nextcloud", (("../files",),)),
    Rule(".stversions", VERSIONS, "Syncthing"),
    Rule(".sync", VERSIONS, "Resilio Sync", (("Archive",), ("ID",))),
    Rule("files_versions", VERSIONS, "Nextcloud", (("../files",),)),
    Rule("#snapshot", VERSIONS, "Synology"),
    Rule("@Recently-Snapshot", VERSIONS, "QNAP"),
    Rule(".snapshots", VERSIONS, "Snapper"),
    Rule(".zfs", VERSIONS, "ZFS"),
    Rule("System Volume Information", VERSIONS, "Windows"),
    Rule("@eaDir", THUMBNAILS, "Synology"),
    Rule(".@__thumb", THUMBNAILS, "QNAP"),
    Rule(".thumbnails", THUMBNAILS, "freedesktop.org, Android"),
    Rule(".cache", THUMBNAILS, "freedesktop.org"),
    Rule("iPod Photo Cache", THUMBNAILS, "Apple"),
    Rule("CaptureOne/Cache", THUMBNAILS, "Capture One"),
    *(
        Rule(name, THUMBNAILS, "Immich", ((".immich",), (f"../{other}", "../upload"), (f"../{other}", "../library")))
        for name, other in (("thumbs", "encoded-video"), ("encoded-video", "thumbs"))
    ),
    Rule("cache", THUMBNAILS, "PhotoPrism", (("../.ppstorage",),)),
    Rule("sidecar", THUMBNAILS, "PhotoPrism", (("../.ppstorage",),)),
    Rule("storage/cache", THUMBNAILS, "PhotoPrism", (("thumbnails", "../../originals"), ("thumbnails", "../config"))),
    Rule("storage/sidecar", THUMBNAILS, "PhotoPrism", (("../../originals", "../cache"), ("../cache", "../config"))),
    Rule("appdata_*", THUMBNAILS, "Nextcloud", (("preview",),)),
    Rule("_data", THUMBNAILS, "Piwigo", (("i", "../galleries"),)),
    *(Rule(name, THUMBNAILS, "a tagged cache", (_TAG,)) for name in ("cache", "caches", "thumbs", "thumbnails")),
    Rule("*.photoslibrary", STORE, "Apple Photos"),
    Rule("*.photolibrary", STORE, "iPhoto"),
    Rule("*.migratedphotolibrary", STORE, "iPhoto"),
    Rule("iPhoto Library", STORE, "iPhoto", (("AlbumData.xml",), ("Library.iPhoto",))),
    Rule("*.aplibrary", STORE, "Aperture"),
    Rule("*.migratedaplibrary", STORE, "Aperture"),
    Rule("*.lrdata", STORE, "Lightroom"),
    Rule("*.lrcat-data", STORE, "Lightroom"),
    Rule("*.lrlibrary", STORE, "Lightroom"),
    Rule("*.cocatalog", STORE, "Capture One"),
    Rule(".photoprism", STORE, "PhotoPrism"),
    Rule(".stfolder", STORE, "Syncthing"),
    Rule(".dropbox.cache", STORE, "Dropbox"),
    Rule(".@upload_cache", STORE, "QNAP"),
    Rule("*.quarantine", QUARANTINE, "phash"),
)
"""All rules; ``lost+found`` is none of them, since what a check of the file system saved may be the only copy."""

_DATABASES: Final = {f"{os.sep}digikam4.db": "digiKam", ".lrcat": "Lightroom"}
"""Ends of the paths, in lower case, of databases that lie among photos."""


class ManagedFolders:
    """Recognises managed folders; what lies above a path is looked at once.

    Parameters
    ----------
    quarantines
        Absolute paths of the folders that files were moved to.
    """

    def __init__(self, quarantines: Iterable[str] = ()) -> None:
        self._quarantines: dict[str, list[str]] = {}
        for folder in quarantines:
            self._quarantines.setdefault(_name(folder), []).append(folder)
        self._innermost: dict[str, ManagedFolder | None] = {}

    def at(self, folder: str) -> ManagedFolder | None:
        """Return what the folder of an absolute path is, whatever lies above it; None if it is not managed."""
        if any(_is_same(folder, quarantine) for quarantine in self._quarantines.get(_name(folder), ())):
            return ManagedFolder(folder, QUARANTINE, "phash")
        rule = next((rule for rule in _rules_of_name(_name(folder)) if _fits(folder, rule)), None)
        return rule and ManagedFolder(folder, rule.kind, rule.application)

    def containing(self, folder: str, root: str | None = None) -> ManagedFolder | None:
        """Return the innermost managed folder that is a folder itself or lies above it; None if there is none.

        Parameters
        ----------
        folder
            Absolute path.
        root
            Only folders below this one count; None for all.
        """
        found = self._containing(folder)
        if found is None or root is None:
            return found
        return found if found.path != root and _files.contains(root, found.path) else None

    def _containing(self, folder: str) -> ManagedFolder | None:
        unknown: list[str] = []
        while folder not in self._innermost:
            unknown.append(folder)
            above, _ = os.path.split(folder)
            if above == folder:
                break
            folder = above
        found = self._innermost.get(folder)
        for below in reversed(unknown):
            found = self._innermost[below] = self.at(below) or found
        return found


def of(catalogue: Store) -> ManagedFolders:
    """Return the managed folders of a catalogue: those of :data:`RULES`, and its quarantines."""
    return ManagedFolders(quarantines(catalogue))


def quarantines(catalogue: Store) -> list[str]:
    """Return the absolute paths of the folders that files were moved to."""
    quoted = catalogue.settings.get(QUARANTINES, list[str]) or []
    return [os.fsdecode(unquote_to_bytes(path)) for path in quoted]


def check_quarantine(catalogue: Store, folder: str) -> None:
    """Check that scans may pass over a folder, an absolute path, since no photos of the collection are in it.

    Raises
    ------
    UsageError
        The catalogue has photos there that did not come from a managed folder.
    """
    photo = _unmanaged_photo(catalogue, folder)
    if photo:
        raise UsageError(
            f"{folder} has photos of the collection, such as {photo.path}: name a new folder, scans will pass over it"
        )


def add_quarantine(catalogue: Store, folder: str) -> None:
    """Remember that files are moved to a folder: scans pass over it from now on. Errors as :func:`check_quarantine`."""
    check_quarantine(catalogue, folder)
    known, real = quarantines(catalogue), os.path.realpath(folder)
    if real not in known:
        catalogue.settings.set(QUARANTINES, [quote(os.fsencode(path)) for path in sorted([*known, real])])


def database_at(path: str) -> Database | None:
    """Return the database that a file is, by its name; None for other files."""
    name = path.lower()
    return next((Database(path, application) for end, application in _DATABASES.items() if name.endswith(end)), None)


def _unmanaged_photo(catalogue: Store, folder: str) -> Photo | None:
    managed = of(catalogue)
    photos = catalogue.photos([folder, os.path.realpath(folder)])
    return next((photo for photo in photos if not managed.containing(os.path.split(photo.path)[0])), None)


def _name(folder: str) -> str:
    return os.path.split(folder)[1].casefold()


def _is_same(folder: str, other: str) -> bool:
    return folder == other or (_files.file_id(folder) or folder) == _files.file_id(other)


def _rules_of_name(name: str) -> Iterator[Rule]:
    yield from _BY_NAME.get(name, ())
    yield from _BY_NAME.get("*" + os.path.splitext(name)[1], ())
    for beginning, rule in _BY_BEGINNING.items():
        if name.startswith(beginning):
            yield rule


def _fits(folder: str, rule: Rule) -> bool:
    """Whether a folder, whose own name fits, has the name above it and the marks of a rule."""
    above, slash, _ = rule.name.rpartition("/")
    if slash and _name(os.path.split(folder)[0]) != above.casefold():
        return False
    return not rule.marks or any(all(_exists(folder, mark) for mark in marks) for marks in rule.marks)


def _exists(folder: str, mark: str) -> bool:
    return os.path.lexists(os.path.normpath(f"{folder}/{mark}"))


_BY_NAME: Final[dict[str, list[Rule]]] = {}
_BY_BEGINNING: Final = {rule.name[:-1].casefold(): rule for rule in RULES if rule.name.endswith("*")}
for _rule in RULES:
    _BY_NAME.setdefault(_rule.name.rpartition("/")[2].casefold(), []).append(_rule)
