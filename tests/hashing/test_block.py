"""The block: exact area averages of pictures of any size, in any bands, at any scale."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from phash_engine.hashing import block
from phash_engine.hashing.block import area_average
from tests import naive

SIDES = st.one_of(st.integers(1, 150), st.sampled_from([1, 31, 32, 33, 63, 64, 65, 96, 128]))


def plane_of(seed: int, width: int, height: int, scale: int = 1, unit: int = 1) -> NDArray[np.integer]:
    """Noise, or only black and white, whose averages lie nearer to the limits."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 256 if unit == 1 else 65536, (-(-height // scale), -(-width // scale)))
    if seed % 3 == 0:
        values = rng.choice([0, 255 * unit], values.shape)
    return values.astype(np.uint8 if unit == 1 else np.uint16)


@settings(max_examples=150)
@given(st.data(), SIDES, SIDES, st.sampled_from([1, 1, 2, 4, 8]), st.sampled_from([1, 257]), st.integers(0, 2**32 - 1))
def test_is_the_exact_average(data: st.DataObject, width: int, height: int, scale: int, unit: int, seed: int) -> None:
    plane = plane_of(seed, width, height, scale, unit)
    cuts = data.draw(st.lists(st.integers(0, len(plane)), max_size=4))
    bands = [plane[top:bottom] for top, bottom in pairwise([0, *sorted(cuts), len(plane)])]
    found = area_average(bands, width, height, scale, unit)
    assert found.dtype == np.uint16
    assert np.array_equal(found, naive.area_average(plane, width, height, scale, unit))


@settings(max_examples=60)
@given(st.data(), st.integers(2, 9), st.integers(2, 9), st.sampled_from([1, 257]), st.integers(0, 2**32 - 1))
def test_a_part_may_begin_and_end_within_pixels(
    data: st.DataObject, columns: int, rows: int, unit: int, seed: int
) -> None:
    plane = plane_of(seed, columns, rows, 1, unit)
    left, right = sorted(data.draw(st.lists(st.integers(0, 16 * columns), min_size=2, max_size=2, unique=True)))
    top, bottom = sorted(data.draw(st.lists(st.integers(0, 16 * rows), min_size=2, max_size=2, unique=True)))
    overlapped = plane[top // 16 : -(-bottom // 16), left // 16 : -(-right // 16)]
    found = area_average([overlapped], right - left, bottom - top, 16, unit, (top % 16, left % 16))
    fine = np.repeat(np.repeat(plane, 16, axis=0), 16, axis=1)[top:bottom, left:right]
    assert np.array_equal(found, naive.area_average(fine, right - left, bottom - top, 1, unit))


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (3, 2049), (2049, 3), (1023, 1025), (2050, 300), (70, 4100)])
@pytest.mark.parametrize("unit", [1, 257])
def test_is_exact_where_pictures_are_cut_into_tiles(size: tuple[int, int], unit: int) -> None:
    plane = plane_of(sum(size), *size, 1, unit)
    assert np.array_equal(area_average([plane], *size, 1, unit), naive.area_average(plane, *size, 1, unit))


@pytest.mark.parametrize("height", [65791, 65792, 65793, 65794, 70001])
def test_is_exact_where_single_precision_ends(height: int) -> None:
    for seed in (3, 4):
        plane = plane_of(seed, 2, height)
        assert np.array_equal(area_average([plane], 2, height), naive.area_average(plane, 2, height))


@pytest.mark.parametrize("height", [255, 256, 257, 300])
def test_is_exact_where_single_precision_ends_in_16_bits(height: int) -> None:
    plane = plane_of(3, 40, height, 1, 257)
    assert np.array_equal(area_average([plane], 40, height, 1, 257), naive.area_average(plane, 40, height, 1, 257))


@given(SIDES, SIDES, st.sampled_from([1, 2, 4, 8]), st.integers(0, 255))
def test_one_tone_stays_that_tone(width: int, height: int, scale: int, tone: int) -> None:
    plane = np.full((-(-height // scale), -(-width // scale)), tone, dtype=np.uint8)
    assert (area_average([plane], width, height, scale) == 256 * tone).all()
    assert (area_average([257 * plane.astype(np.uint16)], width, height, scale, 257) == 256 * tone).all()


def test_one_tone_stays_that_tone_in_large_pictures() -> None:
    for height, width in ((3000, 4001), (1, 200_000), (200_000, 1)):
        assert (area_average([np.full((height, width), 255, dtype=np.uint8)], width, height) == 65280).all()


@given(SIDES, SIDES, st.integers(0, 2**32 - 1))
def test_mirrored_and_transposed_pictures_give_the_mirrored_and_transposed_block(w: int, h: int, seed: int) -> None:
    plane = plane_of(seed, w, h)
    upright = area_average([plane], w, h)
    assert np.array_equal(area_average([plane[:, ::-1]], w, h), upright[:, ::-1])
    assert np.array_equal(area_average([plane[::-1]], w, h), upright[::-1])
    assert np.array_equal(area_average([plane.T], h, w), upright.T)


def test_a_picture_of_32_pixels_a_side_is_its_block() -> None:
    plane = plane_of(1, 32, 32)
    assert np.array_equal(area_average([plane], 32, 32), 256 * plane.astype(np.uint16))


def test_halves_are_rounded_up() -> None:
    # Each cell holds two by two pixels of which some are one step of 16-bit luma: 256 / 257 of a 1/256 each.
    counts = np.arange(5)
    expected = [int(np.floor(256 * count / 4 / 257 + 0.5)) for count in counts]
    cells = [np.array([count > i for i in range(4)], dtype=np.uint16).reshape(2, 2) for count in counts]
    found = [area_average([np.tile(cell, (32, 32))], 64, 64, 1, 257)[0, 0] for cell in cells]
    assert found == expected == [0, 0, 0, 1, 1]
    # 512 pixels a cell, one of them of luma 1: exactly half a step.
    lone = np.zeros((32 * 16, 32 * 32), dtype=np.uint8)
    lone[::16, ::32] = 1
    assert (area_average([lone], 1024, 512) == 1).all()


@pytest.mark.parametrize("size", [(1, 3_000_000), (3_000_000, 1)])
def test_memory_does_not_grow_with_the_sides(size: tuple[int, int]) -> None:
    plane = np.full(size[::-1], 9, dtype=np.uint8)
    block._row_weights.cache_clear()
    block._column_weights.cache_clear()
    tracemalloc.start()
    try:
        area_average([plane], *size)
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "size", [(64, 64), (94, 125), (128, 256), (129, 256), (500, 375), (1000, 9000), (9000, 40), (64, 9000), (7, 4000)]
)
def test_no_product_starts_the_threads_of_the_blas(size: tuple[int, int]) -> None:
    width, height = size
    for scale in (1, 2, 8):
        plane = np.zeros((height, width), dtype=np.uint8)
        for top, left, tile in block._tiles([plane], height * scale, scale):
            _, rows = block._row_weights(height * scale, scale, top, top + tile.shape[0], 0)
            _, columns = block._column_weights(width * scale, scale, left, left + tile.shape[1], 0)
            assert rows.shape[1] * max(tile.size, columns.size) <= block._SINGLE_THREADED
