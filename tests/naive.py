"""Slow and obviously right twins of the fast functions, of the same names."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from phash_engine.index import Matches, Pairs

Codes = NDArray[np.uint64]
Ids = NDArray[np.int64]


def distance(left: Codes, right: Codes) -> int:
    """Bits that differ between two codes ``(words,)``."""
    return sum((int(a) ^ int(b)).bit_count() for a, b in zip(left, right, strict=True))


def range_query(codes: Codes, ids: Ids, queries: Codes, radius: int | NDArray[np.int64]) -> Matches:
    return _matches(_ranked(codes, ids, query, limit) for query, limit in _with_radius(queries, radius))


def nearest(codes: Codes, ids: Ids, queries: Codes, k: int, radius: int | NDArray[np.int64] | None = None) -> Matches:
    radius = 64 * codes.shape[1] if radius is None else radius
    return _matches(_ranked(codes, ids, query, limit)[:k] for query, limit in _with_radius(queries, radius))


def self_join(codes: Codes, ids: Ids, radius: int) -> Pairs:
    found = []
    for i in range(len(codes)):
        for j in range(len(codes)):
            if ids[i] < ids[j] and distance(codes[i], codes[j]) <= radius:
                found.append((ids[i], ids[j], distance(codes[i], codes[j])))
    return Pairs(*np.array(sorted(found), dtype=np.int64).reshape(-1, 3).T)


def _with_radius(queries: Codes, radius: int | NDArray[np.int64]) -> list[tuple[Codes, int]]:
    return list(zip(queries, np.broadcast_to(radius, len(queries)).tolist(), strict=True))


def _ranked(codes: Codes, ids: Ids, query: Codes, radius: int) -> list[tuple[int, int]]:
    found = sorted((distance(code, query), int(i)) for code, i in zip(codes, ids, strict=True))
    return [(bits, i) for bits, i in found if bits <= radius]


def _matches(found: Iterable[list[tuple[int, int]]]) -> Matches:
    rows = [(query, i, bits) for query, hits in enumerate(found) for bits, i in hits]
    return Matches(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)
