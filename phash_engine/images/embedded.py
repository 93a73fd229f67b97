"""Metadata other than EXIF: XMP and IPTC of an image, the name of a colour profile, a video behind the picture."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from PIL import Image

from phash_engine.images import xmp
from phash_engine.images.exif import text

IPTC_KEYWORD: Final = 25
IPTC_CAPTIONS: Final = (105, 120)
"""Headline and caption."""

_XMP_TAG, _IPTC_TAG, _IPTC_RESOURCE = 700, 33723, 0x0404
_APPLICATION_RECORD = 2
_MOST_PROFILE: Final = 1 << 12
_TAIL: Final = 1 << 8
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_SAMSUNG_TRAILER, _SAMSUNG_VIDEO = b"SEFT", b"MotionPhoto_Data"


def xmp_of(image: Image.Image) -> dict[str, str]:
    """Return the properties of the XMP packet of an image, see :func:`xmp.properties`; none without a packet."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or _tag(image, _XMP_TAG)
    if not packet:
        return {}
    return xmp.properties(packet.encode() if isinstance(packet, str) else bytes(packet))


def iptc_of(image: Image.Image) -> frozenset[int]:
    """Return which data sets of the application record have a value (IPTC IIM 4.2, 1.5)."""
    resources = image.info.get("photoshop")
    data = resources.get(_IPTC_RESOURCE) if isinstance(resources, dict) else _tag(image, _IPTC_TAG)
    found: set[int] = set()
    place = 0
    while isinstance(data, bytes) and data[place : place + 1] == b"\x1c" and place + 5 <= len(data):
        record, number, size = struct.unpack_from(">BBH", data, place + 1)
        if record == _APPLICATION_RECORD and data[place + 5 : place + 5 + size].strip():
            found.add(number)
        place += 5 + size
    return frozenset(found)


def profile_name(profile: bytes) -> str | None:
    """Return the description of a colour profile (ICC.1, 7.3 and 9.2), ASCII or UTF-16; None where it has none."""
    for entry in range(132, min(132 + 12 * int.from_bytes(profile[128:132], "big"), len(profile) - 11), 12):
        signature, offset, size = struct.unpack_from(">4sII", profile, entry)
        if signature == b"desc":
            return _description(profile[offset : offset + min(size, _MOST_PROFILE)])
    return None


def has_video(data: bytes, properties: Mapping[str, str]) -> bool:
    """Whether a video follows the picture: by Google's XMP, Samsung's trailer, or an MP4 behind the end of a JPEG.

    A JPEG that ends with its last marker, but for some padding, is searched no further.
    """
    if any(properties.get(f"GCamera:{key}", "0") != "0" for key in ("MicroVideo", "MotionPhoto")):
        return True
    if not data.startswith(_JPEG_START) or _JPEG_END in data[-_TAIL:]:
        return False
    if data.endswith(_SAMSUNG_TRAILER):
        return _SAMSUNG_VIDEO in data
    start = data.find(b"ftyp")
    return data[max(start - 4, 0) : max(start - 1, 0)] == bytes(3) and data.find(b"moov", start) > 0


def _description(tag: bytes) -> str | None:
    if tag.startswith(b"mluc"):
        length, offset = struct.unpack_from(">II", tag, 20)
        return text(tag[offset : offset + length].decode("utf-16-be", "replace"))
    (length,) = struct.unpack_from(">I", tag, 8)
    return text(tag[12 : 12 + length].decode("ascii", "replace"))


def _tag(image: Image.Image, tag: int) -> Any:
    return getattr(image, "tag_v2", {}).get(tag)
