"""Ranking of matches by measures of their photos: size in pixels, sharpness and others; ranges of these."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from phash_engine.catalogue import Photo, Store
from phash_engine.images import Traits
from phash_engine.matching.search import Match

DIAGONAL: Final = 17.6
"""Inches of a screen that a picture fills."""

_OF_HEADER: Final[dict[str, Callable[[Photo], float]]] = {
    "pixels": lambda photo: photo.width * photo.height,
    "aspect": lambda photo: photo.width / photo.height,
    "size": lambda photo: photo.size,
    "ppi": lambda photo: math.hypot(photo.width, photo.height),  # for a diagonal of one inch
}
OF_PIXELS: Final = ("entropy", "gradient")
"""Entropy of the luma in bits; ``quality.mean_gradient``. The scan measures them."""
MEASURES: Final = (*_OF_HEADER, *OF_PIXELS)
"""First pixels; width over height; bytes; pixels per inch."""


class Range(NamedTuple):
    """One of :data:`MEASURES` and its least and largest accepted value."""

    measure: str
    least: float = -math.inf
    most: float = math.inf


class MeasuredMatch(NamedTuple):
    """A match and the measures of its photo; NaN for those unknown, since the file was not read."""

    match: Match
    measures: dict[str, float]


def measure_matches(
    matches: Sequence[Match], store: Store | None = None, *, diagonal: float = DIAGONAL
) -> list[MeasuredMatch]:
    """Return the measures of the photos of matches.

    Parameters
    ----------
    matches
        As ``search.find`` returns them.
    store
        The catalogue they were found in, for the measures of :data:`OF_PIXELS`; None to leave these out.
    diagonal
        Inches of the screen that a picture fills, above 0, for "ppi".
    """
    measures = [_of_photo(match.photo, diagonal) for match in matches]
    if store is not None:
        known = store.traits.of([match.photo.content_id for match in matches])
        of_pixels = [_of_pixels(known.get(match.photo.content_id, Traits())) for match in matches]
        measures = [of_photo | more for of_photo, more in zip(measures, of_pixels, strict=True)]
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


def _of_photo(photo: Photo, diagonal: float) -> dict[str, float]:
    if not photo.width * photo.height:
        return dict.fromkeys(_OF_HEADER, math.nan)
    measures = {name: of_photo(photo) for name, of_photo in _OF_HEADER.items()}
    return measures | {"ppi": measures["ppi"] / diagonal}


def _of_pixels(traits: Traits) -> dict[str, float]:
    measured = dict(zip(OF_PIXELS, (traits.entropy, traits.sharpness), strict=True))
    return {name: math.nan if value is None else value for name, value in measured.items()}
