"""Camera RAW: read from its preview or half-size decode, with its own size; recognised by its bytes, then its name."""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from phash_engine import images
from phash_engine.catalogue.store import Store
from phash_engine.errors import ImageError
from phash_engine.hashing import hashers, orientation
from phash_engine.images import formats, raw
from phash_engine.scanning.scan import scan
from tests.dng_writer import Preview, dng
from tests.plain import find, find_groups

NEEDS_RAWPY = pytest.mark.skipif(importlib.util.find_spec("rawpy") is None, reason="rawpy is not installed")
MISSING = "camera RAW needs rawpy: pip install 'phash-engine[raw]'"


def pixels(width: int = 320, height: int = 240) -> NDArray[np.uint8]:
    """Soft hills, without details that a mosaic would lose."""
    y, x = np.mgrid[0:height, 0:width] / height
    grey = 128 + 60 * np.sin(7 * x + 3 * y) + 50 * np.cos(11 * y - 2 * x * y)
    return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)


def jpeg(picture: NDArray[np.uint8], size: tuple[int, int], **options: Any) -> Preview:
    buffer = io.BytesIO()
    Image.fromarray(picture).resize(size).save(buffer, "JPEG", quality=95, **options)
    return Preview(buffer.getvalue(), *size)


def distance(a: NDArray[np.uint16], b: NDArray[np.uint16]) -> int:
    return hashers.distance(hashers.fingerprint(a), hashers.fingerprint(b))


def without_rawpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)


# ── read ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@NEEDS_RAWPY
@pytest.mark.parametrize("number", [1, 3, 6, 8])
@pytest.mark.parametrize("with_preview", [False, True])
def test_a_raw_is_read_upright_with_its_own_size(number: int, with_preview: bool) -> None:
    data = dng(pixels(), number, jpeg(pixels(), (160, 120)) if with_preview else None)
    block, info = images.read_image(data)
    turned = orientation.turn(images.read_block(pixels()), number)
    assert distance(block, turned) <= 4
    assert info == images.ImageInfo(*((240, 320) if number >= 5 else (320, 240)), "RAW", "RGB")
    assert images.read_image_info(data) == info
    assert np.array_equal(images.read_block(io.BytesIO(data)), block)


@NEEDS_RAWPY
@pytest.mark.parametrize(
    ("size", "is_used"), [((160, 120), True), ((162, 120), True), ((84, 63), False), ((160, 107), False)]
)
def test_a_preview_is_used_if_it_is_large_enough_and_complete(size: tuple[int, int], is_used: bool) -> None:
    other = np.ascontiguousarray(pixels()[::-1])
    preview = jpeg(other, size)
    block = images.read_block(dng(pixels(), 1, preview))
    assert np.array_equal(block, images.read_block(preview.data)) is is_used
    assert (distance(block, images.read_block(pixels())) <= 4) is not is_used


@NEEDS_RAWPY
def test_the_orientation_of_a_raw_is_applied_to_a_preview_of_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    small = np.ascontiguousarray(pixels()[::2, ::2])
    monkeypatch.setattr(raw.RawPhoto, "preview", lambda _: small)
    block, info = images.read_image(dng(pixels(), 6))
    assert np.array_equal(block, orientation.turn(images.read_block(small), 6))
    assert info == images.ImageInfo(240, 320, "RAW", "RGB")


@NEEDS_RAWPY
def test_a_damaged_raw_is_an_image_error() -> None:
    whole = dng(pixels())
    for length in (60, 250, len(whole) // 2):
        with pytest.raises(ImageError) as caught:
            images.read_block(whole[:length], "a.dng")
        assert (caught.value.path, bool(caught.value.reason)) == ("a.dng", True)
    with pytest.raises(ImageError, match="camera RAW: unsupported file format"):
        images.read_block(b"FUJIFILMCCD-RAW " + bytes(100))


@NEEDS_RAWPY
def test_a_raw_beyond_the_limit_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phash_engine.images.limits.MAX_PIXELS", 320 * 240 - 1)
    with pytest.raises(ImageError, match="320x240 pixels are more than the limit"):
        images.read_block(dng(pixels()))


def tiff(**options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels()).save(buffer, "TIFF", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "is_raw"),
    [
        (dng(pixels()), True),
        (dng(pixels(), 1, jpeg(pixels(), (160, 120))), True),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01", True),
        (b"IIU\0\x18\0\0\0", True),
        (b"II*\0\x10\0\0\0CR\x02\0", True),
        (tiff(), False),
        (tiff(tiffinfo={271: "Maker"}), False),
        (b"II*\0", False),
        (b"MM\0*\0\0\1\0", False),
        (b"", False),
    ],
    ids=range(10),
)
def test_raw_is_recognised_by_its_bytes(data: bytes, is_raw: bool) -> None:
    assert raw.is_raw(io.BytesIO(data)) is is_raw


@NEEDS_RAWPY
def test_other_formats_with_the_extension_of_a_raw_are_read(tmp_path: Path) -> None:
    for kind in ("TIFF", "JPEG", "PNG"):
        path = tmp_path / f"{kind}.nef"
        Image.fromarray(pixels()).save(path, kind)
        assert images.read_image_info(path).format == kind


# ── without the package ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("data", [dng(pixels()), tiff(), b"II*\0"], ids=["DNG", "like a TIFF", "cut off"])
def test_without_rawpy_the_failure_names_it(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    without_rawpy(monkeypatch)
    with pytest.raises(ImageError) as caught:
        images.read_image(data, "a.dng")
    assert str(caught.value) == f"a.dng: {MISSING}"


def test_without_rawpy_other_formats_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    without_rawpy(monkeypatch)
    assert images.read_image(tiff(), "a.tif")[1].format == "TIFF"
    assert images.read_image(jpeg(pixels(), (160, 120)).data, "a.nef")[1].format == "JPEG"


@NEEDS_RAWPY
def test_a_raw_that_failed_without_rawpy_is_read_once_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.dng").write_bytes(dng(pixels()))
    (tmp_path / "b.dng").write_bytes(b"no picture")
    with Store(None) as catalogue:
        with monkeypatch.context() as patch:
            without_rawpy(patch)
            assert sorted(reason for _, reason in scan([tmp_path], catalogue).failures)[0] == MISSING
            assert scan([tmp_path], catalogue).known_failures == 2  # unchanged files are not read again
        report = scan([tmp_path], catalogue)
        assert (report.decoded, report.known_failures, report.failures) == (1, 1, [])
        assert [photo.format for photo in catalogue.photos()] == ["RAW"]


# ── in a catalogue ────────────────────────────────────────────────────────────────────────────────────────────────────


@NEEDS_RAWPY
def test_a_raw_is_found_by_its_jpeg_and_kept_before_it(tmp_path: Path) -> None:
    (tmp_path / "raw.dng").write_bytes(dng(pixels(), 6, jpeg(pixels(), (160, 120))))
    upright = np.ascontiguousarray(np.rot90(pixels(), -1))
    (tmp_path / "exported.jpg").write_bytes(jpeg(upright, (180, 240)).data)
    with Store(None) as catalogue:
        scan([tmp_path], catalogue)
        (group,) = find_groups(catalogue)
        assert (Path(group.keeper).name, len(group.duplicates)) == ("raw.dng", 1)
        assert len(find(str(tmp_path / "raw.dng"), catalogue)) == 2


def test_raw_extensions_are_images() -> None:
    for name in ("a.dng", "a.NEF", "a.cr2", "a.arw", "a.orf"):
        assert formats.is_image(name)
        assert formats.is_raw_name(name)
    assert not formats.is_raw_name("a.tif")
