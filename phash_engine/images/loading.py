"""Load an opened picture with its samples over the range that they use, as a viewer shows it."""

from __future__ import annotations

from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from phash_engine import _optional
from phash_engine.images import png, samples
from phash_engine.images.samples import WIDE, Depth

_MAY_BE_WIDE = frozenset({"PNG", "TIFF"})
_MOST_OF_UPPER_BYTE = 0x3F
"""16-bit colour whose upper bytes are larger uses its whole range."""
_BITS, _PHOTOMETRIC, _MAX_SAMPLE, _FORMAT, _LARGEST, _WHITE_LEVEL = 258, 262, 281, 339, 341, 50717
_PLANAR, _SEPARATE = 284, 2
_WHITE_IS_ZERO = 0
_UNSIGNED, _SIGNED = 1, 2
_OTHER_BYTE = {"B": "L", "L": "B", "N": "B"}
"""The end of Pillow's raw mode that reads the lower byte of each sample, by that which reads the upper one."""

_NATIVE = {"F;32F": "F;32NF", "F;32BF": "F;32NF", "I;16S": "I;16NS", "I;16BS": "I;16NS"}
_NATIVE |= {"I;32S": "I;32NS", "I;32BS": "I;32NS"}
"""Pillow's raw modes for values that libtiff has put into the order of this machine already."""


def loaded(image: Image.Image) -> Image.Image:
    """Load a picture; return it with its samples over their whole range, itself where they are so already.

    Its metadata stay with the picture that was passed. Grey stays of 16 bits; colour, of which Pillow keeps 8, has 8.
    """
    file: IO[bytes] | None = None
    tiles: list[Any] = []
    if isinstance(image, ImageFile.ImageFile) and image.format in _MAY_BE_WIDE:
        image.tile = [_in_native_order(tile) for tile in image.tile]
        file, tiles = image.fp, list(image.tile)
    image.load()
    if image.mode.startswith("I;16"):
        return _grey(image, np.asarray(image), file)
    if image.mode == "I" and _is_of_16_bits(image):
        return _grey(image, np.asarray(image).astype(np.uint16), file)
    raw_mode = _raw_mode(tiles[0]) if tiles else ""
    if file and raw_mode.startswith("RGBa"):
        return _multiplied(image, file, tiles)
    if file and _is_wide_colour(image, raw_mode) and _most(image) <= _MOST_OF_UPPER_BYTE:
        return _colour(image, file, tiles)
    return _reinterpreted(image) if image.format == "TIFF" else image


def _is_wide_colour(image: Image.Image, raw_mode: str) -> bool:
    """Whether Pillow read colour of 16 bits, and no frame that depends on others."""
    is_frame = image.format == "PNG" and image.tell() > 0
    return ";16" in raw_mode and image.mode in {"RGB", "RGBA", "CMYK"} and not is_frame


def _is_of_16_bits(image: Image.Image) -> bool:
    low, high = cast(tuple[int, int], image.getextrema())
    return low >= 0 and 0xFF < high <= samples.WHITE


def _grey(image: Image.Image, values: NDArray[np.uint16], file: IO[bytes] | None) -> Image.Image:
    bits = samples.significant_bits([values], _declared(image, file))
    is_inverted = _tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO
    if bits == WIDE and not is_inverted:
        return image
    values = samples.scaled(values, bits, samples.WHITE).astype(np.uint16)
    return Image.fromarray(samples.WHITE - values if is_inverted else values)


def _reinterpreted(image: Image.Image) -> Image.Image:
    """Return what Pillow takes for other values: unsigned ones of 32 bits, signed of 8, float where 0 is white."""
    layout = image.mode, _tag(image, _FORMAT) or _UNSIGNED, _tag(image, _BITS)
    if layout == ("I", _UNSIGNED, 32):
        return Image.fromarray(np.asarray(image).view(np.uint32).astype(np.float32))
    if layout == ("L", _SIGNED, 8):
        return Image.fromarray(np.asarray(image).view(np.int8).astype(np.int32))
    if image.mode == "F" and _tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        return Image.fromarray(samples.inverted(np.asarray(image)))
    return image


def _colour(image: Image.Image, file: IO[bytes], tiles: list[Any]) -> Image.Image:
    """Scale dark 16-bit colour to 8 bits: by the lower bytes too, for which the file is decoded again."""
    if _tag(image, _PLANAR) == _SEPARATE:
        _optional.load("imagecodecs")  # tiff read the planes if it could
    lower = _lower_bytes(image, file, tiles)
    values = {name: _joined(image.getchannel(name), band) for name, band in lower.items()}
    bits = samples.significant_bits([band for name, band in values.items() if name != "A"], _declared(image, file))
    if bits == WIDE:
        return image
    bits_of = {name: WIDE if name == "A" and int(band.max()) >> bits else bits for name, band in values.items()}
    bands = [samples.scaled(band, bits_of[name], 0xFF).astype(np.uint8) for name, band in values.items()]
    return Image.merge(image.mode, [Image.fromarray(band) for band in bands])


