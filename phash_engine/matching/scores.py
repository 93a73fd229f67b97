"""The adaptive score: a distance less the background of its collection.

Pictures before one floor or one white ground are near one another without showing the same, and a radius that suits
holiday photos finds false pairs by the thousand. How near strangers come to a picture makes its background; a distance
counts by how far it falls below (score normalisation of speaker recognition: Auckenthaler, Carey & Lloyd-Thomas 2000,
"Score Normalization for Text-Independent Speaker Verification Systems").

Of the two backgrounds of a pair the larger counts: to be near a picture that no stranger comes near to says enough, and
a copy that was cropped or drawn upon looks less common than its original. A background is two thirds of the mean
distance of the nearest strangers, not the whole: copies do not come nearer where strangers do, and with the whole no
distance is small enough for a picture that strangers come very near to.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEAREST: Final = 10
"""Strangers whose mean distance makes the background of a picture."""
WEIGHT: Final = 2 / 3
"""Share of that mean that is the background."""
LARGEST: Final = 48
"""Largest background: that of photos that have no look-alikes, of which hardly one has more. It bounds searches."""
CUTOFF: Final = -10
"""Largest score to accept among up to a thousand pictures, rotations and trimmed views included: at most one false pair
in a million in the quality benchmark, with 600 photos as they are, with half and with all of them laid on one floor."""
SURE: Final = 8
"""Distance to accept whatever the score: none of 4.5 million pairs of photos laid on one floor is as near."""

_FEW = 1000
_TENFOLD = 5
"""Bits less that leave a tenth of the false pairs: 4 or 5 among look-alikes, 6 among photos."""


def background(distances: ArrayLike) -> NDArray[np.int64]:
    """Return how near strangers come to pictures, to be taken off their distances by :func:`adaptive_scores`.

    Parameters
    ----------
    distances
        Bits, whole numbers ``(..., m)``: of each picture to ``m`` others of its collection, 10 at least; up to 500
        chosen at random will do. None of them may show the same: ten copies would make any picture look common.

    Returns
    -------
    numpy.ndarray
        int64 ``(...)``: :data:`WEIGHT` of the mean of the :data:`NEAREST` smallest, in whole bits up to
        :data:`LARGEST`.

    Raises
    ------
    ValueError
        Fewer distances.
    """
    array = np.asarray(distances)
    if array.shape[-1] < NEAREST:
        raise ValueError(f"a background takes the distances to {NEAREST} pictures at least, not {array.shape[-1]}")
    nearest = np.partition(array, NEAREST - 1, axis=-1)[..., :NEAREST]
    backgrounds: NDArray[np.int64] = np.rint(WEIGHT * nearest.mean(axis=-1)).astype(np.int64)
    return np.minimum(backgrounds, LARGEST)


def cutoff(contents: int) -> int:
    """Return the largest score to accept in a collection.

    In ten times as many pictures there are a hundred times as many pairs, and :data:`CUTOFF` would find as many false
    ones. It falls by 5 bits, which lets through ten times as many, so that larger collections still find their copies:
    a handful of false pairs among 10,000 pictures, some tens among a million.

    Examples
    --------
    >>> [cutoff(contents) for contents in (200, 10_000, 1_000_000)]
    [-10, -15, -25]
    """
    return CUTOFF - round(_TENFOLD * math.log10(max(contents, _FEW) / _FEW))


def adaptive_scores(distances: ArrayLike, queries: ArrayLike, others: ArrayLike) -> NDArray[np.int64]:
    """Return distances less the larger background of the two pictures.

    Parameters
    ----------
    distances
        Bits, whole numbers of any shape.
    queries, others
        Backgrounds of the two pictures, of shapes that broadcast to it.

    Returns
    -------
    numpy.ndarray
        int64: the lower, the nearer; mostly below zero for true matches.
    """
    scores: NDArray[np.int64] = np.asarray(distances) - np.maximum(queries, others).astype(np.int64)
    return scores
