"""The catalogue: one SQLite file that remembers photos, contents, codes and failures.

A *photo* is a path, a *content* is what one digest is; codes belong to the content, or to the photo itself where they
were computed elsewhere and the file was never seen. A photo whose file is gone is marked missing and forgotten only on
request. Write-ahead logging lets any number of readers go on while one writer commits.
"""

from __future__ import annotations

import json
import os
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from phash_engine import _files
from phash_engine.catalogue.code_store import ALL_NAMES, CURRENT, SEARCHED, CodeTable
from phash_engine.catalogue.database import Database
from phash_engine.catalogue.decisions import Decisions
from phash_engine.catalogue.imported_hashes import ForeignCodes
from phash_engine.hashing.hashers import CODE_NAMES
from phash_engine.hashing.views import CROP, FRAME, FULL, TRIMMED, VIEWS, Wanted, match_type

_IDS = 10_000
"""Ids asked for at once."""
UNREAD = -1
"""Size and time of a file that could not be read: they fit no file, so every scan tries again."""


class View(NamedTuple):
    """The codes of one view, a row of ``hashers.hash_blocks``, and whether they can be trusted."""

    name: str
    trusted: bool
    codes: NDArray[np.uint64]


class Content(NamedTuple):
    """What one digest is, with its views, and which of them were wanted when it was read.

    ``quality`` and ``detail`` are those of the full view.
    """

    digest: bytes
    width: int
    height: int
    format: str
    quality: int
    detail: float
    views: Sequence[View]
    wanted: Wanted = Wanted()
    is_animated: bool = False


class Sighting(NamedTuple):
    """A file as the scan met it: with its digest, or with the reason why it could not be read."""

    path: str
    size: int
    mtime_ns: int
    digest: bytes | None
    reason: str = ""


class KnownFile(NamedTuple):
    """What the catalogue holds of a file.

    ``state`` is "current", "stale" (its codes are of another SPEC, were never committed, or its views are not those
    that are wanted now), "missing" (its codes are good), "failed" or "imported" (codes computed elsewhere; size and
    mtime_ns are None).
    """

    size: int | None
    mtime_ns: int | None
    state: str


class Photo(NamedTuple):
    """A photo with what is known of its content; sizes are 0 and the format empty for codes computed elsewhere."""

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

    @classmethod
    def of_path(cls, path: str) -> Self:
        """Return a photo of which only the path is known."""
        return cls(path, 0, 0, None, 0, 0, "", 0, 0, 0)


class PhotoColumns(NamedTuple):
    """Photos that are not missing, in int64 columns ``(n,)``: the id of each photo, and that of its content."""

    ids: NDArray[np.int64]
    contents: NDArray[np.int64]


