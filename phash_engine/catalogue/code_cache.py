"""The codes of a catalogue as memory-mapped files in a folder next to it: they load faster than rows of SQLite.

Four arrays of one generation (see ``_arrays``), a row for each view: ``ids``, int64 ``(n,)`` ascending, of its codes;
``contents``, int64 ``(n,)``, of its content; ``views``, uint8 ``(n,)``; and ``codes``, uint64 ``(n, 10)`` column by
column.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import _arrays
from phash_engine.errors import IndexFileError

_FORMAT: Final = 4
_ARRAYS: Final = (("int64", ()), ("int64", ()), ("uint8", ()), ("uint64", (10,)))
"""Dtype of each array of :class:`CodeRows`, and shape of one row of it."""


class Header(NamedTuple):
    """What the codes are of: readers compare it before they use them. The stamp is of this generation alone.

    ``views`` are the numbers of the views by kind.
    """

    catalogue: str
    stamp: str
    spec: int
    views: Mapping[str, int]
    last_code_id: int
    deletions: int


class CodeRows(NamedTuple):
    """Codes by id: int64 ``(n,)`` ids, ascending, and contents; uint8 ``(n,)`` views; uint64 ``(n, 10)`` codes."""

    ids: NDArray[np.int64]
    contents: NDArray[np.int64]
    views: NDArray[np.uint8]
    codes: NDArray[np.uint64]

    def select(self, chosen: NDArray[np.bool_]) -> CodeRows:
        """Return the rows that a mask chooses; the columns of the codes stay contiguous."""
        codes = np.compress(chosen, self.codes.T, axis=1).T
        return CodeRows(self.ids[chosen], self.contents[chosen], self.views[chosen], codes)

    def followed_by(self, other: CodeRows) -> CodeRows:
        """Return these rows and then others; the columns of the codes stay contiguous."""
        return CodeRows(
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.contents, other.contents]),
            np.concatenate([self.views, other.views]),
            np.concatenate([self.codes.T, other.codes.T], axis=1).T,
        )


class Stored(NamedTuple):
    """One generation: its header, and its rows, memory-mapped."""

    header: Header
    rows: CodeRows


def save(directory: Path, header: Header, rows: CodeRows) -> None:
    """Write a new generation and drop the older ones.

    Raises
    ------
    IndexFileError
        The folder cannot be written, or holds files of others and no generation.
    """
    text = {"format": _FORMAT, **header._asdict(), "rows": len(rows.ids)}
    _arrays.write(directory, text, rows._replace(codes=np.asfortranarray(rows.codes))._asdict())


def open_newest(directory: Path) -> Stored | None:
    """Map the newest generation; None where there is none.

    Raises
    ------
    IndexFileError
        The generation is corrupt, cannot be read, or is of another format (``IndexFormatError``).
    """
    newest = _arrays.read_newest(directory, _FORMAT)
    if newest is None:
        return None
    header, arrays = newest
    try:
        number = header["rows"]
        stored = Stored(Header(*(header[name] for name in Header._fields)), CodeRows(**arrays))
    except (KeyError, TypeError) as error:
        raise IndexFileError(f"{directory}: corrupt index: {error}") from error
    if [(array.dtype.name, array.shape) for array in stored.rows] != [(name, (number, *row)) for name, row in _ARRAYS]:
        raise IndexFileError(f"{directory}: corrupt index: the arrays differ from the header")
    return stored
