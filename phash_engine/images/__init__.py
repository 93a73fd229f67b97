"""File, bytes, PIL image or array → blocks and ImageInfo. The only package that imports Pillow.

Pictures are read as a person sees them: EXIF orientation applied, transparency composited, 16-bit and float values
scaled to luma. JPEG files are decoded at the smallest scale whose shorter side keeps 64 pixels, in grey.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from phash_engine.errors import ImageError
from phash_engine.hashing import hashers, orientation, views
from phash_engine.hashing.plane import Extent, Plane
from phash_engine.images import luma, metadata, progressive_jpeg
from phash_engine.images.open import FORMATS as FORMATS
from phash_engine.images.open import MAX_PIXELS as MAX_PIXELS
from phash_engine.images.open import SHORTER_SIDE, checked, opened
from phash_engine.images.open import Source as Source
from phash_engine.images.open import source_name as source_name

_MOST_BYTES = 1 << 26
_READ_BYTES = 1 << 20
"""What a JPEG decoder is given at once: each call lets go of the interpreter lock, and must wait to have it back."""
_MAKE, _MODEL = 0x010F, 0x0110
_MOST_FRAME_PIXELS = 2_000_000_000


class ImageInfo(NamedTuple):
    """What is known of a picture besides its pixels; width and height in pixels as a person sees it.

    ``is_animated`` tells whether the file has further frames or pages.
    """

    width: int
    height: int
    format: str
    mode: str
    is_animated: bool = False


class Traits(NamedTuple):
    """What a file's header tells of where the picture comes from.

    ``quality`` is how little its encoder lost, 0..100 as libjpeg counts; ``taken`` the camera's local time; ``camera``
    whether a camera, or the time of a shot, is named at all.
    """

    quality: int
    taken: datetime | None
    camera: bool


def read_block(source: Source, name: str | None = None) -> NDArray[np.uint16]:
    """Read a picture and average it to its block.

    Parameters
    ----------
    source
        A path, the bytes of an image file, a binary file object, a PIL image, or a uint8 array ``(h, w)``,
        ``(h, w, 3)`` or ``(h, w, 4)``. PIL images and arrays are taken at full size, so the block of an opened JPEG
        may differ from that of its path by a step of luma.
    name
        What errors call the source, by default :func:`source_name`. Give it with the bytes of a file: not every camera
        RAW can be told from a TIFF but by its extension.

    Returns
    -------
    numpy.ndarray
        uint16 ``(32, 32)`` of luma in 1/256, 0..65280.

    Raises
    ------
    ImageError
        The picture cannot be read; carries path and reason.
    TypeError
        Not one of these, or an array that is not uint8 of these shapes.
    """
    return read_image(source, name)[0]


def read_fingerprint(source: Source) -> hashers.Fingerprint:
    """Read a picture and return its five codes; sources and errors as :func:`read_block`."""
    return hashers.fingerprint(read_block(source))


def read_image(source: Source, name: str | None = None) -> tuple[NDArray[np.uint16], ImageInfo]:
    """Read block and info in one decode; sources, names and errors as :func:`read_block`."""
    with _decoded(source, name) as (_, plane, turn, info):
        return _turned(plane.block, turn), info


class Picture(NamedTuple):
    """A picture by its views: blocks, uint16 ``(32, 32)``, by name, ``full`` first."""

    info: ImageInfo
    blocks: dict[str, NDArray[np.uint16]]


def read_picture(source: Source, name: str | None = None, *, crops: bool = False, frames: int = 0) -> Picture:
    """Read the views of a picture in one decode: full; trimmed, where there is a border; on request more.

    Parameters
    ----------
    source, name
        As for :func:`read_block`; so are the errors.
    crops
        Whether the crops of ``views.CROPS`` are wanted.
    frames
        How many further frames of an animation, or pages of a TIFF, are wanted: evenly spaced ones, or all there are.
        Of longer ones than 2 gigapixels the first part counts, of damaged ones what comes before the damage.
    """
    with _decoded(source, name) as (image, plane, turn, info):
        blocks = {views.FULL: plane.block}
        if (trimmed := plane.trimmed()) is not None:
            blocks[views.TRIMMED] = trimmed
        if crops:
            blocks |= plane.crops()
        if frames and info.is_animated:
            blocks |= _frames(image, frames)
        return Picture(info, {view: _turned(block, turn) for view, block in blocks.items()})


def read_image_info(source: Source) -> ImageInfo:
    """Read the info alone, without decoding where the format allows; sources and errors as :func:`read_block`."""
    with opened(source) as image:
        raw_size = metadata.raw_size(image)
        kind = "RAW" if raw_size else image.format or ""
        return ImageInfo(*raw_size or metadata.shown_size(image), kind, image.mode, metadata.is_animated(image))


def read_rgb(source: Source, height: int, width: int, name: str | None = None) -> NDArray[np.uint8]:
    """Read the middle of a picture in colour, scaled until it fills a frame: what embedding models look at.

    Upright, transparency on white, reduced by Pillow's bilinear filter over the whole area of a cell.

    Parameters
    ----------
    source, name
        As for :func:`read_block`, and so the errors.
    height, width
        Of the frame.

    Returns
    -------
    numpy.ndarray
        uint8 ``(height, width, 3)``: red, green, blue.
    """
    with opened(source, name) as image:
        if image is not source:
            scale = 2 * max(height, width) / min(image.size)
            image.draft(None, (math.ceil(scale * image.width), math.ceil(scale * image.height)))
        image.load()
        turn = metadata.orientation(image)
        size = (height, width) if turn >= 5 else (width, height)
        scale = max(size[0] / image.width, size[1] / image.height)
        # Rounding must not push the box over the edge.
        across, down = (max(0.0, (side - seen / scale) / 2) for side, seen in zip(image.size, size, strict=True))
        box = (across, down, image.width - across, image.height - down)
        framed = np.asarray(luma.colour(image).resize(size, Image.Resampling.BILINEAR, box))
        return np.ascontiguousarray(orientation.turn(framed, turn))


def read_grey_planes(source: Source, sizes: Callable[[int, int], Sequence[tuple[int, int]]]) -> list[NDArray[np.uint8]]:
    """Read a picture in Pillow's grey as it is stored, reduced to several sizes by Pillow's Lanczos filter.

    Unlike the block this is decoded at full size, not turned upright and not composited: what another library sees.

    Parameters
    ----------
    source
        As for :func:`read_block`.
    sizes
        From width and height of the picture to width and height of each plane.

    Returns
    -------
    list of numpy.ndarray
        uint8 ``(height, width)``, one for each size.

    Raises
    ------
    ImageError
        As for :func:`read_block`, and where Pillow turns no picture of this mode grey.
    """
    with opened(source) as image:
        image.load()
        try:
            grey = image.convert("L")
        except ValueError as error:
            raise ImageError("", f"Pillow turns no {image.mode} picture grey") from error
        return [np.asarray(grey.resize(size, Image.Resampling.LANCZOS)) for size in sizes(*grey.size)]


def read_pixels(source: Source, longer_side: int, name: str | None = None) -> NDArray[np.uint8]:
    """Read a picture in colour, upright, composited on white, and reduced by Pillow's Lanczos filter.

    Parameters
    ----------
    source, name
        As for :func:`read_block`.
    longer_side
        At most so many pixels; smaller pictures stay as they are.

    Returns
    -------
    numpy.ndarray
        uint8 ``(h, w, 3)`` of RGB.

    Raises
    ------
    ImageError, TypeError
        As for :func:`read_block`.
    """
    with opened(source, name) as image:
        if image.format in {"JPEG", "MPO"} and image is not source:
            image.draft("RGB", (longer_side, longer_side))
        image.load()
        scale = min(1.0, longer_side / max(image.size))
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        pixels = np.asarray(luma.colour(image).resize(size, Image.Resampling.LANCZOS))
        return np.ascontiguousarray(orientation.turn(pixels, metadata.orientation(image)))


def read_traits(source: Source) -> Traits:
    """Read the traits, without decoding where the format allows; sources and errors as :func:`read_block`."""
    with opened(source) as image:
        if metadata.raw_size(image):
            return Traits(100, metadata.taken(image), camera=True)
        exif = image.getexif()
        taken = metadata.taken(image)
        return Traits(metadata.encoder_quality(image), taken, camera=bool(taken or exif.get(_MAKE) or exif.get(_MODEL)))


def thumbnail(source: Source, side: int) -> bytes:
    """Return the bytes of a JPEG that shows a picture upright, no side longer than ``side`` pixels.

    Transparency shows white. Sources and errors as :func:`read_block`.
    """
    with opened(source) as image:
        if image is not source:
            image.draft("RGB", (side, side))
        shown = luma.colour(image)
        shown.thumbnail((side, side), reducing_gap=2.0)
        upright = np.ascontiguousarray(orientation.turn(np.asarray(shown), metadata.orientation(image)))
        written = io.BytesIO()
        Image.fromarray(upright).save(written, "JPEG", quality=70)
        return written.getvalue()


def to_image(plane: NDArray[np.uint8]) -> Image.Image:
    """Return a grey plane, uint8 ``(h, w)``, as the PIL image that other libraries take."""
    return Image.fromarray(plane)


def versions() -> dict[str, str]:
    """Return the versions of Pillow and of its decoders; one that it lacks is ``none``."""
    from PIL import features

    names = {"Pillow": "pil", "libjpeg-turbo": "libjpeg_turbo", "libwebp": "webp", "libavif": "avif"}
    names |= {"libtiff": "libtiff", "OpenJPEG": "jpg_2000"}
    return {name: features.version(feature) or "none" for name, feature in names.items()}


@contextmanager
def _decoded(source: Source, name: str | None) -> Iterator[tuple[Image.Image, Plane, int, ImageInfo]]:
    """Decode the first frame of any source: its luma as it is stored, the orientation it is seen in, and its info."""
    with opened(source, name) as image:
        width, height, mode = image.width, image.height, image.mode
        is_animated = metadata.is_animated(image)  # a GIF that is loaded would have to be loaded again
        raw_size = metadata.raw_size(image)
        scale = 1
        # A PIL image is its owner's: draft would change it.
        if image.format in {"JPEG", "MPO"} and image is not source:
            scale = next(k for k in (8, 4, 2, 1) if k == 1 or min(width, height) >= k * SHORTER_SIDE)
            if scale == 8:
                image = _without_details(image)
            image.draft("L", (SHORTER_SIDE, SHORTER_SIDE))
            if isinstance(image, ImageFile.ImageFile):
                image.decodermaxblock = _READ_BYTES
        image.load()
        if scale == 1:
            width, height = image.size  # Pillow turns a TIFF upright while loading
        turn = metadata.orientation(image)
        shown = raw_size or ((height, width) if turn >= 5 else (width, height))
        info = ImageInfo(*shown, "RAW" if raw_size else image.format or "", mode, is_animated)
        yield image, luma.plane(image, Extent(width, height, scale)), turn, info


def _turned(block: NDArray[np.uint16], turn: int) -> NDArray[np.uint16]:
    return np.ascontiguousarray(orientation.turn(block, turn))


def _without_details(image: Image.Image) -> Image.Image:
    """Leave out what a progressive JPEG does not show at scale 1/8; the image itself where that cannot be told."""
    if not isinstance(image, ImageFile.ImageFile) or not image.fp or "progressive" not in image.info:
        return image
    image.fp.seek(0)
    data = progressive_jpeg.dc_only(image.fp.read(_MOST_BYTES))  # a longer one seems truncated: decoded as it is
    return Image.open(io.BytesIO(data), formats=["JPEG"]) if data else image


def _frames(image: Image.Image, wanted: int) -> Iterator[tuple[str, NDArray[np.uint16]]]:
    """Average further frames, evenly spaced; any may be damaged, and those after it are not looked for."""
    try:
        count = min(int(getattr(image, "n_frames", 1)), _MOST_FRAME_PIXELS // (image.width * image.height))
        for number in sorted({count * place // (wanted + 1) for place in range(1, wanted + 1)} - {0}):
            image.seek(number)
            image.load()
            yield views.frame(number), luma.plane(checked(image), Extent(*image.size)).block
    except Exception:  # noqa: BLE001 - the decoders raise whatever they stumble over
        return
