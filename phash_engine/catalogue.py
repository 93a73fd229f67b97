"""The catalogue: one SQLite file that remembers photos, contents, codes and failures.

A *photo* is a path, a *content* is what one digest is; codes belong to the content, or to the photo itself where they
were computed elsewhere and the file was never seen. A photo whose file is gone is marked missing and forgotten only on
request. Write-ahead logging lets any number of readers go on while one writer commits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from phash_engine import code_files
from phash_engine.database import Database
from phash_engine.errors import IndexFileError
from phash_engine.hashers import CODE_NAMES, MIRROR_NAMES, SPEC

ALL_NAMES = CODE_NAMES + MIRROR_NAMES
SCHEME = "native"
FULL = "full"

_COLUMNS = ", ".join(ALL_NAMES)
_TRUSTED = f"scheme = '{SCHEME}' AND spec = {SPEC} AND view = '{FULL}' AND trusted"


class Content(NamedTuple):
    """What one digest is, and all its codes: a row of ``hashers.hash_blocks``."""

    digest: bytes
    width: int
    height: int
    format: str
    quality: int
    codes: NDArray[np.uint64]


class Sighting(NamedTuple):
    """A file as the scan met it: with its digest, or with the reason why it could not be read."""

    path: str
    size: int
    mtime_ns: int
    digest: bytes | None
    reason: str = ""


class KnownFile(NamedTuple):
    """What the catalogue holds of a file.

    ``state`` is "current", "stale" (its codes are of another SPEC, or were never committed), "missing", "failed" or
    "imported" (codes computed elsewhere; size and mtime_ns are None).
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
    code_id: int | None


class Failure(NamedTuple):
    """A file that could not be read, and why."""

    path: str
    reason: str


