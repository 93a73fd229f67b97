"""Small files that declare much data: refused with a reason, or read, quickly and in little memory."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phash_engine import images
from phash_engine.errors import ImageError
from tests.conftest import ROOT
from tests.mutations import encoded, picture

resource = pytest.importorskip("resource", reason="memory is measured on POSIX systems alone")

QUICK = 1.0
"""Seconds of a processor: about a hundred times what it takes, since machines differ."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(side: int, *chunks: bytes) -> bytes:
    """A black PNG of 8-bit grey, with chunks before its data."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    compressor = zlib.compressobj(9)
    rows = [compressor.compress(bytes((side + 1) * 1000)) for _ in range(side // 1000)]
    data = b"".join([*rows, compressor.compress(bytes((side + 1) * (side % 1000))), compressor.flush()])
    return b"".join([SIGNATURE, chunk(b"IHDR", header), *chunks, chunk(b"IDAT", data), chunk(b"IEND", b"")])


def oversized_png() -> bytes:
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)) + chunk(b"IDAT", bytes(30))


def oversized_bmp() -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info + bytes(30)


def oversized_tiff() -> bytes:
    tags = [(256, 4, 60000), (257, 4, 60000), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (279, 4, 30)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(34)


def oversized_webp() -> bytes:
    frame = bytearray(encoded(picture(), "WEBP"))
    start = frame.index(b"\x9d\x01\x2a") + 3
    frame[start : start + 4] = struct.pack("<HH", 16383, 16383)
    return bytes(frame)


def oversized_gif() -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + encoded(picture(), "GIF")[13:]


@pytest.mark.parametrize("make", [oversized_png, oversized_bmp, oversized_tiff, oversized_webp, oversized_gif])
def test_huge_declared_sizes_are_refused_at_once(make: Callable[[], bytes]) -> None:
    data = make()
    start = time.process_time()
    with pytest.raises(ImageError) as caught:
        images.read_block(data)
    assert "256 megapixels" in caught.value.reason
    assert time.process_time() - start < QUICK


def test_a_small_file_of_many_pixels_is_refused() -> None:
    data = png(16001)
    assert len(data) < 300_000
    with pytest.raises(ImageError, match="256 megapixels"):
        images.read_block(data)


@pytest.mark.parametrize(
    "kind_and_head", [(b"iCCP", b"profile\0\0"), (b"zTXt", b"Comment\0\0"), (b"iTXt", b"Comment\0\1\0\0\0")]
)
def test_compressed_chunks_are_decompressed_up_to_a_limit(kind_and_head: tuple[bytes, bytes]) -> None:
    kind, head = kind_and_head
    compressor = zlib.compressobj(9)
    bomb = b"".join([compressor.compress(bytes(1 << 24)) for _ in range(32)]) + compressor.flush()
    data = png(64, chunk(kind, head + bomb))
    start, before = time.process_time(), memory()
    try:
        assert not images.read_block(data).any()
    except ImageError as error:
        assert error.reason  # noqa: PT017 - either result is correct
    assert time.process_time() - start < QUICK
    assert memory() - before < 100_000_000


def gif_of(frames: int) -> bytes:
    """A GIF with a number of equal frames."""
    still = encoded(picture(), "GIF", {"optimize": False})
    flags = still[10]
    head = 13 + (3 << (flags & 7) + 1 if flags & 128 else 0)
    return still[:head] + still[head:-1] * frames + b";"


def webp_of(frames: int) -> bytes:
    """A WebP with a number of equal frames."""
    animated = encoded(picture(), "WEBP", {"save_all": True, "append_images": [picture().rotate(90)]})
    start = animated.index(b"ANMF")
    (length,) = struct.unpack_from("<I", animated, start + 4)
    body = animated[12:start] + animated[start : start + 8 + length + length % 2] * frames
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def test_of_ten_thousand_frames_the_first_is_read() -> None:
    for animation in (gif_of, webp_of):
        short, long = animation(2), animation(10_000)
        with Image.open(io.BytesIO(long)) as image:
            assert getattr(image, "n_frames", 1) == 10_000
        start = time.process_time()
        assert np.array_equal(images.read_block(long), images.read_block(short))
        assert time.process_time() - start < QUICK


def test_a_picture_of_200_megapixels_is_read(tmp_path: Path) -> None:
    path = tmp_path / "stadium.jpg"
    Image.new("L", (20_000, 10_000), 128).save(path, quality=50)
    program = (
        "import resource, sys, time\n"
        "from phash_engine import images\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "block, info = images.read_image(sys.argv[1])\n"
        "print(info.width, info.height, block.min(), block.max(), end=' ')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, int(time.process_time()))"
    )
    run = subprocess.run([sys.executable, "-c", program, path], cwd=ROOT, capture_output=True, text=True, check=True)
    *shown, kilobytes, seconds = map(int, run.stdout.split())
    assert shown == [20_000, 10_000, 128 * 256, 128 * 256]
    assert kilobytes < 100_000
    assert seconds < 10


# ── more than the limits ─────────────────────────────────────────────────────────────────────────────────────────────


def lines_png(width: int, height: int) -> bytes:
    """A black PNG of any sides."""
    compressor = zlib.compressobj(1)
    rows = [compressor.compress(bytes(width + 1)) for _ in range(height)]
    data = b"".join([*rows, compressor.flush()])
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"".join([SIGNATURE, header, chunk(b"IDAT", data), chunk(b"IEND", b"")])


def with_chunks(count: int) -> bytes:
    still = png(1000)
    return still[:33] + chunk(b"abCd", b"") * count + still[33:]


def apng_of(frames: int) -> bytes:
    still = png(1000)
    control = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 1000, 1000, 0, 0, 1, 10, 0, 0))
    return still[:33] + chunk(b"acTL", struct.pack(">II", frames, 0)) + control * frames + still[33:]


def jpeg_of_scans(count: int) -> bytes:
    """A progressive JPEG with scans that change nothing."""
    still = encoded(picture(), "JPEG", {"progressive": True})
    last = still.rindex(b"\xff\xda")
    return still[:last] + b"\xff\xda\0\x08\1\1\0\1\x3f\0" * count + still[last:]


def jpeg_of_comments(count: int) -> bytes:
    still = encoded(picture(), "JPEG")
    return still[:2] + b"\xff\xfe\0\2" * count + still[2:]


def gif_of_comments(count: int) -> bytes:
    still = encoded(picture(), "GIF", {"optimize": False})
    head = 13 + (3 << (still[10] & 7) + 1 if still[10] & 128 else 0)
    return still[:head] + b"\x21\xfe\1a\0" * count + still[head:]


def tiff_of(pages: int) -> bytes:
    """A TIFF whose pages share one strip."""
    size = 2 + 9 * 12 + 4
    parts = []
    for page in range(pages):
        shape = [(256, 4, 64), (257, 4, 64), (258, 3, 8), (259, 3, 1), (262, 3, 1), (277, 3, 1), (278, 4, 64)]
        tags = sorted([*shape, (273, 4, 8 + pages * size), (279, 4, 64 * 64)])
        after = 8 + (page + 1) * size if page + 1 < pages else 0
        entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
        parts.append(struct.pack("<H", len(tags)) + entries + struct.pack("<I", after))
    return b"II*\0" + struct.pack("<I", 8) + b"".join(parts) + bytes(64 * 64)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: lines_png(255_000_000, 1), "250000 pixels"),
        (lambda: lines_png(1, 25_000_000), "250000 pixels"),
        (lambda: lines_png(1_000_000, 16), "250000 pixels"),
        (lambda: with_chunks(500_000), "100000 chunks"),
        (lambda: apng_of(100_000), "10000 frames"),
        (lambda: gif_of(100_000), "10000 frames"),
        (lambda: webp_of(100_000), "10000 frames"),
        (lambda: tiff_of(100_000), "10000 pages"),
        (lambda: gif_of_comments(1_000_000), "100000 extensions"),
        (lambda: jpeg_of_comments(1_000_000), "100000 segments"),
        (lambda: jpeg_of_scans(3_000), "200 scans"),
    ],
)
def test_work_beyond_the_limits_is_refused_at_once(make: Callable[[], bytes], reason: str) -> None:
    data = make()
    start = time.perf_counter()
    with pytest.raises(ImageError, match=f"limit of {reason}"):
        images.read_picture(data, frames=4)
    assert time.perf_counter() - start < QUICK


@pytest.mark.parametrize(
    "make",
    [
        lambda: lines_png(250_000, 1),
        lambda: lines_png(1, 250_000),
        lambda: with_chunks(5_000),
        lambda: tiff_of(1_000),
        lambda: gif_of_comments(5_000),
        lambda: jpeg_of_comments(5_000),
        lambda: jpeg_of_scans(100),
        lambda: encoded(picture(), "JPEG", {"progressive": True}) + b"\xff\xda" * 1000,
    ],
)
def test_work_within_the_limits_is_done(make: Callable[[], bytes]) -> None:
    assert images.read_picture(make()).blocks


def test_pages_in_a_circle_are_refused() -> None:
    data = bytearray(tiff_of(2))
    second = 8 + 2 + 9 * 12 + 4
    data[second + 2 + 9 * 12 : second + 2 + 9 * 12 + 4] = struct.pack("<I", 8)
    with pytest.raises(ImageError, match="10000 pages"):
        images.read_picture(bytes(data))


def gigapixels(width: int, height: int, options: dict[str, object] | None = None) -> bytes:
    """A black JPEG that declares other sides: what its data lack is grey."""
    data = bytearray(encoded(Image.new("L", (640, 640)), "JPEG", options or {}))
    start = data.index(b"\xff\xc2" if options else b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def test_a_jpeg_may_have_a_gigapixel_unless_all_of_it_is_held() -> None:
    with pytest.raises(ImageError, match="1000 megapixels"):
        images.read_block(gigapixels(40_000, 30_000))
    with pytest.raises(ImageError, match="256 megapixels"):
        images.read_block(gigapixels(30_000, 20_000, {"progressive": True}))
    assert images.read_image_info(gigapixels(30_000, 25_000))[:2] == (30_000, 25_000)
    with pytest.raises(ImageError, match="256 megapixels"):
        images.read_grey_planes(gigapixels(30_000, 25_000), lambda *_: [(8, 8)])


def memory() -> int:
    """Peak resident memory of this process in bytes."""
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
