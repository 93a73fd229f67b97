"""What groups and matches are in words: why a photo is kept, how near another one is."""

from __future__ import annotations

from typing import Final

from phash_engine.grouping.keep_rules import Reason
from phash_engine.hashing.views import MatchType
from phash_engine.matching.policy import CERTAIN
from phash_engine.reports.numbers import size

_KEPT: Final = {
    "pixels": "most pixels",
    "exif": "EXIF of a camera",
    "quality": "highest JPEG quality",
    "size": "largest file",
    "oldest": "taken first",
    "newest": "taken last",
    "shortest-path": "shortest path",
    "sharpness": "sharpest",
    "format": "format of an original",
    "reference": "in a reference folder",
    "path": "first by path",
}


def reason(why: Reason) -> str:
    """Return why a photo is kept: ``largest file (41.8 kB; next 41.1 kB)``."""
    if why.rule == "reference":
        return _KEPT[why.rule]
    keeper, other = why.keeper, why.other
    if why.rule == "size":
        shorter = [size(int(text.removesuffix(" bytes"))) for text in (keeper, other)]
        keeper, other = shorter if shorter[0] != shorter[1] else (keeper, other)
    return f"{_KEPT.get(why.rule, why.rule)} ({keeper}; next {other})"


def match(match_type: MatchType, distance: int) -> str:
    """Return how two photos match: ``very similar (3 of 192 bits)``.

    Examples
    --------
    >>> match(MatchType.SIMILAR, 20), match(MatchType.IDENTICAL, 0)
    ('similar (20 of 192 bits)', 'identical')
    """
    if match_type == MatchType.IDENTICAL:
        return str(match_type)
    very = "very " if match_type == MatchType.SIMILAR and distance <= CERTAIN else ""
    return f"{very}{match_type} ({distance} of 192 bits)"
