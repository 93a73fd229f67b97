"""Multi-index hashing: probe only the buckets near each query; the fastest index for many codes and small radii."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import NO_HITS, Columns, Hits, read_only, spans
from phash_engine._threads import in_threads
from phash_engine.index.bucket_join import bucket_matches, bucket_pairs, row_pairs, twins
from phash_engine.index.bucket_search import BucketSearch
from phash_engine.index.costs import chunks_for_join, chunks_for_queries, compare_all_cost, join_cost
from phash_engine.index.growing import Growing
from phash_engine.index.kernels import scan
from phash_engine.index.kernels.bit_order import reorder
from phash_engine.index.kernels.hits import merged, part, rows_of
from phash_engine.index.kernels.postings import Postings, collapse
from phash_engine.index.layout import Layout, lay_out
from phash_engine.index.linear import compare_all
from phash_engine.index.rows import Rows

_BLOCK_QUERIES: Final = 256
_MOST_QUERIES: Final = 1 << 16
_HEAP_ITEMS: Final = 1 << 22
"""Hits that a thread keeps during a search for the nearest: 32 MB."""
_MOST_RECENT: Final = 32
"""Added codes are scanned apart until they are this fraction of all; then they are merged into the buckets."""
_MOST_GROWTH: Final = 4
"""Growth since the bits were ordered and the chunks cut, after which both are done anew."""
_RADIUS: Final = 8
"""Bits of each word that the chunks are cut for."""
_FEW_QUERIES: Final = 8
"""A join of fewer codes than this fraction of the index searches for each; more are put into buckets too."""


class MultiIndexRows(Rows):
    """Exact search by buckets: codes that share a chunk, or nearly, are compared, all others are not.

    Notes
    -----
    Multi-index hashing of Norouzi, Punjani & Fleet (2012), with the codes inside the buckets, bits spread over the
    chunks so that skew does not fill single buckets, and equal codes kept once. Where probing would cost more than
    a linear scan, all codes are scanned. Memory for each distinct code: ``8 * words + 4`` bytes a chunk.
    """

    kind = "multi"

    most_gone = 1 / 8

    def build(self, columns: Columns) -> None:
        rows = columns[0].size
        self._use(lay_out(columns, chunks_for_queries(rows, self.words, _RADIUS * self.words), self._threads))
        self._most_rows = _MOST_GROWTH * rows

    def arrays(self) -> dict[str, NDArray[Any]]:
        recent = np.stack([growing.array for growing in self._recent])
        return {**self._layout.to_arrays(), "recent": recent, "most_rows": np.array(self._most_rows)}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        layout = Layout.from_arrays(arrays, self.words)
        if layout.rows + arrays["recent"].shape[1] != len(self._ids):
            raise ValueError(f"{len(self._ids)} ids, and {layout.rows} rows in buckets")
        self._use(layout)
        self._recent = [Growing(column) for column in arrays["recent"]]
        self._most_rows = int(arrays["most_rows"])

    def _use(self, layout: Layout) -> None:
        """Search a layout that holds all rows."""
        self._layout = layout
        self._search = BucketSearch(layout)
        self._recent = [Growing(np.empty(0, dtype=np.uint64)) for _ in range(self.words)]

    def append(self, columns: Columns) -> None:
        for growing, column in zip(self._recent, columns, strict=True):
            growing.append(column)
        if self._recent[0].array.size * _MOST_RECENT > self._layout.rows:
            self._settle()

    def _settle(self) -> None:
        """Merge recent codes into the buckets, or build anew when there are several times as many as at first."""
        recent = tuple(growing.array for growing in self._recent)
        if self._layout.rows + recent[0].size > self._most_rows:
            self.build(self.columns())
        elif recent[0].size:
            self._use(self._layout.with_more(recent, self._threads))

    def hide(self, rows: NDArray[np.int64]) -> None:
        pass  # every search filters what was removed

    def columns(self) -> Columns:
        pairs = zip(self._layout.row_codes(), self._recent, strict=True)
        return read_only(np.concatenate((column, growing.array)) for column, growing in pairs)

    def _postings(self) -> Postings:
        """Rows of the entries, and which of them were removed."""
        if not self._ids.gone:
            return self._layout.postings
        return self._layout.postings._replace(removed=self._ids.removed[: self._layout.rows])

    def hits(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> Iterator[tuple[int, Hits]]:
        asked, postings = reorder(queries, self._layout.tables), self._postings()
        k = None if k is None else min(k, max(1, len(self)))
        most = min(_MOST_QUERIES, max(1, _HEAP_ITEMS // (k or 1)))
        shares = 4 * self._threads if self._threads > 1 else 1
        blocks = spans(limits.size, min(most, max(_BLOCK_QUERIES, -(-limits.size // shares))))

        def search(block: range) -> Hits:
            codes, accepted = part(asked, block), limits[block.start : block.stop]
            if k is None:
                settled = self._search.within(postings, codes, accepted)
            else:
                settled = self._search.nearest(postings, codes, accepted, k)
            recent = self._in_recent(part(queries, block), accepted, k)
            return merged([settled, recent], k) if recent.size else settled

        yield from zip((block.start for block in blocks), in_threads(search, blocks, self._threads), strict=True)

    def _in_recent(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> Hits:
        """Look at the codes that are not in buckets yet."""
        columns = tuple(growing.array for growing in self._recent)
        if not columns[0].size:
            return NO_HITS
        if k is None:
            hits = scan.within(columns, 0, columns[0].size, queries, limits)
        else:
            hits = scan.nearest(columns, 0, columns[0].size, queries, limits, k + self._ids.gone)
        hits = hits + self._layout.rows
        return hits[~self._ids.removed[rows_of(hits)]]

    def effort(self, queries: Columns, limits: NDArray[np.int64]) -> tuple[int, int]:
        asked = reorder(queries, self._layout.tables)
        probes, candidates = self._search.effort(self._postings(), asked, limits)
        return probes, candidates + limits.size * self._recent[0].array.size

    def pair_blocks(self, radius: int) -> tuple[int, Iterator[tuple[Hits, ...]]]:
        self._settle()
        layout = self._layout
        chunks_per_word = chunks_for_join(layout.entries, self.words, radius)
        if join_cost(layout.entries, self.words, chunks_per_word, radius) > compare_all_cost(layout.rows, self.words):
            count, pairs = compare_all(layout.row_codes(), radius, self._threads)
            return count, (self._present(block, (0, 1)) for block in pairs)
        buckets = (
            layout.buckets
            if chunks_per_word == layout.chunks_per_word
            else layout.cut_into(chunks_per_word, self._threads).buckets
        )
        count, found = bucket_pairs(buckets, radius, self._threads)

        def in_rows() -> Iterator[tuple[Hits, ...]]:
            for left, right, distances in row_pairs(twins(layout.postings), layout.postings, layout.postings):
                once = left < right
                yield left[once], right[once], distances[once]
            for pairs in found:
                for left, right, distances in row_pairs(pairs, layout.postings, layout.postings):
                    yield np.minimum(left, right), np.maximum(left, right), distances

        return count + 1, (self._present(block, (0, 1)) for block in in_rows())

    def match_blocks(self, queries: Columns, radius: int) -> tuple[int, Iterator[tuple[Hits, ...]]]:
        self._settle()
        layout = self._layout
        cost = join_cost(layout.entries, self.words, layout.chunks_per_word, radius)
        if queries[0].size * _FEW_QUERIES < layout.rows or cost > compare_all_cost(layout.rows, self.words):
            return super().match_blocks(queries, radius)
        entries, postings = collapse(queries)
        ordered = reorder(entries, layout.tables)
        tasks, found = bucket_matches(ordered, layout.buckets, radius, self._threads)
        blocks = chain.from_iterable(row_pairs(pairs, postings, layout.postings) for pairs in found)
        return tasks, (self._present((left, bits, right), (2,)) for left, right, bits in blocks)

    def _present(self, columns: tuple[Hits, ...], rows: tuple[int, ...]) -> tuple[Hits, ...]:
        """Leave out what has a removed row in one of the columns of rows."""
        if not self._ids.gone:
            return columns
        present = ~np.any([self._ids.removed[columns[i]] for i in rows], axis=0)
        return tuple(column[present] for column in columns)
