"""What decides whether two pictures are near: one radius for all, or how far they fall below their backgrounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue.store import Store
from phash_engine.hashing.rules import RADIUS
from phash_engine.matching.scores import LARGEST, SURE
from phash_engine.matching.tail import BITS

_SETTING = "calibration"

Whole = NDArray[np.int64]


class Criterion(NamedTuple):
    """The radius or, where there is a cutoff, the adaptive score that pairs are judged by.

    Attributes
    ----------
    radius
        Largest accepted distance in bits; beside a cutoff the one that is accepted whatever the score.
    cutoff
        Largest accepted score; None where the distance alone decides.
    calibrated
        The number of the user's own contents that it was measured on; 0 for a default or a wish.
    """

    radius: int = RADIUS
    cutoff: int | None = None
    calibrated: int = 0

    @property
    def reach(self) -> int:
        """The largest distance that may be accepted."""
        return self.radius if self.cutoff is None else max(self.radius, min(LARGEST + self.cutoff, BITS))

    def accepts(self, distances: Whole, scores: Whole) -> NDArray[np.bool_]:
        """Return which pairs are near, by their distances and scores."""
        near: NDArray[np.bool_] = distances <= self.radius
        return near if self.cutoff is None else near | (scores <= self.cutoff)

    @property
    def told(self) -> str:
        """What decides, for people."""
        return f"radius {self.radius}" if self.cutoff is None else f"score <= {self.cutoff} (adaptive)"

    def __str__(self) -> str:
        told = self.told
        return f"{told}, as calibrated on {self.calibrated} photos" if self.calibrated else told


class Calibration(NamedTuple):
    """What a collection is judged by from now on.

    Attributes
    ----------
    contents
        How many it was measured on.
    radius
        Largest accepted distance in bits, where too few contents are compared for scores.
    cutoff
        Largest accepted score; None where they were too few.
    sure
        Distance to accept whatever the score.
    """

    contents: int
    radius: int
    cutoff: int | None = None
    sure: int = SURE

    def criterion(self, *, adaptive: bool) -> Criterion:
        """Return what decides, by scores or by distances."""
        if adaptive and self.cutoff is not None:
            return Criterion(self.sure, self.cutoff, self.contents)
        return Criterion(self.radius, calibrated=self.contents)

    @classmethod
    def of(cls, catalogue: Store) -> Calibration | None:
        """Return what the photos of a catalogue are judged by since they were measured; None if they never were."""
        stored = catalogue.settings.get(_SETTING)
        return None if stored is None else cls(**stored)


def calibrate(catalogue: Store, calibration: Calibration | None) -> None:
    """Judge the photos of a catalogue by what was measured from now on, or by the defaults again."""
    catalogue.settings.set(_SETTING, calibration and calibration._asdict())
