"""TIFF: Pillow reads the common layouts, tifffile those that Pillow refuses or misreads (TIFF 6.0, Adobe 1992)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from phash_engine import _optional
from phash_engine.errors import ImageError
from phash_engine.hashing import orientation
from phash_engine.images import samples

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""The first bytes of a TIFF, and of a BigTIFF."""

_BITS, _ORIENTATION, _PLANAR = 258, 274, 284
_SEPARATE = 2
_READ_IN_PLANES = frozenset({"RGB", "RGBA", "CMYK", "YCbCr", "LAB"})
_WHITE_IS_ZERO, _CMYK = 0, 5
_COLOURS = {_WHITE_IS_ZERO: 1, 1: 1, 2: 3, _CMYK: 4}
"""Samples by photometric interpretation: grey, RGB, CMYK."""
_ALPHA = frozenset({1, 2})

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # else it writes to stderr what it also raises


def opened(file: IO[bytes], check_size: Callable[[int, int], None]) -> Image.Image:
    """Open a TIFF.

    Parameters
    ----------
    file
        Its bytes.
    check_size
        Called with width and height before a page is decoded; raises ImageError.

    Raises
    ------
    ImageError
        Of a layout that is not supported.
    UnidentifiedImageError
        Damaged at its start.
    """
    try:
        image = Image.open(file, formats=["TIFF"])
    except UnidentifiedImageError as error:
        return _by_tifffile(file, check_size, error)
    if not _has_wide_planes(image):
        return image
    try:
        return _by_tifffile(file, check_size, UnidentifiedImageError())
    except ImageError:
        if _is_misread(image):
            raise
        return image


def _has_wide_planes(image: Any) -> bool:
    """Whether samples of a pixel do not lie together, and are not those of the 8-bit colour that Pillow reads."""
    is_planar = image.tag_v2.get(_PLANAR) == _SEPARATE and len(image.getbands()) > 1
    return is_planar and (image.mode not in _READ_IN_PLANES or max(image.tag_v2[_BITS]) > 8)


def _is_misread(image: Any) -> bool:
    """Whether Pillow makes noise of planes: of all but colour that libtiff decodes."""
    return image.mode not in _READ_IN_PLANES or image.tile[0].codec_name != "libtiff"


def _by_tifffile(
    file: IO[bytes], check_size: Callable[[int, int], None], refused: UnidentifiedImageError
) -> Image.Image:
    import tifffile  # takes 50 ms

    file.seek(0)
    try:
        with tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            check_size(page.imagewidth, page.imagelength)
            image = _image(page)
    except (tifffile.TiffFileError, IndexError):
        raise refused from None
    image.format = "TIFF"
    return image


def _image(page: Any) -> Image.Image:
    """Return the picture of a page, upright."""
    values = _values(page)
    is_inverted = page.photometric == _WHITE_IS_ZERO
    if values.ndim == 2:
        return Image.fromarray(_grey(values, page.bitspersample, is_inverted=is_inverted))
    colours = _COLOURS[page.photometric]
    bands = samples.eight_bits(values[..., :colours])
    if is_inverted:
        bands = 0xFF - bands
    if values.shape[2] > colours:
        bands = np.concatenate([bands, samples.eight_bits(values[..., colours:])], axis=-1)
    modes = {1: "L", 2: "LA", 3: "RGB", 4: "CMYK" if page.photometric == _CMYK else "RGBA"}
    return Image.merge(modes[bands.shape[2]], [Image.fromarray(band) for band in np.moveaxis(bands, -1, 0).copy()])


def _values(page: Any) -> NDArray[Any]:
    """Return the samples of a page that are colour or alpha, upright: ``(h, w)`` or ``(h, w, samples)``."""
    colours = _COLOURS.get(page.photometric, 0)
    if not 0 < colours <= page.samplesperpixel or page.imagedepth > 1 or page.dtype is None:
        name = page.photometric.name.lower() if isinstance(page.photometric, Enum) else page.photometric
        raise ImageError("", f"TIFF of {page.bitspersample}-bit {name} samples: not supported")
    try:
        values = page.asarray().reshape(page.shape)
    except (ValueError, NotImplementedError) as error:  # tifffile's, of compressions that imagecodecs may read
        if "imagecodecs" in str(error):
            _optional.load("imagecodecs")
        raise
    if values.ndim == 3 and page.planarconfig == _SEPARATE:
        values = np.moveaxis(values, 0, -1)
    number = page.tags.valueof(_ORIENTATION, 1)
    upright: NDArray[Any] = orientation.turn(values, number if number in orientation.ORIENTATIONS else 1)
    has_alpha = colours < 4 and len(page.extrasamples) > 0 and page.extrasamples[0] in _ALPHA
    return upright if upright.ndim == 2 else upright[..., : colours + has_alpha]


def _grey(values: NDArray[Any], bits: int, *, is_inverted: bool) -> NDArray[Any]:
    """Return grey samples in a type that Pillow has: uint8, uint16 or float32."""
    if values.dtype == np.uint16:
        bits = samples.significant_bits([values], samples.Depth(bits, bits < samples.WIDE))
        values = samples.scaled(values, bits, samples.WHITE).astype(np.uint16)
        return samples.WHITE - values if is_inverted else values
    if values.dtype == np.uint8:
        return 0xFF - values if is_inverted else values
    values = values.astype(np.float32)
    return samples.inverted(values) if is_inverted else values
