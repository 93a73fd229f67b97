"""Views of contents → the distances of all contents of one side to all of the other, as ``close_pairs`` has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import read_only
from phash_engine.hashing import orientation
from phash_engine.hashing.hashers import Codes
from phash_engine.matching.pairs import ViewCodes

Distances = NDArray[np.uint8]
"""Bits, by content of either side ``(a, b)``: in the order of their numbers, without those that have no views."""

_BLOCK: Final = 512


def distances(a: ViewCodes, b: ViewCodes) -> Distances:
    """Return the smallest distance over the views of either content and over all rotations and mirror images.

    Notes
    -----
    Costs 45 word comparisons for each pair of views. For many contents go by :func:`blocks`, in threads.
    """
    from phash_engine.index.kernels.tables import lower  # compiled code, which small collections do without

    (table_a, starts_a), (table_b, starts_b) = _by_content(a), _by_content(b)
    nearest: Distances = np.full((len(table_a), len(table_b)), 255, dtype=np.uint8)
    upright_a, upright_b = (read_only(orientation.upright(table).T) for table in (table_a, table_b))
    for turn in orientation.ORIENTATIONS:
        lower(nearest, upright_b, read_only(orientation.turned_to(table_a, turn).T))
        if turn > 1:
            lower(nearest, read_only(orientation.turned_to(table_b, turn).T), upright_a)
    return np.minimum.reduceat(np.minimum.reduceat(nearest, starts_a, axis=0), starts_b, axis=1)


def blocks(views: ViewCodes) -> Iterator[ViewCodes]:
    """Yield the views of some hundred contents after the other, by number."""
    order = np.argsort(views.numbers, kind="stable")
    changes = np.flatnonzero(np.diff(views.numbers[order])) + 1
    for rows in np.split(order, changes[_BLOCK - 1 :: _BLOCK]):
        yield ViewCodes(views.numbers[rows], views.ranks[rows], views.table[rows])


def _by_content(views: ViewCodes) -> tuple[Codes, NDArray[np.intp]]:
    """Return codes sorted by content, and where each content begins."""
    order = np.argsort(views.numbers, kind="stable")
    return views.table[order], np.flatnonzero(np.diff(views.numbers[order], prepend=-1))
