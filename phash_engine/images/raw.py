"""Camera RAW: recognised by its bytes; its own size, its preview, its half-size decode (extra ``raw``).

Most RAW files are laid out as a TIFF (TIFF 6.0; DNG 1.4, Adobe 2012) whose first picture may be a thumbnail; a TIFF
reader would return that thumbnail.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from phash_engine import _optional
from phash_engine.errors import ImageError
from phash_engine.images import formats

_SUBFILE_TYPE, _PHOTOMETRIC, _MAKE, _SUB_DIRECTORIES, _DNG_VERSION = 254, 262, 271, 330, 50706
_SENSOR_VALUES = frozenset({32803, 34892})
_LAYOUT = {3: "H", 4: "I", 13: "I"}
_EXIF_TURNS = {0: 1, 3: 3, 5: 8, 6: 6}


class NotRawError(ImageError):
    """LibRaw does not support the file."""


class RawPhoto:
    """An open RAW file; width and height in pixels are its own, upright."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.orientation = _EXIF_TURNS.get(raw.sizes.flip, 1)
        size = raw.sizes.width, raw.sizes.height
        self.width, self.height = size if self.orientation < 5 else size[::-1]

    def preview(self) -> bytes | NDArray[np.uint8] | None:
        """Return the embedded picture as JPEG bytes or as pixels as they are stored; None where there is none."""
        rawpy = _optional.load("rawpy")
        try:
            data: bytes | NDArray[np.uint8] = self._raw.extract_thumb().data
        except rawpy.LibRawError:
            return None
        return data

    def half_size(self) -> NDArray[np.uint8]:
        """Return the picture decoded at half size, upright: uint8 ``(h, w, 3)``."""
        picture: NDArray[np.uint8] = self._raw.postprocess(half_size=True, use_camera_wb=True)
        return picture


@contextmanager
def opened(data: bytes) -> Iterator[RawPhoto]:
    """Open the bytes of a RAW file; errors of LibRaw become ImageErrors without a path."""
    rawpy = _optional.load("rawpy")
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            yield RawPhoto(raw)
    except rawpy.LibRawError as error:
        (text,) = error.args
        reason = text.decode() if isinstance(text, bytes) else str(text)
        kind = NotRawError if isinstance(error, rawpy.LibRawFileUnsupportedError) else ImageError
        raise kind("", f"camera RAW: {reason[:1].lower()}{reason[1:]}") from error


def is_raw(file: IO[bytes]) -> bool:
    """Whether a file is camera RAW, by its bytes; leaves the file at an unspecified position."""
    file.seek(0)
    start = file.read(16)
    if formats.has_raw_signature(start):
        return True
    if not start.startswith(formats.TIFF_SIGNATURES):
        return False
    tags = _first_directory(file, start)
    is_thumbnail = tags.get(_SUBFILE_TYPE, 0) & 1 and _MAKE in tags and _SUB_DIRECTORIES in tags
    sensor = _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in _SENSOR_VALUES
    return bool(start[8:10] == b"CR" or sensor or is_thumbnail)


def _first_directory(file: IO[bytes], start: bytes) -> dict[int, int]:
    """Return the first value of each tag of a TIFF's first directory; 0 for values that are neither short nor long."""
    order = "<" if start.startswith(b"II") else ">"
    try:
        file.seek(*struct.unpack_from(f"{order}I", start, 4))
        (count,) = struct.unpack(f"{order}H", file.read(2))
        entries = list(struct.iter_unpack(f"{order}HHI4s", file.read(12 * count)))
    except struct.error:
        return {}  # cut off: the decoder reports it
    return {
        tag: struct.unpack_from(order + _LAYOUT[kind], value)[0] if kind in _LAYOUT else 0
        for tag, kind, _, value in entries
    }
