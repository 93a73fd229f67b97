"""``python -m bench join``: all close pairs of one collection, one thread each, and our multi-index with several.

If an engine has no join, as all peers, or its join would take too long or too much memory, a sample of range queries is
timed and extrapolated; the name of the row shows that. Joins of up to 100,000 codes are compared completely with the
linear index; of larger ones, all pairs whose left code is one of the first thousand, which are in random order.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

from bench import codes, engines, timing
from bench.codes import Codes
from bench.engines import Engine
from bench.matches import Found, check, same_matches

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
    options = parser.parse_args(argv)
    for name in options.data or codes.names(options.words):
        for n in options.n:
            bench(codes.collection(name, n, 0, options.words).codes, options, data=name, n=n, words=options.words)


def bench(collection: Codes, options: argparse.Namespace, **setting: object) -> None:
    """Report the self-join at every radius."""
    built, _ = engines.build_all(collection)
    built += [engines.ours("multi", collection, threads) for threads in options.threads]
    for radius in options.radius:
        contenders, pairs = compared(built, collection, radius)
        rows = timing.measure(contenders, options.rounds, warm_up=False)
        baseline = engines.fastest(rows, "faiss flat")
        found = {} if pairs is None else {"pairs": pairs}
        timing.report(rows, baseline, as_json=options.json, what="self-join", radius=radius, **setting, **found)


def compared(built: list[Engine], collection: Codes, radius: int) -> tuple[list[timing.Contender], int | None]:
    """Return what to time, and the number of pairs if an engine has a join; exit if results differ."""
    contenders: list[timing.Contender] = []
    samples: list[tuple[int, Found]] = []
    pairs = None
    for engine in built:
        if engine.range_search is None:
            continue
        queries = engines.affordable(engine.range_search, collection[:_SAMPLE], radius)
        start = time.perf_counter()
        samples.append((len(queries), engine.range_search(queries, radius)))
        share = len(queries) / len(collection)
        seconds, matches = (time.perf_counter() - start) / share, samples[-1][1].ids.size / share
        check(engine.name, samples[-1], samples[0], same_matches)
        if engine.self_join is not None and seconds <= _LONGEST_JOIN and matches <= 2 * _MOST_PAIRS:
            pairs = check_join(engine, built[0], collection, radius)
            contenders.append(timing.Contender(engine.name, partial(engine.self_join, radius)))
        else:
            name = f"{engine.name}, {len(queries)} queries extrapolated"
            search = partial(engine.range_search, queries, radius)
            contenders.append(timing.Contender(name, search, share))
    return contenders, pairs


def check_join(engine: Engine, brute: Engine, collection: Codes, radius: int) -> int:
    """Return the number of pairs an engine finds, after comparing those of the first codes with range queries."""
    if engine.self_join is None or brute.range_search is None:
        raise ValueError(f"{engine.name} has no join, or {brute.name} no range query")
    joined = engine.self_join(radius)
    lefts = len(collection) if len(collection) <= _MOST_COMPARED else _SAMPLE
    matches = brute.range_search(collection[:lefts], radius)
    later = matches.ids > matches.queries
    check(engine.name, (lefts, joined), (lefts, Found(*(column[later] for column in matches))), same_matches)
    return joined.ids.size
