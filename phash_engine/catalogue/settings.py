"""The settings of a catalogue: the views that scans make, and whatever else is to be the same next time."""

from __future__ import annotations

import json
from typing import Any

from phash_engine.catalogue.database import Database
from phash_engine.hashing.views import CROP, FRAME, Wanted


class Settings:
    """The settings of an open database, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Any:
        """Return a setting, as JSON holds it; None where it was never set."""
        stored = self._database.meta(name)
        return None if stored is None else json.loads(stored)

    def set(self, name: str, value: Any) -> None:
        """Store a setting that JSON can hold; None removes it."""
        with self._database.transaction():
            if value is None:
                self._database.execute("DELETE FROM meta WHERE key = ?", (name,))
            else:
                self._database.set_meta(name, json.dumps(value))

    def requested_views(self) -> Wanted:
        """Return which views a scan makes."""
        return Wanted(bool(self._database.meta(CROP)), self._database.meta(FRAME) or 0)

    def request_views(self, requested: Wanted) -> None:
        """Set which views scans make from now on; contents that have other views are stale."""
        with self._database.transaction():
            self._database.set_meta(CROP, int(requested.crops))
            self._database.set_meta(FRAME, requested.frames)
