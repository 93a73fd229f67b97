"""Convert a loaded PIL image to luma or to RGB: transparency composited, 16-bit and float values scaled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phash_engine.hashing.plane import BAND_PIXELS, Extent, Plane, scale_of
from phash_engine.hashing.quality import is_flat
from phash_engine.images import samples

_ToLuma: TypeAlias = Callable[[Image.Image], NDArray[Any]]

_WIDE_UNIT = 257
GREY_SIDE = 64
"""Side in pixels of the grey plane that is kept for comparisons of parts of pictures."""


def plane(image: Image.Image, extent: Extent) -> Plane:
    """Return the luma of a loaded picture."""
    if image.mode.startswith("I;16"):
        return _plane_by(np.asarray, image, extent, _WIDE_UNIT)
    if image.mode in {"I", "F"}:
        return _plane_by(_wide_luma(image), image, extent, _WIDE_UNIT)
    if not image.has_transparency_data:
        return _plane_by(_luma, image, extent)
    if _is_invisible(image):
        return _plane_by(_opaque_luma, image, extent)
    on_white = _plane_by(partial(_composited, background="white"), image, extent)
    return plane_on_black(image, extent) if is_flat(on_white.block) else on_white


def plane_on_black(image: Image.Image, extent: Extent) -> Plane:
    """Return the luma of a loaded picture with transparency, composited on black."""
    return _plane_by(partial(_composited, background="black"), image, extent)


def is_transparent(image: Image.Image) -> bool:
    """Whether a loaded picture shows its ground: some of it is transparent, and some of it is not."""
    if not image.has_transparency_data or image.mode.startswith("I;16"):
        return False
    return any(np.asarray(alpha).min() < 255 for alpha in _alphas(image)) and not _is_invisible(image)


def _plane_by(to_luma: _ToLuma, image: Image.Image, extent: Extent, unit: int = 1) -> Plane:
    if image.width * image.height > BAND_PIXELS:

        def part(left: int, top: int, right: int, bottom: int) -> NDArray[Any]:
            return to_luma(image.crop((left, top, right, bottom)))

    else:
        whole = to_luma(image)

        def part(left: int, top: int, right: int, bottom: int) -> NDArray[Any]:
            return whole[top:bottom, left:right]

    return Plane(part, image.width, image.height, extent, unit)


def _bands(image: Image.Image) -> Iterator[Image.Image]:
    """Cut large pictures into bands of rows, so that memory holds no second full plane."""
    rows = max(BAND_PIXELS // image.width, 1)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _luma(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode != "L":
        image = image.getchannel("L") if image.mode == "LAB" else image.convert("L")
    return np.asarray(image)


def _is_invisible(image: Image.Image) -> bool:
    """Whether alpha is 0 everywhere: its writer did not mean it, and the picture is opaque."""
    return not any(alpha.getbbox() for alpha in _alphas(image))


def _alphas(image: Image.Image) -> Iterator[Image.Image]:
    return (_straight(band).getchannel("A") for band in _bands(image))


def _opaque(image: Image.Image) -> Image.Image:
    return _straight(image).convert("RGB")


def _opaque_luma(image: Image.Image) -> NDArray[np.uint8]:
    return _luma(_opaque(image))


def _composited(image: Image.Image, background: str) -> NDArray[np.uint8]:
    return _luma(_on_background(image, background))


def _on_background(image: Image.Image, background: str) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, background), _straight(image))


def _straight(image: Image.Image) -> Image.Image:
    """Return a picture with transparency in RGBA, its colours not multiplied by alpha."""
    straight = image.convert("LA") if image.mode == "La" else image  # Pillow has no direct conversion from La
    return straight.convert("RGBA")


def squared(image: Image.Image, reduced: NDArray[np.uint8], extent: Extent) -> NDArray[np.uint8]:
    """Average a picture over a square grid: uint8 ``(64, 64)``.

    Parameters
    ----------
    image
        A loaded picture.
    reduced
        Its luma, as ``Plane.reduced`` returns it.
    extent
        Of the picture, which the last row and column of that may reach over.
    """
    rows, columns = reduced.shape
    # The image itself is that plane if it is grey already, and needs no conversion.
    grey = image if image.mode == "L" and image.size == (columns, rows) else Image.fromarray(reduced)
    scale = scale_of(extent.width, extent.height)
    box = (0, 0, min(extent.width / scale, columns), min(extent.height / scale, rows))
    cells = grey.resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BOX, box).tobytes()
    return np.frombuffer(cells, dtype=np.uint8).reshape(GREY_SIDE, GREY_SIDE)


def colour(image: Image.Image) -> Image.Image:
    """Return a loaded picture in RGB, composited on white."""
    if image.mode.startswith("I;16"):
        return _eight_bits(np.asarray(image))
    if image.mode in {"I", "F"}:
        return _eight_bits(_wide_luma(image)(image))
    if image.has_transparency_data:
        return _opaque(image) if _is_invisible(image) else _on_background(image, "white").convert("RGB")
    return (image.getchannel("L") if image.mode == "LAB" else image).convert("RGB")


def _eight_bits(plane: NDArray[np.uint16]) -> Image.Image:
    return Image.fromarray((plane // _WIDE_UNIT).astype(np.uint8)).convert("RGB")


def _wide_luma(image: Image.Image) -> _ToLuma:
    """Scale integer and float values to 16 bits by their range."""
    if image.mode == "F":
        for band in _bands(image):
            samples.check_finite(np.asarray(band))
    values = np.array([band.getextrema() for band in _bands(image)], dtype=np.float64)
    black, white = samples.range_of(float(values.min()), float(values.max()))
    factor = samples.WHITE / (white - black) if white > black else 0.0
    return lambda part: np.rint((np.asarray(part, dtype=np.float64) - black) * factor).astype(np.uint16)
