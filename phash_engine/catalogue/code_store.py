"""The codes of a catalogue: rows of SQLite, and index files next to it that spare most readers those rows.

A trigger counts the codes that are deleted. Index files carry that count and the last id they hold: newer codes are
read from SQLite, and deleted ones are dropped.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue import code_cache
from phash_engine.catalogue.code_cache import CodeRows, Header, Stored
from phash_engine.catalogue.database import Database
from phash_engine.errors import CatalogueError, IndexFileError, IndexFormatError
from phash_engine.hashing.hashers import ALL_NAMES, SPEC
from phash_engine.hashing.views import CROP, FRAME, FULL, GROUND, TRIMMED, match_type

_SCHEME: Final = "native"
_SEARCHED: Final = f"scheme = '{_SCHEME}' AND spec = {SPEC}"
"""The condition in SQL on codes that can be searched; index files hold those of them that can be trusted."""
CURRENT: Final = f"{_SEARCHED} AND view = '{FULL}'"
"""The condition in SQL on those of the full view, of which each content has one."""

_COLUMNS: Final = ", ".join(ALL_NAMES)
_VIEW_NUMBERS: Final = {kind: int(match_type(kind)) for kind in (FULL, GROUND, TRIMMED, FRAME, CROP)}
_VIEW: Final = f"""CASE substr(view, 1, instr(view || ':', ':') - 1)
    {" ".join(f"WHEN '{kind}' THEN {number}" for kind, number in _VIEW_NUMBERS.items())} END"""
_STALE: Final = 10
"""Index files are written anew when one in this many of their codes is out of date."""


class CodeColumns(NamedTuple):
    """Codes of views, one row each.

    ``contents``, int64 ``(n,)``, are the ids of the contents; ``views``, int64 ``(n,)``, the plainest ``MatchType`` by
    which each view can match; ``codes``, uint64 ``(n, 10)``, in the order of ``hashers.ALL_NAMES``, columns contiguous.
    """

    contents: NDArray[np.int64]
    views: NDArray[np.int64]
    codes: NDArray[np.uint64]


class CodeStore:
    """The codes of an open database; :meth:`replace` expects an open transaction.

    Index files that cannot be used are no errors: ``notify`` gets each reason once, and SQLite is read.
    """

    def __init__(self, database: Database, notify: Callable[[str], object]) -> None:
        self._database = database
        self._notify = notify
        self._notified: set[str] = set()

    @property
    def directory(self) -> Path | None:
        """The folder of the index files; None for a catalogue in memory."""
        path = self._database.path
        return None if path is None else path.with_name(path.name + ".index")

    def columns(self, *, trust_all: bool = False) -> CodeColumns:
        """Return the codes of the present SPEC, of the views that can be trusted or of all."""
        _, contents, views, codes = self.rows(trust_all=trust_all)
        return CodeColumns(contents, views.astype(np.int64), codes)

    def rows(self, *, trust_all: bool = False) -> CodeRows:
        """Return the codes as :meth:`columns` does, with their ids, ascending.

        They come from the index files, memory-mapped, and from SQLite where it is newer; those of all views, whether
        they can be trusted or not, from SQLite alone.
        """
        if trust_all:
            return self._select(_SEARCHED)
        with self._database.snapshot():
            state = self._state()
            stored = self._stored(state)
            after = stored.header.last_code_id if stored else 0
            new = self._select(f"{_SEARCHED} AND trusted AND id > ?", after)
            kept = self._kept(stored, state["deletions"]) if stored else None
        if stored is None:
            return new
        if kept is None and not len(new.ids):
            return stored.rows
        old = stored.rows if kept is None else stored.rows.select(kept)
        return old.followed_by(new)

    def replace(
        self, contents: Iterable[int], views: Sequence[tuple[int, str, bool]], codes: NDArray[np.uint64]
    ) -> None:
        """Replace all codes of some contents.

        Parameters
        ----------
        contents
            Their ids.
        views
            Of each new row: content, name of the view, and whether it can be trusted.
        codes
            uint64 ``(n, 10)``, in the order of ``hashers.ALL_NAMES``.
        """
        self._database.executemany("DELETE FROM codes WHERE content_id = ?", ((content,) for content in contents))
        signed = codes.view(np.int64).tolist()
        self._database.executemany(
            f"""INSERT INTO codes (content_id, view, trusted, scheme, spec, {_COLUMNS})
            VALUES (?, ?, ?, '{_SCHEME}', {SPEC}{", ?" * len(ALL_NAMES)})""",
            ((*view, *row) for view, row in zip(views, signed, strict=True)),
        )

    def refresh_index(self) -> None:
        """Write the index files anew when a tenth or more of what they hold is out of date."""
        if self.directory is None:
            return
        try:
            with self._database.transaction():  # one writer at a time, and the codes as of one moment
                self._write_index(self.directory)
        except IndexFileError as error:
            self._note(f"{error}; codes are read from the catalogue instead, which is slower")

    def _write_index(self, directory: Path) -> None:
        state = self._state()
        stored = self._stored(state)
        if stored is not None:
            newer = "SELECT count(*) FROM codes WHERE id > ?"
            changes = self._database.value(newer, (stored.header.last_code_id,))
            changes += state["deletions"] - stored.header.deletions
            if changes * _STALE <= len(stored.rows.ids):
                return
        rows = self.rows()
        last = self._database.value("SELECT coalesce(max(id), 0) FROM codes")
        header = Header(state["uuid"], str(uuid.uuid4()), SPEC, _VIEW_NUMBERS, last, state["deletions"])
        code_cache.save(directory, header, rows)
        self._database.set_meta("index", header.stamp)

    def _select(self, condition: str, *parameters: int) -> CodeRows:
        query = f"SELECT id, content_id, {_VIEW}, {_COLUMNS} FROM codes WHERE {condition} ORDER BY id"
        numbers = np.fromiter(chain.from_iterable(self._database.select(query, parameters)), dtype=np.int64)
        table = numbers.reshape(-1, 3 + len(ALL_NAMES))
        ids, contents, views = table[:, :3].T.copy()
        return CodeRows(ids, contents, views.astype(np.uint8), np.asfortranarray(table[:, 3:]).view(np.uint64))

    def _state(self) -> dict[str, Any]:
        """Return what index files are compared with: the uuid of the catalogue, the stamp of its index, deletions."""
        state = dict(self._database.select("SELECT key, value FROM meta WHERE key IN ('uuid', 'index', 'deletions')"))
        if not isinstance(state.get("uuid"), str) or not isinstance(state.get("deletions"), int):
            raise CatalogueError(f"{self._database.path or 'catalogue'}: setting 'uuid' or 'deletions' is damaged")
        return state

    def _stored(self, state: Mapping[str, Any]) -> Stored | None:
        """Return the index files if they are those of this catalogue at the moment it is read.

        Files of another catalogue, another SPEC, with other numbers of views, of a later moment (in a snapshot, or
        where an older copy of the catalogue was restored) or corrupt ones are not used.
        """
        if self.directory is None:
            return None
        try:
            stored = code_cache.open_newest(self.directory)
        except IndexFormatError:
            return None
        except IndexFileError as error:
            self._note(
                f"index files are corrupt: {error}; read from the catalogue instead, and rebuilt by the next scan"
            )
            return None
        own = (state["uuid"], state.get("index"), SPEC, _VIEW_NUMBERS)
        return stored if stored and stored.header[:4] == own else None

    def _note(self, note: str) -> None:
        if note not in self._notified:
            self._notified.add(note)
            self._notify(note)

    def _kept(self, stored: Stored, deletions: int) -> NDArray[np.bool_] | None:
        """Return which stored codes still exist; None when none was deleted since."""
        if stored.header.deletions == deletions:
            return None
        rows = self._database.select("SELECT id FROM codes WHERE id <= ?", (stored.header.last_code_id,))
        return np.isin(stored.rows.ids, np.fromiter((row for (row,) in rows), dtype=np.int64))
