"""Borders: planted ones are found, of any tone, on any side, within scaled pixels; no others are."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from phash_engine.hashing import border, orientation
from phash_engine.hashing.border import SUBPIXELS, Box
from tests import naive

Plane = NDArray[np.integer[Any]]
SEEDS = st.integers(0, 2**32 - 1)


def inner_box(plane: Plane, unit: int = 1) -> Box | None:
    def part(left: int, top: int, right: int, bottom: int) -> Plane:
        return plane[top:bottom, left:right]

    return border.inner_box(part, plane.shape[1], plane.shape[0], unit)


def scene(width: int, height: int, seed: int) -> NDArray[np.float64]:
    """Smooth waves of full contrast, 0..255, of which no line is of one tone."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [
        np.sin(rng.uniform(5, 9) * (x / width * a + y / height * b) + rng.uniform(0, 6)) for a, b in ((1, 2), (2, -1))
    ]
    values: NDArray[np.float64] = 127.5 + 63 * (waves[0] + waves[1])
    return values


def framed(picture: NDArray[np.float64], widths: tuple[int, int, int, int], tone: float) -> NDArray[np.float64]:
    """A picture with a border of left, top, right and bottom pixels."""
    left, top, right, bottom = widths
    return np.pad(picture, ((top, bottom), (left, right)), constant_values=tone)


@st.composite
def planes(draw: st.DrawFn) -> tuple[Plane, int]:
    """Planes with borders of one or two tones, noisy or not, around scenes, noise or nothing; and their unit."""
    rng = np.random.default_rng(draw(SEEDS))
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    kind = draw(st.sampled_from(["scene", "noise", "flat"]))
    if kind == "scene":
        plane = scene(width, height, int(rng.integers(99)))
    else:
        plane = rng.integers(0, 256 if kind == "noise" else 2, (height, width)).astype(np.float64)
    for _ in range(draw(st.integers(0, 2))):
        widths = rng.integers(0, 12, 4) * rng.integers(0, 2, 4)
        plane = framed(
            plane,
            (int(widths[0]), int(widths[1]), int(widths[2]), int(widths[3])),
            draw(st.sampled_from([0, 7, 90, 255])),
        )
    plane += draw(st.sampled_from([0, 0, 2, 6])) * rng.standard_normal(plane.shape)
    unit = draw(st.sampled_from([1, 257]))
    dtype = np.uint8 if unit == 1 else np.uint16
    return (np.clip(plane, 0, 255) * unit).astype(dtype), unit


@settings(max_examples=200)
@given(planes())
def test_equals_twin(drawn: tuple[Plane, int]) -> None:
    plane, unit = drawn
    assert inner_box(plane, unit) == naive.inner_box(plane, unit)


@settings(max_examples=100)
@given(
    SEEDS,
    st.tuples(*[st.integers(0, 30)] * 4).filter(any),
    st.sampled_from([0, 31, 128, 200, 255]),
    st.sampled_from([0.0, 1.5, 4.0]),
)
def test_planted_borders_are_cut_away(seed: int, widths: tuple[int, int, int, int], tone: int, noise: float) -> None:
    """Of any tone, also one that occurs inside; with noise; on one side or on all."""
    rng = np.random.default_rng(seed)
    plane = framed(scene(60, 45, seed), widths, tone)
    pixels = np.clip(plane + noise * rng.standard_normal(plane.shape), 0, 255).astype(np.uint8)
    left, top, right, bottom = widths
    planted = Box(left, top, left + 60, top + 45)
    found = inner_box(pixels)
    if 64 * (left + right) < plane.shape[1] and 64 * (top + bottom) < plane.shape[0]:
        assert found is None
    else:
        assert found is not None
        # To a pixel: the line next to the border may happen to look like a mixture of it and of the line after.
        assert np.abs(np.array(found) / SUBPIXELS - planted).max() <= 1


@settings(max_examples=60)
@given(SEEDS, st.tuples(*[st.integers(8, 60)] * 4), st.sampled_from([2, 4, 8]), st.sampled_from([0, 255]))
def test_edges_within_scaled_pixels(seed: int, widths: tuple[int, int, int, int], scale: int, tone: int) -> None:
    """A decoder that scales mixes border and picture in one pixel: the edge is known to a quarter of it."""
    width, height = (320 - sum(pair) % scale for pair in (widths[::2], widths[1::2]))
    plane = framed(scene(width, height, seed), widths, tone)
    rows, columns = plane.shape
    scaled = plane.reshape(rows // scale, scale, columns // scale, scale).mean(axis=(1, 3))
    pixels: NDArray[np.uint8] = np.rint(scaled).astype(np.uint8)
    found = inner_box(pixels)
    assert found is not None
    planted = widths[0], widths[1], widths[0] + width, widths[1] + height
    assert np.abs(np.array(found) / SUBPIXELS - np.array(planted) / scale).max() <= 0.25


@pytest.mark.parametrize("turn", orientation.ORIENTATIONS)
def test_the_inside_turns_with_the_picture(turn: int) -> None:
    plane = np.rint(framed(scene(60, 45, 7), (5, 0, 9, 20), 40)).astype(np.uint8)
    box = inner_box(plane)
    assert box is not None
    marked = np.zeros((plane.shape[0] * SUBPIXELS, plane.shape[1] * SUBPIXELS), dtype=np.bool_)
    marked[box.top : box.bottom, box.left : box.right] = True
    turned = inner_box(orientation.turn(plane, turn))
    assert turned is not None
    rows, columns = np.nonzero(orientation.turn(marked, turn))
    assert turned == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_of_two_tones_the_one_that_leaves_least_is_cut() -> None:
    plane = np.rint(framed(scene(60, 45, 1), (0, 6, 0, 0), 255)).astype(np.uint8)
    plane = np.pad(plane, ((0, 17), (0, 0)))
    assert inner_box(plane) == Box(0, 0, 60 * SUBPIXELS, 51 * SUBPIXELS)


@pytest.mark.parametrize(
    "plane",
    [
        np.full((64, 64), 9),
        np.zeros((1, 1)),
        scene(64, 64, 2),
        framed(scene(640, 64, 2), (2, 0, 2, 0), 0),  # less than 1/64
        framed(scene(20, 60, 2), (40, 0, 40, 0), 0),  # less than a quarter is left
        framed(scene(15, 60, 2), (5, 0, 5, 0), 0),  # fewer than 16 lines are left
    ],
)
def test_nothing_is_cut(plane: NDArray[np.float64]) -> None:
    assert inner_box(np.rint(plane).astype(np.uint8)) is None
