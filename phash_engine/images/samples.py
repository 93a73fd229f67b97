"""Samples wider than 8 bits: the range that they use, and the same samples over 8 or 16 bits.

Cameras, scanners and microscopes write 10, 12 or 14 significant bits into samples of 16: divided by 65535 they would be
nearly black.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.errors import ImageError

WIDE = 16
"""Bits of the samples that may have fewer significant ones."""
WHITE = 0xFFFF

_LEAST = {8: 0x80, 10: 0x200, 12: 0x800, 14: 0x3800}
"""By significant bits, the least maximum by which a picture is taken to have so many.

It lies in the upper half of their range, so that black frames and dark pictures stay what they are; in the last eighth
of 14 bits, since night shots of 16 bits reach a quarter of white.
"""
_FROM_8_BITS = (256, 257)


class Depth(NamedTuple):
    """How many significant bits a header declares; and whether samples are surely not scaled up to 16 bits."""

    bits: int = WIDE
    is_unscaled: bool = False


UNDECLARED = Depth()


def significant_bits(values: Sequence[NDArray[Any]], declared: Depth = UNDECLARED) -> int:
    """Return the number of bits whose range the 16-bit samples of a picture use: 8 to 15, or 16 for all.

    It is that of the header, if all samples fit; else the number by which their maximum lies in the upper half of the
    range. Samples that were scaled up to 16 bits from fewer use them all.

    Parameters
    ----------
    values
        The samples of each channel but alpha: unsigned, not empty.
    declared
        By the header.

    Examples
    --------
    >>> significant_bits([np.array([0, 700, 4000])]), significant_bits([np.array([0, 700, 40000])])
    (12, 16)
    """
    most = max(int(channel.max()) for channel in values)
    is_declared = declared.bits < WIDE and most < 1 << declared.bits
    if declared.is_unscaled and (is_declared or declared.bits == WIDE):
        return declared.bits
    by_maximum = _bits_by_maximum(most)
    if (by_maximum == WIDE and not is_declared) or any(_are_multiples(values, step) for step in _FROM_8_BITS):
        return WIDE
    if is_declared and not _are_multiples(values, 1 << WIDE - declared.bits):
        return declared.bits
    return by_maximum


def _bits_by_maximum(most: float) -> int:
    return next((bits for bits, least in _LEAST.items() if least <= most < 1 << bits), WIDE)


def _are_multiples(values: Sequence[NDArray[Any]], step: int) -> bool:
    return not any((channel % step).any() for channel in values)


def scaled(values: NDArray[Any], bits: int, white: int) -> NDArray[np.uint32]:
    """Scale samples of a number of significant bits to 0..``white``, rounded."""
    full = (1 << bits) - 1
    whole: NDArray[np.uint32] = (values.astype(np.uint32) * white + full // 2) // full
    return whole


def range_of(low: float, high: float) -> tuple[float, float]:
    """Return black and white of integer or float samples by their lowest and highest.

    White is 1 or 255, the first that is not exceeded, else that of the significant bits by the maximum; of negative
    samples and of those above 65535, black and white are their own range.
    """
    if low < 0 or high > WHITE:
        return low, high
    return 0.0, float(next((white for white in (1, 255) if high <= white), (1 << _bits_by_maximum(high)) - 1))


def inverted(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float samples of which 0 is white, with white as the highest."""
    black, white = range_of(float(values.min()), float(values.max()))
    return np.float32(black + white) - values


def eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale samples of any type to 8 bits by the range that they use.

    Raises
    ------
    ImageError
        NaN or infinity among them.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        bits = significant_bits([values])
        return (values >> 8 if bits == WIDE else scaled(values, bits, 0xFF)).astype(np.uint8)
    check_finite(values)
    black, white = range_of(float(values.min()), float(values.max()))
    span = (white - black) or 1.0
    return np.rint((values.astype(np.float64) - black) * (255 / span)).astype(np.uint8)


def check_finite(values: NDArray[Any]) -> None:
    """Raise ImageError if there is a NaN or infinity among samples."""
    if not np.isfinite(values).all():
        raise ImageError("", "NaN or infinity among the pixel values")
