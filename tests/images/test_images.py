"""Reading pictures of every pixel mode, format and orientation; every failure is an ImageError."""

import importlib
import io
import os
import pickle
import struct
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps, features

from phash_engine import images
from phash_engine.errors import ImageError, PhashError
from phash_engine.hashing import codes, hashers, orientation, plane
from phash_engine.hashing.block import area_average
from phash_engine.images import luma

Block = NDArray[np.uint16]
NEEDS_JXL = pytest.mark.skipif(find_spec("pillow_jxl") is None, reason="pillow-jxl-plugin is not installed")
NEEDS_AVIF = pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")


@cache
def picture(width: int = 187, height: int = 131) -> Image.Image:
    """Coloured hills and a sun, with black and white areas."""
    y, x = np.mgrid[:height, :width]
    hills = np.sin(x / 17) * 20 + np.sin(x / 5 + 1) * 6 + 0.6 * height
    land = y > hills
    red = np.where(land, 90 + 0.5 * x, 200 - y)
    green = np.where(land, 140 - 0.3 * y, 190 - 0.2 * x)
    blue = np.where(land, 40 + 20 * np.sin(y / 3), 240 - 0.1 * (x + y))
    image = Image.fromarray(np.clip(np.stack([red, green, blue], axis=-1), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((120, 12, 160, 50), fill="white")
    draw.rectangle((15, 80, 60, 120), fill="black")
    return image


def grey() -> NDArray[np.uint8]:
    return np.asarray(picture().convert("L"))


def block_of(luma: NDArray[Any]) -> Block:
    return area_average([luma], luma.shape[1], luma.shape[0])


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def furthest(a: Block, b: Block) -> int:
    """Largest distance of the two blocks in any of the ten codes."""
    left, right = hashers.hash_blocks(np.stack([a, b]))
    return int(codes.distances(left, right).max())


def tone(block: Block) -> float:
    return float(block.mean()) / 256


# Pixel modes


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBX", "RGBA", "LA", "RGBa", "La"])
def test_modes_that_keep_luma_give_the_same_block(mode: str) -> None:
    path = {"La": ("LA", "La"), "RGBa": ("RGBA", "RGBa"), "LA": ("L", "LA")}.get(mode, (mode,))
    image = picture()
    for step in path:
        image = image.convert(step)
    assert image.mode == mode
    assert np.array_equal(images.read_block(image), block_of(grey()))


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "YCbCr", "HSV"])
def test_other_modes_are_converted_by_pillow(mode: str) -> None:
    image = picture().convert(mode)
    block = images.read_block(image)
    assert np.array_equal(block, block_of(np.asarray(image.convert("L"))))
    assert furthest(block, block_of(grey())) <= (4 if mode in {"1", "P"} else 2)


def test_palette_with_alpha() -> None:
    image = picture().convert("RGB").quantize(32)
    opaque = image.convert("PA")
    assert opaque.mode == "PA"
    assert np.array_equal(images.read_block(opaque), block_of(np.asarray(image.convert("L"))))


