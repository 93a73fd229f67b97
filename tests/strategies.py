"""Hypothesis strategies for codes.

Random codes of 64 bits are never near each other, so tests on them would pass without a match. These codes have few
centres, of bits that are mostly 0 or mostly 1, with neighbours at chosen distances, equal codes, and the codes of all
zeros and all ones.
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
    """Radii, half of them small as in practice."""
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


@st.composite
def blocks(draw: st.DrawFn) -> NDArray[np.uint16]:
    """Blocks ``(32, 32)``: flat, of two values, gradients, faint and full noise, waves, and the mean of two of them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    first, second = (_block(rng, draw(st.sampled_from(BLOCK_KINDS))) for _ in range(2))
    return draw(st.sampled_from([first, first // 2 + second // 2]))


BLOCK_KINDS = ("flat", "two values", "few values", "gradient", "faint", "noise", "waves")


def _block(rng: np.random.Generator, kind: str) -> NDArray[np.uint16]:
    y, x = np.mgrid[:32, :32].astype(np.int64)
    tone, step = int(rng.integers(0, 65281)), int(rng.integers(1, 2000))
    if kind == "flat":
        values = np.full((32, 32), tone)
    elif kind in {"two values", "few values"}:
        # Equal squares give equal cells, and so ties.
        side = int(rng.choice([1, 2, 4, 8, 16]))
        tones = rng.integers(0, 65281, 2 if kind == "two values" else 4)
        values = np.kron(rng.choice(tones, (32 // side, 32 // side)), np.ones((side, side), dtype=np.int64))
    elif kind == "gradient":
        values = tone + step * (int(rng.integers(-2, 3)) * x + int(rng.integers(-2, 3)) * y)
    elif kind == "faint":
        values = tone + rng.integers(-3, 4, (32, 32))
    elif kind == "noise":
        values = rng.integers(0, 65281, (32, 32))
    else:
        along, across = (np.sin(axis * rng.uniform(0, 0.6) + rng.uniform(0, 6)) for axis in (x, y))
        values = np.rint(32640 + 16000 * (along + across)).astype(np.int64)
    block: NDArray[np.uint16] = np.clip(values, 0, 65280).astype(np.uint16)
    return block
