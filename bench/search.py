"""``python -m bench search``: range and nearest queries, all kinds of index and the best peers, one thread each."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from bench import codes, engines, timing
from bench.codes import Codes
from bench.engines import Engine, Graph, Search
from bench.matches import Found, check, recall, same_distances, same_matches

_GRAPH_RECALL = 0.97
_BREADTHS = (16, 32, 64, 128, 256, 512, 1024)


def main(argv: list[str]) -> None:
    """Build every engine on every set of codes, compare their results, then time them."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, nargs="+", default=[1_000_000], help="numbers of codes (default 1000000)")
    parser.add_argument("--radius", type=int, nargs="*", default=[0, 2, 4, 8], help="radii in bits (default 0 2 4 8)")
    parser.add_argument("--k", type=int, nargs="*", default=[10], help="numbers of nearest codes (default 10)")
    parser.add_argument("--words", type=int, default=1, help="64-bit words per code (default 1)")
    parser.add_argument("--queries", type=int, default=1000, help="queries in one call (default 1000)")
    parser.add_argument("--data", nargs="+", help=f"sets of codes: uniform, correlated, {', '.join(codes.PHOTO_SETS)}")
    parser.add_argument("--single", action="store_true", help="one query in each call")
    parser.add_argument("--graph", action="store_true", help="also faiss HNSW, which takes minutes to build")
    options = parser.parse_args(argv)
    for name in options.data or codes.names(options.words):
        for n in options.n:
            setting = {"data": name, "n": n, "words": options.words}
            collection = codes.collection(name, n, options.queries, options.words)
            bench(collection, options, **setting)


def bench(collection: codes.Collection, options: argparse.Namespace, **setting: object) -> None:
    """Report building, range queries of all radii and nearest queries of all counts."""
    built, rows = engines.build_all(collection.codes)
    timing.report(rows, engines.fastest(rows, "faiss multi"), as_json=options.json, what="build", **setting)
    for radius in options.radius:
        rows = range_rows(built, collection.queries, radius, options.rounds, single=options.single)
        baseline = engines.fastest(rows, "faiss")
        timing.report(rows, baseline, as_json=options.json, what="range query", radius=radius, **setting)
    graph = engines.faiss_graph(collection.codes) if options.graph else None
    for k in options.k:
        inexact = [] if graph is None else [tuned(graph, built[0], collection.queries, k)]
        rows = nearest_rows(built + inexact, collection.queries, k, options.rounds, single=options.single)
        timing.report(rows, engines.fastest(rows, "faiss flat"), as_json=options.json, what="nearest", k=k, **setting)


def range_rows(
    built: list[Engine], queries: Codes, radius: int, rounds: int, *, single: bool = False
) -> list[timing.Row]:
    """Time range queries of all engines that have them."""
    searches = [(each, each.range_search) for each in built if each.range_search is not None]
    return _compared(searches, queries, radius, rounds, same_matches, single)


def nearest_rows(built: list[Engine], queries: Codes, k: int, rounds: int, *, single: bool = False) -> list[timing.Row]:
    """Time k-nearest queries of all engines that have them; ties may be broken differently."""
    searches = [(each, each.nearest) for each in built if each.nearest is not None]
    return _compared(searches, queries, k, rounds, same_distances, single)


def tuned(graph: Graph, exact: Engine, queries: Codes, k: int) -> Engine:
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
    searches: Sequence[tuple[Engine, Search]],
    queries: Codes,
    limit: int,
    rounds: int,
    same: Callable[[Found, Found], bool],
    single: bool,
) -> list[timing.Row]:
    """Compare the results of all exact engines with those of the first, then time them."""
    contenders: list[timing.Contender] = []
    results: list[tuple[int, Found]] = []
    for engine, search in searches:
        some = engines.affordable(search, queries, limit)
        results.append((len(some), search(some, limit)))
        if engine.exact:
            check(engine.name, results[-1], results[0], same)
        call = partial(_one_by_one if single else _at_once, search, some, limit)
        contenders.append(timing.Contender(engine.name, call, len(some)))
    return timing.measure(contenders, rounds, warm_up=False)


def _at_once(search: Search, queries: Codes, limit: int) -> None:
    search(queries, limit)


def _one_by_one(search: Search, queries: Codes, limit: int) -> None:
    for i in range(len(queries)):
        search(queries[i : i + 1], limit)
