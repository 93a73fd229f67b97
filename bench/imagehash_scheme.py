"""The imagehash scheme compared with the imagehash library: the same four codes of the same files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import imagehash
from PIL import Image

from bench import photos, timing
from phash_engine.hashing import codes
from phash_engine.images import imagehash_compat

Hash = Callable[[Image.Image], imagehash.ImageHash]
FOUR: tuple[Hash, ...] = (imagehash.average_hash, imagehash.phash, imagehash.whash, imagehash.dhash)


def main(argv: list[str]) -> None:
    """Run the benchmark."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=100, help="web photos (default 100)")
    parser.add_argument("--large", type=int, default=6, help="photos of 12 megapixels (default 6)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        for name, files in (("web", photos.web(options.n)), ("12 MP", photos.large(options.large, Path(folder)))):
            check(files)
            report(name, files, options.rounds, as_json=options.json)


def check(files: Sequence[Path]) -> None:
    """Compare the four codes of every file, bit for bit."""
    for file in files:
        ours = [codes.to_hex(code) for code in imagehash_compat.read_fingerprint(file)]
        if ours != list(map(str, by_library(FOUR, file))):
            raise SystemExit(f"{file}: our codes differ from imagehash's")


def report(name: str, files: Sequence[Path], rounds: int, *, as_json: bool = False) -> None:
    """Time the contenders on the files and print the results."""
    functions: dict[str, Callable[[Path], object]] = {
        "imagehash: the four, one opened image": partial(by_library, FOUR),
        "imagehash: average, phash, whash": partial(by_library, FOUR[:3]),
        "ours: the four": imagehash_compat.read_fingerprint,
        "a bare decode": decode,
    }
    contenders = [
        timing.Contender(title, partial(run, function, files), len(files)) for title, function in functions.items()
    ]
    timing.report(timing.measure(contenders, rounds), contenders[0].name, as_json=as_json, files=name, n=len(files))


def run(function: Callable[[Path], object], files: Sequence[Path]) -> None:
    """Call a function on each file."""
    for file in files:
        function(file)


def by_library(hashes: Sequence[Hash], file: Path) -> list[imagehash.ImageHash]:
    """Compute the library's hashes of one opened image, which is decoded only once."""
    with Image.open(file) as image:
        return [each(image) for each in hashes]


def decode(file: Path) -> object:
    """Decode at full size and in colour, as these codes need it, and do nothing else."""
    with Image.open(file) as image:
        return image.load()
