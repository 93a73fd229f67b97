"""The golden table: codes that every machine must compute, and the check that this machine does.

The table ``golden.csv`` has one row per block or file: ``block`` (a name from :data:`GENERATED`) or ``path`` (in
``photos`` next to the table), then the ten codes in hex. Other implementations of the codes may be tested against
it; a row that changes means a new SPEC.

From the block on all numbers are integers, so the codes of blocks must agree to the bit. Files are decoded first, and
another version of a lossy decoder may round a pixel differently, which flips a bit or two next to their threshold.
"""

from __future__ import annotations

import csv
import io
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phash_engine import __version__, images
from phash_engine.errors import ImageError, UsageError
from phash_engine.hashing import codes, hashers, views
from phash_engine.hashing.block import SIDE

NAMES = (*hashers.CODE_NAMES, *hashers.MIRROR_NAMES)
WHITE = 65280

Block = NDArray[np.uint16]
Formula = Callable[[int, int], int]


class Difference(NamedTuple):
    """A row whose codes differ from the table.

    Attributes
    ----------
    name
        Name of the block, or path of the file.
    bits
        Number of bits that differ, by code; empty where the file could not be read.
    reason
        Why the file could not be read, else empty.
    """

    name: str
    bits: dict[str, int]
    reason: str = ""


class Certificate(NamedTuple):
    """How many rows were recomputed, which differ from the table, and the versions of all libraries."""

    spec: int
    blocks: int
    files: int
    differences: list[Difference]
    versions: dict[str, str]


