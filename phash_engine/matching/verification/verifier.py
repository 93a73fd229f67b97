"""Verification of pairs: by their pixels within the radius, by their keypoints beyond it.

Pairs within the radius are copies unless something was drawn into one of them, or its colours were changed. Pairs
beyond it, up to ``policy.CANDIDATE_RADIUS``, are copies if their points agree on one homography (extra ``verify``), and
then by the same pixels. Of files that can no longer be read the distance decides.
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
"""Different photos have 7 at most, pages of print 8; of crops, rotations and prints within the candidate radius 99 %
have more."""

FITS = 0.9
"""Correlation from which on two pictures are taken to be aligned, so that what differs is a difference."""

MOST_CHANGE = 25.0
"""1 copy in 500 that was only compressed, scaled, cropped, filtered or toned has more; 9 in 10 with a line drawn in."""

LEAST_COLOUR = 0.5
"""Turning all hues by 60 degrees gives 0.5. Grey, sepia, white balance and saturation stay above."""

VERSION = 2
"""Version of what is measured and how; evidence of another is measured again."""

_CACHED_IMAGES = 128
_COMMIT = 256


class Evidence(NamedTuple):
    """What was measured of a pair, None what was not. See ``similarity.Likeness`` for the last three."""

    inliers: int | None = None
    correlation: float | None = None
    change: float | None = None
    colour: float | None = None


class Verdict(NamedTuple):
    """Whether a pair matches, why, and on what evidence.

    ``finding`` is "copy", "changed" (something was drawn in), "recoloured", "unlike" (neither points nor pixels agree),
    or "unread" (a file could not be read again: the distance alone decides, and there is no evidence).
    """

    match: bool
    finding: str
    evidence: Evidence | None


class VerificationImage:
    """A picture at the size at which it is verified, with its codes; keypoints are found on demand.

    Parameters and errors are those of ``images.read_pixels``.
    """

    def __init__(self, source: images.Source, name: str | None = None) -> None:
        self.pixels = images.read_pixels(source, similarity.LONGER_SIDE, name)
        block = images.read_block(self.pixels)[np.newaxis]
        self.codes = hashers.hash_blocks(block)[0]
        self.is_trusted = bool(quality.is_trusted(quality.gradient_quality(block), quality.detail(block))[0])
        self._features: dict[int, tuple[keypoints.Features, tuple[int, ...]]] = {}

    @cached_property
    def views(self) -> tuple[VerificationImage, ...]:
        """The picture, and what is inside its uniform border where that has enough structure."""
        luma = np.rint(self.pixels @ LUMA)
        box = border.inner_box(lambda left, top, right, bottom: luma[top:bottom, left:right], *luma.shape[::-1])
        if box is None:
            return (self,)
        left, top = (-(-edge // border.SUBPIXELS) for edge in box[:2])
        right, bottom = (edge // border.SUBPIXELS for edge in box[2:])
        inside = VerificationImage(np.ascontiguousarray(self.pixels[top:bottom, left:right]))
        return (self, inside) if inside.is_trusted else (self,)

    def turned(self, number: int) -> NDArray[np.uint8]:
        """Return the pixels upright under an orientation."""
        return np.ascontiguousarray(orientation.turn(self.pixels, number))

    def features(self, number: int) -> tuple[keypoints.Features, tuple[int, ...]]:
        """Return the keypoints under an orientation, and the shape of the picture in which they were found."""
        if number not in self._features:
            pixels = images.read_pixels(self.turned(number), keypoints.LONGER_SIDE)
            self._features[number] = keypoints.features(pixels), pixels.shape
        return self._features[number]


class Side(NamedTuple):
    """A side of a pair: the digest of its bytes and the files that may have them, or the picture itself."""

    digest: bytes | None
    paths: tuple[str, ...]
    picture: VerificationImage | None = None


class PairToVerify(NamedTuple):
    """A pair; ``near`` is whether its distance is within the radius."""

    a: Side
    b: Side
    near: bool


def measure(a: VerificationImage, b: VerificationImage, *, near: bool) -> Evidence:
    """Compare two pictures, or what is inside their borders, in the orientation in which their codes are nearest.

    Notes
    -----
    Cost: about 100 ms where pixels are compared; where points alone are, 2 ms and 3 ms for each picture first met.
    """
    a, b, turn = _nearest_views(a, b)
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


def agreement(a: VerificationImage, b: VerificationImage) -> int:
    """Count the keypoints of two pictures that agree, as :func:`measure` does, without comparing pixels."""
    a, b, turn = _nearest_views(a, b)
    return keypoints.inliers(a.features(turn)[0], b.features(1)[0])


def _nearest_views(a: VerificationImage, b: VerificationImage) -> tuple[VerificationImage, VerificationImage, int]:
    """Return the views of two pictures whose codes are nearest, and the orientation of the first that makes them so."""
    pairs = (
        (*orientation.rotated_distance(one.codes, other.codes), one, other) for one, other in product(a.views, b.views)
    )
    _, turn, a, b = min(pairs, key=lambda pair: pair[0])
    return a, b, turn


def verify(a: VerificationImage, b: VerificationImage, *, near: bool) -> Verdict:
    """Measure two pictures, and return whether they match."""
    return _verdict(measure(a, b, near=near), near)


def finding(evidence: Evidence, *, near: bool) -> str:
    """Return the finding that follows from evidence: see :class:`Verdict`."""
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
    """Verifies pairs on several threads, and stores the evidence in the catalogue.

    Parameters
    ----------
    catalogue
        An open catalogue; only the calling thread writes to it.
    progress
        Called with the number of pairs done and the number to do.

    Attributes
    ----------
    unread
        How many pairs could not be verified so far, because a file is gone, has changed or cannot be read.
    """

    def __init__(self, catalogue: Store, progress: Callable[[int, int], None] | None = None) -> None:
        self.unread = 0
        self._catalogue = catalogue
        self._progress = progress
        self._picture = lru_cache(_CACHED_IMAGES)(_read)

    def candidate_radius(self, radius: int) -> int:
        """Return the largest distance of pairs to verify: without OpenCV only those within the radius can be."""
        return max(radius, CANDIDATE_RADIUS) if keypoints.available() else radius

    def verify(self, pairs: Sequence[PairToVerify]) -> list[Verdict]:
        """Measure all pairs that have no evidence yet; return a verdict on each, in their order."""
        evidence = [self._stored(pair) for pair in pairs]
        missing = [number for number, stored in enumerate(evidence) if stored is None]
        fresh: list[tuple[object, ...]] = []
        measured = in_threads(self._measure, [pairs[number] for number in missing], available_threads())
        try:
            for done, (number, found) in enumerate(zip(missing, measured, strict=True), start=1):
                evidence[number] = found
                digests = _digests(pairs[number])
                if found and digests:
                    fresh.append((*digests, VERSION, *found))
                if len(fresh) == _COMMIT:
                    self._catalogue.evidence.add(fresh)
                    fresh = []
                if self._progress:
                    self._progress(done, len(missing))
        finally:
            if fresh:
                self._catalogue.evidence.add(fresh)
        self.unread += sum(found is None for found in evidence)
        return [_verdict(found, pair.near) for found, pair in zip(evidence, pairs, strict=True)]

    def _stored(self, pair: PairToVerify) -> Evidence | None:
        digests = _digests(pair)
        stored = Evidence(*self._catalogue.evidence.of(*digests, VERSION)) if digests else Evidence()
        return stored if _is_complete(stored, near=pair.near) else None

    def _measure(self, pair: PairToVerify) -> Evidence | None:
        sides = sorted(pair[:2], key=lambda side: side.digest or b"")  # the same evidence from either side
        a, b = (side.picture or self._picture(side) for side in sides)
        return None if a is None or b is None else measure(a, b, near=pair.near)


def _read(side: Side) -> VerificationImage | None:
    """Read the first file that still has the bytes; None if there is none."""
    for path in side.paths:
        try:
            _, data = _files.read(path)
            if side.digest in (None, _files.digest(data)):
                return VerificationImage(data, path)
        except ImageError:
            continue
    return None


def _digests(pair: PairToVerify) -> tuple[bytes, bytes] | None:
    """Return the digests of both sides, the lower first; None if one is not known."""
    a, b = pair.a.digest, pair.b.digest
    return None if a is None or b is None else (min(a, b), max(a, b))


def _is_complete(evidence: Evidence, *, near: bool) -> bool:
    """Whether nothing more would be measured of the pair now."""
    correlation = evidence.correlation
    if not near or (correlation is not None and correlation < FITS and keypoints.available()):
        return evidence.inliers is not None
    return correlation is not None


def _verdict(evidence: Evidence | None, near: bool) -> Verdict:
    if evidence is None:
        return Verdict(near, "unread", None)
    found = finding(evidence, near=near)
    return Verdict(found == "copy", found, evidence)
