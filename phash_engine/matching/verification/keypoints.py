"""Keypoints, which a cropped, turned or photographed copy of a picture has too. Needs the extra ``verify``.

They are ORB's (Rublee et al. 2011, "ORB: an efficient alternative to SIFT or SURF"); two pictures are compared by the
homography of most inliers (Fischler & Bolles 1981, "Random sample consensus").
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import _optional

LONGER_SIDE = 320
"""The size in pixels at which pictures are compared: more points cost more, and separate copies no better."""

_MOST_KEYPOINTS = 500
_PATCH = 31
_NEAREST_RATIO = 0.8
_INLIER_RADIUS = 4.0
"""Largest distance in pixels of an inlier from where the homography puts it."""
_TRIALS = 1000
_MIN_MATCHES = 8
_MIN_DETERMINANT = 1e-3


class Keypoints(NamedTuple):
    """Keypoints of one picture: float32 ``(n, 2)`` of x and y in pixels, and uint8 ``(n, 32)`` of 256 bits on each."""

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


_NONE = Keypoints(np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8))


class Homography(NamedTuple):
    """The homography of most inliers, and their number; the matrix is float64 ``(3, 3)``, of a's x, y, 1 to b's."""

    inliers: int
    matrix: NDArray[np.float64] | None


def detect(pixels: NDArray[np.uint8]) -> Keypoints:
    """Detect the keypoints of a picture.

    Parameters
    ----------
    pixels
        uint8 ``(h, w, 3)`` of RGB or ``(h, w)`` of luma, the longer side preferably :data:`LONGER_SIDE`.

    Raises
    ------
    UsageError
        OpenCV is not installed.

    Notes
    -----
    Cost: about 3 ms at 320 pixels.
    """
    cv2 = _opencv()
    luma = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if min(luma.shape) < _PATCH:
        return _NONE
    keypoints, descriptors = cv2.ORB_create(_MOST_KEYPOINTS).detectAndCompute(luma, None)
    if descriptors is None:
        return _NONE
    return Keypoints(cv2.KeyPoint_convert(keypoints), descriptors)


def estimate_homography(a: Keypoints, b: Keypoints) -> Homography:
    """Estimate the homography on which most keypoints of two pictures agree.

    Keypoints match when each is the other's nearest, and one clearly nearer than the second (Lowe 2004, "Distinctive
    image features from scale-invariant keypoints", 7.1). If many could match one, a homography that shrinks everything
    to a point would have most inliers. Without a homography there are 0 inliers and no matrix.

    Notes
    -----
    Cost: about 1 ms.
    """
    matched = _matches(a.descriptors, b.descriptors)
    if len(matched) < _MIN_MATCHES:
        return Homography(0, None)
    source, target = a.points[matched[:, 0]], b.points[matched[:, 1]]
    cv2 = _opencv()
    matrix, mask = cv2.findHomography(source, target, cv2.RANSAC, _INLIER_RADIUS, maxIters=_TRIALS)
    if matrix is None or abs(np.linalg.det(matrix)) < _MIN_DETERMINANT:
        return Homography(0, None)
    return Homography(int(mask.sum()), matrix)


def _matches(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the rows of a and b that match, int64 ``(m, 2)``."""
    if min(len(a), len(b)) < 2:
        return np.empty((0, 2), dtype=np.int64)
    cv2 = _opencv()
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING)
    back = {match.queryIdx: match.trainIdx for match in matcher.match(b, a)}
    pairs = [
        (first.queryIdx, first.trainIdx)
        for first, second in matcher.knnMatch(a, b, k=2)
        if first.distance < _NEAREST_RATIO * second.distance and back[first.trainIdx] == first.queryIdx
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def to_transform(homography: NDArray[np.float64], a: tuple[int, ...], b: tuple[int, ...]) -> NDArray[np.float64]:
    """Convert a homography of the keypoints of two pictures of these shapes to a transform of ``alignment``."""
    found = np.linalg.inv(_from_middle(*b[:2]) @ homography @ np.linalg.inv(_from_middle(*a[:2])))
    scaled: NDArray[np.float64] = found / found[2, 2]
    return scaled


def _from_middle(height: int, width: int) -> NDArray[np.float64]:
    """Return the transform from pixels to coordinates from -1/2 to 1/2 along both axes."""
    return np.array([[1 / width, 0, 0.5 / width - 0.5], [0, 1 / height, 0.5 / height - 0.5], [0, 0, 1]])


@cache
def has_opencv() -> bool:
    """Whether OpenCV is installed."""
    return find_spec("cv2") is not None


@cache
def _opencv() -> Any:
    return _optional.require("cv2")
