"""Cut codes into chunks, and return how many bits of each chunk must be flipped in probes.

A code of ``words`` words is cut into ``words * chunks_per_word`` chunks, each within one word. If two codes differ in
at most ``radius`` bits, some chunk differs in few: with ``radius = m * s + a`` and m chunks, either one of the
first a + 1 chunks differs in at most s bits or one of the rest in at most s - 1 (the pigeonhole principle refined as
in Norouzi, Punjani & Fleet 2012, "Fast search in Hamming space with multi-index hashing", section 3). So it is enough
to probe the buckets within these distances of each chunk of a query.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

WORD_BITS: Final = 64


class Chunks(NamedTuple):
    """The position of each chunk.

    Attributes
    ----------
    words, lows, widths
        int64 ``(m,)``: word of the chunk, its lowest bit there, its number of bits.
    """

    words: NDArray[np.int64]
    lows: NDArray[np.int64]
    widths: NDArray[np.int64]


def make_chunks(words: int, chunks_per_word: int) -> Chunks:
    """Cut each word into ``chunks_per_word`` chunks, whose widths differ by one bit at most."""
    edges = np.arange(chunks_per_word + 1) * WORD_BITS // chunks_per_word
    return Chunks(
        np.repeat(np.arange(words), chunks_per_word), np.tile(edges[:-1], words), np.tile(np.diff(edges), words)
    )


def chunk_radii(radius: int, chunks: int) -> NDArray[np.int64]:
    """Return the number of bits to flip in probes of each chunk; -1 where no probe is needed.

    >>> chunk_radii(9, 4).tolist()
    [2, 2, 1, 1]
    >>> chunk_radii(2, 4).tolist()
    [0, 0, 0, -1]
    """
    whole, rest = divmod(radius, chunks)
    return whole - (np.arange(chunks) > rest).astype(np.int64)


@cache
def flip_masks(width: int, radius: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all masks that flip at most ``radius`` of ``width`` bits.

    Returns
    -------
    tuple
        Masks to combine with a chunk by exclusive or, fewest bits first; and where the masks of each number of bits
        begin, ``(radius + 2,)``.
    """
    places = [np.array(list(combinations(range(width), bits)), dtype=np.int64) for bits in range(radius + 1)]
    masks = [np.sum(1 << of_bits, axis=1, dtype=np.int64) for of_bits in places]
    begins = np.concatenate([[0], np.cumsum([of_bits.size for of_bits in masks])])
    return np.concatenate(masks), begins.astype(np.int64)
