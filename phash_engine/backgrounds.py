"""Views of contents → how near strangers come to each: what the adaptive score takes off distances.

Strangers are up to 500 contents of the same collection, chosen by their codes alone, whatever the order of scanning.
Copies among them would make a picture look common. So no two strangers are within the default radius of one another (a
burst counts as one of its shots), and those within it of a picture are no strangers to that picture.

Backgrounds are computed whenever they are wanted, which takes about as long as reading them from a file would; so they
are always those of the photos that are compared, however the collection grew.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from phash_engine.adaptive import background
from phash_engine.content_distances import Distances, blocks, distances
from phash_engine.content_pairs import ViewCodes
from phash_engine.hamming.threads import available_threads, in_threads
from phash_engine.rules import RADIUS

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
        All views of a collection.
    """

    def __init__(self, views: ViewCodes) -> None:
        asking = views.asking()
        chosen = sample(asking, MOST)
        keep = _far_apart(distances(chosen, chosen))
        self._views = chosen.select(np.isin(chosen.numbers, np.unique(chosen.numbers)[keep]))
        self.suffice = len(np.unique(asking.numbers)) >= FEWEST and 2 * len(keep) >= FEWEST

    def backgrounds(self, views: ViewCodes) -> tuple[Whole, Whole]:
        """Return the numbers of contents, ascending, and their backgrounds in whole bits, both int64.

        Notes
        -----
        Costs some 22,000 word comparisons for each content.
        """

        def of_block(block: ViewCodes) -> Whole:
            return _background(distances(block, self._views))

        asking = views.asking()
        parts = in_threads(of_block, blocks(asking), available_threads())
        found = [*parts] if len(asking.numbers) else []
        return np.unique(asking.numbers), np.concatenate([np.empty(0, dtype=np.int64), *found])


def backgrounds(views: ViewCodes, contents: int) -> Whole | None:
    """Return the background of each of so many contents, int64 ``(contents,)``, 0 of those without views.

    None where they are too few, or too like one another, to tell.
    """
    if len(np.unique(views.numbers)) < FEWEST:
        return None
    strangers = Strangers(views)
    if not strangers.suffice:
        return None
    found = np.zeros(contents, dtype=np.int64)
    numbers, values = strangers.backgrounds(views)
    found[numbers] = values
    return found


def sample(views: ViewCodes, most: int) -> ViewCodes:
    """Return the views of at most so many contents, chosen by their codes as if at random."""
    numbers, places = np.unique(views.numbers, return_inverse=True)
    if len(numbers) <= most:
        return views
    keys = np.full(len(numbers), np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(keys, places, _mixed(views.table.sum(axis=1, dtype=np.uint64)))
    return views.select(np.isin(places, np.argsort(keys, kind="stable")[:most]))


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter words over all 64 bits (Steele, Lea & Flood 2014, "Fast Splittable Pseudorandom Number Generators")."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words = (words ^ words >> np.uint64(shift)) * np.uint64(factor)
    return words ^ words >> np.uint64(31)


def _far_apart(between: Distances) -> list[int]:
    """Return rows, the first and each that is not within the radius of one before."""
    kept: list[int] = []
    near = between <= RADIUS
    for row in range(len(between)):
        if not near[row, kept].any():
            kept.append(row)
    return kept


def _background(between: Distances) -> Whole:
    return background(np.where(between <= RADIUS, _FAR, between))
