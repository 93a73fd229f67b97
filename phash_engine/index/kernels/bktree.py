"""A BK-tree in flat arrays (Burkhard & Keller 1973, "Some approaches to best-match file searching").

Every node holds one distinct code. Its children have different distances from it and are sorted by them, so a query at
distance d from a node follows only the children whose distance is in ``d - radius .. d + radius``.

``build`` numbers the nodes in preorder: the subtree of a node is the ``span`` of nodes from it on, and is scanned
if that is faster than walking it. ``insert`` links new nodes into the tree but stores them after the last node; their
ancestors get span 0, because their subtrees are no longer contiguous.

The rows of one code form a ring: ``last`` of the node is the highest row, and the next after it is the lowest.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from phash_engine._columns import Columns
from phash_engine.index.kernels.popcount import distance

_FIELDS: Final = ("parent", "sibling", "child", "edge", "span", "last")
NODE: Final = np.dtype([(name, np.int32) for name in _FIELDS], align=True)
"""Parent, next sibling and first child (-1 is none), distance to the parent, span, and last row (-1 is none yet)."""


class Tree(NamedTuple):
    """The arrays of one tree: filled exactly for searches, with spare room for ``insert``.

    Attributes
    ----------
    codes
        The distinct codes, ``words`` columns ``(nodes,)``.
    nodes
        NODE ``(nodes,)``.
    ring
        int32 ``(rows,)``: next row with the same code.
    alive
        bool ``(rows,)``: False for removed rows, which are left out of results.
    """

    codes: Columns
    nodes: NDArray[Any]
    ring: NDArray[np.int32]
    alive: NDArray[np.bool_]

    def first(self, nodes: int, rows: int) -> Tree:
        """Return the first nodes and rows, as views."""
        codes = tuple(column[:nodes] for column in self.codes)
        return Tree(codes, self.nodes[:nodes], self.ring[:rows], self.alive[:rows])

    def with_room(self, room: int) -> Tree:
        """Return a copy with room for further nodes and rows, which are alive."""
        codes = tuple(np.pad(column, (0, room)) for column in self.codes)
        nodes = np.concatenate((self.nodes, np.empty(room, dtype=NODE)))
        alive = np.pad(self.alive, (0, room), constant_values=True)
        return Tree(codes, nodes, np.pad(self.ring, (0, room)), alive)


@njit(nogil=True, cache=True)
def build(codes: Any, nodes: Any, order: Any) -> None:
    """Build a tree of distinct codes.

    Parameters
    ----------
    codes
        Distinct codes, ``words`` columns ``(n,)``; moved into preorder.
    nodes
        NODE ``(n,)``: written, without rows.
    order
        int64 ``(n,)``: moved as the codes are.

    Notes
    -----
    Each subtree is split by a counting sort of its codes by their distance to the first: O(n) for each level.
    """
    distances = np.empty(nodes.size, np.int64)
    moved = np.empty((len(codes) + 1, nodes.size), np.uint64)
    begins = np.empty(64 * len(codes) + 2, np.int64)
    if nodes.size:
        _fill(nodes, 0, -1, 0, nodes.size)
    for node in range(nodes.size):
        first, stop = node + 1, node + nodes[node].span
        if first < stop:
            _count(codes, node, stop, distances, begins)
            _add_children(nodes, node, begins)
            _move(codes, order, first, stop, distances, begins, moved)


@njit(nogil=True, cache=True)
def _count(codes: Any, node: int, stop: int, distances: Any, begins: Any) -> None:
    """Write the distances of the codes after ``node`` to it, and where the codes at each distance will begin."""
    begins[:] = 0
    for other in range(node + 1, stop):
        distances[other] = distance(codes, other, codes, node)
        begins[distances[other] + 1] += 1
    begins[0] = node + 1
    for i in range(1, begins.size):
        begins[i] += begins[i - 1]


@njit(nogil=True, cache=True)
def _add_children(nodes: Any, node: int, begins: Any) -> None:
    """Make the first code at each distance a child of ``node``, the rest at that distance its subtree."""
    previous = -1
    for edge in range(begins.size - 1):
        child = begins[edge]
        if child < begins[edge + 1]:
            _fill(nodes, child, node, edge, begins[edge + 1] - child)
            _link(nodes, node, previous, child)
            previous = child


@njit(nogil=True, cache=True)
def _move(codes: Any, order: Any, first: int, stop: int, distances: Any, begins: Any, moved: Any) -> None:
    """Sort the codes and ``order`` of a subtree by their distances."""
    for source in range(first, stop):
        target = begins[distances[source]]
        begins[distances[source]] += 1
        moved[len(codes), target] = order[source]
        for word in range(len(codes)):
            moved[word, target] = codes[word][source]
    order[first:stop] = moved[len(codes), first:stop]
    for word in range(len(codes)):
        codes[word][first:stop] = moved[word, first:stop]


@njit(nogil=True, cache=True)
def fill_rings(tree: Any, nodes_of_rows: Any) -> None:
    """Put all rows into the rings of their nodes ``owners``, int64 ``(rows,)``."""
    for row in range(nodes_of_rows.size):
        _join_ring(tree, nodes_of_rows[row], row)


@njit(nogil=True, cache=True)
def nodes_of_rows(tree: Any) -> Any:
    """Return the node of each living row, int64 ``(rows,)``; -1 for removed rows."""
    found = np.full(tree.ring.size, -1, np.int64)
    for node in range(tree.nodes.size):
        for row in living_rows(tree, node):
            found[row] = node
    return found


@njit(nogil=True, cache=True)
def insert(tree: Any, count: int, codes: Any, row: int) -> int:
    """Insert codes as rows ``row``, ``row + 1``, ...

    Parameters
    ----------
    tree
        With room for all of them, ``alive`` set.
    count
        Number of nodes so far.
    codes
        ``words`` columns ``(n,)``.
    row
        Higher than all rows so far.

    Returns
    -------
    int
        Number of nodes now.
    """
    for i in range(codes[0].size):
        node = _find_or_insert(tree, count, codes, i)
        count = max(count, node + 1)
        _join_ring(tree, node, row + i)
    return count


@njit(nogil=True, cache=True)
def _find_or_insert(tree: Any, count: int, codes: Any, i: int) -> int:
    """Return the node of code ``i``: an existing node, or ``count``, inserted as a new node."""
    nodes = tree.nodes
    node, parent, previous, edge = 0 if count else -1, -1, -1, 0
    while node >= 0 and nodes[node].edge == edge:
        parent, previous = node, -1
        edge = distance(tree.codes, parent, codes, i)
        if edge == 0:
            return parent
        node = nodes[parent].child
        while node >= 0 and nodes[node].edge < edge:
            previous, node = node, nodes[node].sibling
    for word in range(len(codes)):
        tree.codes[word][count] = codes[word][i]
    _fill(nodes, count, parent, edge, 1)
    if parent >= 0:
        nodes[count].sibling = node
        _link(nodes, parent, previous, count)
    while parent >= 0 and nodes[parent].span:
        nodes[parent].span = 0
        parent = nodes[parent].parent
    return count


@njit(nogil=True, cache=True)
def _join_ring(tree: Any, node: int, row: int) -> None:
    """Append ``row`` to the ring of ``node``."""
    last = tree.nodes[node].last
    if last < 0:
        tree.ring[row] = row
    else:
        tree.ring[row] = tree.ring[last]
        tree.ring[last] = row
    tree.nodes[node].last = row


@njit(nogil=True, cache=True)
def _fill(nodes: Any, node: int, parent: int, edge: int, span: int) -> None:
    """Write a node without children or rows."""
    nodes[node].parent, nodes[node].edge, nodes[node].span = parent, edge, span
    nodes[node].sibling = nodes[node].child = nodes[node].last = -1


@njit(nogil=True, cache=True)
def _link(nodes: Any, parent: int, previous: int, node: int) -> None:
    """Make ``node`` the sibling after ``previous``, or the first child of ``parent`` if that is -1."""
    if previous < 0:
        nodes[parent].child = node
    else:
        nodes[previous].sibling = node


@njit(nogil=True)
def living_rows(tree: Any, node: int) -> Any:
    """Yield the living rows of a node, lowest first.

    Not cached: numba cannot inline a cached generator into a new caller. The caches of the callers include it.
    """
    last = tree.nodes[node].last
    row, more = tree.ring[last], True
    while more:
        more = row != last
        if tree.alive[row]:
            yield row
        row = tree.ring[row]
