"""The 64-bit code: hex digits, bits and signed integers, and Hamming distance.

Bit 63 is the top-left cell of the 8x8 grid, the rest follows row by row, so the 16 hex digits read like the grid, as
those of imagehash.

>>> to_hex(0x8000000000000001)
'8000000000000001'
>>> distance(0xFF, 0x0F)
4
"""

from __future__ import annotations

import operator
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

BITS = 64
GRID = 8


def as_int(code: SupportsIndex) -> int:
    """Return one code as a Python int.

    Raises
    ------
    TypeError
        Not an integer.
    ValueError
        Negative, or more than 64 bits.
    """
    number = operator.index(code)
    if not 0 <= number < 1 << BITS:
        raise ValueError(f"{number} is not a code: a code is an integer from 0 to 2**64 - 1")
    return number


def to_hex(code: SupportsIndex) -> str:
    """Return the code as 16 lower-case hex digits."""
    return f"{as_int(code):016x}"


def from_hex(text: str) -> np.uint64:
    """Return the code of 16 hex digits, in either case.

    Raises
    ------
    ValueError
        Not 16 hex digits.
    """
    if len(text) != BITS // 4 or any(digit not in "0123456789abcdefABCDEF" for digit in text):
        raise ValueError(f"{text!r} is not a code: a code is {BITS // 4} hex digits")
    return np.uint64(int(text, 16))


def distance(a: SupportsIndex, b: SupportsIndex) -> int:
    """Return the Hamming distance of two codes in bits, 0..64."""
    return (as_int(a) ^ as_int(b)).bit_count()


def distances(a: ArrayLike, b: ArrayLike) -> NDArray[np.int64]:
    """Return the Hamming distances of codes, element by element.

    Parameters
    ----------
    a, b
        uint64 arrays of shapes that broadcast. Other dtypes would wrap or lose bits.

    Returns
    -------
    numpy.ndarray
        int64, so that sums and differences of distances do not wrap.

    Raises
    ------
    TypeError
        Not uint64.
    """
    counts: NDArray[np.uint8] = np.bitwise_count(_uint64(a) ^ _uint64(b))
    return counts.astype(np.int64)


def from_bits(bits: ArrayLike) -> NDArray[np.uint64]:
    """Pack grids, bool ``(..., 8, 8)`` or ``(..., 64)``, into uint64 codes ``(...)``.

    Raises
    ------
    ValueError
        The last axes have another shape.
    """
    array = np.asarray(bits, dtype=np.bool_)
    if array.shape[-1:] != (BITS,):
        if array.shape[-2:] != (GRID, GRID):
            raise ValueError(f"the last axes must have shape (8, 8) or (64,), not those of {array.shape}")
        array = array.reshape(*array.shape[:-2], BITS)
    packed = np.packbits(array, axis=-1)
    return packed.view(">u8")[..., 0].astype(np.uint64)


def to_signed(code: SupportsIndex) -> int:
    """Return the code as a signed 64-bit integer (two's complement), as SQLite stores it."""
    number = as_int(code)
    return number - (1 << BITS) if number >> (BITS - 1) else number


def from_signed(numbers: ArrayLike) -> NDArray[np.uint64]:
    """Return the codes of signed integers, int64 of any shape.

    Raises
    ------
    TypeError
        Numbers beyond int64: unsigned 64-bit integers, floats.
    """
    array: NDArray[Any] = np.asarray(numbers)
    if array.size and not np.can_cast(array.dtype, np.int64):
        raise TypeError(f"signed codes must be int64, not {array.dtype}")
    return array.astype(np.int64).view(np.uint64)


def _uint64(codes: ArrayLike) -> NDArray[np.uint64]:
    array: NDArray[Any] = np.asarray(codes)
    if array.dtype != np.uint64:
        raise TypeError(f"codes must be uint64, not {array.dtype}")
    return array
