"""``python -m bench join``: all close pairs of one collection, one thread each.

A sample of range queries is timed and extrapolated, and the row's name says so, where an engine has no join, as all
peers, where its join would take minutes, and where there are too many pairs for the memory.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

from bench import codes, engines, timing
from bench.answers import Found, check, same_answers
from bench.codes import Codes
from bench.engines import Engine

_LONGEST_JOIN = 120.0
_MOST_PAIRS = 100_000_000
_SAMPLE = 1000


def main(argv: list[str]) -> None:
    """Build every engine on every set of codes, compare their pairs, then time them."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, nargs="+", default=[100_000], help="numbers of codes (default 100000)")
    parser.add_argument("--radius", type=int, nargs="+", default=[8], help="radii in bits (default 8)")
    parser.add_argument("--words", type=int, default=1, help="64-bit words per code (default 1)")
    parser.add_argument("--data", nargs="+", help=f"sets of codes: uniform, correlated, {', '.join(codes.PHOTO_SETS)}")
    asked = parser.parse_args(argv)
    for name in asked.data or codes.names(asked.words):
        for n in asked.n:
            bench(codes.collection(name, n, 0, asked.words).codes, asked, data=name, n=n, words=asked.words)


def bench(collection: Codes, asked: argparse.Namespace, **setting: object) -> None:
    """Report the self-join at every radius."""
    built, _ = engines.build_all(collection)
    for radius in asked.radius:
        contenders, joined = compared(built, collection, radius)
        rows = timing.measure(contenders, asked.rounds, warm_up=False)
        pairs = {} if joined is None else {"pairs": joined.ids.size}
        baseline = engines.fastest(rows, "faiss flat")
        timing.report(rows, baseline, as_json=asked.json, what="self-join", radius=radius, **setting, **pairs)


def compared(built: list[Engine], collection: Codes, radius: int) -> tuple[list[timing.Contender], Found | None]:
    """Return what to time, and all pairs if any engine can find them.

    The answers of all to a sample of queries must agree, and so must all whole joins.
    """
    contenders: list[timing.Contender] = []
    samples: list[tuple[int, Found]] = []
    joins: list[Found] = []
    for engine in built:
        if engine.range_query is None:
            continue
        asked = engines.affordable(engine.range_query, collection[:_SAMPLE], radius)
        start = time.perf_counter()
        samples.append((len(asked), engine.range_query(asked, radius)))
        share = len(asked) / len(collection)
        seconds, matches = (time.perf_counter() - start) / share, samples[-1][1].ids.size / share
        check(engine.name, samples[-1], samples[0], same_answers)
        if engine.self_join is not None and seconds <= _LONGEST_JOIN and matches <= 2 * _MOST_PAIRS:
            joins.append(engine.self_join(radius))
            check(engine.name, (len(collection), joins[-1]), (len(collection), joins[0]), same_answers)
            contenders.append(timing.Contender(engine.name, partial(engine.self_join, radius)))
        else:
            name = f"{engine.name}, {len(asked)} queries extrapolated"
            ask = partial(engine.range_query, asked, radius)
            contenders.append(timing.Contender(name, ask, share))
    return contenders, joins[0] if joins else None
