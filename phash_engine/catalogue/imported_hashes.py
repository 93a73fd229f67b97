"""Imported hashes: codes of the imagehash scheme that were computed elsewhere, one for each path and hasher.

They are independent of what a scan knows of the same path.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue import path_ranges
from phash_engine.catalogue.database import Database
from phash_engine.hashing import codes

HASHERS = ("average", "phash", "whash", "dhash")
"""What makes codes of the imagehash scheme; a hash of another size than 8x8 is no code."""

HASHER = "phash"
"""The hasher of codes for which none is named."""


class ImportedHash(NamedTuple):
    """One code of a picture; ``path`` is absolute, ``hasher`` a name of :data:`HASHERS`."""

    path: str
    hasher: str
    code: np.uint64


class ImportedHashes:
    """The imported hashes of an open database; :meth:`delete_below` expects an open transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, hashes: Iterable[ImportedHash]) -> None:
        """Add hashes, all or on any error none; they replace those that the path had of the hasher."""
        rows = [(os.fsencode(path), hasher, codes.to_signed(code)) for path, hasher, code in hashes]
        with self._database.transaction():
            self._database.executemany(
                "INSERT OR REPLACE INTO imported_hashes (path, hasher, code) VALUES (?, ?, ?)", rows
            )

    def delete_below(self, folder: str) -> int:
        """Delete the hashes below a folder; return of how many paths that are no photos."""
        bounds = path_ranges.below(folder)
        which = "FROM imported_hashes WHERE path >= ? AND path < ?"
        alone = f"SELECT count(DISTINCT path) {which} AND path NOT IN (SELECT path FROM photos)"
        number: int = self._database.value(alone, bounds)
        self._database.execute(f"DELETE {which}", bounds)
        return number

    def of(self, hasher: str) -> tuple[list[str], NDArray[np.uint64]]:
        """Return the paths that have a code of the hasher, in their order, and the codes, uint64 ``(n,)``."""
        query = "SELECT path, code FROM imported_hashes WHERE hasher = ? ORDER BY path"
        rows = list(self._database.select(query, (hasher,)))
        signed = np.array([code for _, code in rows], dtype=np.int64)
        return [os.fsdecode(path) for path, _ in rows], codes.from_signed(signed)

    def counts(self) -> dict[str, int]:
        """Return how many codes there are of each hasher that has any, most first."""
        query = "SELECT hasher, count(*) FROM imported_hashes GROUP BY hasher ORDER BY count(*) DESC, hasher"
        return dict(self._database.select(query))
