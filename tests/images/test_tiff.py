"""TIFF of every layout: the picture of its 8-bit twin, or refused as what it is."""

import io
import struct
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from phash_engine import images
from phash_engine.errors import ImageError
from phash_engine.hashing import orientation
from tests.images.test_images import encoded, furthest, picture, tone
from tests.images.test_samples import ALPHA, GREY, RGB, with_bits

Samples = NDArray[Any]
CMYK = np.asarray(picture().convert("CMYK"))
CHANNELS: dict[str, tuple[Samples, dict[str, Any]]] = {
    "minisblack": (GREY, {"photometric": "minisblack"}),
    "miniswhite": (GREY, {"photometric": "miniswhite"}),
    "la": (
        np.concatenate([GREY[..., np.newaxis], ALPHA], axis=-1),
        {"photometric": "minisblack", "extrasamples": ["unassalpha"]},
    ),
    "rgb": (RGB, {"photometric": "rgb"}),
    "rgba": (np.concatenate([RGB, ALPHA], axis=-1), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "cmyk": (CMYK, {"photometric": "separated"}),
}
TYPES: dict[str, Callable[[Samples], Samples]] = {
    "uint8": lambda luma: luma,
    "10 bits": lambda luma: with_bits(luma, 10),
    "12 bits": lambda luma: with_bits(luma, 12),
    "uint16": lambda luma: with_bits(luma, 16),
    "uint32": lambda luma: luma.astype(np.uint32) * 0x1010101,
    "int16": lambda luma: luma.astype(np.int16) * 128,
    "int32": lambda luma: luma.astype(np.int32) * 0x800000,
    "float16": lambda luma: (luma / 255).astype(np.float16),
    "float32": lambda luma: (luma / 255).astype(np.float32),
    "float64": lambda luma: luma / 255,
}
LAYOUTS: dict[str, dict[str, Any]] = {
    "strips": {"rowsperstrip": 17},
    "big endian": {"rowsperstrip": 17, "byteorder": ">"},
    "tiles": {"tile": (64, 64)},
    "deflate": {"rowsperstrip": 17, "compression": "zlib"},
    "big endian deflate": {"compression": "zlib", "byteorder": ">"},
    "predictor": {"compression": "zlib", "predictor": True},
    "big endian predictor": {"tile": (32, 32), "compression": "zlib", "predictor": True, "byteorder": ">"},
    "planes": {"rowsperstrip": 17, "planarconfig": "separate"},
    "tiled planes": {"tile": (64, 64), "planarconfig": "separate", "compression": "zlib", "byteorder": ">"},
    "bigtiff": {"bigtiff": True},
}


def written(values: Samples, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, metadata=None, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("kind", TYPES)
def test_every_layout_shows_the_picture(kind: str, channels: str, layout: str) -> None:
    luma, options = CHANNELS[channels]
    options = options | LAYOUTS[layout]
    if "separate" in options.values() and luma.ndim == 2:
        pytest.skip("grey has one plane")
    if options.get("predictor") and kind.startswith("float") and not find_spec("imagecodecs"):
        pytest.skip("imagecodecs writes it")
    values = TYPES[kind](luma)
    if channels == "miniswhite":
        values = (TYPES[kind](np.array(255)) - values).astype(values.dtype)
    if options.get("planarconfig") == "separate":
        values = np.moveaxis(values, -1, 0)
    found = images.read_block(written(values, **options))
    assert furthest(found, images.read_block(RGB)) <= (4 if channels in {"cmyk", "rgba"} else 2)


@pytest.mark.parametrize("turn", orientation.ORIENTATIONS)
@pytest.mark.parametrize("kind", ["uint16", "uint32", "float32"])
def test_orientation_is_applied_whoever_decodes(kind: str, turn: int) -> None:
    data = written(TYPES[kind](RGB), photometric="rgb", planarconfig=None, extratags=[(274, "H", 1, turn, True)])
    upright = Image.fromarray(np.ascontiguousarray(orientation.turn(RGB, turn)))
    block, info = images.read_image(data)
    assert furthest(block, images.read_block(upright)) <= 2
    assert info == images.read_image_info(data)
    assert (info.width, info.height, info.format) == (*upright.size, "TIFF")
    assert images.read_pixels(data, 500).shape == np.asarray(upright).shape


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "tiff_jpeg"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_compressed_files_of_8_bits(mode: str, compression: str) -> None:
    data = encoded(picture().convert(mode), "TIFF", compression=compression)
    assert furthest(images.read_block(data), images.read_block(RGB)) <= 2


@pytest.mark.parametrize("bits", [1, 4])
def test_few_bits(bits: int) -> None:
    palette = picture().quantize(1 << bits)
    for data in (encoded(palette, "TIFF"), encoded(picture().convert("1"), "TIFF", compression="group4")):
        with Image.open(io.BytesIO(data)) as image:
            assert np.array_equal(images.read_block(data), images.read_block(image.convert("RGB")))


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_colours_multiplied_by_alpha(bits: int) -> None:
    values = CHANNELS["rgba"][0]
    values = values if bits == 8 else with_bits(values, bits)
    hidden = values.copy()
    hidden[..., 3] = 0
    for stored in (values, hidden):
        data = written(stored, photometric="rgb", extrasamples=["assocalpha"])
        assert np.array_equal(images.read_block(data), images.read_block(RGB))
    half = values.copy()
    half[:, :90] //= 2
    found = images.read_block(written(half, photometric="rgb", extrasamples=["assocalpha"]))
    on_white = RGB.copy()
    on_white[:, :90] = on_white[:, :90] // 2 + 127
    assert furthest(found, images.read_block(on_white)) <= 2
    assert abs(tone(found) - tone(images.read_block(on_white))) < 2


def packed(values: Samples, bits: int, order: str, photometric: int) -> bytes:
    """A grey TIFF whose samples lie next to each other, bit by bit."""
    wide = np.unpackbits(values.astype(">u2").view(np.uint8).reshape(len(values), -1, 2), axis=2)
    data = np.packbits(wide[:, :, 16 - bits :].reshape(len(values), -1), axis=1).tobytes()
    height, width = values.shape
    entries = {
        256: width,
        257: height,
        258: bits,
        259: 1,
        262: photometric,
        273: 8,
        277: 1,
        278: height,
        279: len(data),
    }
    directory = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in entries.items())
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(data))
    return start + data + struct.pack(f"{order}H", len(entries)) + directory + bytes(4)


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_samples_are_right_or_not_supported(bits: int, order: str, photometric: int) -> None:
    luma = GREY if photometric else 255 - GREY
    data = packed(with_bits(luma // 3, bits), bits, order, photometric)
    if not find_spec("imagecodecs") and (bits, order, photometric) != (12, "<", 1):
        with pytest.raises(ImageError, match="not supported"):
            images.read_block(data)
        return
    expected = images.read_block(luma // 3 if photometric else 255 - luma // 3)
    assert np.abs(images.read_block(data).astype(int) - expected).max() <= 128


def test_pages_are_read_as_the_first_one() -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for values in (GREY, 255 - GREY, GREY[::-1]):
            writer.write(with_bits(values, 12), photometric="miniswhite", metadata=None)
    blocks = images.read_picture(buffer.getvalue(), frames=5).blocks
    assert list(blocks) == ["full", "frame:1", "frame:2"]
    for block, luma in zip(blocks.values(), (255 - GREY, GREY, 255 - GREY[::-1]), strict=True):
        assert furthest(block, images.read_block(luma)) <= 2


def patched(data: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF with another value of a tag, short or long."""
    entry = next(
        data.index(tag.to_bytes(2, "little") + kind)
        for kind in (b"\3\0\1", b"\4\0\1")
        if tag.to_bytes(2, "little") + kind in data
    )
    return data[: entry + 8] + value.to_bytes(4, "little") + data[entry + 12 :]


@pytest.mark.skipif(find_spec("imagecodecs") is not None, reason="imagecodecs decodes it")
def test_what_is_not_supported_is_not_damaged() -> None:
    float_rgb = written(TYPES["float32"](RGB), photometric="rgb")
    for data in (
        patched(float_rgb, 259, 5),  # LZW
        patched(written(TYPES["float32"](RGB), photometric="rgb", compression="zlib", predictor=False), 259, 34887),
    ):
        with pytest.raises(ImageError, match="not supported") as caught:
            images.read_block(data)
        assert "damaged" not in caught.value.reason
        assert "phash-engine[tiff]" in caught.value.reason
    with pytest.raises(ImageError, match="cielab samples: not supported"):
        images.read_block(patched(float_rgb, 262, 8))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_among_colours_is_refused(value: float) -> None:
    values = TYPES["float32"](RGB).copy()
    values[3, 4, 1] = value
    with pytest.raises(ImageError, match="NaN"):
        images.read_block(written(values, photometric="rgb"))


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_cut_files_are_damaged(compression: str | None, capfd: pytest.CaptureFixture[str]) -> None:
    whole = written(TYPES["float32"](RGB), photometric="rgb", compression=compression, rowsperstrip=17)
    for share in (0.1, 0.5, 0.97):
        with pytest.raises(ImageError) as caught:
            images.read_block(whole[: int(share * len(whole))])
        assert "not supported" not in caught.value.reason
    with pytest.raises(ImageError):
        images.read_block(b"II*\0" + zlib.compress(b"nothing"))
    assert capfd.readouterr() == ("", "")


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    data = written(np.zeros((1, 1, 3), dtype=np.float32), photometric="rgb")
    data = patched(patched(data, 256, 60000), 257, 60000)
    with pytest.raises(ImageError, match="megapixels"):
        images.read_block(data)