def _noise(seed: int, levels: int) -> Formula:
    """Return grey noise of a number of levels, 0 to white, from the linear congruence of ISO C's example rand."""
    state, values = seed, []
    for _ in range(SIDE * SIDE):
        state = (1103515245 * state + 12345) % 2**31
        values.append((state >> 16) % levels * WHITE // (levels - 1))
    return lambda x, y: values[SIDE * y + x]


def _board(side: int) -> Formula:
    """Return a chess board of squares, each of a number of cells a side."""
    return lambda x, y: WHITE * ((x // side + y // side) % 2)


FORMULAS: dict[str, Formula] = {
    "black": lambda x, y: 0,
    "grey": lambda x, y: 32640,
    "white": lambda x, y: WHITE,
    "ramp-right": lambda x, y: 2000 * x,
    "ramp-left": lambda x, y: 2000 * (31 - x),
    "ramp-down": lambda x, y: 2000 * y,
    "ramp-diagonal": lambda x, y: 1000 * (x + y),
    "ramp-faint": lambda x, y: 32640 + x + y,
    "halves": lambda x, y: WHITE * (x // 16),
    "quarters": lambda x, y: WHITE * ((x // 16 + y // 16) % 2),
    **{f"board-{side}": _board(side) for side in (1, 2, 4, 8)},
    "stripes-3": lambda x, y: WHITE * (x // 3 % 2),
    "rings": lambda x, y: 37 * ((2 * x - 31) ** 2 + (2 * y - 31) ** 2) % (WHITE + 1),
    "disc": lambda x, y: WHITE * ((x - 11) ** 2 + (y - 19) ** 2 < 64),
    "dot": lambda x, y: WHITE * (x == 5 and y == 9),
    "saddle": lambda x, y: 32640 + 120 * (x - 15) * (y - 16),
    "bowl": lambda x, y: 65 * ((x - 13) ** 2 + (y - 20) ** 2) + 500,
    "weave": lambda x, y: (x * x * 701 + y * y * 457 + x * y * 1009) % (WHITE + 1),
    **{f"noise-{seed}": _noise(seed, 256) for seed in range(1, 13)},
    **{f"two-values-{seed}": _noise(seed, 2) for seed in range(21, 25)},
    **{f"four-values-{seed}": _noise(seed, 4) for seed in range(31, 35)},
}
"""Luma in 1/256 of the cell in column x and row y, by the name of the block."""


def _picture() -> NDArray[np.uint8]:
    """Return the formula of the weave as grey values of 80 by 60 pixels."""
    y, x = np.mgrid[:60, :80]
    values: NDArray[np.uint8] = ((x * x * 3 + y * y * 5 + x * y * 7) // 40 % 256).astype(np.uint8)
    return values


def _with_alpha(alpha: NDArray[np.uint8]) -> bytes:
    return _encoded(np.stack([_picture()] * 3 + [alpha], axis=-1))


def _encoded(values: NDArray[np.generic]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


def _tiff(values: NDArray[np.generic], **options: Any) -> bytes:
    import tifffile  # takes 50 ms

    file = io.BytesIO()
    tifffile.imwrite(file, values, metadata=None, **options)
    return file.getvalue()


def _colours(factor: float, dtype: str) -> NDArray[np.generic]:
    grey = _picture() * np.float64(factor)
    return np.stack([grey, grey[::-1], grey[:, ::-1]]).astype(dtype)


PICTURES: dict[str, Callable[[], bytes]] = {
    "png-8-bit": lambda: _encoded(_picture()),
    "png-10-bit": lambda: _encoded(_picture().astype(np.uint16) * 4),
    "png-16-bit": lambda: _encoded(_picture().astype(np.uint16) * 257),
    "png-fading": lambda: _with_alpha(np.repeat(np.arange(0, 240, 4, dtype=np.uint8)[:, np.newaxis], 80, axis=1)),
    "png-invisible": lambda: _with_alpha(np.zeros((60, 80), dtype=np.uint8)),
    "tiff-12-bit": lambda: _tiff(_picture().astype(np.uint16) * 16, photometric="minisblack"),
    "tiff-14-bit-white-is-0": lambda: _tiff(16383 - _picture().astype(np.uint16) * 64, photometric="miniswhite"),
    "tiff-32-bit": lambda: _tiff(_picture().astype(np.uint32) << 24, photometric="minisblack"),
    "tiff-12-bit-colour": lambda: _tiff(np.moveaxis(_colours(16, "u2"), 0, -1).copy(), photometric="rgb"),
    "tiff-16-bit-planes": lambda: _tiff(_colours(257, "u2"), photometric="rgb", planarconfig="separate"),
    "tiff-float-colour": lambda: _tiff(np.moveaxis(_colours(1 / 256, "f4"), 0, -1).copy(), photometric="rgb"),
}
"""Lossless files that are written here, by name: samples of more than 8 bits, and alpha."""
ON_BLACK = "png-fading-on-black"
"""The view of ``png-fading`` on the other ground."""
GENERATED = (*FORMULAS, *PICTURES, ON_BLACK)


def folder() -> Path:
    """Return the folder of the table and its photos: in the installed package, or next to it in a checkout."""
    installed = Path(__file__).parents[1] / "data"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "data"


def table() -> dict[str, list[str]]:
    """Return the ten codes in hex by the name of the block or the path of the file."""
    with (folder() / "golden.csv").open(encoding="utf-8", newline="") as file:
        return {row["block"] or row["path"]: [row[name] for name in NAMES] for row in csv.DictReader(file)}


def generated() -> dict[str, Block]:
    """Return the generated blocks, and those of the pictures that are written here, uint16 ``(32, 32)``, by name."""
    blocks = {
        name: np.array([[formula(x, y) for x in range(SIDE)] for y in range(SIDE)], dtype=np.uint16)
        for name, formula in FORMULAS.items()
    }
    blocks |= {name: images.read_block(written()) for name, written in PICTURES.items()}
    return blocks | {ON_BLACK: images.read_picture(PICTURES["png-fading"]()).blocks[views.GROUND]}


def hexes(block: Block) -> list[str]:
    """Return the ten codes of a block in hex."""
    return [codes.to_hex(code) for code in hashers.hash_blocks(block[np.newaxis])[0]]


def check(photos: Path | None = None) -> Certificate:
    """Recompute the table.

    Parameters
    ----------
    photos
        A folder with the sample collection or a part of it, by default the installed part. Missing files are skipped,
        but there must be one.

    Raises
    ------
    UsageError
        There is no file of the table in the folder.
    """
    photos = photos or folder() / "photos"
    expected = table()
    files = [path for path in expected if path not in GENERATED and (photos / path).is_file()]
    if not files:
        raise UsageError(f"{photos}: contains none of the files of the golden table")
    sources: dict[str, Block | Path] = {**generated(), **{path: photos / path for path in files}}
    found = (_difference(name, expected[name], source) for name, source in sources.items())
    return Certificate(hashers.SPEC, len(GENERATED), len(files), [each for each in found if each], versions())


def _difference(name: str, expected: list[str], source: Block | Path) -> Difference | None:
    try:
        found = hexes(images.read_block(source) if isinstance(source, Path) else source)
    except ImageError as error:
        return Difference(name, {}, error.reason)
    pairs = [(codes.from_hex(was), codes.from_hex(now)) for was, now in zip(expected, found, strict=True)]
    bits = {code: codes.distance(*pair) for code, pair in zip(NAMES, pairs, strict=True)}
    return Difference(name, {code: number for code, number in bits.items() if number}) if any(bits.values()) else None


def versions() -> dict[str, str]:
    """Return the versions of everything that can change a bit."""
    ours = {"phash_engine": __version__, "Python": platform.python_version(), "machine": platform.machine()}
    return {**ours, "numpy": np.__version__, **images.versions()}
