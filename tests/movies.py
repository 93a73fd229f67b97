"""A minimal writer of QuickTime and MP4 movies: the boxes of their header, and no frames."""

from __future__ import annotations

import struct
from collections.abc import Mapping

LIVE_ID = "E621E1F8-C36C-495A-93FC-0C247A3E6E5F"
KEY = "com.apple.quicktime."


def box(name: bytes, content: bytes = b"", *, is_long: bool = False) -> bytes:
    """A box, its length of 32 bits or of 64."""
    if is_long:
        return struct.pack(">I4sQ", 1, name, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), name) + content


def header(created: int, scale: int, length: int, version: int = 0) -> bytes:
    """The box ``mvhd``: seconds since 1904, time steps in a second, length in time steps."""
    layout = ">QQIQ" if version else ">4I"
    return box(b"mvhd", bytes([version, 0, 0, 0]) + struct.pack(layout, created, created, scale, length) + bytes(80))


def metadata(values: Mapping[str, str], *, is_mp4: bool = False) -> bytes:
    """The box ``meta`` with values of the namespace ``mdta`` by name."""
    keys = b"".join(struct.pack(">I4s", 8 + len(name), b"mdta") + name.encode() for name in values)
    items = b"".join(
        box(struct.pack(">I", number), box(b"data", struct.pack(">II", 1, 0) + value.encode()))
        for number, value in enumerate(values.values(), 1)
    )
    handler = box(b"hdlr", bytes(8) + b"mdta" + bytes(13))
    listed = box(b"keys", struct.pack(">II", 0, len(values)) + keys) + box(b"ilst", items)
    return box(b"meta", bytes(4 * is_mp4) + handler + listed)


def movie(*boxes: bytes, frames: int = 5000) -> bytes:
    """A movie whose header comes behind its frames, as cameras write it."""
    return box(b"ftyp", b"qt  " + bytes(8)) + box(b"wide") + box(b"mdat", bytes(frames)) + box(b"moov", b"".join(boxes))
