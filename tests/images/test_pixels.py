"""read_pixels: any mode and orientation, no larger than requested."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phash_engine import images
from phash_engine.errors import ImageError


def picture(width: int = 200, height: int = 120) -> Image.Image:
    """A smooth picture with four different corners."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [255 * x / width, 255 * y / height, 255 - 255 * x * y / (width * height)]
    return Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8))


@pytest.mark.parametrize("mode", ["RGB", "RGBX", "RGBA", "RGBa", "CMYK", "YCbCr", "HSV"])
def test_modes_with_colours_keep_their_colours(mode: str) -> None:
    pixels = images.read_pixels(
        picture().convert("RGBA").convert(mode) if mode == "RGBa" else picture().convert(mode), 500
    )
    assert pixels.shape == (120, 200, 3)
    assert np.abs(pixels.astype(int) - np.asarray(picture())).max() <= 8


@pytest.mark.parametrize("mode", ["L", "LA", "La", "I;16", "I", "F", "1", "P"])
def test_modes_without_colours_are_grey(mode: str) -> None:
    grey = picture().convert("L")
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    elif mode == "La":
        image = grey.convert("LA").convert("La")
    else:
        image = grey.convert(mode)
    pixels = images.read_pixels(image, 500).astype(int)
    assert (pixels == pixels[..., :1]).all()
    if mode != "1":
        assert np.abs(pixels[..., 0] - np.asarray(grey)).max() <= 2


def test_lab_is_read_by_its_lightness() -> None:
    lab = Image.merge("LAB", [picture().convert("L")] * 3)
    assert (images.read_pixels(lab, 500)[..., 0] == np.asarray(picture().convert("L"))).all()


def test_transparency_becomes_white() -> None:
    image = picture().convert("RGBA")
    image.putalpha(0)
    image.putpixel((0, 0), (255, 255, 255, 255))  # else alpha was not meant
    assert (images.read_pixels(image, 500) == 255).all()


@pytest.mark.parametrize("number", range(1, 9))
def test_orientation_is_applied(number: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = number
    file = BytesIO()
    picture().save(file, "PNG", exif=exif)
    pixels = images.read_pixels(file.getvalue(), 500)
    assert pixels.shape == ((120, 200, 3) if number < 5 else (200, 120, 3))
    corners = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    assert pixels[corners[number]].tolist() == [0, 0, 255]


@pytest.mark.parametrize(("longer_side", "shape"), [(100, (60, 100, 3)), (200, (120, 200, 3)), (500, (120, 200, 3))])
def test_pictures_are_reduced_and_never_enlarged(longer_side: int, shape: tuple[int, ...]) -> None:
    assert images.read_pixels(picture(), longer_side).shape == shape


def test_a_jpeg_is_decoded_small_and_looks_the_same(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    picture(1600, 1200).save(path, quality=95)
    small = images.read_pixels(path, 100).astype(int)
    assert small.shape == (75, 100, 3)
    assert np.abs(small - np.asarray(picture(100, 75))).max() <= 8


def test_a_file_that_is_not_an_image_is_an_image_error(tmp_path: Path) -> None:
    path = tmp_path / "no.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(ImageError, match="not an image"):
        images.read_pixels(path, 100)
