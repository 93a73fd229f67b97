"""What makers' notes in EXIF say of shots in a row: drive, burst, image number; Apple's content identifier.

The layouts are those that the makers use since about 2000 (as collected in ExifTool's tag tables): a directory of TIFF
entries behind a signature, with offsets from the start of the note or from the TIFF header of the EXIF block. Anything
else says nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

_MOST_ENTRIES: Final = 500
_MOST_BYTES: Final = 1024
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4}
_LETTERS: Final = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}

SINGLE: Final = "single"
BURST: Final = "burst"
BRACKET: Final = "bracket"

Values = Mapping[int, "tuple[int, ...] | bytes"]


class MakerNote(NamedTuple):
    """What a note says; None for what it does not say. ``drive`` is single, burst or bracket."""

    drive: str | None = None
    burst_id: str | None = None
    image_number: int | None = None
    live_id: str | None = None


def read(note: bytes, tiff: bytes, make: str) -> MakerNote:
    """Return what a note says.

    Parameters
    ----------
    note
        The value of EXIF's MakerNote.
    tiff
        The EXIF block from its TIFF header on.
    make
        The maker by EXIF: Canon's notes have no signature.
    """
    if not note:
        return MakerNote()
    order = ">" if tiff[:2] == b"MM" else "<"
    start = max(tiff.find(note), 0)
    if note.startswith(b"Apple iOS\0"):
        return _apple(_directory(note, 14, ">"))
    if note.startswith(b"Nikon\0\2"):
        return _nikon(_directory(note[10:], _first_directory(note[10:]), _order(note[10:])))
    if note.startswith(b"FUJIFILM"):
        return _fujifilm(_directory(note, int.from_bytes(note[8:12], "little"), "<"))
    if note.startswith(b"SONY"):
        return _sony(_directory(tiff, start + 12, order))
    if note.startswith(b"Panasonic\0"):
        return _panasonic(_directory(tiff, start + 12, order))
    if note.startswith(b"OLYMPUS\0"):
        return _olympus(_directory(note, 12, _order(note[8:])))
    if note.startswith(b"OLYMP\0"):
        return _olympus(_directory(tiff, start + 8, order))
    return _canon(_directory(tiff, start, order)) if make.startswith("Canon") else MakerNote()


def _apple(values: Values) -> MakerNote:
    burst = _text(values, 0x000B)
    return MakerNote(drive=BURST if burst else None, burst_id=burst, live_id=_text(values, 0x0011))


def _canon(values: Values) -> MakerNote:
    settings, shot = _numbers(values, 0x0001), _numbers(values, 0x0004)
    drive = None
    if len(settings) > 5:
        drive = BURST if settings[5] in {1, 3, 4, 5, 6, 8, 9, 10} else SINGLE
    if len(shot) > 16 and shot[16] == 0xFFFF:
        drive = BRACKET
    number = _number(values, 0x0008)  # 100-2345 is 1002345
    return MakerNote(drive=drive, image_number=number % 10_000 if number else None)


def _nikon(values: Values) -> MakerNote:
    mode = _number(values, 0x0089)
    drive = None if mode is None else BRACKET if mode & 0x10 else BURST if mode & 1 else SINGLE
    return MakerNote(drive=drive, image_number=_number(values, 0x00A7))


def _fujifilm(values: Values) -> MakerNote:
    bracketing, drive = _number(values, 0x1100), _number(values, 0x1103)
    if bracketing == 1:
        return MakerNote(drive=BRACKET)
    if drive is None:
        return MakerNote(drive=SINGLE if bracketing == 0 else None)
    return MakerNote(drive=BURST if drive & 0xFF else SINGLE)


def _sony(values: Values) -> MakerNote:
    return MakerNote(drive=_drive(_number(values, 0xB049), bursts=(2,), brackets=(5,)))


def _panasonic(values: Values) -> MakerNote:
    return MakerNote(drive=_drive(_number(values, 0x002A), bursts=(1, 4, 17), brackets=(2,)))


def _olympus(values: Values) -> MakerNote:
    return MakerNote(drive=_drive(_number(values, 0x0200), bursts=(2,)))


def _drive(mode: int | None, bursts: tuple[int, ...], brackets: tuple[int, ...] = ()) -> str | None:
    """Return what the number of a mode means, where 0 is a single shot."""
    return SINGLE if mode == 0 else BURST if mode in bursts else BRACKET if mode in brackets else None


def _directory(data: bytes, start: int, order: str) -> dict[int, tuple[int, ...] | bytes]:
    """Return the values of a TIFF directory by tag: whole numbers or text; what lies outside the data is left out."""
    if not 0 < start + 2 <= len(data):
        return {}
    (number,) = struct.unpack_from(f"{order}H", data, start)
    found: dict[int, tuple[int, ...] | bytes] = {}
    for entry in range(start + 2, min(start + 2 + 12 * min(number, _MOST_ENTRIES), len(data) - 11), 12):
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, entry)
        size = _SIZES.get(kind, 0) * count
        if not 0 < size <= _MOST_BYTES:
            continue
        place = entry + 8 if size <= 4 else struct.unpack_from(f"{order}I", data, entry + 8)[0]
        value = data[place : place + size]
        if len(value) == size:
            found[tag] = struct.unpack(f"{order}{count}{_LETTERS[kind]}", value) if kind in _LETTERS else value
    return found


def _order(tiff: bytes) -> str:
    return ">" if tiff[:2] == b"MM" else "<"


def _first_directory(tiff: bytes) -> int:
    return int.from_bytes(tiff[4:8], "big" if tiff[:2] == b"MM" else "little")


def _numbers(values: Values, tag: int) -> tuple[int, ...]:
    found = values.get(tag, ())
    return found if isinstance(found, tuple) else ()


def _number(values: Values, tag: int) -> int | None:
    return next(iter(_numbers(values, tag)), None)


def _text(values: Values, tag: int) -> str | None:
    found = values.get(tag, b"")
    text = found.split(b"\0")[0].decode("ascii", "replace").strip() if isinstance(found, bytes) else ""
    return text or None
