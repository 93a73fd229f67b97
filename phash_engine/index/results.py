"""Results of searches and joins: sorted columns."""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Matches(NamedTuple):
    """Verified matches as columns, sorted by (query, distance, id).

    Attributes
    ----------
    queries
        int64 ``(m,)``: row of the query.
    ids
        int64 ``(m,)``: id of the matching code.
    distances
        int64 ``(m,)``: Hamming distance in bits.
    """

    queries: NDArray[np.int64]
    ids: NDArray[np.int64]
    distances: NDArray[np.int64]


class Pairs(NamedTuple):
    """Verified pairs of one collection as columns, ``left < right``, sorted by (left, right).

    Attributes
    ----------
    left, right
        int64 ``(m,)``: ids of the two codes.
    distances
        int64 ``(m,)``: Hamming distance in bits.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    distances: NDArray[np.int64]


class QueryCost(NamedTuple):
    """What a range search of several queries costs.

    Attributes
    ----------
    probes
        Buckets probed.
    candidates
        Codes compared.
    matches
        Codes found.
    """

    probes: int
    candidates: int
    matches: int


class Explanation(NamedTuple):
    """Which kind of index a range search uses, and the time that each is expected to take.

    Attributes
    ----------
    kind
        The kind in use.
    microseconds
        By kind, for one of many queries on one core with AVX-512 VPOPCNTDQ; accurate to a factor of two.
    """

    kind: str
    microseconds: dict[str, float]

    def __str__(self) -> str:
        times = ", ".join(
            f"{kind} {time:.3g} us" for kind, time in sorted(self.microseconds.items(), key=itemgetter(1))
        )
        return f"{self.kind} is used; expected for each query: {times}"
