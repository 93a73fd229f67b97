"""The base class of all kinds of index: search over codes in rows; :class:`Index` maps rows to ids."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Columns, IntColumn, slice_columns, spans
from phash_engine.index.id_map import IdMap
from phash_engine.index.kernels.match_keys import MatchKeys, distances_of, queries_of, rows_of
from phash_engine.index.validation import as_codes, as_columns

_JOIN_QUERIES = 1 << 14


class Rows(ABC):
    """Codes in rows, in the order of their ids, so that sorting by row is sorting by id.

    Results depend neither on the order in which codes were added nor on the number of threads.

    Parameters
    ----------
    columns
        uint64 ``(n,)`` for each word, contiguous and read-only.
    ids
        Ids of the rows, and which rows were removed.
    threads
        Most threads to use.
    """

    kind: ClassVar[str]
    """Name of the kind, as in ``KINDS``."""
    max_removed_share: ClassVar[float] = 0.0
    """Share of removed rows above which the index is built again."""

    def __init__(self, columns: Columns, ids: IdMap, threads: int) -> None:
        self.words = len(columns)
        self._ids = ids
        self._threads = threads
        self.build(columns)

    def __len__(self) -> int:
        return len(self._ids) - self._ids.removed_count

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what ``restore`` needs: the codes, or more if building again is slow."""
        codes = np.empty((len(self._ids), self.words), dtype=np.uint64, order="F")
        for word, column in enumerate(self.columns()):
            codes[:, word] = column
        return {"codes": codes}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Load the codes of ``arrays``."""
        if arrays["codes"].shape != (len(self._ids), self.words):
            raise ValueError(f"{len(self._ids)} ids, and codes of shape {arrays['codes'].shape}")
        self.build(as_columns(as_codes(arrays["codes"])))

    @abstractmethod
    def build(self, columns: Columns) -> None:
        """Replace all codes, given in the order of their rows."""

    @abstractmethod
    def append(self, columns: Columns) -> None:
        """Add codes after the last row; the id map has their ids already."""

    def extend(self, columns: Columns) -> None:
        """Add codes after the last row, with the next ids."""
        first = len(self._ids)
        self._ids.append(np.arange(first, first + columns[0].size))
        self.append(columns)

    @abstractmethod
    def remove(self, rows: NDArray[np.int64]) -> None:
        """Leave rows out of all results; the id map has marked them already."""

    @abstractmethod
    def columns(self) -> Columns:
        """Return all codes in the order of their rows, including removed ones."""

    @abstractmethod
    def search(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> Iterable[tuple[int, MatchKeys]]:
        """Yield blocks of queries: first query, and sorted match keys; at most ``k`` for each query if given."""

    @abstractmethod
    def pair_blocks(self, radius: int) -> tuple[int, Iterator[tuple[IntColumn, ...]]]:
        """Return the approximate number of blocks, and blocks of pairs: left rows, right rows, distances, unsorted."""

    def match_blocks(self, queries: Columns, radius: int) -> tuple[int, Iterator[tuple[IntColumn, ...]]]:
        """Return the approximate number of blocks, and blocks of matches: queries, distances, rows, unsorted."""
        blocks = spans(queries[0].size, _JOIN_QUERIES)

        def matches() -> Iterator[tuple[IntColumn, ...]]:
            for block in blocks:
                limits = np.full(len(block), radius, dtype=np.int64)
                for first, keys in self.search(slice_columns(queries, block), limits, None):
                    yield queries_of(keys) + (block.start + first), distances_of(keys), rows_of(keys)

        return len(blocks), matches()

    def kind_used(self, radius: int) -> str:
        """Return the kind that a range search of this radius uses."""
        return self.kind

    def cost(self, queries: Columns, limits: NDArray[np.int64]) -> tuple[int, int]:
        """Return the number of buckets that a range search probes, and of codes that it compares."""
        return 0, limits.size * len(self)
