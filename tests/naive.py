"""Slow and obviously right twins of the fast functions, of the same names."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from phash_engine import hashers, orientation
from phash_engine.index import Matches, Pairs

Block = NDArray[np.uint16]
Codes = NDArray[np.uint64]
Ids = NDArray[np.int64]
Views = list[Codes]
"""Decision codes ``(3,)`` of a picture, upright first, then turned in all ways that are known."""


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


def turned(block: Block) -> Views:
    """All 8 orientations, each hashed from the turned block itself."""
    return [_decision_codes(np.ascontiguousarray(orientation.turn(block, number))) for number in range(1, 9)]


def transposed(block: Block) -> Views:
    """What follows from the codes of the upright block alone."""
    return [_decision_codes(block), _decision_codes(np.ascontiguousarray(block.T))]


def rotated_distance(a: Views, b: Views) -> tuple[int, str]:
    """The distance with rotations, and whether it takes turning to get there."""
    nearest = min([distance(view, b[0]) for view in a] + [distance(view, a[0]) for view in b])
    return nearest, "code" if nearest == distance(a[0], b[0]) else "rotation"


def find(query: Views, photos: dict[str, Views], k: int | None, radius: int | None) -> list[tuple[int, str, str]]:
    """Distance, rule and path, nearest first."""
    found = [(*rotated_distance(query, views), path) for path, views in photos.items()]
    return sorted(match for match in found if radius is None or match[0] <= radius)[:k]


def find_groups(photos: dict[str, Views], radius: int) -> dict[str, list[tuple[int, str, str]]]:
    """Keeper → distance, rule and path of the others; photos in keeper order. Who is alone is no group."""
    groups: dict[str, list[tuple[int, str, str]]] = {}
    left = dict(photos)
    for keeper in photos:
        if keeper in left:
            views = left.pop(keeper)
            others = find(views, left, None, radius)
            for _, _, path in others:
                del left[path]
            if others:
                groups[keeper] = others
    return groups


def _decision_codes(block: Block) -> Codes:
    fingerprint = hashers.fingerprint(block)
    return np.array([fingerprint.dct, fingerprint.horizontal, fingerprint.vertical])


def _with_radius(queries: Codes, radius: int | NDArray[np.int64]) -> list[tuple[Codes, int]]:
    return list(zip(queries, np.broadcast_to(radius, len(queries)).tolist(), strict=True))


def _ranked(codes: Codes, ids: Ids, query: Codes, radius: int) -> list[tuple[int, int]]:
    found = sorted((distance(code, query), int(i)) for code, i in zip(codes, ids, strict=True))
    return [(bits, i) for bits, i in found if bits <= radius]


def _matches(found: Iterable[list[tuple[int, int]]]) -> Matches:
    rows = [(query, i, bits) for query, hits in enumerate(found) for bits, i in hits]
    return Matches(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)
