"""Sidecars: the files of the same shot that travel with a photo."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Final

from phash_engine import _files
from phash_engine._files import File
from phash_engine.catalogue import path_ranges
from phash_engine.catalogue.database import Database
from phash_engine.images import Movie

_MOVIE: Final = ", ".join(Movie._fields)


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
            """INSERT INTO sidecars (path, photo) VALUES (?, ?)
            ON CONFLICT (path) DO UPDATE SET photo = excluded.photo""",
            [(os.fsencode(path), os.fsencode(photo)) for path, photo in sidecars.items()],
        )

    def movies(self, paths: Iterable[str]) -> dict[str, dict[str, Movie]]:
        """Return what the movies of some photos say of themselves, by photo and path, of those that have any."""
        given = {os.fsencode(_files.absolute(path)): path for path in paths}
        found: defaultdict[str, dict[str, Movie]] = defaultdict(dict)
        query = f"SELECT photo, path, {_MOVIE} FROM sidecars WHERE photo IN ({{}}) AND size IS NOT NULL"
        for photo, path, *movie in sorted(self._database.select_by_blob(query, list(given)), key=itemgetter(1)):
            found[given[photo]][os.fsdecode(path)] = Movie(*movie)
        return dict(found)

    def read_movies(self, folder: str) -> set[File]:
        """Return the movies below a folder that have been read, as they were then."""
        query = "SELECT path, size, mtime_ns FROM sidecars WHERE path >= ? AND path < ? AND size IS NOT NULL"
        rows = self._database.select(query, path_ranges.below(folder))
        return {File(os.fsdecode(path), size, mtime_ns) for path, size, mtime_ns in rows}

    def put_movies(self, movies: Mapping[File, Movie]) -> None:
        """Store what sidecars say of themselves that are movies."""
        self._database.executemany(
            f"UPDATE sidecars SET (size, mtime_ns, {_MOVIE}) = (?, ?, ?, ?, ?) WHERE path = ?",
            [(file.size, file.mtime_ns, *movie, os.fsencode(file.path)) for file, movie in movies.items()],
        )

    def delete(self, paths: Iterable[str]) -> None:
        """Make files sidecars no longer."""
        self._database.executemany("DELETE FROM sidecars WHERE path = ?", ((os.fsencode(path),) for path in paths))

    def drop_unreferenced(self) -> None:
        """Delete the sidecars of photos that are no longer there."""
        self._database.execute("DELETE FROM sidecars WHERE photo NOT IN (SELECT path FROM photos)")
