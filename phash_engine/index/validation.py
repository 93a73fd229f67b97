"""Validate codes, ids, radii and counts, and convert them to the form that kernels take."""

from __future__ import annotations

import operator
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine._columns import Columns, read_only

CODE_BITS: Final = 64
MAX_WORDS: Final = 4


def as_codes(codes: ArrayLike, words: int | None = None) -> NDArray[np.uint64]:
    """Validate codes and return them with two dimensions.

    Parameters
    ----------
    codes
        uint64 ``(n,)`` or ``(n, words)``; bool bits ``(n, 64 * words)`` or packed bytes, uint8 ``(n, 8 * words)``, the
        first bit on top; an empty sequence of any dtype holds no codes.
    words
        The width they must have; any from 1 on when None.

    Returns
    -------
    numpy.ndarray
        uint64 ``(n, words)``, a view where possible.

    Raises
    ------
    TypeError
        Another dtype; the message names the conversion.
    ValueError
        Not one or two dimensions, not whole words, more than 4 words, or another width than ``words``.
    """
    array: NDArray[Any] = np.asarray(codes)
    if array.size == 0 and array.ndim == 1:
        return np.empty((0, words or 1), dtype=np.uint64)
    if array.ndim == 2 and array.dtype == np.bool_:
        array = _words_of_bytes(np.packbits(array, axis=1), array.shape[1], CODE_BITS, "bits")
    elif array.ndim == 2 and array.dtype == np.uint8:
        array = _words_of_bytes(array, array.shape[1], CODE_BITS // 8, "bytes")
    if array.dtype != np.uint64:
        raise TypeError(_conversion(array))
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"codes must have shape (n,) or (n, words), not {np.shape(codes)}")
    if array.shape[1] > MAX_WORDS:
        raise ValueError(
            f"codes of {array.shape[1]} words are too wide; 1 to {MAX_WORDS} words of 64 bits are searched"
        )
    if words is not None and array.shape[1] != words:
        raise ValueError(f"these codes have {array.shape[1]} words, the index holds codes of {words}")
    return array


def _words_of_bytes(packed: NDArray[np.uint8], count: int, of_word: int, unit: str) -> NDArray[np.uint64]:
    """Return packed bytes ``(n, 8 * words)`` as words, the first byte on top."""
    if not count or count % of_word:
        raise ValueError(f"codes of {count} {unit} are not whole words: a word has {of_word} {unit}")
    return np.ascontiguousarray(packed).view(">u8").astype(np.uint64)


def _conversion(array: NDArray[Any]) -> str:
    """Return an error message for a wrong dtype, with the conversion to use."""
    wrong = f"codes must be uint64, bool bits (n, 64 * words) or packed bytes uint8 (n, 8 * words), not {array.dtype}"
    if np.issubdtype(array.dtype, np.integer):
        advice = "numpy.asarray(codes).astype(numpy.uint64) keeps the bits of int64 too"
    elif array.dtype == np.bool_ or np.issubdtype(array.dtype, np.floating):
        advice = "for bits use (codes > 0) with a row for each code"
    else:
        advice = "for hex strings use numpy.array([int(text, 16) for text in codes], dtype=numpy.uint64)"
    return f"{wrong} {array.shape}: {advice}"


def as_columns(codes: NDArray[np.uint64]) -> Columns:
    """Return ``(n, words)`` codes as contiguous read-only columns: views if of one word or in Fortran order."""
    return read_only(codes[:, word] for word in range(codes.shape[1]))


def check_radius(radius: int, words: int) -> int:
    """Return ``radius`` as an int, or raise ValueError unless ``0 <= radius <= 64 * words``."""
    bits = CODE_BITS * words
    if not 0 <= operator.index(radius) <= bits:
        raise ValueError(f"radius {radius} is not between 0 and the {bits} bits of a code")
    return int(radius)


def as_limits(radius: ArrayLike | None, count: int, words: int) -> NDArray[np.int64]:
    """Return the largest accepted distance of each query.

    Parameters
    ----------
    radius
        One for all queries, integers ``(count,)``, or None for no limit.
    count
        Number of queries.
    words
        Width of the codes.

    Returns
    -------
    numpy.ndarray
        int64 ``(count,)``.

    Raises
    ------
    TypeError
        Not integers.
    ValueError
        Another number of radii than queries, or one outside ``0 .. 64 * words``.
    """
    radii = np.asarray(CODE_BITS * words if radius is None else radius)
    if radii.size and not np.issubdtype(radii.dtype, np.integer):
        raise TypeError(f"a radius must be a whole number of bits, not {radii.dtype}")
    if radii.ndim and radii.shape != (count,):
        raise ValueError(f"{count} queries need one radius or radii of shape ({count},), not {radii.shape}")
    for extreme in (radii.min(), radii.max()) if radii.size else ():
        check_radius(int(extreme), words)
    return np.full(count, radii, dtype=np.int64)


def check_count(count: int, name: str) -> int:
    """Return ``count`` as an int, or raise ValueError unless it is at least 1."""
    if operator.index(count) < 1:
        raise ValueError(f"{name} must be at least 1, not {count}")
    return int(count)


def as_ids(ids: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """Return the ids of ``n`` codes, ``0..n-1`` when None.

    Raises
    ------
    TypeError
        Not integers.
    ValueError
        Another number of ids than codes, or a repeated id.
    """
    if ids is None:
        return np.arange(n, dtype=np.int64)
    array = np.asarray(ids)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"ids must be integers, not {array.dtype}")
    if array.shape != (n,):
        raise ValueError(f"{n} codes need ids of shape ({n},), not {array.shape}")
    array = array.astype(np.int64, copy=False)
    if not is_ascending(array) and np.unique(array).size != n:
        raise ValueError("an id occurs twice; ids must be unique")
    return array


def is_ascending(ids: NDArray[np.int64]) -> bool:
    """Whether each id is larger than the one before it."""
    return bool(np.all(ids[1:] > ids[:-1]))


def by_id(codes: NDArray[np.uint64], ids: NDArray[np.int64]) -> tuple[Columns, NDArray[np.int64]]:
    """Sort codes by their ids; no copy if they are sorted already."""
    if is_ascending(ids):
        return as_columns(codes), ids
    order = np.argsort(ids)
    return as_columns(codes[order]), ids[order]


def is_in(ascending: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each id is in an ascending array."""
    return np.searchsorted(ascending, ids, "right") > np.searchsorted(ascending, ids)
