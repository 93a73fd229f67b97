"""Ranking of matches by measures of their photos: size in pixels, sharpness and others; ranges of these."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from phash_engine import images
from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue import Photo
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
OF_PIXELS: Final = ("entropy", "gradient")
"""Entropy of the luma in bits; ``quality.mean_gradient``. To compute them the file is read."""
MEASURES: Final = (*_STORED, *OF_PIXELS)
"""First pixels; width over height; bytes; pixels per inch."""
_LONGER_SIDE = 512


class Range(NamedTuple):
    """One of :data:`MEASURES` and its least and largest accepted value."""

    measure: str
    least: float = -math.inf
    most: float = math.inf


class MeasuredMatch(NamedTuple):
    """A match and the measures of its photo; NaN for those unknown, since the file or its size is missing."""

    match: Match
    measures: dict[str, float]


def measure_matches(
    matches: Sequence[Match], *, diagonal: float = DIAGONAL, read_files: bool = False
) -> list[MeasuredMatch]:
    """Measure the photos of matches.

    Parameters
    ----------
    matches
        As ``search.find`` returns them.
    diagonal
        Inches of the screen that a picture fills, above 0, for "ppi".
    read_files
        Whether each file is read, at 512 pixels, for the measures of :data:`OF_PIXELS`.
    """
    measures = [_stored(match.photo, diagonal) for match in matches]
    if read_files:
        of_pixels = in_threads(_of_pixels, [match.path for match in matches], available_threads())
        measures = [stored | computed for stored, computed in zip(measures, of_pixels, strict=True)]
    return list(map(MeasuredMatch, matches, measures))


def select_matches(rows: Sequence[MeasuredMatch], ranges: Sequence[Range]) -> list[MeasuredMatch]:
    """Return the matches within every range; an unknown measure is in none."""
    return [row for row in rows if all(each.least <= row.measures[each.measure] <= each.most for each in ranges)]


def sort_matches(rows: Sequence[MeasuredMatch], measure: str, target: float = math.inf) -> list[MeasuredMatch]:
    """Sort matches by a measure, the highest or the nearest to a target first; stable, unknown measures last."""

    def key(row: MeasuredMatch) -> float:
        value = row.measures[measure]
        return math.inf if math.isnan(value) else -value if target == math.inf else abs(value - target)

    return sorted(rows, key=key)


def _stored(photo: Photo, diagonal: float) -> dict[str, float]:
    if not photo.width * photo.height:
        return dict.fromkeys(_STORED, math.nan)
    measures = {name: of_photo(photo) for name, of_photo in _STORED.items()}
    return measures | {"ppi": measures["ppi"] / diagonal}


def _of_pixels(path: str) -> dict[str, float]:
    try:
        luma = images.read_pixels(path, _LONGER_SIDE) @ LUMA
    except ImageError:
        return dict.fromkeys(OF_PIXELS, math.nan)
    steps = np.rint(luma * LUMA_STEPS).astype(np.uint16)
    return dict(zip(OF_PIXELS, (quality.entropy(steps), quality.mean_gradient(luma)), strict=True))
