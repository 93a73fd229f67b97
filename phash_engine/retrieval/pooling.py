"""Feature maps of a convolutional network → one vector for each picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from phash_engine.retrieval.vectors import Vectors, unit

Maps = NDArray[np.float32]
"""float32 ``(n, channels, height, width)``."""

_LEAST = 1e-6
_SCALES = 3
_OVERLAP = 0.4
_STEPS = range(1, 7)


def mac(maps: Maps) -> Vectors:
    """Return the maximum of each channel, ``(n, channels)`` (Tolias, Sicre & Jégou 2016, section 3)."""
    peaks: Vectors = maps.max(axis=(2, 3))
    return peaks


def spoc(maps: Maps) -> Vectors:
    """Return the mean of each channel, ``(n, channels)`` (Babenko & Lempitsky 2015, without the centre prior)."""
    means: Vectors = maps.mean(axis=(2, 3), dtype=np.float32)
    return means


def gem(maps: Maps) -> Vectors:
    """Return the generalised mean of each channel with power 3, ``(n, channels)``.

    Values below 1e-6 count as that (Radenović, Tolias & Chum 2019, "Fine-tuning CNN Image Retrieval with No Human
    Annotation", section 3.2).
    """
    cubes = np.maximum(maps, np.float32(_LEAST)) ** 3
    means: Vectors = np.cbrt(cubes.mean(axis=(2, 3), dtype=np.float32))
    return means


def rmac(maps: Maps) -> Vectors:
    """Return the sum of the unit vectors of regional maxima, ``(n, channels)``.

    The regions are squares at three scales (Tolias, Sicre & Jégou 2016, "Particular Object Retrieval with Integral
    Max-Pooling of CNN Activations", section 3.2), as :func:`regions` returns them.
    """
    total = np.zeros(maps.shape[:2], dtype=np.float32)
    for top, left, side in regions(*maps.shape[2:]):
        total += unit(mac(maps[:, :, top : top + side, left : left + side]))
    return total


def regions(height: int, width: int) -> list[tuple[int, int, int]]:
    """Return top, left and side of the squares of R-MAC.

    At scale ``l`` of 1..3 the side is ``2 min(height, width) / (l + 1)``, with ``l`` squares along the shorter side and
    ``l + m`` along the longer, where ``m`` is that with which the overlap at the first scale is nearest to 40 %.
    """
    shorter, longer = sorted((height, width))
    more = 0
    if longer > shorter:
        overlaps = [1 - (longer - shorter) / (step * shorter) for step in _STEPS]
        more = _STEPS[int(np.argmin([abs(overlap - _OVERLAP) for overlap in overlaps]))]
    found = []
    for scale in range(1, _SCALES + 1):
        side = max(1, 2 * shorter // (scale + 1))
        tops = _starts(height, side, scale + more * (height > width))
        found += [(top, left, side) for top in tops for left in _starts(width, side, scale + more * (width > height))]
    return found


POOLS: dict[str, Callable[[Maps], Vectors]] = {"gem": gem, "mac": mac, "spoc": spoc, "rmac": rmac}


def _starts(extent: int, side: int, count: int) -> list[int]:
    """Return the starts of ``count`` runs, spread evenly."""
    return [index * (extent - side) // max(count - 1, 1) for index in range(count)]
