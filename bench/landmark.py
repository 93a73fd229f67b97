"""A landmark challenge's first stage: for 100,000 pictures the 100 nearest of a million, as the submission file.

Our time is that of a whole process on all processors, from codes in files to the written CSV. It is compared with a
pairwise loop over binary vectors in plain Python, and with faiss, both timed on samples of the queries and
extrapolated.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench import codes, timing
from bench.codes import Codes
from bench.matches import Found, check, from_table, same_distances
from bench.timing import Contender
from phash_engine.evaluation.submissions import MOST, read, write
from phash_engine.index import Index

_ROOT = Path(__file__).parents[1]
_LOOP_PAIRS = 2000
_CHECKED = 50


def main(argv: list[str]) -> None:
    """Search for all queries, check some results against all distances, and time the others on samples."""
    options = _options(argv)
    made = codes.collection(options.data, options.n, options.queries)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("codes.npy", "queries.npy", "submission.csv")]
        np.save(paths[0], made.codes)
        np.save(paths[1], made.queries)
        ours = Contender("ours, whole process", partial(_run, paths, options.radius))
        ours.call()
        check_submission(made, options.radius, paths[2])
        pairs = options.n * options.queries
        contenders = [
            ours,
            Contender("loop over vectors, extrapolated", partial(loop, made), _LOOP_PAIRS / pairs),
            *_faiss(made, options.sample),
        ]
        rows = timing.measure(contenders, options.rounds, warm_up=False)
    setting = {"data": options.data, "n": options.n, "queries": options.queries, "radius": options.radius}
    timing.report(rows, "loop over vectors, extrapolated", as_json=options.json, **setting)


def search(codes_path: str, queries_path: str, radius: int, submission_path: str) -> None:
    """Read codes and queries, and write the submission."""
    index = Index(np.load(codes_path))
    queries = np.load(queries_path)
    found = index.range_search(queries, radius)
    ends = np.searchsorted(found.queries, np.arange(len(queries) + 1)).tolist()
    names = _names(max(len(index), len(queries)))
    ids = list(map(names.__getitem__, found.ids.tolist()))
    rows = {names[query]: ids[first : min(first + MOST, last)] for query, (first, last) in enumerate(pairwise(ends))}
    write(submission_path, "images", rows)


def check_submission(made: codes.Collection, radius: int, path: Path) -> None:
    """Compare the results of some queries with the distances to every code; stop where they differ."""
    rows = list(read(path).rows.values())
    for query in range(min(_CHECKED, len(rows))):
        distances = np.bitwise_count(made.codes[:, 0] ^ made.queries[query, 0]).astype(np.int64)
        given = [int(name, 16) for name in rows[query]]
        expected = np.sort(distances[distances <= radius])[:MOST]
        if not np.array_equal(distances[given], expected):
            raise SystemExit(f"query {query}: the results are not the nearest")


def _names(count: int) -> list[str]:
    """Return numbers from 0 as 16 hex digits each, as the challenge names its pictures."""
    digits = np.arange(count, dtype=">u8").tobytes().hex()
    return [digits[start : start + 16] for start in range(0, len(digits), 16)]


def loop(made: codes.Collection) -> list[int]:
    """Compare one query with some codes, all as lists of bits."""
    bits = np.unpackbits(made.codes[:_LOOP_PAIRS].view(np.uint8), axis=1).tolist()
    query = np.unpackbits(made.queries[:1].view(np.uint8)).tolist()
    found = []
    for row in range(_LOOP_PAIRS):
        vector = bits[row % len(bits)]
        found.append(sum(a != b for a, b in zip(query, vector, strict=True)))
    return found


def _run(paths: list[Path], radius: int) -> None:
    codes_path, queries_path, submission_path = map(str, paths)
    call = f"search({codes_path!r}, {queries_path!r}, {radius}, {submission_path!r})"
    # Rows by the million form no cycles: nothing to collect.
    program = f"import gc; gc.disable(); from bench.landmark import search; {call}"
    subprocess.run([sys.executable, "-c", program], cwd=_ROOT, check=True)


def _faiss(made: codes.Collection, sample: int) -> list[Contender]:
    if find_spec("faiss") is None:
        print("left out: faiss is not installed", file=sys.stderr)
        return []
    index = import_module("faiss").IndexBinaryFlat(64)
    index.add(made.codes.view(np.uint8))
    queries = made.queries[:sample]
    k = min(MOST, len(made.codes))
    ours = Index(made.codes).search(queries, k)
    theirs = _nearest(index, queries, k)
    check("faiss", (len(queries), theirs), (len(queries), Found(*ours)), same_distances)
    share = len(queries) / len(made.queries)
    return [Contender("faiss IndexBinaryFlat, extrapolated", partial(_nearest, index, queries, k), share)]


def _nearest(index: object, queries: Codes, k: int) -> Found:
    distances, ids = index.search(queries.view(np.uint8), k)  # type: ignore[attr-defined]
    return from_table(distances, ids)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=1_000_000, help="codes (default 1000000)")
    parser.add_argument("--queries", type=int, default=100_000, help="queries (default 100000)")
    parser.add_argument("--radius", type=int, default=11, help="bits (default 11)")
    parser.add_argument("--data", default="dct", help="set of codes as of the search bench (default dct)")
    parser.add_argument("--sample", type=int, default=500, help="queries that faiss searches for (default 500)")
    parser.set_defaults(rounds=3)
    return parser.parse_args(argv)
