"""PNG files with chunks that Pillow refuses: read without them, if the picture does not depend on them."""

import io
import re
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from phash_engine import images
from phash_engine.errors import ImageError
from tests.images.test_images import encoded, picture
from tests.images.test_samples import chunk

WHOLE = encoded(picture(), "PNG")
HEADER, PIXELS = WHOLE[:33], WHOLE[33:]
LONG = bytes(2_000_000)
EXIF = Image.Exif()
EXIF[0x0112] = 6


def with_wrong_crc(part: bytes) -> bytes:
    return part[:-1] + bytes([part[-1] ^ 1])


FAULTY = {
    "long zTXt": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(LONG)),
    "long iTXt": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(LONG)),
    "long iCCP": chunk(b"iCCP", b"profile\0\0" + zlib.compress(LONG)),
    "iCCP of another method": chunk(b"iCCP", b"profile\0\1" + zlib.compress(b"profile")),
    "wrong CRC of text": with_wrong_crc(chunk(b"tEXt", b"Comment\0text")),
    "wrong CRC of a profile": with_wrong_crc(chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"profile"))),
    "wrong CRC of EXIF": with_wrong_crc(chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0")),
    "wrong CRC of an unknown chunk": with_wrong_crc(chunk(b"prVt", b"anything")),
    "wrong CRC of an animation": with_wrong_crc(chunk(b"acTL", struct.pack(">II", 2, 0))),
    "short pHYs": chunk(b"pHYs", b"\0"),
    "short tRNS": chunk(b"tRNS", b"\0"),
    "short gAMA": chunk(b"gAMA", b"\0"),
    "short acTL": chunk(b"acTL", b"\0"),
    "short fcTL": chunk(b"fcTL", b"\0"),
    "much text": b"".join(chunk(b"tEXt", b"Comment\0" + b"a" * 900_000) for _ in range(80)),
}


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_ancillary_chunks_are_left_out(name: str) -> None:
    data = HEADER + FAULTY[name] + PIXELS
    block, info = images.read_image(data)
    assert np.array_equal(block, images.read_block(WHOLE))
    assert info == images.read_image_info(data) == images.ImageInfo(187, 131, "PNG", "RGB")


def test_faulty_chunks_after_the_pixels_are_left_out() -> None:
    data = WHOLE[:-12] + FAULTY["long zTXt"] + WHOLE[-12:]
    assert np.array_equal(images.read_block(data), images.read_block(WHOLE))


def test_a_file_that_is_cut_in_its_text_is_damaged() -> None:
    data = WHOLE[:-12] + chunk(b"tEXt", b"Comment\0" + b"a" * 500)
    with pytest.raises(ImageError):
        images.read_block(data[:-300])


def test_bytes_after_the_end_do_not_matter() -> None:
    assert np.array_equal(images.read_block(WHOLE + bytes(100_000)), images.read_block(WHOLE))


def test_what_the_picture_depends_on_is_kept() -> None:
    turned = encoded(picture(), "PNG", exif=EXIF)
    palette = encoded(picture().quantize(16), "PNG", transparency=0)
    for whole in (turned, palette):
        data = whole[:33] + FAULTY["long iCCP"] + whole[33:]
        assert np.array_equal(images.read_block(data), images.read_block(whole))
    assert images.read_image(turned)[1][:2] == (131, 187)


def test_frames_are_read_beside_a_faulty_chunk() -> None:
    whole = encoded(picture(), "PNG", save_all=True, append_images=[ImageOps.invert(picture()), picture().rotate(90)])
    data = whole[:33] + FAULTY["long zTXt"] + whole[33:]
    found, expected = (images.read_picture(file, frames=5).blocks for file in (data, whole))
    assert list(found) == list(expected) == ["full", "frame:1", "frame:2"]
    assert all(np.array_equal(found[view], expected[view]) for view in expected)


def changed(data: bytes, name: bytes, number: int, content: Callable[[bytes], bytes]) -> bytes:
    """A PNG whose ``number``-th chunk of a name has another content, and the checksum of that."""
    places = [found.start() for found in re.finditer(name, data)]
    start = places[number] - 4
    (length,) = struct.unpack_from(">I", data, start)
    inside = data[start + 8 : start + 8 + length]
    return data[:start] + chunk(name, content(inside)) + data[start + 12 + length :]


BROKEN_FRAMES: dict[str, tuple[bytes, int, Callable[[bytes], bytes], int]] = {
    "first out of sequence": (b"fcTL", 0, lambda inside: b"\0\0\0\5" + inside[4:], 0),
    "first out of bounds": (b"fcTL", 0, lambda inside: inside[:4] + b"\0\1\0\0" * 2 + inside[12:], 0),
    "first too short": (b"fcTL", 0, lambda inside: inside[:9], 0),
    "second out of sequence": (b"fcTL", 1, lambda inside: b"\0\0\0\5" + inside[4:], 0),
    "second too short": (b"fcTL", 1, lambda inside: inside[:9], 0),
    "third too short": (b"fcTL", 2, lambda inside: inside[:9], 1),
    "pixels too short": (b"fdAT", 1, lambda inside: inside[:2], 1),
    "no frames": (b"acTL", 0, lambda _: b"", 0),
}


@pytest.mark.parametrize("kind", BROKEN_FRAMES)
def test_an_animation_ends_before_its_first_faulty_chunk(kind: str) -> None:
    whole = encoded(picture(), "PNG", save_all=True, append_images=[ImageOps.invert(picture()), picture().rotate(90)])
    name, number, content, frames = BROKEN_FRAMES[kind]
    found = images.read_picture(changed(whole, name, number, content), frames=5).blocks
    expected = images.read_picture(whole, frames=5).blocks
    assert list(found) == list(expected)[: 1 + frames]
    assert all(np.array_equal(found[view], expected[view]) for view in found)


def test_a_frame_with_a_wrong_crc_ends_the_animation() -> None:
    whole = encoded(picture(), "PNG", save_all=True, append_images=[ImageOps.invert(picture()), picture().rotate(90)])
    place = whole.rindex(b"fcTL") + 4 + 26
    data = whole[:place] + bytes(4) + whole[place + 4 :]
    assert list(images.read_picture(data, frames=5).blocks) == ["full", "frame:1"]


@pytest.mark.parametrize("name", [b"IHDR", b"PLTE"])
def test_a_wrong_crc_of_a_critical_chunk_is_damage(name: bytes) -> None:
    whole = encoded(picture().quantize(16), "PNG")
    start = whole.index(name) - 4
    end = start + 12 + struct.unpack_from(">I", whole, start)[0]
    with pytest.raises(ImageError, match="damaged"):
        images.read_block(whole[: end - 1] + bytes([whole[end - 1] ^ 1]) + whole[end:])


def test_a_file_that_is_cut_is_damaged_whatever_its_chunks() -> None:
    data = HEADER + FAULTY["long zTXt"] + PIXELS
    for cut in (len(data) // 2, len(data) - 400, len(HEADER) + 20):
        with pytest.raises(ImageError):
            images.read_block(data[:cut])


def test_text_that_pillow_takes_is_kept() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "a" * 1000, zip=True)
    with Image.open(io.BytesIO(encoded(picture(), "PNG", pnginfo=text))) as image:
        assert isinstance(image, PngImagePlugin.PngImageFile)
        assert image.text["Comment"] == "a" * 1000
