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


def memory() -> int:
    """Peak resident memory of this process in bytes."""
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
