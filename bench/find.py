"""One image looked up from the command line: the whole process, compared with its necessary imports."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import photos, timing
from phash_engine import images
from phash_engine.catalogue.store import Store
from phash_engine.hashing import codes, hashers, orientation

RADIUS = 24
_BATCH = 1_000_000


def main(argv: list[str]) -> None:
    """Run the benchmark."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=100_000, help="codes in the catalogue (default 100,000)")
    options = parser.parse_args(argv)
    (image,) = photos.web(1)
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "photos.db"
        table = fill(catalogue, image, options.n)
        commands = {
            "phash find": find_command(image, catalogue),
            "phash find --no-rotations": [*find_command(image, catalogue), "--no-rotations"],
            "import numpy, PIL.Image": [sys.executable, "-c", "import numpy, PIL.Image"],
        }
        check(commands["phash find"], image, table)
        contenders = [timing.Contender(name, lambda line=line: run(line)) for name, line in commands.items()]  # type: ignore[misc]
        rows = timing.measure(contenders, options.rounds)
    timing.report(rows, contenders[-1].name, as_json=options.json, n=options.n)


def fill(catalogue: Path, image: Path, n: int) -> NDArray[np.uint64]:
    """Make a catalogue of ``n`` random codes, a hundred of them near the image's, and return the codes."""
    rng = np.random.default_rng(7)
    table = rng.integers(0, 1 << 64, (n, 10), dtype=np.uint64)
    planted = np.arange(0, n, max(1, n // 100))
    flips = np.uint64(1) << rng.integers(0, 64, (8, len(planted), 10), dtype=np.uint64)
    kept = rng.random(flips.shape) < 0.5
    own = hashers.hash_blocks(images.read_block(image)[np.newaxis])
    table[planted] = own ^ np.bitwise_xor.reduce(np.where(kept, flips, 0).astype(np.uint64), axis=0)
    with Store(catalogue) as opened:
        for first in range(0, n, _BATCH):
            rows = range(first, min(first + _BATCH, n))
            opened.add_fingerprints([f"/photos/{row:09d}.jpg" for row in rows], table[rows.start : rows.stop])
    return table


def find_command(image: Path, catalogue: Path) -> list[str]:
    """Return the command line that looks the image up."""
    return [sys.executable, "-m", "phash_engine", "find", str(image), "--catalogue", str(catalogue)]


def check(command: Sequence[str], image: Path, table: NDArray[np.uint64]) -> None:
    """Compare what the command prints with distances taken one by one."""
    own = hashers.hash_blocks(images.read_block(image)[np.newaxis])[0]
    near = codes.distances(orientation.turned(table), orientation.upright(own[np.newaxis])).sum(axis=2).min(axis=0)
    near = np.minimum(
        near, codes.distances(orientation.turned(own[np.newaxis]), orientation.upright(table)).sum(axis=2).min(axis=0)
    )
    expected = sorted((int(near[row]), f"/photos/{row:09d}.jpg") for row in np.flatnonzero(near <= RADIUS))
    printed = [line.split("\t") for line in run(command).decode().splitlines()]
    if [(int(distance), path) for distance, _, path in printed] != expected:
        raise SystemExit("phash find differs from the distances taken one by one")


def run(command: Sequence[str]) -> bytes:
    """Run a command to its end and return what it printed; modules are compiled once, as in an installed package."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(command, check=True, capture_output=True, env=environment).stdout
