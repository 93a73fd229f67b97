"""Multi-index hashing: probe only the buckets near each query; the fastest index for many codes and small radii."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import EMPTY, Columns, GrowingColumn, IntColumn, read_only, slice_columns, spans
from phash_engine._threads import in_threads
from phash_engine.index.bucket_join import bucket_matches, bucket_pairs, equal_pairs, row_pairs
from phash_engine.index.bucket_search import BucketSearch
from phash_engine.index.costs import chunks_for_join, chunks_for_queries, compare_all_cost, join_cost
from phash_engine.index.kernels import scan
from phash_engine.index.kernels.bit_order import reorder
from phash_engine.index.kernels.match_keys import MatchKeys, merge_keys, rows_of
from phash_engine.index.kernels.postings import Postings, collapse
from phash_engine.index.layout import Layout, build_layout
from phash_engine.index.linear import compare_all
from phash_engine.index.rows import Rows

_BLOCK_QUERIES: Final = 256
_MOST_QUERIES: Final = 1 << 16
_HEAP_ITEMS: Final = 1 << 22
"""Match keys that a thread keeps during a k-nearest search: 32 MB."""
_MOST_RECENT: Final = 32
"""Recently added codes are scanned until they are this fraction of all; then they are merged into the buckets."""
_MOST_GROWTH: Final = 4
"""Growth since the bits were ordered and the codes cut into chunks, after which both are done again."""
_RADIUS: Final = 8
"""Radius, in bits of each word, that the number of chunks is chosen for."""
_FEW_QUERIES: Final = 8
"""A join of fewer codes than this fraction of the index is a range search; more codes are put into buckets too."""


class MultiIndexRows(Rows):
    """Exact search by buckets: only codes that have a chunk in common, or nearly, are compared.

    Notes
    -----
    Multi-index hashing of Norouzi, Punjani & Fleet (2012), with the codes inside the buckets, bits spread over the
    chunks so that skew does not fill single buckets, and equal codes kept once. Where probing would cost more than
    a linear scan, all codes are scanned. Memory for each distinct code: ``8 * words + 4`` bytes a chunk.
    """

    kind = "multi"

    max_removed_share = 1 / 8

    def build(self, columns: Columns) -> None:
        rows = columns[0].size
        self._use(build_layout(columns, chunks_for_queries(rows, self.words, _RADIUS * self.words), self._threads))
        self._most_rows = _MOST_GROWTH * rows

    def arrays(self) -> dict[str, NDArray[Any]]:
        recent = np.stack([growing.array for growing in self._recent])
        return {**self._layout.to_arrays(), "recent": recent, "most_rows": np.array(self._most_rows)}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        layout = Layout.from_arrays(arrays, self.words)
        if layout.rows + arrays["recent"].shape[1] != len(self._ids):
            raise ValueError(f"{len(self._ids)} ids, and {layout.rows} rows in buckets")
        self._use(layout)
        self._recent = [GrowingColumn(column) for column in arrays["recent"]]
        self._most_rows = int(arrays["most_rows"])

    def _use(self, layout: Layout) -> None:
        """Search a layout that holds all rows."""
        self._layout = layout
        self._search = BucketSearch(layout)
        self._recent = [GrowingColumn(np.empty(0, dtype=np.uint64)) for _ in range(self.words)]

    def append(self, columns: Columns) -> None:
        for held, column in zip(self._recent, columns, strict=True):
            held.append(column)
        if self._recent[0].array.size * _MOST_RECENT > self._layout.rows:
            self._merge_recent()

    def _merge_recent(self) -> None:
        """Merge recent codes into the buckets, or build them again if the index has grown several times."""
        recent = tuple(growing.array for growing in self._recent)
        if self._layout.rows + recent[0].size > self._most_rows:
            self.build(self.columns())
        elif recent[0].size:
            self._use(self._layout.with_more(recent, self._threads))

    def remove(self, rows: NDArray[np.int64]) -> None:
        pass  # every search filters removed rows

    def columns(self) -> Columns:
        pairs = zip(self._layout.row_codes(), self._recent, strict=True)
        return read_only(np.concatenate((column, growing.array)) for column, growing in pairs)

    def _postings(self) -> Postings:
        """Return the rows of the entries, with the removed rows marked."""
        if not self._ids.removed_count:
            return self._layout.postings
        return self._layout.postings._replace(removed=self._ids.removed[: self._layout.rows])

    def search(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> Iterator[tuple[int, MatchKeys]]:
        reordered, postings = reorder(queries, self._layout.tables), self._postings()
        k = None if k is None else min(k, max(1, len(self)))
        most = min(_MOST_QUERIES, max(1, _HEAP_ITEMS // (k or 1)))
        shares = 4 * self._threads if self._threads > 1 else 1
        blocks = spans(limits.size, min(most, max(_BLOCK_QUERIES, -(-limits.size // shares))))

        def search(block: range) -> MatchKeys:
            codes, accepted = slice_columns(reordered, block), limits[block.start : block.stop]
            if k is None:
                in_buckets = self._search.within(postings, codes, accepted)
            else:
                in_buckets = self._search.nearest(postings, codes, accepted, k)
            recent = self._scan_recent(slice_columns(queries, block), accepted, k)
            return merge_keys([in_buckets, recent], k) if recent.size else in_buckets

        yield from zip((block.start for block in blocks), in_threads(search, blocks, self._threads), strict=True)

    def _scan_recent(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> MatchKeys:
        """Scan the codes that are not in buckets yet."""
        columns = tuple(growing.array for growing in self._recent)
        if not columns[0].size:
            return EMPTY
        if k is None:
            keys = scan.within(columns, 0, columns[0].size, queries, limits)
        else:
            keys = scan.nearest(columns, 0, columns[0].size, queries, limits, k + self._ids.removed_count)
        keys = keys + self._layout.rows
        return keys[~self._ids.removed[rows_of(keys)]]

    def cost(self, queries: Columns, limits: NDArray[np.int64]) -> tuple[int, int]:
        reordered = reorder(queries, self._layout.tables)
        probes, candidates = self._search.cost(self._postings(), reordered, limits)
        return probes, candidates + limits.size * self._recent[0].array.size

    def pair_blocks(self, radius: int) -> tuple[int, Iterator[tuple[IntColumn, ...]]]:
        self._merge_recent()
        layout = self._layout
        chunks_per_word = chunks_for_join(layout.entries, self.words, radius)
        if join_cost(layout.entries, self.words, chunks_per_word, radius) > compare_all_cost(layout.rows, self.words):
            count, pairs = compare_all(layout.row_codes(), radius, self._threads)
            return count, (self._present(block, (0, 1)) for block in pairs)
        buckets = (
            layout.buckets
            if chunks_per_word == layout.chunks_per_word
            else layout.with_chunks(chunks_per_word, self._threads).buckets
        )
        count, found = bucket_pairs(buckets, radius, self._threads)

        def in_rows() -> Iterator[tuple[IntColumn, ...]]:
            for left, right, distances in row_pairs(equal_pairs(layout.postings), layout.postings, layout.postings):
                once = left < right
                yield left[once], right[once], distances[once]
            for pairs in found:
                for left, right, distances in row_pairs(pairs, layout.postings, layout.postings):
                    yield np.minimum(left, right), np.maximum(left, right), distances

        return count + 1, (self._present(block, (0, 1)) for block in in_rows())

    def match_blocks(self, queries: Columns, radius: int) -> tuple[int, Iterator[tuple[IntColumn, ...]]]:
        self._merge_recent()
        layout = self._layout
        cost = join_cost(layout.entries, self.words, layout.chunks_per_word, radius)
        if queries[0].size * _FEW_QUERIES < layout.rows or cost > compare_all_cost(layout.rows, self.words):
            return super().match_blocks(queries, radius)
        entries, postings = collapse(queries)
        ordered = reorder(entries, layout.tables)
        tasks, found = bucket_matches(ordered, layout.buckets, radius, self._threads)
        blocks = chain.from_iterable(row_pairs(pairs, postings, layout.postings) for pairs in found)
        return tasks, (self._present((left, bits, right), (2,)) for left, right, bits in blocks)

    def _present(self, columns: tuple[IntColumn, ...], rows: tuple[int, ...]) -> tuple[IntColumn, ...]:
        """Drop what has a removed row in one of the columns of rows."""
        if not self._ids.removed_count:
            return columns
        present = ~np.any([self._ids.removed[columns[i]] for i in rows], axis=0)
        return tuple(column[present] for column in columns)
