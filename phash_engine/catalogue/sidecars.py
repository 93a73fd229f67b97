"""Sidecars: the files of the same shot that travel with a photo."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping

from phash_engine import _files
from phash_engine.catalogue import path_ranges
from phash_engine.catalogue.database import Database


class Sidecars:
    """The sidecars of an open database; methods that write expect an open transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, paths: Iterable[str]) -> dict[str, list[str]]:
        """Return the sidecars, by path, of each of some photos that has any."""
        given = {os.fsencode(_files.absolute(path)): path for path in paths}
        found: defaultdict[str, list[str]] = defaultdict(list)
        query = "SELECT photo, path FROM sidecars WHERE photo IN ({})"
        for photo, sidecar in sorted(self._database.select_by_blob(query, list(given))):
            found[given[photo]].append(os.fsdecode(sidecar))
        return dict(found)

    def below(self, folder: str) -> dict[str, str]:
        """Return the path of the photo by that of each of its sidecars below a folder."""
        query = "SELECT path, photo FROM sidecars WHERE path >= ? AND path < ?"
        rows = self._database.select(query, path_ranges.below(folder))
        return {os.fsdecode(path): os.fsdecode(photo) for path, photo in rows}

    def put(self, sidecars: Mapping[str, str]) -> None:
        """Make files sidecars of photos."""
        self._database.executemany(
            "INSERT OR REPLACE INTO sidecars (path, photo) VALUES (?, ?)",
            [(os.fsencode(path), os.fsencode(photo)) for path, photo in sidecars.items()],
        )

    def delete(self, paths: Iterable[str]) -> None:
        """Make files sidecars no longer."""
        self._database.executemany("DELETE FROM sidecars WHERE path = ?", ((os.fsencode(path),) for path in paths))

    def drop_unreferenced(self) -> None:
        """Delete the sidecars of photos that are no longer there."""
        self._database.execute("DELETE FROM sidecars WHERE photo NOT IN (SELECT path FROM photos)")
