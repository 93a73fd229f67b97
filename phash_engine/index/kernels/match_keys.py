"""Match keys: one verified match packed into one int64, so that sorting matches is sorting one plain column.

From the top: query (22 bits), distance (9 bits), row (32 bits). Ascending keys are ordered by query, then distance,
then row, which is the order of all results. Rows are in the order of their ids, so ties are ordered by id.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import EMPTY, IntColumn

MatchKeys = NDArray[np.int64]

ROW_BITS: Final = 32
QUERY_SHIFT: Final = ROW_BITS + 9
MAX_QUERIES: Final = 1 << (63 - QUERY_SHIFT)
_ROW_MASK: Final = (1 << ROW_BITS) - 1
_DISTANCE_MASK: Final = (1 << (QUERY_SHIFT - ROW_BITS)) - 1


def pack(queries: IntColumn, distances: IntColumn, rows: IntColumn) -> MatchKeys:
    """Join three int64 columns into match keys."""
    return (queries << QUERY_SHIFT) | (distances << ROW_BITS) | rows


def queries_of(keys: MatchKeys) -> IntColumn:
    """Return the query of each match."""
    return keys >> QUERY_SHIFT


def distances_of(keys: MatchKeys) -> IntColumn:
    """Return the distance of each match, in bits."""
    return (keys >> ROW_BITS) & _DISTANCE_MASK


def rows_of(keys: MatchKeys) -> IntColumn:
    """Return the row of each match."""
    return keys & _ROW_MASK


def merge_keys(parts: list[MatchKeys], k: int | None) -> MatchKeys:
    """Sort the keys of several parts of the rows together, and keep the first ``k`` of each query if given."""
    keys = np.sort(np.concatenate([EMPTY, *parts]))
    return keys if k is None else first_k(keys, k)


def first_k(keys: MatchKeys, k: int) -> MatchKeys:
    """Return the first ``k`` keys of each query; ``keys`` must be sorted."""
    queries = queries_of(keys)
    begins = np.searchsorted(queries, queries)
    return keys[np.arange(keys.size) - begins < k]


def replace_queries(keys: MatchKeys, queries: NDArray[np.int64]) -> MatchKeys:
    """Replace query number i by ``queries[i]``."""
    return (queries[queries_of(keys)] << QUERY_SHIFT) | (keys & ((1 << QUERY_SHIFT) - 1))
