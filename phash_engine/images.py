"""File, bytes, PIL image or array → blocks and ImageInfo. The only module that imports Pillow.

Pictures are read as a person sees them: EXIF orientation applied, transparency composited, 16-bit and float values
scaled to luma. JPEG files are decoded at the smallest scale whose shorter side keeps 64 pixels, in grey.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import IO, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from phash_engine import extras, files, hashers, orientation, progressive, raw, views
from phash_engine.errors import ImageError
from phash_engine.plane import BAND_PIXELS, Extent, Plane
from phash_engine.quality import is_flat

Source: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes] | Image.Image | NDArray[np.uint8]"
_ToLuma: TypeAlias = Callable[[Image.Image], NDArray[Any]]

MAX_PIXELS = 256_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

FORMATS = "JPEG PNG GIF BMP PPM WEBP TIFF AVIF HEIF JPEG2000 ICO TGA PCX DIB SGI ICNS QOI DDS PSD PFM JXL".split()
"""What is opened: picture formats whose decoders run inside this process. EPS, for one, would start another program."""

_SHORTER_SIDE = 64
_MOST_BYTES = 1 << 26
_READ_BYTES = 1 << 20
"""What a JPEG decoder is given at once: each call lets go of the interpreter lock, and must wait to have it back."""

_WIDE_UNIT = 257
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_JXL_MAGIC = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
_ORIENTATION_TAG = 0x0112
_EXIF_IFD = 0x8769
_MAKE, _MODEL, _TAKEN, _TAKEN_FRACTION = 0x010F, 0x0110, 0x9003, 0x9291
_STANDARD_TABLE_SUM = 3688
"""Sum of the luminance quantisation table of ITU-T T.81, Annex K.1, which libjpeg scales by its quality setting."""
_TYPICAL_QUALITY = {"HEIF": 92, "JXL": 90, "JPEG2000": 90, "AVIF": 75, "WEBP": 75, "GIF": 50}
"""What files without quantisation tables are commonly written with; other formats lose nothing."""
_RAW_SIZE = "raw size"
_SAME_ASPECT = 0.02
_ANIMATED = frozenset({"GIF", "WEBP", "PNG", "TIFF", "AVIF"})
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
    with _opened(source) as image:
        raw_size = _raw_size(image)
        kind = "RAW" if raw_size else image.format or ""
        return ImageInfo(*raw_size or _shown_size(image), kind, image.mode, _is_animated(image))


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
    with _opened(source, name) as image:
        if image is not source:
            scale = 2 * max(height, width) / min(image.size)
            image.draft(None, (math.ceil(scale * image.width), math.ceil(scale * image.height)))
        image.load()
        turn = _orientation(image)
        size = (height, width) if turn >= 5 else (width, height)
        scale = max(size[0] / image.width, size[1] / image.height)
        # Rounding must not push the box over the edge.
        across, down = (max(0.0, (side - seen / scale) / 2) for side, seen in zip(image.size, size, strict=True))
        box = (across, down, image.width - across, image.height - down)
        framed = np.asarray(_colour(image).resize(size, Image.Resampling.BILINEAR, box))
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
    with _opened(source) as image:
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
    with _opened(source, name) as image:
        if image.format in {"JPEG", "MPO"} and image is not source:
            image.draft("RGB", (longer_side, longer_side))
        image.load()
        scale = min(1.0, longer_side / max(image.size))
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        pixels = np.asarray(_colour(image).resize(size, Image.Resampling.LANCZOS))
        return np.ascontiguousarray(orientation.turn(pixels, _orientation(image)))


def read_traits(source: Source) -> Traits:
    """Read the traits, without decoding where the format allows; sources and errors as :func:`read_block`."""
    with _opened(source) as image:
        if _raw_size(image):
            return Traits(100, _taken(image), camera=True)
        exif = image.getexif()
        taken = _taken(image)
        return Traits(_encoder_quality(image), taken, camera=bool(taken or exif.get(_MAKE) or exif.get(_MODEL)))


def thumbnail(source: Source, side: int) -> bytes:
    """Return the bytes of a JPEG that shows a picture upright, no side longer than ``side`` pixels.

    Transparency shows white. Sources and errors as :func:`read_block`.
    """
    with _opened(source) as image:
        if image is not source:
            image.draft("RGB", (side, side))
        shown = _colour(image)
        shown.thumbnail((side, side), reducing_gap=2.0)
        upright = np.ascontiguousarray(orientation.turn(np.asarray(shown), _orientation(image)))
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
    with _opened(source, name) as image:
        width, height, mode = image.width, image.height, image.mode
        is_animated = _is_animated(image)  # a GIF that is loaded would have to be loaded again
        raw_size = _raw_size(image)
        scale = 1
        # A PIL image is its owner's: draft would change it.
        if image.format in {"JPEG", "MPO"} and image is not source:
            scale = next(k for k in (8, 4, 2, 1) if k == 1 or min(width, height) >= k * _SHORTER_SIDE)
            if scale == 8:
                image = _without_details(image)
            image.draft("L", (_SHORTER_SIDE, _SHORTER_SIDE))
            if isinstance(image, ImageFile.ImageFile):
                image.decodermaxblock = _READ_BYTES
        image.load()
        if scale == 1:
            width, height = image.size  # Pillow turns a TIFF upright while loading
        turn = _orientation(image)
        shown = raw_size or ((height, width) if turn >= 5 else (width, height))
        info = ImageInfo(*shown, "RAW" if raw_size else image.format or "", mode, is_animated)
        yield image, _plane(image, Extent(width, height, scale)), turn, info


def _turned(block: NDArray[np.uint16], turn: int) -> NDArray[np.uint16]:
    return np.ascontiguousarray(orientation.turn(block, turn))


@contextmanager
def _opened(source: Source, name: str | None = None) -> Iterator[Image.Image]:
    """Open any source as a PIL image; whatever goes wrong with it becomes an ImageError."""
    _check_type(source)
    name = name or source_name(source)
    try:
        if isinstance(source, Image.Image):
            yield _checked(source)
        elif isinstance(source, np.ndarray):
            yield _checked(Image.fromarray(np.ascontiguousarray(source)))
        elif isinstance(source, str | os.PathLike):
            with open(source, "rb") as file, _open_file(file, name) as image:
                yield image
        else:
            file_object = io.BytesIO(source) if isinstance(source, bytes) else source
            with _open_file(file_object, name) as image:
                yield image
    except ImageError as error:
        raise ImageError(name, error.reason) from error
    except UnidentifiedImageError as error:
        raise ImageError(name, "not a picture, or damaged at its start") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(name, f"more than the {MAX_PIXELS // 1_000_000} megapixels that are read") from error
    except OSError as error:
        raise ImageError(name, _reason(error)) from error
    except MemoryError as error:
        raise ImageError(name, "not enough memory to read it") from error
    except Exception as error:
        # On damaged files the decoders raise whatever they stumble over.
        raise ImageError(name, f"damaged: {_reason(error)}") from error


def source_name(source: Source) -> str:
    """Return what errors call a source: its path, or ``<bytes>`` and the like."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, bytes | np.ndarray | Image.Image):
        return f"<{type(source).__name__}>"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "<file>"


