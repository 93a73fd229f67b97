"""Copies of pictures by named families with strengths; the same for the same picture's name on every run."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from PIL import Image

from bench.families import codecs, colour, combinations, composites, geometry, grain, morphology, overlays
from bench.families.base import Transform, saved

TRANSFORMS: tuple[Transform, ...] = (
    *codecs.TRANSFORMS,
    *geometry.TRANSFORMS,
    *colour.TRANSFORMS,
    *grain.TRANSFORMS,
    *morphology.TRANSFORMS,
    *overlays.TRANSFORMS,
    *composites.TRANSFORMS,
    *combinations.TRANSFORMS,
)
UNREALISTIC = frozenset({"edge-like"})
"""Families that are other pictures to a perceptual code: reported, but kept out of thresholds and means."""
SAME_FRAMING = frozenset(
    "jpeg resize format aspect brightness contrast gamma equalise colour noise blur sharpen superpixel".split()
)
"""Families that leave every part of the picture in its place."""


def is_chosen(name: str, what: str, share: float) -> bool:
    """Whether a picture is among a share of all for some purpose, such as to be copied by the transform so named."""
    return _number(name, what, "chosen") < share * 2.0**64


def guests_of(name: str, transform: Transform, row: int, pictures: int) -> tuple[int, ...]:
    """Return the rows of the other pictures that get into the copy of the picture in this row."""
    random = np.random.default_rng(_number(name, transform.name, "guests"))
    others = random.permutation(pictures - 1)[: transform.guests].tolist()
    return tuple(other + (other >= row) for other in others)


def make(name: str, image: Image.Image, transform: Transform, guests: Sequence[Image.Image] = ()) -> bytes:
    """Return the file of a copy.

    Parameters
    ----------
    name
        Of the picture, wherever it lies; with the transform's it seeds what is random.
    image
        The picture in RGB.
    transform
        What to do to it.
    guests
        As many other pictures as the transform takes.
    """
    random = np.random.default_rng(_number(name, transform.name))
    copy = transform.make(image, random, *guests)
    return copy if isinstance(copy, bytes) else saved(copy)


def _number(*words: str) -> int:
    return int.from_bytes(sha256("|".join(words).encode()).digest()[:8])
