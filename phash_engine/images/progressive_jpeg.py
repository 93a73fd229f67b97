"""Progressive JPEGs without their details: bytes in, bytes out.

A progressive file sends the DC coefficient of all 8x8 blocks first, the other 63 (AC) later, band by band and bit by
bit (ITU-T T.81, G.1.1.1). At scale 1/8 a block becomes one pixel, and only its DC coefficient counts: the entropy-coded
data of the AC scans, most of the file and of the time, can be left out. Scan headers are still needed, one for each
band, or libjpeg takes the AC coefficients for unknown and smooths across the blocks (T.81, K.8). A scan without data
leaves its coefficients zero; to libjpeg that is a warning, and Pillow ignores warnings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SOI = b"\xff\xd8"
_SOF2, _DHT, _EOI, _SOS, _APP14 = 0xC2, 0xC4, 0xD9, 0xDA, 0xEE
_DQT, _DRI, _COM, _APP = 0xDB, 0xDD, 0xFE, range(0xE0, 0xF0)
_PASSED_ON = frozenset({_DQT, _DRI, _COM, *_APP})

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""FF before anything but a stuffed zero, a restart number or a further fill byte (T.81, B.1.1.2 and B.1.1.5)."""

_UNKNOWN = 0xFF
_MAX_BITS_MISSING = 13


def dc_only(data: bytes) -> bytes | None:
    """Cut a progressive JPEG down to what its plane at scale 1/8 shows, in grey or CMYK.

    For any bytes, intact or damaged: where the result is not None, libjpeg decodes both files to the same pixels, or
    refuses both. What is left out has been checked for everything libjpeg refuses; libjpeg checks the rest. Damage
    within the data of AC scans changes nothing: libjpeg only warns of it, and no DC coefficient depends on it.

    Parameters
    ----------
    data
        The file from its start. What follows the end of the image (further images in MPO files) is dropped.

    Returns
    -------
    bytes or None
        None where the markers do not allow it: no Huffman-coded progressive frame of 8 bits (SOF2); no end of image, so
        that a truncated file stays truncated; a coefficient of some component not sent to its last bit, when libjpeg
        smooths; an AC scan that libjpeg refuses, or before the DC of its component; components shown at more than a
        pixel per block, as in subsampled CMYK; markers that are not allowed in such a file.
    """
    try:
        return b"".join(_kept(data))
    except (IndexError, KeyError, ValueError):  # a segment without its bytes, an unknown component, anything unusual
        return None


def _kept(data: bytes) -> Iterator[bytes | memoryview]:
    """Yield all but the data of AC scans, and but the scans that leave bits of their band to a later one."""
    if not data.startswith(_SOI + b"\xff"):
        raise ValueError("no start of image, or no marker after it")
    yield _SOI
    frame = _Frame()
    for marker, segment, rest in segments(data):
        frame.read(marker, bytes(segment[4:]))
        is_ac = marker == _SOS and segment[-3] > 0
        if not is_ac or segment[-1] & 15 == 0:
            yield segment
        if not is_ac:
            yield rest


def segments(data: bytes) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Cut where libjpeg does: marker code, marker segment, and the rest before the next marker (entropy-coded data)."""
    view = memoryview(data)
    found = _MARKER.search(data, len(_SOI))
    while found:
        start, marker = found.start(), data[found.end() - 1]
        if marker == _EOI:
            yield marker, view[start : found.end()], view[:0]
            return
        end = found.end() + int.from_bytes(view[start + 2 : start + 4])
        found = _MARKER.search(data, end)
        yield marker, view[start:end], view[end : found.start() if found else end]
    raise ValueError("no end of image")


class _Frame:
    """The state of a decoder at a marker. Methods raise ValueError or the like where :func:`dc_only` returns None."""

    def __init__(self) -> None:
        self._missing: dict[int, bytearray] = {}  # by component: how many low bits of each coefficient are to come
        self._sampling: list[tuple[int, int]] = []
        self._tables: set[int] = set()
        self._is_rgb = False

    def read(self, marker: int, content: bytes) -> None:
        """Take a marker segment, given without marker and length."""
        if marker == _SOF2:
            self._start(content)
        elif marker == _DHT:
            self._define_tables(content)
        elif marker == _SOS:
            self._scan(content)
        elif marker == _EOI:
            self._end()
        elif marker not in _PASSED_ON:
            raise ValueError("a marker unusual in progressive files")
        elif marker == _APP14 and content.startswith(b"Adobe") and content[11] == 0:
            self._is_rgb = True

    def _start(self, header: bytes) -> None:
        """Take a frame header (T.81, B.2.2)."""
        ids = header[6::3]
        self._missing = {component: bytearray([_UNKNOWN]) * 64 for component in ids}
        self._sampling = [divmod(factors, 16) for factors in header[7::3]]
        self._is_rgb = self._is_rgb or ids == b"RGB"
        if header[0] != 8 or len(self._missing) < len(ids):
            raise ValueError("not 8 bits, or two components of one name")

    def _define_tables(self, content: bytes) -> None:
        """Take Huffman tables (T.81, B.2.4.2); their codes must fit, and none may be all ones (T.81, C)."""
        while content:
            counts = content[1:17]
            if sum(count << 16 - length for length, count in enumerate(counts, 1)) >= 1 << 16:
                raise ValueError("more Huffman codes than fit their lengths")
            self._tables.add(content[0])
            content = content[17 + sum(counts) :]

    def _scan(self, header: bytes) -> None:
        """Take a scan header (T.81, B.2.3)."""
        first, last, bits = header[-3:]
        if first:
            self._check_ac_scan(header)
        for component in header[1:-3:2]:
            self._missing[component][first : last + 1] = bytes([bits & 15]) * (last + 1 - first)

    def _check_ac_scan(self, header: bytes) -> None:
        """Check that an AC scan is valid (T.81, G.1.1.1), that it has a table, and that its component has a DC."""
        components, component, tables, first, last, bits = header
        high, low = divmod(bits, 16)
        is_valid = (
            components == 1
            and self._missing[component][0] != _UNKNOWN
            and 0x10 | tables & 15 in self._tables
            and first <= last < 64
            and (low == high - 1 if high else low <= _MAX_BITS_MISSING)
        )
        if not is_valid:
            raise ValueError("an AC scan that cannot be decoded")

    def _end(self) -> None:
        """Check that all coefficients are known, and that all components shown have a pixel per block.

        libjpeg decodes a component that is subsampled in both directions at twice the size, instead of scaling it up
        later. Of luma and chroma grey shows the first alone, of any other components all.
        """
        if any(map(any, self._missing.values())):
            raise ValueError("a coefficient is not known to its last bit")
        widest, highest = map(max, zip(*self._sampling, strict=True))
        is_luma_first = len(self._sampling) == 3 and not self._is_rgb
        for horizontal, vertical in self._sampling[:1] if is_luma_first else self._sampling:
            if 2 * horizontal <= widest and 2 * vertical <= highest:
                raise ValueError("a component has more than a pixel per block")
