"""Frames of an animation and pages of a TIFF after the first: which of them are read, and their blocks.

A file may have up to ``limits.MAX_FRAMES`` of them. The frames of an animation rest on those before them, so what is
read is bounded by the pixels that are decoded on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phash_engine.hashing.plane import Extent
from phash_engine.images import loading, luma, metadata
from phash_engine.images.open import checked

_REQUESTED_PIXELS: Final = 2_000_000_000
_SAMPLED_FRAMES: Final = 16
_SAMPLED_PIXELS: Final = 256_000_000


def requested(image: Image.Image, most: int) -> set[int]:
    """Return the numbers of evenly spaced frames after the first."""
    count = min(metadata.frame_count(image) or 1, _REQUESTED_PIXELS // (image.width * image.height))
    return {count * place // (most + 1) for place in range(1, most + 1)} - {0}


def sampled(image: Image.Image) -> set[int]:
    """Return the numbers of up to 16 frames, the first and the last among them, which their count alone decides.

    Left out are those beyond what is decoded of every file: the frames of an animation rest on those before them.
    """
    count = metadata.frame_count(image) or 1
    numbers = {(count - 1) * place // (_SAMPLED_FRAMES - 1) for place in range(_SAMPLED_FRAMES)}
    most = _SAMPLED_PIXELS // (image.width * image.height)
    return set(sorted(numbers)[:most]) if image.format == "TIFF" else {number for number in numbers if number < most}


def blocks(image: Image.Image, numbers: set[int]) -> Iterator[tuple[int, NDArray[np.uint16]]]:
    """Average frames after the first; any may be damaged, and those after it are skipped."""
    try:
        for number in sorted(numbers - {0}):
            image.seek(number)
            page = loading.loaded(checked(image))
            yield number, luma.plane(page, Extent(*page.size)).block
    except Exception:  # noqa: BLE001 - decoders raise anything on damaged files
        return
