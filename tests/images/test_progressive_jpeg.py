"""Progressive JPEGs cut to their DC coefficients: libjpeg decodes them to the same plane at scale 1/8."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bench.photos import FOLDER, SAMPLE
from phash_engine import images
from phash_engine.errors import ImageError
from phash_engine.images import progressive_jpeg
from tests.jpeg_writer import ADOBE, END, TABLES, file, frame, huffman, quantizers, scan, scans, segment

Plane = NDArray[np.uint8]

ORIENTATION = 0x0112
FIRST_LUMA_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x01\x05\x02"
"""Coefficients 1 to 5 of the first component, all but their last two bits: libjpeg's own script sends them second."""


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Waves of a different length in each channel, with some noise."""
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(7).normal(0, 9, (height, width))
    waves = [np.sin(x / (9 + 4 * k)) * np.cos(y / (17 - 3 * k)) * 90 + 128 + noise for k in range(3)]
    return Image.fromarray(np.stack(waves, axis=-1).clip(0, 255).astype(np.uint8)).convert(mode)


def saved(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, **{"format": "JPEG", "progressive": True, **options})
    return file.getvalue()


def plane(data: bytes) -> Plane:
    """Decode at scale 1/8, in grey where Pillow does so."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", (image.width // 8, image.height // 8))
        return np.array(image)


def cut(data: bytes) -> bytes:
    short = progressive_jpeg.dc_only(data)
    assert short is not None
    return short


def assert_same_plane(data: bytes) -> None:
    short = cut(data)
    assert len(short) < len(data)
    np.testing.assert_array_equal(plane(short), plane(data))


def outcome(read: Callable[[bytes], Plane], data: bytes) -> Plane | None:
    """Return the decoded plane, or None for any error."""
    try:
        return read(data)
    except Exception:  # noqa: BLE001 - decoders raise any exception on damaged files
        return None


def assert_same_outcome(data: bytes) -> None:
    short = progressive_jpeg.dc_only(data)
    if short is not None:
        np.testing.assert_array_equal(outcome(plane, short), outcome(plane, data))


# ── files as Pillow writes them


def test_progressive_photos() -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"no photos in {FOLDER}")
    paths = [path for folder in (FOLDER, SAMPLE) for path in folder.rglob("*.[jJ][pP]*[gG]") if is_progressive(path)]
    assert paths
    for path in paths:
        assert_same_plane(path.read_bytes())


def is_progressive(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return "progressive" in image.info
    except UnidentifiedImageError:
        return False


@pytest.mark.parametrize("size", [(512, 512), (513, 517), (640, 521), (8, 8), (65500, 9)])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [15, 92])
def test_colour(size: tuple[int, int], subsampling: int, quality: int) -> None:
    for optimize in (False, True):
        assert_same_plane(saved(picture(*size), subsampling=subsampling, quality=quality, optimize=optimize))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
@pytest.mark.parametrize("quality", [15, 92])
def test_grey_and_cmyk(mode: str, quality: int) -> None:
    assert_same_plane(saved(picture(523, 512, mode), quality=quality))


def test_rgb_without_conversion() -> None:
    assert_same_plane(saved(picture(100, 90), keep_rgb=True))


@pytest.mark.parametrize("restarts", [{"restart_marker_blocks": n} for n in (1, 7)] + [{"restart_marker_rows": 2}])
def test_restart_markers(restarts: dict[str, int]) -> None:
    assert_same_plane(saved(picture(300, 200), **restarts))


def test_first_image_of_several() -> None:
    data = saved(picture(520, 530), format="MPO", save_all=True, append_images=[picture(90, 80)])
    assert_same_plane(data)
    assert images.read_image(data)[1].format == "MPO"


def test_fill_bytes_and_what_follows_the_end() -> None:
    data = saved(picture(80, 70))
    assert_same_plane(data.replace(b"\xff\xda", b"\xff\xff\xff\xda").replace(b"\xff\xc4", b"\xff\xff\xc4") + b"video")


# ── files that Pillow does not write


def test_a_scan_for_each_component_and_band() -> None:
    made = scans()
    for order in (["dc", "low", "high"], ["dc", "high", "low"]):
        by_band = [made[component, band] for band in order for component in (3, 1, 2)]
        by_component = [made[component, band] for component in (1, 2, 3) for band in order]
        for sent in (by_band, by_component):
            assert_same_plane(file(frame(), TABLES, *sent))


def test_tables_between_the_scans() -> None:
    parts = [TABLES + segment(0xDD, b"\0\0") + segment(0xFE, b"\xff\xda\xff\xd9") + each for each in scans().values()]
    assert_same_plane(file(frame(), *parts))


def test_a_missing_scan() -> None:
    made = scans()
    for missing in made:
        parts = [each for name, each in made.items() if name != missing]
        assert progressive_jpeg.dc_only(file(frame(), TABLES, *parts)) is None


