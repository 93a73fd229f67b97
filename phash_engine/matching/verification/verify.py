"""A second look at pairs of pictures: at their pixels where the codes say yes, at their points where they say perhaps.

Pairs within the radius are copies unless something was drawn into one of them, or its colours were changed. Pairs
beyond it, up to ``policy.CANDIDATE_RADIUS``, are copies if their points agree on one homography (extra ``verify``), and
then by the same pixels. Whatever can no longer be read stays as the distance says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import _files, images
from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue.store import Store
from phash_engine.errors import ImageError
from phash_engine.hashing import border, hashers, orientation, quality
from phash_engine.matching.policy import CANDIDATE_RADIUS
from phash_engine.matching.verification import keypoints, similarity
from phash_engine.matching.verification.alignment import LUMA

LEAST_INLIERS = 12
"""Pairs of different photos have 7 at most, pages of print 8; 99 % of crops, turns and prints within the band more."""

FITS = 0.9
"""Correlation from which on two pictures are taken to lie on one another, so that what differs is a difference."""

MOST_CHANGE = 25.0
"""1 copy in 500 that was only compressed, scaled, cropped, filtered or toned has more; 9 in 10 with a line drawn in."""

LEAST_COLOUR = 0.5
"""Turning all hues by 60 degrees gives 0.5. Grey, sepia, white balance and saturation stay above."""

VERSION = 2
"""Number of what is measured and how; evidence of another is gathered anew."""

_REMEMBERED = 128
_COMMIT = 256


class Evidence(NamedTuple):
    """What was seen of a pair: None is what was not looked at. See ``similarity.Likeness`` for the last three."""

    inliers: int | None = None
    correlation: float | None = None
    change: float | None = None
    colour: float | None = None


class Verdict(NamedTuple):
    """Whether a pair matches, why, and on what evidence.

    ``finding`` is "copy", "changed" (something was drawn in), "recoloured", "unlike" (neither points nor pixels agree),
    or "unseen" (a file could not be read again: the distance alone decides, and there is no evidence).
    """

    match: bool
    finding: str
    evidence: Evidence | None


class Picture:
    """A picture at the size in which it is looked at, with its codes; points are found when they are asked for.

    Parameters and errors are those of ``images.read_pixels``.
    """

    def __init__(self, source: images.Source, name: str | None = None) -> None:
        self.pixels = images.read_pixels(source, similarity.LONGER_SIDE, name)
        block = images.read_block(self.pixels)[np.newaxis]
        self.codes = hashers.hash_blocks(block)[0]
        self.is_trusted = bool(quality.is_trusted(quality.gradient_quality(block), quality.detail(block))[0])
        self._features: dict[int, tuple[keypoints.Features, tuple[int, ...]]] = {}

    @cached_property
    def views(self) -> tuple[Picture, ...]:
        """The picture, and what is inside its uniform border where that has structure to tell by."""
        luma = np.rint(self.pixels @ LUMA)
        box = border.inside(lambda left, top, right, bottom: luma[top:bottom, left:right], *luma.shape[::-1])
        if box is None:
            return (self,)
        left, top = (-(-edge // border.FINE) for edge in box[:2])
        right, bottom = (edge // border.FINE for edge in box[2:])
        inside = Picture(np.ascontiguousarray(self.pixels[top:bottom, left:right]))
        return (self, inside) if inside.is_trusted else (self,)

    def turned(self, number: int) -> NDArray[np.uint8]:
        """Return the pixels as seen upright under an orientation."""
        return np.ascontiguousarray(orientation.turn(self.pixels, number))

    def features(self, number: int) -> tuple[keypoints.Features, tuple[int, ...]]:
        """Return the points under an orientation, and the shape of the picture in which they were found."""
        if number not in self._features:
            pixels = images.read_pixels(self.turned(number), keypoints.LONGER_SIDE)
            self._features[number] = keypoints.features(pixels), pixels.shape
        return self._features[number]


class Subject(NamedTuple):
    """A side of a pair: the digest of its bytes and the files that may have them, or the picture itself."""

    digest: bytes | None
    paths: tuple[str, ...]
    picture: Picture | None = None


class Candidate(NamedTuple):
    """A pair to look at; ``near`` is whether its distance is within the radius."""

    a: Subject
    b: Subject
    near: bool


def look(a: Picture, b: Picture, *, near: bool) -> Evidence:
    """Look at two pictures, or at what is inside their borders, turned: as their codes are nearest.

    Notes
    -----
    Cost: about 100 ms where pixels are compared; where points alone are, 2 ms and 3 ms for each picture first met.
    """
    a, b, turn = _facing(a, b)
    pixels = a.turned(turn)
    alike = similarity.compare(pixels, b.pixels) if near else None
    if (alike and alike.correlation >= FITS) or not keypoints.available():
        return Evidence(None, *(alike or ()))
    (points_a, shape_a), (points_b, shape_b) = a.features(turn), b.features(1)
    found = keypoints.agreement(points_a, points_b)
    if found.homography is not None and found.inliers >= LEAST_INLIERS:
        moved = similarity.compare(pixels, b.pixels, keypoints.as_map(found.homography, shape_a, shape_b))
        alike = moved if alike is None else max(alike, moved)
    return Evidence(found.inliers, *(alike or ()))


def agreement(a: Picture, b: Picture) -> int:
    """Count the points of two pictures that agree, as :func:`look` does, without a look at the pixels."""
    a, b, turn = _facing(a, b)
    return keypoints.inliers(a.features(turn)[0], b.features(1)[0])


def _facing(a: Picture, b: Picture) -> tuple[Picture, Picture, int]:
    """Return the views of two pictures whose codes are nearest, and the orientation of the first that makes them so."""
    ways = ((*orientation.distance(one.codes, other.codes), one, other) for one, other in product(a.views, b.views))
    _, turn, a, b = min(ways, key=lambda way: way[0])
    return a, b, turn


def judged(a: Picture, b: Picture, *, near: bool) -> Verdict:
    """Look at two pictures, and say whether they match."""
    return _verdict(look(a, b, near=near), near)


def finding(evidence: Evidence, *, near: bool) -> str:
    """Return what evidence says of a pair: see :class:`Verdict`."""
    inliers, correlation, change, colour = evidence
    agree = inliers is not None and inliers >= LEAST_INLIERS
    if not near and not agree:
        return "unlike"
    if correlation is not None and change is not None and colour is not None and correlation >= FITS:
        if colour < LEAST_COLOUR:
            return "recoloured"
        return "changed" if change > MOST_CHANGE else "copy"
    return "copy" if agree or inliers is None else "unlike"


class Verifier:
    """Looks at pairs on several threads, and remembers in the catalogue what it saw.

    Parameters
    ----------
    catalogue
        An open catalogue; only the calling thread writes to it.
    progress
        Called with the number of pairs done and the number to do.

    Attributes
    ----------
    unseen
        How many pairs could not be looked at so far, because a file is gone, has changed or cannot be read.
    """

    def __init__(self, catalogue: Store, progress: Callable[[int, int], None] | None = None) -> None:
        self.unseen = 0
        self._catalogue = catalogue
        self._progress = progress
        self._picture = lru_cache(_REMEMBERED)(_read)

    def reach(self, radius: int) -> int:
        """Return how far apart candidates may be: without OpenCV only what is within the radius can be looked at."""
        return max(radius, CANDIDATE_RADIUS) if keypoints.available() else radius

    def judge(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Look at all candidates that were not looked at before; return a verdict on each, in their order."""
        evidence = [self._remembered(candidate) for candidate in candidates]
        missing = [number for number, seen in enumerate(evidence) if seen is None]
        fresh: list[tuple[object, ...]] = []
        looks = in_threads(self._look, [candidates[number] for number in missing], available_threads())
        try:
            for done, (number, seen) in enumerate(zip(missing, looks, strict=True), start=1):
                evidence[number] = seen
                digests = _digests(candidates[number])
                if seen and digests:
                    fresh.append((*digests, VERSION, *seen))
                if len(fresh) == _COMMIT:
                    self._catalogue.evidence.add(fresh)
                    fresh = []
                if self._progress:
                    self._progress(done, len(missing))
        finally:
            if fresh:
                self._catalogue.evidence.add(fresh)
        self.unseen += sum(seen is None for seen in evidence)
        return [_verdict(seen, candidate.near) for seen, candidate in zip(evidence, candidates, strict=True)]

    def _remembered(self, candidate: Candidate) -> Evidence | None:
        digests = _digests(candidate)
        seen = Evidence(*self._catalogue.evidence.of(*digests, VERSION)) if digests else Evidence()
        return seen if _suffices(seen, near=candidate.near) else None

    def _look(self, candidate: Candidate) -> Evidence | None:
        sides = sorted(candidate[:2], key=lambda side: side.digest or b"")  # the same evidence from either side
        a, b = (side.picture or self._picture(side) for side in sides)
        return None if a is None or b is None else look(a, b, near=candidate.near)


def _read(subject: Subject) -> Picture | None:
    """Read the first file that still has the bytes; None if there is none."""
    for path in subject.paths:
        try:
            _, data = _files.read(path)
            if subject.digest in (None, _files.digest(data)):
                return Picture(data, path)
        except ImageError:
            continue
    return None


def _digests(candidate: Candidate) -> tuple[bytes, bytes] | None:
    """Return the digests of both sides, the lower first; None if one is not known."""
    a, b = candidate.a.digest, candidate.b.digest
    return None if a is None or b is None else (min(a, b), max(a, b))


def _suffices(seen: Evidence, *, near: bool) -> bool:
    """Whether no more could be seen of the pair today."""
    if not near or (seen.correlation is not None and seen.correlation < FITS and keypoints.available()):
        return seen.inliers is not None
    return seen.correlation is not None


def _verdict(seen: Evidence | None, near: bool) -> Verdict:
    if seen is None:
        return Verdict(near, "unseen", None)
    found = finding(seen, near=near)
    return Verdict(found == "copy", found, seen)
