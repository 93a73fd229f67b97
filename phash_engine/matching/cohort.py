"""Views of contents → how near strangers come to each: what the adaptive score takes off distances.

Strangers are up to 500 contents of the same collection, chosen by their codes alone, whatever the order of scanning.
Copies among them would make a picture look common. So no two strangers are within the default radius of one another (a
burst counts as one of its shots), and those within it of a picture are no strangers to that picture.

Backgrounds are computed whenever they are wanted, for those contents alone that have others near them, which takes less
than reading the codes did; so they are always those of the photos that are compared, however the collection grew.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._threads import available_threads, in_threads
from phash_engine.hashing.rules import RADIUS
from phash_engine.matching.distances import Distances, blocks, distances
from phash_engine.matching.pairs import ViewCodes
from phash_engine.matching.scores import background

Whole = NDArray[np.int64]

FEWEST: Final = 200
"""Contents from which on backgrounds say something."""
MOST: Final = 500
"""Contents that strangers are chosen from; half of :data:`FEWEST` at least have to be strangers to each other."""
_FAR: Final = 96
"""Taken for the distance of pictures that are no strangers: that of random codes."""


class Strangers:
    """Contents, no two of them copies, whose distances make backgrounds.

    Parameters
    ----------
    views
        Full and trimmed views of them.
    """

    def __init__(self, views: ViewCodes) -> None:
        self.views = views

    def backgrounds(self, views: ViewCodes, contents: int) -> Whole:
        """Return the backgrounds of contents by their numbers, int64 ``(contents,)``: 0 of those without views.

        Notes
        -----
        Costs some 22,000 word comparisons for each content.
        """

        def of_block(block: ViewCodes) -> Whole:
            return _background(distances(block, self.views))

        asking = views.asking()
        found = np.zeros(contents, dtype=np.int64)
        parts = list(in_threads(of_block, blocks(asking), available_threads()))
        found[np.unique(asking.numbers)] = np.concatenate(parts) if parts else 0
        return found


def strangers(views: ViewCodes) -> Strangers | None:
    """Choose strangers among all views of a collection; None where they are too few, or too like one another, to tell.

    Whatever the order of the views, they are the same contents.
    """
    asking = views.asking()
    if len(np.unique(asking.numbers)) < FEWEST:
        return None
    chosen = sample(asking, MOST)
    numbers, keys = _keys(chosen)
    apart = _far_apart(distances(chosen, chosen), np.argsort(keys, kind="stable").tolist())
    return Strangers(chosen.select(np.isin(chosen.numbers, numbers[apart]))) if 2 * len(apart) >= FEWEST else None


def sample(views: ViewCodes, most: int) -> ViewCodes:
    """Return the views of at most so many contents, chosen by their codes as if at random."""
    numbers, keys = _keys(views)
    if len(numbers) <= most:
        return views
    return views.select(np.isin(views.numbers, numbers[np.argsort(keys, kind="stable")[:most]]))


def _keys(views: ViewCodes) -> tuple[Whole, NDArray[np.uint64]]:
    """Return the numbers of contents, ascending, and of each a random number that follows from its codes."""
    numbers, places = np.unique(views.numbers, return_inverse=True)
    keys = np.full(len(numbers), np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(keys, places, _mixed(views.table.sum(axis=1, dtype=np.uint64)))
    return numbers, keys


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter words over all 64 bits (Steele, Lea & Flood 2014, "Fast Splittable Pseudorandom Number Generators")."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words = (words ^ words >> np.uint64(shift)) * np.uint64(factor)
    return words ^ words >> np.uint64(31)


def _far_apart(between: Distances, order: list[int]) -> list[int]:
    """Return the first row in an order, and each that is not within the radius of one before."""
    kept: list[int] = []
    near = between <= RADIUS
    for row in order:
        if not near[row, kept].any():
            kept.append(row)
    return kept


def _background(between: Distances) -> Whole:
    return background(np.where(between <= RADIUS, _FAR, between))
