"""Files as cameras and editors write them: pictures in several formats, with the EXIF of a shot."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from tests.pictures import EXIF, FRACTION, MAKE, MODEL, TAKEN

_GPS = 0x8825
_CAPTION, _RATING, _KEYWORDS = 0x010E, 0x4746, 0x9C9E
_SOFTWARE, _CHANGED = 0x0131, 0x0132
_EXPOSURE, _BIAS, _MAKER_NOTE = 0x829A, 0x9204, 0x927C


def exif(
    taken: datetime, *, bias: float = 0, maker_note: bytes = b"", described: bool = False, edited: bool = False
) -> Image.Exif:
    """Return the EXIF of a shot, to the hundredth of a second.

    Described it has place, caption, rating and keywords; edited, the name of an editor and a later time of change.
    """
    tags = Image.Exif()
    tags[MAKE], tags[MODEL] = ("Apple", "iPhone 13") if maker_note else ("Maker", "Camera")
    tags[_SOFTWARE] = "Photo Editor 7.2" if edited else "Firmware 1.04"
    tags[_CHANGED] = f"{taken + timedelta(days=2 * edited):%Y:%m:%d %H:%M:%S}"
    shot: dict[int, Any] = {TAKEN: f"{taken:%Y:%m:%d %H:%M:%S}", FRACTION: f"{taken.microsecond // 10000:02}"}
    shot |= {_EXPOSURE: IFDRational(round(1000 * 2**bias), 60_000), _BIAS: IFDRational(round(10 * bias), 10)}
    tags.get_ifd(EXIF).update(shot | ({_MAKER_NOTE: maker_note} if maker_note else {}))
    if described:
        degrees = (IFDRational(48), IFDRational(8), IFDRational(taken.minute))
        tags.get_ifd(_GPS).update({1: "N", 2: degrees, 3: "E", 4: degrees})
        tags[_CAPTION], tags[_RATING], tags[_KEYWORDS] = "At the lake", 5, "lake;summer\0".encode("utf-16-le")
    return tags


def jpeg(image: Image.Image, tags: Image.Exif | None = None, quality: int = 93, **options: Any) -> bytes:
    return saved(image, "JPEG", tags, quality=quality, **options)


def heic(image: Image.Image, tags: Image.Exif | None = None, quality: int = 85) -> bytes:
    """Encode as HEIC; needs pillow-heif."""
    import pillow_heif

    file = io.BytesIO()
    encoder = pillow_heif.from_pillow(image)
    encoder.save(file, quality=quality, exif=tags.tobytes() if tags else None, enc_params={"preset": "ultrafast"})
    return file.getvalue()


def opened_heic(data: bytes) -> Image.Image:
    import pillow_heif

    image: Image.Image = pillow_heif.open_heif(data).to_pillow()
    image.info.clear()
    return image


def saved(image: Image.Image, kind: str, tags: Image.Exif | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    if tags:
        options["exif"] = tags.tobytes()
    image.save(file, kind, **options)
    return file.getvalue()


def without_exif(data: bytes) -> bytes:
    """Remove the EXIF of a JPEG, and nothing else."""
    start = data.index(b"\xff\xe1")
    return data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4], "big") :]


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def with_zeros(data: bytes, share: float = 0.9) -> bytes:
    """Replace all behind a share of the bytes by zeros, as after an interrupted download."""
    kept = round(share * len(data))
    return data[:kept] + bytes(len(data) - kept)


def cut_off(data: bytes, share: float = 0.9) -> bytes:
    return data[: round(share * len(data))]


def resaved(image: Image.Image) -> Image.Image:
    """Lose what a JPEG of quality 25 loses."""
    return opened(jpeg(image, quality=25))
