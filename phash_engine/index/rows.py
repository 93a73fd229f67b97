"""What a kind of index implements: search over codes in rows, without ids."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Columns, Hits, spans
from phash_engine.index.id_map import IdMap
from phash_engine.index.kernels.hits import distances_of, part, queries_of, rows_of
from phash_engine.index.validation import as_codes, as_columns

_JOIN_QUERIES = 1 << 14


class Rows(ABC):
    """Codes in rows, in the order of their ids, so that the row of a code orders matches as its id does.

    Results depend neither on the order in which codes came in nor on the number of threads.

    Parameters
    ----------
    columns
        uint64 ``(n,)`` for each word, contiguous and read-only.
    ids
        Knows which rows were removed.
    threads
        Most threads to use.
    """

    kind: ClassVar[str]
    """The name of the kind, as ``Index`` takes it."""
    most_gone: ClassVar[float] = 0.0
    """Share of removed rows from which all are built anew."""

    def __init__(self, columns: Columns, ids: IdMap, threads: int) -> None:
        self.words = len(columns)
        self._ids = ids
        self._threads = threads
        self.build(columns)

    def __len__(self) -> int:
        return len(self._ids) - self._ids.gone

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what ``restore`` needs: the codes, or more where that takes long to build again."""
        codes = np.empty((len(self._ids), self.words), dtype=np.uint64, order="F")
        for word, column in enumerate(self.columns()):
            codes[:, word] = column
        return {"codes": codes}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take the codes of ``arrays``."""
        if arrays["codes"].shape != (len(self._ids), self.words):
            raise ValueError(f"{len(self._ids)} ids, and codes of shape {arrays['codes'].shape}")
        self.build(as_columns(as_codes(arrays["codes"])))

    @abstractmethod
    def build(self, columns: Columns) -> None:
        """Take codes in the order of their rows in place of all there were before."""

    @abstractmethod
    def append(self, columns: Columns) -> None:
        """Take codes in the rows after all others."""

    def extend(self, columns: Columns) -> None:
        """Take codes in the rows after all others, with ids that follow on."""
        first = len(self._ids)
        self._ids.append(np.arange(first, first + columns[0].size))
        self.append(columns)

    @abstractmethod
    def hide(self, rows: NDArray[np.int64]) -> None:
        """Leave rows out of all results from now on; the id map holds them."""

    @abstractmethod
    def columns(self) -> Columns:
        """Codes in the order of their rows, removed ones, too."""

    @abstractmethod
    def hits(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> Iterable[tuple[int, Hits]]:
        """Sorted hits of consecutive blocks of queries, each with its first query; at most ``k`` a query if given."""

    @abstractmethod
    def pair_blocks(self, radius: int) -> tuple[int, Iterator[tuple[Hits, ...]]]:
        """Roughly the number of blocks; blocks of pairs of rows: left, right, distances, in any order."""

    def match_blocks(self, queries: Columns, radius: int) -> tuple[int, Iterator[tuple[Hits, ...]]]:
        """Roughly the number of blocks; blocks of matches: queries, distances, rows, in any order."""
        blocks = spans(queries[0].size, _JOIN_QUERIES)

        def matches() -> Iterator[tuple[Hits, ...]]:
            for block in blocks:
                limits = np.full(len(block), radius, dtype=np.int64)
                for first, hits in self.hits(part(queries, block), limits, None):
                    yield queries_of(hits) + (block.start + first), distances_of(hits), rows_of(hits)

        return len(blocks), matches()

    def searching_kind(self, radius: int) -> str:
        """Return the kind that a range search uses."""
        return self.kind

    def effort(self, queries: Columns, limits: NDArray[np.int64]) -> tuple[int, int]:
        """Buckets probed and codes compared by a range search."""
        return 0, limits.size * len(self)
