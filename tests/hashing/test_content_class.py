"""Kinds of pictures: photos stay photos, rendered pages do not, in any size, tint and orientation."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phash_engine.hashing.content_class import content_class, measures, reduced
from tests import pages


def plane(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        image.draft("L", (64, 64))
        return np.asarray(image.convert("L"))


@pytest.mark.parametrize("shape", [(0, 0), (1, 5000), (15, 400)])
def test_tiny_planes_are_photos(shape: tuple[int, int]) -> None:
    assert content_class(np.zeros(shape, np.uint8)) == "photo"


@pytest.mark.parametrize("tone", [0, 128, 255])
def test_planes_of_one_tone_have_a_class(tone: int) -> None:
    assert np.isfinite(measures(np.full((64, 90), tone, np.uint8))).all()


def test_turning_a_plane_changes_little() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (64, 96)).astype(np.uint8)
    assert np.array_equal(measures(grey), measures(np.ascontiguousarray(grey.T)))
    assert np.allclose(measures(grey), measures(grey[::-1, ::-1]), atol=0.02)


def test_planes_are_halved_by_area_means() -> None:
    grey = np.arange(256 * 130).reshape(256, 130).astype(np.uint8)
    halved = reduced(grey)
    assert halved.shape == (128, 65)
    assert halved[3, 4] == grey[6:8, 8:10].sum(dtype=int) // 4
    assert reduced(halved) is halved


def test_photos_are_photos(photos: Path) -> None:
    found = Counter(content_class(plane(path)) for path in sorted((photos / "web").glob("*.jpg")))
    assert found["photo"] >= 0.99 * found.total()


@pytest.mark.parametrize(("gain", "light"), [(0.07, 0), (0.15, 190), (0.1, 100)], ids=["night", "fog", "haze"])
def test_photos_of_little_contrast_are_photos(photos: Path, gain: float, light: int) -> None:
    noise = np.random.default_rng(1)
    paths = sorted((photos / "web").glob("*.jpg"))[:40]
    dim = (plane(path) * gain + light for path in paths)
    seen = (np.clip(grey + noise.normal(0, 2, grey.shape), 0, 255).astype(np.uint8) for grey in dim)
    assert Counter(map(content_class, seen))["photo"] >= 0.97 * len(paths)


def test_sky_and_snow_are_photos() -> None:
    slope = np.linspace(0, 1, 96)[:, np.newaxis]
    drift = np.sin(np.linspace(0, 5, 128)) * 12
    for grey in (110 + 110 * slope, 230 + drift, 250 - 6 * slope + drift / 3):
        assert content_class(np.clip(np.broadcast_to(grey, (96, 128)), 0, 255).astype(np.uint8)) == "photo"


@pytest.mark.browser
@pytest.mark.skipif(pages.BROWSER is None, reason="no Chromium here to render pages")
def test_rendered_pages_are_no_photos(tmp_path: Path) -> None:
    found = [content_class(plane(page.path)) for page in pages.render(pages.DOCUMENTS, 4, tmp_path, seed=77)]
    assert sum(kind != "photo" for kind in found) >= 0.95 * len(found)
    screens = [content_class(plane(page.path)) for page in pages.render(pages.SCREENSHOTS, 4, tmp_path, seed=77)]
    assert sum(kind != "photo" for kind in screens) >= 0.9 * len(screens)
