"""Search a layout: probe the buckets near each query, or scan all entries if that costs less."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import EMPTY, Columns, read_only
from phash_engine.index.costs import CANDIDATE_COST, PROBE_COST, query_cost, scan_cost
from phash_engine.index.kernels import probe, scan
from phash_engine.index.kernels.chunks import chunk_radii, flip_masks
from phash_engine.index.kernels.match_keys import QUERY_SHIFT, MatchKeys, merge_keys, replace_queries, rows_of
from phash_engine.index.kernels.postings import Postings, expand
from phash_engine.index.layout import Layout


class Plan(NamedTuple):
    """Which buckets to probe for one radius.

    Attributes
    ----------
    radii
        int64 ``(m,)``: most bits to flip in each chunk.
    masks, begins
        ``flip_masks`` of the widest chunk.
    """

    radii: NDArray[np.int64]
    masks: NDArray[np.int64]
    begins: NDArray[np.int64]


class BucketSearch:
    """Range and k-nearest searches of one layout; queries have their bits in its order.

    ``postings`` are those of the layout, with the removed rows marked.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._plans: dict[int, Plan | None] = {}

    def within(self, postings: Postings, queries: Columns, limits: NDArray[np.int64]) -> MatchKeys:
        """Return the sorted match keys of a range search; probe as far as each radius requires."""
        found = []
        for radius, chosen, codes in _by_radius(queries, limits):
            plan = self._plan(radius)
            if plan is None:
                keys = self._scan(postings, codes, np.full(codes[0].size, radius, dtype=np.int64))
            else:
                keys = self._probe(postings, codes, radius, plan)[0]
            found.append(keys if chosen is None else replace_queries(keys, chosen))
        return merge_keys(found, None)

    def nearest(self, postings: Postings, queries: Columns, limits: NDArray[np.int64], k: int) -> MatchKeys:
        """Return the sorted match keys of the ``k`` nearest: probe with ever more flipped bits, or scan if cheaper."""
        buckets, entries, limits = self._layout.buckets, self._layout.entries, limits.copy()
        words, width, farthest = len(buckets.columns), int(buckets.widths.max()), 0
        budget = int(scan_cost(entries, words))
        while farthest < width and comb(width, farthest + 1) * PROBE_COST < budget:
            farthest += 1
        masks, begins = flip_masks(width, farthest)
        costs = np.cumsum(np.outer(np.diff(begins), PROBE_COST + CANDIDATE_COST * words * (entries >> buckets.widths)))
        heaps, sizes = np.empty((limits.size, k), dtype=np.int64), np.empty(limits.size, dtype=np.int64)
        costs = costs[: np.searchsorted(costs, budget, side="right")]
        places = np.empty((2, masks.size), dtype=np.int64)
        probe.nearest(buckets, postings, queries, limits, costs, budget, masks, begins, places, heaps, sizes)
        taken = np.arange(k) < sizes[:, np.newaxis]
        keys = heaps[taken] | (np.repeat(np.arange(limits.size), np.maximum(sizes, 0)) << QUERY_SHIFT)
        left = np.flatnonzero(sizes < 0)
        if not left.size:
            return merge_keys([keys], k)
        scanned = self._scan(postings, read_only(column[left] for column in queries), limits[left], k)
        return merge_keys([keys, replace_queries(scanned, left)], k)

    def cost(self, postings: Postings, queries: Columns, limits: NDArray[np.int64]) -> tuple[int, int]:
        """Return the numbers of buckets probed and of codes compared by a range query."""
        probes, candidates = 0, 0
        for radius, _, codes in _by_radius(queries, limits):
            plan = self._plan(radius)
            if plan is None:
                candidates += codes[0].size * self._layout.entries
            else:
                _, probed, compared = self._probe(postings, codes, radius, plan)
                probes, candidates = probes + probed, candidates + compared
        return probes, candidates

    def _plan(self, radius: int) -> Plan | None:
        """Return how far to probe for a radius, or None if a scan costs less."""
        if radius not in self._plans:
            widths = self._layout.buckets.widths
            n, words = self._layout.entries, len(self._layout.buckets.columns)
            is_cheaper = query_cost(n, words, self._layout.chunks_per_word, radius) < scan_cost(n, words)
            radii = chunk_radii(radius, widths.size)
            self._plans[radius] = Plan(radii, *flip_masks(int(widths.max()), int(radii[0]))) if is_cheaper else None
        return self._plans[radius]

    def _probe(self, postings: Postings, queries: Columns, radius: int, plan: Plan) -> tuple[MatchKeys, int, int]:
        """Return match keys, number of buckets probed and of codes compared."""
        found: list[MatchKeys] = []
        places = np.empty((2, plan.masks.size), dtype=np.int64)
        room, query, probes, candidates = 1 << 14, 0, 0, 0
        while query < queries[0].size:
            keys, before = np.empty(room, dtype=np.int64), query
            query, count, probed, compared = probe.within(
                self._layout.buckets, postings, queries, query, radius, *plan, places, keys
            )
            found.append(keys[:count])
            probes, candidates = probes + probed, candidates + compared
            room = room * 8 if query == before else room
        return np.concatenate((EMPTY, *found)), probes, candidates

    def _scan(self, postings: Postings, queries: Columns, limits: NDArray[np.int64], k: int | None = None) -> MatchKeys:
        """Compare every entry; all of them lie in the buckets of the first chunk."""
        columns, entries, count = self._layout.buckets.columns, self._layout.buckets.entries, self._layout.entries
        if k is None:
            places = scan.within(columns, 0, count, queries, limits)
            return expand(places - rows_of(places) + entries[rows_of(places)], postings)
        most = k + int(np.count_nonzero(postings.removed))
        return expand(scan.nearest(columns, 0, count, queries, limits, most, entries), postings)


def _by_radius(queries: Columns, limits: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64] | None, Columns]]:
    """Yield each radius, the numbers of its queries and their codes; None and all queries if there is one radius."""
    radii = [int(limits[0])] if limits.size and np.all(limits == limits[0]) else np.unique(limits).tolist()
    for radius in radii:
        chosen = None if len(radii) == 1 else np.flatnonzero(limits == radius)
        yield radius, chosen, queries if chosen is None else read_only(column[chosen] for column in queries)
