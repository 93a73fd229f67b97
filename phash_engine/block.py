"""The block: a 32x32 matrix of luma, area-averaged over a picture in whole numbers.

Every pixel counts by the exact overlap of its square with each cell, so a picture and its scaled copy give nearly the
same block, and the same pixels give the same block on every machine: all sums are whole numbers that the float types
used for the products hold exactly, whatever the order a BLAS adds them in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 32
LUMA_STEPS = 256
"""A block counts luma in 1/256: 0 is black, 255 * 256 = 65280 is white."""

_TILE = 1024
"""Largest side of the tiles that are averaged one by one: memory does not grow with the sides of a picture."""

_SINGLE_THREADED = 1 << 18
"""OpenBLAS starts its threads above this many multiplications; our threads are the worker threads."""


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
        ``height`` and ``scale`` in sixteenths of a pixel, say, the picture may begin and end within plane pixels.

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
        rows_of_cells, rows = _weights(height, scale, top, top + tile.shape[0], before[0])
        columns_of_cells, columns = _weights(width, scale, left, left + tile.shape[1], before[1])
        sums = rows.astype(exact, copy=False) @ tile.astype(exact)
        raw[rows_of_cells, columns_of_cells] += sums.astype(np.float64) @ columns.T.astype(np.float64)
    whole = unit * width * height
    block: NDArray[np.uint16] = ((2 * LUMA_STEPS * raw.astype(np.int64) + whole) // (2 * whole)).astype(np.uint16)
    return block


def _tiles(bands: Iterable[NDArray[Any]], height: int, scale: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Cut the bands so small that no product wakes the threads of the BLAS; each tile with its top and left.

    A plane of fewer than 64 rows may wake them, to no harm.
    """
    first = 0
    for band in bands:
        columns = min(band.shape[1], _TILE)
        few_cells = min(_SINGLE_THREADED // 4 // columns, 2 * height // scale // SIDE)
        rows = max(_SINGLE_THREADED // SIDE // columns, few_cells)
        for top in range(0, len(band), rows):
            for left in range(0, band.shape[1], columns):
                yield first + top, left, band[top : top + rows, left : left + columns]
        first += len(band)


@lru_cache(maxsize=256)
def _weights(extent: int, scale: int, start: int, stop: int, before: int = 0) -> tuple[slice, NDArray[np.float32]]:
    """Return the cells that plane pixels ``start..stop`` meet, and 32 times each one's overlap with each pixel."""
    pixels = np.clip(np.arange(start, stop + 1) * scale - before, 0, extent) * SIDE
    met = slice(int(pixels[0]) // extent, -(-int(pixels[-1]) // extent))
    cells = np.arange(met.start, met.stop + 1)[:, np.newaxis] * extent
    overlap: NDArray[np.int64] = np.minimum(pixels[1:], cells[1:]) - np.maximum(pixels[:-1], cells[:-1])
    return met, np.maximum(overlap, 0).astype(np.float32)
