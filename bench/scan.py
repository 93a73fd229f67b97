"""From a folder to a full catalogue: files per second by workers, time spent writing, files not cached, peak memory."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from math import isqrt
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from bench import dedupe, photos, timing
from bench.hash import draft_decode
from phash_engine._threads import available_threads
from phash_engine.catalogue.store import Store
from phash_engine.scanning.scan import scan

Record = dict[str, str | int | float]

_DISTINCT = 6
"""Number of distinct large photos; the others are copies with other bytes."""

_PLANES = {"JPEG": 1 / 64, "progressive JPEG": 3, "PNG": 4}
"""Bytes per pixel that a decoder holds: a plane of 1/8, all coefficients of three components, a plane of four bytes."""


def main(argv: list[str]) -> None:
    """Run the benchmark."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=600, help="web photos (default 600)")
    parser.add_argument("--large", type=int, default=48, help="photos of 12 megapixels (default 48)")
    parser.add_argument("--huge", type=int, default=8, help="pictures to measure memory with (default 8)")
    parser.add_argument("--megapixels", type=float, default=50, help="size of those (default 50)")
    parser.add_argument("--workers", type=int, default=available_threads(), help="most workers (default: the cores)")
    parser.add_argument(
        "--beside", type=Path, metavar="TREE", help="compare with another checkout, and do nothing else"
    )
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        for title, files in collections(options.n, options.large, Path(name)):
            if options.beside:
                show(beside(title, files, options), as_json=options.json)
                continue
            show(throughput(title, files, options), as_json=options.json)
            show(uncached(title, files, options), as_json=options.json)
        for kind in _PLANES if options.huge and not options.beside else ():
            show(memory(kind, Path(name), options), as_json=options.json)


