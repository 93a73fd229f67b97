"""How far a block can be trusted to tell its picture from others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phash_engine.block import LUMA_STEPS

FLAT_RANGE = 4 * LUMA_STEPS
"""A block whose luma spans less than four of 255 steps is flat: its codes are noise. Part of SPEC."""


def is_flat(blocks: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Whether blocks ``(..., 32, 32)`` span less than :data:`FLAT_RANGE`; bool ``(...)``."""
    flat: NDArray[np.bool_] = blocks.max(axis=(-2, -1)) - blocks.min(axis=(-2, -1)) < FLAT_RANGE
    return flat


def gradient_quality(blocks: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Sum of the steps between neighbouring cells, as a mark from 0 (flat) to 100 (structured).

    Steps count in whole percent of the luma range, so faint noise counts for nothing. The measure is that of PDQ
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
    luma = blocks.astype(np.int64)
    steps = _percent(np.diff(luma, axis=-1)) + _percent(np.diff(luma, axis=-2))
    marks: NDArray[np.int64] = np.where(is_flat(blocks), 0, np.minimum(steps // 45, 100))
    return marks


def entropy(block: NDArray[np.uint16]) -> float:
    """Shannon entropy in bits of one block's luma in whole steps, 0 (one tone) to 8."""
    counts = np.bincount(block.ravel() // LUMA_STEPS)
    shares = counts[counts > 0] / block.size
    return float(-(shares * np.log2(shares)).sum() + 0.0)


def _percent(steps: NDArray[np.int64]) -> Any:
    return (np.abs(steps) * 100 // (255 * LUMA_STEPS)).sum(axis=(-2, -1))
