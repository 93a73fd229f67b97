"""Alignment of two pictures: the projective transform of one onto the other, for shifts, stretches and small turns.

Inverse compositional Gauss-Newton steps (Baker & Matthews 2004, "Lucas-Kanade 20 years on", 3.2) from coarse to fine,
with a gain and an offset of luma (as Evangelidis & Psarakis 2008, "Parametric image alignment using enhanced
correlation coefficient maximization") and less weight for outliers. Coordinates run from -1/2 to 1/2 along both axes,
so the transform does not depend on size or aspect ratio.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating[Any]]
Transform = NDArray[np.floating[Any]]
"""A float64 ``(3, 3)`` projective transform of x, y, 1 in b to those in a."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

_COARSE = 24
_COARSE_ITERATIONS = 20
_FINER = ((48, 12), (96, 8), (192, 5), (384, 3))
"""Longer side of each level in pixels, and the most iterations on it."""

_MIN_CORRELATION = 0.8
_MIN_SHARED = 0.4
_MIN_STEP = 0.02
_MIN_SIDE = 4
_MIN_DEPTH = 0.1


class Overlay(NamedTuple):
    """Two pictures on the pixels of the smaller one.

    ``a`` and ``b`` are float32 ``(h, w, 3)`` of RGB, 0..255; ``shared`` is bool ``(h, w)``: where both have pixels.
    """

    a: Plane
    b: Plane
    shared: NDArray[np.bool_]


def overlay(a: NDArray[np.uint8], b: NDArray[np.uint8], start: Transform | None = None) -> Overlay:
    """Lay two pictures, uint8 ``(h, w, 3)`` of RGB, over one another.

    The larger, or of equal ones the sharper, is warped onto the other, from an approximate transform ``start`` or the
    identity. Their similarity is computed in ``similarity``.

    Notes
    -----
    Cost: about 60 ms at 480 pixels.
    """
    large, small = a.astype(np.float32), b.astype(np.float32)
    if _rank(large) < _rank(small):
        large, small = small, large
        start = None if start is None else np.linalg.inv(start)
    found = align(large @ LUMA, small @ LUMA, start)
    height, width = small.shape[:2]
    # Its own size where the transform shrinks it, so that no pixel is left out between the samples.
    rows, columns = (
        round(side / max(abs(scale), 0.1)) for side, scale in ((height, found[1, 1]), (width, found[0, 0]))
    )
    reduced = resized(large, min(rows, len(large)), min(columns, large.shape[1]))
    warped, shared = _warped(reduced, found, height, width)
    return Overlay(warped, small, shared)


def align(a: Plane, b: Plane, start: Transform | None = None) -> Transform:
    """Find the transform of two luma planes under which they agree best; start and cost as for :func:`overlay`."""
    best = _coarse(a, b) if start is None else start
    for side, iterations in _FINER:
        best = _refined(_reduced(a, side), _reduced(b, side), best, iterations)
        if side >= max(b.shape):
            break
    return best


def _coarse(a: Plane, b: Plane) -> Transform:
    """Find the transform of two planes from the identity or, if the result does not fit, from those of margins."""
    a, b = _reduced(a, _COARSE), _reduced(b, _COARSE)
    best = _refined(a, b, _scaling(1, 1), _COARSE_ITERATIONS)
    if _agreement(a, b, best) >= _MIN_CORRELATION:
        return best
    tries = (_refined(a, b, start, _COARSE_ITERATIONS) for start in _margins())
    return max([best, *tries], key=lambda found: _agreement(a, b, found))


def resized(picture: Plane, height: int, width: int) -> Plane:
    """Average a picture ``(h, w)`` or ``(h, w, 3)`` over the equal cells of a smaller one."""
    rows, columns = _cells(picture.shape[0], max(height, 1)), _cells(picture.shape[1], max(width, 1))
    smaller = np.tensordot(np.tensordot(rows, picture, (1, 0)), columns, (1, 1))
    averaged: Plane = np.asarray(smaller if picture.ndim == 2 else smaller.swapaxes(1, 2))
    return averaged


def _rank(picture: Plane) -> tuple[int, float]:
    """Return the size of a picture and how sharp it is: the greater of two is the one to warp."""
    steps = np.abs(np.diff(picture @ LUMA, axis=1))
    return max(picture.shape), float(steps.sum()) if steps.size else 0.0


@lru_cache(maxsize=64)
def _cells(pixels: int, cells: int) -> Plane:
    """Return the share ``(cells, pixels)`` that each pixel has in the mean of each cell."""
    edges = np.arange(pixels + 1) * (cells / pixels)
    number = np.arange(cells)[:, np.newaxis]
    overlap = np.minimum(edges[1:], number + 1) - np.maximum(edges[:-1], number)
    shares: Plane = np.maximum(overlap, 0).astype(np.float32)
    return shares


