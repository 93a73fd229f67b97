"""Two pictures → evidence of whether they are copies → a finding and a verdict.

Pairs within the radius are copies unless something was drawn into one of them, or its colours were changed. Pairs
beyond it, up to ``policy.CANDIDATE_RADIUS``, are copies if their keypoints agree on one homography (extra ``verify``),
and then by the same pixels.
"""

from __future__ import annotations

from typing import NamedTuple

from phash_engine.matching.verification import keypoints, similarity
from phash_engine.matching.verification.verification_image import VerificationImage, nearest_views

MIN_INLIERS = 12
"""Different photos have 7 at most, pages of print 8; of crops, rotations and prints within the candidate radius 99 %
have more."""

MIN_CORRELATION = 0.9
"""From here on two pictures are taken to be aligned, and the other measures hold."""

MAX_CHANGE = 25.0
"""1 copy in 500 that was only compressed, scaled, cropped, filtered or toned has more; 9 in 10 with a line drawn in."""

MIN_COLOUR = 0.5
"""Turning all hues by 60 degrees gives 0.5. Grey, sepia, white balance and saturation stay above."""

VERSION = 2
"""Version of what is measured and how; evidence of another is measured again."""


class Evidence(NamedTuple):
    """What was measured of a pair, None what was not. See ``similarity.Similarity`` for the last three."""

    inliers: int | None = None
    correlation: float | None = None
    change: float | None = None
    colour: float | None = None

    def is_complete(self, *, near: bool) -> bool:
        """Whether nothing more would be measured of the pair now."""
        if not near or (self.correlation is not None and not self.is_aligned and keypoints.has_opencv()):
            return self.inliers is not None
        return self.correlation is not None

    @property
    def is_aligned(self) -> bool:
        """Whether the pixels of both pictures lie on one another."""
        return self.correlation is not None and self.correlation >= MIN_CORRELATION

    @property
    def keypoints_agree(self) -> bool:
        """Whether enough keypoints agree on one homography."""
        return self.inliers is not None and self.inliers >= MIN_INLIERS


class Verdict(NamedTuple):
    """Whether a pair matches, why, and on what evidence.

    ``finding`` is "copy", "changed" (something was drawn in), "recoloured", "unlike" (neither keypoints nor pixels
    agree), or "unread" (a file could not be read again: the distance alone decides, and there is no evidence).
    """

    match: bool
    finding: str
    evidence: Evidence | None


def verify(a: VerificationImage, b: VerificationImage, *, near: bool) -> Verdict:
    """Measure two pictures, and return whether they match; ``near`` is whether their distance is within the radius."""
    return verdict(measure_evidence(a, b, near=near), near=near)


def measure_evidence(a: VerificationImage, b: VerificationImage, *, near: bool) -> Evidence:
    """Compare two pictures, or what is inside their borders, in the orientation in which their codes are nearest.

    Notes
    -----
    Cost: about 100 ms where pixels are compared; with keypoints alone 2 ms, and 3 ms for each picture first compared.
    """
    a, b, turn = nearest_views(a, b)
    pixels = a.turned(turn)
    alike = similarity.compare_pixels(pixels, b.pixels) if near else None
    if (alike and alike.correlation >= MIN_CORRELATION) or not keypoints.has_opencv():
        return Evidence(None, *(alike or ()))
    (points_a, shape_a), (points_b, shape_b) = a.keypoints(turn), b.keypoints(1)
    inliers, homography = keypoints.estimate_homography(points_a, points_b)
    if homography is not None and inliers >= MIN_INLIERS:
        start = keypoints.to_transform(homography, shape_a, shape_b)
        aligned = similarity.compare_pixels(pixels, b.pixels, start)
        alike = aligned if alike is None else max(alike, aligned)
    return Evidence(inliers, *(alike or ()))


def count_inliers(a: VerificationImage, b: VerificationImage) -> int:
    """Count the keypoints of two pictures that agree, as :func:`measure_evidence` does, without comparing pixels."""
    a, b, turn = nearest_views(a, b)
    return keypoints.estimate_homography(a.keypoints(turn)[0], b.keypoints(1)[0]).inliers


def finding(evidence: Evidence, *, near: bool) -> str:
    """Return the finding that follows from evidence: see :class:`Verdict`."""
    if not near and not evidence.keypoints_agree:
        return "unlike"
    if evidence.is_aligned and evidence.change is not None and evidence.colour is not None:
        if evidence.colour < MIN_COLOUR:
            return "recoloured"
        return "changed" if evidence.change > MAX_CHANGE else "copy"
    return "copy" if evidence.keypoints_agree or evidence.inliers is None else "unlike"


def verdict(evidence: Evidence | None, *, near: bool) -> Verdict:
    """Return the verdict that follows from evidence; None is that of a pair that could not be read."""
    if evidence is None:
        return Verdict(near, "unread", None)
    found = finding(evidence, near=near)
    return Verdict(found == "copy", found, evidence)
