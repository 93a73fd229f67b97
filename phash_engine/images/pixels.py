"""Read the pixels of a picture: in colour for people and networks, in Pillow's grey for other libraries."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phash_engine.errors import ImageError
from phash_engine.hashing import orientation
from phash_engine.images import loading, luma, metadata
from phash_engine.images.open import Source, checked, opened


def read_rgb(source: Source, height: int, width: int, name: str | None = None) -> NDArray[np.uint8]:
    """Read the middle of a picture in colour, scaled to fill a frame: the input of embedding models.

    Upright, transparency on white, reduced by Pillow's bilinear filter over the whole area of a cell.

    Parameters
    ----------
    source, name
        As for ``read.read_block``, and so the errors.
    height, width
        Of the result.

    Returns
    -------
    numpy.ndarray
        uint8 ``(height, width, 3)``: red, green, blue.
    """
    with opened(source, name) as image:
        if image is not source:
            scale = 2 * max(height, width) / min(image.size)
            image.draft(None, (math.ceil(scale * image.width), math.ceil(scale * image.height)))
        shown = loading.loaded(image)
        turn = metadata.orientation(image)
        size = (height, width) if turn >= 5 else (width, height)
        scale = max(size[0] / image.width, size[1] / image.height)
        # Rounding must not push the box over the edge.
        across, down = (max(0.0, (side - length / scale) / 2) for side, length in zip(image.size, size, strict=True))
        box = (across, down, image.width - across, image.height - down)
        framed = np.asarray(luma.colour(shown).resize(size, Image.Resampling.BILINEAR, box))
        return np.ascontiguousarray(orientation.turn(framed, turn))


def read_grey_planes(source: Source, sizes: Callable[[int, int], Sequence[tuple[int, int]]]) -> list[NDArray[np.uint8]]:
    """Read a picture in Pillow's grey as it is stored, reduced to several sizes by Pillow's Lanczos filter.

    Unlike a block this is decoded at full size, not turned upright and not composited, as other libraries do.

    Parameters
    ----------
    source
        As for ``read.read_block``.
    sizes
        From width and height of the picture to width and height of each plane.

    Returns
    -------
    list of numpy.ndarray
        uint8 ``(height, width)``, one for each size.

    Raises
    ------
    ImageError
        As for ``read.read_block``, and where Pillow cannot convert the mode to grey.
    """
    with opened(source) as image:
        checked(image).load()
        try:
            grey = image.convert("L")
        except ValueError as error:
            raise ImageError("", f"Pillow cannot convert {image.mode} to grey") from error
        return [np.asarray(grey.resize(size, Image.Resampling.LANCZOS)) for size in sizes(*grey.size)]


def read_pixels(source: Source, longer_side: int, name: str | None = None) -> NDArray[np.uint8]:
    """Read a picture in colour, upright, composited on white, and reduced by Pillow's Lanczos filter.

    Parameters
    ----------
    source, name
        As for ``read.read_block``.
    longer_side
        In pixels, at most; smaller pictures keep their size.

    Returns
    -------
    numpy.ndarray
        uint8 ``(h, w, 3)`` of RGB.

    Raises
    ------
    ImageError, TypeError
        As for ``read.read_block``.
    """
    with opened(source, name) as image:
        if image.format in {"JPEG", "MPO"} and image is not source:
            image.draft("RGB", (longer_side, longer_side))
        shown = loading.loaded(image)
        scale = min(1.0, longer_side / max(image.size))
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        pixels = np.asarray(luma.colour(shown).resize(size, Image.Resampling.LANCZOS))
        return np.ascontiguousarray(orientation.turn(pixels, metadata.orientation(image)))


def thumbnail(source: Source, side: int) -> bytes:
    """Return the bytes of a JPEG that shows a picture upright, no side longer than ``side`` pixels.

    Transparency becomes white. Sources and errors as ``read.read_block``.
    """
    with opened(source) as image:
        if image is not source:
            image.draft("RGB", (side, side))
        shown = luma.colour(loading.loaded(image))
        shown.thumbnail((side, side), reducing_gap=2.0)
        upright = np.ascontiguousarray(orientation.turn(np.asarray(shown), metadata.orientation(image)))
        file = io.BytesIO()
        Image.fromarray(upright).save(file, "JPEG", quality=70)
        return file.getvalue()


def to_image(plane: NDArray[np.uint8]) -> Image.Image:
    """Return a grey plane, uint8 ``(h, w)``, as the PIL image that other libraries take."""
    return Image.fromarray(plane)
