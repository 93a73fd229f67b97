"""What decoding a file would take, by its header alone: work beyond the limits is refused before it begins.

A file of some megabytes can declare work of minutes: lines of millions of pixels, scans that each pass over the whole
picture, frames and chunks that each take a step of an interpreter. Containers are walked only as far as a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from PIL import Image

from phash_engine.errors import ImageError
from phash_engine.images import integrity, jpeg, metadata, png, tiff

MAX_PIXELS = 256_000_000
MAX_REDUCED_PIXELS: Final = 1_000_000_000
"""Of JPEGs that are decoded row by row, an eighth of each side."""
MAX_SIDE: Final = 250_000
"""In pixels: longer lines are no picture, and each takes as much time as many short ones."""
MAX_SCANS: Final = 200
"""Of a JPEG; encoders write 1 to 15, optimisers some more."""
MAX_FRAMES: Final = 10_000
MAX_PARTS: Final = 100_000
"""Chunks, segments and blocks of a file, without those that hold pixels."""

_PIXEL_CHUNKS: Final = frozenset({b"IDAT", b"fdAT"})


_WIDE_GREY, _WIDE_COLOUR, _FRAMES = 12, 21, 14
_HELD_BY_DECODERS: Final = {"WEBP": 17, "JPEG2000": 20, "AVIF": 10, "HEIF": 8, "JXL": 8, "QOI": 9, "DDS": 9, "SGI": 7}
"""Bytes a pixel."""


def check_size(width: int, height: int, most: int) -> None:
    """Raise ImageError without a path for an empty picture, one of more than ``most`` pixels, or of extreme sides."""
    size = f"{width}x{height} pixels"
    if not width * height:
        raise ImageError("", f"empty image of {size}")
    if width * height > most:
        raise ImageError("", f"{size} are more than the limit of {most // 1_000_000} megapixels")
    if max(width, height) > MAX_SIDE:
        raise ImageError("", f"{size}: a side is longer than the limit of {MAX_SIDE} pixels")


def max_pixels(data: bytes) -> int:
    """Return the most pixels that a file may have: more of a JPEG whose coefficients are not held all at once."""
    is_reduced = data.startswith(jpeg.SIGNATURE) and not jpeg.JpegHeader.parse(data, MAX_PARTS).is_multiscan
    return MAX_REDUCED_PIXELS if is_reduced else MAX_PIXELS


def check_parts(data: bytes) -> None:
    """Raise ImageError without a path for more scans, frames, pages, chunks or segments than the limits.

    Takes 10 µs for a photo; of files that could have too many parts, the time to count them up to the limit.
    """
    if data.startswith(jpeg.SIGNATURE):
        header = jpeg.JpegHeader.parse(data, MAX_PARTS + 1)
        _check(header.segments, MAX_PARTS, "segments")
        if header.is_multiscan and data.count(b"\xff\xda") > MAX_SCANS:
            _check(jpeg.scan_count(data, MAX_SCANS + 1), MAX_SCANS, "scans")
    elif data.startswith(png.SIGNATURE):
        _check_chunks((name for name, _, _ in png.chunks(data)), b"fcTL")
    elif data.startswith(b"RIFF"):
        _check_chunks((name for name, _, _ in integrity.riff_chunks(data)), b"ANMF")
    elif data.startswith(b"GIF8"):
        _check_blocks(data)
    elif data.startswith(tiff.SIGNATURES):
        _check(_count(integrity.tiff_directories(data), MAX_FRAMES + 1), MAX_FRAMES, "pages")


def decoding_bytes(image: Image.Image, data: bytes) -> int:
    """Return about the most bytes that decoding an opened picture will hold, without ``data``, those of its file.

    By the table of what decoders, and the steps after them, hold for each pixel at their peak, as measured. Drafts
    count by their reduced size.
    """
    pixels = image.width * image.height
    if image.format in {"JPEG", "MPO"}:
        header = jpeg.JpegHeader.parse(data, MAX_PARTS)
        return 2 * len(image.getbands()) * pixels + header.coefficient_bytes
    if image.mode.startswith("I"):
        pixel = _WIDE_GREY
    elif any(";16" in str(tile.args) for tile in getattr(image, "tile", ())):
        pixel = _WIDE_COLOUR
    else:
        pixel = 2 if image.mode in {"1", "L", "P"} else 6
    frames = _FRAMES if metadata.is_animated(image) else 0
    return pixels * max(pixel, frames, _HELD_BY_DECODERS.get(image.format or "", 0))


def _check(count: int, most: int, what: str) -> None:
    if count > most:
        raise ImageError("", f"more than the limit of {most} {what}")


def _count(things: Iterable[object], most: int) -> int:
    return sum(1 for _ in islice(things, most))


def _check_chunks(names: Iterator[bytes], frame: bytes) -> None:
    frames = others = 0
    for name in names:
        frames += name == frame
        others += name not in _PIXEL_CHUNKS
        _check(frames, MAX_FRAMES, "frames")
        _check(others, MAX_PARTS, "chunks")


def _check_blocks(data: bytes) -> None:
    frames = others = 0
    for kind, _ in integrity.gif_blocks(data):
        frames += kind == integrity.GIF_IMAGE
        others += kind == integrity.GIF_EXTENSION
        _check(frames, MAX_FRAMES, "frames")
        _check(others, MAX_PARTS, "extensions")
