"""From file to codes: ours beside a bare grey draft decode and beside imagehash, on the same files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

from bench import photos, timing
from phash_engine import codes, hashers, images
from tests import naive


def main(argv: list[str]) -> None:
    """Run the benchmark."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=100, help="web photos (default 100)")
    parser.add_argument("--large", type=int, default=6, help="photos of 12 megapixels (default 6)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        for name, files in (("web", photos.web(options.n)), ("12 MP", photos.large(options.large, Path(folder)))):
            check(files[:3])
            report(name, files, options.rounds, as_json=options.json)


def report(name: str, files: Sequence[Path], rounds: int, *, as_json: bool = False) -> None:
    """Time the contenders on the files and print them."""
    contenders = [
        timing.Contender("imagehash average + phash + whash", _each(files, imagehash_three), len(files)),
        timing.Contender("ours: block and all codes", _each(files, ours), len(files)),
        timing.Contender("bare grey draft decode", _each(files, draft_decode), len(files)),
    ]
    rows = timing.measure(contenders, rounds)
    timing.report(rows, contenders[0].name, as_json=as_json, files=name, n=len(files))
    timing.report(rows[1:], contenders[2].name, as_json=as_json, files=name, n=len(files))


def check(files: Sequence[Path]) -> None:
    """Compare our codes with those of the slow twins, from the draft plane on."""
    for file in files:
        with Image.open(file) as image:
            width, height = image.size
            image.draft("L", (64, 64))
            plane = np.asarray(image.convert("L"))
        scale = round(width / plane.shape[1])
        block = naive.area_average(plane, width, height, scale)
        ours = hashers.fingerprint(images.read_block(file))
        if tuple(map(codes.as_int, ours)) != tuple(naive.fingerprint(block)):
            raise SystemExit(f"{file}: our codes differ from those of the slow twin")


def ours(file: Path) -> object:
    """Read a block and compute all ten codes."""
    return hashers.hash_blocks(images.read_block(file)[np.newaxis])


def imagehash_three(file: Path) -> object:
    """Compute imagehash's three hashes of one opened image."""
    with Image.open(file) as image:
        return imagehash.average_hash(image), imagehash.phash(image), imagehash.whash(image)


def draft_decode(file: Path) -> object:
    """Decode in grey at the scale our block is read at, and do nothing else."""
    with Image.open(file) as image:
        image.draft("L", (64, 64))
        return image.load()


def _each(files: Sequence[Path], work: Callable[[Path], object]) -> Callable[[], None]:
    def run() -> None:
        for file in files:
            work(file)

    return run
