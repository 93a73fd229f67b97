"""What every index answers with, and what it checks before it answers."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

CODE_BITS = 64


class Matches(NamedTuple):
    """Verified matches as columns, sorted by (query, distance, id).

    Attributes
    ----------
    queries
        int64 ``(m,)``: row of the query.
    ids
        int64 ``(m,)``: id of the code that matched.
    distances
        int64 ``(m,)``: Hamming distance in bits.
    """

    queries: NDArray[np.int64]
    ids: NDArray[np.int64]
    distances: NDArray[np.int64]


class Pairs(NamedTuple):
    """Verified pairs of one collection as columns, ``left < right``, sorted by (left, right).

    Attributes
    ----------
    left, right
        int64 ``(m,)``: ids of the two codes.
    distances
        int64 ``(m,)``: Hamming distance in bits.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    distances: NDArray[np.int64]


class Index(Protocol):
    """Exact search over codes of one width; every implementation gives the same answers."""

    @property
    def words(self) -> int:
        """Number of 64-bit words per code."""
        ...

    def __len__(self) -> int: ...

    def range_query(self, queries: ArrayLike, radius: int) -> Matches:
        """All codes within ``radius`` bits (inclusive) of each query."""
        ...

    def nearest(self, queries: ArrayLike, k: int, radius: int | None = None) -> Matches:
        """Return the ``k`` nearest codes of each query, of equal distance the lowest ids, none beyond ``radius``."""
        ...

    def self_join(self, radius: int) -> Pairs:
        """All pairs of this index's codes within ``radius`` bits (inclusive)."""
        ...


def as_codes(codes: ArrayLike, words: int | None = None) -> NDArray[np.uint64]:
    """Check codes and give them two dimensions.

    Parameters
    ----------
    codes
        uint64 ``(n,)`` or ``(n, words)``; an empty sequence of any dtype is no codes.
    words
        The width they must have; any from 1 on when None.

    Returns
    -------
    numpy.ndarray
        uint64 ``(n, words)``, a view where possible.

    Raises
    ------
    TypeError
        Not uint64.
    ValueError
        Not one or two dimensions, or another width.
    """
    array: NDArray[Any] = np.asarray(codes)
    if array.size == 0 and array.ndim == 1:
        return np.empty((0, words or 1), dtype=np.uint64)
    if array.dtype != np.uint64:
        raise TypeError(
            f"codes must be uint64, not {array.dtype}; convert with numpy.asarray(codes, dtype=numpy.uint64)"
        )
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"codes must have shape (n,) or (n, words), not {np.shape(codes)}")
    if words is not None and array.shape[1] != words:
        raise ValueError(f"these codes have {array.shape[1]} words, the index holds codes of {words}")
    return array


def check_radius(radius: int, words: int) -> int:
    """Return ``radius`` as an int, or raise ValueError unless ``0 <= radius <= 64 * words``."""
    bits = CODE_BITS * words
    if not 0 <= radius <= bits:
        raise ValueError(f"radius {radius} is not between 0 and the {bits} bits of a code")
    return int(radius)


def as_ids(ids: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """Return the ids of ``n`` codes, ``0..n-1`` when None.

    Raises
    ------
    TypeError
        Not integers.
    ValueError
        Another number of ids than codes, or an id twice.
    """
    if ids is None:
        return np.arange(n, dtype=np.int64)
    array = np.asarray(ids)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"ids must be integers, not {array.dtype}")
    if array.shape != (n,):
        raise ValueError(f"{n} codes need ids of shape ({n},), not {array.shape}")
    array = array.astype(np.int64)
    if np.unique(array).size != n:
        raise ValueError("an id stands twice; every code needs an id of its own")
    return array
