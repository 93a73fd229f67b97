"""Searches and joins of an index: check the queries, search the rows, and return ids in sorted columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from phash_engine._columns import EMPTY, IntColumn, sorted_blocks, sorted_columns
from phash_engine.index.costs import expected_microseconds
from phash_engine.index.id_map import IdMap
from phash_engine.index.kernels.match_keys import distances_of, queries_of, rows_of
from phash_engine.index.results import Explanation, Matches, Pairs, QueryCost
from phash_engine.index.rows import Rows
from phash_engine.index.validation import CODE_BITS, as_codes, as_columns, as_limits, check_count, check_radius

Progress = Callable[[int, int], object]
"""Called with the number of blocks done and of all blocks."""


class Searches:
    """What can be searched in an index; :class:`~phash_engine.index.base.Index` adds how it is built and changed."""

    _ids: IdMap
    _rows: Rows
    _threads: int

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def kind(self) -> str:
        """The kind of index, as given to the constructor."""
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
        """Find the ``k`` nearest codes of each query; ties go to the lowest ids.

        Parameters
        ----------
        queries
            uint64 ``(q,)`` or ``(q, words)``.
        k
            Number of codes to return, at least 1; fewer if the index holds fewer.
        radius
            As in ``range_search``; no limit when None.

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
        matches = sum(keys.size for _, keys in self._rows.search(columns, limits, None))
        return QueryCost(*self._rows.cost(columns, limits), matches)

    def explain(self, radius: int) -> Explanation:
        """Return which kind of index a range search of this radius uses, and the time each is expected to take.

        Raises
        ------
        TypeError, ValueError
            A radius that is not a whole number in ``0 .. 64 * words``.
        """
        radius = check_radius(radius, self.words)
        return Explanation(self._rows.kind_used(radius), expected_microseconds(len(self), self.words, radius))

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
        """Find all codes within a radius of each query, as ``range_search``; faster for many queries.

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

    def _matches(self, queries: ArrayLike, radius: ArrayLike | None, k: int | None) -> Matches:
        columns = as_columns(as_codes(queries, self.words))
        limits = as_limits(radius, columns[0].size, self.words)
        blocks = list(self._rows.search(columns, limits, k)) or [(0, EMPTY)]
        return Matches(
            np.concatenate([first + queries_of(keys) for first, keys in blocks]),
            np.concatenate([self._ids.ids_of(rows_of(keys)) for _, keys in blocks]),
            np.concatenate([distances_of(keys) for _, keys in blocks]),
        )

    def _named_pairs(self, columns: tuple[IntColumn, ...]) -> Pairs:
        left, right, distances = columns
        return Pairs(self._ids.ids_of(left), self._ids.ids_of(right), distances)

    def _named_matches(self, columns: tuple[IntColumn, ...]) -> Matches:
        queries, distances, rows = columns
        return Matches(queries, self._ids.ids_of(rows), distances)
