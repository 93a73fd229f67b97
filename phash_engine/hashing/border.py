"""The uniform border around a picture: letterbox, pillarbox, frame, square pad, scanned margin, of any tone.

A border has one tone. The inner box is the smallest rectangle with only lines of this tone outside, so it rotates and
mirrors with the picture. If the edges have several tones, the tone with the smallest inner box is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Part = Callable[[int, int, int, int], NDArray[Any]]
"""Called with left, top, right, bottom: returns the luma of these columns and rows of a plane."""

SUBPIXELS = 16
"""Edges are in sixteenths of a plane pixel: the border of a scaled picture rarely ends at the edge of a pixel."""

_TOLERANCE = 6
"""Largest root mean square deviation, in luma steps, of a line that is border: JPEG noise, film grain."""

_LEAST_LINES = 16
_LEAST_SHARE = 4
_LEAST_CUT = 64
_MOST_VALUES = 1 << 18


class Box(NamedTuple):
    """A rectangle of a picture, in pixels or parts of a pixel as its user states."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Length from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Length from top to bottom."""
        return self.bottom - self.top


def inner_box(part: Part, columns: int, rows: int, unit: int = 1) -> Box | None:
    """Return the rectangle inside the uniform border of a plane.

    Parameters
    ----------
    part
        The plane.
    columns, rows
        Its size in pixels.
    unit
        Plane values per luma step.

    Returns
    -------
    Box or None
        In sixteenths of a plane pixel. None without a border, if it is too thin to matter (less than 1/64 of width and
        of height), or if it leaves too little to compare (less than 1/4 of either, or 16 lines).

    Notes
    -----
    Cost: 30 µs if no edge of the plane has one tone; else one pass over the border.
    """
    whole = Box(0, 0, columns, rows)
    boxes = [box for tone in sorted(_tones(part, whole, unit)) if (box := _cut(part, whole, tone, unit))]
    return min(boxes, key=lambda box: box.width * box.height, default=None)


def _tones(part: Part, whole: Box, unit: int) -> set[int]:
    """Return the rounded means of the edges of one tone."""
    # Nearly all pictures end here. Calls are few and short, as threads wait for the interpreter lock between them.
    edges = [_part(part, whole, side, 0, 1).ravel() for side in range(4)]
    starts = (0, whole.width, 2 * whole.width, 2 * whole.width + whole.height)
    values = np.concatenate(edges).astype(np.int64)
    sums = np.add.reduceat(values, starts).tolist()
    squares = np.add.reduceat(values * values, starts).tolist()
    tones = set()
    for edge, total, square in zip(edges, sums, squares, strict=True):
        tone = (2 * total + edge.size) // (2 * edge.size)
        if square - 2 * tone * total + edge.size * tone * tone <= (_TOLERANCE * unit) ** 2 * edge.size:
            tones.add(tone)
    return tones


def _cut(part: Part, whole: Box, tone: int, unit: int) -> Box | None:
    """Cut the rows of a tone, then its columns between these rows; None if that is too little or too much."""
    top, bottom = (_depth(part, whole, side, tone, unit) for side in (0, 1))
    if top + bottom > (whole.height - _LEAST_LINES) * SUBPIXELS:
        return None
    between = whole._replace(top=top // SUBPIXELS, bottom=whole.bottom - bottom // SUBPIXELS)
    left, right = (_depth(part, between, side, tone, unit) for side in (2, 3))
    box = Box(left, top, whole.right * SUBPIXELS - right, whole.bottom * SUBPIXELS - bottom)
    extents = ((box.width, whole.width), (box.height, whole.height))
    large = all(least >= max(all_ * SUBPIXELS // _LEAST_SHARE, _LEAST_LINES * SUBPIXELS) for least, all_ in extents)
    small = any((all_ * SUBPIXELS - length) * _LEAST_CUT >= all_ * SUBPIXELS for length, all_ in extents)
    return box if large and small else None


def _depth(part: Part, box: Box, side: int, tone: int, unit: int) -> int:
    """Return the depth of a border at one side of a box, in sixteenths of a line."""
    count = box.height if side < 2 else box.width
    step, found = 1, 0
    most = max(_MOST_VALUES // (box.width if side < 2 else box.height), 1)
    while found < count:
        lines = _lines(part, box, side, found, min(found + step, count))
        is_border = _is_border(lines, tone, unit)
        if not is_border.all():
            found += int(np.argmin(is_border))
            break
        found += len(lines)
        step = min(2 * step, most)
    if not found or count - found < 2:
        return found * SUBPIXELS
    return found * SUBPIXELS + _share(_lines(part, box, side, found, found + 2), tone)


def _share(lines: NDArray[np.int64], tone: int) -> int:
    """Return the share of border in the first of two lines, in sixteenths, assuming its rest equals the second.

    The least-squares solution of first = share * tone + (1 - share) * second.
    """
    first, second = lines
    step = tone - second
    square = int((step * step).sum())
    along = int(((first - second) * step).sum())
    return min(max((2 * SUBPIXELS * along + square) // (2 * square), 0), SUBPIXELS) if square else 0


def _lines(part: Part, box: Box, side: int, start: int, stop: int) -> NDArray[np.int64]:
    """Return lines ``start..stop`` counted from a side of a box, as rows."""
    lines = _part(part, box, side, start, stop)
    lines = lines if side < 2 else lines.T
    return (lines[::-1] if side % 2 else lines).astype(np.int64)


def _part(part: Part, box: Box, side: int, start: int, stop: int) -> NDArray[Any]:
    """Return lines ``start..stop`` from the top (0), bottom (1), left (2) or right (3) of a box, not reordered."""
    left, top, right, bottom = box
    if side == 0:
        return part(left, top + start, right, top + stop)
    if side == 1:
        return part(left, bottom - stop, right, bottom - start)
    if side == 2:
        return part(left + start, top, left + stop, bottom)
    return part(right - stop, top, right - start, bottom)


def _is_border(lines: NDArray[np.int64], tone: int, unit: int) -> NDArray[np.bool_]:
    """Whether each line deviates from a tone by no more than the tolerance."""
    deviations = lines - tone
    within: NDArray[np.bool_] = (deviations * deviations).sum(axis=1) <= (_TOLERANCE * unit) ** 2 * lines.shape[1]
    return within
