"""Save an index and load it again, memory-mapped: a large index opens at once, and processes share its memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np

from phash_engine import _arrays
from phash_engine.errors import IndexFileError
from phash_engine.index.base import KINDS, Index

_FORMAT: Final = 103
"""Differs from the format of a catalogue's code cache, so that neither is read as the other."""


def save(index: Index, directory: str | os.PathLike[str]) -> None:
    """Write an index into a folder, as a new generation; readers keep the older generation that they have open.

    Raises
    ------
    IndexFileError
        The folder cannot be written, or holds files of others and no index.
    """
    arrays = index.to_arrays()
    _arrays.write(Path(directory), {"format": _FORMAT, "kind": index.kind, "words": index.words}, arrays)


def load(directory: str | os.PathLike[str], *, threads: int | None = None) -> Index:
    """Open the index last saved into a folder.

    All files are mapped, and read once to compare their checksums: about 10 GB a second of what the system has cached.
    A BK-tree is built again. Adding and removing codes leave the files unchanged.

    Parameters
    ----------
    directory
        Where ``save`` put it.
    threads
        Most threads to use; all available processors when None.

    Raises
    ------
    IndexFileError
        There is no index, or it is corrupt or of another format.
    """
    newest = _arrays.read_newest(Path(directory), _FORMAT)
    if newest is None:
        raise IndexFileError(f"{os.fspath(directory)}: there is no index here")
    header, arrays = newest
    if header.get("kind") not in KINDS or header.get("words") not in range(1, 5):
        raise IndexFileError(f"{os.fspath(directory)}: corrupt index: no known kind and width of index")
    index = Index(np.empty((0, header["words"]), dtype=np.uint64), kind=header["kind"], threads=threads)
    try:
        index.from_arrays(arrays)
    except (KeyError, ValueError) as error:
        raise IndexFileError(f"{os.fspath(directory)}: corrupt index: {error}") from error
    return index
