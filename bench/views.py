"""Padded and cropped copies ranked first, with and without crops, compared with imagehash; and the cost of crops."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

from bench import photos, timing
from phash_engine.catalogue.store import Store
from phash_engine.matching.policy import DEFAULT_RADIUS
from phash_engine.matching.search import Collection
from phash_engine.scanning.scan import scan

PEER_RADIUS = 10
"""Of 64 bits: usual for imagehash's phash."""

SCANS = {"scan": False, "scan --crops": True}

Edit = Callable[[Image.Image], Image.Image]
Find = Callable[[bytes], str | None]
"""From the bytes of a copy to the path of the nearest photo within the radius."""


def main(argv: list[str]) -> None:
    """Run the benchmark."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=600, help="photos (default 600)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(shutil.copy(path, folder)) for path in photos.web(options.n)]
        scans = [timing.Contender(name, partial(count, folder, crops), len(paths)) for name, crops in SCANS.items()]
        timing.report(timing.measure(scans, options.rounds), scans[0].name, as_json=options.json, n=len(paths))
        counts = {name: count(folder, crops) / len(paths) for name, crops in SCANS.items()}
        show("codes a photo", counts, as_json=options.json)
        with Store(None) as plain, Store(None) as cropped:
            scan([folder], plain)
            scan([folder], cropped, crops=True)
            finders = {"phash": ours(plain), "phash --crops": ours(cropped), "imagehash": peer(paths)}
            check(paths, finders)
            for kind, edit in EDITS.items():
                show(kind, shares(paths, edit, finders), as_json=options.json)


def count(folder: str, crops: bool) -> int:
    """Scan a folder into a catalogue of its own and return how many codes it has."""
    with Store(None) as catalogue:
        scan([folder], catalogue, crops=crops, workers=1)
        return catalogue.counts()["codes"]


def ours(catalogue: Store) -> Find:
    """Return a function that finds a copy in a catalogue."""
    collection = Collection(catalogue)

    def find(copy: bytes) -> str | None:
        return next((match.path for match in collection.find(copy, 1, DEFAULT_RADIUS)), None)

    return find


def peer(paths: Sequence[str]) -> Find:
    """Return a function that finds a copy among the phashes of the imagehash library."""
    own = np.stack([phash(Path(path).read_bytes()) for path in paths])

    def find(copy: bytes) -> str | None:
        distances = (own != phash(copy)).sum(axis=1)
        nearest = int(np.argmin(distances))
        return paths[nearest] if distances[nearest] <= PEER_RADIUS else None

    return find


def phash(data: bytes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return the 64 bits of imagehash's phash."""
    with Image.open(io.BytesIO(data)) as image:
        bits: np.ndarray[tuple[int], np.dtype[np.bool_]] = imagehash.phash(image).hash.ravel()
    return bits


def check(paths: Sequence[str], finders: Mapping[str, Find]) -> None:
    """Check that every photo finds itself."""
    for name, find in finders.items():
        if any(find(Path(path).read_bytes()) != path for path in paths):
            raise SystemExit(f"{name}: a photo does not find itself")


def shares(paths: Sequence[str], edit: Edit, finders: Mapping[str, Find]) -> dict[str, float]:
    """Return the share of photos that their edited copy finds first, by finder."""
    copies = [saved(path, edit) for path in paths]
    return {
        name: sum(find(copy) == path for copy, path in zip(copies, paths, strict=True)) / len(paths)
        for name, find in finders.items()
    }


def saved(path: str, edit: Edit) -> bytes:
    """Return the edited copy as a JPEG of quality 75."""
    file = io.BytesIO()
    with Image.open(path) as image:
        edit(image.convert("RGB")).save(file, "JPEG", quality=75)
    return file.getvalue()


def show(name: str, numbers: Mapping[str, float], *, as_json: bool) -> None:
    """Print one line of numbers."""
    if as_json:
        print(json.dumps({"what": name, **numbers}))
    else:
        print(f"{name:<24}" + "  ".join(f"{label} {number:.3f}" for label, number in numbers.items()), flush=True)


def _cut(left: float, top: float, right: float, bottom: float) -> Edit:
    """Return an edit that cuts shares of width and height off the sides; negative shares add black."""

    def cut(image: Image.Image) -> Image.Image:
        width, height = image.size
        return image.crop(
            (round(width * left), round(height * top), round(width * (1 - right)), round(height * (1 - bottom)))
        )

    return cut


def _edits() -> Iterator[tuple[str, Edit]]:
    yield "letterbox 10 %", _cut(0, -0.1, 0, -0.1)
    yield "frame 5 %", _cut(-0.05, -0.05, -0.05, -0.05)
    for percent in (7, 13, 19, 25):
        yield f"left {percent} % cut off", _cut(percent / 100, 0, 0, 0)
    for percent in (5, 10, 17):
        yield f"all sides {percent} % cut off", _cut(*[percent / 100] * 4)
    yield "two sides 7 % cut off", _cut(0.07, 0.07, 0, 0)


EDITS = dict(_edits())
