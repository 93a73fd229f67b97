"""Damage that a decoder passes over: the file is fingerprinted and marked."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phash_engine import images
from phash_engine.errors import ImageError
from phash_engine.images import jpeg
from phash_engine.images.integrity import Intact
from tests.mutations import encoded, picture

LARGE = picture(700, 600)
END = b"\xff\xd9"


def intact_of(data: bytes) -> tuple[str, str]:
    """Whether a file is intact, and why not; one that is refused is not."""
    try:
        intact, reason = images.read_picture(data).integrity
    except ImageError as error:
        return Intact.NO, error.reason
    return intact, reason


def zeroed(data: bytes, share: float, count: int) -> bytes:
    start = int(len(data) * share)
    return data[:start] + bytes(count) + data[start + count :]


JPEGS = {
    "grey": (LARGE.convert("L"), {}),
    "420": (LARGE, {"subsampling": 2}),
    "444": (LARGE, {"subsampling": 0}),
    "cmyk": (LARGE.convert("CMYK"), {}),
    "rgb": (LARGE, {"keep_rgb": True}),
    "restarts": (LARGE, {"restart_marker_rows": 2}),
    "progressive": (LARGE, {"progressive": True}),
    "small": (picture(), {}),
}


def jpegs(name: str) -> bytes:
    image, options = JPEGS[name]
    return encoded(image, "JPEG", options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", JPEGS)
def test_an_intact_jpeg_has_the_pixels_of_pillow_at_any_scale(name: str) -> None:
    data = jpegs(name)
    for scale in (1, 2, 4, 8):
        ours, theirs = (Image.open(io.BytesIO(data), formats=["JPEG"]) for _ in range(2))
        for image in (ours, theirs):
            image.draft("L", (image.width // scale, image.height // scale))
        assert jpeg.load_strictly(ours, data).intact == "yes"
        assert np.array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize("name", JPEGS)
def test_damage_of_a_jpeg_is_seen(name: str) -> None:
    data = jpegs(name)
    assert intact_of(data) == ("yes", "")
    for damaged in (zeroed(data, 0.5, 1000), data[: len(data) * 9 // 10] + END, data[: len(data) * 9 // 10]):
        intact, reason = intact_of(damaged)
        assert intact == "no"
        assert reason


@pytest.mark.parametrize("tail", [b"", bytes(40), b"\xff\xd8\xff" + bytes(100), b"ftypmp42" + bytes(1000)])
def test_what_follows_the_end_of_a_jpeg_is_no_damage(tail: bytes) -> None:
    assert intact_of(jpegs("420") + tail) == ("yes", "")


def test_padding_before_the_end_of_a_jpeg_is_no_damage() -> None:
    data = jpegs("420")
    assert intact_of(data[:-2] + b"\0\0" + END) == ("yes", "")


def test_an_odd_header_is_no_damage() -> None:
    data = jpegs("420")
    at = data.index(b"JFIF\0") + 5
    assert intact_of(data[:at] + b"\5" + data[at + 1 :])[0] == "unknown"


def test_a_damaged_jpeg_is_fingerprinted_as_before() -> None:
    data = zeroed(jpegs("420"), 0.9, 500)
    found = images.read_picture(data)
    assert found.integrity.intact == "no"
    assert "corrupt JPEG data" in found.integrity.reason
    assert np.array_equal(found.blocks["full"], images.read_block(data))


def test_without_simplejpeg_a_jpeg_is_read_and_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpegs("420")
    block = images.read_block(data)
    monkeypatch.setattr(jpeg, "simplejpeg", None)
    found = images.read_picture(data)
    assert found.integrity.intact == "unknown"
    assert np.array_equal(found.blocks["full"], block)


def test_a_progressive_jpeg_has_one_fingerprint_verified_or_not() -> None:
    data = jpegs("progressive")
    assert np.array_equal(images.read_picture(data).blocks["full"], images.read_block(data))


def test_a_picture_that_is_no_file_is_unknown() -> None:
    assert images.read_picture(LARGE).integrity.intact == "unknown"
    assert images.read_picture(np.asarray(LARGE)).integrity.intact == "unknown"


def png_with(change: Callable[[bytearray, int], None], name: bytes) -> bytes:
    """A PNG after a change of a chunk, given the offset of its data."""
    data = bytearray(encoded(picture(), "PNG", {"dpi": (72, 72)}))
    change(data, data.index(name) + 4)
    return bytes(data)


def break_checksum(data: bytearray, start: int) -> None:
    (length,) = struct.unpack_from(">I", data, start - 8)
    data[start + length] ^= 1


def test_a_png_is_intact_by_its_checksums() -> None:
    data = encoded(picture(), "PNG", {"dpi": (72, 72)})
    assert intact_of(data) == ("yes", "")
    assert intact_of(data + b"more") == ("yes", "")
    for name in (b"IDAT", b"pHYs", b"IEND"):
        assert intact_of(png_with(break_checksum, name)) == ("no", f"wrong checksum of chunk {name.decode()}")
    assert intact_of(data[:-12])[0] == "no"
    assert intact_of(data[:-5])[0] == "no"
    assert intact_of(zeroed(data, 0.5, 200))[0] == "no"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "AVIF", "TIFF"])
def test_other_formats_are_unknown_and_not_intact_if_cut(kind: str) -> None:
    options = {"GIF": {"save_all": True, "append_images": [picture().rotate(90)]}}.get(kind, {})
    data = encoded(picture(), kind, options)
    assert intact_of(data) == ("unknown", "")
    assert intact_of(data[: len(data) * 9 // 10])[0] == "no"
    assert intact_of(data + b"more of another program" * 20) == ("unknown", "")


@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_that_is_cut_behind_its_first_page_is_not_intact(big: bool) -> None:
    pages = [picture().rotate(angle) for angle in (90, 180, 270)]
    data = encoded(picture(), "TIFF", {"save_all": True, "append_images": pages, "big_tiff": big})
    assert intact_of(data) == ("unknown", "")
    for share in (0.4, 0.6):  # in the pixels of its last page a cut is not seen
        assert intact_of(data[: int(len(data) * share)]) == ("no", "cut off: a page is beyond the end")


def test_a_cut_heic_is_not_intact() -> None:
    heif = pytest.importorskip("pillow_heif", reason="extra heif")
    heif.register_heif_opener()
    data = encoded(picture(), "HEIF")
    assert intact_of(data) == ("unknown", "")
    assert intact_of(data[:-50])[0] == "no"
    assert intact_of(data + b"more of another program" * 20) == ("unknown", "")


@pytest.mark.slow
def test_damage_of_real_photos_is_seen(photos: Path) -> None:
    files = [path.read_bytes() for path in sorted(photos.rglob("*")) if path.suffix.lower() in {".jpg", ".jpeg"}]
    readable = [data for data in files if not intact_of(data)[1].startswith(("not an image", "empty"))]
    false = sum(intact_of(data)[0] != "yes" for data in readable)
    assert false <= 1 + 0.002 * len(readable)  # one photo is corrupt on purpose
    rng = random.Random(5)
    sample = [data for data in rng.sample(readable, 200) if len(data) > 20_000]

    def seen(damage: Callable[[bytes], bytes]) -> float:
        return sum(intact_of(damage(data))[0] == "no" for data in sample) / len(sample)

    shares = (0.3, 0.5, 0.7, 0.9)
    assert seen(lambda data: zeroed(data, rng.choice(shares), 4096)) >= 0.95
    assert seen(lambda data: zeroed(data, rng.choice(shares), 512)) >= 0.85
    assert seen(lambda data: data[: int(len(data) * rng.choice(shares))]) == 1
    assert seen(lambda data: data[: int(len(data) * rng.choice(shares))] + END) == 1


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("TIFF", {"compression": "tiff_lzw"}, "broken data"),
        ("PNG", {}, "image file is truncated"),
        ("WEBP", {}, "cut off, or damaged at its start"),
    ],
)
def test_a_reason_is_no_code_of_a_decoder(kind: str, options: dict[str, object], reason: str) -> None:
    data = encoded(picture(), kind, options)
    broken = zeroed(data, 0.5, 400) if kind == "TIFF" else data[: len(data) // 2]
    broken = broken[:20] if kind == "PNG" else broken
    with pytest.raises(ImageError) as raised:
        images.read_block(broken)
    assert raised.value.reason.startswith(reason)
