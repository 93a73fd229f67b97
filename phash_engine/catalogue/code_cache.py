"""The codes of a catalogue as memory-mapped files beside it, for readers that cannot wait for SQLite.

Two arrays of one generation (see ``generations``): ``codes``, uint64 ``(n, 10)`` column by column, and ``ids``, int64
``(n,)`` ascending.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import _arrays
from phash_engine.errors import IndexFileError

_FORMAT: Final = 1


class Header(NamedTuple):
    """What the codes are of: compared by readers before they believe them. The stamp is of this generation alone."""

    catalogue: str
    stamp: str
    spec: int
    last_code_id: int
    deletions: int


class Stored(NamedTuple):
    """One generation: its header, ids int64 ``(n,)`` and codes uint64 ``(n, 10)``, both memory-mapped."""

    header: Header
    ids: NDArray[np.int64]
    codes: NDArray[np.uint64]


def save(directory: Path, header: Header, ids: NDArray[np.int64], codes: NDArray[np.uint64]) -> None:
    """Write a new generation and drop the older ones.

    Raises
    ------
    IndexFileError
        The folder cannot be written.
    """
    text = {"format": _FORMAT, **header._asdict(), "codes": len(ids)}
    _arrays.write(directory, text, {"codes": np.asfortranarray(codes), "ids": ids})


def open_newest(directory: Path) -> Stored | None:
    """Map the newest generation; None where there is none.

    Raises
    ------
    IndexFileError
        The generation is torn or of another format.
    """
    newest = _arrays.read_newest(directory, _FORMAT)
    if newest is None:
        return None
    header, arrays = newest
    try:
        stored = Stored(Header(*(header[name] for name in Header._fields)), arrays["ids"], arrays["codes"])
        whole = stored.ids.shape == (header["codes"],) and stored.codes.shape[:1] == stored.ids.shape
    except KeyError as error:
        raise IndexFileError(f"{directory}: torn: there is no {error}") from error
    if not whole or stored.ids.dtype != np.int64 or stored.codes.dtype != np.uint64 or stored.codes.ndim != 2:
        raise IndexFileError(f"{directory}: torn: the arrays are not those of the header")
    return stored


def verify(directory: Path) -> None:
    """Compare the newest generation with its checksums: reads all of it.

    Raises
    ------
    IndexFileError
        A file differs from what was written.
    """
    _arrays.verify(directory, _FORMAT)