def _check_type(source: object) -> None:
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or not (source.ndim == 2 or (source.ndim == 3 and source.shape[2] in (3, 4))):
            came = f"{source.dtype} {source.shape}"
            raise TypeError(f"a picture is a uint8 array (h, w), (h, w, 3) or (h, w, 4), not {came}")
    elif not isinstance(source, str | os.PathLike | bytes | Image.Image) and not hasattr(source, "read"):
        came = type(source).__name__
        raise TypeError(f"a picture is a path, bytes, a binary file, a PIL image or a uint8 array, not {came}")


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = " ".join(text.split())
    if not line:
        return type(error).__name__
    return line[0].lower() + line[1:] if line[1:2].islower() else line


def _open_file(file: IO[bytes], name: str) -> Image.Image:
    file.seek(0)
    start = file.read(16)
    if not start:
        raise ImageError(name, "empty file")
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
        extras.load("pillow_heif").register_heif_opener()
    if start.startswith(_JXL_MAGIC):
        extras.load("pillow_jxl")
    return _open_raw(file, start, name) or _checked(_identified(file))


def _open_raw(file: IO[bytes], start: bytes, name: str) -> Image.Image | None:
    """Open the picture that stands for a camera RAW, marked with the size of the RAW itself; None if it is no RAW."""
    certain = raw.is_raw(file)
    if not certain and not (raw.is_tiff(start) and files.is_raw_name(name)):
        return None
    file.seek(0)
    try:
        with raw.opened(file.read()) as photo:
            _check_size(photo.width, photo.height)
            image = _preview(photo) or Image.fromarray(photo.half_size())
    except raw.NotRawError:
        if certain:
            raise
        return None
    image.info[_RAW_SIZE] = photo.width, photo.height
    return image


