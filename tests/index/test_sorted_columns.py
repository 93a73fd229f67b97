"""Rows of columns are sorted as numpy sorts them, in one block or many, packed or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phash_engine import _columns

LARGEST = [(100, 1 << 20, 64), (0, 0, 0), ((1 << 31) - 1, (1 << 31) - 1, 64)]
"""The last do not fit into one number together."""


@given(st.lists(st.integers(0, 50), max_size=8), st.sampled_from(LARGEST), st.integers(0, 2**32), st.integers(1, 3))
def test_blocks_and_columns_in_lexical_order(
    sizes: list[int], largest: tuple[int, ...], seed: int, threads: int
) -> None:
    rng = np.random.default_rng(seed)
    blocks = [tuple(rng.integers(0, most + 1, size) for most in largest) for size in sizes]
    columns = [np.concatenate([np.empty(0, np.int64), *column]) for column in zip(*blocks, strict=True)] or [
        np.empty(0, np.int64)
    ] * 3
    expected = [column[np.lexsort(columns[::-1])] for column in columns]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_columns, "_SPAN", 16)
        patch.setattr(_columns, "_STEP", 4)
        in_blocks = _columns.sorted_blocks(iter(blocks), largest, threads)
    at_once = _columns.sorted_columns(*columns)
    for one, other, right in zip(in_blocks, at_once, expected, strict=True):
        assert one.dtype == other.dtype == np.int64
        assert one.tolist() == other.tolist() == right.tolist()
