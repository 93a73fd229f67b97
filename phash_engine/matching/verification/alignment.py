"""Two pictures → one laid over the other, as far as a shift, a stretch, a small turn and a view aslant can do it.

Inverse compositional Gauss-Newton steps (Baker & Matthews 2004, "Lucas-Kanade 20 years on", 3.2) from coarse to fine,
with a gain and an offset of luma (as Evangelidis & Psarakis 2008, "Parametric image alignment using enhanced
correlation coefficient maximization") and less weight for what does not fit. Coordinates run from -1/2 to 1/2 along
both axes, so that a change of size or aspect is no motion.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating[Any]]
Map = NDArray[np.floating[Any]]
"""A float64 ``(3, 3)`` projective map of x, y, 1 in b to those in a."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

_COARSE = 24
_COARSE_STEPS = 20
_FINER = ((48, 12), (96, 8), (192, 5), (384, 3))
"""Longer side of each level in pixels, and the most steps on it."""

_FITS = 0.8
_LEAST_SHARED = 0.4
_STILL = 0.02
_LEAST_SIDE = 4
_HORIZON = 0.1


class Overlay(NamedTuple):
    """Two pictures on the pixels of the smaller one.

    ``a`` and ``b`` are float32 ``(h, w, 3)`` of RGB, 0..255; ``shared`` is bool ``(h, w)``: where both show something.
    """

    a: Plane
    b: Plane
    shared: NDArray[np.bool_]


def overlay(a: NDArray[np.uint8], b: NDArray[np.uint8], start: Map | None = None) -> Overlay:
    """Lay two pictures, uint8 ``(h, w, 3)`` of RGB, over one another.

    The larger, or of equal ones the sharper, is moved onto the other, from a map that is known to be about right, or
    from where they lie. Whether they fit is not judged here: see ``similarity``.

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
    # Its own size where the map shrinks it, so that no pixel is left out between the samples.
    rows, columns = (
        round(side / max(abs(scale), 0.1)) for side, scale in ((height, found[1, 1]), (width, found[0, 0]))
    )
    reduced = resized(large, min(rows, len(large)), min(columns, large.shape[1]))
    moved, shared = _moved(reduced, found, height, width)
    return Overlay(moved, small, shared)


def align(a: Plane, b: Plane, start: Map | None = None) -> Map:
    """Find the map of two luma planes under which they agree best; start and cost as for :func:`overlay`."""
    best = _coarse(a, b) if start is None else start
    for side, steps in _FINER:
        best = _refined(_reduced(a, side), _reduced(b, side), best, steps)
        if side >= max(b.shape):
            break
    return best


def _coarse(a: Plane, b: Plane) -> Map:
    """Find the map of two planes from where they lie or, if they do not fit so, from where margins would put them."""
    a, b = _reduced(a, _COARSE), _reduced(b, _COARSE)
    best = _refined(a, b, _start(1, 1), _COARSE_STEPS)
    if _agreement(a, b, best) >= _FITS:
        return best
    tries = (_refined(a, b, start, _COARSE_STEPS) for start in _starts())
    return max([best, *tries], key=lambda found: _agreement(a, b, found))


def resized(picture: Plane, height: int, width: int) -> Plane:
    """Average a picture ``(h, w)`` or ``(h, w, 3)`` over the equal cells of a smaller one."""
    rows, columns = _cells(picture.shape[0], max(height, 1)), _cells(picture.shape[1], max(width, 1))
    smaller = np.tensordot(np.tensordot(rows, picture, (1, 0)), columns, (1, 1))
    averaged: Plane = np.asarray(smaller if picture.ndim == 2 else smaller.swapaxes(1, 2))
    return averaged


def _rank(picture: Plane) -> tuple[int, float]:
    """Return what makes one of two pictures the one to move: its size, and how sharp it is."""
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
    """Reduce a plane to a longer side of so many pixels; smaller ones stay."""
    scale = min(1.0, side / max(plane.shape))
    height, width = (min(length, max(_LEAST_SIDE, round(length * scale))) for length in plane.shape)
    return resized(plane, height, width)


def _starts() -> Iterator[Map]:
    """Yield the maps of a margin added to, or cut from, one axis or both."""
    for scale in (0.7, 0.85, 1.18, 1.4):
        yield from (_start(scale, scale), _start(scale, 1), _start(1, scale))


def _start(across: float, down: float) -> Map:
    return np.diag([across, down, 1.0])


def _refined(a: Plane, b: Plane, found: Map, steps: int) -> Map:
    """Follow the slopes of b, at most so many steps, to where a agrees with it better."""
    height, width = b.shape
    if min(height, width) < 2:
        return found
    x, y = _grid(height, width)
    down, across = np.gradient(b)
    across, down = across * width, down * height
    depth = -(across * x + down * y)
    slopes = np.stack([across * x, across * y, across, down * x, down * y, down, depth * x, depth * y], axis=-1)
    for _ in range(steps):
        moved, shared = _moved(a, found, height, width)
        if shared.mean() < _LEAST_SHARED:
            break
        step = _step(moved[shared], b[shared], slopes[shared])
        found = found @ np.linalg.inv(np.eye(3) + np.append(step, 0).reshape(3, 3))
        if np.abs(step).max() * max(height, width) < _STILL:
            break
    return found


def _step(moved: Plane, fixed: Plane, slopes: Plane) -> Map:
    """Return the eight parameters of the motion that explains most of what differs, brightness and contrast aside."""
    moved, fixed = moved - moved.mean(), fixed - fixed.mean()
    residual = moved * ((moved @ fixed) / max(float(moved @ moved), 1e-6)) - fixed
    usual = 1.5 * float(np.median(np.abs(residual))) + 1
    weights = 1 / (1 + (residual / (3 * usual)) ** 2)
    slopes = slopes - slopes.mean(axis=0)
    weighted = (slopes * weights[:, np.newaxis]).T
    normal = (weighted @ slopes).astype(np.float64)
    normal += np.eye(8) * (1e-6 * np.trace(normal) + 1e-9)
    step: Map = np.linalg.solve(normal, (weighted @ residual).astype(np.float64))
    return np.clip(step, -0.2, 0.2)


def _agreement(a: Plane, b: Plane, found: Map) -> float:
    """Return the correlation of b with a as moved, -1 where they hardly share anything."""
    moved, shared = _moved(a, found, *b.shape)
    return correlation(moved[shared], b[shared]) if shared.mean() >= _LEAST_SHARED else -1.0


def correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the correlation of two arrays of one shape, 0 where one does not vary."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 0 else 0.0


def _moved(picture: Plane, found: Map, height: int, width: int) -> tuple[Plane, NDArray[np.bool_]]:
    """Sample a picture where a map sends each pixel of another, bilinearly; and tell which pixels it does not leave."""
    x, y = _grid(height, width)
    across, down, depth = (found @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])).reshape(3, height, width)
    seen = depth > _HORIZON
    across, down = (np.divide(places, depth, where=seen, out=np.ones_like(depth)) for places in (across, down))
    rows, columns = picture.shape[:2]
    across, down = (across + 0.5) * columns - 0.5, (down + 0.5) * rows - 0.5
    shared = seen & (across >= -0.5) & (across <= columns - 0.5) & (down >= -0.5) & (down <= rows - 0.5)
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
