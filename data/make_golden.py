"""Write golden.csv: the codes of blocks that a few whole-number formulas describe, and of the sample collection.

    python data/make_golden.py

One row per block or file: `block` (a name) or `path` (in `photos`), then the ten codes in hex. Another implementation
of the codes may check itself against it; a row that changes means a new SPEC.
"""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phash_engine import codes, hashers, images
from phash_engine.errors import ImageError

DATA = Path(__file__).resolve().parent
COLUMNS = ("block", "path", *hashers.CODE_NAMES, *hashers.MIRROR_NAMES)
WHITE = 65280

Block = NDArray[np.uint16]


def noise(seed: int, levels: int) -> Callable[[int, int], int]:
    """Give grey noise of so many levels, 0 to white, from the linear congruence of ISO C's example rand."""
    state, values = seed, []
    for _ in range(32 * 32):
        state = (1103515245 * state + 12345) % 2**31
        values.append((state >> 16) % levels * WHITE // (levels - 1))
    return lambda x, y: values[32 * y + x]


def board(side: int) -> Callable[[int, int], int]:
    """Give a chess board of squares of so many cells a side."""
    return lambda x, y: WHITE * ((x // side + y // side) % 2)


FORMULAS: dict[str, Callable[[int, int], int]] = {
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
    **{f"board-{side}": board(side) for side in (1, 2, 4, 8)},
    "stripes-3": lambda x, y: WHITE * (x // 3 % 2),
    "rings": lambda x, y: 37 * ((2 * x - 31) ** 2 + (2 * y - 31) ** 2) % (WHITE + 1),
    "disc": lambda x, y: WHITE * ((x - 11) ** 2 + (y - 19) ** 2 < 64),
    "dot": lambda x, y: WHITE * (x == 5 and y == 9),
    "saddle": lambda x, y: 32640 + 120 * (x - 15) * (y - 16),
    "bowl": lambda x, y: 65 * ((x - 13) ** 2 + (y - 20) ** 2) + 500,
    "weave": lambda x, y: (x * x * 701 + y * y * 457 + x * y * 1009) % (WHITE + 1),
    **{f"noise-{seed}": noise(seed, 256) for seed in range(1, 13)},
    **{f"two-values-{seed}": noise(seed, 2) for seed in range(21, 25)},
    **{f"four-values-{seed}": noise(seed, 4) for seed in range(31, 35)},
}


def generated() -> dict[str, Block]:
    """Give the generated blocks by name."""
    return {
        name: np.array([[formula(x, y) for x in range(32)] for y in range(32)], dtype=np.uint16)
        for name, formula in FORMULAS.items()
    }


def photographed() -> dict[str, Block]:
    """Give the blocks of the readable files by path."""
    found = {}
    for path in sorted(path for path in (DATA / "photos").rglob("*") if path.is_file()):
        try:
            found[path.relative_to(DATA / "photos").as_posix()] = images.read_block(path)
        except ImageError:
            continue
    return found


def rows() -> Iterator[tuple[str, ...]]:
    """Give the rows of the table: block or path, then the codes."""
    for name, block in generated().items():
        yield name, "", *hexes(block)
    for path, block in photographed().items():
        yield "", path, *hexes(block)


def hexes(block: Block) -> list[str]:
    """Give the ten codes of a block."""
    return [codes.to_hex(code) for code in hashers.hash_blocks(block[np.newaxis])[0]]


def main() -> None:
    """Write the table anew."""
    with (DATA / "golden.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows())


if __name__ == "__main__":
    main()
