"""The settings of a catalogue: the views that scans make, and whatever else is to be the same next time."""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

from phash_engine import _files, _json
from phash_engine.catalogue.database import Database
from phash_engine.errors import CatalogueError
from phash_engine.hashing.views import CROP, FRAME, Wanted

T = TypeVar("T")

QUARANTINES: Final = "quarantines"
"""The setting that lists folders that files were moved to: absolute paths, quoted as in URLs, of any bytes."""


class Settings:
    """The settings of an open database, by name.

    Raises
    ------
    CatalogueError
        A setting is not what this version stores: the file was edited, or is damaged.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str, schema: type[T]) -> T | None:
        """Return a setting that is a JSON object, as a value of a schema; None where it was never set."""
        stored = self._database.meta(name)
        if stored is None:
            return None
        with _files.reading(self._place(name), CatalogueError):
            return _json.convert(_json.loads(stored if isinstance(stored, bytes) else str(stored)), schema)

    def set(self, name: str, value: Any) -> None:
        """Store a setting that JSON can hold; None removes it."""
        with self._database.transaction():
            if value is None:
                self._database.execute("DELETE FROM meta WHERE key = ?", (name,))
            else:
                self._database.set_meta(name, json.dumps(value))

    def requested_views(self) -> Wanted:
        """Return which views a scan makes."""
        return Wanted(bool(self._number(CROP)), self._number(FRAME))

    def request_views(self, requested: Wanted) -> None:
        """Set which views scans make from now on; contents that have other views are stale."""
        with self._database.transaction():
            self._database.set_meta(CROP, int(requested.crops))
            self._database.set_meta(FRAME, requested.frames)

    def _number(self, name: str) -> int:
        stored = self._database.meta(name) or 0
        if not isinstance(stored, int) or stored < 0:
            raise CatalogueError(f"{self._place(name)}: {stored!r:.100} is no number from 0")
        return stored

    def _place(self, name: str) -> str:
        return f"{self._database.path or 'catalogue'}: setting {name!r}"
