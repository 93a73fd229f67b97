"""Open a path, bytes, a file, a PIL image or an array as a PIL image; every failure is raised as an ImageError."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from phash_engine import _files, _optional
from phash_engine.errors import ImageError
from phash_engine.hashing.plane import SHORTER_SIDE
from phash_engine.images import formats, jpeg, limits, metadata, png, raw, tiff

Source: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image | NDArray[np.uint8]"
    " | Mapping[str, Any]"
)
"""A path; the bytes of an image file; a binary file object, such as a member of a tar or zip file; a PIL image; a uint8
array; or a mapping with ``bytes`` and ``path``, as data sets of Hugging Face have it."""

PlainSource: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes] | Image.Image | NDArray[np.uint8]"

Image.MAX_IMAGE_PIXELS = limits.MAX_PIXELS
Image.core.set_block_size(1 << 26)  # type: ignore[attr-defined]
"""Large pictures go back to the system when they are released: smaller blocks would stay with each thread."""

_SAME_ASPECT = 0.02

_IN_WORDS = {
    "decoder error -2": "broken data",
    "Truncated File Read": "image file is truncated",
    "could not create decoder object": "cut off, or damaged at its start",
}
"""What Pillow says of damaged files, where it says it for programmers alone."""


@contextmanager
def opened(source: Source, name: str | None = None) -> Iterator[Image.Image]:
    """Open any source as a PIL image; failures, those within the context too, are raised as ImageErrors."""
    name = name or source_name(source)
    plain = plain_source(source)
    _check_type(plain)
    try:
        if isinstance(plain, Image.Image):
            yield checked(plain)
        elif isinstance(plain, np.ndarray):
            yield checked(Image.fromarray(np.ascontiguousarray(plain)))
        else:
            data = _file_bytes(plain)
            limits.check_parts(data)
            with _open_file(io.BytesIO(data), name) as image:
                image.info[metadata.FILE_BYTES] = data
                yield image
    except ImageError as error:
        raise ImageError(name, error.reason, is_damaged=error.is_damaged) from error
    except UnidentifiedImageError as error:
        raise ImageError(name, "not an image, or damaged at its start") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(name, f"more than the limit of {limits.MAX_PIXELS // 1_000_000} megapixels") from error
    except OSError as error:
        # An error of the system has a number, one of a decoder has none.
        raise ImageError(name, _reason(error), is_damaged=error.errno is None) from error
    except MemoryError as error:
        raise ImageError(name, "not enough memory to read it") from error
    except Exception as error:
        # Decoders raise any exception on damaged files.
        raise ImageError(name, f"damaged: {_reason(error)}", is_damaged=True) from error


def plain_source(source: Source) -> PlainSource:
    """Return the bytes of a buffer, and the bytes or the path of a mapping; other sources as they are."""
    if isinstance(source, Mapping):
        data, path = source.get("bytes"), source.get("path")
        if data is None and path is None:
            raise TypeError("expected 'bytes' or 'path' in the mapping")
        plain: PlainSource = path if data is None else data  # type: ignore[assignment]
        return plain_source(plain)
    return bytes(source) if isinstance(source, bytearray | memoryview) else source


def source_name(source: Source) -> str:
    """Return the name of a source in errors: its path, or ``<bytes>`` and the like."""
    if isinstance(source, Mapping):
        path = source.get("path")
        return path if isinstance(path, str) else f"<{type(source).__name__}>"
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, bytes | bytearray | memoryview | np.ndarray | Image.Image):
        return f"<{type(source).__name__}>"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "<file>"


def _file_bytes(file: str | os.PathLike[str] | bytes | IO[bytes]) -> bytes:
    if isinstance(file, bytes):
        return file
    if isinstance(file, str | os.PathLike):
        return _files.read(os.fspath(file))[1]
    file.seek(0)
    return file.read()


def _check_type(source: object) -> None:
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or not (source.ndim == 2 or (source.ndim == 3 and source.shape[2] in (3, 4))):
            got = f"{source.dtype} {source.shape}"
            raise TypeError(f"expected a uint8 array (h, w), (h, w, 3) or (h, w, 4), got {got}")
    elif not isinstance(source, str | os.PathLike | bytes | Image.Image) and not hasattr(source, "read"):
        expected = "a path, bytes, a binary file, a PIL image, a uint8 array or a mapping"
        raise TypeError(f"expected {expected}, got {type(source).__name__}")


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = " ".join(text.split())
    line = _IN_WORDS.get(line, line)
    if not line:
        return type(error).__name__
    return line[0].lower() + line[1:] if line[1:2].islower() else line


def _open_file(file: IO[bytes], name: str) -> Image.Image:
    file.seek(0)
    start = file.read(16)
    if not start:
        raise ImageError(name, "empty file")
    if start.startswith(jpeg.SIGNATURE):
        return _open_jpeg(file)
    if module := formats.needed_module(start):
        plugin = _optional.load(module)
        if module == formats.HEIF.module:
            plugin.register_heif_opener()
    if image := _open_raw(file, start, name):
        return image
    if start.startswith(png.SIGNATURE):
        file = png.without_faulty_chunks(file)
    return checked(_identified(file, start))


def _open_raw(file: IO[bytes], start: bytes, name: str) -> Image.Image | None:
    """Open the preview of a camera RAW, marked with the size of the RAW itself; None if it is no RAW."""
    has_raw_bytes = raw.is_raw(file)
    if not has_raw_bytes and not (start.startswith(formats.TIFF_SIGNATURES) and formats.is_raw_name(name)):
        return None
    file.seek(0)
    try:
        with raw.opened(file.read()) as photo:
            _check_size(photo.width, photo.height)
            image = _preview(photo) or Image.fromarray(photo.half_size())
    except raw.NotRawError:
        if has_raw_bytes:
            raise
        return None
    image.info[metadata.RAW_SIZE] = photo.width, photo.height
    return image


def _preview(photo: raw.RawPhoto) -> Image.Image | None:
    """Open the preview of a RAW if it is large enough and shows the whole picture, neither cropped nor letterboxed."""
    data = photo.preview()
    if data is None:
        return None
    if isinstance(data, bytes):
        image: Image.Image = Image.open(io.BytesIO(data), formats=["JPEG"])
    else:
        image = Image.fromarray(data)
        image.getexif()[metadata.ORIENTATION_TAG] = photo.orientation
    width, height = metadata.shown_size(checked(image))
    stretch = (width * photo.height) / (height * photo.width)
    return image if min(width, height) >= SHORTER_SIDE and abs(stretch - 1) <= _SAME_ASPECT else None


def _open_jpeg(file: IO[bytes]) -> Image.Image:
    """Open a JPEG by its own limit of pixels: that of ``Image.open`` is one for all formats."""
    file.seek(0)
    most = limits.max_pixels(file.read())
    file.seek(0)
    try:
        image = JpegImagePlugin.jpeg_factory(file)
    except (SyntaxError, IndexError, TypeError, struct.error) as error:
        raise ImageError("", "not an image, or damaged at its start") from error
    limits.check_size(*image.size, most)
    return image


def _identified(file: IO[bytes], start: bytes) -> Image.Image:
    """Open with the common plugins of Pillow, then with all of them, which are slow to import."""
    Image.preinit()
    if start.startswith(tiff.SIGNATURES):
        return tiff.opened(file, _check_size)
    try:
        return Image.open(file, formats=_registered())
    except UnidentifiedImageError:
        Image.init()
        return Image.open(file, formats=_registered())


def _registered() -> list[str]:
    return [name for name in formats.OPENERS if name in Image.OPEN]


def checked(image: Image.Image) -> Image.Image:
    """Return the image; raise ImageError if it is empty, has more than ``limits.MAX_PIXELS``, or extreme sides."""
    _check_size(*image.size)
    return image


def _check_size(width: int, height: int) -> None:
    limits.check_size(width, height, limits.MAX_PIXELS)


def versions() -> dict[str, str]:
    """Return the versions of Pillow and of its decoders; ``none`` for those it lacks."""
    from PIL import features

    names = {"Pillow": "pil", "libjpeg-turbo": "libjpeg_turbo", "libwebp": "webp", "libavif": "avif"}
    names |= {"libtiff": "libtiff", "OpenJPEG": "jpg_2000"}
    return {name: features.version(feature) or "none" for name, feature in names.items()}
