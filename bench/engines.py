"""Our indexes and those of other libraries behind one interface, each with one thread and its best exact parameters.

Peers that are not installed, or would take minutes to build, are left out with a message. imagededup requires torch,
which its searches do not need: ``pip install --no-deps imagededup`` is enough.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.matches import Found, from_lists, from_pairs, from_table
from bench.timing import Contender, Row
from phash_engine.index import KINDS, Index

Codes = NDArray[np.uint64]

_LONGEST_CALL = 0.5
"""Most seconds of one timed call: slow engines get fewer queries."""


Search = Callable[[Codes, int], Found]
"""``(queries, radius or k)`` → matches."""

Graph = Callable[[Codes, int, int], Found]
"""``(queries, k, breadth)`` → about the ``k`` nearest codes."""


class Engine(NamedTuple):
    """An index over codes ``(n, words)``.

    Attributes
    ----------
    name
        What its rows are called.
    range_search
        ``(queries, radius)`` → all codes within ``radius`` bits, inclusive; None if it cannot.
    nearest
        ``(queries, k)`` → the ``k`` nearest codes; None if it cannot.
    self_join
        ``radius`` → all pairs, as left ids, right ids and distances; None if it has only range queries.
    exact
        Whether its results must equal those of the first engine.
    """

    name: str
    range_search: Search | None = None
    nearest: Search | None = None
    self_join: Callable[[int], Found] | None = None
    exact: bool = True


class _Peer(NamedTuple):
    """How to build an engine, the module it needs, the most codes it indexes in a minute, whether codes may be wide."""

    build: Callable[[Codes], Engine]
    module: str
    most: int
    wide: bool = True


def build_all(codes: Codes) -> tuple[list[Engine], list[Row]]:
    """Build all kinds of our index and all available peers; return them with their build times.

    Libraries and kernels are loaded first.
    """
    engines, rows = [], []
    for name, build in (*_ours(), *_peers(*codes.shape)):
        build(codes[:2])
        start = time.perf_counter()
        try:
            engine = build(codes)
        except RecursionError as error:
            _leave_out(name, str(error))
            continue
        seconds = time.perf_counter() - start
        engines.append(engine)
        rows.append(Row(engine.name, seconds, seconds, seconds))
    return engines, rows


def affordable(search: Search, queries: Codes, limit: int) -> Codes:
    """Return as many of the queries as an engine runs in half a second, at least one."""
    search(queries[:2], limit)
    start = time.perf_counter()
    search(queries[:2], limit)
    share = 2 * _LONGEST_CALL / (time.perf_counter() - start)
    return queries[: max(1, int(share))]


def timed(name: str, search: Search, queries: Codes, limit: int) -> Contender:
    """Return the contender that runs all queries in one call."""
    return Contender(name, partial(search, queries, limit), len(queries))


def fastest(rows: list[Row], prefix: str) -> str:
    """Return the name of the fastest row whose name begins with ``prefix``; of the first row if there is none."""
    return min((row for row in rows if row.name.startswith(prefix)), key=lambda row: row.median, default=rows[0]).name


def _ours() -> Iterator[tuple[str, Callable[[Codes], Engine]]]:
    """Yield builders of all kinds except ``auto``, which uses one of them."""
    for kind in KINDS:
        if kind != "auto":
            yield kind, partial(ours, kind)


def ours(kind: str, codes: Codes, threads: int = 1) -> Engine:
    """Build one kind of our index, with kernels loaded, which small jobs would not load."""
    import_module("phash_engine.index.kernels.scan")
    index = Index(codes, kind=kind, threads=threads)
    return Engine(
        kind if threads == 1 else f"{kind}, {threads} threads",
        lambda queries, radius: Found(*index.range_search(queries, radius)),
        lambda queries, k: Found(*index.search(queries, k)),
        lambda radius: Found(*index.self_join(radius)),
    )


def _peers(n: int, words: int) -> Iterator[tuple[str, Callable[[Codes], Engine]]]:
    for name, peer in _PEERS.items():
        if not find_spec(peer.module):
            _leave_out(name, f"{peer.module} is not installed")
        elif n > peer.most:
            _leave_out(name, f"more than {peer.most:,} codes take minutes")
        elif words > 1 and not peer.wide:
            _leave_out(name, "it supports 64-bit codes only")
        else:
            yield name, peer.build


def _leave_out(name: str, reason: str) -> None:
    print(f"left out: {name}: {reason}", file=sys.stderr)


def _faiss_flat(codes: Codes) -> Engine:
    """Return a linear scan. The radius of faiss is exclusive."""
    faiss = _faiss()
    index = faiss.IndexBinaryFlat(64 * codes.shape[1])
    index.add(_bytes(codes))
    return Engine(
        "faiss flat",
        lambda queries, radius: from_lists(*index.range_search(_bytes(queries), radius + 1)),
        lambda queries, k: from_table(*index.search(_bytes(queries), k)),
    )


def _faiss_multi_hash(tables: int, codes: Codes) -> Engine:
    """Hash tables on chunks of the code, exact if every probe flips up to ``radius // tables`` bits."""
    words = codes.shape[1]
    index = _faiss().IndexBinaryMultiHash(64 * words, tables * words, 64 // tables)
    index.add(_bytes(codes))

    def range_search(queries: Codes, radius: int) -> Found:
        index.nflip = radius // (tables * words)
        return from_lists(*index.range_search(_bytes(queries), radius + 1))

    return Engine(f"faiss multi-hash {tables * words}x{64 // tables}", range_search)


def faiss_graph(codes: Codes) -> Graph:
    """Return the nearest queries of an HNSW graph, which is not exact: the broader its search, the more it finds."""
    index = _faiss().IndexBinaryHNSW(64 * codes.shape[1], 16)
    index.add(_bytes(codes))

    def nearest(queries: Codes, k: int, breadth: int) -> Found:
        index.hnsw.efSearch = breadth
        return from_table(*index.search(_bytes(queries), k))

    return nearest


def _usearch(codes: Codes) -> Engine:
    """Return a linear scan; it has no range query."""
    usearch = import_module("usearch.index")

    def nearest(queries: Codes, k: int) -> Found:
        found = usearch.search(_bytes(codes), _bytes(queries), k, usearch.MetricKind.Hamming, exact=True, threads=1)
        return from_table(np.atleast_2d(found.distances), np.atleast_2d(found.keys))

    return Engine("usearch exact", nearest=nearest)


def _pybktree(codes: Codes) -> Engine:
    """Return a BK-tree of Python objects."""
    tree = import_module("pybktree").BKTree(lambda one, other: (one[0] ^ other[0]).bit_count())
    for i, code in enumerate(_numbers(codes)):
        tree.add((code, i))

    def range_search(queries: Codes, radius: int) -> Found:
        found = [[(i, d) for d, (_, i) in tree.find((query, -1), radius)] for query in _numbers(queries)]
        return from_pairs(found)

    return Engine("pybktree", range_search)


def _imagededup(module: str, name: str, codes: Codes) -> Engine:
    """Codes as hex strings by file name; this distance of strings is faster than its own, which loads torch."""
    texts = {str(i): f"{code:016x}" for i, code in enumerate(_numbers(codes))}
    search = getattr(import_module(f"imagededup.handlers.search.{module}"), name)
    index = search(texts, lambda one, other: (int(one, 16) ^ int(other, 16)).bit_count())

    def range_search(queries: Codes, radius: int) -> Found:
        found = [index.search(query=f"{query:016x}", tol=radius) for query in _numbers(queries)]
        return from_pairs([[(int(i), distance) for i, distance in pairs] for pairs in found])

    return Engine(f"imagededup {name}", range_search)


def _faiss() -> Any:
    faiss = import_module("faiss")
    faiss.omp_set_num_threads(1)
    return faiss


def _bytes(codes: Codes) -> NDArray[np.uint8]:
    return np.ascontiguousarray(codes).view(np.uint8)


def _numbers(codes: Codes) -> list[int]:
    """Return codes of one word as Python integers."""
    numbers: list[int] = codes[:, 0].tolist()
    return numbers


_PEERS = {
    "faiss flat": _Peer(_faiss_flat, "faiss", 100_000_000),
    "faiss multi-hash 2": _Peer(partial(_faiss_multi_hash, 2), "faiss", 20_000_000),
    "faiss multi-hash 3": _Peer(partial(_faiss_multi_hash, 3), "faiss", 20_000_000),
    "faiss multi-hash 4": _Peer(partial(_faiss_multi_hash, 4), "faiss", 20_000_000),
    "usearch": _Peer(_usearch, "usearch", 20_000_000),
    "pybktree": _Peer(_pybktree, "pybktree", 1_000_000, wide=False),
    "imagededup BKTree": _Peer(partial(_imagededup, "bktree", "BKTree"), "imagededup", 100_000, wide=False),
    "imagededup cython": _Peer(
        partial(_imagededup, "brute_force_cython", "BruteForceCython"), "imagededup", 1_000_000, wide=False
    ),
}
