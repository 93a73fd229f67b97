"""What a QuickTime or MP4 movie says of itself: identifier, time and length, by its header boxes alone.

Boxes nest (ISO/IEC 14496-12, 4.2): ``moov`` holds the header ``mvhd``, and in ``meta`` the names (``keys``) and values
(``ilst``) of metadata (QuickTime File Format, Metadata). Boxes are walked by their lengths, and frames are not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import IO, Final, NamedTuple, TypeAlias

from phash_engine import _files

_MOST_BOXES: Final = 1000
_MOST_BYTES: Final = 1 << 16
_MOST_TEXT: Final = 256
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FROM_1904_TO_1970: Final = 2_082_844_800
_LAST_SECOND: Final = 253_402_300_799
"""Of the year 9999."""
_UNKNOWN_LENGTH: Final = frozenset({0, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF})
_IDENTIFIER: Final = "com.apple.quicktime.content.identifier"
_CREATION_DATE: Final = "com.apple.quicktime.creationdate"

Span: TypeAlias = tuple[int, int]
"""Where the content of a box begins and ends."""


class Movie(NamedTuple):
    """What a movie says of itself; None where it does not say it.

    Attributes
    ----------
    live_id
        The content identifier that it shares with the picture of its live photo.
    taken_us
        When it was taken: microseconds since 1970, by the camera's clock as if in UTC, or in UTC where the file has no
        other time.
    seconds
        Its length.
    """

    live_id: str | None = None
    taken_us: int | None = None
    seconds: float | None = None


def read(path: str) -> Movie | None:
    """Read the header of a movie; None if the file cannot be read.

    Cost: some seeks, and at most some 100 kB, however long the movie is.
    """
    try:
        with _files.opened_regular(path) as file:
            return of_file(file)
    except OSError:
        return None


def of_file(file: IO[bytes]) -> Movie:
    """Return what a seekable file says; nothing where it is no movie, or damaged."""
    boxes = _children(file, _children(file, (0, file.seek(0, 2))).get(b"moov", (0, 0)))
    taken_us, seconds = _times(_content(file, boxes.get(b"mvhd")))
    in_user_data = _children(file, boxes.get(b"udta", (0, 0)))
    metadata = _metadata(file, boxes.get(b"meta") or in_user_data.get(b"meta"))
    return Movie(metadata.get(_IDENTIFIER), _microseconds(metadata.get(_CREATION_DATE, "")) or taken_us, seconds)


def _boxes(file: IO[bytes], span: Span) -> Iterator[tuple[bytes, Span]]:
    """Yield name and content of each box that begins and ends within a span."""
    place, stop = span
    while place + 8 <= stop:
        file.seek(place)
        start = file.read(16)
        length, name, header = int.from_bytes(start[:4], "big"), start[4:8], 8
        if length == 1:
            length, header = int.from_bytes(start[8:], "big"), 16
        elif length == 0:
            length = stop - place
        if length < header or place + length > stop:
            return
        yield name, (place + header, place + length)
        place += length


def _children(file: IO[bytes], span: Span) -> dict[bytes, Span]:
    """Return the first box of each name."""
    found: dict[bytes, Span] = {}
    for name, content in islice(_boxes(file, span), _MOST_BOXES):
        found.setdefault(name, content)
    return found


def _content(file: IO[bytes], span: Span | None) -> bytes:
    if span is None:
        return b""
    file.seek(span[0])
    return file.read(min(span[1] - span[0], _MOST_BYTES))


def _times(header: bytes) -> tuple[int | None, float | None]:
    """Return when a movie was made, in microseconds since 1970, and its length in seconds, by ``mvhd``."""
    try:
        created, _, scale, length = struct.unpack_from(">QQIQ" if header[:1] == b"\1" else ">4I", header, 4)
    except struct.error:
        return None, None
    since_1970 = created - _FROM_1904_TO_1970
    is_known = 0 < since_1970 <= _LAST_SECOND
    return since_1970 * 10**6 if is_known else None, None if length in _UNKNOWN_LENGTH or not scale else length / scale


def _metadata(file: IO[bytes], span: Span | None) -> dict[str, str]:
    """Return the texts of a box ``meta``, by name."""
    if span is None:
        return {}
    # In an MP4, version and flags come first.
    start = 0 if _content(file, span)[4:8] == b"hdlr" else 4
    boxes = _children(file, (span[0] + start, span[1]))
    names = list(_names(_content(file, boxes.get(b"keys"))))
    found: dict[str, str] = {}
    for number, item in islice(_boxes(file, boxes.get(b"ilst", (0, 0))), _MOST_BOXES):
        place = int.from_bytes(number, "big") - 1  # an item is named by the number of its key
        value = _content(file, _children(file, item).get(b"data"))[8 : 8 + _MOST_TEXT]  # behind type and language
        if 0 <= place < len(names) and (text := value.decode("utf-8", "replace").strip("\0 ")):
            found[names[place]] = text
    return found


def _names(keys: bytes) -> Iterator[str]:
    place = 8
    while place + 8 <= len(keys) and (length := int.from_bytes(keys[place : place + 4], "big")) >= 8:
        yield keys[place + 8 : place + length].decode("ascii", "replace")
        place += length


def _microseconds(date: str) -> int | None:
    """Return the clock of a date of ISO 8601, whatever its zone."""
    try:
        clock = datetime.fromisoformat(date).replace(tzinfo=UTC)
    except ValueError:
        return None
    return (clock - _EPOCH) // timedelta(microseconds=1)
