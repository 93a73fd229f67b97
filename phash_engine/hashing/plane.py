"""The luma plane of a decoded picture, and the blocks of its views."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.hashing import border, views
from phash_engine.hashing.block import area_average
from phash_engine.hashing.border import Box, Part

BAND_PIXELS = 1 << 20
"""Larger planes are read in bands of rows, so that memory never holds a second full plane."""

SHORTER_SIDE = 64
"""Smallest shorter side in pixels of a picture decoded at a smaller scale, and of a preview used in its place."""


class Extent(NamedTuple):
    """True width and height of a picture in pixels, and the side of a plane pixel in these: 1, 2, 4 or 8."""

    width: int
    height: int
    scale: int = 1


def scale_of(width: int, height: int) -> int:
    """Return the scale to which a picture may be reduced: the largest of 1, 2, 4, 8 that leaves 64 pixels a side."""
    return next(k for k in (8, 4, 2, 1) if k == 1 or min(width, height) >= k * SHORTER_SIDE)


class Plane:
    """The luma of a picture, in pixels of its decoded scale.

    Parameters
    ----------
    part
        Returns a part of the plane, uint8 or uint16 ``(rows, columns)``; called with left, top, right, bottom.
    columns, rows
        Size of the plane. The last column and row may reach over the edge of the picture.
    extent
        Size of the picture, and scale of the plane.
    unit
        Plane values per luma step: 1 for 8-bit planes, 257 for 16-bit planes.
    """

    def __init__(self, part: Part, columns: int, rows: int, extent: Extent, unit: int = 1) -> None:
        self._part = part
        self._columns, self._rows = columns, rows
        self.extent = extent
        self._unit = unit

    @cached_property
    def block(self) -> NDArray[np.uint16]:
        """The block of the whole picture."""
        return area_average(self._bands(0, 0, self._columns, self._rows), *self.extent, self._unit)

    def trimmed(self) -> NDArray[np.uint16] | None:
        """Return the block of the picture inside its uniform border; None without a border."""
        inside = border.inner_box(self._part, self._columns, self._rows, self._unit)
        return self._average(Box(*(edge * self.extent.scale for edge in inside))) if inside else None

    def crops(self) -> Iterator[tuple[str, NDArray[np.uint16]]]:
        """Yield the name and block of each crop of the picture."""
        across, down = self.extent.width * border.SUBPIXELS, self.extent.height * border.SUBPIXELS
        for name, (left, top, right, bottom) in views.CROPS.items():
            box = Box(across * left // 100, down * top // 100, across * right // 100, down * bottom // 100)
            yield name, self._average(box)

    def reduced(self) -> NDArray[np.uint8]:
        """Return the luma in whole steps at the scale to which a JPEG of this size is decoded, whatever the format.

        Returns
        -------
        numpy.ndarray
            uint8 ``(height // k, width // k)`` with the largest ``k`` of 1, 2, 4, 8 that leaves the shorter side 64
            pixels; of a JPEG the plane itself, whose last row and column may reach over the edge.
        """
        factor = scale_of(self.extent.width, self.extent.height) // self.extent.scale or 1
        rows, columns = self._rows // factor, self._columns // factor
        height = max(BAND_PIXELS // self._columns // factor, 1)
        tops = range(0, rows, height)
        bands = (self._part(0, top * factor, columns * factor, min(top + height, rows) * factor) for top in tops)
        return np.concatenate([_squares(band, factor, self._unit) for band in bands])

    def _average(self, box: Box) -> NDArray[np.uint16]:
        """Return the block of a part of the picture, in sixteenths of a pixel; anything beyond the edge is ignored."""
        width, height, scale = self.extent
        side = border.SUBPIXELS * scale
        right, bottom = min(box.right, width * border.SUBPIXELS), min(box.bottom, height * border.SUBPIXELS)
        left, top = box.left // side, box.top // side
        bands = self._bands(left, top, -(-right // side), -(-bottom // side))
        offset = box.top - top * side, box.left - left * side
        return area_average(bands, right - box.left, bottom - box.top, side, self._unit, offset)

    def _bands(self, left: int, top: int, right: int, bottom: int) -> Iterator[NDArray[Any]]:
        rows = max(BAND_PIXELS // (right - left), 1)
        for start in range(top, bottom, rows):
            yield self._part(left, start, right, min(start + rows, bottom))


def _squares(band: NDArray[Any], factor: int, unit: int) -> NDArray[np.uint8]:
    """Return the means of the squares of a band in whole luma steps, rounded half up."""
    if factor == unit == 1:
        return band
    sums = band.reshape(-1, factor, band.shape[1]).sum(axis=1, dtype=np.uint32)
    sums = sums.reshape(len(sums), -1, factor).sum(axis=2, dtype=np.uint32)
    weight = factor * factor * unit
    means: NDArray[np.uint8] = ((sums + weight // 2) // weight).astype(np.uint8)
    return means
