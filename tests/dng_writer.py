"""A small DNG: RGB pixels → an uncompressed Bayer mosaic of 16 bits, with a JPEG preview or without (DNG 1.4, 2012)."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_FORMATS = {1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 10: "ii"}
_START = 8


class Preview(NamedTuple):
    """A JPEG with its size in pixels."""

    data: bytes
    width: int
    height: int


def dng(pixels: NDArray[np.uint8], orientation: int = 1, preview: Preview | None = None) -> bytes:
    """Return a DNG of uint8 ``(h, w, 3)`` with even sides, by a camera whose colours are XYZ.

    A preview, if any, stands in the first directory, as cameras have it, and the sensor's values in a second one.
    """
    values = _mosaic(pixels)
    camera = [(271, 2, b"Maker\0"), (272, 2, b"Camera\0"), (274, 3, [orientation]), (50706, 1, [1, 4, 0, 0])]
    camera += [(50708, 2, b"Maker Camera\0"), (50778, 3, [21])]
    camera += [(50721, 10, [1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1]), (50728, 5, [1, 1] * 3)]
    if preview is None:
        place = _START + len(_directory(camera + _sensor(pixels, 0), _START))
        return _header() + _directory(camera + _sensor(pixels, place), _START) + values
    second = _START + len(_directory(camera + _thumbnail(preview, 0) + [(330, 4, [0])], _START))
    place = second + len(_directory(_sensor(pixels, 0), second))
    first = camera + _thumbnail(preview, place + len(values)) + [(330, 4, [second])]
    return _header() + _directory(first, _START) + _directory(_sensor(pixels, place), second) + values + preview.data


def _header() -> bytes:
    return b"II*\0" + struct.pack("<I", _START)


def _mosaic(pixels: NDArray[np.uint8]) -> bytes:
    """Keep of each pixel the colour that a sensor with red first would see there, in proportion to the light."""
    colour = np.array([[0, 1], [1, 2]])[np.arange(len(pixels))[:, None] % 2, np.arange(pixels.shape[1]) % 2]
    seen = np.take_along_axis(pixels, colour[..., None], axis=2)[..., 0] / 255
    light = np.where(seen < 0.081, seen / 4.5, ((seen + 0.099) / 1.099) ** (1 / 0.45))  # ITU-R BT.709, as LibRaw has it
    return bytes(np.rint(light * 65535).astype("<u2").tobytes())


def _sensor(pixels: NDArray[np.uint8], place: int) -> list[tuple[int, int, Any]]:
    height, width = pixels.shape[:2]
    shape = [(254, 4, [0]), (256, 4, [width]), (257, 4, [height]), (258, 3, [16]), (259, 3, [1]), (262, 3, [32803])]
    strip = [(273, 4, [place]), (277, 3, [1]), (278, 4, [height]), (279, 4, [2 * width * height]), (284, 3, [1])]
    return [*shape, *strip, (33421, 3, [2, 2]), (33422, 1, [0, 1, 1, 2]), (50717, 3, [65535])]


def _thumbnail(preview: Preview, place: int) -> list[tuple[int, int, Any]]:
    data, width, height = preview
    shape = [(254, 4, [1]), (256, 4, [width]), (257, 4, [height]), (258, 3, [8, 8, 8]), (259, 3, [7]), (262, 3, [6])]
    return [*shape, (273, 4, [place]), (277, 3, [3]), (278, 4, [height]), (279, 4, [len(data)]), (284, 3, [1])]


def _directory(entries: list[tuple[int, int, Any]], place: int) -> bytes:
    """Return a TIFF directory that begins at a place of the file, with the values that do not fit into it behind it."""
    table, behind = struct.pack("<H", len(entries)), b""
    end = place + 2 + 12 * len(entries) + 4
    for tag, kind, values in sorted(entries):
        layout = _FORMATS[kind]
        data = values if kind == 2 else struct.pack(f"<{len(values)}{layout[0]}", *values)
        table += struct.pack("<HHI", tag, kind, len(values) // len(layout))
        if len(data) > 4:
            table += struct.pack("<I", end + len(behind))
            behind += data + bytes(len(data) % 2)
        else:
            table += data.ljust(4, b"\0")
    return table + bytes(4) + behind