def _reduced(plane: Plane, side: int) -> Plane:
    """Reduce a plane to a longer side in pixels; smaller planes keep their size."""
    scale = min(1.0, side / max(plane.shape))
    height, width = (min(length, max(_MIN_SIDE, round(length * scale))) for length in plane.shape)
    return resized(plane, height, width)


def _margins() -> Iterator[Transform]:
    """Yield the transforms of a margin added to, or cut from, one axis or both."""
    for scale in (0.7, 0.85, 1.18, 1.4):
        yield from (_scaling(scale, scale), _scaling(scale, 1), _scaling(1, scale))


def _scaling(across: float, down: float) -> Transform:
    return np.diag([across, down, 1.0])


def _refined(a: Plane, b: Plane, found: Transform, iterations: int) -> Transform:
    """Improve a transform by Gauss-Newton steps, at most ``iterations`` of them."""
    height, width = b.shape
    if min(height, width) < 2:
        return found
    x, y = _grid(height, width)
    down, across = np.gradient(b)
    across, down = across * width, down * height
    depth = -(across * x + down * y)
    slopes = np.stack([across * x, across * y, across, down * x, down * y, down, depth * x, depth * y], axis=-1)
    for _ in range(iterations):
        warped, shared = _warped(a, found, height, width)
        if shared.mean() < _MIN_SHARED:
            break
        step = _step(warped[shared], b[shared], slopes[shared])
        found = found @ np.linalg.inv(np.eye(3) + np.append(step, 0).reshape(3, 3))
        if np.abs(step).max() * max(height, width) < _MIN_STEP:
            break
    return found


def _step(warped: Plane, fixed: Plane, slopes: Plane) -> Transform:
    """Return the eight parameters of the step that reduces the residual most, whatever the brightness and contrast."""
    warped, fixed = warped - warped.mean(), fixed - fixed.mean()
    residual = warped * ((warped @ fixed) / max(float(warped @ warped), 1e-6)) - fixed
    usual = 1.5 * float(np.median(np.abs(residual))) + 1
    weights = 1 / (1 + (residual / (3 * usual)) ** 2)
    slopes = slopes - slopes.mean(axis=0)
    weighted = (slopes * weights[:, np.newaxis]).T
    normal = (weighted @ slopes).astype(np.float64)
    normal += np.eye(8) * (1e-6 * np.trace(normal) + 1e-9)
    step: Transform = np.linalg.solve(normal, (weighted @ residual).astype(np.float64))
    return np.clip(step, -0.2, 0.2)


def _agreement(a: Plane, b: Plane, found: Transform) -> float:
    """Return the correlation of b with a warped, -1 where they overlap too little."""
    warped, shared = _warped(a, found, *b.shape)
    return correlation(warped[shared], b[shared]) if shared.mean() >= _MIN_SHARED else -1.0


def correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the correlation of two arrays of one shape, 0 where one does not vary."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 0 else 0.0


def _warped(picture: Plane, found: Transform, height: int, width: int) -> tuple[Plane, NDArray[np.bool_]]:
    """Sample a picture bilinearly where a transform maps each pixel of another; return also which are inside it."""
    x, y = _grid(height, width)
    across, down, depth = (found @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])).reshape(3, height, width)
    in_front = depth > _MIN_DEPTH
    across, down = (np.divide(places, depth, where=in_front, out=np.ones_like(depth)) for places in (across, down))
    rows, columns = picture.shape[:2]
    across, down = (across + 0.5) * columns - 0.5, (down + 0.5) * rows - 0.5
    shared = in_front & (across >= -0.5) & (across <= columns - 0.5) & (down >= -0.5) & (down <= rows - 0.5)
    left, right, past = _neighbours(across, columns, picture.ndim)
    upper, lower, below = _neighbours(down, rows, picture.ndim)
    top = picture[upper, left] * (1 - past) + picture[upper, right] * past
    bottom = picture[lower, left] * (1 - past) + picture[lower, right] * past
    return top * (1 - below) + bottom * below, shared


def _neighbours(
    places: NDArray[np.float64], length: int, dimensions: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], Plane]:
    """Return the pixels before and after each place along an axis, and how far it is from the first to the second."""
    places = np.clip(places, 0, length - 1)
    before = places.astype(np.intp)
    past = (places - before).astype(np.float32)
    return before, np.minimum(before + 1, length - 1), past if dimensions == 2 else past[..., np.newaxis]


@lru_cache(maxsize=16)
def _grid(height: int, width: int) -> tuple[Plane, Plane]:
    """Return the coordinates x and y of the pixels' centres, each float32 ``(height, width)``."""
    x = (np.arange(width, dtype=np.float32) + 0.5) / width - 0.5
    y = (np.arange(height, dtype=np.float32) + 0.5) / height - 0.5
    across, down = np.meshgrid(x, y)
    return across, down
