"""The match policy: what decides whether two pictures match, by their distance or by their score."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue.store import Store
from phash_engine.hashing.codes import BITS
from phash_engine.hashing.hashers import DECISION_NAMES

DEFAULT_RADIUS: Final = 24
"""Bits of 192: 5e-7 false pairs per pair among look-alikes, none in 21 million pairs of photos."""
CANDIDATE_RADIUS: Final = 56
"""Bits of 192 up to which verification and re-ranking look at pairs."""
CUTOFF: Final = -10
"""Largest score to accept among up to a thousand pictures, rotations and trimmed views included: at most one false pair
in a million in the quality benchmark, with 600 photos as they are, with half and with all of them laid on one floor."""
CERTAIN: Final = 8
"""Distance to accept whatever the score: none of 4.5 million pairs of photos laid on one floor is as near."""

LARGEST_MEAN: Final = 48
"""Largest cohort mean: that of photos that have no look-alikes, of which hardly any has more. It bounds searches."""
DECISION_BITS: Final = BITS * len(DECISION_NAMES)
"""Largest distance there can be."""

_SETTING = "calibration"

Whole = NDArray[np.int64]


class MatchPolicy(NamedTuple):
    """What decides whether two pictures match.

    Attributes
    ----------
    radius
        Largest accepted distance in bits, 0..192, where there is no cutoff.
    cutoff
        Largest accepted score; None where the distance alone decides.
    certain
        Distance that is accepted whatever the score.
    source
        Where it comes from: "default", "calibration" or "option".
    contents
        The number of the user's own contents that it was measured on; 0 for a default or an option.
    """

    radius: int = DEFAULT_RADIUS
    cutoff: int | None = None
    certain: int = CERTAIN
    source: str = "default"
    contents: int = 0

    @property
    def largest_distance(self) -> int:
        """The largest distance that may be accepted, in bits."""
        if self.cutoff is None:
            return self.radius
        return max(self.certain, min(LARGEST_MEAN + self.cutoff, DECISION_BITS))

    def accepts(self, distances: Whole, scores: Whole) -> NDArray[np.bool_]:
        """Return which pairs match, by their distances and scores."""
        if self.cutoff is None:
            near: NDArray[np.bool_] = distances <= self.radius
            return near
        return (distances <= self.certain) | (scores <= self.cutoff)

    @property
    def limit(self) -> str:
        """What decides, in words."""
        return f"radius {self.radius}" if self.cutoff is None else f"score <= {self.cutoff} (adaptive)"

    def __str__(self) -> str:
        return f"{self.limit}, as calibrated on {self.contents} photos" if self.contents else self.limit


@dataclass(frozen=True)
class Calibration:
    """What the matches of a collection are decided by from now on.

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
    sure: int = CERTAIN

    def __post_init__(self) -> None:
        distances = (self.radius, self.sure, abs(self.cutoff or 0))
        if self.contents < 0 or not 0 <= min(distances) <= max(distances) <= DECISION_BITS:
            raise ValueError(f"{self} has a number out of range")

    def policy(self, *, by_score: bool) -> MatchPolicy:
        """Return what decides, by scores or by distances."""
        cutoff = self.cutoff if by_score else None
        return MatchPolicy(self.radius, cutoff, self.sure, "calibration", self.contents)


def calibration_of(store: Store) -> Calibration | None:
    """Return what was measured on the photos of a catalogue; None if they never were."""
    return store.settings.get(_SETTING, Calibration)


def set_calibration(store: Store, calibration: Calibration | None) -> None:
    """Decide the matches of a catalogue by what was measured from now on, or by the defaults again."""
    store.settings.set(_SETTING, calibration and asdict(calibration))
