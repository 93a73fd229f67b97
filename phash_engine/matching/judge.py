"""Close pairs of contents → those that are near: by one radius, or by adaptive scores where there are photos enough."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from phash_engine.hashing.rules import RULES
from phash_engine.matching.cohort import strangers
from phash_engine.matching.pairs import ContentPairs, ViewCodes
from phash_engine.matching.policy import Calibration, Criterion
from phash_engine.matching.scores import SURE, adaptive_scores, cutoff

Whole = NDArray[np.int64]


class Judge:
    """Judges the pairs of one collection.

    Parameters
    ----------
    views
        All views of the collection.
    contents
        Number of its contents, with views or without.
    radius
        Largest accepted distance in bits; None for what suits the collection.
    band
        How far apart pairs may be that a second look is taken at, or 0.
    calibration
        What was measured on this collection, if it was; a radius goes before.

    Attributes
    ----------
    criterion
        What pairs are judged by.
    reach
        How far apart pairs may be that are worth a judgement.
    compared
        How many contents have views.
    """

    def __init__(
        self, views: ViewCodes, contents: int, radius: int | None, band: int, calibration: Calibration | None = None
    ) -> None:
        self.compared = len(np.unique(views.numbers))
        self._views, self._contents, self._band = views, contents, band
        self._strangers = strangers(views) if radius is None else None
        if radius is not None:
            self.criterion = Criterion(radius)
        elif calibration is not None:
            self.criterion = calibration.criterion(adaptive=self._strangers is not None)
        else:
            self.criterion = Criterion(SURE, cutoff(self.compared)) if self._strangers else Criterion()
        self.reach = max(self.criterion.reach, band)

    def judged(self, pairs: ContentPairs) -> tuple[ContentPairs, Whole]:
        """Return the pairs that are near, and the others in the band with the rule "verified"; and backgrounds.

        The backgrounds are those of contents that have such a pair, by number, int64; 0 for all others, and where the
        distance alone decides.
        """
        backgrounds = np.zeros(self._contents, dtype=np.int64)
        if self._strangers:
            involved = np.zeros(self._contents, dtype=np.bool_)
            involved[pairs.left] = involved[pairs.right] = True
            views = self._views.select(involved[self._views.numbers])
            backgrounds = self._strangers.backgrounds(views, self._contents)
        near = self.criterion.accepts(
            pairs.distances,
            adaptive_scores(pairs.distances, backgrounds[pairs.left], backgrounds[pairs.right]),
        )
        rules = np.where(near, pairs.rules, RULES.index("verified"))
        return pairs._replace(rules=rules).where(near | (pairs.distances <= self._band)), backgrounds
