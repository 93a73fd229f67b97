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
_BESIDE = 33
"""One code added to so many held is nearly the most that waits beside the buckets."""


def main(argv: list[str]) -> None:
    """Report one set of codes after the other."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=1_000_000, help="number of codes (default 1000000)")
    parser.add_argument("--added", type=int, default=65_536, help="codes added (default 65536)")
    parser.add_argument("--words", type=int, default=1, help="64-bit words per code (default 1)")
    parser.add_argument("--data", nargs="+", help=f"sets of codes: uniform, correlated, {', '.join(codes.PHOTO_SETS)}")
    asked = parser.parse_args(argv)
    for name in asked.data or codes.names(asked.words):
        collection = codes.collection(name, asked.n + asked.added, _QUERIES, asked.words)
        held, added = collection.codes[: asked.n], collection.codes[asked.n :]
        built, resident = building(held, asked.rounds)
        lived = living(held, added, collection.queries, asked.rounds)
        setting = {"data": name, "n": asked.n, "words": asked.words}
        timing.report(built, built[0].name, as_json=asked.json, what="build", bytes_per_code=resident, **setting)
        timing.report(lived, lived[-1].name, as_json=asked.json, what="life", added=asked.added, **setting)


def building(held: Codes, rounds: int) -> tuple[list[timing.Row], float]:
    """Time the buckets alone, in the order of the bits as they come, and the whole index; bytes it keeps for a code."""
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
    grown, beside = _index(held), added[: len(held) // _BESIDE]
    grown.add(beside)
    asks = ((f"query, {len(beside)} added beside", grown.range_search), ("query", _index(held).range_search))
    asking = [timing.Contender(name, partial(ask, queries, 8 * held.shape[1]), len(queries)) for name, ask in asks]
    return [timing.Row("add", median(times), min(times), max(times)), *timing.measure(asking, rounds)]


def resident_bytes(held: Codes) -> int:
    """Return the memory that an index keeps."""
    tracemalloc.start()
    index = _index(held)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del index
    return kept


def _index(held: Codes) -> Index:
    import_module("phash_engine.index.kernels.scan")
    return Index(held, kind="multi", threads=1)
