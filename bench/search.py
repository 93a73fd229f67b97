"""``python -m bench search``: range and nearest queries, all kinds of index beside the best peers, one thread each."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from bench import codes, engines, timing
from bench.answers import Found, check, recall, same_answers, same_distances
from bench.codes import Codes
from bench.engines import Ask, Engine, Graph

_GRAPH_RECALL = 0.97
_BREADTHS = (16, 32, 64, 128, 256, 512, 1024)


def main(argv: list[str]) -> None:
    """Build every engine on every set of codes, compare their answers, then time them."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, nargs="+", default=[1_000_000], help="numbers of codes (default 1000000)")
    parser.add_argument("--radius", type=int, nargs="*", default=[0, 2, 4, 8], help="radii in bits (default 0 2 4 8)")
    parser.add_argument("--k", type=int, nargs="*", default=[10], help="numbers of nearest codes (default 10)")
    parser.add_argument("--words", type=int, default=1, help="64-bit words per code (default 1)")
    parser.add_argument("--queries", type=int, default=1000, help="queries in one call (default 1000)")
    parser.add_argument("--data", nargs="+", help=f"sets of codes: uniform, correlated, {', '.join(codes.PHOTO_SETS)}")
    parser.add_argument("--single", action="store_true", help="one query in each call")
    parser.add_argument("--graph", action="store_true", help="faiss HNSW, too, which takes minutes to build")
    asked = parser.parse_args(argv)
    for name in asked.data or codes.names(asked.words):
        for n in asked.n:
            setting = {"data": name, "n": n, "words": asked.words}
            collection = codes.collection(name, n, asked.queries, asked.words)
            bench(collection, asked, **setting)


def bench(collection: codes.Collection, asked: argparse.Namespace, **setting: object) -> None:
    """Report building, range queries of all radii and nearest queries of all counts."""
    built, rows = engines.build_all(collection.codes)
    timing.report(rows, engines.fastest(rows, "faiss multi"), as_json=asked.json, what="build", **setting)
    for radius in asked.radius:
        rows = range_rows(built, collection.queries, radius, asked.rounds, single=asked.single)
        baseline = engines.fastest(rows, "faiss")
        timing.report(rows, baseline, as_json=asked.json, what="range query", radius=radius, **setting)
    graph = engines.faiss_graph(collection.codes) if asked.graph else None
    for k in asked.k:
        inexact = [] if graph is None else [good_enough(graph, built[0], collection.queries, k)]
        rows = nearest_rows(built + inexact, collection.queries, k, asked.rounds, single=asked.single)
        timing.report(rows, engines.fastest(rows, "faiss flat"), as_json=asked.json, what="nearest", k=k, **setting)


def range_rows(
    built: list[Engine], queries: Codes, radius: int, rounds: int, *, single: bool = False
) -> list[timing.Row]:
    """Time range queries of all engines that have them."""
    asks = [(each, each.range_search) for each in built if each.range_search is not None]
    return _compared(asks, queries, radius, rounds, same_answers, single)


def nearest_rows(built: list[Engine], queries: Codes, k: int, rounds: int, *, single: bool = False) -> list[timing.Row]:
    """Time nearest queries of all engines that have them; which of several codes at one distance is free."""
    asks = [(each, each.nearest) for each in built if each.nearest is not None]
    return _compared(asks, queries, k, rounds, same_distances, single)


def good_enough(graph: Graph, exact: Engine, queries: Codes, k: int) -> Engine:
    """Return the graph at the smallest breadth whose recall is high enough, or at the largest."""
    if exact.nearest is None:
        raise ValueError(f"{exact.name} has no nearest query to compare with")
    expected = exact.nearest(queries, k)
    for breadth in _BREADTHS:
        share = recall(graph(queries, k, breadth), expected)
        if share >= _GRAPH_RECALL:
            break
    name = f"faiss HNSW {breadth}, recall {share:.3f}"
    return Engine(name, nearest=lambda some, count: graph(some, count, breadth), exact=False)


def _compared(
    asks: Sequence[tuple[Engine, Ask]],
    queries: Codes,
    limit: int,
    rounds: int,
    same: Callable[[Found, Found], bool],
    single: bool,
) -> list[timing.Row]:
    """Compare the answers of all that are exact with those of the first, then time them."""
    contenders: list[timing.Contender] = []
    answers: list[tuple[int, Found]] = []
    for engine, ask in asks:
        asked = engines.affordable(ask, queries, limit)
        answers.append((len(asked), ask(asked, limit)))
        if engine.exact:
            check(engine.name, answers[-1], answers[0], same)
        call = partial(_one_by_one if single else _at_once, ask, asked, limit)
        contenders.append(timing.Contender(engine.name, call, len(asked)))
    return timing.measure(contenders, rounds, warm_up=False)


def _at_once(ask: Ask, queries: Codes, limit: int) -> None:
    ask(queries, limit)


def _one_by_one(ask: Ask, queries: Codes, limit: int) -> None:
    for i in range(len(queries)):
        ask(queries[i : i + 1], limit)
