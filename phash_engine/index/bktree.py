"""Exact search in a BK-tree: the triangle inequality excludes subtrees too near to or too far from a visited node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Columns, IntColumn
from phash_engine._threads import in_threads
from phash_engine.index.kernels import bktree, bktree_search
from phash_engine.index.kernels.match_keys import ROW_BITS, MatchKeys, rows_of
from phash_engine.index.rows import Rows

_BLOCK: Final = 256
"""Queries, or nodes in a join, of one task of a thread."""


class BKTreeRows(Rows):
    """Exact search in a BK-tree, to which single codes can be added at any time.

    Notes
    -----
    A query follows all branches within its radius: few at radius 0 to 2, nearly all above a fifth of the bits, where a
    linear scan is faster. Equal codes share a node. Memory: 24 bytes and the code for each distinct code, 13
    bytes for each id. Building takes 0.3 us a code, adding many codes to a million about 1 us each.
    """

    kind = "bktree"

    max_removed_share = 1 / 2

    def build(self, columns: Columns) -> None:
        self._build(columns, 0)

    def append(self, columns: Columns) -> None:
        rows, new = self._tree.ring.size, columns[0].size
        if rows + new <= self._room.ring.size:
            nodes = bktree.insert(self._room, self._tree.nodes.size, columns, rows)
            self._use(nodes, rows + new)
        else:
            joined = tuple(np.concatenate(pair) for pair in zip(self.columns(), columns, strict=True))
            self._build(joined, (rows + new) // 2)
            self.remove(np.flatnonzero(self._ids.removed))

    def columns(self) -> Columns:
        owners = bktree.nodes_of_rows(self._tree)
        return tuple(column[owners] for column in self._tree.codes)

    def remove(self, rows: NDArray[np.int64]) -> None:
        self._tree.alive[rows] = False

    def search(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> Iterator[tuple[int, MatchKeys]]:
        def search(first: int) -> tuple[int, MatchKeys]:
            block = slice(first, first + _BLOCK)
            asked = tuple(column[block] for column in queries)
            if k is None:
                return first, np.sort(bktree_search.within(self._tree, asked, limits[block]))
            return first, np.sort(bktree_search.nearest(self._tree, asked, limits[block], k))

        return in_threads(search, range(0, limits.size, _BLOCK), self._threads)

    def pair_blocks(self, radius: int) -> tuple[int, Iterator[tuple[IntColumn, ...]]]:
        nodes = self._tree.nodes.size

        def join(first: int) -> tuple[IntColumn, ...]:
            keys, distances = bktree_search.pairs(self._tree, radius, first, min(first + _BLOCK, nodes))
            return keys >> ROW_BITS, rows_of(keys), distances

        blocks = range(0, max(1, nodes), _BLOCK)
        return len(blocks), in_threads(join, blocks, self._threads)

    def _build(self, columns: Columns, room: int) -> None:
        """Build the tree of codes in the order of their rows, with spare room."""
        codes, groups = _distinct(columns)
        order = np.arange(codes[0].size)
        nodes = np.empty(order.size, dtype=bktree.NODE)
        bktree.build(codes, nodes, order)
        ring, alive = np.empty(groups.size, dtype=np.int32), np.ones(groups.size, dtype=np.bool_)
        built = bktree.Tree(codes, nodes, ring, alive)
        bktree.fill_rings(built, np.argsort(order)[groups])
        self._room = built.with_room(room) if room else built
        self._use(nodes.size, groups.size)

    def _use(self, nodes: int, rows: int) -> None:
        self._tree = self._room.first(nodes, rows)


def _distinct(columns: Columns) -> tuple[Columns, NDArray[np.int64]]:
    """Return the distinct codes, and the number of the distinct code of each row."""
    order = np.lexsort(columns)
    new = np.zeros(order.size, dtype=np.bool_)
    new[:1] = True
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    groups = np.empty_like(order)
    groups[order] = np.cumsum(new) - 1
    return tuple(column[order[new]] for column in columns), groups