def _raw_size(image: Image.Image) -> tuple[int, int] | None:
    return image.info.get(_RAW_SIZE)


def _preview(photo: raw.RawPhoto) -> Image.Image | None:
    """Open the preview of a RAW if it is large enough and shows the whole picture, neither cropped nor letterboxed."""
    data = photo.preview()
    if data is None:
        return None
    if isinstance(data, bytes):
        image: Image.Image = Image.open(io.BytesIO(data), formats=["JPEG"])
    else:
        image = Image.fromarray(data)
        image.getexif()[_ORIENTATION_TAG] = photo.orientation
    width, height = _shown_size(_checked(image))
    bend = (width * photo.height) / (height * photo.width)
    return image if min(width, height) >= _SHORTER_SIDE and abs(bend - 1) <= _SAME_ASPECT else None


def _identified(file: IO[bytes]) -> Image.Image:
    """Open with the formats Pillow has at hand, then with those of all its plugins, which take a while to import."""
    Image.preinit()
    try:
        return Image.open(file, formats=_registered())
    except UnidentifiedImageError:
        Image.init()
        return Image.open(file, formats=_registered())


def _registered() -> list[str]:
    return [name for name in FORMATS if name in Image.OPEN]


def _checked(image: Image.Image) -> Image.Image:
    _check_size(image.width, image.height)
    return image


def _check_size(width: int, height: int) -> None:
    size = f"{width}x{height} pixels"
    if width * height > MAX_PIXELS:
        raise ImageError("", f"{size} are more than the {MAX_PIXELS // 1_000_000} megapixels that are read")
    if not width * height:
        raise ImageError("", f"nothing to see in {size}")


def _shown_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height as a person sees it, before the picture is loaded."""
    return image.size[::-1] if _orientation(image) >= 5 else image.size


def _orientation(image: Image.Image) -> int:
    if image.format == "TIFF":
        return 1  # Pillow turns it while loading, and gives its size so before
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1  # the decoder has turned it: ISO/IEC 18181-2 gives EXIF no say, but in a JPEG that was packed as it is
    try:
        number = image.getexif().get(_ORIENTATION_TAG)
    except Exception:  # noqa: BLE001 - damaged EXIF leaves the pixels as good as they are
        return 1
    return number if isinstance(number, int) and number in orientation.ORIENTATIONS else 1


def _encoder_quality(image: Image.Image) -> int:
    """Estimate libjpeg's quality setting from the sum of the luminance table; other formats have none."""
    tables: dict[int, list[int]] = getattr(image, "quantization", {})
    if not tables:
        return _TYPICAL_QUALITY.get(image.format or "", 100)
    percent = 100 * sum(tables[min(tables)]) / _STANDARD_TABLE_SUM
    return max(round(100 - percent / 2 if percent <= 100 else 5000 / percent), 1)


def _taken(image: Image.Image) -> datetime | None:
    """Return when the picture was taken, by its EXIF; None where that does not tell, or is damaged."""
    try:
        shot = image.getexif().get_ifd(_EXIF_IFD)
        moment = datetime.strptime(str(shot[_TAKEN]).strip("\0 "), "%Y:%m:%d %H:%M:%S")
        fraction = str(shot.get(_TAKEN_FRACTION, "")).strip("\0 ")
        return moment.replace(microsecond=int(fraction[:6].ljust(6, "0")) if fraction.isdecimal() else 0)
    except Exception:  # noqa: BLE001 - as for the orientation
        return None


