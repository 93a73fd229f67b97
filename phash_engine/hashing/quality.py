"""Quality of a block: whether its codes distinguish its picture from others.

Two measures decide. Blank sheets, skies and nearly black frames have no steps that count: their *gradient quality* is
low. Ramps have steps, but all in a few coefficients of the transform: their *detail* is low, and the bits of their
codes are signs of rounding errors. Entropy detects neither: ramps have as much as photos, and objects on a white ground
as little as forms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phash_engine.hashing.block import LUMA_STEPS
from phash_engine.hashing.codes import BITS
from phash_engine.hashing.hashers import SPECTRUM_UNIT, spectrum

FLAT_RANGE = 4 * LUMA_STEPS
"""A block whose luma spans less than four of 255 steps is flat: its codes are noise. Part of SPEC."""

MIN_QUALITY = 10
"""Blank sheets and clear skies have 3 at most, the weakest of 600 photos has 36, and half its contrast 15."""

MIN_DETAIL = 4.0
"""Ramps have 0.3 at most, with camera noise 0.7, cut off at black or white 25; the weakest of 600 photos has 31."""

_GRADIENT_SIDE = 512
_GRADIENT_PIXELS = 1 << 14
_SEPARABLE = 14
"""Most coefficients without the constant that a sum of a function of x and one of y has in the low 8x8."""


def is_flat(blocks: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether blocks ``(..., 32, 32)`` span less than :data:`FLAT_RANGE`; bool ``(...)``."""
    flat: NDArray[np.bool_] = blocks.max(axis=(-2, -1)) - blocks.min(axis=(-2, -1)) < FLAT_RANGE
    return flat


def gradient_quality(blocks: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Sum of the steps between neighbouring cells, scaled to 0 (flat) to 100 (structured).

    Steps count in whole percent of the luma range, so faint noise does not count. The measure is that of PDQ
    (Meta 2019, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", quality metric) on a 32x32
    matrix instead of a 64x64 one, with half its divisor for half its rows.

    Parameters
    ----------
    blocks
        uint16 ``(..., 32, 32)``.

    Returns
    -------
    numpy.ndarray
        int64 ``(...)``, 0..100. Flat blocks have 0.
    """
    luma = blocks.astype(np.int32)  # half the bytes take half the time
    steps = _percent(np.diff(luma, axis=-1)) + _percent(np.diff(luma, axis=-2))
    qualities: NDArray[np.int64] = np.where(is_flat(blocks), 0, np.minimum(steps // 45, 100))
    return qualities


def detail(blocks: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Size of the 15th largest DCT coefficient of the low 8x8 without the constant, in luma steps.

    At most 14 differ from zero in a ramp of any shape and direction, and in every other sum of a function of x and one
    of y; in a picture with a mirror axis, 31. So a large 15th coefficient shows structure.

    Parameters
    ----------
    blocks
        uint16 ``(n, 32, 32)``.

    Returns
    -------
    numpy.ndarray
        float64 ``(n,)``, 0 (flat) to some hundreds.
    """
    sizes = np.abs(spectrum(blocks)).reshape(len(blocks), BITS)[:, 1:]
    details: NDArray[np.float64] = np.sort(sizes, axis=1)[:, -1 - _SEPARABLE] / SPECTRUM_UNIT
    return details


def is_trusted(qualities: NDArray[np.int64], details: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether blocks of these qualities and details may match by code; others match by digest alone."""
    trusted: NDArray[np.bool_] = (qualities >= MIN_QUALITY) & (details >= MIN_DETAIL)
    return trusted


def entropy(luma: NDArray[np.unsignedinteger]) -> float:
    """Return the Shannon entropy in bits, 0 (one tone) to 8, of luma in whole steps.

    Parameters
    ----------
    luma
        Of any shape: uint8 in whole steps, or uint16 in 1/256 as in blocks.
    """
    counts = np.bincount(luma.ravel() if luma.dtype == np.uint8 else luma.ravel() // LUMA_STEPS)
    return float(np.log2(luma.size) - counts @ np.log2(np.maximum(counts, 1)) / luma.size)


def mean_gradient(luma: NDArray[np.uint8]) -> float:
    """Return the mean steps of a plane ``(h, w)`` across and down, per 512th of its longer side: less where blurred.

    The unit makes a picture and its reduced copy comparable. A plane of less than 2 pixels a side has 0. Of a large one
    some rows are measured, 16,000 pixels or more.

    Examples
    --------
    One step a pixel, across a picture of 256 pixels:

    >>> mean_gradient(np.tile(np.arange(256, dtype=np.uint8), (2, 1)))
    0.5
    """
    if min(luma.shape) < 2:
        return 0.0
    spacing = max(luma.size // _GRADIENT_PIXELS, 1)
    upper, lower = luma[:-1:spacing], luma[1::spacing]
    steps = _mean_step(upper[:, 1:], upper[:, :-1]) + _mean_step(lower, upper)
    return float(steps * max(luma.shape) / _GRADIENT_SIDE)


def _mean_step(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    steps = np.maximum(a, b) - np.minimum(a, b)  # in bytes, at a tenth of the time of other types
    return float(steps.sum(dtype=np.uint32)) / steps.size


def _percent(steps: NDArray[np.int64]) -> Any:
    return (np.abs(steps) * 100 // (255 * LUMA_STEPS)).sum(axis=(-2, -1))
