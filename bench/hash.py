"""From file to codes: ours compared with a bare grey draft decode and with other libraries, on the same files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench import peers, photos, timing
from phash_engine import images
from phash_engine.hashing import codes, hashers
from tests import naive


def main(argv: list[str]) -> None:
    """Run the benchmark."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=100, help="web photos (default 100)")
    parser.add_argument("--large", type=int, default=6, help="photos of 12 megapixels (default 6)")
    parser.add_argument("--formats", type=int, default=20, help="web photos in each other format (default 20)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, files in collections(options.n, options.large, options.formats, folder):
            check(files[:3])
            report(title, files, folder, options.rounds, as_json=options.json)


def collections(n: int, large: int, formats: int, folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yield titles and files of the sets; those of 0 files are left out."""
    if n:
        yield "web", photos.web(n)
    if large:
        yield "12 MP", photos.large(large, folder)
        yield "progressive 12 MP", photos.large(large, folder, progressive=True)
    for kind in photos.FORMATS if formats else ():
        if files := photos.converted(formats, folder, kind):
            yield kind, files


def report(name: str, files: Sequence[Path], folder: Path, rounds: int, *, as_json: bool = False) -> None:
    """Time the contenders on the files and print the results."""
    contenders = [
        timing.Contender("ours: block and all codes", peers.each(files, ours), len(files)),
        timing.Contender("bare grey draft decode", peers.each(files, draft_decode), len(files)),
        *peers.contenders(files, folder),
    ]
    rows = timing.measure(contenders, rounds)
    timing.report(rows, peers.BASELINE, as_json=as_json, files=name, n=len(files))
    timing.report(rows[:2], contenders[1].name, as_json=as_json, files=name, n=len(files))


def check(files: Sequence[Path]) -> None:
    """Compare our codes with those of tests/naive.py, from the draft plane on."""
    for file in files:
        with Image.open(file) as image:
            width, height = image.size
            image.draft("L", (64, 64))
            plane = np.asarray(image.convert("L"))
        scale = round(width / plane.shape[1])
        block = naive.area_average(plane, width, height, scale).tolist()
        ours = hashers.fingerprint(images.read_block(file))
        if any(codes.as_int(code) != getattr(naive, name)(block) for name, code in ours._asdict().items()):
            raise SystemExit(f"{file}: our codes differ from those of the naive implementation")


def ours(file: Path) -> object:
    """Read a block and compute all ten codes."""
    return hashers.hash_blocks(images.read_block(file)[np.newaxis])


def draft_decode(file: Path) -> object:
    """Decode in grey at the scale of our block, and do nothing else."""
    with Image.open(file) as image:
        image.draft("L", (64, 64))
        return image.load()
