"""Photos: the paths of a catalogue, each with its content."""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue import path_ranges
from phash_engine.catalogue.contents import is_current
from phash_engine.catalogue.database import Database
from phash_engine.hashing.views import Wanted

_SELECT = """SELECT path, coalesce(size, 0), coalesce(mtime_ns, 0), digest, coalesce(width, 0), coalesce(height, 0),
    coalesce(format, ''), coalesce(quality, 0), content_id, photos.id, intact, fault
    FROM photos JOIN contents ON contents.id = content_id WHERE missing_since IS NULL AND """
_BELOW = "path >= ? AND path < ?"
IS_DAMAGED: Final = "fault <> '' AND intact = 0"
"""The condition in SQL on contents whose bytes are damaged."""
IS_UNDECODED: Final = "fault <> '' AND format IS NULL"
"""The condition in SQL on contents that cannot be decoded."""


class Photo(NamedTuple):
    """A photo with what is known of its content.

    Sizes are 0 and the format is empty for codes computed elsewhere, and for files that cannot be decoded, which match
    by equal bytes alone. ``intact`` is whether the bytes are undamaged, None where that is unknown; ``fault`` what is
    wrong with them, or why they cannot be decoded.
    """

    path: str
    size: int
    mtime_ns: int
    digest: bytes | None
    width: int
    height: int
    format: str
    quality: int
    content_id: int
    id: int
    intact: int | None = None
    fault: str = ""

    @property
    def is_decoded(self) -> bool:
        """Whether the picture could be decoded, here or where its codes were computed."""
        return bool(self.format) or not self.fault

    @property
    def is_damaged(self) -> bool:
        """Whether the bytes are known to be damaged."""
        return self.intact == 0

    @classmethod
    def of_path(cls, path: str) -> Self:
        """Return a photo of which only the path is known."""
        return cls(path, 0, 0, None, 0, 0, "", 0, 0, 0)


class PhotoColumns(NamedTuple):
    """Photos that are not missing, in int64 columns ``(n,)``: the id of each photo, and that of its content."""

    ids: NDArray[np.int64]
    contents: NDArray[np.int64]


class Sighting(NamedTuple):
    """A file as a scan found it.

    ``digest`` is None where the bytes could not be read; ``reason`` says why the file could not be read or decoded, and
    ``is_damaged`` whether that is because its bytes are damaged.
    """

    path: str
    size: int
    mtime_ns: int
    digest: bytes | None
    reason: str = ""
    is_damaged: bool = False


class KnownFile(NamedTuple):
    """What the catalogue holds of a file.

    ``state`` is "current", "stale" (its codes are of another SPEC, were never committed, or its views are not those
    requested now), "missing" (its codes are good), "failed" or "imported" (codes computed elsewhere; size and mtime_ns
    are None).
    """

    size: int | None
    mtime_ns: int | None
    state: str


