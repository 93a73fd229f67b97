"""Slow and simple twins of the fast functions, with the same names."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence, Set
from fractions import Fraction
from itertools import pairwise, permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phash_engine.hashing import hashers, orientation
from phash_engine.hashing.border import Box
from phash_engine.index import Matches, Pairs

Block = NDArray[np.uint16]
Codes = NDArray[np.uint64]
Ids = NDArray[np.int64]
Matrix = list[list[int]]
Distances = dict[tuple[int, int], int]
"""Distance by pair of items, the lower number first."""
Links = Set[tuple[int, int]]
Views = list[Codes]
"""Decision codes ``(3,)`` of a picture, upright first, then in every orientation that is known."""


def distance(left: Codes, right: Codes) -> int:
    """Bits that differ between two codes ``(words,)``."""
    return sum((int(a) ^ int(b)).bit_count() for a, b in zip(left, right, strict=True))


def to_bits(codes: Codes) -> NDArray[np.bool_]:
    """Grids of 8 x 8 bits, the inverse of ``codes.from_bits``."""
    bits = [int(digit) for code in codes.ravel() for digit in f"{int(code):064b}"]
    return np.array(bits, dtype=np.bool_).reshape(*codes.shape, 8, 8)


def range_search(codes: Codes, ids: Ids, queries: Codes, radius: int | NDArray[np.int64]) -> Matches:
    return _matches(_ranked(codes, ids, query, limit) for query, limit in _with_radius(queries, radius))


def search(codes: Codes, ids: Ids, queries: Codes, k: int, radius: int | NDArray[np.int64] | None = None) -> Matches:
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
    """The orientations that follow from the codes of the upright block alone."""
    return [_decision_codes(block), _decision_codes(np.ascontiguousarray(block.T))]


def rotated_distance(a: Views, b: Views) -> tuple[int, str]:
    """The distance with rotations, and the match type that gives it."""
    nearest = min([distance(view, b[0]) for view in a] + [distance(view, a[0]) for view in b])
    return nearest, "similar" if nearest == distance(a[0], b[0]) else "rotated"


def find(query: Views, photos: dict[str, Views], k: int | None, radius: int | None) -> list[tuple[int, str, str]]:
    """Distance, match type and path, nearest first."""
    found = [(*rotated_distance(query, views), path) for path, views in photos.items()]
    within = [match for match in found if radius is None or match[0] <= radius]
    return sorted(within, key=lambda match: (match[0], match[1] == "rotated", match[2]))[:k]


def find_groups(photos: dict[str, Views], radius: int) -> dict[str, list[tuple[int, str, str]]]:
    """Keeper → distance, match type and path of the duplicates. Photos are in keeper order; groups have two or more."""
    groups: dict[str, list[tuple[int, str, str]]] = {}
    left = dict(photos)
    for keeper in photos:
        if keeper in left:
            views = left.pop(keeper)
            duplicates = find(views, left, None, radius)
            for _, _, path in duplicates:
                del left[path]
            if duplicates:
                groups[keeper] = duplicates
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
    rows = [(query, i, bits) for query, matches in enumerate(found) for bits, i in matches]
    return Matches(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)


def area_average(plane: NDArray[Any], width: int, height: int, scale: int = 1, unit: int = 1) -> NDArray[np.uint16]:
    """Cut each plane pixel into 32 * scale parts a side, drop those beyond the edge, average 32 equal runs a side."""
    sums = _runs(_runs(plane.astype(np.int64), height, scale).T, width, scale).T
    luma = [[Fraction(256 * int(cell), unit * width * height) for cell in row] for row in sums]
    return np.array([[math.floor(value + Fraction(1, 2)) for value in row] for row in luma], dtype=np.uint16)


def _runs(plane: NDArray[np.int64], extent: int, scale: int) -> NDArray[np.int64]:
    parts = np.repeat(plane, 32 * scale, axis=0)[: 32 * extent]
    runs: NDArray[np.int64] = parts.reshape(32, extent, -1).sum(axis=1)
    return runs


def inner_box(plane: NDArray[Any], unit: int = 1) -> Box | None:
    """For the tone of each edge cut rows, then columns; keep the smallest box."""
    rows = plane.tolist()
    edges = [rows[0], rows[-1], [row[0] for row in rows], [row[-1] for row in rows]]
    tones = sorted({_tone(edge) for edge in edges if _is_border(edge, _tone(edge), unit)})
    boxes = [box for tone in tones if (box := _cut(rows, tone, unit))]
    return min(boxes, key=lambda box: (box.right - box.left) * (box.bottom - box.top), default=None)


def _cut(rows: Matrix, tone: int, unit: int) -> Box | None:
    top, bottom = _depth(rows, tone, unit), _depth(rows[::-1], tone, unit)
    columns = [list(column) for column in zip(*rows[top // 16 : len(rows) - bottom // 16], strict=True)]
    if len(rows) * 16 - top - bottom < 256 or not columns:
        return None
    left, right = _depth(columns, tone, unit), _depth(columns[::-1], tone, unit)
    large = all(
        16 * count - cut >= max(4 * count, 256)
        for cut, count in ((left + right, len(columns)), (top + bottom, len(rows)))
    )
    small = 64 * (left + right) >= 16 * len(columns) or 64 * (top + bottom) >= 16 * len(rows)
    return Box(left, top, 16 * len(columns) - right, 16 * len(rows) - bottom) if large and small else None


def _depth(lines: Matrix, tone: int, unit: int) -> int:
    count = 0
    while count < len(lines) and _is_border(lines[count], tone, unit):
        count += 1
    if count == 0 or len(lines) - count < 2:
        return 16 * count
    first, second = lines[count : count + 2]
    along = sum((a - b) * (tone - b) for a, b in zip(first, second, strict=True))
    square = sum((tone - b) ** 2 for b in second)
    share = Fraction(along, square) if square else Fraction(0)
    return 16 * count + math.floor(16 * min(max(share, Fraction(0)), Fraction(1)) + Fraction(1, 2))


def _tone(line: list[int]) -> int:
    return math.floor(Fraction(sum(line), len(line)) + Fraction(1, 2))


def _is_border(line: list[int], tone: int, unit: int) -> bool:
    return Fraction(sum((value - tone) ** 2 for value in line), len(line)) <= (6 * unit) ** 2


def average(block: Matrix) -> int:
    cells = _cells(block)
    return _code(64 * cell > sum(map(sum, cells)) for row in cells for cell in row)


def dct(block: Matrix) -> int:
    weights = cosines()
    low = [value for row in _reduced(weights, block, weights) for value in row]
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
    reduced = _reduced(lanczos(8), block, lanczos(9))
    return _code(row[x + 1] > row[x] for row in reduced for x in range(8))


def vertical(block: Matrix) -> int:
    reduced = _reduced(lanczos(9), block, lanczos(8))
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


def _reduced(rows: Matrix, block: Matrix, columns: Matrix) -> Matrix:
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
    """Merge groups by their closest pairs first, except where items must stay apart."""
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


def orders(results: Sequence[tuple[float, bool]]) -> list[list[bool]]:
    """Whether each result is true, for all orders of results (score, is true) of equal score."""
    kept = [order for order in permutations(results) if all(a[0] <= b[0] for a, b in pairwise(order))]
    return [[true for _, true in order] for order in kept]


def precision_sum(ranked: list[bool], k: int) -> Fraction:
    """Sum of the precisions at the ranks of the true results among the first k."""
    return sum(
        (Fraction(sum(ranked[:rank]), rank) for rank in range(1, k + 1) if ranked[rank - 1 : rank] == [True]),
        Fraction(),
    )


def average_precision(results: Sequence[tuple[float, bool]], positives: int, k: int) -> float:
    ranked = orders(results)
    return float(sum(precision_sum(order, k) for order in ranked) / len(ranked) / min(positives, k))


def global_average_precision(results: Sequence[tuple[float, bool]], queries: int) -> float:
    ranked = orders(results)
    return float(sum(precision_sum(order, len(order)) for order in ranked) / len(ranked) / queries)


def top_k_accuracy(results: Sequence[tuple[float, bool]], k: int) -> float:
    ranked = orders(results)
    return sum(any(order[:k]) for order in ranked) / len(ranked)


Maps = list[list[list[float]]]


def mac(maps: Maps) -> list[float]:
    return [max(value for row in channel for value in row) for channel in maps]


def spoc(maps: Maps) -> list[float]:
    return [math.fsum(value for row in channel for value in row) / _cells_of(channel) for channel in maps]


def gem(maps: Maps) -> list[float]:
    cubes = [math.fsum(max(value, 1e-6) ** 3 for row in channel for value in row) for channel in maps]
    return [(cube / _cells_of(channel)) ** (1 / 3) for cube, channel in zip(cubes, maps, strict=True)]


def rmac(maps: Maps) -> list[float]:
    height, width = len(maps[0]), len(maps[0][0])
    short, long = min(height, width), max(height, width)
    more = 0
    if long > short:
        more = min(range(1, 7), key=lambda step: (abs((short - (long - short) / step) / short - 0.4), step))
    total = [0.0] * len(maps)
    for scale in (1, 2, 3):
        side = max(1, int(2 * short / (scale + 1)))
        down, across = (scale + more * (extent == long and long > short) for extent in (height, width))
        for i in range(down):
            for j in range(across):
                top = int(i * (height - side) / (down - 1)) if down > 1 else 0
                left = int(j * (width - side) / (across - 1)) if across > 1 else 0
                part = mac([[row[left : left + side] for row in channel[top : top + side]] for channel in maps])
                length = math.sqrt(math.fsum(value * value for value in part)) or 1.0
                total = [have + value / length for have, value in zip(total, part, strict=True)]
    return total


def _cells_of(channel: list[list[float]]) -> int:
    return len(channel) * len(channel[0])


Rows = list[list[int]]
Table = list[list[float]]


def drops(values: list[float], order: list[int]) -> list[float]:
    """By how much values exceed the one before in an order that should fall, or the last if they are left out."""
    inside = [values[later] - values[sooner] for sooner, later in pairwise(order)]
    return inside + [value - values[order[-1]] for row, value in enumerate(values) if row not in order]


def alpha_expansion(queries: Table, vectors: Table, neighbours: Rows, alpha: float) -> Table:
    expanded = []
    for query, rows in zip(queries, neighbours, strict=True):
        total = list(query)
        for row in rows:
            if row >= 0:
                weight = max(_dot(query, vectors[row]), 0.0) ** alpha
                total = [have + weight * value for have, value in zip(total, vectors[row], strict=True)]
        expanded.append(_scaled(total))
    return expanded


def augmented(vectors: Table, neighbours: Rows) -> Table:
    sums = []
    for vector, rows in zip(vectors, neighbours, strict=True):
        total = list(vector)
        for place, row in enumerate(rows, start=1):
            if row >= 0:
                weight = 10 ** (-1.5 * place / len(rows))
                total = [have + weight * value for have, value in zip(total, vectors[row], strict=True)]
        sums.append(_scaled(total))
    return sums


def mutual_graph(vectors: Table, neighbours: Rows) -> Table:
    return [
        [max(_dot(a, b), 0.0) ** 3 if j in neighbours[i] and i in neighbours[j] else 0.0 for j, b in enumerate(vectors)]
        for i, a in enumerate(vectors)
    ]


def linked(start: list[float], graph: Table) -> list[float]:
    nodes = range(len(start))
    links = [[min(weight, 1.0) for weight in row] for row in graph]
    best = [[1.0 if a == b else links[a][b] for b in nodes] for a in nodes]
    for middle in nodes:
        best = [[max(best[a][b], best[a][middle] * best[middle][b]) for b in nodes] for a in nodes]
    return [max(start[a] * best[a][b] for a in nodes) for b in nodes]


def _dot(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def _scaled(vector: list[float]) -> list[float]:
    length = math.sqrt(_dot(vector, vector)) or 1.0
    return [value / length for value in vector]


def fuse(distances: Sequence[int], method: str) -> float:
    present = [distance for distance in distances if distance]
    if method == "sum" or not present:
        return sum(present)
    n = len(present)
    means = {
        "arithmetic": sum(present) / n,
        "geometric": float(math.prod(present) ** (1 / n)),
        "harmonic": n / sum(1 / distance for distance in present),
        "square-roots": sum(math.sqrt(distance) for distance in present) / n,
    }
    return means[method]


def fused_range_search(codes: Codes, ids: Ids, queries: Codes, limit: float, method: str) -> list[tuple[int, int]]:
    """Query and id of all codes with a score within the limit, up to rounding."""
    return [
        (query, int(i))
        for query, query_code in enumerate(queries)
        for code, i in zip(codes, ids, strict=True)
        if fuse([distance(code[[word]], query_code[[word]]) for word in range(len(code))], method) <= limit + 1e-9
    ]


def cohort_mean(distances: Sequence[int]) -> int:
    return min(round(Fraction(2, 3) * sum(sorted(distances)[:10]) / 10), 48)


def score_range_search(
    codes: Codes, queries: Codes, means: Sequence[int], query_means: Sequence[int], cutoff: int
) -> set[tuple[int, int]]:
    return {
        (query, row)
        for query, query_code in enumerate(queries)
        for row, code in enumerate(codes)
        if distance(code, query_code) - max(query_means[query], means[row]) <= cutoff
    }


def resized(picture: NDArray[np.float32], height: int, width: int) -> NDArray[np.float64]:
    """Repeat each pixel height * width times, so that cells contain whole parts of pixels."""
    parts = np.repeat(np.repeat(picture.astype(np.float64), height, axis=0), width, axis=1)
    rows, columns = picture.shape[:2]
    return np.array(
        [
            [parts[y * rows : (y + 1) * rows, x * columns : (x + 1) * columns].mean(axis=(0, 1)) for x in range(width)]
            for y in range(height)
        ]
    )


def neighbour_votes(near: Any, classes: Ids, sizes: Ids, k: int) -> NDArray[np.float64]:
    scores = np.zeros(sizes.shape)
    for query in range(len(sizes)):
        voters = sorted(
            (-cosine, voter)
            for row, voter, cosine in zip(*(column.tolist() for column in near), strict=True)
            if row == query
        )
        for number in range(sizes.shape[1]):
            votes = [max(0, -cosine) for cosine, voter in voters[:k] if classes[voter] == number]
            scores[query, number] = sum(votes) / max(1, min(k, int(sizes[query, number])))
    return scores


def centroid_votes(
    queries: NDArray[Any], vectors: NDArray[Any], classes: Ids, count: int, own: Ids
) -> NDArray[np.float64]:
    scores = np.zeros((len(queries), count))
    for query, itself in enumerate(own.tolist()):
        for number in range(count):
            total = sum(
                (vectors[voter].astype(np.float64) for voter in np.flatnonzero(classes == number) if voter != itself),
                start=np.zeros(vectors.shape[1]),
            )
            length = math.sqrt((total**2).sum())
            scores[query, number] = max(0.0, float(queries[query] @ total) / length) if length else 0
    return scores
