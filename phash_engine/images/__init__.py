"""Files, bytes, PIL images and arrays to blocks, pixels and metadata. The only package that imports Pillow."""

from __future__ import annotations

from phash_engine.images.hashes import Hashes, hash_image, hash_images
from phash_engine.images.open import Source, plain_source, source_name, versions
from phash_engine.images.pixels import read_grey_planes, read_pixels, read_rgb, thumbnail, to_image
from phash_engine.images.read import (
    ImageInfo,
    Picture,
    Traits,
    read_block,
    read_image,
    read_image_info,
    read_picture,
    read_traits,
)

__all__ = [
    "Hashes",
    "ImageInfo",
    "Picture",
    "Source",
    "Traits",
    "hash_image",
    "hash_images",
    "plain_source",
    "read_block",
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
