"""The views of a picture: framings that have a fingerprint of their own, by name."""

from __future__ import annotations

from typing import NamedTuple

from phash_engine.hashing.rules import RULES

FULL = "full"
TRIMMED = "trimmed"
CROP, FRAME = "crop", "frame"
"""Kinds of which a picture may have several views: ``crop:1``, ``frame:30``."""

VIEWS = 1
"""Number of the definition of borders and crops: pictures whose views were made by another are read again."""

_SIDE_CUTS = (8, 16)
_CENTRE_CUTS = (4, 8, 12, 16)


class Wanted(NamedTuple):
    """Which views are made of a picture besides ``full`` and ``trimmed``: crops; so many frames of an animation."""

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
"""Without a part of one side, or of all four: 12 crops, a set that turns and mirrors into itself."""


def frame(number: int) -> str:
    """Return the name of a further frame of an animation, or page of a file, counted from 0."""
    return f"{FRAME}:{number}"


def kind(view: str) -> str:
    """Return what a view is one of: ``full``, ``trimmed``, ``frame`` or ``crop``."""
    return view.partition(":")[0]


def rank(view: str) -> int:
    """Return the position in ``RULES`` of the plainest rule by which a view can match."""
    return RULES.index(_RULES[kind(view)])


_RULES = {FULL: "code", TRIMMED: "trimmed", FRAME: "frame", CROP: "crop"}
