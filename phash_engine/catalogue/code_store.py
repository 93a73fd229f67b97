"""The codes of a catalogue: rows of SQLite, and beside it index files that spare most readers those rows.

Whoever deletes codes counts the deletions, and index files carry that count and the last id they hold: what is newer is
read from SQLite, what was deleted is dropped.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue import code_cache
from phash_engine.catalogue.database import Database
from phash_engine.errors import IndexFileError
from phash_engine.hashing.hashers import CODE_NAMES, MIRROR_NAMES, SPEC
from phash_engine.hashing.views import FULL

ALL_NAMES = CODE_NAMES + MIRROR_NAMES
SCHEME = "native"
SEARCHED = f"scheme = '{SCHEME}' AND spec = {SPEC}"
"""The condition in SQL on codes that can be searched; index files hold those of them that can be trusted."""

CURRENT = f"{SEARCHED} AND view = '{FULL}'"
"""The condition in SQL on those of the full view, of which each content has one."""

_COLUMNS = ", ".join(ALL_NAMES)


class CodeTable:
    """The codes of an open database; their owner is a digest, or the id of a photo with codes computed elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def directory(self) -> Path | None:
        """The folder of the index files; None for a catalogue in memory."""
        path = self._database.path
        return None if path is None else path.with_name(path.name + ".index")

    def insert(self, owners: Sequence[tuple[bytes | int, str, bool]], table: NDArray[np.uint64]) -> None:
        """Insert codes: owner, view and whether it can be trusted, and rows ``(n, 10)`` as :data:`ALL_NAMES`."""
        signed = table.view(np.int64).tolist()
        self._database.executemany(
            f"""INSERT INTO codes (owner, view, trusted, scheme, spec, {_COLUMNS})
            VALUES (?, ?, ?, '{SCHEME}', {SPEC}{", ?" * len(ALL_NAMES)})""",
            [(*owner, *row) for owner, row in zip(owners, signed, strict=True)],
        )

    def delete(self, owners: Sequence[bytes | int]) -> None:
        """Delete all codes of some owners."""
        delete = "DELETE FROM codes WHERE owner = ?"
        self._count_deletions(self._database.executemany(delete, [(owner,) for owner in owners]))

    def delete_unowned(self) -> None:
        """Delete the codes that no photo has any more."""
        self._count_deletions(
            self._database.execute(
                """DELETE FROM codes WHERE CASE typeof(owner)
                WHEN 'blob' THEN NOT EXISTS (SELECT 1 FROM photos WHERE digest = owner)
                ELSE NOT EXISTS (SELECT 1 FROM photos WHERE photos.id = owner AND digest IS NULL) END"""
            )
        )

    def table(self, *, trust_all: bool = False) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Return ids, int64 ``(n,)`` ascending, and codes, uint64 ``(n, 10)``, of all views that can be trusted.

        They come from the index files, memory-mapped, and from SQLite where it is newer; those of all views, whether
        they can be trusted or not, from SQLite alone.
        """
        if trust_all:
            return self._rows(SEARCHED)
        with self._database.snapshot():
            stored = self._stored()
            after = stored.header.last_code_id if stored else 0
            ids, table = self._rows(f"{SEARCHED} AND trusted AND id > ?", after)
            kept = self._kept(stored) if stored else None
        if stored is None:
            return ids, table
        if len(ids) == 0 and kept is None:
            return stored.ids, stored.codes
        old = (stored.ids, stored.codes) if kept is None else (stored.ids[kept], stored.codes[kept])
        return np.concatenate([old[0], ids]), np.asfortranarray(np.concatenate([old[1], table]))

    def refresh_index(self) -> None:
        """Write the index files anew when a tenth or more of what they hold is out of date."""
        if self.directory is None:
            return
        with self._database.transaction():  # one writer at a time, and the table as of one moment
            stored = self._stored()
            if stored is not None:
                newer = "SELECT count(*) FROM codes WHERE id > ?"
                changes = self._database.value(newer, (stored.header.last_code_id,))
                changes += self._deletions() - stored.header.deletions
                if changes * 10 <= len(stored.ids):
                    return
            ids, table = self.table()
            last = self._database.value("SELECT coalesce(max(id), 0) FROM codes")
            header = code_cache.Header(
                self._database.meta("uuid"), str(uuid.uuid4()), SPEC, last, self._database.meta("deletions")
            )
            code_cache.save(self.directory, header, ids, table)
            self._database.set_meta("index", header.stamp)

    def _rows(self, condition: str, *parameters: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        rows = self._database.select(f"SELECT id, {_COLUMNS} FROM codes WHERE {condition} ORDER BY id", parameters)
        table = np.array(list(rows), dtype=np.int64).reshape(-1, 1 + len(ALL_NAMES))
        return table[:, 0], table[:, 1:].view(np.uint64)

    def _deletions(self) -> int:
        return int(self._database.meta("deletions"))

    def _count_deletions(self, number: int) -> None:
        self._database.execute("UPDATE meta SET value = value + ? WHERE key = 'deletions'", (number,))

    def _stored(self) -> code_cache.Stored | None:
        """Return the index files if they are what this catalogue, at the moment it is seen, holds to be its own.

        Files of another catalogue, another SPEC, of a later moment (in a snapshot, or where an older copy of the
        catalogue was brought back) or torn are as good as none.
        """
        if self.directory is None:
            return None
        try:
            stored = code_cache.open_newest(self.directory)
        except IndexFileError:
            return None
        own = (self._database.meta("uuid"), self._database.meta("index"), SPEC)
        return stored if stored and stored.header[:3] == own else None

    def _kept(self, stored: code_cache.Stored) -> NDArray[np.bool_] | None:
        """Return which stored codes still exist; None when none was deleted since."""
        if stored.header.deletions == self._deletions():
            return None
        rows = self._database.select("SELECT id FROM codes WHERE id <= ?", (stored.header.last_code_id,))
        return np.isin(stored.ids, np.fromiter((row for (row,) in rows), dtype=np.int64))


def select(table: NDArray[np.uint64], chosen: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return the rows of a table that a mask chooses, its columns contiguous as those of the table; one copy."""
    return np.compress(chosen, table.T, axis=1).T
