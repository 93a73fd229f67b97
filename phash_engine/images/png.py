"""PNG: the chunks that Pillow refuses a file for, although the picture does not depend on them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import IO

from PIL import PngImagePlugin

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_ANCILLARY = 0x20
"""The bit of a chunk's first letter that says that a picture can be shown without it (PNG 3, 5.4)."""
_HEADER = b"IHDR"
_FRAME_BYTES = {b"fcTL": 26, b"fdAT": 4}
"""Least length of the chunks of frames, which begin with their place in the animation (PNG 3, 11.3.6)."""
_ANIMATION = b"acTL"
_ENDED = -1
_FRAME = 12
"""Bytes of a chunk besides its data: length, name and CRC."""


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, offset and length of the data of each chunk of a PNG that begins within the file, to its end mark."""
    place, name = len(SIGNATURE), b""
    while place + 8 <= len(data) and name != b"IEND":
        length, name = struct.unpack_from(">I4s", data, place)
        yield name, place + 8, length
        place += length + _FRAME


def without_faulty_chunks(file: IO[bytes]) -> IO[bytes]:
    """Return a PNG without the ancillary chunks that Pillow cannot read; the file itself if there is none.

    Their CRC is wrong, or they are malformed, or their text or colour profile is longer than Pillow takes.

    Parameters
    ----------
    file
        A seekable file that begins with :data:`SIGNATURE`.
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
    for name, start, end in _whole_chunks(file):
        if name == b"sBIT":
            file.seek(start)
            return max(file.read(end - start)[8:-4], default=None)
        if name == b"IDAT":
            break
    return None


def _faulty(file: IO[bytes]) -> list[tuple[int, int]]:
    """Return the first and last offset of the faulty ancillary chunks, in order."""
    faulty: list[tuple[int, int]] = []
    place = 0  # in the animation; without a faulty chunk those that follow it are out of sequence
    with PngImagePlugin.PngStream(file) as stream:
        for name, start, end in _whole_chunks(file):
            length = end - start - _FRAME
            if name == _HEADER:
                _is_readable(file, stream, name, length)  # it says how long some of the others must be
            elif name in _FRAME_BYTES and place:
                place = place + 1 if place > 0 and _is_frame(file, name, length, place) else _ENDED
                faulty += [(start, end)] * (place == _ENDED)
            elif name[0] & _ANCILLARY:
                is_readable = _is_readable(file, stream, name, length)
                faulty += [(start, end)] * (not is_readable)
                if name in _FRAME_BYTES or (name == _ANIMATION and not is_readable):
                    place = 1 if is_readable else _ENDED
    return faulty


def _whole_chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each whole chunk, and where it begins and ends; the file is at its data then."""
    file.seek(0)
    data = file.read()
    for name, start, length in chunks(data):
        begin, end = start - 8, start + length + 4
        if end > len(data) or name == b"IEND":
            return
        file.seek(start)
        yield name, begin, end


def _is_readable(file: IO[bytes], stream: PngImagePlugin.PngStream, name: bytes, length: int) -> bool:
    """Whether Pillow can read the chunk whose data come next, and its CRC is right."""
    try:
        known = hasattr(stream, f"chunk_{name.decode('ascii')}")
        data = stream.call(name, file.tell(), length) if known else file.read(length)
        stream.crc(name, data)
    except Exception:  # noqa: BLE001 - Pillow raises anything on malformed chunks
        return False
    return True


def _is_frame(file: IO[bytes], name: bytes, length: int, place: int) -> bool:
    """Whether the chunk whose data come next is the next one of an animation, and its CRC is right."""
    data = file.read(length)
    has_place = length >= _FRAME_BYTES[name] and int.from_bytes(data[:4], "big") == place
    return has_place and zlib.crc32(name + data) == int.from_bytes(file.read(4), "big")
