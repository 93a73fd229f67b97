"""Codes to search. Uniform codes flatter every index; codes of photos are skewed and include near-copies.

=============  ======================================================================================================
uniform        independent fair bits
correlated     signs of Gaussians whose neighbours correlate; two thirds are copies with up to 12 flips in each word
dct, average   codes of crops of real photos; a sixth are copies with up to 12 flips
decision       the same with dct, horizontal and vertical codes: three words
=============  ======================================================================================================
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench import photos
from phash_engine.hashing import hashers
from phash_engine.hashing.block import SIDE, area_average

Codes = NDArray[np.uint64]

PHOTOS = photos.FOLDER / "web"
RESULTS = Path(__file__).parent / "results"
PHOTO_SETS = {"dct": ("dct",), "average": ("average",), "decision": hashers.DECISION_NAMES}

_FLIPS = 12
_CORRELATION = 0.7
CROPS = 24_000
_SMALLEST_CROP = 0.3
_BATCH = 4096
_FEWEST_CACHED = 100_000


class Collection(NamedTuple):
    """Codes ``(n, words)``, and queries: half are members with up to 12 flips in each word, half are fresh."""

    codes: Codes
    queries: Codes


def names(words: int) -> list[str]:
    """Return the sets of codes of this width that can be made here; print what is left out."""
    photo_sets = [name for name, columns in PHOTO_SETS.items() if len(columns) == words]
    if photo_sets and not PHOTOS.is_dir():
        print(f"no photos in {PHOTOS}: left out {', '.join(photo_sets)}", file=sys.stderr)
        photo_sets = []
    return ["uniform", "correlated", *photo_sets]


def collection(name: str, n: int, queries: int, words: int = 1) -> Collection:
    """Return codes and queries of one set, the same for the same arguments."""
    rng = np.random.default_rng(0)
    drawn = codes(name, n + queries // 2, words)
    members, fresh = drawn[:n], drawn[n:]
    known = flipped(members[rng.integers(0, n, queries - len(fresh))], rng)
    return Collection(members, rng.permutation(np.concatenate([known, fresh])))


def codes(name: str, n: int, words: int = 1) -> Codes:
    """Return codes of one set, uint64 ``(n, words)``; large sets of photo codes are cached in ``bench/results``."""
    rng = np.random.default_rng(1)
    if name == "uniform":
        return rng.integers(0, 2**64, (n, words), dtype=np.uint64)
    if name == "correlated":
        originals = _correlated(n - 2 * n // 3, words, rng)
        return with_copies(originals, n, rng)
    cached = RESULTS / f"{name}-{n}-spec{hashers.SPEC}.npy"
    if cached.exists():
        return np.load(cached)  # type: ignore[no-any-return]
    made = with_copies(_photo_codes(name, n - n // 6, rng), n, rng)
    if n >= _FEWEST_CACHED:
        cached.parent.mkdir(exist_ok=True)
        np.save(cached, made)
    return made


def with_copies(originals: Codes, n: int, rng: np.random.Generator) -> Codes:
    """Fill up to ``n`` codes with flipped copies of random originals, in random order."""
    copies = flipped(originals[rng.integers(0, len(originals), n - len(originals))], rng)
    return rng.permutation(np.concatenate([originals, copies]))


def flipped(codes: Codes, rng: np.random.Generator) -> Codes:
    """Flip 0 to 12 random bits in each word, the same number in all words of a code; a bit may be flipped twice."""
    flips = rng.integers(0, _FLIPS + 1, (len(codes), 1))
    changed = codes.copy()
    for i in range(_FLIPS):
        bit = np.uint64(1) << rng.integers(0, 64, codes.shape, dtype=np.uint64)
        changed ^= np.where(i < flips, bit, np.uint64(0))
    return changed


def _correlated(n: int, words: int, rng: np.random.Generator) -> Codes:
    """Return signs of Gaussians in a chain, shifted a little so that not all bits are fair."""
    bits = 64 * words
    covariance = _CORRELATION ** np.abs(np.subtract.outer(np.arange(bits), np.arange(bits)))
    mixing = np.linalg.cholesky(covariance).T.astype(np.float32)
    shift = rng.normal(0, 0.3, bits).astype(np.float32)
    codes = np.empty((n, words), np.uint64)
    for batch in batches(n):
        bits_set = rng.standard_normal((len(codes[batch]), bits), dtype=np.float32) @ mixing > shift
        codes[batch] = np.packbits(bits_set, axis=1).view(np.uint64)
    return codes


def _photo_codes(name: str, n: int, rng: np.random.Generator) -> Codes:
    """Return codes of crops; if there are too few, of blends of two crops, which are as skewed and never equal."""
    originals = crops(min(n, CROPS))
    codes = np.empty((n, len(PHOTO_SETS[name])), np.uint64)
    for batch in batches(n):
        blocks = originals[batch] if n == len(originals) else blends(originals, len(codes[batch]), rng)
        codes[batch] = np.stack([hashers.HASHERS[hasher](blocks) for hasher in PHOTO_SETS[name]], axis=1)
    return codes


def blends(originals: NDArray[np.uint16], n: int, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Mix random pairs of blocks."""
    share = rng.uniform(0.5, 1, (n, 1, 1)).astype(np.float32)
    one, other = originals[rng.integers(0, len(originals), (2, n))]
    mixed: NDArray[np.uint16] = (share * one + (1 - share) * other).astype(np.uint16)
    return mixed


@cache
def crops(n: int) -> NDArray[np.uint16]:
    """Return blocks of random crops of all photos, every second one mirrored."""
    rng = np.random.default_rng(2)
    paths = photos.web(n)
    blocks = np.empty((n, SIDE, SIDE), np.uint16)
    for first, path in enumerate(paths):
        with Image.open(path) as image:
            luma = np.asarray(image.convert("L"))
        for i in range(first, n, len(paths)):
            height, width = (np.array(luma.shape) * rng.uniform(_SMALLEST_CROP, 1, 2)).astype(int)
            top, left = rng.integers(0, luma.shape[0] - height + 1), rng.integers(0, luma.shape[1] - width + 1)
            crop = area_average([luma[top : top + height, left : left + width]], int(width), int(height))
            blocks[i] = crop[:, ::-1] if i % 2 else crop
    return blocks


def batches(n: int) -> Iterator[slice]:
    """Return slices that cover ``0..n``."""
    return (slice(first, min(first + _BATCH, n)) for first in range(0, n, _BATCH))
