"""Files that could not be read: the next scan skips them until they change."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from phash_engine.catalogue import path_ranges
from phash_engine.catalogue.database import Database
from phash_engine.catalogue.photos import KnownFile, Sighting

UNREAD: Final = -1
"""Size and time of a file that could not be read: no file has them, so every scan tries it again."""


class Failure(NamedTuple):
    """A file that could not be read, and why."""

    path: str
    reason: str


class Failures:
    """The failures of an open database; :meth:`add` and the deleting methods expect an open transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def below(self, folders: Sequence[str] | None = None) -> list[Failure]:
        """Return the failures below the folders or everywhere, by path."""
        query = "SELECT path, reason FROM failures WHERE path >= ? AND path < ? ORDER BY path"
        rows = (row for bounds in path_ranges.of_folders(folders) for row in self._database.select(query, bounds))
        return [Failure(os.fsdecode(path), reason) for path, reason in rows]

    def known_files(self, folder: str) -> dict[str, KnownFile]:
        """Return what is known of each file below a folder."""
        query = "SELECT path, size, mtime_ns FROM failures WHERE path >= ? AND path < ?"
        rows = self._database.select(query, path_ranges.below(folder))
        return {os.fsdecode(path): KnownFile(size, mtime_ns, "failed") for path, size, mtime_ns in rows}

    def retry(self, reasons: Iterable[str]) -> None:
        """Let the next scan try again the files that failed for these reasons."""
        with self._database.transaction():
            self._database.executemany(
                "UPDATE failures SET size = ?, mtime_ns = ? WHERE reason = ?",
                [(UNREAD, UNREAD, reason) for reason in reasons],
            )

    def add(self, sightings: Iterable[Sighting]) -> None:
        """Add files that are not among the failures."""
        self._database.executemany(
            "INSERT INTO failures (path, size, mtime_ns, reason) VALUES (?, ?, ?, ?)",
            [(os.fsencode(file.path), file.size, file.mtime_ns, file.reason) for file in sightings],
        )

    def delete(self, paths: Iterable[str]) -> None:
        """Delete the failures of some paths."""
        self._database.executemany("DELETE FROM failures WHERE path = ?", ((os.fsencode(path),) for path in paths))

    def delete_below(self, folder: str) -> None:
        """Delete the failures below a folder."""
        self._database.execute("DELETE FROM failures WHERE path >= ? AND path < ?", path_ranges.below(folder))
