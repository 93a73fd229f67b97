"""Traits of contents, their grey planes, and the codes of their frames: what a scan keeps in addition to views.

Contents that were read before these were kept have none of them until they are read again.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue.database import Database
from phash_engine.images import GREY_SIDE, Traits

_NAMES: Final = ", ".join(Traits._fields)
_TEXTS: Final = frozenset("quality_basis camera lens software drive burst_id live_id icc content_class".split())
NUMERIC: Final = frozenset(Traits._fields) - _TEXTS
"""The traits that are numbers, or yes (1) or no (0)."""
_BY_ID: Final = "content_id IN (SELECT value FROM json_each(?))"


class KeptReading(NamedTuple):
    """What is kept of one file.

    Attributes
    ----------
    traits
        What the file says of itself, and what its pixels measure.
    grey
        uint8 ``(64, 64)``: see ``images.Reading``.
    frames
        Of files with several frames or pages the codes of some, uint64 ``(10,)``, by number.
    """

    traits: Traits
    grey: NDArray[np.uint8]
    frames: Mapping[int, NDArray[np.uint64]]


class TraitsStore:
    """The traits, planes and frames of an open database; :meth:`put` expects an open transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, kept: Iterable[tuple[int, KeptReading]]) -> None:
        """Store what is kept of contents, by their ids, in place of what was."""
        kept = list(kept)
        places = ", ".join("?" * (1 + len(Traits._fields)))
        self._database.executemany(
            f"INSERT OR REPLACE INTO traits (content_id, {_NAMES}) VALUES ({places})",
            ((content, *reading.traits) for content, reading in kept),
        )
        self._database.executemany(
            "INSERT OR REPLACE INTO planes (content_id, plane) VALUES (?, ?)",
            ((content, reading.grey.tobytes()) for content, reading in kept),
        )
        self._database.executemany("DELETE FROM frames WHERE content_id = ?", ((content,) for content, _ in kept))
        self._database.executemany(
            "INSERT INTO frames (content_id, number, codes) VALUES (?, ?, ?)",
            (
                (content, number, codes.astype("<u8").tobytes())
                for content, reading in kept
                for number, codes in reading.frames.items()
            ),
        )

    def of(self, contents: Sequence[int]) -> dict[int, Traits]:
        """Return the traits of contents by id, of those that have been read since traits are kept."""
        rows = self._database.select_by_id(f"SELECT content_id, {_NAMES} FROM traits WHERE {_BY_ID}", list(contents))
        return {content: _traits(values) for content, *values in rows}

    def columns(self, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Return some traits of all contents that have any, in one pass over the table.

        Parameters
        ----------
        names
            Of numeric fields of ``Traits``.

        Returns
        -------
        dict
            float64 ``(n,)`` by name, NaN where a trait is unknown; and int64 ``(n,)`` of the ids, ascending, as
            ``contents``. Microseconds since 1970 are exact in float64 until 2255.

        Raises
        ------
        ValueError
            No numeric trait has such a name.
        """
        if unknown := set(names) - NUMERIC:
            raise ValueError(f"{', '.join(sorted(unknown))}: no numeric trait; there are {', '.join(sorted(NUMERIC))}")
        listed = "".join(f", coalesce({name}, 9e999)" for name in names)  # infinity: SQLite has no NaN
        ids, values = array("q"), array("d")
        for content, *row in self._database.select(f"SELECT content_id{listed} FROM traits ORDER BY content_id"):
            ids.append(content)
            values.extend(row)
        table = np.array(values).reshape(len(ids), len(names))
        table[np.isinf(table)] = np.nan
        return {"contents": np.array(ids, dtype=np.int64)} | dict(zip(names, table.T.copy(), strict=True))

    def planes(self, contents: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
        """Return the grey planes of contents by id, uint8 ``(64, 64)``, of those that have one."""
        rows = self._database.select_by_id(f"SELECT content_id, plane FROM planes WHERE {_BY_ID}", list(contents))
        return {content: np.frombuffer(plane, np.uint8).reshape(GREY_SIDE, GREY_SIDE) for content, plane in rows}

    def frames(self, contents: Sequence[int]) -> dict[int, dict[int, NDArray[np.uint64]]]:
        """Return the codes of frames, uint64 ``(10,)``, by content and number, of files that have several."""
        query = f"SELECT content_id, number, codes FROM frames WHERE {_BY_ID} ORDER BY content_id, number"
        found: dict[int, dict[int, NDArray[np.uint64]]] = {}
        for content, number, codes in self._database.select_by_id(query, list(contents)):
            found.setdefault(content, {})[number] = np.frombuffer(codes, "<u8").astype(np.uint64)
        return found


def _traits(values: Iterable[Any]) -> Traits:
    """Return a row as traits; SQLite has no booleans."""
    pairs = zip(Traits._fields, values, strict=True)
    return Traits._make(bool(value) if name.startswith("has_") else value for name, value in pairs)