class Catalogue:
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._database.close()

    @property
    def index_directory(self) -> Path | None:
        """The folder of the index files; None for a catalogue in memory."""
        return None if self.path is None else self.path.with_name(self.path.name + ".index")

    # ── photos ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def known_files(self, folder: str) -> dict[str, KnownFile]:
        """Return what is known of each file below a folder, photos and failures alike."""
        photos = f"""
            SELECT path, size, mtime_ns, CASE
                WHEN digest IS NULL THEN 'imported'
                WHEN missing_since IS NOT NULL THEN 'missing'
                WHEN EXISTS (SELECT 1 FROM codes WHERE owner = digest AND scheme = '{SCHEME}' AND spec = {SPEC})
                THEN 'current' ELSE 'stale' END
            FROM photos WHERE path >= ? AND path < ?"""
        failures = "SELECT path, size, mtime_ns, 'failed' FROM failures WHERE path >= ? AND path < ?"
        rows = (row for query in (photos, failures) for row in self._database.execute(query, _below(folder)))
        return {os.fsdecode(path): KnownFile(size, mtime_ns, state) for path, size, mtime_ns, state in rows}

    def known_digests(self) -> set[bytes]:
        """Return the digests whose codes are of the present SPEC."""
        owners = f"SELECT owner FROM codes WHERE scheme = '{SCHEME}' AND spec = {SPEC} AND typeof(owner) = 'blob'"
        return {owner for (owner,) in self._database.execute(owners)}

    def record(self, sightings: Sequence[Sighting], contents: Iterable[Content]) -> None:
        """Commit what a scan met, all of it or, on any error, nothing."""
        read = [s for s in sightings if s.digest]
        failed = [s for s in sightings if not s.digest]
        with self._database.transaction():
            replaced = self._owners("path = ?", [(os.fsencode(s.path),) for s in read])
            for content in contents:
                self._insert_content(content)
            self._database.executemany(
                """INSERT INTO photos (path, size, mtime_ns, digest) VALUES (?, ?, ?, ?)
                ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,
                    digest = excluded.digest, missing_since = NULL""",
                [(os.fsencode(s.path), s.size, s.mtime_ns, s.digest) for s in read],
            )
            self._drop_unowned(replaced)
            self._mark_gone([s.path for s in failed])  # what such a photo showed before is gone
            self._drop_failures(s.path for s in read)
            self._database.executemany(
                "INSERT INTO failures (path, size, mtime_ns, reason) VALUES (?, ?, ?, ?)",
                [(os.fsencode(s.path), s.size, s.mtime_ns, s.reason) for s in failed],
            )

    def mark_missing(self, paths: Iterable[str]) -> None:
        """Mark photos whose files are gone; failures of such files are forgotten."""
        with self._database.transaction():
            self._mark_gone(list(paths))

    def mark_found(self, paths: Iterable[str]) -> None:
        """Mark missing photos whose files are back, unchanged."""
        with self._database.transaction():
            self._database.executemany(
                "UPDATE photos SET missing_since = NULL WHERE path = ?", ((os.fsencode(path),) for path in paths)
            )

    def forget(self, folder: str, *, missing_only: bool = False) -> int:
        """Remove the photos below a folder, and their failures, from the catalogue; return how many photos."""
        which = "path >= ? AND path < ?" + (" AND missing_since IS NOT NULL" if missing_only else "")
        with self._database.transaction():
            owners = self._owners(which, [_below(folder)])
            forgotten = self._database.execute(f"DELETE FROM photos WHERE {which}", _below(folder)).rowcount
            self._drop_unowned(owners)
            if not missing_only:
                self._database.execute("DELETE FROM failures WHERE path >= ? AND path < ?", _below(folder))
        self.refresh_index()
        return forgotten

    def photos(self, folders: Sequence[str] | None = None) -> Iterator[Photo]:
        """Yield the photos that are not missing, below the folders or everywhere, by path."""
        for bounds in _ranges(folders):
            yield from self._photos("path >= ? AND path < ?", bounds)

    def photos_of(self, code_ids: Iterable[int]) -> dict[int, list[Photo]]:
        """Return the photos, not missing, that have each of the codes."""
        found: dict[int, list[Photo]] = {}
        for code_id in code_ids:
            ((owner,),) = self._database.execute("SELECT owner FROM codes WHERE id = ?", (code_id,)).fetchall() or [
                (None,)
            ]
            column = "digest" if isinstance(owner, bytes) else "photos.id"
            found[code_id] = list(self._photos(f"{column} = ?", (owner,)))
        return found

    def photos_with(self, digest: bytes) -> Iterator[Photo]:
        """Yield the photos, not missing, whose bytes have this digest, by path."""
        return self._photos("digest = ?", (digest,))

    def failures(self, folders: Sequence[str] | None = None) -> list[Failure]:
        """Return the files that could not be read, below the folders or everywhere, by path."""
        query = "SELECT path, reason FROM failures WHERE path >= ? AND path < ? ORDER BY path"
        rows = (row for bounds in _ranges(folders) for row in self._database.execute(query, bounds))
        return [Failure(os.fsdecode(path), reason) for path, reason in rows]

    def counts(self) -> dict[str, int]:
        """Return how many photos, missing photos, contents, untrusted contents, codes and failures there are."""
        queries = {
            "photos": "SELECT count(*) FROM photos WHERE missing_since IS NULL",
            "missing": "SELECT count(*) FROM photos WHERE missing_since IS NOT NULL",
            "contents": "SELECT count(*) FROM contents",
            "untrusted": "SELECT count(*) FROM codes WHERE NOT trusted",
            "codes": "SELECT count(*) FROM codes",
            "failures": "SELECT count(*) FROM failures",
        }
        return {name: self._database.execute(query).fetchone()[0] for name, query in queries.items()}

    # ── codes ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def add_fingerprints(self, paths: Sequence[str | os.PathLike[str]], array: NDArray[np.uint64]) -> None:
        """Add photos by codes of the present SPEC that were computed elsewhere; the files are not looked at.

        Parameters
        ----------
        paths
            ``n`` paths, made absolute; codes of a path that is known already are replaced.
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
        encoded = [os.fsencode(os.path.abspath(path)) for path in paths]
        with self._database.transaction():
            self._database.executemany(
                """INSERT INTO photos (path) VALUES (?) ON CONFLICT (path) DO UPDATE SET
                size = NULL, mtime_ns = NULL, digest = NULL, missing_since = NULL""",
                [(path,) for path in encoded],
            )
            owners = [next(iter(self._owners("path = ?", [(path,)]))) for path in encoded]
            for owner in owners:
                self._delete_codes(owner)
            self._insert_codes(owners, np.ones(len(owners), dtype=np.bool_), table)
        self.refresh_index()

    def code_table(self) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Return ids, int64 ``(n,)`` ascending, and codes, uint64 ``(n, 10)``, of all views that can be trusted.

        They come from the index files, memory-mapped, and from SQLite where it is newer.
        """
        stored = self._stored()
        after = stored.header.last_code_id if stored else 0
        rows = self._database.execute(
            f"SELECT id, {_COLUMNS} FROM codes WHERE id > ? AND {_TRUSTED} ORDER BY id", (after,)
        )
        newer = np.array(rows.fetchall(), dtype=np.int64).reshape(-1, 1 + len(ALL_NAMES))
        ids, table = newer[:, 0], newer[:, 1:].view(np.uint64)
        if stored is None:
            return ids, table
        kept = self._kept(stored)
        if len(ids) == 0 and kept is None:
            return stored.ids, stored.codes
        old = (stored.ids, stored.codes) if kept is None else (stored.ids[kept], stored.codes[kept])
        return np.concatenate([old[0], ids]), np.asfortranarray(np.concatenate([old[1], table]))

    def hidden_codes(self) -> NDArray[np.int64]:
        """Return the ids of codes all of whose photos are missing."""
        query = """SELECT codes.id FROM photos JOIN codes ON owner = photos.{key} WHERE missing_since IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM photos AS other WHERE other.{key} = owner AND other.missing_since IS NULL)"""
        rows = (row for key in ("digest", "id") for (row,) in self._database.execute(query.format(key=key)))
        return np.unique(np.fromiter(rows, dtype=np.int64))

    def refresh_index(self) -> None:
        """Write the index files anew when a tenth or more of what they hold is out of date."""
        if self.index_directory is None:
            return
        with self._database.transaction():  # one writer at a time, and the table as of one moment
            last = self._database.execute("SELECT coalesce(max(id), 0) FROM codes").fetchone()[0]
            stored = self._stored()
            if stored is not None:
                newer = self._database.execute("SELECT count(*) FROM codes WHERE id > ?", (stored.header.last_code_id,))
                changes = newer.fetchone()[0] + self._deletions() - stored.header.deletions
                if changes * 10 <= len(stored.ids):
                    return
            ids, table = self.code_table()
            header = code_files.Header(self._database.meta("uuid"), SPEC, last, self._deletions())
            code_files.save(self.index_directory, header, ids, table)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _deletions(self) -> int:
        return int(self._database.meta("deletions"))

    def _count_deletions(self, number: int) -> None:
        self._database.execute("UPDATE meta SET value = value + ? WHERE key = 'deletions'", (number,))

    def _stored(self) -> code_files.Stored | None:
        """Return the index files if they are of this catalogue and SPEC; anything else is as good as none."""
        if self.index_directory is None:
            return None
        try:
            stored = code_files.open_newest(self.index_directory)
        except IndexFileError:
            return None
        if stored and (stored.header.catalogue, stored.header.spec) == (self._database.meta("uuid"), SPEC):
            return stored
        return None

    def _kept(self, stored: code_files.Stored) -> NDArray[np.bool_] | None:
        """Return which stored codes still exist; None when none was deleted since."""
        if stored.header.deletions == self._deletions():
            return None
        rows = self._database.execute("SELECT id FROM codes WHERE id <= ?", (stored.header.last_code_id,))
        return np.isin(stored.ids, np.fromiter((row for (row,) in rows), dtype=np.int64))

    def _photos(self, condition: str, parameters: Sequence[Any]) -> Iterator[Photo]:
        rows = self._database.execute(
            f"""SELECT path, photos.size, mtime_ns, photos.digest, width, height, format, quality, codes.id
            FROM photos LEFT JOIN contents USING (digest)
            LEFT JOIN codes ON owner = coalesce(photos.digest, photos.id) AND {_TRUSTED}
            WHERE missing_since IS NULL AND {condition} ORDER BY path""",
            parameters,
        )
        for path, size, mtime_ns, digest, width, height, kind, quality, code_id in rows:
            yield Photo(
                os.fsdecode(path),
                size or 0,
                mtime_ns or 0,
                digest,
                width or 0,
                height or 0,
                kind or "",
                quality or 0,
                code_id,
            )

    def _insert_content(self, content: Content) -> None:
        self._database.execute("INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?)", content[:5])
        self._delete_codes(content.digest)
        self._insert_codes([content.digest], np.array([content.quality > 0]), content.codes[np.newaxis])

    def _insert_codes(self, owners: Sequence[Any], trusted: NDArray[np.bool_], table: NDArray[np.uint64]) -> None:
        signed = table.view(np.int64).tolist()
        self._database.executemany(
            f"""INSERT INTO codes (owner, view, scheme, spec, trusted, {_COLUMNS})
            VALUES (?, '{FULL}', '{SCHEME}', {SPEC}, ?{", ?" * len(ALL_NAMES)})""",
            [(owner, int(trust), *row) for owner, trust, row in zip(owners, trusted, signed, strict=True)],
        )

    def _owners(self, condition: str, parameters: Iterable[Sequence[Any]]) -> set[bytes | int]:
        """Return the owners of the codes of the photos that meet the condition under one of the parameter rows."""
        query = f"SELECT coalesce(digest, id) FROM photos WHERE {condition}"
        return {owner for row in parameters for (owner,) in self._database.execute(query, row)}

    def _drop_unowned(self, owners: Iterable[bytes | int]) -> None:
        """Delete those contents and codes, of the owners given, that no photo has any more."""
        for owner in owners:
            condition = "digest = ?" if isinstance(owner, bytes) else "id = ? AND digest IS NULL"
            if not self._owners(condition, [(owner,)]):
                self._delete_codes(owner)
                self._database.execute("DELETE FROM contents WHERE digest = ?", (owner,))

    def _delete_codes(self, owner: bytes | int) -> None:
        self._count_deletions(self._database.execute("DELETE FROM codes WHERE owner = ?", (owner,)).rowcount)

    def _mark_gone(self, paths: Sequence[str]) -> None:
        now = int(time.time())
        self._database.executemany(
            "UPDATE photos SET missing_since = ? WHERE path = ? AND missing_since IS NULL",
            [(now, os.fsencode(path)) for path in paths],
        )
        self._drop_failures(paths)

    def _drop_failures(self, paths: Iterable[str]) -> None:
        self._database.executemany("DELETE FROM failures WHERE path = ?", ((os.fsencode(path),) for path in paths))


def _below(folder: str) -> tuple[bytes, bytes]:
    """Return the half-open range of encoded paths below an absolute folder."""
    separator = os.fsencode(os.sep)
    prefix = os.fsencode(os.path.abspath(folder)).rstrip(separator) + separator
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
