"""Walk a BK-tree: range searches, k-nearest searches and the self-join.

A query at distance d from a node follows only the children whose distance to the node is in ``d - radius ..
d + radius``, by the triangle inequality. Small contiguous subtrees are scanned in vectors.
"""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace
from typing import Any, Final

import numpy as np
from numba import njit

from phash_engine.index.kernels.bktree import living_rows
from phash_engine.index.kernels.match_keys import QUERY_SHIFT, ROW_BITS
from phash_engine.index.kernels.popcount import LANES, VECTORS, distance, lowest_bit, rows_within

_SCANNED_NODES: Final = 2048 if VECTORS else 64
"""Subtrees of up to this many nodes are scanned: that costs as much as following some ten children."""

_LOW_ROW: Final = (1 << ROW_BITS) - 1


@njit(nogil=True, cache=True)
def within(tree: Any, queries: Any, limits: Any) -> Any:
    """Return the match keys of every query within its limit.

    Parameters
    ----------
    tree
        The codes.
    queries
        ``words`` columns ``(q,)``.
    limits
        int64 ``(q,)``: largest accepted distance of each query; -1 accepts nothing.

    Returns
    -------
    numpy.ndarray
        Match keys, unsorted.
    """
    keys = _no_keys()
    for query in range(limits.size):
        for near in _walk(tree, queries, query, limits[query], 0):
            for row in living_rows(tree, near & _LOW_ROW):
                keys.append((query << QUERY_SHIFT) | (near & ~_LOW_ROW) | row)
    return np.array(keys)


@njit(nogil=True, cache=True)
def pairs(tree: Any, limit: int, start: int, stop: int) -> Any:
    """Return all pairs of rows within ``limit`` whose lower node is in ``start`` to ``stop``.

    Returns
    -------
    tuple
        Two int64 columns: lower row (upper 32 bits) with higher row (lower 32 bits), and distance; unsorted.
    """
    keys, distances = _no_keys(), _no_keys()
    for node in range(start, stop):
        for near in _walk(tree, tree.codes, node, limit, node):
            other = near & _LOW_ROW
            for row in living_rows(tree, node):
                for other_row in living_rows(tree, other):
                    if node != other or row < other_row:
                        keys.append((min(row, other_row) << ROW_BITS) | max(row, other_row))
                        distances.append(near >> ROW_BITS)
    return np.array(keys), np.array(distances)


@njit(nogil=True, cache=True)
def _walk(tree: Any, queries: Any, query: int, limit: int, start: int) -> Any:
    """Return the nodes from ``start`` on within ``limit`` of one query: distance (upper 32 bits) with node."""
    found, stack, nodes = _no_keys(), _no_keys(), tree.nodes
    if nodes.size:
        stack.append(0)
    while stack:
        node = stack.pop()
        if 0 < nodes[node].span <= _SCANNED_NODES:
            _scan_subtree(tree.codes, max(node, start), node + nodes[node].span, queries, query, limit, found)
            continue
        apart = distance(tree.codes, node, queries, query)
        if apart <= limit and node >= start:
            found.append((apart << ROW_BITS) | node)
        child = nodes[node].child
        while child >= 0 and nodes[child].edge <= apart + limit:
            if nodes[child].edge >= apart - limit and not 0 < nodes[child].span <= start - child:
                stack.append(child)
            child = nodes[child].sibling
    return found


@njit(nogil=True, cache=True)
def _scan_subtree(codes: Any, node: int, stop: int, queries: Any, query: int, limit: int, found: Any) -> None:
    """Append the nodes ``node`` to ``stop`` within ``limit`` of one query."""
    while VECTORS and node + LANES <= stop:
        mask = rows_within(codes, node, queries, query, limit)
        while mask:
            near = node + lowest_bit(mask)
            found.append((distance(codes, near, queries, query) << ROW_BITS) | near)
            mask &= mask - 1
        node += LANES
    for near in range(node, stop):
        apart = distance(codes, near, queries, query)
        if apart <= limit:
            found.append((apart << ROW_BITS) | near)


@njit(nogil=True, cache=True)
def nearest(tree: Any, queries: Any, limits: Any, k: int) -> Any:
    """Return the match keys of the ``k`` nearest rows of every query within its limit, unsorted.

    Ties go to the lowest rows. The other parameters are those of ``within``.
    """
    keys = _no_keys()
    for query in range(limits.size):
        for key in _nearest_rows(tree, queries, query, limits[query], k):
            keys.append((query << QUERY_SHIFT) | -key)
    return np.array(keys)


@njit(nogil=True, cache=True)
def _nearest_rows(tree: Any, queries: Any, query: int, limit: int, k: int) -> Any:
    """Return the negated keys (distance, row) of the nearest rows of one query.

    Subtrees are visited by their lower bound, until none is left that could improve on the worst of ``k``.
    """
    best, frontier, read, nodes = _no_keys(), _no_keys(), _no_keys(), tree.nodes
    if nodes.size:
        frontier.append(0)
    while frontier and frontier[0] >> ROW_BITS <= limit:
        bound, node = frontier[0] >> ROW_BITS, frontier[0] & _LOW_ROW
        heappop(frontier)
        if 0 < nodes[node].span <= _SCANNED_NODES:
            read.clear()
            _scan_subtree(tree.codes, node, node + nodes[node].span, queries, query, limit, read)
            for near in read:
                limit = _offer(tree, near, k, limit, best)
            continue
        apart = distance(tree.codes, node, queries, query)
        limit = _offer(tree, (apart << ROW_BITS) | node, k, limit, best)
        child = nodes[node].child
        while child >= 0:
            nearest_possible = max(bound, abs(nodes[child].edge - apart))
            if nearest_possible <= limit:
                heappush(frontier, (nearest_possible << ROW_BITS) | child)
            child = nodes[child].sibling
    return best


@njit(nogil=True, cache=True)
def _offer(tree: Any, near: int, k: int, limit: int, best: Any) -> int:
    """Offer the rows of a node to ``best``, a heap with the worst on top; return the new limit."""
    if near >> ROW_BITS <= limit:
        for row in living_rows(tree, near & _LOW_ROW):
            key = -((near & ~_LOW_ROW) | row)
            if len(best) < k:
                heappush(best, key)
            elif key > best[0]:
                heapreplace(best, key)
            else:
                break
    return min(limit, -best[0] >> ROW_BITS) if len(best) == k else limit


@njit(nogil=True, cache=True)
def _no_keys() -> Any:
    """Return an empty list of int64; numba cannot infer the type of ``[]``."""
    return [np.int64(0) for _ in range(0)]
