"""Choose the fastest kind of index: ``kind="auto"`` scans all codes until buckets would have been cheaper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Columns, IntColumn
from phash_engine.index.costs import (
    UNIT,
    build_cost,
    chunks_for_join,
    compare_all_cost,
    expected_microseconds,
    join_cost,
)
from phash_engine.index.id_map import IdMap
from phash_engine.index.kernels.match_keys import MatchKeys
from phash_engine.index.linear import LinearRows

if TYPE_CHECKING:
    from phash_engine.index.multi_index import MultiIndexRows

_NEAREST_ROWS: Final = 1_000_000
"""Number of codes from which existing buckets find the few nearest as fast as a scan."""
_NEAREST_K: Final = 10


class PlannedRows(LinearRows):
    """Exact search that puts its codes into buckets once scans have cost as much as that.

    One look-up in a million codes costs a scan, a thousand cost little more than with a multi-index, and no job takes
    more than twice as long as with the better choice made from the start.

    Notes
    -----
    A BK-tree is never chosen: with this scan and these buckets it is the fastest at no measured size and radius.
    """

    kind = "auto"

    def build(self, columns: Columns) -> None:
        super().build(columns)
        self._buckets: MultiIndexRows | None = None
        self._spent = 0.0

    def append(self, columns: Columns) -> None:
        super().append(columns)
        if self._buckets is not None:
            self._buckets.extend(columns)

    def kind_used(self, radius: int) -> str:
        probing, scanning = self._expected(radius)
        return "multi" if self._buckets is not None and probing < scanning else "linear"

    def search(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> Iterable[tuple[int, MatchKeys]]:
        n, count = len(self), limits.size
        if k is not None:
            few = k <= _NEAREST_K and n >= _NEAREST_ROWS
            buckets = self._buckets if few else None
        else:
            probing, scanning = self._expected(int(limits.max(initial=0)))
            buckets = self._worthwhile_buckets(count * probing, count * scanning)
        return super().search(queries, limits, k) if buckets is None else buckets.search(queries, limits, k)

    def pair_blocks(self, radius: int) -> tuple[int, Iterator[tuple[IntColumn, ...]]]:
        n, words = len(self), self.words
        joining = join_cost(n, words, chunks_for_join(n, words, radius), radius)
        buckets = self._worthwhile_buckets(UNIT * joining, UNIT * compare_all_cost(n, words))
        return super().pair_blocks(radius) if buckets is None else buckets.pair_blocks(radius)

    def match_blocks(self, queries: Columns, radius: int) -> tuple[int, Iterator[tuple[IntColumn, ...]]]:
        count, (probing, scanning) = queries[0].size, self._expected(radius)
        buckets = self._worthwhile_buckets(count * probing, count * scanning)
        return super().match_blocks(queries, radius) if buckets is None else buckets.match_blocks(queries, radius)

    def _expected(self, radius: int) -> tuple[float, float]:
        """Return the expected microseconds of a range query with buckets, and with a scan."""
        expected = expected_microseconds(len(self), self.words, radius)
        return expected["multi"], expected["linear"]

    def _worthwhile_buckets(self, probing: float, scanning: float) -> MultiIndexRows | None:
        """Return the buckets if they are faster, else None; built when scans have lost as much time as that takes."""
        if probing >= scanning:
            return None
        if self._buckets is None:
            self._spent += scanning - probing
            if self._spent < UNIT * build_cost(len(self), self.words):
                return None
            from phash_engine.index.multi_index import MultiIndexRows

            ids = IdMap(np.arange(len(self)))
            self._buckets = MultiIndexRows(self.columns(), ids, self._threads)
        return self._buckets
