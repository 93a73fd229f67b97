"""The metadata of an opened picture: size, orientation, encoder quality, capture time."""

from __future__ import annotations

from datetime import datetime

from PIL import Image

from phash_engine.hashing.orientation import ORIENTATIONS
from phash_engine.images.formats import TYPICAL_QUALITY, WITH_FRAMES

RAW_SIZE = "raw size"
"""Key under which the preview of a camera RAW has the size of the RAW itself."""
FILE_BYTES = "file bytes"
"""Key under which the picture of a file has the bytes of the file."""
ORIENTATION_TAG = 0x0112

_EXIF_IFD = 0x8769
_TAKEN, _TAKEN_FRACTION = 0x9003, 0x9291
_STANDARD_TABLE_SUM = 3688
"""Sum of the luminance quantisation table of ITU-T T.81, Annex K.1, which libjpeg scales by its quality setting."""


def raw_size(image: Image.Image) -> tuple[int, int] | None:
    """Return the size of the camera RAW whose preview a picture is; None if it is none."""
    return image.info.get(RAW_SIZE)


def shown_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height after EXIF orientation is applied, of a picture that is not loaded yet."""
    return image.size[::-1] if orientation(image) >= 5 else image.size


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1..8, that is still to be applied to the pixels."""
    if image.format == "TIFF":
        return 1  # Pillow applies it while loading, and to the size before
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1  # the decoder applied its own: EXIF counts in a recompressed JPEG alone (ISO/IEC 18181-2)
    try:
        number = image.getexif().get(ORIENTATION_TAG)
    except Exception:  # noqa: BLE001 - damaged EXIF does not harm the pixels
        return 1
    return number if isinstance(number, int) and number in ORIENTATIONS else 1


def encoder_quality(image: Image.Image) -> int:
    """Estimate libjpeg's quality setting from the sum of the luminance table; other formats have none."""
    tables: dict[int, list[int]] = getattr(image, "quantization", {})
    if not tables:
        return TYPICAL_QUALITY.get(image.format or "", 100)
    percent = 100 * sum(tables[min(tables)]) / _STANDARD_TABLE_SUM
    return max(round(100 - percent / 2 if percent <= 100 else 5000 / percent), 1)


def taken(image: Image.Image) -> datetime | None:
    """Return when the picture was taken, by its EXIF; None where that is missing or damaged."""
    try:
        shot = image.getexif().get_ifd(_EXIF_IFD)
        moment = datetime.strptime(str(shot[_TAKEN]).strip("\0 "), "%Y:%m:%d %H:%M:%S")
        fraction = str(shot.get(_TAKEN_FRACTION, "")).strip("\0 ")
        return moment.replace(microsecond=int(fraction[:6].ljust(6, "0")) if fraction.isdecimal() else 0)
    except Exception:  # noqa: BLE001 - damaged EXIF does not harm the pixels
        return None


def is_animated(image: Image.Image) -> bool:
    """Whether a file has further frames or pages."""
    try:
        return image.format in WITH_FRAMES and bool(getattr(image, "is_animated", False))
    except Exception:  # noqa: BLE001 - a damaged second frame does not harm the first
        return False
