"""Two pictures → the settings under which they match, and what keeps them from it otherwise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from phash_engine import features, hashers, images, orientation, quality
from phash_engine.rules import RADIUS
from phash_engine.verify import BAND, Evidence, Picture, finding, look


class Side(NamedTuple):
    """What can be told of one picture: its gradient quality, its detail, and whether its codes are trusted."""

    quality: int
    detail: float
    trusted: bool


class Explanation(NamedTuple):
    """What can be told of two pictures.

    Attributes
    ----------
    upright, rotations
        Distance in bits as they are, and as they are nearest when turned or mirrored.
    a, b
        What can be told of either.
    evidence, finding
        What a second look saw, and what it would say: see ``verify.Verdict``.
    settings
        Options under which the two match, the plainest first; empty strings stand for the defaults.
    """

    upright: int
    rotations: int
    a: Side
    b: Side
    evidence: Evidence
    finding: str
    settings: tuple[str, ...]


def explain(a: images.Source, b: images.Source) -> Explanation:
    """Tell under which settings two pictures match by their looks.

    Raises
    ------
    ImageError
        One of them cannot be read.
    """
    blocks = np.stack([images.read_block(a), images.read_block(b)])
    table = hashers.hash_blocks(blocks)
    upright = hashers.distance(hashers.Fingerprint(*table[0, :5]), hashers.Fingerprint(*table[1, :5]))
    rotations, _ = orientation.distance(table[0], table[1])
    qualities, details = quality.gradient_quality(blocks), quality.detail(blocks)
    columns = (qualities.tolist(), details.tolist(), quality.is_trusted(qualities, details).tolist())
    side_a, side_b = (Side(*values) for values in zip(*columns, strict=True))
    evidence, verdict = _second_look(Picture(a), Picture(b), near=rotations <= RADIUS)
    trust = [] if side_a.trusted and side_b.trusted else ["--trust-all"]
    settings = tuple(" ".join([*trust, *each]) for each in _settings(rotations, verdict))
    return Explanation(upright, rotations, side_a, side_b, evidence, verdict, settings)


def _second_look(a: Picture, b: Picture, *, near: bool) -> tuple[Evidence, str]:
    """Look at pixels and points alike, and judge as for a pair that is near or not."""
    evidence = look(a, b, near=True)
    if evidence.inliers is None and features.available():
        evidence = evidence._replace(inliers=look(a, b, near=False).inliers)
    return evidence, finding(evidence, near=near)


def _settings(distance: int, verdict: str) -> list[list[str]]:
    if distance <= RADIUS:
        return [[]]
    verified = [["--verify"]] if verdict == "copy" and distance <= BAND else []
    return [*verified, ["--radius", str(distance)]]
