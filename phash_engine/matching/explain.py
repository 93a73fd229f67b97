"""Two pictures → how near they are in each way of looking, and under which settings they match."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from phash_engine import images
from phash_engine.hashing import codes, orientation, quality
from phash_engine.hashing.views import MatchType
from phash_engine.matching.cohort import WEIGHT
from phash_engine.matching.policy import CANDIDATE_RADIUS, CERTAIN, CUTOFF, DEFAULT_RADIUS
from phash_engine.matching.search import Comparison, compare, read_query
from phash_engine.matching.verification import keypoints
from phash_engine.matching.verification.verify import Evidence, Picture, finding, look

_BACKGROUND_OF_PHOTOS = 43
"""What ``cohort.cohort_mean`` finds for the median of 600 different photos; look-alikes have 20."""


class Side(NamedTuple):
    """What can be told of one picture: its gradient quality, its detail, and whether its codes are trusted."""

    quality: int
    detail: float
    trusted: bool


class Setting(NamedTuple):
    """A setting, as the command line calls it; whether two pictures match under it, and by what."""

    name: str
    match: bool
    reason: str


class Explanation(NamedTuple):
    """What can be told of two pictures.

    Attributes
    ----------
    upright, rotations
        Distance in bits of the whole pictures as they are, and as they are nearest when turned or mirrored.
    trimmed
        Distance in bits of the nearest of their views, as these are nearest when turned or mirrored: beside the whole
        pictures what is inside their uniform borders. None where neither has a border.
    a, b
        What can be told of either.
    evidence, finding
        What a second look saw, and what it would say: see ``verify.Verdict``.
    settings
        The defaults first; ``--trust-all`` is among them where a picture needs it.
    """

    upright: int
    rotations: int
    trimmed: int | None
    a: Side
    b: Side
    evidence: Evidence
    finding: str
    settings: tuple[Setting, ...]


def explain(a: images.Source, b: images.Source) -> Explanation:
    """Tell under which settings two pictures match.

    Raises
    ------
    ImageError
        One of them cannot be read.
    """
    tables = [read_query(source)[2].codes for source in (a, b)]
    upright = int(codes.distances(*(orientation.upright(table[:1]) for table in tables)).sum())
    nearest = [orientation.distance(one, other)[0] for one, other in product(*tables)]
    usual = compare(a, b)
    evidence, verdict = _second_look(Picture(a), Picture(b), near=usual.distance <= DEFAULT_RADIUS)
    settings = tuple(_settings(a, b, usual, verdict))
    trimmed = min(nearest) if len(nearest) > 1 else None
    return Explanation(upright, nearest[0], trimmed, _side(a), _side(b), evidence, verdict, settings)


def _side(source: images.Source) -> Side:
    blocks = images.read_block(source)[np.newaxis]
    gradient, detail = quality.gradient_quality(blocks), quality.detail(blocks)
    return Side(int(gradient[0]), float(detail[0]), bool(quality.is_trusted(gradient, detail)[0]))


def _second_look(a: Picture, b: Picture, *, near: bool) -> tuple[Evidence, str]:
    """Look at pixels and points alike, and judge as for a pair that is near or not."""
    evidence = look(a, b, near=True)
    if evidence.inliers is None and keypoints.available():
        evidence = evidence._replace(inliers=look(a, b, near=False).inliers)
    return evidence, finding(evidence, near=near)


def _settings(a: images.Source, b: images.Source, usual: Comparison, verdict: str) -> Iterator[Setting]:
    yield _by_radius("the defaults", usual)
    yield _by_radius("--no-rotations", compare(a, b, rotations=False))
    if usual.match_type is None:
        yield _by_radius("--trust-all", compare(a, b, trust_all=True))
    if usual.match_type in _ALWAYS:
        return
    distance = usual.distance
    yield Setting("--radius", True, f"from {distance} on")
    if distance <= CANDIDATE_RADIUS:
        yield Setting("--verify", verdict == "copy", verdict)
    else:
        yield Setting("--verify", False, f"{distance} bits, and it looks at no more than {CANDIDATE_RADIUS}")
    yield _by_score(distance)


def _by_score(distance: int) -> Setting:
    if distance <= CERTAIN:
        return Setting("adaptive score", True, f"{distance} bits, up to {CERTAIN} always match")
    strangers, usual = round((distance - CUTOFF) / WEIGHT), round(_BACKGROUND_OF_PHOTOS / WEIGHT)
    match = distance - _BACKGROUND_OF_PHOTOS <= CUTOFF
    return Setting("adaptive score", match, f"takes strangers {strangers} bits away; among photos they are {usual}")


def _by_radius(name: str, found: Comparison) -> Setting:
    if found.match_type in _ALWAYS:
        match, reason = _ALWAYS[found.match_type]
        return Setting(name, match, reason)
    return Setting(name, found.distance <= DEFAULT_RADIUS, f"{found.distance} bits, radius {DEFAULT_RADIUS}")


_ALWAYS = {MatchType.IDENTICAL: (True, "the same bytes"), None: (False, "too little structure to tell by")}
"""Rules that leave the distance out of it: whether such pictures match, and the reason."""
