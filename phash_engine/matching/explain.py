"""How near two pictures are in each comparison, and under which settings they match."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from phash_engine import images
from phash_engine.hashing import codes, orientation
from phash_engine.hashing.views import MatchType
from phash_engine.matching.analyzed import AnalyzedImage, analyzed
from phash_engine.matching.cohort import WEIGHT
from phash_engine.matching.policy import CANDIDATE_RADIUS, CERTAIN, CUTOFF, DEFAULT_RADIUS
from phash_engine.matching.search import Comparison, compare
from phash_engine.matching.verification import Evidence, VerificationImage, finding, keypoints, measure_evidence

_MEAN_OF_PHOTOS = 43
"""``cohort.cohort_mean`` of the median of 600 different photos; look-alikes have 20."""


class Structure(NamedTuple):
    """The structure of a picture: its gradient quality, its detail, and whether its codes are trusted."""

    quality: int
    detail: float
    trusted: bool


class Setting(NamedTuple):
    """A setting, as the command line calls it; whether two pictures match under it, and by what."""

    name: str
    match: bool
    reason: str


class Explanation(NamedTuple):
    """How two pictures compare.

    Attributes
    ----------
    upright, rotations
        Distance in bits of the whole pictures as they are; and the smallest when one is rotated or mirrored, and a
        transparent one is on either ground.
    trimmed
        Smallest distance in bits of their views, the whole pictures and what is inside their uniform borders, rotated
        or mirrored. None where neither has a border.
    a, b
        The two pictures.
    evidence, finding
        What verification measures, and its finding: see ``verification.Verdict``.
    settings
        The defaults first; ``--trust-all`` is among them where a picture needs it.
    """

    upright: int
    rotations: int
    trimmed: int | None
    a: Structure
    b: Structure
    evidence: Evidence
    finding: str
    settings: tuple[Setting, ...]


def explain(a: images.Source | AnalyzedImage, b: images.Source | AnalyzedImage) -> Explanation:
    """Return under which settings two pictures match.

    Raises
    ------
    ImageError
        One of them cannot be read.
    """
    a, b = analyzed(a), analyzed(b)
    all_codes = a.query.codes, b.query.codes
    upright = int(codes.distances(*(orientation.upright(views[:1]) for views in all_codes)).sum())
    nearest = [orientation.rotated_distance(one, other)[0] for one, other in product(*all_codes)]
    kinds = [max(pair) for pair in product(a.query.views, b.query.views)]
    usual = compare(a, b)
    evidence, found = _measured(a.pixels, b.pixels, near=usual.distance <= DEFAULT_RADIUS)
    settings = tuple(_settings(a, b, usual, found))
    whole = min(distance for distance, kind in zip(nearest, kinds, strict=True) if kind == MatchType.SIMILAR)
    trimmed = min(nearest) if MatchType.TRIMMED in kinds else None
    return Explanation(upright, whole, trimmed, _structure(a), _structure(b), evidence, found, settings)


def _structure(image: AnalyzedImage) -> Structure:
    return Structure(image.quality, image.detail, image.query.is_trusted)


def _measured(a: VerificationImage, b: VerificationImage, *, near: bool) -> tuple[Evidence, str]:
    """Compare pixels and keypoints alike, and return the finding for a pair that is near or not."""
    evidence = measure_evidence(a, b, near=True)
    if evidence.inliers is None and keypoints.has_opencv():
        evidence = evidence._replace(inliers=measure_evidence(a, b, near=False).inliers)
    return evidence, finding(evidence, near=near)


def _settings(a: AnalyzedImage, b: AnalyzedImage, usual: Comparison, found: str) -> Iterator[Setting]:
    yield _by_radius("the defaults", usual)
    yield _by_radius("--no-rotations", compare(a, b, rotations=False))
    if usual.match_type is None:
        yield _by_radius("--trust-all", compare(a, b, trust_all=True))
    if usual.match_type in _ALWAYS:
        return
    distance = usual.distance
    yield Setting("--radius", True, f"from {distance} on")
    if distance <= CANDIDATE_RADIUS:
        yield Setting("--verify", found == "copy", found)
    else:
        yield Setting("--verify", False, f"{distance} bits; pairs are verified up to {CANDIDATE_RADIUS}")
    yield _by_score(distance)


def _by_score(distance: int) -> Setting:
    if distance <= CERTAIN:
        return Setting("adaptive score", True, f"{distance} bits, up to {CERTAIN} always match")
    impostors, usual = round((distance - CUTOFF) / WEIGHT), round(_MEAN_OF_PHOTOS / WEIGHT)
    match = distance - _MEAN_OF_PHOTOS <= CUTOFF
    return Setting("adaptive score", match, f"takes impostors {impostors} bits away; among photos they are {usual}")


def _by_radius(name: str, found: Comparison) -> Setting:
    if found.match_type in _ALWAYS:
        match, reason = _ALWAYS[found.match_type]
        return Setting(name, match, reason)
    return Setting(name, found.distance <= DEFAULT_RADIUS, f"{found.distance} bits, radius {DEFAULT_RADIUS}")


_ALWAYS = {MatchType.IDENTICAL: (True, "the same bytes"), None: (False, "too little structure")}
"""Match types that do not depend on the distance: whether such pictures match, and the reason."""