class Photos:
    """The photos of an open database; methods that write expect an open transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def below(self, folders: Sequence[str] | None = None) -> Iterator[Photo]:
        """Yield the photos that are decoded and not missing, below the folders or everywhere, by path."""
        for bounds in path_ranges.of_folders(folders):
            query = f"{_SELECT} {_BELOW} AND NOT ({IS_UNDECODED}) ORDER BY path"
            yield from _photos(self._database.select(query, bounds))

    def damaged(self, folders: Sequence[str] | None = None) -> list[Photo]:
        """Return the photos that are not intact and not missing, decoded or not, below the folders, by path."""
        query = f"{_SELECT} {_BELOW} AND {IS_DAMAGED} ORDER BY path"
        rows = (row for bounds in path_ranges.of_folders(folders) for row in self._database.select(query, bounds))
        return list(_photos(rows))

    def at(self, path: str) -> Photo | None:
        """Return the photo of a path; None if there is none, or it is missing."""
        return next(_photos(self._database.select(f"{_SELECT} path = ?", (os.fsencode(path),))), None)

    def by_id(self, ids: Sequence[int]) -> Iterator[Photo]:
        """Yield the photos of some ids that are not missing."""
        which = "photos.id IN (SELECT value FROM json_each(?))"
        return _photos(self._database.select_by_id(f"{_SELECT} {which} ORDER BY path", ids))

    def of_contents(self, contents: Sequence[int]) -> dict[int, list[Photo]]:
        """Return the photos, not missing, of some contents, by path; an empty list for a content that has none."""
        found: dict[int, list[Photo]] = {content: [] for content in contents}
        which = "content_id IN (SELECT value FROM json_each(?))"
        for photo in _photos(self._database.select_by_id(f"{_SELECT} {which} ORDER BY path", list(found))):
            found[photo.content_id].append(photo)
        return found

    def with_digest(self, digest: bytes) -> list[Photo]:
        """Return the photos, not missing, that have a digest, by path."""
        return list(_photos(self._database.select(f"{_SELECT} digest = ? ORDER BY path", (digest,))))

    def digest_of(self, path: str) -> bytes | None:
        """Return the digest of a photo as of the last scan, missing or not; None where it is not known."""
        query = "SELECT digest FROM photos JOIN contents ON contents.id = content_id WHERE path = ?"
        digest: bytes | None = self._database.value(query, (os.fsencode(path),))
        return digest

    def columns(
        self, folders: Sequence[str] | None = None, is_excluded: Callable[[str], bool] | None = None
    ) -> PhotoColumns:
        """Return the ids and contents of the photos that are not missing, below the folders or everywhere.

        Parameters
        ----------
        folders
            Folders to look below; None for everywhere.
        is_excluded
            Whether the photo of a path is left out; None to leave out none.
        """
        query = "SELECT id, content_id, path FROM photos WHERE missing_since IS NULL"
        if folders is None:
            rows = self._database.select(query)
        else:
            ranges = path_ranges.of_folders(folders)
            rows = (row for bounds in ranges for row in self._database.select(f"{query} AND {_BELOW}", bounds))
        ids, contents = array("q"), array("q")
        for photo, content, path in rows:
            if is_excluded is None or not is_excluded(os.fsdecode(path)):
                ids.append(photo)
                contents.append(content)
        return PhotoColumns(np.array(ids, dtype=np.int64), np.array(contents, dtype=np.int64))

    def hidden_contents(self) -> NDArray[np.int64]:
        """Return the ids of the contents all of whose photos are missing, int64 ``(n,)``."""
        query = """SELECT DISTINCT content_id FROM photos INDEXED BY photos_missing WHERE missing_since IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM photos AS other
                WHERE other.content_id = photos.content_id AND other.missing_since IS NULL)"""
        return np.fromiter((content for (content,) in self._database.select(query)), dtype=np.int64)

    def known_files(self, folder: str, requested: Wanted, *, with_traits: bool) -> dict[str, KnownFile]:
        """Return what is known of each photo below a folder; what is current, ``contents.is_current`` says."""
        query = f"""SELECT path, size, mtime_ns, CASE
                WHEN digest IS NULL THEN 'imported'
                WHEN NOT ({is_current(requested, with_traits=with_traits)}) THEN 'stale'
                WHEN missing_since IS NOT NULL THEN 'missing'
                ELSE 'current' END
            FROM photos JOIN contents ON contents.id = content_id WHERE {_BELOW}"""
        rows = self._database.select(query, path_ranges.below(folder))
        return {os.fsdecode(path): KnownFile(size, mtime_ns, state) for path, size, mtime_ns, state in rows}

    def contents_at(self, paths: Sequence[bytes]) -> dict[bytes, tuple[int, bool]]:
        """Return the content of each encoded path that is known, and whether its digest is known too."""
        query = """SELECT path, content_id, digest IS NOT NULL
            FROM photos JOIN contents ON contents.id = content_id WHERE path IN ({})"""
        rows = self._database.select_by_blob(query, paths)
        return {path: (content, bool(has_digest)) for path, content, has_digest in rows}

    def with_codes_from_elsewhere(self, paths: Iterable[str]) -> set[str]:
        """Return which of some paths have codes that were computed elsewhere."""
        known = self.contents_at([os.fsencode(path) for path in paths])
        return {os.fsdecode(path) for path, (_, has_digest) in known.items() if not has_digest}

    def put(self, rows: Iterable[tuple[bytes, int | None, int | None, int]]) -> None:
        """Add rows of encoded path, size, mtime_ns and content, which replace those of the same paths."""
        self._database.executemany(
            """INSERT INTO photos (path, size, mtime_ns, content_id) VALUES (?, ?, ?, ?)
            ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,
                content_id = excluded.content_id, missing_since = NULL""",
            rows,
        )

    def mark_missing(self, paths: Iterable[str]) -> int:
        """Mark photos whose files are gone; return how many were not marked yet.

        Photos whose codes were computed elsewhere are never missing: their files were never looked for.
        """
        now = int(time.time())
        return self._database.executemany(
            """UPDATE photos SET missing_since = ? WHERE path = ? AND missing_since IS NULL
            AND (SELECT digest FROM contents WHERE contents.id = content_id) IS NOT NULL""",
            [(now, os.fsencode(path)) for path in paths],
        )

    def mark_found(self, paths: Iterable[str]) -> None:
        """Mark missing photos whose files are back, unchanged."""
        self._database.executemany(
            "UPDATE photos SET missing_since = NULL WHERE path = ?", [(os.fsencode(path),) for path in paths]
        )

    def delete(self, paths: Iterable[str]) -> None:
        """Delete the photos of some paths."""
        self._database.executemany("DELETE FROM photos WHERE path = ?", [(os.fsencode(path),) for path in paths])

    def delete_below(self, folder: str, *, missing_only: bool) -> int:
        """Delete the photos below a folder, or those of them that are missing; return how many."""
        which = f"{_BELOW} AND missing_since IS NOT NULL" if missing_only else _BELOW
        return self._database.execute(f"DELETE FROM photos WHERE {which}", path_ranges.below(folder))


def _photos(rows: Iterator[Any]) -> Iterator[Photo]:
    return (Photo(os.fsdecode(path), *known) for path, *known in rows)
