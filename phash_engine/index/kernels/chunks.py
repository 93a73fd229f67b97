"""Cut codes into chunks, and say which chunks must be probed how far.

A code of ``words`` words is cut into ``words * chunks_per_word`` chunks, each within one word. If two codes differ in
at most ``radius`` bits, not every chunk can differ in many: with ``radius = m * s + a`` and m chunks, either one of the
first a + 1 chunks differs in at most s bits or one of the others in at most s - 1 (the pigeonhole principle refined as
in Norouzi, Punjani & Fleet 2012, "Fast search in Hamming space with multi-index hashing", section 3). So it is enough
to probe the buckets that are this near to each chunk of a query.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

WORD_BITS: Final = 64


class Chunks(NamedTuple):
    """Where each chunk lies.

    Attributes
    ----------
    words, lows, widths
        int64 ``(m,)``: word of the chunk, its lowest bit there, its number of bits.
    """

    words: NDArray[np.int64]
    lows: NDArray[np.int64]
    widths: NDArray[np.int64]


def cut(words: int, chunks_per_word: int) -> Chunks:
    """Cut each word into ``chunks_per_word`` chunks of equal width, or one bit apart."""
    edges = np.arange(chunks_per_word + 1) * WORD_BITS // chunks_per_word
    return Chunks(
        np.repeat(np.arange(words), chunks_per_word), np.tile(edges[:-1], words), np.tile(np.diff(edges), words)
    )


def chunk_radii(radius: int, chunks: int) -> NDArray[np.int64]:
    """Bits in which each chunk may differ and must be searched, -1 for not at all.

    >>> chunk_radii(9, 4).tolist()
    [2, 2, 1, 1]
    >>> chunk_radii(2, 4).tolist()
    [0, 0, 0, -1]
    """
    whole, rest = divmod(radius, chunks)
    return whole - (np.arange(chunks) > rest).astype(np.int64)


@cache
def flips(width: int, radius: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All masks that flip at most ``radius`` of ``width`` bits.

    Returns
    -------
    tuple
        Masks to combine with a chunk by exclusive or, fewest bits first, and ``(radius + 2,)`` where the masks of each
        number of bits begin.
    """
    places = [np.array(list(combinations(range(width), bits)), dtype=np.int64) for bits in range(radius + 1)]
    masks = [np.sum(1 << of_bits, axis=1, dtype=np.int64) for of_bits in places]
    begins = np.concatenate([[0], np.cumsum([of_bits.size for of_bits in masks])])
    return np.concatenate(masks), begins.astype(np.int64)