def collections(n: int, large: int, folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yield the collections of files by title, each in a folder of its own; empty ones are left out."""
    if n:
        yield "web", copies(photos.web(n), n, folder / "web")
    if large:
        yield "12 MP", copies(photos.large(min(large, _DISTINCT), folder), large, folder / "12 MP")


def copies(sources: Sequence[Path], n: int, folder: Path) -> list[Path]:
    """Write ``n`` copies that differ in bytes after the end of the picture, so that each is decoded."""
    folder.mkdir()
    made = []
    for number, source in zip(range(n), cycle(sources), strict=False):
        path = folder / f"{number}{source.suffix}"
        path.write_bytes(source.read_bytes() + path.stem.encode())
        made.append(path)
    os.sync()  # what is not on the disk yet cannot be dropped from the cache
    return made


def throughput(title: str, files: Sequence[Path], options: argparse.Namespace) -> Iterator[Record]:
    """Time scans with one worker and more, and as many threads that only decode."""
    scans = [Scan(files, workers) for workers in range(1, options.workers + 1)]
    calls: list[Callable[[], object]] = [*scans, *(partial(decode, files, one.workers) for one in scans)]
    rows = timing.measure([timing.Contender("", call, len(files)) for call in calls], options.rounds)
    ours, bare = rows[: len(scans)], rows[len(scans) :]
    for one, row, decoding in zip(scans, ours, bare, strict=True):
        yield {
            **_speed(title, one, row),
            "of_linear": ours[0].median / row.median / one.workers,
            "decode_of_linear": bare[0].median / decoding.median / one.workers,
            "of_decode": decoding.median / row.median,
            "writing": one.writing,
        }


def beside(title: str, files: Sequence[Path], options: argparse.Namespace) -> Iterator[Record]:
    """Scan with this checkout and with another in turn, by the seconds that each command states, and compare sizes."""
    trees = {"this": Path(__file__).parents[1], "other": options.beside}
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "photos.db"

        def scanned(tree: Path) -> tuple[float, int]:
            catalogue.unlink(missing_ok=True)
            command = [
                sys.executable,
                "-m",
                "phash_engine",
                "scan",
                str(files[0].parent),
                "--catalogue",
                str(catalogue),
            ]
            command += ["--workers", str(options.workers), "--json"]
            run = subprocess.run(command, cwd=tree, capture_output=True, check=True, text=True)
            record = json.loads(run.stdout)
            if record["decoded"] != len(files):
                raise SystemExit(f"{tree}: {record['decoded']} of {len(files)} files were decoded")
            return record["seconds"], catalogue.stat().st_size

        runs = [{name: scanned(tree) for name, tree in trees.items()} for _ in range(options.rounds)]
    seconds = {name: [run[name][0] for run in runs] for name in trees}
    ratios = [this / other for this, other in zip(*seconds.values(), strict=True)]
    yield {
        "files": title,
        "workers": options.workers,
        "this_a_second": len(files) / median(seconds["this"]),
        "other_a_second": len(files) / median(seconds["other"]),
        "time_ratio": median(ratios),
        "ratio_of_fastest": min(seconds["this"]) / min(seconds["other"]),
        "bytes_a_photo": runs[0]["this"][1] / len(files),
        "other_bytes": runs[0]["other"][1] / len(files),
    }


def uncached(title: str, files: Sequence[Path], options: argparse.Namespace) -> Iterator[Record]:
    """Time scans of files that are not in the cache of the system, with a worker per core and with more."""
    if not hasattr(os, "posix_fadvise"):
        print("skipped: files not cached: this system cannot drop them from its cache", file=sys.stderr)
        return
    scans = [Scan(files, options.workers + more, prepare=forget) for more in range(3)]
    rows = timing.measure([timing.Contender("", one, len(files)) for one in scans], options.rounds)
    for one, row in zip(scans, rows, strict=True):
        yield {**_speed(f"{title}, not cached", one, row), "gain": rows[0].median / row.median}


def memory(kind: str, folder: Path, options: argparse.Namespace) -> Iterator[Record]:
    """Measure the peak memory of the process with one worker and with all, with and without what the decoders hold."""
    with Image.open(photos.web(1)[0]) as image:
        height = isqrt(int(options.megapixels * 1e6 * 3 / 4))
        enlarged = image.convert("RGB").resize((height * 4 // 3, height))
    source = folder / f"{kind}.{'png' if kind == 'PNG' else 'jpg'}"
    enlarged.save(source, quality=92, progressive=kind.startswith("progressive"), compress_level=1)
    files = copies([source], options.huge, folder / kind)
    for workers in sorted({1, options.workers}):
        catalogue = ["--catalogue", str(folder / f"{kind} {workers}.db"), "--workers", str(workers)]
        command = [sys.executable, "-m", "phash_engine", "scan", str(folder / kind), *catalogue]
        peak = dedupe.run(command, folder / "printed")
        planes = min(workers, len(files)) * enlarged.width * enlarged.height * _PLANES[kind] / 1e6
        megabytes = source.stat().st_size / 1e6
        yield {"files": kind, "workers": workers, "file_mb": megabytes, "peak_mb": peak, "beyond_planes": peak - planes}


class Scan:
    """Scans the folder of some files into a fresh catalogue; afterwards ``writing`` is the share of time in SQLite."""

    def __init__(self, files: Sequence[Path], workers: int, prepare: Callable[[Sequence[Path]], object] = len) -> None:
        self.workers = workers
        self.writing = 0.0
        self._files = files
        self._prepare = prepare

    def __call__(self) -> None:
        """Scan, and check that every file was decoded."""
        self._prepare(self._files)
        with tempfile.TemporaryDirectory() as folder, _Timed(Path(folder) / "photos.db") as catalogue:
            report = scan([self._files[0].parent], catalogue, workers=self.workers)
        if report.decoded != len(self._files):
            raise SystemExit(f"{report.decoded} of {len(self._files)} files were decoded")
        self.writing = catalogue.seconds / report.seconds


class _Timed(Store):
    """A catalogue that counts the seconds it writes."""

    seconds = 0.0

    def record(self, *args: Any) -> None:
        with self._clock():
            super().record(*args)

    def drop_unreferenced(self) -> None:
        with self._clock():
            super().drop_unreferenced()

    def refresh_index(self) -> None:
        with self._clock():
            super().refresh_index()

    @contextmanager
    def _clock(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - start


def decode(files: Sequence[Path], threads: int) -> None:
    """Decode in grey at the scale of blocks, and do nothing else."""
    size = max(1, min(16, len(files) // (4 * threads)))
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda first: [*map(draft_decode, files[first : first + size])], range(0, len(files), size)):
            pass


def forget(files: Sequence[Path]) -> None:
    """Drop the files from the cache of the system."""
    for file in files:
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def show(records: Iterator[Record], *, as_json: bool) -> None:
    """Print records under the names of their fields, or as JSON Lines."""
    rows = list(records)
    if as_json:
        print(*map(json.dumps, rows), sep="\n", flush=True)
    elif rows:
        lines = [[name.replace("_", " ") for name in rows[0]], *([_readable(v) for v in row.values()] for row in rows)]
        print(*("  ".join(f"{cell:>15}" for cell in line) for line in lines), "", sep="\n", flush=True)


def _speed(title: str, one: Scan, row: timing.Row) -> Record:
    return {
        "files": title,
        "workers": one.workers,
        "a_second": 1 / row.median,
        "spread": row.slowest / row.fastest,
    }


def _readable(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
