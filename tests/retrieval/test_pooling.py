"""Pooling against slow twins and examples worked by hand."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from phash_engine.retrieval.pooling import POOLS, gem, mac, regions, rmac, spoc
from tests import naive

MAPS = np.array([[[[0.0, 1.0], [2.0, 3.0]], [[4.0, 4.0], [4.0, 4.0]]]], dtype=np.float32)


def test_worked_example() -> None:
    assert mac(MAPS).tolist() == [[3, 4]]
    assert spoc(MAPS).tolist() == [[1.5, 4]]
    np.testing.assert_allclose(gem(MAPS), [[((0 + 1 + 8 + 27) / 4) ** (1 / 3), 4]], rtol=1e-6)


def drawn(seed: int, height: int, width: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((2, 3, height, width)).astype(np.float32)


@pytest.mark.parametrize("pool", POOLS)
@given(st.integers(0, 99), st.integers(1, 9), st.integers(1, 9))
def test_pooling_equals_twin(pool: str, seed: int, height: int, width: int) -> None:
    maps = drawn(seed, height, width)
    expected = [getattr(naive, pool)(picture.tolist()) for picture in maps]
    np.testing.assert_allclose(POOLS[pool](maps), expected, rtol=1e-4, atol=1e-5)


def test_regions_of_a_square_are_one_four_and_nine() -> None:
    found = regions(12, 12)
    assert [side for _, _, side in found] == [12] + [8] * 4 + [6] * 9
    assert found[1:5] == [(0, 0, 8), (0, 4, 8), (4, 0, 8), (4, 4, 8)]


def test_regions_of_a_wide_map_overlap() -> None:
    wide = regions(10, 16)
    assert [region for region in wide if region[2] == 10] == [(0, 0, 10), (0, 6, 10)]
    assert regions(16, 10) == [(left, top, side) for top, left, side in sorted(wide, key=lambda r: (-r[2], r[1], r[0]))]


@given(st.integers(1, 40), st.integers(1, 40))
def test_regions_lie_inside_and_reach_all_edges(height: int, width: int) -> None:
    found = regions(height, width)
    assert all(0 <= top <= height - side and 0 <= left <= width - side for top, left, side in found)
    assert min(top for top, _, _ in found) == min(left for _, left, _ in found) == 0
    assert max(top + side for top, _, side in found) == height
    assert max(left + side for _, left, side in found) == width


def test_rmac_of_one_cell_is_its_direction() -> None:
    one = np.array([[[[3.0]], [[4.0]]]], dtype=np.float32)
    np.testing.assert_allclose(rmac(one) / np.linalg.norm(rmac(one)), [[0.6, 0.8]], rtol=1e-6)
