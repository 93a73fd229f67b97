"""The block: a 32x32 matrix of luma, area-averaged over a picture in integers.

Every pixel counts by the exact overlap of its square with each cell, so a picture and its scaled copy give nearly the
same block. The same pixels give the same block on every machine: all sums are integers that the float types of the
products hold exactly, in whatever order a BLAS adds them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 32
LUMA_STEPS = 256
"""Units of a block per luma step: 0 is black, 255 * 256 = 65280 is white."""

_TILE = 1024
"""Most columns of a tile. Planes are averaged tile by tile, so memory does not grow with the sides of a picture."""

_WHOLE = 1 << 15
"""A band of at most this many pixels, and of at most ``_TILE`` columns, is one tile."""

_PARTS = 4
"""A product for all 32 rows of cells is split into this many."""

_SINGLE_THREADED = 1 << 18
"""OpenBLAS starts threads above this many multiplications. Products stay below: there are worker threads already."""


def area_average(
    bands: Iterable[NDArray[Any]],
    width: int,
    height: int,
    scale: int = 1,
    unit: int = 1,
    offset: tuple[int, int] = (0, 0),
) -> NDArray[np.uint16]:
    """Average a picture over the 32x32 cells of equal size that cover it.

    Parameters
    ----------
    bands
        The luma plane from top to bottom in bands of full rows: uint8 or uint16 ``(rows, ceil(width / scale))``,
        together ``ceil(height / scale)`` rows.
    width, height
        Extent of the picture in pixels.
    scale
        Side of a plane pixel in picture pixels: 1, or 2, 4, 8 for a JPEG decoded smaller. The last column and row
        of such a plane reach over the edge; only the part inside counts.
    unit
        Plane values per luma step: 1 for 8-bit planes, 257 for 16-bit planes.
    offset
        How much of the first row, and of the first column, lies outside the picture: 0 to ``scale``. With ``width``,
        ``height`` and ``scale`` in sixteenths of a pixel, the picture may begin and end within plane pixels.

    Returns
    -------
    numpy.ndarray
        uint16 ``(32, 32)`` of luma in 1/256, 0..65280, rounded half up.

    Notes
    -----
    Cost: one pass over the plane, about 0.3 ns a pixel.
    """
    # A column of row weights sums to the height, so products of 8-bit values are at most 255 * height.
    exact: type[np.floating[Any]] = np.float32 if 255 * unit * height < 1 << 24 else np.float64
    raw = np.zeros((SIDE, SIDE))
    for top, left, tile in _tiles(bands, height, scale):
        rows_of_cells, rows = _row_weights(height, scale, top, top + tile.shape[0], offset[0])
        columns_of_cells, columns = _column_weights(width, scale, left, left + tile.shape[1], offset[1])
        sums = rows.astype(exact, copy=False) @ tile.astype(exact) @ columns
        raw[rows_of_cells, columns_of_cells] += sums.reshape(-1, columns.shape[1])
    whole = unit * width * height
    rounded = np.add(raw, whole, dtype=np.int64, casting="unsafe") // (2 * whole)
    return rounded.astype(np.uint16)


def _tiles(bands: Iterable[NDArray[Any]], height: int, scale: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Yield tiles of the bands with their top and left, small enough that no product starts the threads of the BLAS.

    A plane of fewer than 32 rows may start them, which only costs time.
    """
    first = 0
    for band in bands:
        columns = min(band.shape[1], _TILE)
        rows = len(band) if band.size <= _WHOLE else _most_rows(columns, height / (SIDE * scale))
        for top in range(0, len(band), rows or 1):
            for left in range(0, band.shape[1], columns):
                yield first + top, left, band[top : top + rows, left : left + columns]
        first += len(band)


def _most_rows(columns: int, rows_a_cell: float) -> int:
    """Return the most plane rows of a tile of ``columns``, which overlaps up to ``rows / rows_a_cell + 2`` cells.

    The two products take this number of cells times the pixels, and times the columns and 32, multiplications.
    """
    for_rows = math.sqrt(1 + _SINGLE_THREADED / columns / rows_a_cell) - 1
    for_columns = _SINGLE_THREADED / _TILE / SIDE - 2
    return max(1, int(rows_a_cell * min(for_rows, for_columns)))


@lru_cache(maxsize=256)
def _row_weights(height: int, scale: int, top: int, bottom: int, offset: int) -> tuple[slice, NDArray[np.float32]]:
    """Return the cell rows that a tile overlaps, and their weights, ``(parts, cells, rows)``."""
    cells, overlap = _overlap(height, scale, top, bottom, offset)
    parts = _PARTS if len(overlap) == SIDE else 1
    return cells, overlap.astype(np.float32).reshape(parts, -1, bottom - top)


@lru_cache(maxsize=256)
def _column_weights(width: int, scale: int, left: int, right: int, offset: int) -> tuple[slice, NDArray[np.float64]]:
    """Return the cell columns that a tile overlaps, and their weights in half block units, ``(columns, cells)``."""
    cells, overlap = _overlap(width, scale, left, right, offset)
    return cells, np.multiply(overlap.T, 2.0 * LUMA_STEPS, order="C")


def _overlap(extent: int, scale: int, start: int, stop: int, offset: int) -> tuple[slice, NDArray[np.int64]]:
    """Return the cells that plane pixels ``start..stop`` overlap, and 32 times the overlap of each with each pixel."""
    pixels = np.clip(np.arange(start, stop + 1) * scale - offset, 0, extent) * SIDE
    cells = slice(int(pixels[0]) // extent, -(-int(pixels[-1]) // extent))
    sides = np.arange(cells.start, cells.stop + 1)[:, np.newaxis] * extent
    edges = np.minimum(np.maximum(pixels, sides[:-1]), sides[1:])
    return cells, edges[:, 1:] - edges[:, :-1]
