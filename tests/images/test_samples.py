"""Pixels as a viewer shows them: samples of fewer bits than their files have, and alpha that is 0 everywhere."""

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from phash_engine import images
from phash_engine.images import loading
from phash_engine.images.samples import Depth, significant_bits
from tests.images.test_images import OPTIONS, encoded, furthest, picture, tone

Samples = NDArray[Any]
RGB = np.asarray(picture())
GREY = np.asarray(picture().convert("L"))
WIDE_GREY = GREY.astype(np.uint16)
ALPHA = np.full((*GREY.shape, 1), 255, dtype=np.uint8)
CHANNELS = {
    "grey": GREY,
    "la": np.concatenate([GREY[..., np.newaxis], ALPHA], axis=-1),
    "rgb": RGB,
    "rgba": np.concatenate([RGB, ALPHA], axis=-1),
}
PNG_COLOURS = {"grey": 0, "rgb": 2, "la": 4, "rgba": 6}


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png16(values: Samples, channels: str, *chunks: bytes) -> bytes:
    """A 16-bit PNG, with chunks between its header and its pixels."""
    rows = values.astype(">u2").reshape(len(values), -1)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, PNG_COLOURS[channels], 0, 0, 0)
    parts = (chunk(b"IHDR", header), *chunks, chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(values: Samples, **options: Any) -> bytes:
    buffer = io.BytesIO()
    colour = values.ndim == 3 and values.shape[-1] > 2
    extra = {"extrasamples": ["unassalpha"]} if values.ndim == 3 and values.shape[-1] in {2, 4} else {}
    photometric = "rgb" if colour else "minisblack"
    tifffile.imwrite(buffer, values, **{"photometric": photometric, "metadata": None, **extra, **options})
    return buffer.getvalue()


def with_bits(values: Samples, bits: int) -> Samples:
    return np.rint(values / 255 * ((1 << bits) - 1)).astype(np.uint16)


@pytest.mark.parametrize("channels", ["la", "rgb", "rgba"])
def test_bands_of_rows_do_not_show(channels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = png16(with_bits(CHANNELS[channels], 12), channels)
    whole = images.read_block(data)
    monkeypatch.setattr(loading, "_BAND", 3 * GREY.shape[1])
    np.testing.assert_array_equal(images.read_block(data), whole)


def test_dark_colour_is_scaled_in_little_memory() -> None:
    data = png16(np.tile(with_bits(CHANNELS["rgba"], 12), (8, 8, 1)), "rgba")
    tracemalloc.start()
    try:
        images.read_block(data)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * 64 * GREY.size


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_samples_of_fewer_bits_are_shown_over_their_range(bits: int, channels: str) -> None:
    values = with_bits(CHANNELS[channels], bits)
    files = [png16(values, channels)]
    if channels != "la":
        files += [tiff(values), tiff(values, byteorder=">"), tiff(values, compression="zlib", predictor=True)]
    if channels == "grey":
        files.append(encoded(Image.fromarray(values), "PPM"))
    for data in files:
        block = images.read_block(data)
        assert furthest(block, images.read_block(RGB)) <= 2
        assert abs(tone(block) - tone(images.read_block(RGB))) < 1
        assert abs(images.read_pixels(data, 64).mean() - images.read_pixels(encoded(picture(), "PNG"), 64).mean()) < 3


def test_alpha_may_have_all_its_bits() -> None:
    values = with_bits(CHANNELS["rgba"], 12)
    values[..., 3] = 65535
    assert furthest(images.read_block(png16(values, "rgba")), images.read_block(RGB)) <= 2


DARK: dict[str, Callable[[], Samples]] = {
    "one bright pixel": lambda: np.where(np.arange(GREY.size).reshape(GREY.shape) == 5000, 60000, WIDE_GREY * 12),
    "night shot": lambda: WIDE_GREY * 50,
    "8 bits scaled to 16": lambda: WIDE_GREY // 20 * 257,
    "8 bits in the upper byte": lambda: WIDE_GREY // 20 * 256,
}


@pytest.mark.parametrize("name", DARK)
@pytest.mark.parametrize("channels", ["grey", "rgb"])
def test_dark_pictures_of_16_bits_stay_dark(name: str, channels: str) -> None:
    grey = DARK[name]().astype(np.uint16)
    values = grey if channels == "grey" else np.stack([grey] * 3, axis=-1)
    expected = tone(images.read_block((grey >> 8).astype(np.uint8)))
    assert abs(tone(images.read_block(png16(values, channels))) - expected) < 1
    assert abs(tone(images.read_block(tiff(values))) - expected) < 1


@pytest.mark.parametrize("most", [1, 40, 127, 400])
def test_black_frames_stay_black(most: int) -> None:
    noise = np.random.default_rng(3).integers(0, most + 1, GREY.shape).astype(np.uint16)
    for values, channels in ((noise, "grey"), (np.stack([noise] * 3, axis=-1), "rgb")):
        assert tone(images.read_block(png16(values, channels))) < 2
        assert tone(images.read_block(tiff(values))) < 2


DIM = (with_bits(GREY, 12) // 3).astype(np.uint16)
"""A dim picture of 12 bits, whose maximum could be that of a dark one of 16."""


def test_headers_decide_where_the_maximum_could_be_any() -> None:
    for data in (
        png16(DIM, "grey", chunk(b"sBIT", b"\x0c")),
        tiff(DIM, extratags=[(281, "H", 1, 4095, True)]),  # MaxSampleValue
        tiff(DIM, extratags=[(341, "H", 1, 4095, True)]),  # SMaxSampleValue
        tiff(DIM, extratags=[(50717, "H", 1, 4000, True)]),  # WhiteLevel
    ):
        assert abs(tone(images.read_block(data)) - DIM.mean() / 4095 * 255) < 1
    assert tone(images.read_block(png16(DIM, "grey"))) < 4
    assert tone(images.read_block(tiff(DIM, extratags=[(281, "H", 1, 1365, True)]))) < 4  # that of this picture alone


def test_a_header_of_16_bits_keeps_a_picture_dark() -> None:
    data = tiff(with_bits(GREY, 12), extratags=[(281, "H", 1, 65535, True)])
    assert tone(images.read_block(data)) < 17


def test_samples_that_a_writer_of_png_scaled_up_are_not_scaled_again() -> None:
    dark = (with_bits(GREY, 12) // 11) << 4
    found = images.read_block(png16(dark, "grey", chunk(b"sBIT", b"\x0c")))
    assert abs(tone(found) - tone(images.read_block(GREY)) / 11) < 1


@pytest.mark.parametrize(
    ("most", "declared", "bits"),
    [
        (127, Depth(), 16),
        (255, Depth(), 8),
        (1023, Depth(), 10),
        (4095, Depth(), 12),
        (16383, Depth(), 14),
        (13000, Depth(), 16),
        (16384, Depth(), 16),
        (9, Depth(12, True), 12),
        (5000, Depth(12, True), 16),
        (5000, Depth(13), 13),
        (800, Depth(12), 12),
        (4095, Depth(16, True), 16),
    ],
)
def test_significant_bits(most: int, declared: Depth, bits: int) -> None:
    assert significant_bits([np.array([[0, 1, most]])], declared) == bits


# Alpha that is 0 everywhere


def hidden(mode: str) -> Image.Image:
    image = picture().convert(mode)
    image.putalpha(0)
    return image


@pytest.mark.parametrize("kind", ["TGA", "TIFF", "PNG", "WEBP", "BMP", "DDS", "QOI", "ICO"])
def test_alpha_that_is_0_everywhere_is_opaque(kind: str) -> None:
    data = encoded(hidden("RGBA"), kind, **{**OPTIONS.get(kind, {}), "exact": True})
    assert np.array_equal(images.read_block(data), images.read_block(RGB))
    assert list(images.read_picture(data).blocks) == ["full"]
    assert abs(images.read_pixels(data, 200).astype(int) - RGB).max() == 0


@pytest.mark.parametrize("mode", ["LA", "PA"])
def test_alpha_that_is_0_everywhere_is_opaque_in_every_mode(mode: str) -> None:
    image = hidden("LA") if mode == "LA" else picture().quantize(64).convert("PA")
    if mode == "PA":
        image.putalpha(0)
    opaque = image.copy()
    opaque.putalpha(255)
    assert np.array_equal(images.read_block(image), images.read_block(opaque))
    alpha = np.zeros(GREY.shape, dtype=np.uint8)
    alpha[60:70, 60:90] = 255
    image.putalpha(Image.fromarray(alpha))
    assert tone(images.read_block(image)) > 250
