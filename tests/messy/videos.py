"""Short videos with the marks of phones: MOV of live photos, and MP4 behind the JPEG of motion photos.

A video holds one picture, a JPEG, for its whole length (ISO/IEC 14496-12; QuickTime File Format, Apple 2016).
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime

CONTENT_IDENTIFIER = "com.apple.quicktime.content.identifier"
_APPLE_CONTENT_IDENTIFIER, _APPLE_BURST = 0x0011, 0x000B
_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_TIMESCALE = 600
_MATRIX = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def mov(frame: bytes, size: tuple[int, int], taken: datetime, seconds: float, content_identifier: str = "") -> bytes:
    """Return a MOV that shows a JPEG; the identifier joins it with the photo that has the same one."""
    return _video(b"qt  ", frame, size, taken, seconds, {CONTENT_IDENTIFIER: content_identifier})


def mp4(frame: bytes, size: tuple[int, int], taken: datetime, seconds: float) -> bytes:
    """Return an MP4 that shows a JPEG."""
    return _video(b"mp42", frame, size, taken, seconds, {})


def motion_photo_xmp(video_length: int) -> bytes:
    """Return the XMP of a JPEG that a video of this many bytes follows (Motion Photo format 1.0, Android)."""
    items = (("image/jpeg", "Primary", 0), ("video/mp4", "MotionPhoto", video_length))
    listed = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="{mime}" Item:Semantic="{semantic}" '
        f'Item:Length="{length}" Item:Padding="0"/></rdf:li>'
        for mime, semantic, length in items
    )
    camera = "http://ns.google.com/photos/1.0"
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:GCamera="{camera}/camera/" xmlns:Container="{camera}/container/" '
        f'xmlns:Item="{camera}/container/item/" GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" '
        f'GCamera:MotionPhotoPresentationTimestampUs="500000"><Container:Directory><rdf:Seq>{listed}</rdf:Seq>'
        "</Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def apple_maker_note(content_identifier: str = "", burst: str = "") -> bytes:
    """Return Apple's MakerNote with the identifier of a live photo or of a burst; offsets count from its start."""
    texts = {_APPLE_BURST: burst, _APPLE_CONTENT_IDENTIFIER: content_identifier}
    entries = [(tag, text.encode() + b"\0") for tag, text in texts.items() if text]
    header = b"Apple iOS\0\0\1MM"
    place = len(header) + 2 + 12 * len(entries) + 4
    table, values = struct.pack(">H", len(entries)), b""
    for tag, text in entries:
        table += struct.pack(">HHII", tag, 2, len(text), place + len(values))
        values += text
    return header + table + bytes(4) + values


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", len(content) + 8, kind) + content


def _full_box(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


def _video(
    brand: bytes, frame: bytes, size: tuple[int, int], taken: datetime, seconds: float, keys: dict[str, str]
) -> bytes:
    start = _box(b"ftyp", brand, bytes(4), brand)
    moment = int((taken.replace(tzinfo=UTC) - _EPOCH).total_seconds())
    length = round(seconds * _TIMESCALE)
    times = struct.pack(">IIII", moment, moment, _TIMESCALE, length)
    movie = _full_box(b"mvhd", times, struct.pack(">IHHII", 1 << 16, 1 << 8, 0, 0, 0), _MATRIX, bytes(24), b"\0\0\0\2")
    track = _box(b"trak", _track_header(size, moment, length), _media(size, times, len(frame), len(start) + 8))
    return start + _box(b"mdat", frame) + _box(b"moov", movie, track, _metadata(keys))


def _track_header(size: tuple[int, int], moment: int, length: int) -> bytes:
    times = struct.pack(">IIIII", moment, moment, 1, 0, length)
    return _full_box(b"tkhd", times, bytes(16), _MATRIX, struct.pack(">II", size[0] << 16, size[1] << 16), flags=3)


def _media(size: tuple[int, int], times: bytes, frame_length: int, place: int) -> bytes:
    length = struct.unpack(">I", times[12:])[0]
    look = struct.pack(">HHIIIHHIIIH32sHh", 0, 0, 0, 0, 0, *size, 72 << 16, 72 << 16, 0, 1, b"", 24, -1)
    sample = _box(b"jpeg", bytes(6), struct.pack(">H", 1), look)
    table = _box(
        b"stbl",
        _full_box(b"stsd", struct.pack(">I", 1), sample),
        _full_box(b"stts", struct.pack(">III", 1, 1, length)),
        _full_box(b"stsc", struct.pack(">IIII", 1, 1, 1, 1)),
        _full_box(b"stsz", struct.pack(">III", 0, 1, frame_length)),
        _full_box(b"stco", struct.pack(">II", 1, place)),
    )
    data = _box(b"dinf", _full_box(b"dref", struct.pack(">I", 1), _full_box(b"url ", flags=1)))
    information = _box(b"minf", _full_box(b"vmhd", bytes(8), flags=1), data, table)
    return _box(b"mdia", _full_box(b"mdhd", times, bytes(4)), _handler(b"vide"), information)


def _handler(kind: bytes) -> bytes:
    return _full_box(b"hdlr", bytes(4), kind, bytes(13))


def _metadata(keys: dict[str, str]) -> bytes:
    """Return the metadata of a movie by key, as ``mdta`` keys and their values; nothing without a value."""
    known = {key: value for key, value in keys.items() if value}
    if not known:
        return b""
    names = b"".join(_box(b"mdta", key.encode()) for key in known)
    values = b"".join(
        _box(struct.pack(">I", number), _box(b"data", struct.pack(">II", 1, 0), value.encode()))
        for number, value in enumerate(known.values(), 1)
    )
    listed = _full_box(b"keys", struct.pack(">I", len(known)), names)
    return _box(b"meta", _handler(b"mdta"), listed, _box(b"ilst", values))