def test_lab_is_read_by_its_lightness() -> None:
    lightness = Image.fromarray(grey())
    image = Image.merge("LAB", [lightness, lightness.point(lambda _: 128), lightness.point(lambda v: v // 2)])
    assert np.array_equal(images.read_block(image), block_of(grey()))


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I;16N"])
def test_16_bits_are_divided_by_257(mode: str) -> None:
    order = {"I;16B": ">u2", "I;16N": "=u2"}.get(mode, "<u2")
    wide = (grey().astype(np.uint16) * 257).astype(order)
    image = Image.frombytes(mode, (187, 131), wide.tobytes())
    assert np.array_equal(images.read_block(image), block_of(grey()))


def test_a_16_bit_twin_is_within_a_bit() -> None:
    noise = np.random.default_rng(1).integers(0, 256, grey().shape)
    twin = Image.fromarray((grey().astype(np.uint16) * 256 + noise).astype(np.uint16))
    assert twin.mode == "I;16"
    assert furthest(images.read_block(twin), block_of(grey())) <= 1
    assert furthest(images.read_block(encoded(twin, "PNG")), block_of(grey())) <= 1


RANGES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "0..255": lambda luma: luma,
    "0..65535": lambda luma: luma * 257,
    "beyond": lambda luma: luma * 1000,
    "negative": lambda luma: luma * 20 - 300,
}


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("mode", ["I", "F"])
def test_wide_values_are_scaled_by_their_range(name: str, mode: str) -> None:
    luma = grey()
    assert (luma.min(), luma.max()) == (0, 255)
    values = RANGES[name](luma.astype(np.float64))
    image = Image.fromarray(values.astype(np.int32 if mode == "I" else np.float32))
    assert image.mode == mode
    assert np.array_equal(images.read_block(image), block_of(luma))


def test_floats_up_to_1_are_fractions_of_white() -> None:
    image = Image.fromarray((grey() / 255).astype(np.float32))
    assert np.array_equal(images.read_block(image), block_of(grey()))
    faint = Image.fromarray(np.full((40, 50), 0.25, dtype=np.float32))
    assert tone(images.read_block(faint)) == pytest.approx(63.75, abs=0.01)


def test_ranges_are_those_of_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    values = grey().astype(np.float32) * 3 - 50
    whole = images.read_block(Image.fromarray(values))
    for module in (luma, plane):
        monkeypatch.setattr(module, "BAND_PIXELS", 1000)
    assert np.array_equal(images.read_block(Image.fromarray(values)), whole)


@pytest.mark.parametrize("value", [-5, 70000])
@pytest.mark.parametrize("mode", ["I", "F"])
def test_one_value_out_of_range_is_a_flat_picture(mode: str, value: int) -> None:
    assert not images.read_block(Image.new(mode, (40, 30), value)).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(value: float) -> None:
    values = np.ones((40, 30), dtype=np.float32)
    values[-1, -1] = value
    with pytest.raises(ImageError, match="NaN"):
        images.read_block(Image.fromarray(values))
    with pytest.raises(ImageError, match="NaN"):
        images.read_block(encoded(Image.fromarray(values), "TIFF"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16", "F", "CMYK"])
def test_bands_of_a_large_picture_give_the_block_of_the_whole(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.fromarray(grey().astype(np.uint16) * 200) if mode == "I;16" else picture().convert(mode)
    whole = images.read_block(image)
    for module in (luma, plane):
        monkeypatch.setattr(module, "BAND_PIXELS", 187 * 10)
    assert np.array_equal(images.read_block(image), whole)


# Transparency


def test_colours_under_full_transparency_do_not_matter() -> None:
    alpha = Image.new("L", (187, 131), 0)
    ImageDraw.Draw(alpha).ellipse((40, 20, 150, 110), fill=255)
    blocks = []
    for hidden in ("red", "black", "white"):
        image = Image.composite(picture(), Image.new("RGB", picture().size, hidden), alpha)
        image.putalpha(alpha)
        blocks += [images.read_block(image), images.read_block(encoded(image, "PNG"))]
    on_white = Image.composite(picture(), Image.new("RGB", picture().size, "white"), alpha)
    for block in blocks:
        assert np.array_equal(block, block_of(np.asarray(on_white.convert("L"))))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_white_drawing_on_transparency_is_composited_on_black(mode: str) -> None:
    image = Image.new(mode, (100, 80), (255, 255, 255, 0) if mode == "RGBA" else (255, 0))
    ImageDraw.Draw(image).ellipse((20, 20, 60, 70), fill=(255, 255, 255, 255) if mode == "RGBA" else (255, 255))
    on_black = Image.new("L", (100, 80))
    ImageDraw.Draw(on_black).ellipse((20, 20, 60, 70), fill=255)
    assert np.array_equal(images.read_block(image), block_of(np.asarray(on_black)))


def test_half_transparency_is_mixed_with_white() -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 255))
    image.paste((0, 0, 0, 128), (0, 0, 32, 64))
    block = images.read_block(image)
    assert tone(block[:, :16]) == pytest.approx(127, abs=1)
    assert not block[:, 16:].any()


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_entry_is_transparent(kind: str) -> None:
    image = Image.new("P", (64, 64), 0)
    image.putpalette([255, 0, 0, 0, 0, 255, 10, 10, 10])
    image.paste(2, (32, 0, 64, 64))
    block = images.read_block(encoded(image, kind, transparency=0))
    assert tone(block[:, :16]) == 255
    assert tone(block[:, 16:]) == 10


@pytest.mark.parametrize(("mode", "colour"), [("L", 7), ("RGB", (1, 2, 3))])
def test_a_transparent_colour_of_a_png_is_transparent(mode: str, colour: Any) -> None:
    image = Image.new(mode, (64, 64), colour)
    image.paste(Image.new(mode, (32, 64)), (32, 0))
    block = images.read_block(encoded(image, "PNG", transparency=colour))
    assert tone(block[:, :16]) == 255
    assert not block[:, 16:].any()


# Formats


LOSSLESS = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "I", "I;16", "I;16B", "F"],
    "GIF": ["1", "L", "P"],
    "BMP": ["1", "L", "P", "RGB", "RGBA"],
    "DIB": ["L", "RGB"],
    "WEBP": ["L", "RGB", "RGBA"],
    "JPEG2000": ["L", "LA", "RGB", "RGBA", "I;16"],
    "PPM": ["1", "L", "RGB", "RGBA", "I;16", "F"],
    "TGA": ["1", "L", "LA", "P", "RGB", "RGBA"],
    "PCX": ["1", "L", "P", "RGB"],
    "SGI": ["L", "RGB", "RGBA"],
    "QOI": ["RGB", "RGBA"],
    "DDS": ["L", "LA", "RGB", "RGBA"],
    "ICO": ["RGBA"],
}
OPTIONS: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "ICO": {"sizes": [(187, 131)]}}


