"""The scheme of the imagehash library: four 64-bit codes, bit-identical to the library's on the installed Pillow.

``read_fingerprint(path)`` returns, from one decode, the bits of ``imagehash.average_hash(Image.open(path))`` and of its
``phash``, ``whash`` and ``dhash``. It serves existing databases of such hashes. Like the library it does
not apply EXIF orientation, does not composite transparency and takes a JPEG's grey from its full RGB; the codes of
:mod:`phash_engine.hashing.hashers` do better on all three. They change with Pillow's Lanczos filter, last in Pillow 13.

Decoding, grey and filter are Pillow's own; from there on sums are taken in another order than the library takes them.
Its phash and whash set the bits of values above the median, the mean of the middle two, so rounding can decide a bit
only where the middle two are nearly equal. There the library itself decides.

Definitions: imagehash 4.3, https://github.com/JohannesBuchner/imagehash. phash: Zauner 2010, "Implementation and
Benchmarking of Perceptual Image Hash Functions"; dhash: Krawetz 2013, "Kind of Like That".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import images
from phash_engine.hashing import codes
from phash_engine.hashing.codes import BITS, GRID

Plane = NDArray[np.uint8]
Bits = NDArray[np.bool_]

_WAVES = 32
"""Side of the plane whose cosine transform is taken."""
_ROUNDING = 1e-9
"""Values closer than this part of the largest may owe their order to rounding: far above the error of either sum, and
far below the steps of one grey level."""


class Fingerprint(NamedTuple):
    """The four codes; ``codes.to_hex`` writes the digits imagehash writes."""

    average: np.uint64
    phash: np.uint64
    whash: np.uint64
    dhash: np.uint64


CODE_NAMES = Fingerprint._fields


def read_fingerprint(source: images.Source) -> Fingerprint:
    """Read a picture and return its four codes.

    Parameters
    ----------
    source
        As for :func:`phash_engine.images.read_block`.

    Raises
    ------
    ImageError
        The picture cannot be read, or Pillow cannot convert its mode to grey (LAB, La); carries path and reason.
    """
    return fingerprint(*images.read_grey_planes(source, _sizes))


def fingerprint(cells: Plane, steps: Plane, waves: Plane, square: Plane) -> Fingerprint:
    """Return the four codes of the reduced planes of one picture.

    Parameters
    ----------
    cells, steps, waves
        uint8 ``(8, 8)``, ``(8, 9)`` and ``(32, 32)``.
    square
        uint8 whose sides are the largest power of two within the picture's shorter side, 8 at least.
    """
    average = BITS * cells.astype(np.int64) > cells.sum()
    dhash = steps[:, 1:] > steps[:, :-1]
    return Fingerprint(*codes.from_bits(np.stack([average, _phash(waves), _whash(square), dhash])))


def _sizes(width: int, height: int) -> list[tuple[int, int]]:
    return [(GRID, GRID), (GRID + 1, GRID), (_WAVES, _WAVES), _square(width, height)]


def _square(width: int, height: int) -> tuple[int, int]:
    side = max(1 << (min(width, height).bit_length() - 1), GRID)
    return side, side


def _phash(waves: Plane) -> Bits:
    return _upper_half(_COSINES @ waves.astype(np.float64) @ _COSINES.T, lambda: _by_library("phash", waves))


def _whash(square: Plane) -> Bits:
    """Bits of the Haar approximation: sums over the 8x8 tiles of the square but for a factor and the mean."""
    side = len(square)
    strips = square.reshape(GRID, side // GRID, side).sum(axis=1, dtype=np.uint32)
    sums = strips.reshape(GRID, GRID, side // GRID).sum(axis=2, dtype=np.int64)
    return _upper_half(sums, lambda: _by_library("whash", square))


def _upper_half(values: NDArray[Any], on_tie: Callable[[], Bits]) -> Bits:
    """Bits of the 8x8 values above their median, or those of ``on_tie`` where the middle two are nearly equal."""
    ordered = np.sort(values, axis=None)
    lower, upper = ordered[BITS // 2 - 1 : BITS // 2 + 1]
    if upper - lower <= _ROUNDING * np.abs(ordered[[0, -1]]).max():
        return on_tie()
    bits: Bits = values > lower
    return bits


def _by_library(function: str, plane: Plane) -> Bits:
    """Bits by imagehash itself, which does not resize a plane that has its size already."""
    import imagehash

    bits: Bits = getattr(imagehash, function)(images.to_image(plane)).hash
    return bits


def _cosines() -> NDArray[np.float64]:
    """Return the first 8 rows of the DCT-II of 32 samples."""
    frequency, sample = np.arange(GRID)[:, np.newaxis], np.arange(_WAVES)
    rows: NDArray[np.float64] = np.cos(np.pi * (2 * sample + 1) * frequency / (2 * _WAVES))
    return rows


_COSINES = _cosines()
