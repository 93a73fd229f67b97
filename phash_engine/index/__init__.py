"""Exact search over codes: build an index with :func:`build_index`, ask it for matches and pairs."""

from __future__ import annotations

from importlib import import_module

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine._columns import Columns
from phash_engine.index.base import Index
from phash_engine.index.results import Explanation, Matches, Pairs, QueryCost

__all__ = ["KINDS", "Explanation", "Index", "Matches", "Pairs", "QueryCost", "build_index", "index_columns"]

KINDS: dict[str, tuple[str, str]] = {
    "auto": ("phash_engine.index.planner", "PlannedIndex"),
    "linear": ("phash_engine.index.linear", "LinearIndex"),
    "bktree": ("phash_engine.index.bktree", "BKTreeIndex"),
    "multi": ("phash_engine.index.multi_index", "MultiIndex"),
}
"""Module and class of each kind, imported when it is built: ``linear`` alone does without numba."""


def build_index(
    codes: ArrayLike, ids: ArrayLike | None = None, kind: str = "auto", *, threads: int | None = None
) -> Index:
    """Build an index over codes.

    Parameters
    ----------
    codes
        uint64 ``(n,)`` or ``(n, words)``, 1 to 4 words.
    ids
        Whole numbers ``(n,)``, each once; ``0..n-1`` when None.
    kind
        One of ``KINDS``. All give the same answers; ``auto`` takes the fastest.
    threads
        Most threads to use; all available processors when None.

    Raises
    ------
    TypeError
        Codes that are not uint64, ids that are not whole numbers.
    ValueError
        An unknown kind, codes of another shape, ids of another number, or an id twice.

    Examples
    --------
    >>> import numpy
    >>> index = build_index(numpy.array([0b0000, 0b0001, 0b1111], dtype=numpy.uint64))
    >>> index.range_query(numpy.array([0b0011], dtype=numpy.uint64), radius=1)
    Matches(queries=array([0]), ids=array([1]), distances=array([1]))
    """
    if kind not in KINDS:
        raise ValueError(f"there is no index kind {kind!r}; kinds are {', '.join(KINDS)}")
    module, name = KINDS[kind]
    index: Index = getattr(import_module(module), name)(codes, ids, threads=threads)
    return index


def index_columns(columns: Columns, ids: NDArray[np.int64], kind: str = "auto", *, threads: int | None = None) -> Index:
    """Build an index over codes whose words lie in several places, without putting them together.

    Parameters
    ----------
    columns
        uint64 ``(n,)`` for each word; ``linear`` and ``auto`` read contiguous ones where they lie.
    ids
        int64 ``(n,)``, ascending; that is not checked.
    kind, threads
        As for :func:`build_index`.

    Raises
    ------
    ValueError
        An unknown kind, or ids of another number.
    """
    index = build_index(np.empty((0, len(columns)), dtype=np.uint64), None, kind, threads=threads)
    index.take(columns, ids)
    return index