def in_mode(mode: str) -> Image.Image:
    if mode.startswith("I;16"):
        dtype = np.dtype(np.uint16).newbyteorder(">" if mode.endswith("B") else "<")
        return Image.frombytes(mode, (187, 131), (grey().astype(np.uint16) * 257).astype(dtype).tobytes())
    if mode == "LAB":
        return Image.merge("LAB", [Image.fromarray(grey())] * 3)
    return picture().convert(mode)


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in LOSSLESS.items() for mode in modes])
def test_lossless_files_give_the_block_of_their_pixels(kind: str, mode: str, tmp_path: Path) -> None:
    image = in_mode(mode)
    data = encoded(image, kind, **OPTIONS.get(kind, {}))
    block, info = images.read_image(data)
    assert np.array_equal(block, images.read_block(image))
    assert (info.width, info.height) == (187, 131)
    assert images.read_image_info(data) == info
    path = tmp_path / "wrong-extension.txt"
    path.write_bytes(data)
    assert np.array_equal(images.read_block(path), block)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_any_depth(bits: int) -> None:
    image = picture().quantize(2**bits)
    for kind in ("PNG", "TIFF", "BMP"):
        data = encoded(image, kind, **({"bits": bits} if kind == "PNG" else {}))
        assert np.array_equal(images.read_block(data), images.read_block(image))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 60}], ids=str)
def test_jpeg_files_are_within_three_bits_of_their_pixels(mode: str, options: dict[str, Any]) -> None:
    data = encoded(picture().convert(mode), "JPEG", **{"quality": 90, **options})
    block, info = images.read_image(data)
    assert info == images.ImageInfo(187, 131, "JPEG", mode)
    assert furthest(block, block_of(grey())) <= 3


@pytest.mark.parametrize("kind", ["WEBP", pytest.param("AVIF", marks=NEEDS_AVIF)])
def test_lossy_files_are_within_three_bits_of_their_pixels(kind: str) -> None:
    assert furthest(images.read_block(encoded(picture(), kind, quality=90)), block_of(grey())) <= 3


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "MPO"])
def test_animations_are_read_by_their_first_frame(kind: str) -> None:
    others = [ImageOps.invert(picture()), picture().rotate(90)]
    data = encoded(
        picture(), kind, save_all=True, append_images=others, **({"lossless": True} if kind == "WEBP" else {})
    )
    with Image.open(io.BytesIO(data)) as image:
        assert getattr(image, "n_frames", 1) == 3
    assert furthest(images.read_block(data), block_of(grey())) <= (3 if kind in {"GIF", "MPO"} else 0)


