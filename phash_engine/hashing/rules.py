"""The rules by which two pictures match, and the order in which matches are told."""

from __future__ import annotations

RADIUS = 24
"""Default radius in bits of 192: 5e-7 false pairs per pair among look-alikes, none in 21 million pairs of photos."""

RULES = ("digest", "code", "rotation", "trimmed", "frame", "crop", "verified")
"""Equal bytes; near codes; codes nearer when one picture is turned or mirrored, or without a uniform border; codes of a
further frame of an animation; of a crop; codes beyond the radius, but a second look: the plainer rule comes first."""


def rank(distance: int, rule: str, path: str) -> tuple[int, int, str]:
    """Return what matches are sorted by: distance in bits, the plainness of the rule, the photo's path."""
    return distance, RULES.index(rule), path
