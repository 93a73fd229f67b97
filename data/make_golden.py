"""Write golden.csv: the codes of the blocks of ``phash_engine.images.golden`` and of the sample collection.

python data/make_golden.py
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from phash_engine import images
from phash_engine.errors import ImageError
from phash_engine.images import golden

DATA = Path(__file__).resolve().parent


def sample_blocks() -> dict[str, golden.Block]:
    """Return the blocks of the readable files by path."""
    found = {}
    for path in sorted(path for path in (DATA / "photos").rglob("*") if path.is_file()):
        try:
            found[path.relative_to(DATA / "photos").as_posix()] = images.read_block(path)
        except ImageError:
            continue
    return found


def rows() -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table: block or path, then the codes."""
    for name, block in golden.generated().items():
        yield name, "", *golden.hexes(block)
    for path, block in sample_blocks().items():
        yield "", path, *golden.hexes(block)


def main() -> None:
    """Rewrite the table."""
    with (DATA / "golden.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("block", "path", *golden.NAMES))
        writer.writerows(rows())


if __name__ == "__main__":
    main()
