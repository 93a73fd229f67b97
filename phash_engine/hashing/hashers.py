"""Block → codes: each hasher is an integer linear map of the block and a comparison.

All products are taken in float64 and stay below 2**53, so they are exact: no bit depends on BLAS, processor, thread or
batch size. The weights are mirror-symmetric by construction, so the codes of a mirrored picture are those of its
mirrored coefficients, bit for bit.

=============  ====================================================================================
average        cell above the mean of the 8x8 cells
dct            coefficient above the median of the low 8x8 of the DCT-II, the constant included
wavelet        sign of the 63 detail coefficients of the Haar transform of the 8x8 cells, coarse first
horizontal     cell brighter than its left neighbour, in a Lanczos reduction to 8x9
vertical       cell brighter than its upper neighbour, in a Lanczos reduction to 9x8
=============  ====================================================================================

Average and DCT hash: Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", section 3;
difference hash: Krawetz 2013, "Kind of Like That"; the order of Haar coefficients is that of ``pywt.wavedec2``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.hashing import codes
from phash_engine.hashing.block import LUMA_STEPS, SIDE
from phash_engine.hashing.codes import BITS, GRID

SPEC = 2
"""Version of the fingerprint, stored with every code; codes of different SPEC are never compared."""

CODE_NAMES = ("average", "dct", "wavelet", "horizontal", "vertical")
MIRROR_NAMES = ("dct_lr", "dct_ud", "dct_180", "horizontal_lr", "vertical_ud")
"""Codes of the left-right, up-down and half-turn block that do not follow from the bits of the five."""
ALL_NAMES = CODE_NAMES + MIRROR_NAMES
DECISION_NAMES = ("dct", "horizontal", "vertical")
SPECTRUM_UNIT = 4096**2 * LUMA_STEPS * SIDE // 2

Blocks = NDArray[np.uint16]
Codes = NDArray[np.uint64]


class Fingerprint(NamedTuple):
    """The five codes of one view."""

    average: np.uint64
    dct: np.uint64
    wavelet: np.uint64
    horizontal: np.uint64
    vertical: np.uint64

    def __str__(self) -> str:
        """Return the hex of the five codes, 80 digits."""
        return "".join(map(codes.to_hex, self))

    def __sub__(self, other: Fingerprint) -> int:
        """Return the distance to another fingerprint in bits, 0..192: see :func:`distance`."""
        return distance(self, other) if isinstance(other, Fingerprint) else NotImplemented

    @classmethod
    def from_hex(cls, text: str) -> Fingerprint:
        """Return the fingerprint of 80 hex digits; ValueError if they are not."""
        if len(text) != 16 * len(CODE_NAMES):
            raise ValueError(f"a fingerprint has {16 * len(CODE_NAMES)} hex digits, not {len(text)}")
        return cls(*(codes.from_hex(text[first : first + 16]) for first in range(0, len(text), 16)))


def fingerprint(block: Blocks) -> Fingerprint:
    """Return the five codes of one block, uint16 ``(32, 32)``. Cost: about 0.1 ms.

    >>> ramp = np.add.outer(np.arange(32), np.arange(32)).astype(np.uint16) * 1000
    >>> codes.to_hex(fingerprint(ramp).average)
    '000103070f1f3f7f'
    """
    return Fingerprint(*hash_blocks(block[np.newaxis])[0, : len(CODE_NAMES)])


def distance(a: Fingerprint, b: Fingerprint) -> int:
    """Return the Hamming distance over the decision codes (dct, horizontal, vertical), 0..192 bits."""
    return sum(codes.distance(getattr(a, name), getattr(b, name)) for name in DECISION_NAMES)


def hash_blocks(blocks: Blocks) -> Codes:
    """Return all codes of many blocks.

    Parameters
    ----------
    blocks
        uint16 ``(n, 32, 32)``.

    Returns
    -------
    numpy.ndarray
        uint64 ``(n, 10)``: columns :data:`CODE_NAMES`, then :data:`MIRROR_NAMES`.

    Raises
    ------
    ValueError
        Another shape.
    """
    if blocks.shape[1:] != (SIDE, SIDE):
        raise ValueError(f"blocks must have shape (n, {SIDE}, {SIDE}), not {blocks.shape}")
    cells = _map(_CELLS, blocks, _CELLS)
    spectra = _median_bits(spectrum(blocks)[:, np.newaxis] * _MIRRORED)
    across, across_mirrored = _steps(_map(_LANCZOS_8, blocks, _LANCZOS_9))
    down, down_mirrored = _steps(_map(_LANCZOS_9, blocks, _LANCZOS_8).swapaxes(1, 2))
    grids = [_mean_bits(cells), spectra[:, 0], _detail_bits(cells), across, down.swapaxes(1, 2)]
    grids += [spectra[:, 1], spectra[:, 2], spectra[:, 3], across_mirrored, down_mirrored.swapaxes(1, 2)]
    return codes.from_bits(np.stack(grids, axis=1))


def average(blocks: Blocks) -> Codes:
    """Return the average codes, uint64 ``(n,)``, of blocks ``(n, 32, 32)``."""
    return codes.from_bits(_mean_bits(_map(_CELLS, blocks, _CELLS)))


def dct(blocks: Blocks) -> Codes:
    """Return the DCT codes, uint64 ``(n,)``, of blocks ``(n, 32, 32)``."""
    return codes.from_bits(_median_bits(spectrum(blocks)))


def spectrum(blocks: Blocks) -> NDArray[np.float64]:
    """Return the low DCT coefficients, float64 ``(n, 8, 8)``, of blocks ``(n, 32, 32)``: integers.

    One luma step of the orthonormal transform is :data:`SPECTRUM_UNIT`.
    """
    return _map(_COSINES, blocks, _COSINES)


def wavelet(blocks: Blocks) -> Codes:
    """Return the Haar wavelet codes, uint64 ``(n,)``, of blocks ``(n, 32, 32)``."""
    return codes.from_bits(_detail_bits(_map(_CELLS, blocks, _CELLS)))


def horizontal(blocks: Blocks) -> Codes:
    """Return the horizontal difference codes, uint64 ``(n,)``, of blocks ``(n, 32, 32)``."""
    return codes.from_bits(_steps(_map(_LANCZOS_8, blocks, _LANCZOS_9))[0])


def vertical(blocks: Blocks) -> Codes:
    """Return the vertical difference codes, uint64 ``(n,)``, of blocks ``(n, 32, 32)``."""
    return codes.from_bits(_steps(_map(_LANCZOS_9, blocks, _LANCZOS_8).swapaxes(1, 2))[0].swapaxes(1, 2))


HASHERS: dict[str, Callable[[Blocks], Codes]] = {
    "average": average,
    "dct": dct,
    "wavelet": wavelet,
    "horizontal": horizontal,
    "vertical": vertical,
}


def _map(rows: NDArray[np.float64], blocks: Blocks, columns: NDArray[np.float64]) -> NDArray[np.float64]:
    mapped: NDArray[np.float64] = rows @ blocks.astype(np.float64) @ columns.T
    return mapped


def _mean_bits(cells: NDArray[np.float64]) -> NDArray[np.bool_]:
    bits: NDArray[np.bool_] = BITS * cells > cells.sum(axis=(1, 2), keepdims=True)
    return bits


def _median_bits(coefficients: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Bits above the median of each ``(8, 8)``, in integers: twice a coefficient against the sum of the middle two."""
    ordered = np.sort(coefficients.reshape(*coefficients.shape[:-2], BITS), axis=-1)
    middle = ordered[..., BITS // 2 - 1] + ordered[..., BITS // 2]
    bits: NDArray[np.bool_] = 2 * coefficients > middle[..., np.newaxis, np.newaxis]
    return bits


def _detail_bits(cells: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Signs of the unnormalised Haar details, and a last bit of 0."""
    bits: NDArray[np.bool_] = _HAAR @ cells.reshape(-1, BITS, 1) > 0  # one by one, which starts no threads of the BLAS
    return bits.reshape(-1, GRID, GRID)


def _steps(reduced: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Bits "right > left" of ``(n, 8, 9)``, and of its left-right mirror image; an equal pair is 0 in both."""
    left, right = reduced[:, :, :-1], reduced[:, :, 1:]
    return right > left, (left > right)[:, :, ::-1]


def _haar() -> NDArray[np.float64]:
    """Return the details of the Haar transform of 64 cells: per level, coarse first, vertical, horizontal, diagonal."""
    details = []
    for side in (1, 2, 4):
        half = np.ones(GRID // side // 2)
        sums = np.kron(np.eye(side), np.concatenate([half, half]))
        steps = np.kron(np.eye(side), np.concatenate([half, -half]))
        details += [np.kron(steps, sums), np.kron(sums, steps), np.kron(steps, steps)]
    return np.concatenate([*details, np.zeros((1, BITS))])


def _cosines() -> NDArray[np.float64]:
    """Return the first 8 rows of the DCT-II of 32 samples in 1/4096, built from their left halves."""
    frequency, sample = np.arange(GRID)[:, np.newaxis], np.arange(SIDE // 2)
    half = np.rint(4096 * np.cos(np.pi * (2 * sample + 1) * frequency / (2 * SIDE)))
    return np.concatenate([half, half[:, ::-1] * (-1.0) ** frequency], axis=1)


def _lanczos(size: int) -> NDArray[np.float64]:
    """Return the Lanczos-3 reduction of 32 samples to ``size`` in 1/4096 (Duchon 1979), ``(size, 32)``.

    Each row sums to exactly 4096, or a flat picture would get structure: the rounding error is added to the weights
    nearest the centre. The lower half of the rows mirrors the upper, and a middle row mirrors itself.
    """
    centres = (np.arange(size)[:, np.newaxis] + 0.5) * SIDE / size
    offsets = (np.arange(SIDE) + 0.5 - centres) * size / SIDE
    kernel = np.where(np.abs(offsets) < 3, np.sinc(offsets) * np.sinc(offsets / 3), 0)
    weights = np.asarray(np.rint(4096 * kernel / kernel.sum(axis=1, keepdims=True)), dtype=np.float64)
    for row in range(size // 2):
        weights[row, np.argmax(weights[row])] += 4096 - float(weights[row].sum())
        weights[size - 1 - row] = weights[row, ::-1]
    if size % 2:
        middle = weights[size // 2]
        middle[SIDE // 2 :] = middle[: SIDE // 2][::-1]
        middle[SIDE // 2 - 1 : SIDE // 2 + 1] += (4096 - float(middle.sum())) / 2
    return weights


_CELLS = np.kron(np.eye(GRID), np.ones(SIDE // GRID)).astype(np.float64)
_HAAR = _haar()
_COSINES = _cosines()
_LANCZOS_8 = _lanczos(8)
_LANCZOS_9 = _lanczos(9)
_SIGNS = (-1.0) ** np.arange(GRID)
_MIRRORED = np.stack(
    [
        np.ones((GRID, GRID)),
        np.ones((GRID, GRID)) * _SIGNS,
        np.ones((GRID, GRID)) * _SIGNS[:, np.newaxis],
        _SIGNS[:, np.newaxis] * _SIGNS,
    ]
)
"""Signs that mirroring gives the DCT coefficients: none, left-right, up-down, half turn."""