def _without_details(image: Image.Image) -> Image.Image:
    """Leave out what a progressive JPEG does not show at scale 1/8; the image itself where that cannot be told."""
    if not isinstance(image, ImageFile.ImageFile) or not image.fp or "progressive" not in image.info:
        return image
    image.fp.seek(0)
    data = progressive.dc_only(image.fp.read(_MOST_BYTES))  # a longer one seems truncated, and is decoded as a whole
    return Image.open(io.BytesIO(data), formats=["JPEG"]) if data else image


def _is_animated(image: Image.Image) -> bool:
    # The further images of an MPO are previews and depth maps, the layers of a PSD no pictures.
    try:
        return image.format in _ANIMATED and bool(getattr(image, "is_animated", False))
    except Exception:  # noqa: BLE001 - a damaged second frame leaves the first as good as it is
        return False


def _frames(image: Image.Image, wanted: int) -> Iterator[tuple[str, NDArray[np.uint16]]]:
    """Average further frames, evenly spaced; any may be damaged, and those after it are not looked for."""
    try:
        count = min(int(getattr(image, "n_frames", 1)), _MOST_FRAME_PIXELS // (image.width * image.height))
        for number in sorted({count * place // (wanted + 1) for place in range(1, wanted + 1)} - {0}):
            image.seek(number)
            image.load()
            yield views.frame(number), _plane(_checked(image), Extent(*image.size)).block
    except Exception:  # noqa: BLE001 - the decoders raise whatever they stumble over
        return


def _plane(image: Image.Image, extent: Extent) -> Plane:
    """Return the luma of a loaded picture."""
    if image.mode.startswith("I;16"):
        return _plane_by(np.asarray, image, extent, _WIDE_UNIT)
    if image.mode in {"I", "F"}:
        return _plane_by(_wide_luma(image), image, extent, _WIDE_UNIT)
    if not image.has_transparency_data:
        return _plane_by(_luma, image, extent)
    on_white = _plane_by(partial(_composited, ground="white"), image, extent)
    return on_white if not is_flat(on_white.block) else _plane_by(partial(_composited, ground="black"), image, extent)


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
    """Cut large pictures into bands of rows, so that no second full plane is ever held."""
    rows = max(BAND_PIXELS // image.width, 1)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _luma(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode != "L":
        image = image.getchannel("L") if image.mode == "LAB" else image.convert("L")
    return np.asarray(image)


def _composited(image: Image.Image, ground: str) -> NDArray[np.uint8]:
    return _luma(_on_ground(image, ground))


def _on_ground(image: Image.Image, ground: str) -> Image.Image:
    straight = image.convert("LA") if image.mode == "La" else image  # Pillow knows no direct way from La
    return Image.alpha_composite(Image.new("RGBA", image.size, ground), straight.convert("RGBA"))


def _colour(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return _eight_bits(np.asarray(image))
    if image.mode in {"I", "F"}:
        return _eight_bits(_wide_luma(image)(image))
    if image.has_transparency_data:
        return _on_ground(image, "white").convert("RGB")
    return (image.getchannel("L") if image.mode == "LAB" else image).convert("RGB")


def _eight_bits(plane: NDArray[np.uint16]) -> Image.Image:
    return Image.fromarray((plane // _WIDE_UNIT).astype(np.uint8)).convert("RGB")


def _wide_luma(image: Image.Image) -> _ToLuma:
    """Scale integer and float values to 16 bits by their range: 0..1, 0..255, 0..65535, else lowest to highest."""
    if image.mode == "F" and not all(np.isfinite(np.asarray(band)).all() for band in _bands(image)):
        raise ImageError("", "not a number (NaN) or infinity among the pixel values")
    values = np.array([band.getextrema() for band in _bands(image)], dtype=np.float64)
    low, high = float(values.min()), float(values.max())
    factor = next((65535 / top for top in (1, 255, 65535) if low >= 0 and high <= top), 0.0)
    if factor:
        low = 0.0
    elif high > low:
        factor = 65535 / (high - low)
    return lambda part: np.rint((np.asarray(part, dtype=np.float64) - low) * factor).astype(np.uint16)
