"""``python -m bench dedupe``: all groups of a catalogue by scores and by radius: time and memory of the process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import codes, timing
from phash_engine.catalogue.store import Store
from phash_engine.hashing import hashers, orientation
from phash_engine.hashing.hashers import Codes
from phash_engine.hashing.views import MatchType
from phash_engine.index import Index
from phash_engine.matching.code_set import CodeSet
from phash_engine.matching.pairs import ContentPairs, PairFilter
from phash_engine.matching.policy import DEFAULT_RADIUS

_COPIES = 6
_NOISE = 1000
"""Largest standard deviation of the noise in copies: 4 of 255 grey levels."""
_SAMPLE = 500
_BYTES = 1 if sys.platform == "darwin" else 1024
"""Unit in which the system counts memory."""
_LAUNCHER = """
import resource, subprocess, sys
with open(sys.argv[1], "wb") as printed:
    subprocess.run(sys.argv[2:], check=True, stdout=printed, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""The peak memory of a process includes that of the process it was forked from: this one is small."""

Member = tuple[int, int]


def main(argv: list[str]) -> None:
    """Run the command on a catalogue, by scores and by radius, with rotations and without, and check its groups."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=100_000, help="fingerprints in the catalogue (default 100,000)")
    options = parser.parse_args(argv)
    table = fingerprints(options.n)
    with tempfile.TemporaryDirectory() as folder:
        catalogue, printed = Path(folder) / "photos.db", Path(folder) / "groups"
        with Store(catalogue) as opened:
            opened.add_fingerprints([f"/photos/{row:09d}.jpg" for row in range(options.n)], table)
        command = [sys.executable, "-m", "phash_engine", "dedupe", "--json", "--catalogue", str(catalogue)]
        by_radius = ["--radius", str(DEFAULT_RADIUS)]
        for radius, rotations, given in (
            (None, True, []),
            (DEFAULT_RADIUS, True, by_radius),
            (DEFAULT_RADIUS, False, [*by_radius, "--no-rotations"]),
        ):
            name, line = " ".join(["phash dedupe", *given]), [*command, *given]
            megabytes = run(line, printed)
            keepers = members(printed)
            check(name, table, keepers, radius, rotations=rotations)
            rows = timing.measure([timing.Contender(name, partial(run, line, printed))], options.rounds, warm_up=False)
            setting = {"n": options.n, "others": len(keepers), "peak_mb": round(megabytes)}
            timing.report(rows, name, as_json=options.json, **setting)


def fingerprints(n: int) -> Codes:
    """Return all codes ``(n, 10)`` of blends of photos; a sixth are copies with noise, half of these rotated."""
    rng = np.random.default_rng(3)
    crops = codes.crops(min(n, codes.CROPS))
    table = np.empty((n, len(hashers.CODE_NAMES + hashers.MIRROR_NAMES)), np.uint64)
    for batch in codes.batches(n):
        blocks = codes.blends(crops, len(table[batch]), rng)
        for copy in range(0, len(blocks), _COPIES):
            original = blocks[rng.integers(len(blocks))]
            blocks[copy] = noisy(orientation.turn(original, max(1, int(rng.integers(-5, 9)))), rng)
        table[batch] = hashers.hash_blocks(blocks)
    return rng.permutation(table)


def noisy(block: NDArray[np.uint16], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Add noise of a random strength to a block."""
    noise = rng.uniform(0, _NOISE) * rng.standard_normal(block.shape)
    added: NDArray[np.uint16] = np.clip(block + noise, 0, np.iinfo(np.uint16).max).astype(np.uint16)
    return added


def run(command: Sequence[str], printed: Path) -> float:
    """Run a command, write its output to ``printed``, and return its peak memory in MB."""
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(printed), *command]
    return int(subprocess.run(launcher, check=True, capture_output=True).stdout) * _BYTES / 1e6


def members(printed: Path) -> dict[int, Member]:
    """Return keeper and distance of each duplicate, by its row."""
    groups = map(json.loads, printed.read_text().splitlines())
    pairs = (pair for group in groups for pair in group["pairs"])
    return {_row(pair["right"]): (_row(pair["left"]), pair["distance"]) for pair in pairs}


def check(name: str, table: Codes, found: dict[int, Member], radius: int | None, *, rotations: bool) -> None:
    """Compare the groups of some rows with a linear scan.

    These photos have nothing but codes, so the first row is kept: a row belongs to the first keeper close to it and
    before it; if there is none, it is a keeper.
    """
    rng = np.random.default_rng(4)
    others = np.fromiter(found, dtype=np.int64)[:_SAMPLE]
    queries = np.union1d(rng.choice(len(table), min(_SAMPLE, len(table)), replace=False), others)
    for row, near in close_rows(table, queries, radius, rotations=rotations).items():
        keepers = [(other, bits) for other, bits in sorted(near.items()) if other < row and other not in found]
        if found.get(row) != (keepers[0] if keepers else None):
            raise SystemExit(f"{name} differs from a linear scan, for row {row}")


def close_rows(
    table: Codes, queries: NDArray[np.int64], radius: int | None, *, rotations: bool
) -> dict[int, dict[int, int]]:
    """Return the distance by row of all rows close to each query row."""
    rows = np.arange(len(table))
    pair_filter = PairFilter(CodeSet(rows, np.full_like(rows, MatchType.SIMILAR), table), radius, 0)
    close: dict[tuple[int, int], int] = {}
    upright = Index(orientation.upright(table), kind="linear")
    for number in orientation.ORIENTATIONS if rotations else (1,):
        turned = Index(orientation.turned_to(table, number), kind="linear")
        for matches in (
            upright.range_search(orientation.turned_to(table[queries], number), pair_filter.radius),
            turned.range_search(orientation.upright(table[queries]), pair_filter.radius),
        ):
            for query, row, bits in zip(*(column.tolist() for column in matches), strict=True):
                pair = int(queries[query]), row
                close[pair] = min(bits, close.get(pair, bits))
    one, other = np.array(list(close), dtype=np.int64).reshape(-1, 2).T
    pairs = ContentPairs(one, other, np.fromiter(close.values(), dtype=np.int64), np.zeros_like(one))
    near: dict[int, dict[int, int]] = {row: {} for row in queries.tolist()}
    for row, found, bits, _ in zip(*(column.tolist() for column in pair_filter.filter(pairs)[0]), strict=True):
        near[row][found] = bits
    return near


def _row(path: str) -> int:
    return int(Path(path).stem)
