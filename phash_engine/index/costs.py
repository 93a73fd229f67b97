"""The cost model: what scans, probes and joins cost, and how many chunks to cut codes into.

Few wide chunks have many buckets near a query, most of them empty; many narrow chunks have few and full ones. The unit
of all costs is the comparison of one word by a scan. They assume evenly filled buckets: skew raises all of them alike,
so the choice stays right.
"""

from __future__ import annotations

import json
from functools import cache
from math import comb, log2
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from phash_engine.index.kernels.chunks import chunk_radii, make_chunks

PROBE_COST: Final = 300
"""Finding one bucket for a query, mostly memory latency."""
CANDIDATE_COST: Final = 8
"""Comparing one word in a bucket with a query."""
JOIN_PROBE_COST: Final = 350
JOIN_CANDIDATE_COST: Final = 2
"""The same if whole buckets are compared with one another, fitted to joins of 1 and 10 million uniform codes in 3
to 6 chunks a word."""

_LOADING: Final = 1e9
_ORDERING: Final = 900
_SORTING: Final = 300
"""Loading the kernels, and for each word spreading its bits and sorting it by one chunk."""

MEASURED: Final = Path(__file__).with_name("measured.json")
"""Measured times of range queries, written by ``python -m bench crossover``: microseconds by words and kind."""

UNIT: Final = 7e-5
"""Microseconds of one word comparison."""

_MOST_CHUNKS: Final = 8
_MOST_BYTES: Final = 350
"""Most bytes for each code in an index."""


def scan_cost(n: int, words: int) -> float:
    """Cost of comparing ``n`` codes with one query."""
    return n * words


def compare_all_cost(n: int, words: int) -> float:
    """Cost of comparing every two of ``n`` codes."""
    return n * n / 2 * words


def build_cost(n: int, words: int) -> float:
    """Cost of putting ``n`` codes into buckets, and of loading the kernels for it."""
    chunks_per_word = chunks_for_queries(n, words, 8 * words)
    return _LOADING + n * words * (_ORDERING + chunks_per_word * _SORTING)


def query_cost(n: int, words: int, chunks_per_word: int, radius: int) -> float:
    """Cost of one range search over ``n`` codes whose words are cut into ``chunks_per_word``."""
    return sum(
        probes * (PROBE_COST + CANDIDATE_COST * n / 2.0**width)
        for probes, width in _probes(words, chunks_per_word, radius)
    )


def join_cost(n: int, words: int, chunks_per_word: int, radius: int) -> float:
    """Cost of the self-join of ``n`` codes."""
    return sum(
        probes / 2 * (JOIN_PROBE_COST * 2.0**width + JOIN_CANDIDATE_COST * words * n * n / 2.0**width)
        for probes, width in _probes(words, chunks_per_word, radius)
    )


def chunks_for_queries(n: int, words: int, radius: int) -> int:
    """Return the number of chunks of each word for searches within a radius."""
    fitting = [p for p in _possible(n) if words * p * (8 * words + 4) <= _MOST_BYTES]
    return min(
        fitting or [min(_possible(n))], key=lambda chunks_per_word: query_cost(n, words, chunks_per_word, radius)
    )


def chunks_for_join(n: int, words: int, radius: int) -> int:
    """Return the number of chunks of each word for one self-join."""
    return min(_possible(n), key=lambda chunks_per_word: join_cost(n, words, chunks_per_word, radius))


def _possible(n: int) -> list[int]:
    """Return the numbers of chunks whose offset tables are not much longer than the codes."""
    widest = max(8.0, log2(max(1, n)) + 2)
    return [chunks_per_word for chunks_per_word in range(2, _MOST_CHUNKS + 1) if 64 / chunks_per_word <= widest]


def _probes(words: int, chunks_per_word: int, radius: int) -> list[tuple[int, int]]:
    """Return the number of buckets to probe in each chunk, and its width."""
    widths = make_chunks(words, chunks_per_word).widths.tolist()
    radii = chunk_radii(radius, len(widths)).tolist()
    return [
        (sum(comb(width, bits) for bits in range(near + 1)), width) for width, near in zip(widths, radii, strict=True)
    ]


def expected_microseconds(n: int, words: int, radius: int) -> dict[str, float]:
    """Return the expected microseconds of one of many range queries with each kind of index, on one core.

    Logarithms are interpolated between measured numbers of codes and radii, and extrapolated beyond the most codes;
    beyond the largest radius all codes are compared.
    """
    sizes, radii, tables = _measured()
    place = log2(max(1, n))
    beyond = max(0.0, place - sizes[-1]) / (sizes[-1] - sizes[-2])
    expected = {}
    for kind, rows in tables[words].items():
        times = [np.interp(place, sizes, row) + beyond * (row[-1] - row[-2]) for row in rows]
        expected[kind] = float(np.exp2(np.interp(radius / words, radii, times)))
    return expected


@cache
def _measured() -> tuple[NDArray[np.float64], list[int], dict[int, dict[str, NDArray[np.float64]]]]:
    """Return logarithms of the numbers of codes, radii for each word, logarithms of the times by words and kind."""
    held = json.loads(MEASURED.read_text())
    tables = {
        int(words): {kind: np.log2(rows) for kind, rows in kinds.items()}
        for words, kinds in held["microseconds"].items()
    }
    return np.log2(held["n"]), held["radius"], tables