def test_details_before_dc_may_bring_other_quantizers() -> None:
    parts = scans()
    early = parts.pop((1, "low"))
    assert progressive_jpeg.dc_only(file(quantizers(1), frame(), TABLES, early, quantizers(8), *parts.values())) is None


@pytest.mark.parametrize(
    ("table", "is_valid"),
    [
        ({1: 1}, True),
        ({1: 1, 2: 1, 16: 1}, True),
        ({1: 2}, False),
        ({1: 1, 2: 2}, False),
        ({2: 3, 3: 2}, False),
        ({1: 3}, False),
    ],
)
def test_codes_that_fit(table: dict[int, int], is_valid: bool) -> None:
    """An invalid table is refused, even if it is used only by a scan that is left out."""
    parts = scans()
    coarse, fine = scan(1, 1, 63, 0x01) + b"\0", scan(1, 1, 63, 0x10) + b"\0"
    parts[1, "low"], parts[1, "high"] = huffman(0x10, table) + coarse, TABLES + fine
    data = file(frame(), TABLES, *parts.values())
    assert (outcome(plane, data) is not None) == is_valid
    assert (progressive_jpeg.dc_only(data) is not None) == is_valid
    assert_same_outcome(data)


@pytest.mark.parametrize(
    ("names", "marker", "factors", "plain"),
    [
        (b"\1\2\3", b"", [0x11, 0x11, 0x11], True),
        (b"\1\2\3", b"", [0x22, 0x11, 0x11], True),
        (b"\1\2\3", b"", [0x11, 0x22, 0x22], False),
        (b"\1\2\3", b"", [0x11, 0x21, 0x21], True),
        (b"\1\2\3", b"", [0x11, 0x12, 0x12], True),
        (b"\1\2\3", ADOBE + b"\1", [0x22, 0x11, 0x11], True),
        (b"\1\2\3", ADOBE + b"\0", [0x22, 0x11, 0x11], False),
        (b"\1\2\3", ADOBE + b"\0", [0x11, 0x11, 0x11], True),
        (b"RGB", b"", [0x22, 0x11, 0x11], False),
        (b"RGB", b"", [0x21, 0x11, 0x11], True),
        (b"\1\2\3\4", b"", [0x11, 0x11, 0x11, 0x11], True),
        (b"\1\2\3\4", ADOBE + b"\2", [0x11, 0x11, 0x11, 0x11], True),
        (b"\1\2\3\4", ADOBE + b"\2", [0x22, 0x11, 0x11, 0x22], False),
        (b"\1", b"", [0x22], True),
    ],
)
def test_components_of_more_than_a_pixel_per_block(
    names: bytes, marker: bytes, factors: list[int], plain: bool
) -> None:
    data = file(segment(0xEE, marker), frame(names, factors), TABLES, *scans(names).values())
    assert (progressive_jpeg.dc_only(data) is not None) == plain
    assert_same_outcome(data)


def test_two_components_of_one_name() -> None:
    both = segment(0xDA, b"\3\1\0\1\0\3\0\0\0\0")
    data = file(frame(b"\1\1\3"), TABLES, both, *scans(b"\1\3").values())
    assert outcome(plane, data) is not None
    assert progressive_jpeg.dc_only(data) is None


# ── files that are not cut


@pytest.fixture(scope="module")
def libjpeg_file() -> bytes:
    return saved(picture(300, 200))


def test_one_ac_scan_is_left_for_each_band(libjpeg_file: bytes) -> None:
    assert libjpeg_file.count(b"\xff\xda\x00\x08") == 8
    assert cut(libjpeg_file).count(b"\xff\xda\x00\x08") == 3


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1
    return data.replace(old, new)


@pytest.mark.parametrize(
    "damaged",
    [
        replaced(FIRST_LUMA_SCAN, b"\x01\x05\x02", b"\x01\x05\x42"),
        replaced(FIRST_LUMA_SCAN, b"\x01\x05\x02", b"\x01\x05\x0e"),
        replaced(FIRST_LUMA_SCAN, b"\x01\x05\x02", b"\x05\x01\x02"),
        replaced(FIRST_LUMA_SCAN, b"\x01\x05\x02", b"\x01\x40\x02"),
        replaced(FIRST_LUMA_SCAN, b"\x01\x01\x00", b"\x01\x01\x03"),
        replaced(FIRST_LUMA_SCAN, b"\x01\x01\x00", b"\x01\x07\x00"),
        replaced(FIRST_LUMA_SCAN, b"\x00\x08\x01", b"\x00\x08\x02"),
        b"\xff\xda\x00\x0a\x02\x01\x00\x02\x00\x01\x05\x02",
        b"\xff\xd8" + FIRST_LUMA_SCAN,
        FIRST_LUMA_SCAN + b"\xff\x02",
        b"\xff\xc2\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00" + FIRST_LUMA_SCAN,
    ],
)
def test_scans_that_libjpeg_refuses(libjpeg_file: bytes, damaged: bytes) -> None:
    data = replaced(libjpeg_file, FIRST_LUMA_SCAN, damaged)
    assert outcome(plane, data) is None
    assert progressive_jpeg.dc_only(data) is None