def _multiplied(image: Image.Image, file: IO[bytes], tiles: list[Any]) -> Image.Image:
    """Return colours that are multiplied by alpha, which Pillow divided: as stored where alpha is 0 or has few bits."""
    raw_mode = _raw_mode(tiles[0]).replace("RGBa", "RGBA")
    if ";16" not in raw_mode and image.getchannel("A").getbbox():
        return image
    stored = _decoded_again(image, file, tiles, raw_mode)
    shown = stored
    if ";16" in raw_mode and _most(stored) <= _MOST_OF_UPPER_BYTE:
        shown = _colour(stored, file, [tile._replace(args=_with_raw_mode(tile.args, raw_mode)) for tile in tiles])
    if shown.getchannel("A").getbbox() is None:
        return shown
    return image if shown is stored else Image.merge("RGBa", shown.split())


def _lower_bytes(image: Image.Image, file: IO[bytes], tiles: list[Any]) -> dict[str, Image.Image]:
    """Return the lower byte of each sample, by the name of its channel."""
    raw_mode = _raw_mode(tiles[0])
    if raw_mode == "LA;16B":  # Pillow has no raw mode for its lower bytes, but its four bytes are one pixel of RGBA
        _, grey, _, alpha = _decoded_again(image, file, tiles, "RGBA").split()
        return {"R": grey, "G": grey, "B": grey, "A": alpha}
    again = _decoded_again(image, file, tiles, raw_mode[:-1] + _OTHER_BYTE[raw_mode[-1]])
    return dict(zip(again.getbands(), again.split(), strict=True))


def _decoded_again(image: Image.Image, file: IO[bytes], tiles: list[Any], raw_mode: str) -> Image.Image:
    """Decode a frame once more, by another raw mode of Pillow."""
    position = file.tell()  # further frames are read from there
    file.seek(0)
    again = Image.open(file, formats=[image.format or ""])
    again.seek(image.tell())
    again.tile = [tile._replace(args=_with_raw_mode(tile.args, raw_mode)) for tile in tiles]
    again.load()
    file.seek(position)
    return again


def _joined(upper: Image.Image, lower: Image.Image) -> NDArray[np.uint16]:
    joined: NDArray[np.uint16] = np.asarray(upper).astype(np.uint16) << 8 | np.asarray(lower)
    return joined


def _most(image: Image.Image) -> int:
    """Return the largest value of the colours of an 8-bit picture."""
    return max(cast(int, image.getchannel(name).getextrema()[1]) for name in image.getbands() if name != "A")


def _declared(image: Image.Image, file: IO[bytes] | None) -> Depth:
    """Return what a header declares: PNG the depth before it was scaled up, TIFF the largest sample or white itself."""
    if image.format == "PNG" and file is not None:
        return Depth(png.significant_bits(file) or WIDE)
    white = _tag(image, _WHITE_LEVEL)
    largest = [value for value in (_tag(image, _LARGEST), _tag(image, _MAX_SAMPLE)) if _is_limit(value)]
    depths = [_tag(image, _BITS), *(int(value).bit_length() for value in (largest if white is None else [white]))]
    bits = min((int(bits) for bits in depths if bits), default=WIDE)
    return Depth(bits, bits < WIDE or bool(largest))


def _is_limit(value: Any) -> bool:
    """Whether a largest sample is that of a number of bits, not only that of one picture."""
    return isinstance(value, int) and value > 0xFF and not value & (value + 1)


def _tag(image: Image.Image, tag: int) -> Any:
    """Return the first value of a tag of a TIFF; None where it has none."""
    value = getattr(image, "tag_v2", {}).get(tag)
    return value[0] if isinstance(value, tuple) and value else value


def _in_native_order(tile: Any) -> Any:
    if tile.codec_name != "libtiff":
        return tile
    mode = _raw_mode(tile)
    return tile._replace(args=_with_raw_mode(tile.args, _NATIVE.get(mode, mode)))


def _raw_mode(tile: Any) -> str:
    mode = tile.args[0] if isinstance(tile.args, tuple) and tile.args else tile.args
    return mode if isinstance(mode, str) else ""


def _with_raw_mode(args: Any, raw_mode: str) -> Any:
    return raw_mode if isinstance(args, str) else (raw_mode, *args[1:])
