"""The views of a picture: framings that have a fingerprint of their own, by name; and why two photos match."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class MatchType(IntEnum):
    """Why two photos match, the plainest reason first. ``str`` gives the word that commands and reports use."""

    IDENTICAL = 0
    """Equal bytes."""
    SIMILAR = 1
    """Near codes of the whole pictures."""
    ROTATED = 2
    """Codes that are nearer when one picture is turned or mirrored."""
    TRIMMED = 3
    """Codes that are nearer without a uniform border."""
    FRAME = 4
    """Codes of a further frame of an animation."""
    CROP = 5
    """Codes of a crop."""
    VERIFIED = 6
    """Codes beyond the radius; verification of the pictures accepts them."""

    def __str__(self) -> str:
        return self.name.lower()


FULL = "full"
TRIMMED = "trimmed"
GROUND = "ground"
"""A transparent picture on black, where the full view is it on white: its copies without transparency have either."""
CROP, FRAME = "crop", "frame"
"""Kinds of which a picture may have several views: ``crop:1``, ``frame:30``."""

VIEWS = 1
"""Version of the definition of borders and crops: pictures whose views were made by another are read again."""

_SIDE_CUTS = (8, 16)
_CENTRE_CUTS = (4, 8, 12, 16)


class Wanted(NamedTuple):
    """Which views are made besides ``full``, ``ground`` and ``trimmed``: crops, and how many frames of an animation."""

    crops: bool = False
    frames: int = 0


def _crops() -> dict[str, tuple[int, int, int, int]]:
    """Return crops by name: left, top, right and bottom in percent of width and height."""
    boxes = [
        box
        for cut in _SIDE_CUTS
        for box in ((cut, 0, 100, 100), (0, cut, 100, 100), (0, 0, 100 - cut, 100), (0, 0, 100, 100 - cut))
    ]
    boxes += [(cut, cut, 100 - cut, 100 - cut) for cut in _CENTRE_CUTS]
    return {f"{CROP}:{number}": box for number, box in enumerate(boxes, 1)}


CROPS = _crops()
"""One side, or all four, cut: 12 crops, a set that rotations and mirror images map onto itself."""


def frame(number: int) -> str:
    """Return the name of a further frame of an animation, or page of a file, counted from 0."""
    return f"{FRAME}:{number}"


def kind(view: str) -> str:
    """Return what a view is one of: ``full``, ``ground``, ``trimmed``, ``frame`` or ``crop``."""
    return view.partition(":")[0]


def match_type(view: str) -> MatchType:
    """Return the plainest type by which a view can match."""
    return _MATCH_TYPES[kind(view)]


_MATCH_TYPES = {
    FULL: MatchType.SIMILAR,
    GROUND: MatchType.SIMILAR,
    TRIMMED: MatchType.TRIMMED,
    FRAME: MatchType.FRAME,
    CROP: MatchType.CROP,
}