@NEEDS_JXL
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("boxes", [False, True])
def test_jpeg_xl_gives_the_block_of_its_pixels(mode: str, boxes: bool) -> None:
    importlib.import_module("pillow_jxl")
    data = encoded(in_mode(mode), "JXL", lossless=True, use_container=boxes)
    block, info = images.read_image(data)
    assert np.array_equal(block, images.read_block(in_mode(mode)))
    assert info == images.ImageInfo(187, 131, "JXL", mode) == images.read_image_info(data)
    with pytest.raises(ImageError):
        images.read_block(data[: len(data) // 2])


@NEEDS_JXL
def test_exif_turns_a_jpeg_packed_as_jpeg_xl_and_no_other_jpeg_xl(tmp_path: Path) -> None:
    importlib.import_module("pillow_jxl")
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.jpg"
    picture().save(path, exif=exif, quality=95)
    with Image.open(path) as image:
        packed = encoded(image, "JXL", lossless_jpeg=True)
    block, info = images.read_image(packed)
    assert furthest(block, images.read_block(path)) <= 2
    assert (info.width, info.height) == (131, 187)
    plain = encoded(picture(), "JXL", lossless=True, exif=exif.tobytes())
    assert np.array_equal(images.read_block(plain), block_of(grey()))


@pytest.mark.parametrize(
    ("start", "module", "extra"),
    [
        (b"\xff\x0a\xfa", "pillow_jxl", "jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "pillow_jxl", "jxl"),
        (b"\0\0\0\x18ftypheic", "pillow_heif", "heif"),
    ],
)
def test_a_missing_package_is_named(start: bytes, module: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert f"pip install 'phash-engine[{extra}]'" in failure(start).reason


def test_heic_is_read_as_by_pillow_heif(photos: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    files = [path for path in sorted((photos / "camera" / "heic").rglob("*")) if path.is_file()]
    assert files
    for path in files:
        block, info = images.read_image(path)
        upright = ImageOps.exif_transpose(pillow_heif.open_heif(path).to_pillow())
        assert (info.width, info.height) == upright.size
        assert info == images.read_image_info(path)
        assert np.array_equal(block, block_of(np.asarray(upright.convert("L"))))


# JPEG at a smaller scale


def test_codes_of_scaled_jpegs_are_those_of_full_ones(sample: Path) -> None:
    found = []
    for path in sorted((sample / "2023-lake").glob("*.jpg")):
        with Image.open(path) as image:
            assert min(image.size) >= 128
            found.append(furthest(images.read_block(path), images.read_block(image)))
    assert len(found) >= 5
    assert max(found) <= 2


@pytest.mark.parametrize("size", [(519, 513), (513, 519), (512, 520), (263, 257), (135, 129), (127, 64), (63, 90)])
def test_a_scaled_plane_has_the_extent_of_its_picture(size: tuple[int, int]) -> None:
    # The last pixels of the first plane reach up to seven pixels beyond the edge: with their full weight they would
    # shift a ramp by a hundredth.
    width, height = size
    y, x = np.mgrid[:height, :width]
    ramps = np.rint(127 * x / width + 127 * y / height).astype(np.uint8)
    found = images.read_block(encoded(Image.fromarray(ramps), "JPEG", quality=95)).astype(int)
    assert np.abs(found - block_of(ramps).astype(int)).max() < 200


def test_the_smallest_scale_keeps_64_pixels_on_the_shorter_side(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def spy(bands: Any, width: int, height: int, scale: int = 1, unit: int = 1) -> Block:
        planes = list(bands)
        seen.append((scale, planes[0].shape))
        return area_average(planes, width, height, scale, unit)

    monkeypatch.setattr(plane, "area_average", spy)
    for size in ((511, 900), (512, 513), (127, 300), (128, 300), (4000, 64)):
        images.read_block(encoded(Image.new("RGB", size), "JPEG"))
    assert seen == [(4, (225, 128)), (8, (65, 64)), (1, (300, 127)), (2, (150, 64)), (1, (64, 4000))]


def test_a_jpeg_opened_by_the_caller_is_not_changed() -> None:
    with Image.open(io.BytesIO(encoded(picture(800, 600), "JPEG"))) as image:
        before = image.size, image.mode, image.format
        block, info = images.read_image(image)
        assert (image.size, image.mode, image.format) == before
        assert info == images.ImageInfo(800, 600, "JPEG", "RGB")
        assert np.asarray(image).shape == (600, 800, 3)
        assert np.array_equal(images.read_block(image), block)


# Orientation


@pytest.mark.parametrize("number", orientation.ORIENTATIONS)
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("PNG", {}),
        ("WEBP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        pytest.param("AVIF", {}, marks=NEEDS_AVIF),
    ],
    ids=str,
)
def test_exif_turns_the_block(kind: str, options: dict[str, Any], number: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = number
    plain = images.read_block(encoded(picture(), kind, **options))
    data = encoded(picture(), kind, exif=exif, **options)
    block, info = images.read_image(data)
    assert np.array_equal(block, orientation.turn(plain, number))
    assert (info.width, info.height) == ((131, 187) if number >= 5 else (187, 131))
    assert images.read_image_info(data) == info
    with Image.open(io.BytesIO(data)) as image:
        size = images.read_image_info(image)[:2]
        # A JPEG that the caller opened is read at full size, and in colour.
        assert furthest(images.read_block(image), block) <= (3 if kind == "JPEG" else 0)
        assert images.read_image_info(image)[:2] == size == (info.width, info.height)


@pytest.mark.parametrize("number", [0, 9, 77])
def test_orientations_that_do_not_exist_change_nothing(number: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = number
    data = encoded(picture(), "PNG", exif=exif)
    assert np.array_equal(images.read_block(data), block_of(grey()))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_leaves_the_picture() -> None:
    data = encoded(picture(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xff" * 40)
    assert np.array_equal(images.read_block(data), images.read_block(encoded(picture(), "JPEG")))


# Sources


def test_all_sources_give_the_same_block(tmp_path: Path) -> None:
    data = encoded(picture(), "PNG")
    path = tmp_path / "hills.png"
    path.write_bytes(data)
    colours = np.asarray(picture())
    with path.open("rb") as file:
        file.seek(20)
        sources: list[Any] = [path, str(path), data, file, file, io.BytesIO(data), picture(), colours, grey()]
        sources += [np.dstack([colours, np.full_like(grey(), 255)]), np.asfortranarray(colours), colours[::-1][::-1]]
        for source in sources:
            assert np.array_equal(images.read_block(source), block_of(grey()))
    assert images.hash_image(path) == hashers.fingerprint(block_of(grey()))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4)),
        np.zeros((4, 4), dtype=np.uint16),
        np.zeros((4, 4), dtype=bool),
        np.zeros(4, dtype=np.uint8),
        np.zeros((4, 4, 2), dtype=np.uint8),
        np.zeros((1, 4, 4, 3), dtype=np.uint8),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_other_arrays_are_refused(array: NDArray[Any]) -> None:
    with pytest.raises(TypeError, match="expected a uint8 array"):
        images.read_block(array)


@pytest.mark.parametrize("source", [None, 7, ["a.jpg"]])
def test_other_sources_are_refused(source: Any) -> None:
    for read in (images.read_block, images.read_image_info):
        with pytest.raises(TypeError, match="expected a path, bytes"):
            read(source)


# Failures


def failure(source: Any) -> ImageError:
    """Return the error that both functions raise."""
    found = []
    for read in (images.read_block, images.read_image_info):
        with pytest.raises(ImageError) as caught:
            read(source)
        found.append(caught.value)
    assert found[0].args == found[1].args
    return found[0]


def test_files_that_are_not_images(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("dear diary")
    (tmp_path / "zeros.png").write_bytes(bytes(4096))
    reasons = {
        "missing.jpg": "no such file or directory",
        ".": "is a directory",
        "empty.jpg": "empty file",
        "text.jpg": "not an image, or damaged at its start",
        "zeros.png": "not an image, or damaged at its start",
    }
    for name, reason in reasons.items():
        error = failure(tmp_path / name)
        assert (error.path, error.reason) == (str(tmp_path / name), reason)
        assert str(error) == f"{tmp_path / name}: {reason}"
        assert isinstance(error, PhashError)


def test_errors_can_be_pickled(tmp_path: Path) -> None:
    error = pickle.loads(pickle.dumps(failure(tmp_path)))
    assert (error.path, error.reason) == (str(tmp_path), "is a directory")


def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(picture(), "PNG"))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    assert failure(path).reason == "permission denied"


@pytest.mark.parametrize(("source", "name"), [(b"", "<bytes>"), (io.BytesIO(b"text"), "<file>")])
def test_sources_without_a_path_have_a_name(source: Any, name: str) -> None:
    assert failure(source).path == name


def test_images_without_pixels() -> None:
    assert failure(np.zeros((0, 5), dtype=np.uint8)).path == "<ndarray>"
    assert failure(Image.new("RGB", (5, 0))).reason == "empty image of 5x0 pixels"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", pytest.param("AVIF", marks=NEEDS_AVIF)])
def test_truncated_files(kind: str) -> None:
    data = encoded(picture(), kind)
    for length in (len(data) // 2, 9 * len(data) // 10):
        with pytest.raises(ImageError) as caught:
            images.read_block(data[:length])
        assert caught.value.path == "<bytes>"
        assert caught.value.reason


def test_the_damaged_files_of_the_sample(sample: Path) -> None:
    reasons = {path.name: failure_to_read(path) for path in sorted((sample / "broken").iterdir())}
    assert reasons["IMG_0999.jpg"] == "empty file"
    assert "truncated" in reasons["IMG_0412.jpg"]
    assert reasons["shared-photo.jpg"] == failure_to_read(sample / "notes.txt")


def failure_to_read(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        images.read_block(path)
    return caught.value.reason


def test_too_little_memory_is_reported_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(plane, "area_average", fail)
    with pytest.raises(ImageError, match="not enough memory"):
        images.read_block(picture())


# Size limit


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + checksum + b"\0\0\1\0IDAT" + bytes(30)


def bmp_header(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info + bytes(30)


@pytest.mark.parametrize("header", [png_header, bmp_header])
@pytest.mark.parametrize("size", [(16001, 16000), (20000, 20000), (30000, 30000)])
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_bombs_are_refused_at_once(
    header: Callable[[int, int], bytes], size: tuple[int, int], action: Literal["error", "ignore"]
) -> None:
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        error = failure(header(*size))
    assert "256 megapixels" in error.reason
    assert time.process_time() - start < 0.5


def test_256_megapixels_are_read() -> None:
    assert images.read_image_info(bmp_header(16000, 16000)) == images.ImageInfo(16000, 16000, "BMP", "RGB")


# Damage


@cache
def small_files() -> dict[str, bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    small = picture().resize((48, 40))
    files = {kind: encoded(small, kind, exif=exif) for kind in ("JPEG", "PNG", "WEBP", "TIFF")}
    files |= {kind: encoded(small, kind) for kind in ("GIF", "BMP", "TGA", "PPM", "JPEG2000", "ICO")}
    files["TIFF LZW"] = encoded(small, "TIFF", compression="tiff_lzw")
    files["PNG 16"] = encoded(small.convert("I;16"), "PNG")
    files["PNG palette"] = encoded(small.convert("P"), "PNG", transparency=3)
    return files


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    data = bytearray(small_files()[draw(st.sampled_from(sorted(small_files())))])
    for _ in range(draw(st.integers(0, 6))):
        # Headers are at the start, where damage does most harm.
        position = draw(st.one_of(st.integers(0, 120), st.integers(0, len(data) - 1)))
        data[position] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.one_of(st.just(len(data)), st.integers(1, len(data))))])


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300, derandomize=True)
@given(damaged_files())
def test_damage_gives_a_block_or_an_image_error(data: bytes) -> None:
    errors = []
    for read in (images.read_image, images.read_image_info):
        try:
            read(data)
        except ImageError as error:
            errors.append(error)
    for failed in errors:
        assert failed.path == "<bytes>"
        assert failed.reason
        assert "\n" not in failed.reason
