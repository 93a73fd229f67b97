"""Files, bytes, PIL images and arrays to blocks, pixels and metadata. The only package that imports Pillow."""

from __future__ import annotations

from phash_engine.images.hashes import Hashes, hash_image, hash_images
from phash_engine.images.luma import GREY_SIDE
from phash_engine.images.movie import Movie
from phash_engine.images.open import Source, plain_source, source_name, versions
from phash_engine.images.pixels import read_grey_planes, read_pixels, read_rgb, thumbnail, to_image
from phash_engine.images.read import (
    ImageInfo,
    Picture,
    Reading,
    read_block,
    read_file,
    read_image,
    read_image_info,
    read_picture,
)
from phash_engine.images.traits import Traits

__all__ = [
    "GREY_SIDE",
    "Hashes",
    "ImageInfo",
    "Movie",
    "Picture",
    "Reading",
    "Source",
    "Traits",
    "hash_image",
    "hash_images",
    "plain_source",
    "read_block",
    "read_file",
    "read_grey_planes",
    "read_image",
    "read_image_info",
    "read_picture",
    "read_pixels",
    "read_rgb",
    "source_name",
    "thumbnail",
    "to_image",
    "versions",
]
