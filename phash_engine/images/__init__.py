"""Files, bytes, PIL images and arrays to blocks, pixels and metadata. The only package that imports Pillow."""

from __future__ import annotations

from phash_engine.images.open import Source, source_name, versions
from phash_engine.images.pixels import read_grey_planes, read_pixels, read_rgb, thumbnail, to_image
from phash_engine.images.read import (
    ImageInfo,
    Picture,
    Traits,
    read_block,
    read_fingerprint,
    read_image,
    read_image_info,
    read_picture,
    read_traits,
)

__all__ = [
    "ImageInfo",
    "Picture",
    "Source",
    "Traits",
    "read_block",
    "read_fingerprint",
    "read_grey_planes",
    "read_image",
    "read_image_info",
    "read_picture",
    "read_pixels",
    "read_rgb",
    "read_traits",
    "source_name",
    "thumbnail",
    "to_image",
    "versions",
]
