"""Slow and obviously right twins of the fast functions, of the same names."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Set
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phash_engine import hashers, orientation
from phash_engine.index import Matches, Pairs

Block = NDArray[np.uint16]
Codes = NDArray[np.uint64]
Ids = NDArray[np.int64]
Matrix = list[list[int]]
Distances = dict[tuple[int, int], int]
"""Distance by pair of items, the lower number first."""
Links = Set[tuple[int, int]]
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


def close_pairs(photos: dict[str, Views], radius: int) -> Distances:
    """Distance by pair of photos, numbered in their order."""
    views = list(photos.values())
    both = ((a, b) for b in range(len(views)) for a in range(b))
    distances = {(a, b): rotated_distance(views[a], views[b])[0] for a, b in both}
    return {pair: bits for pair, bits in distances.items() if bits <= radius}


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


def area_average(plane: NDArray[Any], width: int, height: int, scale: int = 1, unit: int = 1) -> NDArray[np.uint16]:
    """Cut each plane pixel into 32 * scale parts a side, drop what hangs over, average 32 equal runs a side."""
    sums = _runs(_runs(plane.astype(np.int64), height, scale).T, width, scale).T
    luma = [[Fraction(256 * int(cell), unit * width * height) for cell in row] for row in sums]
    return np.array([[math.floor(value + Fraction(1, 2)) for value in row] for row in luma], dtype=np.uint16)


def _runs(plane: NDArray[np.int64], extent: int, scale: int) -> NDArray[np.int64]:
    parts = np.repeat(plane, 32 * scale, axis=0)[: 32 * extent]
    runs: NDArray[np.int64] = parts.reshape(32, extent, -1).sum(axis=1)
    return runs


def average(block: Matrix) -> int:
    cells = _cells(block)
    return _code(64 * cell > sum(map(sum, cells)) for row in cells for cell in row)


def dct(block: Matrix) -> int:
    weights = cosines()
    low = [value for row in _both_ways(weights, block, weights) for value in row]
    ordered = sorted(low)
    return _code(2 * value > ordered[31] + ordered[32] for value in low)


def wavelet(block: Matrix) -> int:
    cells, bits = _cells(block), [False]
    while len(cells) > 1:
        quads = [
            [(cells[y][x], cells[y][x + 1], cells[y + 1][x], cells[y + 1][x + 1]) for x in range(0, len(cells), 2)]
            for y in range(0, len(cells), 2)
        ]
        flat = [quad for row in quads for quad in row]
        rows = [a + b > c + d for a, b, c, d in flat]
        columns = [a + c > b + d for a, b, c, d in flat]
        diagonals = [a + d > b + c for a, b, c, d in flat]
        bits = rows + columns + diagonals + bits
        cells = [[sum(quad) for quad in row] for row in quads]
    return _code(bits)


def horizontal(block: Matrix) -> int:
    reduced = _both_ways(lanczos(8), block, lanczos(9))
    return _code(row[x + 1] > row[x] for row in reduced for x in range(8))


def vertical(block: Matrix) -> int:
    reduced = _both_ways(lanczos(9), block, lanczos(8))
    return _code(reduced[y + 1][x] > reduced[y][x] for y in range(8) for x in range(8))


def cosines() -> Matrix:
    return [[round(4096 * cosine) for cosine in row] for row in exact_cosines()]


def exact_cosines() -> list[list[float]]:
    return [[math.cos(math.pi * (2 * x + 1) * u / 64) for x in range(32)] for u in range(8)]


def lanczos(size: int) -> Matrix:
    """Rounded weights; the rest to 4096 goes to the first of the largest, mirrored below, halved in a middle row."""
    rows = [[round(4096 * weight) for weight in row] for row in exact_lanczos(size)]
    for row in rows[: size // 2]:
        row[row.index(max(row))] += 4096 - sum(row)
    if size % 2:
        rest = 4096 - sum(rows[size // 2])
        rows[size // 2][15] += rest // 2
        rows[size // 2][16] += rest // 2
    return [row if y <= (size - 1) // 2 else rows[size - 1 - y][::-1] for y, row in enumerate(rows)]


def exact_lanczos(size: int) -> list[list[float]]:
    rows = []
    for y in range(size):
        row = [_lanczos_kernel((x + 0.5) * size / 32 - (y + 0.5)) for x in range(32)]
        rows.append([weight / sum(row) for weight in row])
    return rows


def _lanczos_kernel(x: float) -> float:
    if x == 0:
        return 1.0
    return 3 * math.sin(math.pi * x) * math.sin(math.pi * x / 3) / (math.pi * x) ** 2 if abs(x) < 3 else 0.0


def _cells(block: Matrix) -> Matrix:
    return [[sum(block[4 * y + j][4 * x + i] for j in range(4) for i in range(4)) for x in range(8)] for y in range(8)]


def _both_ways(rows: Matrix, block: Matrix, columns: Matrix) -> Matrix:
    halfway = [[sum(a * b for a, b in zip(weights, line, strict=True)) for weights in columns] for line in block]
    return [
        [sum(a * line[x] for a, line in zip(weights, halfway, strict=True)) for x in range(len(columns))]
        for weights in rows
    ]


def _code(bits: Iterable[bool]) -> int:
    return int("".join("01"[bit] for bit in bits), 2)


def star(pairs: Distances, n: int, apart: Links = frozenset()) -> list[int]:
    def joins(item: int, keeper: int, members: list[int]) -> bool:
        return (keeper, item) in pairs and not any((member, item) in apart for member in members)

    return _greedy(n, joins)


def complete(pairs: Distances, n: int, apart: Links = frozenset()) -> list[int]:
    return _greedy(n, lambda item, _, members: all((member, item) in pairs.keys() - apart for member in members))


def component(pairs: Distances, n: int, apart: Links = frozenset()) -> list[int]:
    """Merge group by group, the closest pair first; a group that has items to be kept apart is never made."""
    groups = {item: {item} for item in range(n)}
    for _, (left, right) in sorted((distance, pair) for pair, distance in pairs.items()):
        both = groups[left] | groups[right]
        if not any(a in both and b in both for a, b in apart):
            groups |= dict.fromkeys(both, both)
    return [min(groups[item]) for item in range(n)]


def without_farther_sides(pairs: Distances, apart: Links) -> Distances:
    gone = set(apart)
    for a, b in apart:
        for item in {item for pair in pairs for item in pair} - {a, b}:
            to_a, to_b = (min(a, item), max(a, item)), (min(b, item), max(b, item))
            if to_a in pairs and to_b in pairs and pairs[to_a] != pairs[to_b]:
                gone.add(max(to_a, to_b, key=pairs.__getitem__))
    return {pair: distance for pair, distance in pairs.items() if pair not in gone}


def _greedy(n: int, joins: Callable[[int, int, list[int]], bool]) -> list[int]:
    keepers = [-1] * n
    for keeper in range(n):
        members = [keeper] if keepers[keeper] < 0 else []
        for item in range(keeper + 1, n) if members else ():
            if keepers[item] < 0 and joins(item, keeper, members):
                members.append(item)
        for member in members:
            keepers[member] = keeper
    return keepers
