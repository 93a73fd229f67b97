"""Trusted blocks: pictures without structure never match by code, and all photos may."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from phash_engine import images
from phash_engine._threads import available_threads
from phash_engine.errors import ImageError
from phash_engine.hashing import codes, hashers, orientation, quality
from phash_engine.matching.policy import DEFAULT_RADIUS
from tests import degenerate

COUNT = 40
Blocks = NDArray[np.uint16]

MATCHING = {
    "solid": (1.0, 0.0),
    "solid noise": (0.0, 0.0),
    "black frame": (0.0, 0.0),
    "noise": (0.0, 0.0),
    "gradient": (0.596, 0.0),
    "blank scan": (0.0, 0.0),
    "sky": (0.006, 0.0),
    "vignette": (0.303, 0.0),
    "text page": (0.0, 0.0),
    "form": (1.0, 1.0),
}
"""Share of pairs of different pictures within the radius, rotations included: of all blocks, and of trusted ones.

No measure of a block distinguishes forms from photos: they have structure, and it is the same.
"""


def blocks_of(kind: str) -> Blocks:
    return np.stack([images.read_block(picture) for picture in degenerate.pictures(kind, COUNT)])


def trusted(blocks: Blocks) -> NDArray[np.bool_]:
    return quality.is_trusted(quality.gradient_quality(blocks), quality.detail(blocks))


def matching(blocks: Blocks) -> NDArray[np.bool_]:
    """Which pairs ``(n, n)`` are within the radius."""
    turned = orientation.turned(hashers.hash_blocks(blocks))
    distances = np.min([codes.distances(words[:, np.newaxis], turned[0]).sum(axis=-1) for words in turned], axis=0)
    near: NDArray[np.bool_] = np.minimum(distances, distances.T) <= DEFAULT_RADIUS
    return near


@pytest.mark.parametrize("kind", degenerate.CLASSES)
def test_share_of_different_pictures_that_match(kind: str) -> None:
    blocks = blocks_of(kind)
    passed, pairs = trusted(blocks), np.triu_indices(COUNT, 1)
    near = matching(blocks)[pairs]
    without, within = MATCHING[kind]
    assert near.mean() == pytest.approx(without, abs=0.005)
    assert (near & passed[pairs[0]] & passed[pairs[1]]).mean() == within


@pytest.mark.parametrize("kind", ["solid", "solid noise", "black frame", "gradient", "blank scan", "sky", "vignette"])
def test_pictures_without_structure_are_not_trusted(kind: str) -> None:
    assert not trusted(blocks_of(kind)).any()


def test_entropy_separates_neither_gradients_nor_forms_from_photos(sample: Path) -> None:
    """A leaf on a white ground has less entropy than a form, and a gradient has as much as a landscape."""
    entropies = {kind: [quality.entropy(block) for block in blocks_of(kind)] for kind in ("gradient", "text page")}
    leaf = quality.entropy(images.read_block(sample / "exports" / "leaf.png"))
    lake = quality.entropy(images.read_block(sample / "2023-lake" / "IMG_0412.jpg"))
    assert max(entropies["gradient"]) > lake
    assert leaf < min(entropies["text page"])


def test_detail_by_hand() -> None:
    """15 products of 4 by 4 waves are just enough; 11 of 3 by 4, or a ramp, are not."""
    position = np.arange(32)
    waves = np.cos(np.pi * (2 * position + 1) * np.arange(4)[:, np.newaxis] / 64)
    products = np.einsum("iy,jx->yx", waves, waves) - 1
    few = np.einsum("iy,jx->yx", waves[:3], waves)
    ramp = np.add.outer(position, 2 * position) * 600.0
    blocks = np.rint(np.stack([32640 + 1000 * products, 32640 + 1000 * few, ramp])).astype(np.uint16)
    # Waves of height 1000 / 256 along both axes: 16 times that in the orthonormal transform, more along one axis.
    assert quality.detail(blocks) == pytest.approx([16 * 1000 / 256, 0, 0], abs=0.05)


def test_pictures_with_a_mirror_axis_are_trusted() -> None:
    half = np.kron(np.random.default_rng(4).integers(0, 65281, (8, 4)), np.ones((4, 4), dtype=np.int64))
    assert trusted(np.concatenate([half, half[:, ::-1]], axis=1).astype(np.uint16)[np.newaxis]).all()


# ── photos are trusted ────────────────────────────────────────────────────────────────────────────────────────────────


def jpeg(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=20)
    return file.getvalue()


def trusted_copies(path: Path) -> list[bool]:
    """Whether a photo and copies of it are trusted: JPEG of quality 20, half the contrast, darker by half, small."""
    with Image.open(path) as image:
        grey = image.convert("L")
    copies: list[images.Source] = [jpeg(grey), np.asarray(ImageEnhance.Contrast(grey).enhance(0.5))]
    copies += [np.asarray(grey.point(lambda tone: tone / 2)), np.asarray(grey.resize((64, 48)))]
    return list(trusted(np.stack([images.read_block(source) for source in (path, *copies)])))


def test_all_web_photos_and_their_copies_are_trusted(photos: Path) -> None:
    paths = sorted((photos / "web").iterdir())
    with ThreadPoolExecutor(available_threads()) as pool:
        passed = np.array(list(pool.map(trusted_copies, paths)))
    assert len(passed) == 600
    assert passed.mean(axis=0).tolist() == [1.0] * 5


def test_the_whole_sample_is_trusted(sample: Path) -> None:
    blocks = []
    for path in sorted(path for path in sample.rglob("*") if path.is_file()):
        try:
            blocks.append(images.read_block(path))
        except ImageError:
            assert path.parent.name == "broken" or path.name == "notes.txt"
    assert len(blocks) == 84
    assert trusted(np.stack(blocks)).all()
