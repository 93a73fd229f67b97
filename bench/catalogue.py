"""``python -m bench catalogue``: the commands on catalogues as scans leave them, whole processes, time and peak memory.

One photo in twenty is a copy with the bytes of another, one in a hundred is missing. None of the files exists, so keep
rules that open files find nothing. imagededup gets one code of each content and searches for all of them, as its
find_duplicates does, in one process; where that takes minutes, for the first ones, extrapolated.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench import codes, dedupe, photos, timing
from bench.find import find_command
from phash_engine import images
from phash_engine.catalogue import Content, Sighting, Store, View
from phash_engine.hashing import hashers
from phash_engine.hashing.hashers import Codes
from phash_engine.hashing.views import FULL
from phash_engine.matching.policy import DEFAULT_RADIUS

_COPIES = 20
_MISSING = 100
_SIZE = 10_000_000
_MOST_COMPARED = 100_000_000
"""Distances that imagededup computes in about half a minute."""
_PEER = """
import sys, numpy
from imagededup.handlers.search.brute_force_cython import BruteForceCython
codes = {f"{row:09d}.jpg": f"{code:016x}" for row, code in enumerate(numpy.load(sys.argv[1]).tolist())}
search = BruteForceCython(codes, None)
found = {name: search.search(codes[name], 10) for name in list(codes)[: int(sys.argv[2])]}
"""


class Soak(NamedTuple):
    """What a catalogue holds: the codes ``(m, 10)`` of its contents, and the content of each of its ``n`` photos.

    Contents are in the order of keepers; ``missing``, bool ``(n,)``, marks the missing photos.
    """

    table: Codes
    contents: NDArray[np.int64]
    missing: NDArray[np.bool_]

    def path(self, photo: int) -> str:
        """Return the path of a photo, which holds its number and content."""
        return f"/photos/{photo % 1000:03d}/{photo:09d}-{self.contents[photo]:09d}.jpg"


def main(argv: list[str]) -> None:
    """Make catalogues of some sizes, check what the commands print, then time them."""
    parser = timing.options(__doc__ or "")
    sizes = [10_000, 100_000, 1_000_000]
    parser.add_argument("--n", type=int, nargs="+", default=sizes, help="photos (default 10000 100000 1000000)")
    options = parser.parse_args(argv)
    for n in options.n:
        with tempfile.TemporaryDirectory() as folder:
            bench(n, Path(folder), options.rounds, as_json=options.json)


def bench(n: int, folder: Path, rounds: int, *, as_json: bool) -> None:
    """Report times and peak memory of all commands on a catalogue of ``n`` photos."""
    catalogue, printed = folder / "photos.db", folder / "printed"
    soak = made(n)
    fill(catalogue, soak)
    contenders, peaks = [], {}
    for command, line in _commands(catalogue).items():
        peaks[f"{command}_mb"] = round(dedupe.run(line, printed))
        _CHECKS[command](printed, soak)
        contenders.append(timing.Contender(f"phash {command}", partial(dedupe.run, line, printed)))
    for name, queries, line in _peers(soak, folder):
        peaks["imagededup_mb"] = round(dedupe.run(line, printed))
        contenders.append(timing.Contender(name, partial(dedupe.run, line, printed), queries / len(soak.table)))
    rows = timing.measure(contenders, rounds, warm_up=False)
    timing.report(rows, "phash dedupe", as_json=as_json, n=n, **peaks)


def made(n: int) -> Soak:
    """Return photos in random order, the same for the same number; the first content is the picture to find."""
    rng = np.random.default_rng(5)
    table = dedupe.fingerprints(n - n // _COPIES)
    table[0] = hashers.hash_blocks(images.read_block(photos.web(1)[0])[np.newaxis])
    copied = rng.integers(len(table), size=n - len(table))
    missing = np.zeros(n, dtype=np.bool_)
    missing[rng.choice(n, n // _MISSING, replace=False)] = True
    return Soak(table, rng.permutation(np.concatenate([np.arange(len(table)), copied])), missing)


def fill(path: Path, soak: Soak) -> None:
    """Write a catalogue as a scan does."""
    with Store(path) as catalogue:
        for batch in codes.batches(len(soak.contents)):
            numbers = range(len(soak.contents))[batch]
            contents = soak.contents[batch].tolist()
            catalogue.record(
                [
                    Sighting(soak.path(photo), _SIZE - content, 0, _digest(content))
                    for photo, content in zip(numbers, contents, strict=True)
                ],
                [
                    Content(_digest(content), 4000, 3000, "JPEG", 50, 50.0, [View(FULL, True, soak.table[content])])
                    for content in contents
                ],
            )
        catalogue.mark_missing(soak.path(photo) for photo in np.flatnonzero(soak.missing).tolist())
        catalogue.refresh_index()


def check_status(printed: Path, soak: Soak) -> None:
    """Compare the counts of ``phash status --json``."""
    counted = json.loads(printed.read_text())
    missing = int(soak.missing.sum())
    expected = {"photos": len(soak.missing) - missing, "missing": missing, "contents": len(soak.table)}
    if {name: counted[name] for name in expected} != expected:
        raise SystemExit(f"phash status counts {counted}, not {expected}")


def check_find(printed: Path, soak: Soak) -> None:
    """Compare the photos found with those of all codes close to the first, which is that of the picture."""
    (near,) = dedupe.close_rows(soak.table, np.array([0]), DEFAULT_RADIUS, rotations=True).values()
    photos_found = np.flatnonzero(np.isin(soak.contents, list(near)) & ~soak.missing).tolist()
    expected = {(near[int(soak.contents[photo])], soak.path(photo)) for photo in photos_found}
    lines = (line.split("\t") for line in printed.read_text().splitlines())
    if {(int(distance), path) for distance, _, path in lines} != expected:
        raise SystemExit("phash find differs from a linear scan")


def check_dedupe(printed: Path, soak: Soak) -> None:
    """Compare the groups of some contents with a linear scan, and of all contents with their equal bytes."""
    groups = [json.loads(line) for line in printed.read_text().splitlines()]
    keeper = {_photo(path): _photo(group["keeper"]) for group in groups for path in group["duplicates"]}
    present = np.flatnonzero(~soak.missing)
    kept, of_kept = np.unique(soak.contents[present], return_inverse=True)
    row = dict(zip(present.tolist(), of_kept.tolist(), strict=True))
    pairs = ((_photo(pair["left"]), _photo(pair["right"]), pair["distance"]) for g in groups for pair in g["pairs"])
    found = {row[right]: (row[left], bits) for left, right, bits in pairs if row[left] != row[right]}
    dedupe.check("phash dedupe", soak.table[kept], found, None, rotations=True)
    homes: dict[int, set[int]] = {}
    for photo, content in row.items():
        homes.setdefault(content, set()).add(keeper.get(photo, photo))
    if any(len(home) > 1 for home in homes.values()):
        raise SystemExit("phash dedupe separates photos of equal bytes")


_CHECKS = {"status": check_status, "find": check_find, "dedupe": check_dedupe}


def _commands(catalogue: Path) -> dict[str, Sequence[str]]:
    (image,) = photos.web(1)
    phash = [sys.executable, "-m", "phash_engine"]
    return {
        "status": [*phash, "status", "--json", "--catalogue", str(catalogue)],
        "find": find_command(image, catalogue),
        "dedupe": [*phash, "dedupe", "--json", "--catalogue", str(catalogue)],
    }


def _peers(soak: Soak, folder: Path) -> Iterator[tuple[str, int, Sequence[str]]]:
    """Yield the name of a peer, its number of queries, and its command line."""
    if not find_spec("imagededup"):
        print("skipped: imagededup: not installed; install it by 'pip install --no-deps imagededup'", file=sys.stderr)
        return
    dct = folder / "dct.npy"
    np.save(dct, soak.table[:, hashers.CODE_NAMES.index("dct")])
    queries = max(1, min(len(soak.table), _MOST_COMPARED // len(soak.table)))
    name = "imagededup" if queries == len(soak.table) else f"imagededup, {queries} queries extrapolated"
    yield name, queries, [sys.executable, "-c", _PEER, str(dct), str(queries)]


def _digest(content: int) -> bytes:
    return hashlib.sha256(content.to_bytes(8, "big")).digest()


def _photo(path: str) -> int:
    return int(Path(path).stem.partition("-")[0])
