"""PNG: the chunks that Pillow refuses a file for, although the picture does not depend on them."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import IO

from PIL import PngImagePlugin

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_ANCILLARY = 0x20
"""The bit of a chunk's first letter that says that a picture can be shown without it (PNG 3, 5.4)."""
_HEADER = b"IHDR"
_FRAME_BYTES = {b"fcTL": 26, b"fdAT": 4}
"""Least length of the chunks of frames (PNG 3, 11.3.6): Pillow judges them by those before them."""
_FRAME = 12
"""Bytes of a chunk besides its data: length, name and CRC."""


def without_faulty_chunks(file: IO[bytes]) -> IO[bytes]:
    """Return a PNG without the ancillary chunks that Pillow cannot read; the file itself if there is none.

    Their CRC is wrong, or they are malformed, or their text or colour profile is longer than Pillow takes.

    Parameters
    ----------
    file
        A seekable file that begins with :data:`SIGNATURE`.

    Notes
    -----
    Reads all ancillary chunks, and of the others the first 8 bytes.
    """
    faulty = _faulty(file)
    if not faulty:
        return file
    file.seek(0)
    data = file.read()
    edges = [0, *(edge for chunk in faulty for edge in chunk), len(data)]
    return io.BytesIO(b"".join(data[start:stop] for start, stop in zip(edges[::2], edges[1::2], strict=True)))


def significant_bits(file: IO[bytes]) -> int | None:
    """Return the largest number of significant bits of a sample that the header declares; None where it does not."""
    for name, start, end in _chunks(file):
        if name == b"sBIT":
            file.seek(start)
            return max(file.read(end - start)[8:-4], default=None)
        if name == b"IDAT":
            break
    return None


def _faulty(file: IO[bytes]) -> list[tuple[int, int]]:
    """Return the first and last offset of the faulty ancillary chunks, in order."""
    faulty = []
    with PngImagePlugin.PngStream(file) as stream:
        for name, start, end in _chunks(file):
            is_ancillary = bool(name[0] & _ANCILLARY)
            # The header says how long some of the others must be.
            if (is_ancillary or name == _HEADER) and not _is_readable(file, stream, name, end - start - _FRAME):
                faulty += [(start, end)] * is_ancillary
    return faulty


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each whole chunk, and where it begins and ends; the file is at its data then."""
    size = file.seek(0, io.SEEK_END)
    position = file.seek(len(SIGNATURE))
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        end = position + _FRAME + length
        if end > size or name == b"IEND":
            return
        yield name, position, end
        position = file.seek(end)


def _is_readable(file: IO[bytes], stream: PngImagePlugin.PngStream, name: bytes, length: int) -> bool:
    """Whether Pillow can read the chunk whose data come next, and its CRC is right."""
    try:
        known = name not in _FRAME_BYTES and hasattr(stream, f"chunk_{name.decode('ascii')}")
        data = stream.call(name, file.tell(), length) if known else file.read(length)
        stream.crc(name, data)
    except Exception:  # noqa: BLE001 - Pillow raises anything on malformed chunks
        return False
    return length >= _FRAME_BYTES.get(name, 0)
