"""``python -m bench join``: all close pairs of one collection, one thread each, and our multi-index with several.

A sample of range queries is timed and extrapolated, and the row's name says so, where an engine has no join, as all
peers, where its join would take long, and where there are too many pairs for the memory. Joins of up to 100,000 codes
are compared completely with the brute force of the linear index; of larger ones, all pairs whose left code is one of
the first thousand, which stand in random order.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

from bench import codes, engines, timing
from bench.answers import Found, check, same_answers
from bench.codes import Codes
from bench.engines import Engine

_LONGEST_JOIN = 40.0
_MOST_PAIRS = 100_000_000
_MOST_COMPARED = 100_000
_SAMPLE = 1000


def main(argv: list[str]) -> None:
    """Build every engine on every set of codes, compare their pairs, then time them."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, nargs="+", default=[100_000], help="numbers of codes (default 100000)")
    parser.add_argument("--radius", type=int, nargs="+", default=[8], help="radii in bits (default 8)")
    parser.add_argument("--words", type=int, default=1, help="64-bit words per code (default 1)")
    parser.add_argument("--threads", type=int, nargs="*", default=[2, 4], help="more threads to try (default 2 4)")
    parser.add_argument("--data", nargs="+", help=f"sets of codes: uniform, correlated, {', '.join(codes.PHOTO_SETS)}")
    asked = parser.parse_args(argv)
    for name in asked.data or codes.names(asked.words):
        for n in asked.n:
            bench(codes.collection(name, n, 0, asked.words).codes, asked, data=name, n=n, words=asked.words)


def bench(collection: Codes, asked: argparse.Namespace, **setting: object) -> None:
    """Report the self-join at every radius."""
    built, _ = engines.build_all(collection)
    built += [engines.ours("multi", collection, threads) for threads in asked.threads]
    for radius in asked.radius:
        contenders, pairs = compared(built, collection, radius)
        rows = timing.measure(contenders, asked.rounds, warm_up=False)
        baseline = engines.fastest(rows, "faiss flat")
        found = {} if pairs is None else {"pairs": pairs}
        timing.report(rows, baseline, as_json=asked.json, what="self-join", radius=radius, **setting, **found)


def compared(built: list[Engine], collection: Codes, radius: int) -> tuple[list[timing.Contender], int | None]:
    """Return what to time, and the number of pairs if any engine can find them; stop if their answers differ."""
    contenders: list[timing.Contender] = []
    samples: list[tuple[int, Found]] = []
    pairs = None
    for engine in built:
        if engine.range_search is None:
            continue
        asked = engines.affordable(engine.range_search, collection[:_SAMPLE], radius)
        start = time.perf_counter()
        samples.append((len(asked), engine.range_search(asked, radius)))
        share = len(asked) / len(collection)
        seconds, matches = (time.perf_counter() - start) / share, samples[-1][1].ids.size / share
        check(engine.name, samples[-1], samples[0], same_answers)
        if engine.self_join is not None and seconds <= _LONGEST_JOIN and matches <= 2 * _MOST_PAIRS:
            pairs = check_join(engine, built[0], collection, radius)
            contenders.append(timing.Contender(engine.name, partial(engine.self_join, radius)))
        else:
            name = f"{engine.name}, {len(asked)} queries extrapolated"
            ask = partial(engine.range_search, asked, radius)
            contenders.append(timing.Contender(name, ask, share))
    return contenders, pairs


def check_join(engine: Engine, brute: Engine, collection: Codes, radius: int) -> int:
    """Return the number of pairs an engine finds, after those of the first codes were compared with range queries."""
    if engine.self_join is None or brute.range_search is None:
        raise ValueError(f"{engine.name} has no join, or {brute.name} no range query")
    joined = engine.self_join(radius)
    lefts = len(collection) if len(collection) <= _MOST_COMPARED else _SAMPLE
    matches = brute.range_search(collection[:lefts], radius)
    later = matches.ids > matches.queries
    check(engine.name, (lefts, joined), (lefts, Found(*(column[later] for column in matches))), same_answers)
    return joined.ids.size
