"""One-shot lookups must not pay for the kernels: loading numba takes longer than they do."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from phash_engine.index import index_columns
from phash_engine.index.kernels import scan, scan_numpy

LOOKUP = """
import sys
import numpy
from phash_engine.index import Index

codes = numpy.arange(100_000, dtype=numpy.uint64)
index = Index(codes)
index.range_search(codes[:3], 2), index.search(codes[:3], 5), index.add(codes[:2]), index.remove([3])
assert "numba" not in sys.modules, "numba was imported"
"""


def test_a_lookup_does_without_numba() -> None:
    subprocess.run([sys.executable, "-c", LOOKUP], check=True)


@pytest.mark.parametrize("words", [2, 3, 4])
def test_sieve_lets_through_what_the_kernels_find(words: int) -> None:
    rng = np.random.default_rng(words)
    codes = rng.integers(0, 2**64, (70_001, words), dtype=np.uint64)
    flips = np.uint64(1) << rng.integers(0, 64, (30, 1000), dtype=np.uint64)
    for number, row in enumerate(range(0, 70_001, 70)):
        codes[row] = codes[1]
        for flip in flips[: number % 30, number % 1000]:
            codes[row, rng.integers(words)] ^= flip
    columns = tuple(np.ascontiguousarray(column) for column in codes.T)
    queries = tuple(column[:3].copy() for column in columns)
    limits = np.array([24, 24, -1])
    expected = scan.within(columns, 5, 70_001, queries, limits)
    found = scan_numpy.within(columns, 5, 70_001, queries, limits)
    np.testing.assert_array_equal(np.sort(found), np.sort(expected))
    assert found.size > 500


def test_columns_are_searched_where_they_lie() -> None:
    columns = tuple(np.arange(10, dtype=np.uint64) + word for word in range(3))
    index = index_columns(columns, np.arange(0, 20, 2), "linear")
    assert index.range_search(np.array([[5, 6, 7]], dtype=np.uint64), 0).ids.tolist() == [10]
    with pytest.raises(ValueError, match="10 codes need ids of shape"):
        index_columns(columns, np.arange(9))
