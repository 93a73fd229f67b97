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

_SINGLE_THREADED = 1 << 18
"""OpenBLAS starts its threads above this many multiplications; our threads are the worker threads."""


def area_average(
    bands: Iterable[NDArray[Any]], width: int, height: int, scale: int = 1, unit: int = 1
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

    Returns
    -------
    numpy.ndarray
        uint16 ``(32, 32)`` of luma in 1/256, 0..65280, rounded half up.

    Notes
    -----
    Cost: one pass over the plane, about 0.3 ns a pixel.
    """
    rows, columns = _weights(height, scale), _weights(width, scale)
    # A column of row weights sums to the height, so products of 8-bit values stay below 255 * height.
    exact: type[np.floating[Any]] = np.float32 if 255 * unit * height < 1 << 24 else np.float64
    sums = np.zeros((SIDE, columns.shape[1]))
    top = 0
    for part in _parts(bands, height):
        bottom = top + len(part)
        first = top * scale * SIDE // height
        last = min(-(-bottom * scale * SIDE // height), SIDE)
        sums[first:last] += rows[first:last, top:bottom].astype(exact, copy=False) @ part.astype(exact)
        top = bottom
    raw = (sums @ columns.T.astype(np.float64)).astype(np.int64)
    whole = unit * width * height
    block: NDArray[np.uint16] = ((2 * LUMA_STEPS * raw + whole) // (2 * whole)).astype(np.uint16)
    return block


def _parts(bands: Iterable[NDArray[Any]], height: int) -> Iterator[NDArray[Any]]:
    """Cut the bands so small that no product wakes the threads of the BLAS."""
    for band in bands:
        width = band.shape[1]
        few_cells = min(_SINGLE_THREADED // 3 // width, height // SIDE)
        rows = max(_SINGLE_THREADED // SIDE // width, few_cells, 1)
        for top in range(0, len(band), rows):
            yield band[top : top + rows]


@lru_cache(maxsize=64)
def _weights(extent: int, scale: int) -> NDArray[np.float32]:
    """Return 32 times the overlap of each cell with each plane pixel, ``(32, ceil(extent / scale))``, whole numbers."""
    pixels = np.minimum(np.arange(-(-extent // scale) + 1) * scale * SIDE, extent * SIDE)
    cells = np.arange(SIDE + 1)[:, np.newaxis] * extent
    overlap: NDArray[np.int64] = np.minimum(pixels[1:], cells[1:]) - np.maximum(pixels[:-1], cells[:-1])
    return np.maximum(overlap, 0).astype(np.float32)
