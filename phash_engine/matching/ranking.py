"""Matches → the better pictures first, or only those good enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from phash_engine import images
from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue import Photo, Store
from phash_engine.errors import ImageError
from phash_engine.hashing import quality
from phash_engine.hashing.block import LUMA_STEPS
from phash_engine.matching.search import Match
from phash_engine.matching.verification.alignment import LUMA

DIAGONAL: Final = 17.6
"""Inches of a screen that a picture fills."""

_STORED: Final[dict[str, Callable[[Photo], float]]] = {
    "pixels": lambda photo: photo.width * photo.height,
    "aspect": lambda photo: photo.width / photo.height,
    "size": lambda photo: photo.size,
    "ppi": lambda photo: math.hypot(photo.width, photo.height),  # for a diagonal of one inch
}
SEEN: Final = ("entropy", "gradient")
"""Entropy of the luma in bits; ``quality.mean_gradient``."""
MEASURES: Final = (*_STORED, *SEEN)
"""First pixels; width over height; bytes; pixels per inch."""
_SIDE = 512


class Cut(NamedTuple):
    """One of :data:`MEASURES` and its least and largest accepted value."""

    measure: str
    least: float = -math.inf
    most: float = math.inf


class Rated(NamedTuple):
    """A match and the measures of its photo; NaN is what is not known, for want of the file or of its size."""

    match: Match
    measures: dict[str, float]


def rated(matches: Sequence[Match], catalogue: Store, *, diagonal: float = DIAGONAL, look: bool = False) -> list[Rated]:
    """Measure the photos of matches.

    Parameters
    ----------
    matches
        Of photos in the catalogue.
    catalogue
        An open catalogue, which knows the other measures than those of :data:`SEEN`.
    diagonal
        Inches of the screen that a picture fills, above 0, for "ppi".
    look
        Whether each file is read, at 512 pixels, for the measures of :data:`SEEN`.
    """
    known = [_stored(catalogue.photo(match.path), diagonal) for match in matches]
    if look:
        seen = in_threads(_seen, [match.path for match in matches], available_threads())
        known = [stored | own for stored, own in zip(known, seen, strict=True)]
    return [Rated(match, measures) for match, measures in zip(matches, known, strict=True)]


def chosen(found: Sequence[Rated], cuts: Sequence[Cut]) -> list[Rated]:
    """Return those that every cut accepts; a measure that is not known is not accepted."""
    return [one for one in found if all(cut.least <= one.measures[cut.measure] <= cut.most for cut in cuts)]


def ordered(found: Sequence[Rated], measure: str, target: float = math.inf) -> list[Rated]:
    """Return those of the highest measure first, or of that nearest to a target; of equal ones the order stays."""

    def lack(one: Rated) -> float:
        value = one.measures[measure]
        return math.inf if math.isnan(value) else -value if target == math.inf else abs(value - target)

    return sorted(found, key=lack)


def _stored(photo: Photo | None, diagonal: float) -> dict[str, float]:
    if photo is None or not photo.width * photo.height:
        return dict.fromkeys(_STORED, math.nan)
    measures = {name: of_photo(photo) for name, of_photo in _STORED.items()}
    return measures | {"ppi": measures["ppi"] / diagonal}


def _seen(path: str) -> dict[str, float]:
    try:
        luma = images.read_pixels(path, _SIDE) @ LUMA
    except ImageError:
        return dict.fromkeys(SEEN, math.nan)
    steps = np.rint(luma * LUMA_STEPS).astype(np.uint16)
    return dict(zip(SEEN, (quality.entropy(steps), quality.mean_gradient(luma)), strict=True))
