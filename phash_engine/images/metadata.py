"""The metadata of an opened picture that its decoding needs: size, orientation, frames; and its encoder quality."""

from __future__ import annotations

from PIL import Image

from phash_engine.hashing.orientation import ORIENTATIONS
from phash_engine.images.formats import TYPICAL_QUALITY, WITH_FRAMES

RAW_SIZE = "raw size"
"""Key under which the preview of a camera RAW has the size of the RAW itself."""
FILE_BYTES = "file bytes"
"""Key under which the picture of a file has the bytes of the file."""
ORIENTATION_TAG = 0x0112

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
    """Estimate libjpeg's quality setting from the sum of the luminance table; of other formats return the usual one."""
    tables: dict[int, list[int]] = getattr(image, "quantization", {})
    if not has_tables(image):
        return 100 if raw_size(image) else TYPICAL_QUALITY.get(image.format or "", 100)
    percent = 100 * sum(tables[min(tables)]) / _STANDARD_TABLE_SUM
    return max(round(100 - percent / 2 if percent <= 100 else 5000 / percent), 1)


def has_tables(image: Image.Image) -> bool:
    """Whether the encoder quality rests on quantisation tables, which the preview of a RAW has of its own."""
    return bool(getattr(image, "quantization", {})) and not raw_size(image)


def is_animated(image: Image.Image) -> bool:
    """Whether a file has further frames or pages."""
    try:
        return image.format in WITH_FRAMES and bool(getattr(image, "is_animated", False))
    except Exception:  # noqa: BLE001 - a damaged second frame does not harm the first
        return False


def frame_count(image: Image.Image) -> int | None:
    """Return the number of frames or pages of an animated file; None where a damaged one hides it."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # noqa: BLE001 - a damaged frame does not harm the first
        return None
