"""What decides whether two pictures are near: one radius for all, or how far they fall below their backgrounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.adaptive import LARGEST, SURE
from phash_engine.rules import RADIUS

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
        Whether it was measured on the user's own photos.
    """

    radius: int = RADIUS
    cutoff: int | None = None
    calibrated: bool = False

    @classmethod
    def adaptive(cls, cutoff: int, *, calibrated: bool = False) -> Criterion:
        """Return the criterion of a cutoff."""
        return cls(SURE, cutoff, calibrated)

    @property
    def reach(self) -> int:
        """The largest distance that may be accepted."""
        return self.radius if self.cutoff is None else max(self.radius, LARGEST + self.cutoff)

    def accepts(self, distances: Whole, scores: Whole) -> NDArray[np.bool_]:
        """Return which pairs are near, by their distances and scores."""
        near: NDArray[np.bool_] = distances <= self.radius
        return near if self.cutoff is None else near | (scores <= self.cutoff)

    def __str__(self) -> str:
        told = f"radius {self.radius}" if self.cutoff is None else f"score <= {self.cutoff} (adaptive)"
        return f"{told}, as calibrated" if self.calibrated else told
