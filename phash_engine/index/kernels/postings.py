"""Postings: the rows of each entry, where an entry is one distinct code.

Copies of one picture have one code, and average codes of skies and scans are shared by thousands: an index compares an
entry once and then returns its rows.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Columns, read_only
from phash_engine.index.kernels.match_keys import MatchKeys, rows_of

_FEWEST_REPEATS: Final = 8
"""Equal codes are collapsed if at least one row in this many repeats another; else each row is its own entry."""


class Postings(NamedTuple):
    """Rows of each entry; ``begins`` and ``rows`` are empty if every row is its own entry.

    Attributes
    ----------
    begins
        uint32 ``(entries + 1,)``: where the rows of each entry begin in ``rows``.
    rows
        uint32 ``(n,)``: ascending within an entry.
    removed
        bool ``(n,)``: removed rows; empty if there are none.
    """

    begins: NDArray[np.uint32]
    rows: NDArray[np.uint32]
    removed: NDArray[np.bool_]


def collapse(columns: Columns) -> tuple[Columns, Postings]:
    """Collapse equal codes into one entry.

    Returns
    -------
    tuple
        Codes of the entries as columns, in the order of their first rows, and their rows. Cost: one sort.
    """
    n = columns[0].size
    order = np.argsort(_mixed(columns), kind="stable")
    is_new = np.ones(n, dtype=bool)
    is_new[1:] = np.any([column[order[1:]] != column[order[:-1]] for column in columns], axis=0)
    firsts = np.flatnonzero(is_new)
    if (n - firsts.size) * _FEWEST_REPEATS < n:
        return columns, frozen(np.empty(0, np.uint32), np.empty(0, np.uint32))
    counts = np.diff(firsts, append=n)
    by_row = np.argsort(order[firsts])
    firsts, counts = firsts[by_row], counts[by_row]
    begins = np.concatenate([[0], np.cumsum(counts)])
    rows = order[np.repeat(firsts - begins[:-1], counts) + np.arange(n)]
    entries = read_only(column[order[firsts]] for column in columns)
    return entries, frozen(begins.astype(np.uint32), rows.astype(np.uint32))


def entries_of_rows(postings: Postings, rows: int) -> NDArray[np.int64]:
    """Return the entry of each of ``rows`` rows."""
    found = np.arange(rows)
    if postings.begins.size:
        found[postings.rows] = np.repeat(np.arange(postings.begins.size - 1), np.diff(postings.begins))
    return found


def extended(postings: Postings, more: int) -> Postings:
    """Add rows after the last, each as an entry of its own."""
    if not postings.begins.size:
        return postings
    rows = postings.rows.size
    begins = np.concatenate((postings.begins, np.arange(rows + 1, rows + more + 1, dtype=np.uint32)))
    return frozen(begins, np.concatenate((postings.rows, np.arange(rows, rows + more, dtype=np.uint32))))


def frozen(begins: NDArray[np.uint32], rows: NDArray[np.uint32]) -> Postings:
    """Return postings of read-only arrays, the only type that kernels are compiled for."""
    postings = Postings(begins, rows, np.empty(0, dtype=np.bool_))
    for array in postings:
        array.flags.writeable = False
    return postings


def _mixed(columns: Columns) -> NDArray[np.uint64]:
    """Return one word for each code, the same for equal codes.

    If two codes share a word by chance, their rows may end up in several entries, which changes no result.
    """
    mixed = columns[0]
    for column in columns[1:]:
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) ^ (mixed >> np.uint64(29)) ^ column
    return mixed


def counts(postings: Postings, entries: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of rows of some entries."""
    if not postings.begins.size:
        return np.ones(entries.size, dtype=np.int64)
    return (postings.begins[entries + 1] - postings.begins[entries]).astype(np.int64)


def rows_of_each(
    postings: Postings, entries: NDArray[np.int64], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each row of some entries the index in ``entries``, and the row; ``sizes`` are their ``counts``."""
    if not postings.begins.size:
        return np.arange(entries.size), entries
    numbers = np.repeat(np.arange(entries.size), sizes)
    places = (postings.begins[entries] - (np.cumsum(sizes) - sizes))[numbers] + np.arange(numbers.size)
    return numbers, postings.rows[places].astype(np.int64)


def expand(keys: MatchKeys, postings: Postings) -> MatchKeys:
    """Expand match keys of entries to match keys of rows; neither sorted."""
    if postings.begins.size:
        entries = rows_of(keys)
        numbers, rows = rows_of_each(postings, entries, counts(postings, entries))
        keys = (keys - entries)[numbers] + rows
    return keys[~postings.removed[rows_of(keys)]] if postings.removed.size else keys
