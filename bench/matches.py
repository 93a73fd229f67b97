"""Matches of any engine as columns, and whether two engines agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Found(NamedTuple):
    """Matches as int64 columns, in any order."""

    queries: NDArray[np.int64]
    ids: NDArray[np.int64]
    distances: NDArray[np.int64]


def from_lists(ends: Any, distances: Any, ids: Any) -> Found:
    """Return matches from flat lists; those of query ``q`` end at ``ends[q + 1]``."""
    queries = np.repeat(np.arange(len(ends) - 1), np.diff(ends.astype(np.int64)))
    return Found(queries, ids.astype(np.int64), distances.astype(np.int64))


def from_table(distances: Any, ids: Any) -> Found:
    """Return matches from tables with one row for each query."""
    queries = np.repeat(np.arange(len(ids)), ids.shape[1])
    return Found(queries, ids.ravel().astype(np.int64), distances.ravel().astype(np.int64))


def from_pairs(found: list[list[tuple[int, int]]]) -> Found:
    """Return matches from pairs of id and distance for each query."""
    rows = [(query, i, distance) for query, pairs in enumerate(found) for i, distance in pairs]
    return Found(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)


def check(name: str, mine: tuple[int, Found], first: tuple[int, Found], same: Callable[[Found, Found], bool]) -> None:
    """Exit if an engine and the first one differ; each gives its number of queries, and the matches of these."""
    shared = min(mine[0], first[0])
    if not same(_of_first(mine[1], shared), _of_first(first[1], shared)):
        raise SystemExit(f"{name} and the first engine differ")


def same_matches(one: Found, other: Found) -> bool:
    """Whether both have the same ids at the same distances for every query."""
    orders = [np.lexsort((found.ids, found.queries)) for found in (one, other)]
    return all(np.array_equal(mine[orders[0]], its[orders[1]]) for mine, its in zip(one, other, strict=True))


def same_distances(one: Found, other: Found) -> bool:
    """Whether both have the same distances for every query."""
    return np.array_equal(by_distance(one), by_distance(other))


def by_distance(found: Found) -> NDArray[np.int64]:
    """Return query and distance of every match, sorted, ``(m, 2)``."""
    order = np.lexsort((found.distances, found.queries))
    return np.stack([found.queries[order], found.distances[order]], axis=1)


def recall(found: Found, expected: Found) -> float:
    """Return the share of the expected distances that were found."""
    missing = Counter(map(tuple, by_distance(expected))) - Counter(map(tuple, by_distance(found)))
    return 1 - missing.total() / expected.ids.size


def _of_first(found: Found, queries: int) -> Found:
    """Keep the matches of the first queries."""
    kept = found.queries < queries
    return Found(*(column[kept] for column in found))
