"""The cohort: how near impostors come to each picture, and scores, which are distances normalised by it.

Pictures on one floor or on white ground are near one another without showing the same, and a radius that suits holiday
photos finds false pairs there by the thousand. The mean distance of the nearest impostors is taken off the distances of
a picture (score normalisation of speaker recognition: Auckenthaler, Carey & Lloyd-Thomas 2000, "Score Normalization for
Text-Independent Speaker Verification Systems").

Of the two means of a pair the larger counts: it is enough to be near a picture that no impostor comes near, and a copy
that was cropped or drawn upon looks less common than its original. Two thirds of the mean are taken off, not the whole:
copies do not come nearer where impostors do, and with the whole no distance is small enough for a picture that
impostors come very near to.

The cohort is up to 500 contents of the same collection, chosen by their codes alone, whatever the order of scanning.
Copies in it would make a picture look common. So no two members are within the default radius of one another (a burst
counts as one of its shots), and those within it of a picture are no impostors of that picture.

Means are computed when they are needed, for those contents alone that have near pairs, which takes less time than
reading the codes does; so they are always those of the photos that are compared, however the collection grew.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine._columns import Ids, lookup
from phash_engine._threads import available_threads, in_threads
from phash_engine.matching.code_set import CodeSet, Distances
from phash_engine.matching.policy import CUTOFF, DEFAULT_RADIUS, LARGEST_MEAN

NEAREST: Final = 10
"""Impostors whose mean distance is taken."""
WEIGHT: Final = 2 / 3
"""Share of that mean that is taken off distances."""

FEWEST: Final = 200
"""Contents from which on scores are used."""
MOST: Final = 500
"""Contents that the cohort is chosen from; at least half of :data:`FEWEST` have to be impostors to each other."""

_FAR: Final = 96
"""Distance of random codes, taken for that of pictures that are no impostors."""
_FEW = 1000
_TENFOLD = 5
"""Bits less that leave a tenth of the false pairs: 4 or 5 among look-alikes, 6 among photos."""


def cohort_mean(distances: ArrayLike) -> NDArray[np.int64]:
    """Return how near impostors come to pictures, to be taken off their distances by :func:`scores`.

    Parameters
    ----------
    distances
        Bits, whole numbers ``(..., m)``: of each picture to ``m`` others of its collection, 10 at least; up to 500
        chosen at random will do. None of them may show the same: ten copies would make any picture look common.

    Returns
    -------
    numpy.ndarray
        int64 ``(...)``: :data:`WEIGHT` of the mean of the :data:`NEAREST` smallest, in whole bits up to
        ``policy.LARGEST_MEAN``.

    Raises
    ------
    ValueError
        Fewer distances.
    """
    array = np.asarray(distances)
    if array.shape[-1] < NEAREST:
        raise ValueError(f"a cohort mean takes the distances to at least {NEAREST} pictures, not {array.shape[-1]}")
    nearest = np.partition(array, NEAREST - 1, axis=-1)[..., :NEAREST]
    means: NDArray[np.int64] = np.rint(WEIGHT * nearest.mean(axis=-1)).astype(np.int64)
    return np.minimum(means, LARGEST_MEAN)


def scores(distances: ArrayLike, left: ArrayLike, right: ArrayLike) -> NDArray[np.int64]:
    """Return distances less the larger cohort mean of the two pictures.

    Parameters
    ----------
    distances
        Bits, whole numbers of any shape.
    left, right
        Cohort means of the two pictures, of shapes that broadcast to it.

    Returns
    -------
    numpy.ndarray
        int64: the lower, the nearer; mostly below zero for true matches.
    """
    normalised: NDArray[np.int64] = np.asarray(distances) - np.maximum(left, right).astype(np.int64)
    return normalised


def cutoff(contents: int) -> int:
    """Return the largest score to accept in a collection.

    In ten times as many pictures there are a hundred times as many pairs, and ``policy.CUTOFF`` would find as many
    false ones. It falls by 5 bits, which lets through ten times as many, so that larger collections still find their
    copies: a handful of false pairs among 10,000 pictures, some tens among a million.

    Examples
    --------
    >>> [cutoff(contents) for contents in (200, 10_000, 1_000_000)]
    [-10, -15, -25]
    """
    return CUTOFF - round(_TENFOLD * math.log10(max(contents, _FEW) / _FEW))


class CohortMeans(NamedTuple):
    """The cohort means of some contents: int64 ids, ascending, and int64 means, both ``(n,)``."""

    contents: Ids
    means: Ids

    def of(self, contents: Ids) -> Ids:
        """Return the means of contents by id, 0 of those that have none."""
        rows, are_known = lookup(self.contents, contents)
        return np.where(are_known, self.means[rows], 0) if self.means.size else np.zeros_like(contents)


NO_MEANS: Final = CohortMeans(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


class Cohort(NamedTuple):
    """Contents, no two of them copies, whose distances make cohort means: their full and trimmed views."""

    codes: CodeSet

    def means(self, codes: CodeSet) -> CohortMeans:
        """Return the cohort means of all contents of a code set.

        Notes
        -----
        Costs some 22,000 word comparisons for each content.
        """

        def of_block(block: CodeSet) -> Ids:
            return _means_without_copies(block.distances(self.codes))

        queries = codes.queries()
        parts = list(in_threads(of_block, queries.blocks(), available_threads())) if len(queries.contents) else []
        return CohortMeans(np.unique(queries.contents), np.concatenate(parts)) if parts else NO_MEANS


def choose(codes: CodeSet) -> Cohort | None:
    """Choose a cohort among all views of a collection; None where they are too few, or too near one another.

    Whatever the order of the rows, the members are the same contents.
    """
    queries = codes.queries()
    if len(np.unique(queries.contents)) < FEWEST:
        return None
    chosen = sample(queries, MOST)
    contents, keys = _keys(chosen)
    apart = _far_apart(chosen.distances(chosen), np.argsort(keys, kind="stable").tolist())
    return Cohort(chosen.of(contents[apart])) if 2 * len(apart) >= FEWEST else None


def sample(codes: CodeSet, most: int) -> CodeSet:
    """Return the views of at most ``most`` contents, chosen by their codes as if at random."""
    contents, keys = _keys(codes)
    if len(contents) <= most:
        return codes
    return codes.of(contents[np.argsort(keys, kind="stable")[:most]])


def _keys(codes: CodeSet) -> tuple[Ids, NDArray[np.uint64]]:
    """Return the ids of contents, ascending, and for each a random number that follows from its codes."""
    contents, rows = np.unique(codes.contents, return_inverse=True)
    keys = np.full(len(contents), np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(keys, rows, _mixed(codes.codes.sum(axis=1, dtype=np.uint64)))
    return contents, keys


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter words over all 64 bits (Steele, Lea & Flood 2014, "Fast Splittable Pseudorandom Number Generators")."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words = (words ^ words >> np.uint64(shift)) * np.uint64(factor)
    return words ^ words >> np.uint64(31)


def _far_apart(between: Distances, order: list[int]) -> list[int]:
    """Return the first row in an order, and each that is not within the radius of one before."""
    kept: list[int] = []
    near = between <= DEFAULT_RADIUS
    for row in order:
        if not near[row, kept].any():
            kept.append(row)
    return kept


def _means_without_copies(between: Distances) -> Ids:
    return cohort_mean(np.where(between <= DEFAULT_RADIUS, _FAR, between))
