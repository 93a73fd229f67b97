"""Points of pictures, with the real OpenCV: copies agree, others do not."""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from phash_engine import images
from phash_engine.errors import UsageError
from phash_engine.matching.verification import keypoints
from phash_engine.matching.verification.keypoints import Features
from phash_engine.matching.verification.verifier import LEAST_INLIERS
from tests import degenerate

opencv = pytest.mark.skipif(not keypoints.available(), reason="needs opencv-python-headless: the extra verify")


def points(image: Image.Image) -> Features:
    return keypoints.features(images.read_pixels(image, keypoints.LONGER_SIDE))


@pytest.fixture(scope="module")
def lake(sample: Path) -> Image.Image:
    with Image.open(sample / "2023-lake" / "IMG_0412.jpg") as image:
        return image.convert("RGB")


@opencv
def test_a_crop_and_a_turned_copy_agree_but_a_mirrored_one_does_not(lake: Image.Image) -> None:
    width, height = lake.size
    for copy in (lake.crop((width // 4, 0, width, height)), lake.rotate(10), lake.transpose(Image.Transpose.ROTATE_90)):
        assert keypoints.inliers(points(lake), points(copy)) > 3 * LEAST_INLIERS
    assert keypoints.inliers(points(lake), points(ImageOps.mirror(lake))) < LEAST_INLIERS


@opencv
def test_the_homography_of_a_crop_is_its_map(lake: Image.Image) -> None:
    whole = images.read_pixels(lake, keypoints.LONGER_SIDE)
    height, width = whole.shape[:2]
    part = np.ascontiguousarray(whole[: height * 3 // 4, width // 8 :])
    found = keypoints.agreement(keypoints.features(whole), keypoints.features(part)).homography
    assert found is not None
    assert found / found[2, 2] == pytest.approx(np.array([[1, 0, -(width // 8)], [0, 1, 0], [0, 0, 1]]), abs=2)
    expected = np.array([[0.875, 0, 0.0625], [0, 0.75, -0.125], [0, 0, 1]])
    assert keypoints.as_map(found, whole.shape, part.shape) == pytest.approx(expected, abs=0.04)


def test_a_homography_as_a_map_by_hand() -> None:
    """Half the size, and then 10 pixels to the right: the middle of b is 10 pixels left of that of a."""
    homography = np.array([[0.5, 0, 10.25 - 0.5], [0, 0.5, -0.25], [0, 0, 1]])
    expected = np.array([[1, 0, -0.1], [0, 1, 0], [0, 0, 1]])
    assert keypoints.as_map(homography, (100, 200), (50, 100)) == pytest.approx(expected)


@opencv
@pytest.mark.parametrize("kind", ["text page", "sky", "noise"])
def test_different_pictures_of_one_class_do_not_agree(kind: str) -> None:
    all_points = [points(Image.fromarray(picture)) for picture in degenerate.pictures(kind, 8)]
    assert max(keypoints.inliers(a, b) for a, b in combinations(all_points, 2)) < LEAST_INLIERS


@opencv
def test_different_photos_do_not_agree(photos: Path) -> None:
    all_points = [keypoints.features(images.read_pixels(p, 320)) for p in sorted((photos / "web").iterdir())[::20]]
    assert max(keypoints.inliers(a, b) for a, b in combinations(all_points, 2)) < LEAST_INLIERS


@opencv
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (9, 9), (40, 40), (320, 240)])
def test_pictures_of_any_size_have_points_or_none(size: tuple[int, int], lake: Image.Image) -> None:
    plain, small = points(Image.new("RGB", size)), points(lake.resize(size))
    assert plain.points.shape == (0, 2)
    assert small.points.shape[0] == small.descriptors.shape[0]
    assert keypoints.agreement(plain, small) == keypoints.agreement(small, plain) == (0, None)


def test_without_opencv_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    keypoints._opencv.cache_clear()
    with pytest.raises(UsageError, match=r"OpenCV: pip install 'phash-engine\[verify\]'$"):
        keypoints.features(np.zeros((32, 32), np.uint8))
