"""JPEG: the header (ITU-T T.81, B), and the pixels decoded by libjpeg-turbo with its warnings as errors.

Pillow decodes with the same library, and drops its warnings: a file whose middle is zeros is read without a word.
"""

from __future__ import annotations

import re
import struct
from typing import Final, NamedTuple, Self

from PIL import ImageFile

from phash_engine.images import integrity, progressive_jpeg
from phash_engine.images.integrity import Integrity

try:
    import simplejpeg
except ImportError:  # there is no wheel for some systems; Pillow decodes the same pixels
    simplejpeg = None

SIGNATURE: Final = b"\xff\xd8"
_SOS, _SOF2 = 0xDA, 0xC2
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_DAMAGE: Final = ("Corrupt JPEG data", "Premature end", "Inconsistent progression")
"""How libjpeg's warnings of damaged data begin; others are of unknown versions and the like."""
_PADDING: Final = re.compile(r"Corrupt JPEG data: [1-4] extraneous bytes before marker 0xd9")
"""Encoders of some cameras pad the data before the end of the image."""


class JpegHeader(NamedTuple):
    """What stands before the first scan.

    Attributes
    ----------
    segments
        How many marker segments there are, up to a limit.
    width, height
        In pixels; 0 without a frame header.
    sampling
        The horizontal times the vertical sampling factor of each component.
    is_multiscan
        Whether all coefficients are held until the last scan was read: progressive files, and those with a scan for
        each component.
    """

    segments: int
    width: int = 0
    height: int = 0
    sampling: tuple[int, ...] = ()
    is_multiscan: bool = False

    @classmethod
    def parse(cls, data: bytes, most: int) -> Self:
        """Read a header, which may be damaged: up to the first scan, to ``most`` segments, or to what is no segment."""
        width = height = segments = 0
        sampling: tuple[int, ...] = ()
        is_multiscan = is_progressive = False
        place, end = len(SIGNATURE), len(data) - 4
        while segments < most and place <= end and data[place] == 0xFF:
            marker = data[place + 1]
            if marker == 0xFF:
                place += 1
                continue
            following = place + 2 + (data[place + 2] << 8 | data[place + 3])
            if marker == _SOS:
                is_multiscan = is_progressive or data[place + 4 : following][:1] != bytes([len(sampling)])
                break
            if marker in _FRAMES and len(content := data[place + 4 : following]) >= 6:
                height, width = struct.unpack_from(">HH", content, 1)
                sampling = tuple((factors >> 4) * (factors & 15) for factors in content[7::3])
                is_progressive = marker == _SOF2
            segments += 1
            place = following
        return cls(segments, width, height, sampling, is_multiscan)

    @property
    def coefficient_bytes(self) -> int:
        """Memory in bytes for the coefficients that are held until the last scan was read."""
        if not self.is_multiscan or not any(self.sampling):
            return 0
        return 2 * self.width * self.height * sum(self.sampling) // max(self.sampling)


def scan_count(data: bytes, most: int) -> int:
    """Return the number of scans of the first image, at most ``most``; of a file that is cut off, those counted."""
    count = 0
    try:
        for marker, _, _ in progressive_jpeg.segments(data):
            count += marker == _SOS
            if count >= most:
                break
    except ValueError:
        pass
    return count


def load_strictly(image: ImageFile.ImageFile, data: bytes) -> Integrity:
    """Decode a JPEG at the scale and in the mode of its draft if libjpeg reads it without a warning.

    The pixels are those of ``image.load``. What libjpeg warns of or refuses is left to that, and not loaded.

    Parameters
    ----------
    image
        Not loaded yet. In a mode other than L or CMYK it is left alone.
    data
        The file from its start.

    Returns
    -------
    Integrity
        Not intact where libjpeg warned of damage; unknown where the file was not decoded here.
    """
    raw_modes = {"L": ("GRAY", "L"), "CMYK": ("CMYK", "CMYK;I")}
    if simplejpeg is None or image.mode not in raw_modes:
        return integrity.UNKNOWN
    name, raw_mode = raw_modes[image.mode]
    width, height = image.size
    try:
        pixels = simplejpeg.decode_jpeg(
            data, name, strict=True, fastdct=False, fastupsample=False, min_height=height, min_width=width
        )
    except ValueError as error:
        return _of_message(str(error))
    if pixels.shape[:2] != (height, width):
        return integrity.UNKNOWN
    image.load_prepare()
    image.tile = []
    image.frombytes(pixels.tobytes(), "raw", raw_mode)
    return integrity.SOUND


def _of_message(message: str) -> Integrity:
    """Return the integrity by libjpeg's first warning, or by the reason for which the file was refused."""
    if _PADDING.fullmatch(message):
        return integrity.SOUND
    return integrity.damaged(message[0].lower() + message[1:]) if message.startswith(_DAMAGE) else integrity.UNKNOWN
