"""A picture at the size at which it is verified: pixels, codes, what is inside its border, keypoints on demand."""

from __future__ import annotations

from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from phash_engine import images
from phash_engine.hashing import border, hashers, orientation, quality
from phash_engine.matching.verification import keypoints, similarity
from phash_engine.matching.verification.alignment import LUMA


class VerificationImage:
    """A picture at the size at which it is verified, with its codes; keypoints are computed on demand.

    Parameters and errors are those of ``images.read_pixels``.
    """

    def __init__(self, source: images.Source, name: str | None = None) -> None:
        self.pixels = images.read_pixels(source, similarity.LONGER_SIDE, name)
        block = images.read_block(self.pixels)[np.newaxis]
        self.codes = hashers.hash_blocks(block)[0]
        self.is_trusted = bool(quality.is_trusted(quality.gradient_quality(block), quality.detail(block))[0])
        self._keypoints: dict[int, tuple[keypoints.Keypoints, tuple[int, ...]]] = {}

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

    def keypoints(self, number: int) -> tuple[keypoints.Keypoints, tuple[int, ...]]:
        """Return the keypoints under an orientation, and the shape of the picture in which they were detected."""
        if number not in self._keypoints:
            pixels = images.read_pixels(self.turned(number), keypoints.LONGER_SIDE)
            self._keypoints[number] = keypoints.detect(pixels), pixels.shape
        return self._keypoints[number]


def nearest_views(a: VerificationImage, b: VerificationImage) -> tuple[VerificationImage, VerificationImage, int]:
    """Return the views of two pictures whose codes are nearest, and the orientation of the first that makes them so."""
    pairs = (
        (*orientation.rotated_distance(one.codes, other.codes), one, other) for one, other in product(a.views, b.views)
    )
    _, turn, a, b = min(pairs, key=lambda pair: pair[0])
    return a, b, turn