@pytest.mark.parametrize("marker", [0x01, 0x02, 0xC2, 0xC8, 0xCC, 0xD8, 0xDC, 0xDE, 0xDF, 0xF0, 0xFD])
def test_markers_that_are_not_allowed_between_scans(libjpeg_file: bytes, marker: int) -> None:
    last = libjpeg_file.rindex(b"\xff\xc4")
    data = libjpeg_file[:last] + segment(marker, b"") + libjpeg_file[last:]
    assert progressive_jpeg.dc_only(data) is None


def test_unfinished_coefficients_are_smoothed_by_libjpeg(libjpeg_file: bytes) -> None:
    last = libjpeg_file.rindex(b"\xff\xda")
    assert progressive_jpeg.dc_only(libjpeg_file[:last] + END) is None


def test_other_frames_and_files(libjpeg_file: bytes) -> None:
    assert progressive_jpeg.dc_only(saved(picture(80, 70), progressive=False)) is None
    frame = libjpeg_file.index(b"\xff\xc2")
    for marker in (0xC0, 0xC1, 0xC3, 0xC5, 0xC6, 0xC9, 0xCA, 0xCC, 0xCE, 0xDC, 0xDE, 0xDF, 0xF0, 0x01, 0x02):
        other = libjpeg_file[: frame + 1] + bytes([marker]) + libjpeg_file[frame + 2 :]
        assert progressive_jpeg.dc_only(other) is None
    assert progressive_jpeg.dc_only(replaced(libjpeg_file, b"\xff\xc2\x00\x11\x08", b"\xff\xc2\x00\x11\x0c")) is None
    for data in (b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xda", b"GIF89a", b"\xff" * 99):
        assert progressive_jpeg.dc_only(data) is None


# ── through read_block


def test_read_image_decodes_the_cut_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    data = saved(picture(515, 520), exif=exif)
    path = tmp_path / "progressive.jpg"
    path.write_bytes(data)
    dc_only = Mock(wraps=progressive_jpeg.dc_only)
    monkeypatch.setattr(progressive_jpeg, "dc_only", dc_only)
    read = [images.read_image(source) for source in (data, path, io.BytesIO(data))]
    assert dc_only.call_count == 3
    dc_only.configure_mock(wraps=None, return_value=None)
    block, info = images.read_image(data)
    assert info == images.ImageInfo(520, 515, "JPEG", "RGB")
    for short_block, short_info in read:
        assert short_info == info
        np.testing.assert_array_equal(short_block, block)


def test_a_truncated_file_stays_a_failure() -> None:
    data = saved(picture(512, 520), restart_marker_rows=3)
    near_markers = {found.start() + more for found in re.finditer(rb"\xff[^\x00]", data) for more in range(4)}
    for end in near_markers.union(range(0, len(data), 997)).intersection(range(len(data))):
        assert progressive_jpeg.dc_only(data[:end]) is None
        with pytest.raises(ImageError):
            images.read_block(data[:end])


# ── damage


SMALL = [
    saved(picture(72, 65)),
    saved(picture(72, 65), subsampling=0, quality=30, optimize=True),
    saved(picture(64, 64, "L"), restart_marker_blocks=5),
    saved(picture(64, 40, "CMYK")),
]


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """Bytes changed, removed, inserted or copied from another file, mostly near markers."""
    data = draw(st.sampled_from(SMALL))
    for _ in range(draw(st.integers(1, 3))):
        markers = [found.start() for found in re.finditer(rb"\xff[\xc0-\xfe]", data)] or [0]
        near = st.builds(int.__add__, st.sampled_from(markers), st.integers(0, 30))
        start = draw(st.one_of(near, st.integers(0, len(data))))
        gap = draw(st.sampled_from([0, 1, 1, 2, 9, 300, len(data)]))
        other = draw(st.sampled_from([data, *SMALL]))
        graft = other[draw(st.sampled_from(markers)) :]
        data = data[:start] + draw(st.one_of(st.binary(max_size=3), st.just(graft))) + data[start + gap :]
    return data


@settings(max_examples=400)
@given(damaged_files())
def test_damaged_files_decode_equally_or_not_at_all(data: bytes) -> None:
    assert_same_outcome(data)


@settings(max_examples=100)
@given(st.sampled_from(SMALL), st.data())
def test_damaged_ac_data_changes_nothing(data: bytes, draw: st.DataObject) -> None:
    """libjpeg only warns of damaged AC data, so dc_only has to be as lenient."""
    details = data.rindex(b"\xff\xda") + 10
    at = draw.draw(st.integers(details, len(data) - 3))
    damaged = data[:at] + draw.draw(st.sampled_from([b"\x00", b"\x55", b"\xff\x00", b""])) + data[at + 1 :]
    if progressive_jpeg.dc_only(damaged) is not None:
        np.testing.assert_array_equal(plane(damaged), plane(data))
        np.testing.assert_array_equal(plane(cut(damaged)), plane(data))
