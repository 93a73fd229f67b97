"""How sure a match is: the chance that no unrelated photo of the collection comes as near."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from phash_engine.hashing.views import MatchType
from phash_engine.matching.policy import CERTAIN, CUTOFF

_DISTANCES = (20, 24, 28, 32, 40, 44, 48, 52, 56)
_FALSE_PAIRS = (4.3e-8, 4.9e-7, 2.0e-6, 6.3e-6, 4.1e-5, 9.0e-5, 1.9e-4, 4.0e-4, 8.6e-4)
"""False pairs per pair within each distance of 192 bits, among 92.6 million pairs of look-alikes."""
_FACTOR = 4.0
"""What 4 bits more do to that share on the whole; continues the table below and above."""
_ORIENTATIONS = 8
"""Chances a pair has to come near when pictures are turned and mirrored."""
_VERIFIED = 1.1e-4
"""Share of the false pairs that verification accepts, at most: none of 27,023, at 95 % confidence."""


@lru_cache(maxsize=1024)
def confidence(distance: int, match_type: MatchType, photos: int, score: int | None = None) -> float:
    """Return how sure a match is, 0..1.

    It is the chance that none of the other photos comes as near to a picture without showing it, by the share of false
    pairs measured among look-alikes (products on plain grounds, which come nearer to one another than holiday photos
    do): ``(1 - share) ** (photos - 1)``. Below 20 bits, where next to none was seen, the share is extrapolated. Equal
    digests are certain.

    Parameters
    ----------
    distance
        Bits of 192.
    match_type
        Any but ``IDENTICAL`` and ``SIMILAR`` had the chances of all orientations, and ``VERIFIED`` was accepted by
        verification too, whatever its score.
    photos
        How many were compared.
    score
        The score, by which pairs that are not very near are as likely as :func:`false_share_by_score` returns.

    Examples
    --------
    >>> confidence(0, MatchType.IDENTICAL, 1_000_000), round(confidence(24, MatchType.SIMILAR, 10_000), 3)
    (1.0, 0.995)
    """
    if match_type == MatchType.IDENTICAL:
        return 1.0
    share = (1 if match_type == MatchType.SIMILAR else _ORIENTATIONS) * false_share(distance)
    if match_type == MatchType.VERIFIED:
        share *= _VERIFIED
    elif score is not None and distance > CERTAIN:
        share = false_share_by_score(score)
    return math.exp(max(photos - 1, 0) * math.log1p(-min(share, 0.5)))


def false_share(distance: int) -> float:
    """Return the share of unrelated pairs of look-alikes that are within a distance of 192 bits, 0..1."""
    if distance < _DISTANCES[0]:
        return _FALSE_PAIRS[0] * math.pow(_FACTOR, (distance - _DISTANCES[0]) / 4)
    if distance > _DISTANCES[-1]:
        return min(_FALSE_PAIRS[-1] * math.pow(_FACTOR, (distance - _DISTANCES[-1]) / 4), 1.0)
    return math.exp(float(np.interp(distance, _DISTANCES, np.log(_FALSE_PAIRS))))


def false_share_by_score(score: int) -> float:
    """Return the share of unrelated pairs whose score is as low, 0..1.

    Of 10 million pairs of photos laid on one floor 4e-7 are within -9, 1e-5 within -6, 4e-5 within -3 and 1e-4 within
    -1: ten times as many for 4.5 bits more.
    """
    return min(1e-6 * math.pow(10, (score - CUTOFF) / 4.5), 1.0)
