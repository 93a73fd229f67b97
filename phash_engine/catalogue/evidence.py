"""What verification measured of pairs of contents, by digest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phash_engine.catalogue.database import Database

Measured = tuple[int | None, float | None, float | None, float | None]
"""Inliers, correlation, change and colour; None for what was not measured."""


class EvidenceStore:
    """The evidence of an open database; :meth:`drop_unreferenced` expects an open transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, a: bytes, b: bytes, version: int) -> Measured:
        """Return what this version of verification measured of a pair of digests, the lower first."""
        query = "SELECT inliers, correlation, change, colour FROM evidence WHERE a = ? AND b = ? AND version = ?"
        return next(self._database.select(query, (a, b, version)), (None, None, None, None))

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Store rows of two digests, the lower first, the version, and what was measured; they replace older ones.

        A catalogue that can only be read is left as it is: the pairs are measured again next time.
        """
        if self._database.is_read_only:
            return
        with self._database.transaction():
            self._database.executemany("INSERT OR REPLACE INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def drop_unreferenced(self) -> None:
        """Delete the evidence of contents that are no longer there."""
        known = "(SELECT digest FROM contents WHERE digest IS NOT NULL)"
        self._database.execute(f"DELETE FROM evidence WHERE a NOT IN {known} OR b NOT IN {known}")
