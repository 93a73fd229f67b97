"""The index: search and joins over codes by id. The kinds implement the search over rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine._columns import NO_HITS, Columns, Hits, read_only, sorted_blocks, sorted_columns
from phash_engine._threads import available_threads
from phash_engine.index.costs import expected_microseconds
from phash_engine.index.id_map import IdMap
from phash_engine.index.kernels.hits import distances_of, queries_of, rows_of
from phash_engine.index.results import Explanation, Matches, Pairs, QueryCost
from phash_engine.index.rows import Rows
from phash_engine.index.validation import (
    CODE_BITS,
    as_codes,
    as_columns,
    as_ids,
    as_limits,
    by_id,
    check_count,
    check_radius,
)

Progress = Callable[[int, int], object]
"""Called with the number of blocks done and of all blocks."""

KINDS: dict[str, tuple[str, str]] = {
    "auto": ("phash_engine.index.planner", "PlannedRows"),
    "linear": ("phash_engine.index.linear", "LinearRows"),
    "bktree": ("phash_engine.index.bktree", "BKTreeRows"),
    "multi": ("phash_engine.index.multi_index", "MultiIndexRows"),
}
"""Module and class of each kind, imported when it is built: ``linear`` alone does without numba."""


class Index:
    """Exact search over codes of one width. ``Index(codes)`` makes one of the kind that is asked for.

    Results depend neither on the order of the codes nor on the number of threads, nor on the kind.

    Parameters
    ----------
    codes
        uint64 ``(n,)`` or ``(n, words)``, 1 to 4 words; bool bits ``(n, 64 * words)``; or packed bytes, uint8
        ``(n, 8 * words)``. As in the hex of imagehash the first bit, the top of the first byte, is bit 63 of its word.
    ids
        Whole numbers ``(n,)``, each once; ``0..n-1`` when None.
    kind
        One of ``KINDS``. All return the same; "auto" takes the fastest.
    threads
        Most threads to use; all available processors when None.

    Raises
    ------
    TypeError
        Codes of another dtype, ids that are not whole numbers.
    ValueError
        An unknown kind, codes of another shape, ids of another number, or an id twice.

    Examples
    --------
    >>> import numpy
    >>> index = Index(numpy.array([0b0000, 0b0001, 0b1111], dtype=numpy.uint64))
    >>> index
    Index(3 codes of 64 bits, kind='auto')
    >>> index.range_search(numpy.array([0b0011], dtype=numpy.uint64), radius=1).ids
    array([1])
    """

    def __init__(
        self, codes: ArrayLike, ids: ArrayLike | None = None, kind: str = "auto", *, threads: int | None = None
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"there is no index kind {kind!r}; kinds are {', '.join(KINDS)}")
        module, name = KINDS[kind]
        array = as_codes(codes)
        columns, ordered = by_id(array, as_ids(ids, len(array)))
        self._threads = available_threads() if threads is None else check_count(threads, "threads")
        self._ids = IdMap(ordered)
        self._rows: Rows = getattr(import_module(module), name)(columns, self._ids, self._threads)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        number = f"{len(self)} code{'' if len(self) == 1 else 's'}"
        return f"Index({number} of {CODE_BITS * self.words} bits, kind={self.kind!r})"

    @property
    def kind(self) -> str:
        """The kind of index, as asked for."""
        return self._rows.kind

    @property
    def words(self) -> int:
        """Number of 64-bit words per code."""
        return self._rows.words

    def range_search(self, queries: ArrayLike, radius: ArrayLike) -> Matches:
        """Find all codes within a radius of each query.

        Parameters
        ----------
        queries
            uint64 ``(q,)`` or ``(q, words)``.
        radius
            Bits, inclusive, ``0 .. 64 * words``: one for all queries, or integers ``(q,)``.

        Returns
        -------
        Matches
            Sorted by (query, distance, id).

        Raises
        ------
        TypeError, ValueError
            Queries that do not fit this index, or a radius out of range.
        """
        return self._matches(queries, radius, None)

    def search(self, queries: ArrayLike, k: int = 10, radius: ArrayLike | None = None) -> Matches:
        """Find the ``k`` nearest codes of each query, of equal distance the lowest ids.

        Parameters
        ----------
        queries
            uint64 ``(q,)`` or ``(q, words)``.
        k
            How many, at least 1; fewer come back where there are fewer.
        radius
            As in ``range_search``: nothing beyond it; no limit when None.

        Returns
        -------
        Matches
            Sorted by (query, distance, id).

        Raises
        ------
        TypeError, ValueError
            Queries that do not fit this index, a radius out of range, or ``k`` below 1.
        """
        return self._matches(queries, radius, check_count(k, "k"))

    def query_cost(self, queries: ArrayLike, radius: ArrayLike) -> QueryCost:
        """Run a range search and return its cost; parameters and errors are those of ``range_search``."""
        columns = as_columns(as_codes(queries, self.words))
        limits = as_limits(radius, columns[0].size, self.words)
        matches = sum(hits.size for _, hits in self._rows.hits(columns, limits, None))
        return QueryCost(*self._rows.effort(columns, limits), matches)

    def explain(self, radius: int) -> Explanation:
        """Return which kind of index a range search of this radius uses, and the time each is expected to take.

        Raises
        ------
        TypeError, ValueError
            A radius that is not a whole number in ``0 .. 64 * words``.
        """
        radius = check_radius(radius, self.words)
        return Explanation(self._rows.searching_kind(radius), expected_microseconds(len(self), self.words, radius))

    def self_join(self, radius: int) -> Pairs:
        """Find all pairs of this index's codes within ``radius`` bits, inclusive.

        Returns
        -------
        Pairs
            ``left < right``, sorted by (left, right).

        Raises
        ------
        TypeError, ValueError
            A radius that is not a whole number in ``0 .. 64 * words``.
        """
        _, blocks = self._rows.pair_blocks(check_radius(radius, self.words))
        largest = len(self._ids), len(self._ids), CODE_BITS * self.words
        return self._named_pairs(sorted_blocks(blocks, largest, self._threads))

    def iter_self_join(self, radius: int, progress: Progress | None = None) -> Iterator[Pairs]:
        """Find the pairs of ``self_join`` in blocks, for results larger than memory.

        Parameters
        ----------
        radius
            Bits, inclusive.
        progress
            Called after each block with the number of blocks done and of all blocks.

        Yields
        ------
        Pairs
            Sorted in itself. Every pair is in one block; the order of the blocks is that in which they are found.
        """
        count, blocks = self._rows.pair_blocks(check_radius(radius, self.words))
        for done, pairs in enumerate(blocks, start=1):
            yield self._named_pairs(sorted_columns(*pairs))
            if progress:
                progress(done, max(done, count))

    def join(self, codes: ArrayLike, radius: int) -> Matches:
        """Find all codes within a radius of each of many others: ``range_search``, fast for many queries.

        Parameters, results and errors are those of ``range_search``.
        """
        columns = as_columns(as_codes(codes, self.words))
        _, blocks = self._rows.match_blocks(columns, check_radius(radius, self.words))
        largest = columns[0].size, CODE_BITS * self.words, len(self._ids)
        return self._named_matches(sorted_blocks(blocks, largest, self._threads))

    def iter_join(self, codes: ArrayLike, radius: int, progress: Progress | None = None) -> Iterator[Matches]:
        """Find the matches of ``join`` in blocks, for results larger than memory.

        Parameters
        ----------
        codes
            uint64 ``(q,)`` or ``(q, words)``.
        radius
            Bits, inclusive.
        progress
            Called after each block with the number of blocks done and of all blocks.

        Yields
        ------
        Matches
            Sorted in itself. Every match is in one block; the order of the blocks is that in which they are found.
        """
        count, blocks = self._rows.match_blocks(
            as_columns(as_codes(codes, self.words)), check_radius(radius, self.words)
        )
        for done, matches in enumerate(blocks, start=1):
            yield self._named_matches(sorted_columns(*matches))
            if progress:
                progress(done, max(done, count))

    def add(self, codes: ArrayLike, ids: ArrayLike | None = None) -> NDArray[np.int64]:
        """Add codes.

        Parameters
        ----------
        codes
            uint64 ``(n,)`` or ``(n, words)``.
        ids
            Whole numbers ``(n,)`` never used in this index; those after the highest ever used when None.

        Returns
        -------
        numpy.ndarray
            int64 ``(n,)``: their ids.

        Raises
        ------
        TypeError, ValueError
            Codes or ids as for a new index, or an id that is or was in this one.

        Notes
        -----
        Ids above all others cost little; with a lower one the index is built anew.
        """
        array = as_codes(codes, self.words)
        new = self._ids.new_ids(ids, len(array))
        columns, ordered = by_id(array, new)
        if self._ids.come_after(ordered):
            self._ids.append(ordered)
            self._rows.append(columns)
        else:
            self._renew(columns, ordered)
        return new

    def remove(self, ids: ArrayLike) -> None:
        """Remove codes by their ids, which are never given out again.

        Raises
        ------
        TypeError
            Ids that are not whole numbers.
        ValueError
            An id that is not in this index, or twice among these; nothing is removed then.
        """
        self._rows.hide(self._ids.remove(ids))
        if self._ids.gone > self._rows.most_gone * len(self._ids):
            self._renew(tuple(column[:0] for column in self._rows.columns()), np.empty(0, dtype=np.int64))

    def take(self, columns: Columns, ids: NDArray[np.int64]) -> None:
        """Hold these codes in place of all there were; for parameters and errors see ``index_columns``."""
        if any(column.shape != ids.shape for column in columns):
            raise ValueError(f"{columns[0].size} codes need ids of shape ({columns[0].size},), not {ids.shape}")
        self._ids.replace(ids)
        self._rows.build(read_only(columns))

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Write the index into a folder; see ``io.save``."""
        from phash_engine.index import io

        io.save(self, directory)

    @staticmethod
    def load(directory: str | os.PathLike[str], *, threads: int | None = None) -> Index:
        """Open the index that was last saved into a folder, memory-mapped; see ``io.load``."""
        from phash_engine.index import io

        return io.load(directory, threads=threads)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the whole state of this index, for ``from_arrays`` of an empty one of its kind and width."""
        return {**self._ids.to_arrays(), **self._rows.arrays()}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the index whose ``to_arrays`` these are; they are not copied where possible.

        Raises
        ------
        KeyError, ValueError
            Arrays that are missing or do not fit together.
        """
        self._ids.from_arrays(arrays)
        self._rows.restore(arrays)
        self._rows.hide(np.flatnonzero(self._ids.removed))

    def _renew(self, columns: Columns, ids: NDArray[np.int64]) -> None:
        """Build anew, without what was removed and with further codes."""
        living = ~self._ids.removed
        pairs = zip(self._rows.columns(), columns, strict=True)
        codes = np.stack([np.concatenate((column[living], more)) for column, more in pairs], axis=1)
        ordered, ascending = by_id(codes, np.concatenate((self._ids.ids[living], ids)))
        self._ids.replace(ascending)
        self._rows.build(ordered)

    def _matches(self, queries: ArrayLike, radius: ArrayLike | None, k: int | None) -> Matches:
        columns = as_columns(as_codes(queries, self.words))
        limits = as_limits(radius, columns[0].size, self.words)
        blocks = list(self._rows.hits(columns, limits, k)) or [(0, NO_HITS)]
        return Matches(
            np.concatenate([first + queries_of(hits) for first, hits in blocks]),
            np.concatenate([self._ids.named(rows_of(hits)) for _, hits in blocks]),
            np.concatenate([distances_of(hits) for _, hits in blocks]),
        )

    def _named_pairs(self, columns: tuple[Hits, ...]) -> Pairs:
        left, right, distances = columns
        return Pairs(self._ids.named(left), self._ids.named(right), distances)

    def _named_matches(self, columns: tuple[Hits, ...]) -> Matches:
        queries, distances, rows = columns
        return Matches(queries, self._ids.named(rows), distances)


def index_columns(columns: Columns, ids: NDArray[np.int64], kind: str = "auto", *, threads: int | None = None) -> Index:
    """Build an index over codes whose words are separate columns, without copying them together.

    Parameters
    ----------
    columns
        uint64 ``(n,)`` for each word; ``linear`` and ``auto`` read contiguous ones where they lie.
    ids
        int64 ``(n,)``, ascending; that is not checked.
    kind, threads
        As for :class:`Index`.

    Raises
    ------
    ValueError
        An unknown kind, or ids of another number.
    """
    index = Index(np.empty((0, len(columns)), dtype=np.uint64), kind=kind, threads=threads)
    index.take(columns, ids)
    return index
