"""What every index can be asked; the kinds fill in how it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine._columns import NO_HITS, Columns, Hits, read_only, sorted_blocks, sorted_columns, spans
from phash_engine._threads import available_threads
from phash_engine.index.costs import expected_microseconds
from phash_engine.index.id_map import Roster
from phash_engine.index.kernels.hits import distances_of, part, queries_of, rows_of
from phash_engine.index.results import Explanation, Matches, Pairs, QueryCost
from phash_engine.index.validation import CODE_BITS, as_codes, as_columns, as_limits, by_id, check_count, check_radius

Progress = Callable[[int, int], object]
"""Called with the number of blocks done and of all blocks."""

_JOIN_QUERIES = 1 << 14


class Index(ABC):
    """Exact search over codes of one width; every kind gives the same answers.

    Answers depend neither on the order of the codes nor on the number of threads. A kind holds its codes in the order
    of their ids, so that the rank of a code, its **row**, orders hits as its id does. It implements the methods at the
    end, on rows; this class checks what comes in, names ids in what goes out, and keeps the ids.
    """

    kind: ClassVar[str]
    """The name that ``build_index`` knows it by."""

    def __init__(self, words: int, ids: NDArray[np.int64], threads: int | None) -> None:
        self._words = words
        self._threads = available_threads() if threads is None else check_count(threads, "threads")
        self._roster = Roster(ids)

    @property
    def words(self) -> int:
        """Number of 64-bit words per code."""
        return self._words

    def __len__(self) -> int:
        return len(self._roster) - self._roster.gone

    def range_query(self, queries: ArrayLike, radius: ArrayLike) -> Matches:
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

    def nearest(self, queries: ArrayLike, k: int, radius: ArrayLike | None = None) -> Matches:
        """Find the ``k`` nearest codes of each query, of equal distance the lowest ids.

        Parameters
        ----------
        queries
            uint64 ``(q,)`` or ``(q, words)``.
        k
            How many, at least 1; fewer come back where there are fewer.
        radius
            As in ``range_query``: nothing beyond it; no limit when None.

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
        """Answer a range query and tell what it took; parameters and errors are those of ``range_query``."""
        columns = as_columns(as_codes(queries, self.words))
        limits = as_limits(radius, columns[0].size, self.words)
        matches = sum(hits.size for _, hits in self._hits(columns, limits, None))
        return QueryCost(*self._effort(columns, limits), matches)

    def explain(self, radius: int) -> Explanation:
        """Tell which kind of index answers a range query of this radius, and what each is expected to take.

        Raises
        ------
        TypeError, ValueError
            A radius that is not a whole number in ``0 .. 64 * words``.
        """
        radius = check_radius(radius, self.words)
        return Explanation(self._answers(radius), expected_microseconds(len(self), self.words, radius))

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
        _, blocks = self._pair_blocks(check_radius(radius, self.words))
        largest = len(self._roster), len(self._roster), CODE_BITS * self.words
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
        count, blocks = self._pair_blocks(check_radius(radius, self.words))
        for done, pairs in enumerate(blocks, start=1):
            yield self._named_pairs(sorted_columns(*pairs))
            if progress:
                progress(done, max(done, count))

    def join(self, codes: ArrayLike, radius: int) -> Matches:
        """Find all codes within a radius of each of many others: ``range_query``, fast for as many as there are here.

        Parameters, answers and errors are those of ``range_query``.
        """
        columns = as_columns(as_codes(codes, self.words))
        _, blocks = self._match_blocks(columns, check_radius(radius, self.words))
        largest = columns[0].size, CODE_BITS * self.words, len(self._roster)
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
        count, blocks = self._match_blocks(as_columns(as_codes(codes, self.words)), check_radius(radius, self.words))
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
        new = self._roster.new_ids(ids, len(array))
        columns, ordered = by_id(array, new)
        if self._roster.come_after(ordered):
            self._roster.append(ordered)
            self._append(columns)
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
        self._hide(self._roster.remove(ids))
        if self._roster.gone > self._most_gone * len(self._roster):
            self._renew(tuple(column[:0] for column in self._columns()), np.empty(0, dtype=np.int64))

    def take(self, columns: Columns, ids: NDArray[np.int64]) -> None:
        """Hold these codes in place of all there were; for parameters and errors see ``index_columns``."""
        if any(column.shape != ids.shape for column in columns):
            raise ValueError(f"{columns[0].size} codes need ids of shape ({columns[0].size},), not {ids.shape}")
        self._roster.replace(ids)
        self._build(read_only(columns))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all there is to know of this index, for ``from_arrays`` of an empty one of its kind and width."""
        return {**self._roster.to_arrays(), **self._arrays()}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the index whose ``to_arrays`` these are; they are not copied where that can be helped.

        Raises
        ------
        KeyError, ValueError
            Arrays that are missing or do not fit together.
        """
        self._roster.from_arrays(arrays)
        self._restore(arrays)
        self._hide(np.flatnonzero(self._roster.removed))

    _most_gone = 0.0
    """Share of removed rows from which the index is built anew."""

    def _renew(self, columns: Columns, ids: NDArray[np.int64]) -> None:
        """Build anew, without what was removed and with further codes."""
        living = ~self._roster.removed
        pairs = zip(self._columns(), columns, strict=True)
        codes = np.stack([np.concatenate((column[living], more)) for column, more in pairs], axis=1)
        ordered, ascending = by_id(codes, np.concatenate((self._roster.ids[living], ids)))
        self._roster.replace(ascending)
        self._build(ordered)

    def _matches(self, queries: ArrayLike, radius: ArrayLike | None, k: int | None) -> Matches:
        columns = as_columns(as_codes(queries, self.words))
        limits = as_limits(radius, columns[0].size, self.words)
        blocks = list(self._hits(columns, limits, k)) or [(0, NO_HITS)]
        return Matches(
            np.concatenate([first + queries_of(hits) for first, hits in blocks]),
            np.concatenate([self._roster.named(rows_of(hits)) for _, hits in blocks]),
            np.concatenate([distances_of(hits) for _, hits in blocks]),
        )

    def _named_pairs(self, columns: tuple[Hits, ...]) -> Pairs:
        left, right, distances = columns
        return Pairs(self._roster.named(left), self._roster.named(right), distances)

    def _named_matches(self, columns: tuple[Hits, ...]) -> Matches:
        queries, distances, rows = columns
        return Matches(queries, self._roster.named(rows), distances)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """Return what ``_restore`` needs: the codes, unless there is more that would take long to build again."""
        codes = np.empty((len(self._roster), self.words), dtype=np.uint64, order="F")
        for word, column in enumerate(self._columns()):
            codes[:, word] = column
        return {"codes": codes}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take the codes of ``_arrays``."""
        if arrays["codes"].shape != (len(self._roster), self.words):
            raise ValueError(f"{len(self._roster)} ids, and codes of shape {arrays['codes'].shape}")
        self._build(as_columns(as_codes(arrays["codes"])))

    @abstractmethod
    def _build(self, columns: Columns) -> None:
        """Take codes in the order of their rows in place of all there were."""

    @abstractmethod
    def _append(self, columns: Columns) -> None:
        """Take codes in the rows after all others."""

    @abstractmethod
    def _hide(self, rows: NDArray[np.int64]) -> None:
        """Leave rows out of all answers from now on; the roster holds them."""

    @abstractmethod
    def _columns(self) -> Columns:
        """Codes in the order of their rows, removed ones, too."""

    @abstractmethod
    def _hits(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> Iterable[tuple[int, Hits]]:
        """Sorted hits of consecutive blocks of queries, each with its first query; at most ``k`` a query if given."""

    @abstractmethod
    def _pair_blocks(self, radius: int) -> tuple[int, Iterator[tuple[Hits, ...]]]:
        """Roughly the number of blocks; blocks of pairs of rows: left, right, distances, in any order."""

    def _match_blocks(self, queries: Columns, radius: int) -> tuple[int, Iterator[tuple[Hits, ...]]]:
        """Roughly the number of blocks; blocks of matches: queries, distances, rows, in any order."""
        blocks = spans(queries[0].size, _JOIN_QUERIES)

        def answers() -> Iterator[tuple[Hits, ...]]:
            for block in blocks:
                limits = np.full(len(block), radius, dtype=np.int64)
                for first, hits in self._hits(part(queries, block), limits, None):
                    yield queries_of(hits) + (block.start + first), distances_of(hits), rows_of(hits)

        return len(blocks), answers()

    def _answers(self, radius: int) -> str:
        """Return the kind that answers a range query."""
        return self.kind

    def _effort(self, queries: Columns, limits: NDArray[np.int64]) -> tuple[int, int]:
        """Buckets looked into and codes compared by a range query."""
        return 0, limits.size * len(self)
