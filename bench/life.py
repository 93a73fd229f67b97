"""``python -m bench life``: building a multi-index, its memory, adding codes, queries before and after, one thread."""

from __future__ import annotations

import tracemalloc
from functools import partial
from importlib import import_module
from statistics import median

from bench import codes, timing
from bench.codes import Codes
from phash_engine.index import Index
from phash_engine.index.costs import chunks_for_queries
from phash_engine.index.kernels.buckets import build
from phash_engine.index.kernels.chunks import make_chunks
from phash_engine.index.validation import as_columns

_QUERIES = 1000
_RECENT = 33
"""Codes held for each recent one: nearly the most recent codes before they are merged into the buckets."""


def main(argv: list[str]) -> None:
    """Report each set of codes."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=1_000_000, help="number of codes (default 1000000)")
    parser.add_argument("--added", type=int, default=65_536, help="codes added (default 65536)")
    parser.add_argument("--words", type=int, default=1, help="64-bit words per code (default 1)")
    parser.add_argument("--data", nargs="+", help=f"sets of codes: uniform, correlated, {', '.join(codes.PHOTO_SETS)}")
    options = parser.parse_args(argv)
    for name in options.data or codes.names(options.words):
        collection = codes.collection(name, options.n + options.added, _QUERIES, options.words)
        held, added = collection.codes[: options.n], collection.codes[options.n :]
        built, resident = building(held, options.rounds)
        lived = living(held, added, collection.queries, options.rounds)
        setting = {"data": name, "n": options.n, "words": options.words}
        timing.report(built, built[0].name, as_json=options.json, what="build", bytes_per_code=resident, **setting)
        timing.report(lived, lived[-1].name, as_json=options.json, what="life", added=options.added, **setting)


def building(held: Codes, rounds: int) -> tuple[list[timing.Row], float]:
    """Time the buckets alone, in the given bit order, and the whole index; also return the bytes of a code."""
    words = held.shape[1]
    chunks, columns = make_chunks(words, chunks_for_queries(len(held), words, 8 * words)), as_columns(held)
    contenders = [
        timing.Contender("buckets in a given bit order", partial(build, columns, chunks, 1)),
        timing.Contender("multi", partial(_index, held)),
    ]
    return timing.measure(contenders, rounds), round(resident_bytes(held) / len(held), 1)


def living(held: Codes, added: Codes, queries: Codes, rounds: int) -> list[timing.Row]:
    """Time adding all codes to a new index, and queries with and without some that are not in its buckets yet."""
    fresh = [timing.Contender("add", partial(_index(held).add, added)) for _ in range(rounds)]
    times = [row.median for row in timing.measure(fresh, 1, warm_up=False)]
    grown, recent = _index(held), added[: len(held) // _RECENT]
    grown.add(recent)
    searches = ((f"query, {len(recent)} recently added", grown.range_search), ("query", _index(held).range_search))
    timed = [
        timing.Contender(name, partial(search, queries, 8 * held.shape[1]), len(queries)) for name, search in searches
    ]
    return [timing.Row("add", median(times), min(times), max(times)), *timing.measure(timed, rounds)]


def resident_bytes(held: Codes) -> int:
    """Return the bytes of memory of an index."""
    tracemalloc.start()
    index = _index(held)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del index
    return kept


def _index(held: Codes) -> Index:
    import_module("phash_engine.index.kernels.scan")
    return Index(held, kind="multi", threads=1)
