"""Read a picture once: the blocks of its views, its size, format and traits.

Pictures are read upright: EXIF orientation applied, transparency composited, 16-bit and float values
scaled to luma. JPEG files are decoded at the smallest scale whose shorter side keeps 64 pixels, in grey.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from phash_engine._threads import Budget
from phash_engine.hashing import orientation, quality, views
from phash_engine.hashing.content_class import content_class
from phash_engine.hashing.plane import SHORTER_SIDE, Extent, Plane, scale_of
from phash_engine.hashing.quality import is_flat
from phash_engine.images import animation, integrity, jpeg, limits, loading, luma, metadata, progressive_jpeg, traits
from phash_engine.images.integrity import Integrity
from phash_engine.images.open import Source, opened
from phash_engine.images.traits import Traits

_MAX_BYTES = 1 << 26
_READ_BYTES = 1 << 20
"""Bytes passed to a JPEG decoder per call: each call releases the interpreter lock, and must wait to take it again."""
_Number = TypeVar("_Number", np.uint8, np.uint16)


class ImageInfo(NamedTuple):
    """Size, format and mode of a picture; width and height in pixels after EXIF orientation is applied.

    ``is_animated`` is true where the file has further frames or pages.
    """

    width: int
    height: int
    format: str
    mode: str
    is_animated: bool = False


def read_block(source: Source, name: str | None = None, memory: Budget | None = None) -> NDArray[np.uint16]:
    """Read a picture and average it to its block.

    Parameters
    ----------
    source
        A path, the bytes of an image file, a binary file object, a PIL image, or a uint8 array ``(h, w)``,
        ``(h, w, 3)`` or ``(h, w, 4)``. PIL images and arrays are taken at full size, so the block of an opened JPEG
        may differ from that of its path by a step of luma.
    name
        Name of the source in errors, by default :func:`source_name`. Pass it with the bytes of a file: some camera RAW
        differs from a TIFF by its extension alone.
    memory
        Of what decoding holds, which waits until so much is free; None for no limit.

    Returns
    -------
    numpy.ndarray
        uint16 ``(32, 32)`` of luma in 1/256, 0..65280.

    Raises
    ------
    ImageError
        The picture cannot be read; carries path and reason.
    TypeError
        Another type of source, or an array of another dtype or shape.
    """
    return read_image(source, name, memory)[0]


def read_image(
    source: Source, name: str | None = None, memory: Budget | None = None
) -> tuple[NDArray[np.uint16], ImageInfo]:
    """Read block and info in one decode; parameters and errors as :func:`read_block`."""
    with _decoded(source, name, memory) as (_, _, plane, turn, info, _):
        return _turned(plane.block, turn), info


class Picture(NamedTuple):
    """The info of a picture, the blocks of its views, uint16 ``(32, 32)``, by name, ``full`` first, and its integrity.

    A picture that is not from a file has no integrity to know of.
    """

    info: ImageInfo
    blocks: dict[str, NDArray[np.uint16]]
    integrity: Integrity = integrity.UNKNOWN


class Reading(NamedTuple):
    """All that is kept of a file: its picture and its traits, a grey plane, and some of its frames.

    Attributes
    ----------
    picture
        Info and views.
    traits
        What the file says of itself, and what its pixels measure.
    grey
        uint8 ``(64, 64)``: the luma of the whole picture, upright, averaged over the cells of a square grid.
    frames
        The blocks of up to 16 frames or pages by number, the first and the last among them; empty for a still.
    """

    picture: Picture
    traits: Traits
    grey: NDArray[np.uint8]
    frames: dict[int, NDArray[np.uint16]]


def read_file(data: bytes, name: str, *, crops: bool = False, frames: int = 0, memory: Budget | None = None) -> Reading:
    """Read all that is kept of a file in one decode.

    Parameters
    ----------
    data, name
        The bytes of the file and its path; errors as :func:`read_block`.
    crops, frames, memory
        As for :func:`read_picture`.
    """
    with _decoded(data, name, memory, verify=True) as (image, pixels, plane, turn, info, known):
        blocks = dict(_views(pixels, plane, crops=crops))
        reduced = plane.reduced()
        grey = luma.squared(pixels, reduced, plane.extent)
        found = traits.of_image(image, data, name)._replace(
            frames=metadata.frame_count(image) if info.is_animated else 1,
            sharpness=quality.mean_gradient(reduced),
            entropy=quality.entropy(grey),
            content_class=content_class(reduced),
        )
        sampled: dict[int, NDArray[np.uint16]] = {}
        if info.is_animated:
            sampled_numbers, requested = animation.sampled(image), animation.requested(image, frames)
            read = {0: plane.block} | dict(animation.blocks(image, sampled_numbers | requested))
            sampled = {number: block for number, block in read.items() if number in sampled_numbers}
            blocks |= {views.frame(number): block for number, block in read.items() if number in requested}
        return Reading(
            Picture(info, {view: _turned(block, turn) for view, block in blocks.items()}, known),
            found,
            _turned(grey, turn),
            {number: _turned(block, turn) for number, block in sampled.items()},
        )


def read_picture(
    source: Source,
    name: str | None = None,
    *,
    crops: bool = False,
    frames: int = 0,
    memory: Budget | None = None,
) -> Picture:
    """Read the views of a picture in one decode.

    They are the full one; ground, where the picture is transparent; trimmed, where it has a border; on request more.

    Parameters
    ----------
    source, name, memory
        As for :func:`read_block`; so are the errors.
    crops
        Whether to make the crops of ``views.CROPS``.
    frames
        How many further frames of an animation, or pages of a TIFF, to read: evenly spaced ones, or all there are.
        Frames after the first 2 gigapixels, or after a damaged one, are left out.
    """
    with _decoded(source, name, memory, verify=True) as (image, pixels, plane, turn, info, found):
        blocks = dict(_views(pixels, plane, crops=crops))
        if frames and info.is_animated:
            read = animation.blocks(image, animation.requested(image, frames))
            blocks |= {views.frame(number): block for number, block in read}
        return Picture(info, {view: _turned(block, turn) for view, block in blocks.items()}, found)


def read_image_info(source: Source) -> ImageInfo:
    """Read the info alone, without decoding where the format allows; sources and errors as :func:`read_block`."""
    with opened(source) as image:
        raw_size = metadata.raw_size(image)
        kind = "RAW" if raw_size else image.format or ""
        return ImageInfo(*raw_size or metadata.shown_size(image), kind, image.mode, metadata.is_animated(image))


@contextmanager
def _decoded(
    source: Source, name: str | None, memory: Budget | None, *, verify: bool = False
) -> Iterator[tuple[Image.Image, Image.Image, Plane, int, ImageInfo, Integrity]]:
    """Decode the first frame of any source.

    Yields the image, and as it is shown; its luma as stored; orientation; info; integrity, which is unknown unless
    ``verify``: that of a progressive JPEG takes all of its data.
    """
    with opened(source, name) as image:
        width, height, mode = image.width, image.height, image.mode
        is_animated = metadata.is_animated(image)  # a GIF that is loaded would have to be loaded again
        raw_size = metadata.raw_size(image)
        scale = 1
        whole = image
        # draft would change a PIL image of the caller.
        if image.format in {"JPEG", "MPO"} and image is not source:
            scale = scale_of(width, height)
            if scale == 8 and not verify:
                image = _without_details(image)
            image.draft("L", (SHORTER_SIDE, SHORTER_SIDE))
        data = whole.info.get(metadata.FILE_BYTES, b"")
        with memory.held(limits.decoding_bytes(image, data)) if memory else nullcontext():
            found = _integrity(image, whole) if verify or image.format in {"JPEG", "MPO"} else integrity.UNKNOWN
            pixels = loading.loaded(image)
            if scale == 1:
                width, height = image.size  # Pillow turns a TIFF upright while loading
            turn = metadata.orientation(image)
            shown = raw_size or ((height, width) if turn >= 5 else (width, height))
            info = ImageInfo(*shown, "RAW" if raw_size else image.format or "", mode, is_animated)
            known = found if verify and not raw_size else integrity.UNKNOWN
            yield image, pixels, luma.plane(pixels, Extent(width, height, scale)), turn, info, known


def _integrity(image: Image.Image, whole: Image.Image) -> Integrity:
    """Return the integrity of a file; a JPEG is decoded for it, if it is the whole one, and intact."""
    if image.format in {"JPEG", "MPO"} and isinstance(image, ImageFile.ImageFile) and image.fp:
        image.decodermaxblock = _READ_BYTES
        if image is not whole:
            return integrity.UNKNOWN
        image.fp.seek(0)
        return jpeg.load_strictly(image, image.fp.read())
    return integrity.of_container(image.info.get(metadata.FILE_BYTES, b""))


def _on_other_ground(image: Image.Image, plane: Plane) -> NDArray[np.uint16] | None:
    """Return the block of a transparent picture on black; None if that differs from another by no more than a tone."""
    if not luma.is_transparent(image):
        return None
    block = luma.plane_on_black(image, Extent(*image.size)).block
    return None if is_flat(plane.block.astype(np.int32) - block) else block


def _views(image: Image.Image, plane: Plane, *, crops: bool) -> Iterator[tuple[str, NDArray[np.uint16]]]:
    """Yield the blocks of the views of one frame, by name."""
    yield views.FULL, plane.block
    if (on_black := _on_other_ground(image, plane)) is not None:
        yield views.GROUND, on_black
    if (trimmed := plane.trimmed()) is not None:
        yield views.TRIMMED, trimmed
    if crops:
        yield from plane.crops()


def _turned(block: NDArray[_Number], turn: int) -> NDArray[_Number]:
    return np.ascontiguousarray(orientation.turn(block, turn))


def _without_details(image: Image.Image) -> Image.Image:
    """Leave out what a progressive JPEG does not show at scale 1/8; the image itself where that is unknown."""
    if not isinstance(image, ImageFile.ImageFile) or not image.fp or "progressive" not in image.info:
        return image
    image.fp.seek(0)
    data = progressive_jpeg.dc_only(image.fp.read(_MAX_BYTES))  # a longer file seems truncated, and is decoded as it is
    return Image.open(io.BytesIO(data), formats=["JPEG"]) if data else image
