"""Hypothesis strategies for codes.

Random codes of 64 bits are never near one another, so every test on them passes. These are drawn around few centres, of
bits that are mostly 0 or mostly 1, with neighbours at chosen distances, equal codes, codes of all zeros and all ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import hypothesis.strategies as st
import numpy as np
from numpy.typing import NDArray

WORDS = st.integers(1, 4)


@dataclass(frozen=True)
class Collection:
    """Codes ``(n, words)`` with ids, and queries ``(q, words)`` that have neighbours among them."""

    codes: NDArray[np.uint64]
    ids: NDArray[np.int64]
    queries: NDArray[np.uint64]

    @property
    def words(self) -> int:
        return int(self.codes.shape[1])


@st.composite
def collections(draw: st.DrawFn, most_codes: int = 90, most_queries: int = 9) -> Collection:
    """Codes around a few centres with shuffled ids, small, large and negative, and queries around the same centres."""
    words = draw(WORDS)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    centres = _centres(rng, words, draw(st.sampled_from([0.03, 0.2, 0.5, 0.9])))
    spread = draw(st.sampled_from([0, 2, 12, 64 * words]))
    codes = _around(rng, centres, draw(st.integers(0, most_codes)), spread)
    queries = _around(rng, centres, draw(st.integers(0, most_queries)), spread)
    return Collection(codes, draw_ids(draw, rng, len(codes)), queries)


def draw_ids(draw: st.DrawFn, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Ids in order or shuffled, dense or spread over the whole range."""
    step, first = draw(st.sampled_from([(1, 0), (7, -100), (2**50, -(2**62))]))
    ids = first + step * np.arange(count, dtype=np.int64)
    return rng.permutation(ids) if draw(st.booleans()) else ids


@st.composite
def radii(draw: st.DrawFn, words: int) -> int:
    """Small radii, which people use, as often as all others."""
    return draw(st.one_of(st.integers(0, 16 * words), st.integers(0, 64 * words)))


def _centres(rng: np.random.Generator, words: int, density: float) -> NDArray[np.uint64]:
    """Four codes whose bits are 1 with a given probability, and the codes of all zeros and all ones."""
    bits = rng.random((4, words, 64)) < density
    extremes = np.stack([np.zeros((words, 64), dtype=bool), np.ones((words, 64), dtype=bool)])
    return _packed(np.concatenate([bits, extremes]))


def _around(rng: np.random.Generator, centres: NDArray[np.uint64], count: int, spread: int) -> NDArray[np.uint64]:
    """Codes up to ``spread`` bits away from a centre, some of them equal to it."""
    words = centres.shape[1]
    flips = np.zeros((count, 64 * words), dtype=bool)
    for row, distance in enumerate(rng.integers(0, spread + 1, count)):
        flips[row, rng.permutation(64 * words)[:distance]] = True
    codes: NDArray[np.uint64] = centres[rng.integers(0, len(centres), count)] ^ _packed(flips.reshape(count, words, 64))
    return codes


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Words of 64 booleans each."""
    packed: NDArray[np.uint64] = np.packbits(bits, axis=-1).view(np.uint64)[..., 0]
    return packed
