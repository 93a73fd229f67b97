"""Pictures laid over one another: what is found again of a known motion, and what is told of a known change."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from phash_engine import images
from phash_engine.matching.verification import alignment, similarity
from phash_engine.matching.verification.verifier import FITS, LEAST_COLOUR, MOST_CHANGE
from tests import degenerate, naive

Edit = Callable[[Image.Image], Image.Image]
LAKE = Path("2023-lake") / "IMG_0412.jpg"


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    return images.read_pixels(image, similarity.LONGER_SIDE)


def compare(image: Image.Image, edit: Edit) -> similarity.Likeness:
    return similarity.compare(pixels(image), pixels(edit(image)))


@pytest.fixture(scope="module")
def lake(sample: Path) -> Image.Image:
    with Image.open(sample / LAKE) as image:
        return image.convert("RGB")


# ── alignment ───────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_resized_is_the_mean_of_each_cell(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.uniform(0, 255, (rng.integers(height, 20), rng.integers(width, 20), 3)).astype(np.float32)
    expected = naive.resized(picture, height, width)
    assert alignment.resized(picture, height, width) == pytest.approx(expected, abs=1e-3)
    assert alignment.resized(picture[..., 0], height, width) == pytest.approx(expected[..., 0], abs=1e-3)


def waves(height: int, width: int, found: NDArray[np.float64]) -> NDArray[np.float32]:
    """A smooth pattern as it looks where a map from the coordinates of the plane to those of the pattern shows it."""
    y, x = (np.arange(height) + 0.5) / height - 0.5, (np.arange(width) + 0.5) / width - 0.5
    across, down = np.meshgrid(x, y)
    u, v, depth = np.tensordot(found, np.stack([across, down, np.ones_like(across)]), 1)
    u, v = u / depth, v / depth
    tone = np.sin(9 * u + 2) + np.cos(13 * v) + np.sin(17 * u * v + 5 * v) + np.cos(21 * (u - v))
    plane: NDArray[np.float32] = (127 + 30 * tone).astype(np.float32)
    return plane


@settings(max_examples=30)
@given(
    st.floats(-0.06, 0.06), st.floats(-0.06, 0.06), st.floats(-0.08, 0.08), st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)
)
def test_a_known_motion_is_found(right: float, down: float, turn: float, wider: float, aslant: float) -> None:
    motion = np.array([[1 + wider, -turn, right], [turn, 1 - wider, down], [aslant, 0, 1]])
    a, b = waves(120, 150, np.eye(3)), waves(90, 110, motion)
    found = alignment.align(a, 40 + 0.6 * b)
    assert found / found[2, 2] == pytest.approx(motion, abs=0.004)


def test_which_picture_comes_first_does_not_matter(lake: Image.Image) -> None:
    blurred = lake.filter(ImageFilter.GaussianBlur(2)).crop((10, 5, lake.width, lake.height))
    assert similarity.compare(pixels(lake), pixels(blurred)) == similarity.compare(pixels(blurred), pixels(lake))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (5, 3), (16, 16), (300, 2)])
def test_pictures_of_any_size_can_be_compared(size: tuple[int, int], lake: Image.Image) -> None:
    small, plain = lake.resize(size), Image.new("RGB", size, "green")
    for a, b in ((small, lake), (small, small), (plain, lake), (plain, plain)):
        found = similarity.compare(pixels(a), pixels(b))
        assert np.isfinite(found).all()
        assert -1 <= found.correlation <= 1.001


# ── likeness ────────────────────────────────────────────────────────────────────────────────────────────────────────


def jpeg(image: Image.Image, quality: int = 20) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def crop(image: Image.Image) -> Image.Image:
    return image.crop((image.width // 20, 0, image.width, image.height))


def frame(image: Image.Image) -> Image.Image:
    return jpeg(ImageOps.expand(image, image.width // 20, "white"), 80)


def noise(image: Image.Image) -> Image.Image:
    grain = np.random.default_rng(1).normal(0, 10, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def matrix(*values: float) -> Edit:
    return lambda image: image.convert("RGB", values)


COPIES: dict[str, Edit] = {
    "jpeg": jpeg,
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "crop": crop,
    "frame": frame,
    "turned": lambda image: image.rotate(2, Image.Resampling.BICUBIC).crop(
        (20, 20, image.width - 20, image.height - 20)
    ),
    "noise": noise,
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "flat": lambda image: ImageEnhance.Contrast(image).enhance(0.5),
    "gamma": lambda image: image.point([round(255 * (tone / 255) ** 1.7) for tone in range(256)] * 3),
    "pale": lambda image: ImageEnhance.Color(image).enhance(0.4),
    "warm": matrix(1.1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0.85, 0),
    "grey": lambda image: image.convert("L"),
    "sepia": matrix(0.393, 0.769, 0.189, 0, 0.349, 0.686, 0.168, 0, 0.272, 0.534, 0.131, 0),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_alike(name: str, lake: Image.Image) -> None:
    found = compare(lake, COPIES[name])
    assert found.correlation >= FITS
    assert found.change <= MOST_CHANGE / 2
    assert found.colour >= LEAST_COLOUR + 0.2


def line(image: Image.Image) -> Image.Image:
    drawn = image.copy()
    ImageDraw.Draw(drawn).line(
        (image.width * 0.4, image.height * 0.2, image.width * 0.5, image.height * 0.25), "black", 3
    )
    return drawn


@pytest.mark.parametrize("edit", [line, lambda image: jpeg(line(image), 50), lambda image: crop(line(image))])
def test_a_line_drawn_in_is_a_change(edit: Edit, lake: Image.Image) -> None:
    found = compare(lake, edit)
    assert found.correlation >= FITS
    assert found.change > MOST_CHANGE


def test_forms_with_other_numbers_are_told_apart() -> None:
    first, *others = [pixels(Image.fromarray(page)) for page in degenerate.pictures("form", 5)]
    assert all(similarity.compare(first, other).change > 2 * MOST_CHANGE for other in others)
    assert similarity.compare(first, first).change < 1


def test_other_hues_are_another_colour(lake: Image.Image) -> None:
    swapped = compare(lake, lambda image: Image.merge("RGB", image.split()[::-1]))
    assert swapped.correlation >= FITS
    assert swapped.colour < LEAST_COLOUR


@pytest.mark.parametrize("name", ["scale", "grunky", "colour", "correction"])
def test_visual_duplicates(name: str, photos: Path) -> None:
    original, other = (
        images.read_pixels(photos / "visual_dupes" / f"visual_dupe_{each}.jpg", similarity.LONGER_SIDE)
        for each in ("original", name)
    )
    found = similarity.compare(original, other)
    assert found.correlation > 0.99
    assert (found.colour < LEAST_COLOUR) == (name == "colour")
    assert (found.change > MOST_CHANGE) == (name == "correction")
