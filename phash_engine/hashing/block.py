"""The block: a 32x32 matrix of luma, area-averaged over a picture in whole numbers.

Every pixel counts by the exact overlap of its square with each cell, so a picture and its scaled copy give nearly the
same block, and the same pixels give the same block on every machine: all sums are whole numbers that the float types
used for the products hold exactly, in any order of addition.
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
"""A block counts luma in 1/256: 0 is black, 255 * 256 = 65280 is white."""

_TILE = 1024
"""Most columns of the tiles that are averaged one by one: memory does not grow with the sides of a picture."""

_WHOLE = 1 << 15
"""A plane of no more pixels and columns than a tile may have is one tile."""

_PARTS = 4
"""A product for all 32 rows of cells is taken in this many parts."""

_SINGLE_THREADED = 1 << 18
"""OpenBLAS uses its own threads above this many multiplications; the worker threads are ours."""


def area_average(
    bands: Iterable[NDArray[Any]],
    width: int,
    height: int,
    scale: int = 1,
    unit: int = 1,
    before: tuple[int, int] = (0, 0),
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
    before
        How much of the first row, and of the first column, lies before the picture: 0 to ``scale``. With ``width``,
        ``height`` and ``scale`` in sixteenths of a pixel, the picture may begin and end within plane pixels.

    Returns
    -------
    numpy.ndarray
        uint16 ``(32, 32)`` of luma in 1/256, 0..65280, rounded half up.

    Notes
    -----
    Cost: one pass over the plane, about 0.3 ns a pixel.
    """
    # A column of row weights sums to the height, so products of 8-bit values stay below 255 * height.
    exact: type[np.floating[Any]] = np.float32 if 255 * unit * height < 1 << 24 else np.float64
    raw = np.zeros((SIDE, SIDE))
    for top, left, tile in _tiles(bands, height, scale):
        rows_of_cells, rows = _row_weights(height, scale, top, top + tile.shape[0], before[0])
        columns_of_cells, columns = _column_weights(width, scale, left, left + tile.shape[1], before[1])
        sums = rows.astype(exact, copy=False) @ tile.astype(exact) @ columns
        raw[rows_of_cells, columns_of_cells] += sums.reshape(-1, columns.shape[1])
    whole = unit * width * height
    rounded = np.add(raw, whole, dtype=np.int64, casting="unsafe") // (2 * whole)
    return rounded.astype(np.uint16)


def _tiles(bands: Iterable[NDArray[Any]], height: int, scale: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Cut the bands into tiles so small that no product starts the threads of the BLAS; yield top, left and tile.

    A plane of fewer than 32 rows may start them, which does no harm.
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
    """Return how many plane rows a tile of ``columns`` may have: it overlaps up to ``rows / rows_a_cell + 2`` cells.

    That many cells times its pixels, and times its columns and 32, are the multiplications of the two products.
    """
    for_rows = math.sqrt(1 + _SINGLE_THREADED / columns / rows_a_cell) - 1
    for_columns = _SINGLE_THREADED / _TILE / SIDE - 2
    return max(1, int(rows_a_cell * min(for_rows, for_columns)))


@lru_cache(maxsize=256)
def _row_weights(height: int, scale: int, top: int, bottom: int, before: int) -> tuple[slice, NDArray[np.float32]]:
    """Return the rows of cells that a tile overlaps, and their weights, ``(parts, cells, rows)``."""
    cells, overlap = _overlap(height, scale, top, bottom, before)
    parts = _PARTS if len(overlap) == SIDE else 1
    return cells, overlap.astype(np.float32).reshape(parts, -1, bottom - top)


@lru_cache(maxsize=256)
def _column_weights(width: int, scale: int, left: int, right: int, before: int) -> tuple[slice, NDArray[np.float64]]:
    """Return the columns of cells that a tile overlaps, and their weights, ``(columns, cells)``, in block units / 2."""
    cells, overlap = _overlap(width, scale, left, right, before)
    return cells, np.multiply(overlap.T, 2.0 * LUMA_STEPS, order="C")


def _overlap(extent: int, scale: int, start: int, stop: int, before: int) -> tuple[slice, NDArray[np.int64]]:
    """Return the cells that overlap plane pixels ``start..stop``, and 32 times each overlap with a pixel."""
    pixels = np.clip(np.arange(start, stop + 1) * scale - before, 0, extent) * SIDE
    cells = slice(int(pixels[0]) // extent, -(-int(pixels[-1]) // extent))
    bounds = np.arange(cells.start, cells.stop + 1)[:, np.newaxis] * extent
    edges = np.minimum(np.maximum(pixels, bounds[:-1]), bounds[1:])
    return cells, edges[:, 1:] - edges[:, :-1]