class FurtherCodes(NamedTuple):
    """Codes of other views than the full one, in int64 columns ``(n,)``.

    ``ids`` are theirs, ``full`` those of the full view of the same content, and ``ranks`` the positions in
    ``rules.RULES`` of the plainest rule by which each can match.
    """

    ids: NDArray[np.int64]
    full: NDArray[np.int64]
    ranks: NDArray[np.int64]

    def contents_of(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return of any codes, by id, the id of the full view of the same content, and the rank of their own view."""
        full, ranks = ids.copy(), np.full_like(ids, match_type(FULL))
        if self.ids.size:
            order = np.argsort(self.ids)
            places = order[np.minimum(np.searchsorted(self.ids, ids, sorter=order), self.ids.size - 1)]
            further = self.ids[places] == ids
            full[further], ranks[further] = self.full[places[further]], self.ranks[places[further]]
        return full, ranks


class Failure(NamedTuple):
    """A file that could not be read, and why."""

    path: str
    reason: str


class Store:
    """An open catalogue; use it in the thread that opened it.

    Parameters
    ----------
    path
        The SQLite file; None keeps everything in memory.
    create
        Whether to make the file, and the folders above it, where there is none.

    Raises
    ------
    CatalogueError
        No such file, not a catalogue, or written by a newer version.
    """

    def __init__(self, path: str | os.PathLike[str] | None, *, create: bool = True) -> None:
        self._database = Database(path, create=create)
        self.path = self._database.path
        self._codes = CodeTable(self._database)
        self.decisions = Decisions(self._database)
        self.foreign_codes = ForeignCodes(self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._database.close()

    def snapshot(self) -> AbstractContextManager[None]:
        """Let all that is read inside be of one moment, whatever other processes commit meanwhile."""
        return self._database.snapshot()

    # ── photos ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def known_files(self, folder: str) -> dict[str, KnownFile]:
        """Return what is known of each file below a folder, photos and failures alike."""
        photos = f"""
            SELECT path, size, mtime_ns, CASE
                WHEN digest IS NULL THEN 'imported'
                WHEN NOT EXISTS (SELECT 1 FROM contents WHERE contents.digest = photos.digest AND {self._as_wanted()})
                THEN 'stale'
                WHEN missing_since IS NOT NULL THEN 'missing'
                ELSE 'current' END
            FROM photos WHERE path >= ? AND path < ?"""
        failures = "SELECT path, size, mtime_ns, 'failed' FROM failures WHERE path >= ? AND path < ?"
        rows = (row for query in (photos, failures) for row in self._database.select(query, _below(folder)))
        return {os.fsdecode(path): KnownFile(size, mtime_ns, state) for path, size, mtime_ns, state in rows}

    def known_digests(self) -> set[bytes]:
        """Return the digests whose codes are of the present SPEC, and whose views are those that are wanted."""
        return {digest for (digest,) in self._database.select(f"SELECT digest FROM contents WHERE {self._as_wanted()}")}

    def wanted(self) -> Wanted:
        """Return which views a scan makes."""
        return Wanted(bool(self._database.meta(CROP)), self._database.meta(FRAME) or 0)

    def want(self, wanted: Wanted) -> None:
        """Set which views scans make from now on; contents that have others are stale."""
        with self._database.transaction():
            self._database.set_meta(CROP, int(wanted.crops))
            self._database.set_meta(FRAME, wanted.frames)

    def record(self, sightings: Sequence[Sighting], contents: Iterable[Content]) -> None:
        """Commit what a scan met, all of it or, on any error, nothing.

        What a changed file was before stays until :meth:`drop_unowned`: a file yet to come may be that content, moved.
        """
        read = [s for s in sightings if s.digest]
        failed = [s for s in sightings if not s.digest]
        with self._database.transaction():
            self._insert_contents({content.digest: content for content in contents})  # two threads may decode twins
            self._database.executemany(
                """INSERT INTO photos (path, size, mtime_ns, digest) VALUES (?, ?, ?, ?)
                ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,
                    digest = excluded.digest, missing_since = NULL""",
                [(os.fsencode(s.path), s.size, s.mtime_ns, s.digest) for s in read],
            )
            self._mark_gone([s.path for s in failed])  # what such a photo showed before is gone
            self._drop_failures(s.path for s in read)
            self._database.executemany(
                "INSERT INTO failures (path, size, mtime_ns, reason) VALUES (?, ?, ?, ?)",
                [(os.fsencode(s.path), s.size, s.mtime_ns, s.reason) for s in failed],
            )

    def retry(self, reasons: Iterable[str]) -> None:
        """Let the next scan try again the files that failed for these reasons."""
        with self._database.transaction():
            self._database.executemany(
                "UPDATE failures SET size = ?, mtime_ns = ? WHERE reason = ?",
                [(UNREAD, UNREAD, reason) for reason in reasons],
            )

    def mark_missing(self, paths: Iterable[str]) -> int:
        """Mark photos whose files are gone, and forget failures of such files; return how many were not marked yet.

        Photos whose codes were computed elsewhere are never missing: nobody has looked for their files.
        """
        with self._database.transaction():
            return self._mark_gone(list(paths))

    def mark_found(self, paths: Iterable[str]) -> None:
        """Mark missing photos whose files are back, unchanged."""
        with self._database.transaction():
            self._database.executemany(
                "UPDATE photos SET missing_since = NULL WHERE path = ?", ((os.fsencode(path),) for path in paths)
            )

    def forget(self, folder: str, *, missing_only: bool = False) -> int:
        """Remove the photos below a folder, failures and foreign codes with them; return how many photos.

        Those of which only foreign codes were known count too.
        """
        which = "path >= ? AND path < ?" + (" AND missing_since IS NOT NULL" if missing_only else "")
        with self._database.transaction():
            forgotten = 0 if missing_only else self.foreign_codes.delete(*_below(folder))
            forgotten += self._database.execute(f"DELETE FROM photos WHERE {which}", _below(folder))
            if not missing_only:
                self._database.execute("DELETE FROM failures WHERE path >= ? AND path < ?", _below(folder))
            self._database.execute("DELETE FROM companions WHERE photo NOT IN (SELECT path FROM photos)")
            self._drop_unowned()
        self.refresh_index()
        return forgotten

    def drop_unowned(self) -> None:
        """Remove the contents and codes that no photo has any more."""
        with self._database.transaction():
            self._drop_unowned()

    def photos(self, folders: Sequence[str] | None = None) -> Iterator[Photo]:
        """Yield the photos that are not missing, below the folders or everywhere, by path."""
        for bounds in _ranges(folders):
            yield from self._photos("path >= ? AND path < ?", bounds)

    def digest_of(self, path: str) -> bytes | None:
        """Return the digest of a photo's bytes as of the last scan, missing or not; None where it is not known."""
        digest: bytes | None = self._database.value("SELECT digest FROM photos WHERE path = ?", (os.fsencode(path),))
        return digest

    def photo(self, path: str) -> Photo | None:
        """Return the photo of a path; None if there is none, or it is missing."""
        return next(self._photos("path = ?", (os.fsencode(path),)), None)

    def photos_by_id(self, ids: Sequence[int]) -> Iterator[Photo]:
        """Yield the photos of some ids that are not missing."""
        for start in range(0, len(ids), _IDS):
            yield from self._photos(
                "photos.id IN (SELECT value FROM json_each(?))", (str(list(ids[start : start + _IDS])),)
            )

    def photo_columns(
        self, folders: Sequence[str] | None = None, left_out: Callable[[str], bool] | None = None
    ) -> PhotoColumns:
        """Return ids, contents and codes of the photos that are not missing, below the folders or everywhere.

        Parameters
        ----------
        folders
            Folders to look below; None for everywhere.
        left_out
            Tells by its path whether a photo is left out.
        """
        query = f"""SELECT photos.id, coalesce(digest, photos.id), codes.id, path
            FROM photos LEFT JOIN codes ON owner = coalesce(digest, photos.id) AND {CURRENT}
            WHERE missing_since IS NULL AND path >= ? AND path < ?"""
        ids, keys = array("q"), array("q")
        without_codes: dict[bytes | int, int] = {}
        for bounds in _ranges(folders):
            for photo, owner, code, path in self._database.select(query, bounds):
                if left_out is None or not left_out(os.fsdecode(path)):
                    ids.append(photo)
                    keys.append(without_codes.setdefault(owner, -1 - len(without_codes)) if code is None else code)
        return PhotoColumns(np.array(ids, dtype=np.int64), np.array(keys, dtype=np.int64))

    def views_of(self, code_ids: Iterable[int]) -> dict[int, tuple[bytes | int, str]]:
        """Return owner and view of each of the codes, by id, without those that are no more."""
        query = "SELECT owner, view FROM codes WHERE id = ?"
        return {code_id: row for code_id in code_ids for row in self._database.select(query, (code_id,))}

    def photos_with_digest(self, digest: bytes) -> list[Photo]:
        """Return the photos, not missing, that have a digest."""
        return list(self._photos("photos.digest = ?", (digest,)))

    def photos_of_contents(self, contents: Sequence[int]) -> dict[int, list[Photo]]:
        """Return the photos, not missing, of some contents, by path; an empty list of those that have none."""
        found: dict[int, list[Photo]] = {content: [] for content in contents}
        for start in range(0, len(contents), _IDS):
            which = "codes.id IN (SELECT value FROM json_each(?))"
            for photo in self._photos(which, (str(list(contents[start : start + _IDS])),)):
                found[photo.content_id].append(photo)
        return found

    def photos_with(self, owner: bytes | int) -> Iterator[Photo]:
        """Yield the photos, not missing, that have a digest, or are of an id and have codes computed elsewhere."""
        which = "digest = ?" if isinstance(owner, bytes) else "photos.id = ? AND digest IS NULL"
        return self._photos(which, (owner,))

    def companions(self, path: str | os.PathLike[str]) -> list[str]:
        """Return the files of the same shot that travel with a photo, by path."""
        query = "SELECT path FROM companions WHERE photo = ? ORDER BY path"
        photo = os.fsencode(_files.absolute(path))
        return [os.fsdecode(companion) for (companion,) in self._database.select(query, (photo,))]

    def sidecars_of(self, paths: Iterable[str]) -> dict[str, list[str]]:
        """Return the files of the same shot that travel with each photo that has any, by path."""
        found = {path: self.companions(path) for path in paths}
        return {path: sidecars for path, sidecars in found.items() if sidecars}

    def known_companions(self, folder: str) -> dict[str, str]:
        """Return the path of the photo by that of each of its companions below a folder."""
        query = "SELECT path, photo FROM companions WHERE path >= ? AND path < ?"
        return {os.fsdecode(path): os.fsdecode(photo) for path, photo in self._database.select(query, _below(folder))}

    def pair(self, companions: Mapping[str, str], separated: Iterable[str]) -> None:
        """Make files companions of photos, and no photos or failures any more; make others companions no longer."""
        with self._database.transaction():
            self._database.executemany("DELETE FROM companions WHERE path = ?", ((os.fsencode(p),) for p in separated))
            self._database.executemany(
                "INSERT OR REPLACE INTO companions (path, photo) VALUES (?, ?)",
                [(os.fsencode(path), os.fsencode(photo)) for path, photo in companions.items()],
            )
            self._drop_failures(companions)
            self._database.executemany("DELETE FROM photos WHERE path = ?", ((os.fsencode(p),) for p in companions))
            self._drop_unowned()

    def formats(self, digests: Iterable[bytes]) -> dict[bytes, str]:
        """Return the format of each content that is known."""
        found = {
            digest: self._database.value("SELECT format FROM contents WHERE digest = ?", (digest,))
            for digest in digests
        }
        return {digest: kind for digest, kind in found.items() if kind}

    def failures(self, folders: Sequence[str] | None = None) -> list[Failure]:
        """Return the files that could not be read, below the folders or everywhere, by path."""
        query = "SELECT path, reason FROM failures WHERE path >= ? AND path < ? ORDER BY path"
        rows = (row for bounds in _ranges(folders) for row in self._database.select(query, bounds))
        return [Failure(os.fsdecode(path), reason) for path, reason in rows]

    def counts(self) -> dict[str, int]:
        """Return how many photos, contents, codes and failures there are, and of which kinds."""
        queries = {
            "photos": "SELECT count(*) FROM photos WHERE missing_since IS NULL",
            "missing": "SELECT count(*) FROM photos WHERE missing_since IS NOT NULL",
            "contents": "SELECT count(*) FROM contents",
            "untrusted": f"SELECT count(*) FROM codes WHERE view = '{FULL}' AND NOT trusted",
            "codes": "SELECT count(*) FROM codes",
            "trimmed": f"SELECT count(*) FROM codes WHERE view = '{TRIMMED}'",
            "frames": f"SELECT count(*) FROM codes WHERE view LIKE '{FRAME}:%' AND view <> '{FULL}'",
            "crops": f"SELECT count(*) FROM codes WHERE view LIKE '{CROP}:%' AND view <> '{FULL}'",
            "foreign": "SELECT count(*) FROM foreign_codes",
            "failures": "SELECT count(*) FROM failures",
        }
        return {name: self._database.value(query) for name, query in queries.items()}

    # ── evidence ────────────────────────────────────────────────────────────────────────────────────────────────────

    def evidence(self, a: bytes, b: bytes, version: int) -> tuple[int | None, float | None, float | None, float | None]:
        """Return what a second look of this version saw of a pair of digests, the lower first; all None if nothing."""
        query = "SELECT inliers, correlation, change, colour FROM evidence WHERE a = ? AND b = ? AND version = ?"
        return next(self._database.select(query, (a, b, version)), (None, None, None, None))

    def record_evidence(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Keep rows of two digests, the version, and what :meth:`evidence` returns, in place of older ones."""
        with self._database.transaction():
            self._database.executemany("INSERT OR REPLACE INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    # ── settings ────────────────────────────────────────────────────────────────────────────────────────────────────

    def setting(self, name: str) -> Any:
        """Return a setting, as JSON holds it; None where it was never set."""
        stored = self._database.meta(name)
        return None if stored is None else json.loads(stored)

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a setting that JSON can hold; None forgets it."""
        with self._database.transaction():
            if value is None:
                self._database.execute("DELETE FROM meta WHERE key = ?", (name,))
            else:
                self._database.set_meta(name, json.dumps(value))

    # ── codes ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def add_fingerprints(self, paths: Sequence[str | os.PathLike[str]], array: NDArray[np.uint64]) -> None:
        """Add photos by codes of the present SPEC that were computed elsewhere; the files are not looked at.

        Parameters
        ----------
        paths
            ``n`` paths, made absolute; codes of a path that is known already are replaced, of a repeated path the last
            ones count.
        array
            uint64 ``(n, 5)`` in the order of ``hashers.CODE_NAMES``, or ``(n, 10)`` with the mirror codes. Mirror codes
            of 0 are unknown: see ``orientation.turned``.

        Raises
        ------
        TypeError, ValueError
            Another dtype or shape.
        """
        if array.dtype != np.uint64:
            raise TypeError(f"codes must be uint64, not {array.dtype}")
        if array.shape not in {(len(paths), len(CODE_NAMES)), (len(paths), len(ALL_NAMES))}:
            raise ValueError(f"{len(paths)} paths need codes of shape ({len(paths)}, 5) or (…, 10), not {array.shape}")
        table = np.zeros((len(paths), len(ALL_NAMES)), dtype=np.uint64)
        table[:, : array.shape[1]] = array
        rows = {os.fsencode(_files.absolute(path)): row for row, path in enumerate(paths)}
        with self._database.transaction():
            keys = [(path,) for path in rows]
            scanned = self._database.executemany(
                """UPDATE photos SET size = NULL, mtime_ns = NULL, digest = NULL, missing_since = NULL
                WHERE path = ? AND digest IS NOT NULL""",
                keys,
            )
            self._database.executemany("INSERT INTO photos (path) VALUES (?) ON CONFLICT (path) DO NOTHING", keys)
            owners = [self._database.value("SELECT id FROM photos WHERE path = ?", key) for key in keys]
            self._codes.delete(owners)
            self._codes.insert([(owner, FULL, True) for owner in owners], table[list(rows.values())])
            if scanned:
                self._drop_unowned()
        self.refresh_index()

    def code_columns(
        self, *, trust_all: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]:
        """Return content ids, match types and codes, uint64 ``(n, 10)``, of trusted views or of all."""
        ids, table = self.code_table(trust_all=trust_all)
        contents, ranks = self.further_codes().contents_of(ids)
        return contents, ranks, table

    def hidden_contents(self) -> NDArray[np.int64]:
        """Return the ids of the contents all of whose photos are missing."""
        hidden = self.hidden_codes()
        return np.unique(self.further_codes().contents_of(hidden)[0])

    def code_table(self, *, trust_all: bool = False) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Return ids, int64 ``(n,)`` ascending, and codes, uint64 ``(n, 10)``, of trusted views or of all."""
        return self._codes.table(trust_all=trust_all)

    def further_codes(self) -> FurtherCodes:
        """Return which codes are of other views than the full one."""
        query = f"""SELECT id, (SELECT id FROM codes AS whole WHERE whole.owner = codes.owner AND {CURRENT}), view
            FROM codes WHERE view <> '{FULL}' AND {SEARCHED}"""
        rows = ((code_id, full, match_type(view)) for code_id, full, view in self._database.select(query))
        return FurtherCodes(*np.array(list(rows), dtype=np.int64).reshape(-1, 3).T)

    def hidden_codes(self) -> NDArray[np.int64]:
        """Return the ids of codes all of whose photos are missing."""
        # CROSS JOIN keeps the order: from the few missing photos to their codes, never through all codes.
        query = """SELECT DISTINCT codes.id FROM photos INDEXED BY photos_missing CROSS JOIN codes ON owner = digest
            WHERE missing_since IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM photos AS other WHERE other.digest = owner AND other.missing_since IS NULL)"""
        return np.fromiter((code_id for (code_id,) in self._database.select(query)), dtype=np.int64)

    def refresh_index(self) -> None:
        """Write the index files anew when a tenth or more of what they hold is out of date."""
        self._codes.refresh_index()

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _photos(self, condition: str, parameters: Sequence[Any]) -> Iterator[Photo]:
        rows = self._database.select(
            f"""SELECT path, photos.size, mtime_ns, photos.digest, width, height, format, quality, codes.id, photos.id
            FROM photos LEFT JOIN contents USING (digest)
            LEFT JOIN codes ON owner = coalesce(photos.digest, photos.id) AND {CURRENT}
            WHERE missing_since IS NULL AND {condition} ORDER BY path""",
            parameters,
        )
        for path, size, mtime_ns, digest, width, height, kind, mark, code_id, photo_id in rows:
            yield Photo(
                os.fsdecode(path),
                size or 0,
                mtime_ns or 0,
                digest,
                width or 0,
                height or 0,
                kind or "",
                mark or 0,
                -photo_id if code_id is None else code_id,
                photo_id,
            )

    def _as_wanted(self) -> str:
        """Return the condition in SQL on contents whose codes are current, and of all views that are wanted."""
        crops, frames = self.wanted()
        return f"""views = {VIEWS} AND crops = {int(crops)} AND coalesce(frames, {frames}) = {frames}
            AND EXISTS (SELECT 1 FROM codes WHERE owner = contents.digest AND {CURRENT})"""

    def _insert_contents(self, contents: dict[bytes, Content]) -> None:
        if not contents:
            return
        self._database.executemany(
            f"""INSERT OR REPLACE INTO contents (digest, width, height, format, quality, detail, crops, frames, views)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, {VIEWS})""",
            [(*c[:6], int(c.wanted.crops), c.wanted.frames if c.is_animated else None) for c in contents.values()],
        )
        self._codes.delete(list(contents))
        rows = [(content.digest, view) for content in contents.values() for view in content.views]
        owners = [(digest, view.name, view.trusted) for digest, view in rows]
        self._codes.insert(owners, np.stack([view.codes for _, view in rows]))

    def _drop_unowned(self) -> None:
        """Delete the contents and codes that no photo has any more."""
        self._codes.delete_unowned()
        self._database.execute(
            "DELETE FROM contents WHERE NOT EXISTS (SELECT 1 FROM photos WHERE photos.digest = contents.digest)"
        )
        known = "(SELECT digest FROM contents)"
        self._database.execute(f"DELETE FROM evidence WHERE a NOT IN {known} OR b NOT IN {known}")

    def _mark_gone(self, paths: Sequence[str]) -> int:
        now = int(time.time())
        self._drop_failures(paths)
        return self._database.executemany(
            "UPDATE photos SET missing_since = ? WHERE path = ? AND missing_since IS NULL AND digest IS NOT NULL",
            [(now, os.fsencode(path)) for path in paths],
        )

    def _drop_failures(self, paths: Iterable[str]) -> None:
        self._database.executemany("DELETE FROM failures WHERE path = ?", ((os.fsencode(path),) for path in paths))


def _below(folder: str) -> tuple[bytes, bytes]:
    """Return the half-open range of encoded paths below an absolute folder."""
    separator = os.fsencode(os.sep)
    prefix = os.fsencode(_files.absolute(folder)).rstrip(separator) + separator
    return prefix, prefix[:-1] + bytes([prefix[-1] + 1])


def _ranges(folders: Sequence[str] | None) -> list[tuple[bytes, bytes]]:
    """Return disjoint ranges of encoded paths: those below the folders, or of all paths."""
    if folders is None:
        return [(b"", b"\xff")]
    ranges: list[tuple[bytes, bytes]] = []
    for low, high in sorted(map(_below, folders)):
        if not ranges or low >= ranges[-1][1]:
            ranges.append((low, high))
    return ranges
