"""A hit: one verified match in one int64, so that sorting hits is sorting one plain column.

From the top: query (22 bits), distance (9 bits), row (32 bits). Ascending hits are therefore ordered by query, then
distance, then row, which is the order of all results. Rows are ranks of ids, so the last key is the id.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import NO_HITS, Columns, Hits

ROW_BITS: Final = 32
DISTANCE_BITS: Final = 9
QUERY_SHIFT: Final = ROW_BITS + DISTANCE_BITS
MAX_ROWS: Final = 1 << ROW_BITS
MAX_QUERIES: Final = 1 << (63 - QUERY_SHIFT)


def pack(queries: Hits, distances: Hits, rows: Hits) -> Hits:
    """Join three int64 columns into hits."""
    return (queries << QUERY_SHIFT) | (distances << ROW_BITS) | rows


def queries_of(hits: Hits) -> Hits:
    """Return the query of each hit."""
    return hits >> QUERY_SHIFT


def distances_of(hits: Hits) -> Hits:
    """Return the distance of each hit, in bits."""
    return (hits >> ROW_BITS) & ((1 << DISTANCE_BITS) - 1)


def rows_of(hits: Hits) -> Hits:
    """Return the row of each hit."""
    return hits & (MAX_ROWS - 1)


def merged(parts: list[Hits], k: int | None) -> Hits:
    """Sort hits of the same queries in several parts of the rows, and keep the first ``k`` of each query if given."""
    hits = np.sort(np.concatenate([NO_HITS, *parts]))
    return hits if k is None else first_of_each(hits, k)


def first_of_each(hits: Hits, k: int) -> Hits:
    """Return the first ``k`` hits of each query; ``hits`` must be sorted."""
    queries = queries_of(hits)
    begins = np.searchsorted(queries, queries)
    return hits[np.arange(hits.size) - begins < k]


def renumbered(hits: Hits, queries: NDArray[np.int64]) -> Hits:
    """Give hits of some queries the numbers ``queries[i]`` instead of i."""
    return (queries[queries_of(hits)] << QUERY_SHIFT) | (hits & ((1 << QUERY_SHIFT) - 1))


def part(columns: Columns, rows: range) -> Columns:
    """Return consecutive rows of columns."""
    return tuple(column[rows.start : rows.stop] for column in columns)
