"""EXIF (CIPA DC-008) and the notes of makers in it, as plain values: what is missing, damaged or nonsense is None."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from PIL import Image

from phash_engine.images import formats, makernotes, metadata
from phash_engine.images.makernotes import MakerNote

_Value = TypeVar("_Value")

MAKE, MODEL, SOFTWARE, DESCRIPTION, RATING = 0x010F, 0x0110, 0x0131, 0x010E, 0x4746
TAKEN, FRACTION, ZONE = 0x9003, 0x9291, 0x9011
EXPOSURE_BIAS, EXPOSURE_MODE, LENS, MAKER_NOTE, COMMENT = 0x9204, 0xA402, 0xA434, 0x927C, 0x9286
TITLE, WINDOWS_COMMENT, KEYWORDS, SUBJECT = 0x9C9B, 0x9C9C, 0x9C9E, 0x9C9F
"""Tags of the file manager of Windows."""

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_MAIN_TAGS: Final = (
    *(MAKE, MODEL, SOFTWARE, DESCRIPTION, RATING, metadata.ORIENTATION_TAG),
    *(TITLE, WINDOWS_COMMENT, KEYWORDS, SUBJECT),
)
_LATITUDE, _LONGITUDE = 2, 4
_AUTO_BRACKET = 2
_ZONE: Final = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)
_MOST_BYTES: Final = 1 << 20
_MOST_TEXT: Final = 200
_EPOCH: Final = datetime(1970, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)


def attempt(read: Callable[..., _Value], *arguments: Any) -> _Value | None:
    """Return what is read, or None: readers of damaged metadata raise anything, and it does not harm the pixels."""
    try:
        return read(*arguments)
    except Exception:  # noqa: BLE001 - see above
        return None


class Exif(NamedTuple):
    """The values of some tags of the main directory, and all of those of the shot and of its place."""

    main: Mapping[int, Any]
    shot: Mapping[int, Any]
    gps: Mapping[int, Any]
    block: bytes

    @classmethod
    def of_image(cls, image: Image.Image, data: bytes) -> Exif:
        """Return the EXIF of a picture; that of the header of a camera RAW laid out as TIFF whose preview has none."""
        block: bytes = image.info.get("exif") or b""
        found = None if len(block) > _MOST_BYTES else attempt(image.getexif)
        is_bare_preview = metadata.raw_size(image) and not (found and attempt(found.get, MAKE))
        if is_bare_preview and data.startswith(formats.TIFF_SIGNATURES):
            found = attempt(_of_header, data)
        if not found:
            return cls({}, {}, {}, b"")
        main = {tag: attempt(found.get, tag) for tag in _MAIN_TAGS}
        shot, gps = (attempt(found.get_ifd, tag) or {} for tag in (_EXIF_IFD, _GPS_IFD))
        return cls(main, shot, gps, block.removeprefix(b"Exif\0\0"))

    @property
    def camera(self) -> str | None:
        """Make and model, the make once."""
        make, model = text(self.main.get(MAKE)), text(self.main.get(MODEL))
        if not (make and model) or model.lower().startswith(make.split()[0].lower()):
            return model or make
        return f"{make} {model}"

    @property
    def taken_us(self) -> int | None:
        """The time of the shot by the camera's clock, with its fraction: microseconds since 1970, as if in UTC."""
        written = _bare(self.shot.get(TAKEN))
        moment = attempt(datetime.strptime, written, "%Y:%m:%d %H:%M:%S") if written else None
        if moment is None:
            return None
        fraction = _bare(self.shot.get(FRACTION))
        micros = int(fraction[:6].ljust(6, "0")) if fraction.isascii() and fraction.isdigit() else 0
        return (moment - _EPOCH) // _MICROSECOND + micros

    @property
    def zone_minutes(self) -> int | None:
        """The minutes by which that clock was ahead of UTC."""
        found = _ZONE.fullmatch(_bare(self.shot.get(ZONE)))
        if not found:
            return None
        sign, hours, minutes = found.groups()
        return (1 if sign == "+" else -1) * (60 * int(hours) + int(minutes))

    @property
    def is_bracket(self) -> bool:
        """Whether the exposure mode is automatic bracketing."""
        return self.shot.get(EXPOSURE_MODE) == _AUTO_BRACKET

    @property
    def has_place(self) -> bool:
        """Whether the GPS directory has a latitude and a longitude; cameras without reception write zeros."""
        both = [self.gps.get(tag) for tag in (_LATITUDE, _LONGITUDE)]
        degrees = [number(value) for side in both if isinstance(side, tuple) for value in side]
        return len(degrees) == 6 and None not in degrees and any(degrees)

    def maker_note(self) -> MakerNote:
        """Return what the note of the maker says."""
        note, make = self.shot.get(MAKER_NOTE), text(self.main.get(MAKE)) or ""
        return (attempt(makernotes.read, note, self.block, make) if isinstance(note, bytes) else None) or MakerNote()


def text(value: object) -> str | None:
    """Return a name or a caption without its padding, some 200 characters; None for anything else."""
    if isinstance(value, bytes):
        value = _comment(value)
    if not isinstance(value, str):
        return None
    line = " ".join(value.split("\0")[0][:_MOST_TEXT].split())
    return line if line and line.isprintable() else None


def wide_text(value: object) -> str | None:
    """Return the text of a tag of Windows, UTF-16; None for anything else."""
    if isinstance(value, tuple):
        value = attempt(bytes, value)
    return text(value.decode("utf-16-le", "replace")) if isinstance(value, bytes) else None


def number(value: object) -> float | None:
    """Return a number; None where it is none, or a fraction of nothing."""
    found = None if value is None else attempt(float, value)
    return found if found is not None and math.isfinite(found) else None


def _of_header(data: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load_from_fp(io.BytesIO(data))
    return exif


def _bare(value: object) -> str:
    return str(value or "").strip("\0 ")


def _comment(value: bytes) -> str | None:
    """Return the text of a user comment, which begins with eight bytes of its character set; None for unknown ones."""
    charset, rest = value[:8], value[8 : 8 + 2 * _MOST_TEXT]
    if charset == b"UNICODE\0":
        return rest.decode("utf-16-le" if rest[1:2] == b"\0" else "utf-16-be", "replace")
    return rest.decode("ascii", "replace") if charset in {b"ASCII\0\0\0", b"JIS\0\0\0\0\0"} else None
