"""Real photos: one picture in any orientation and pixel mode has one fingerprint."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phash_engine import images
from phash_engine.errors import ImageError
from phash_engine.hashing import codes, hashers, orientation


def tables(paths: list[Path]) -> NDArray[np.uint64]:
    return hashers.hash_blocks(np.stack([images.read_block(path) for path in paths]))


def furthest(table: NDArray[np.uint64]) -> int:
    """Largest distance of any two rows in any code."""
    return int(codes.distances(table[:, np.newaxis], table).max())


@pytest.mark.parametrize("family", ["Landscape", "Portrait"])
def test_all_orientations_of_one_picture_have_one_fingerprint(photos: Path, family: str) -> None:
    paths = [photos / "orientation" / f"{family}_{number}.jpg" for number in orientation.ORIENTATIONS]
    table = tables(paths)
    assert furthest(table) <= 2
    decisions = orientation.upright(table)
    assert codes.distances(decisions[:, np.newaxis], decisions).sum(axis=-1).max() <= 2
    sizes = {images.read_image_info(path)[:2] for path in paths}
    assert len(sizes) == 1


@pytest.mark.parametrize("family", ["landscape", "portrait"])
def test_orientations_with_a_numeral_in_each_are_near(photos: Path, family: str) -> None:
    paths = sorted((photos / "camera" / "jpg" / "orientation").glob(f"{family}_*.jpg"))
    assert len(paths) == 8
    assert furthest(tables(paths)) <= 6


def test_all_modes_of_one_picture_have_one_fingerprint(photos: Path) -> None:
    paths = [path for path in sorted((photos / "modes").iterdir()) if path.suffix != ".md"]
    assert len(paths) == 14
    assert furthest(tables(paths)) <= 2


def test_all_mirrorings_of_one_picture_are_found_from_any(photos: Path) -> None:
    table = tables(sorted((photos / "dihedral").iterdir()))
    assert len(table) == 8
    assert max(orientation.rotated_distance(a, b)[0] for a in table for b in table) <= 24


def test_every_camera_file_is_read_or_fails_with_a_reason(photos: Path) -> None:
    read, reasons = 0, []
    for path in sorted(
        path for path in (photos / "camera").rglob("*") if path.suffix.lower() in {".jpg", ".tif", ".tiff"}
    ):
        try:
            block, info = images.read_image(path)
        except ImageError as error:
            reasons.append(error.reason)
        else:
            read += 1
            assert block.shape == (32, 32)
            assert info == images.read_image_info(path)
    assert read > 80
    assert all(reasons)
