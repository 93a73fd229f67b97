"""Writes progressive JPEGs scan by scan, sound or not, as neither Pillow nor libjpeg would: noise of 5x7 blocks.

Every code of a table has the same length, so that a symbol is its own code.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def entropy_coded(symbols: Sequence[tuple[int, int, int]], code_length: int) -> bytes:
    """Code triples of symbol, appended bits and their number, with stuffing (T.81, B.1.1.5)."""
    bits = "".join(f"{s:0{code_length}b}" + (f"{v:0{n}b}" if n else "") for s, v, n in symbols)
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\x00")


def magnitude(value: int) -> tuple[int, int]:
    """Return the appended bits of a coefficient and their number (T.81, F.1.2.1)."""
    size = abs(value).bit_length()
    return (value if value >= 0 else value + (1 << size) - 1), size


def dc_data(blocks: NDArray[np.int64]) -> bytes:
    differences = np.diff(blocks[:, 0], prepend=0).tolist()
    return entropy_coded([(size, bits, size) for bits, size in map(magnitude, differences)], 4)


def ac_data(blocks: NDArray[np.int64], first: int, last: int) -> bytes:
    symbols = []
    for block in blocks[:, first : last + 1].tolist():
        at = [k for k, value in enumerate(block) if value]
        for previous, k in zip([-1, *at], at, strict=False):
            bits, size = magnitude(block[k])
            symbols += [(0xF0, 0, 0)] * ((k - previous - 1) // 16)
            symbols.append(((k - previous - 1) % 16 << 4 | size, bits, size))
        symbols.append((0, 0, 0))
    return entropy_coded(symbols, 8)


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def huffman(slot: int, counts: dict[int, int]) -> bytes:
    """Define a table with so many codes of each length, for the symbols 0, 1, 2, ..."""
    return segment(0xC4, bytes([slot, *(counts.get(n, 0) for n in range(1, 17)), *range(sum(counts.values()))]))


def quantizers(value: int) -> bytes:
    return segment(0xDB, bytes([0]) + bytes([value]) * 64)


def scan(component: int, first: int, last: int, bits: int = 0) -> bytes:
    return segment(0xDA, bytes([1, component, 0, first, last, bits]))


START, END = b"\xff\xd8", b"\xff\xd9"
TABLES = huffman(0x00, {4: 12}) + huffman(0x10, {8: 255})
ADOBE = b"Adobe\0d\0\0\0\0"


def frame(names: bytes = b"\1\2\3", factors: Sequence[int] = (0x11,) * 4) -> bytes:
    components = [bytes([name, factor, 0]) for name, factor in zip(names, factors, strict=False)]
    return segment(0xC2, struct.pack(">BHHB", 8, 40, 56, len(names)) + b"".join(components))


def scans(names: bytes = b"\1\2\3") -> dict[tuple[int, str], bytes]:
    """Return DC and two AC bands of components of 5x7 blocks, one scan each."""
    rng = np.random.default_rng(3)
    made = {}
    for name in names:
        blocks = rng.integers(-60, 60, (35, 64)) * (rng.random((35, 64)) < 0.15)
        blocks[:, 0] = rng.integers(-60, 60, 35)
        made[name, "dc"] = scan(name, 0, 0) + dc_data(blocks)
        made[name, "low"] = scan(name, 1, 5) + ac_data(blocks, 1, 5)
        made[name, "high"] = scan(name, 6, 63) + ac_data(blocks, 6, 63)
    return made


def file(*parts: bytes) -> bytes:
    return START + quantizers(8) + b"".join(parts) + END
