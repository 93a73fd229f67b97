"""Other libraries from file to code behind one call, each with one thread.

Peers that are not installed, or cannot read a format, are left out with a message. The ``bench`` extra holds neither
imagededup, whose hashers do not import without torch, nor perception, which brings a second OpenCV:
``pip install --no-deps perception`` adds it, next to what it imports.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from shutil import copy
from typing import Any

import imagehash
import numpy as np
from PIL import Image

from bench.timing import Contender

Work = Callable[[Path], object]
Run = Callable[[], object]


def contenders(files: Sequence[Path], folder: Path) -> Iterator[Contender]:
    """Yield the peers that can read the files, and print which cannot.

    Parameters
    ----------
    files
        Pictures of one format.
    folder
        Work folder for peers that hash whole folders only.
    """
    for name, prepare in PEERS.items():
        try:
            prepare(files[:1], folder)()
            yield Contender(name, prepare(files, folder), len(files))
        except ImportError as error:
            _leave_out(name, str(error))
        except Exception as error:  # noqa: BLE001 - a failing peer must not stop the rest
            _leave_out(f"{name} of {files[0].suffix} files", " ".join(str(error).split())[:80])


@cache
def _leave_out(what: str, reason: str) -> None:
    """Print what is left out, once."""
    print(f"left out: {what}: {reason}", file=sys.stderr)


def each(files: Sequence[Path], work: Work) -> Run:
    """Return a function that does the work on each file."""

    def run() -> None:
        for file in files:
            work(file)

    return run


def _imagehash(files: Sequence[Path], _: Path) -> Run:
    def three(file: Path) -> object:
        with Image.open(file) as image:
            return imagehash.average_hash(image), imagehash.phash(image), imagehash.whash(image)

    return each(files, three)


def _perception(files: Sequence[Path], _: Path) -> Run:
    hasher = import_module("perception.hashers").PHash()
    _one_thread()
    return each(files, lambda file: hasher.compute(str(file)))


def _pdqhash(files: Sequence[Path], _: Path) -> Run:
    compute = import_module("pdqhash").compute
    _one_thread()

    def one(file: Path) -> object:
        with Image.open(file) as image:
            return compute(np.asarray(image.convert("RGB")))

    return each(files, one)


def _imagededup(files: Sequence[Path], _: Path) -> Run:
    hasher = import_module("imagededup.methods.hashing").PHash(verbose=False)
    return each(files, lambda file: hasher.encode_image(image_file=file))


def _imgdd(pixels: str, files: Sequence[Path], folder: Path) -> Run:
    os.environ["RAYON_NUM_THREADS"] = "1"  # read when its threads start, with the first call
    compute = import_module("imgdd").hash
    own = tempfile.mkdtemp(dir=folder)
    for number, file in enumerate(files):
        copy(file, Path(own, f"{number}{file.suffix}"))

    def run() -> None:
        found = len(compute(path=own, algo="pHash", filter=pixels))
        if found != len(files):
            raise ValueError(f"read {found} of {len(files)} files")

    return run


def _one_thread() -> None:
    cv2: Any = import_module("cv2")
    cv2.setNumThreads(1)


BASELINE = "imagehash average + phash + whash"
PEERS: dict[str, Callable[[Sequence[Path], Path], Run]] = {
    BASELINE: _imagehash,
    "imagededup phash": _imagededup,
    "perception phash": _perception,
    "pdqhash": _pdqhash,
    "imgdd phash, nearest pixels": partial(_imgdd, "Nearest"),
    "imgdd phash, triangle filter": partial(_imgdd, "Triangle"),
}
"""Name of each peer, and the function that prepares its run; all but the first compute one code only.

imgdd samples a few pixels by default; its triangle filter reads all of them, as every other row does.
"""
