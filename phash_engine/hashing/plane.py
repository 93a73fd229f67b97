"""The luma of a decoded picture, and the blocks of its views."""

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
"""Planes larger than this are read in bands of rows, so that no second full plane is in memory."""


class Extent(NamedTuple):
    """True width and height of a picture in pixels, and the side of a plane pixel in these: 1, 2, 4 or 8."""

    width: int
    height: int
    scale: int = 1


class Plane:
    """Luma in pixels of some scale.

    Parameters
    ----------
    part
        Returns a part of the plane, uint8 or uint16 ``(rows, columns)``; called with left, top, right, bottom.
    columns, rows
        Size of the plane. The last column and row may reach over the edge of the picture.
    extent
        Of the picture.
    unit
        Plane values per luma step: 1 for 8-bit planes, 257 for 16-bit planes.
    """

    def __init__(self, part: Part, columns: int, rows: int, extent: Extent, unit: int = 1) -> None:
        self._part = part
        self._columns, self._rows = columns, rows
        self._extent = extent
        self._unit = unit

    @cached_property
    def block(self) -> NDArray[np.uint16]:
        """The average of the whole picture."""
        return area_average(self._bands(0, 0, self._columns, self._rows), *self._extent, self._unit)

    def trimmed(self) -> NDArray[np.uint16] | None:
        """Average the inside of a uniform border; None if there is no border."""
        inside = border.inside(self._part, self._columns, self._rows, self._unit)
        return self._average(Box(*(edge * self._extent.scale for edge in inside))) if inside else None

    def crops(self) -> Iterator[tuple[str, NDArray[np.uint16]]]:
        """Average the crops of the picture, each with its name."""
        across, down = self._extent.width * border.FINE, self._extent.height * border.FINE
        for name, (left, top, right, bottom) in views.CROPS.items():
            box = Box(across * left // 100, down * top // 100, across * right // 100, down * bottom // 100)
            yield name, self._average(box)

    def _average(self, box: Box) -> NDArray[np.uint16]:
        """Average a part of the picture, given in sixteenths of a pixel; what lies beyond the edge does not count."""
        width, height, scale = self._extent
        side = border.FINE * scale
        right, bottom = min(box.right, width * border.FINE), min(box.bottom, height * border.FINE)
        left, top = box.left // side, box.top // side
        bands = self._bands(left, top, -(-right // side), -(-bottom // side))
        before = box.top - top * side, box.left - left * side
        return area_average(bands, right - box.left, bottom - box.top, side, self._unit, before)

    def _bands(self, left: int, top: int, right: int, bottom: int) -> Iterator[NDArray[Any]]:
        rows = max(BAND_PIXELS // (right - left), 1)
        for start in range(top, bottom, rows):
            yield self._part(left, start, right, min(start + rows, bottom))
