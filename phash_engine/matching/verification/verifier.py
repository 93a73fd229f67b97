"""Verification of many pairs of files on several threads; the evidence is stored in the catalogue.

Of files that can no longer be read the distance decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from phash_engine import _files
from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue.store import Store
from phash_engine.errors import ImageError
from phash_engine.matching.policy import CANDIDATE_RADIUS
from phash_engine.matching.verification import keypoints
from phash_engine.matching.verification.evidence import VERSION, Evidence, Verdict, measure_evidence, verdict
from phash_engine.matching.verification.verification_image import VerificationImage

_CACHED_IMAGES = 128
_COMMIT = 256


class PairSide(NamedTuple):
    """A side of a pair: the digest of its bytes and the files that may have them, or the picture itself."""

    digest: bytes | None
    paths: tuple[str, ...]
    image: VerificationImage | None = None


class PairToVerify(NamedTuple):
    """A pair; ``near`` is whether its distance is within the radius."""

    a: PairSide
    b: PairSide
    near: bool


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
        self._image = lru_cache(_CACHED_IMAGES)(_read)

    def candidate_radius(self, radius: int) -> int:
        """Return the largest distance of pairs to verify: without OpenCV only those within the radius can be."""
        return max(radius, CANDIDATE_RADIUS) if keypoints.has_opencv() else radius

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
        return [verdict(found, near=pair.near) for found, pair in zip(evidence, pairs, strict=True)]

    def _stored(self, pair: PairToVerify) -> Evidence | None:
        digests = _digests(pair)
        stored = Evidence(*self._catalogue.evidence.of(*digests, VERSION)) if digests else Evidence()
        return stored if stored.is_complete(near=pair.near) else None

    def _measure(self, pair: PairToVerify) -> Evidence | None:
        sides = sorted(pair[:2], key=lambda side: side.digest or b"")  # the same evidence from either side
        a, b = (side.image or self._image(side) for side in sides)
        return None if a is None or b is None else measure_evidence(a, b, near=pair.near)


def _read(side: PairSide) -> VerificationImage | None:
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
