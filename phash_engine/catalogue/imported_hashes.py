"""Codes of the imagehash scheme that were computed elsewhere: rows of SQLite, one for each path and hasher.

They stand beside what a scan knows of the same path, and neither changes the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue.database import Database
from phash_engine.hashing import codes

HASHERS = ("average", "phash", "whash", "dhash")
"""What makes codes of the imagehash scheme; a hash of another size than 8x8 is no code."""

HASHER = "phash"
"""Whose codes are meant unless told otherwise."""


class ForeignCode(NamedTuple):
    """One code of a picture; ``path`` is absolute, ``hasher`` a name of :data:`HASHERS`."""

    path: str
    hasher: str
    code: np.uint64


class ForeignCodes:
    """The foreign codes of an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, added: Iterable[ForeignCode]) -> None:
        """Add codes, all or on any error none; they replace those that the path had of the hasher."""
        rows = [(os.fsencode(path), hasher, codes.to_signed(code)) for path, hasher, code in added]
        with self._database.transaction():
            self._database.executemany(
                "INSERT OR REPLACE INTO foreign_codes (path, hasher, code) VALUES (?, ?, ?)", rows
            )

    def delete(self, low: bytes, high: bytes) -> int:
        """Delete the codes of encoded paths from one to below another; return of how many paths that are no photos."""
        below = "path >= ? AND path < ?"
        alone = (
            f"SELECT count(DISTINCT path) FROM foreign_codes WHERE {below} AND path NOT IN (SELECT path FROM photos)"
        )
        number: int = self._database.value(alone, (low, high))
        self._database.execute(f"DELETE FROM foreign_codes WHERE {below}", (low, high))
        return number

    def of(self, hasher: str) -> tuple[list[str], NDArray[np.uint64]]:
        """Return the paths that have a code of the hasher, in their order, and the codes, uint64 ``(n,)``."""
        query = "SELECT path, code FROM foreign_codes WHERE hasher = ? ORDER BY path"
        rows = list(self._database.select(query, (hasher,)))
        return [os.fsdecode(path) for path, _ in rows], codes.from_signed(
            np.array([code for _, code in rows], np.int64)
        )

    def counts(self) -> dict[str, int]:
        """Return how many codes there are of each hasher that has any, most first."""
        query = "SELECT hasher, count(*) FROM foreign_codes GROUP BY hasher ORDER BY count(*) DESC, hasher"
        return dict(self._database.select(query))
