"""An order of the bits in which the bits of a chunk correlate as little as possible.

Bits of real codes are skewed and correlated: neighbouring cells of a picture are alike. Chunks of such bits take few
values, and single buckets fill up. Two random codes agree on a whole chunk the more often, the larger the squared
correlations of its bits are (the pairwise terms of the Fourier expansion of that probability), so bits are exchanged
between chunks until that sum no longer decreases.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from phash_engine._columns import Columns, read_only
from phash_engine.index.kernels.chunks import WORD_BITS, Chunks
from phash_engine.index.kernels.popcount import as_int

_LEAST = 1 << 12
"""Fewer codes keep their bit order: finding a better one costs more than it saves."""
_SAMPLE: Final = 1 << 14
_MOST_SWAPS: Final = 1000


def spread_bits(columns: Columns, chunks: Chunks) -> NDArray[np.int64]:
    """Find an order of the bits for given chunks, by swaps on a sample of the codes.

    Returns
    -------
    numpy.ndarray
        int64 ``(64 * words,)``: the old bit of each new bit; bit ``64 * w + i`` is bit i of word w.
    """
    if columns[0].size < _LEAST:
        return np.arange(int(chunks.widths.sum()))
    shared, noise = _squared_correlations(columns)
    chunk_of = np.repeat(np.arange(chunks.widths.size), chunks.widths)
    bits = np.arange(chunk_of.size)
    cost = shared @ np.eye(chunks.widths.size)[chunk_of]
    for _ in range(_MOST_SWAPS):
        moved = cost[:, chunk_of] - cost[bits, chunk_of][:, np.newaxis]
        gain = moved + moved.T - 2 * shared
        left, right = np.unravel_index(np.argmin(gain), gain.shape)
        if gain[left, right] > -2 * noise:
            break
        difference = shared[:, right] - shared[:, left]
        cost[:, chunk_of[left]] += difference
        cost[:, chunk_of[right]] -= difference
        chunk_of[[left, right]] = chunk_of[[right, left]]
    return np.argsort(chunk_of, kind="stable")


def _squared_correlations(columns: Columns) -> tuple[NDArray[np.float64], float]:
    """Return the squared mean product of each two bits taken as ±1, 0 on the diagonal, and its expectation by chance.

    They are taken over a sample of the codes; ``1 / size`` is the mean of the square for bits that are independent.
    """
    step = max(1, columns[0].size // _SAMPLE)
    words = np.stack([column[::step] for column in columns], axis=1)
    bits = np.unpackbits(words.astype("<u8").view(np.uint8), axis=1, bitorder="little")
    signs = bits.astype(np.float32) * 2 - 1
    size = max(1, len(signs))
    shared = ((signs.T @ signs).astype(np.float64) / size) ** 2
    np.fill_diagonal(shared, 0)
    return shared, 1 / size


def order_tables(order: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return look-up tables of a bit order, by byte and its value: uint64 ``(8 * words, 256, words)``."""
    tables = np.zeros((order.size // 8, 256, order.size // WORD_BITS), dtype=np.uint64)
    values = np.arange(256)
    for new, old in enumerate(order.tolist()):
        is_set = (values >> old % 8) & 1 == 1
        tables[old // 8, is_set, new // WORD_BITS] |= np.uint64(1 << new % WORD_BITS)
    return tables


def reorder(columns: Columns, tables: NDArray[np.uint64]) -> Columns:
    """Return codes with their bits in the order of look-up tables. Cost: 8 look-ups a word."""
    reordered = np.zeros((len(columns), columns[0].size), dtype=np.uint64)
    _reorder(columns, tables, reordered)
    return read_only(reordered)


@njit(nogil=True, cache=True)
def _reorder(columns: Any, tables: Any, reordered: Any) -> None:
    for word in range(len(columns)):
        column = columns[word]
        for row in range(column.size):
            for byte in range(8):
                value = as_int(column[row] >> np.uint64(8 * byte)) & 255
                for new in range(reordered.shape[0]):
                    reordered[new, row] |= tables[8 * word + byte, value, new]
