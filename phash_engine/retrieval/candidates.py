"""Many queries at once → what a second look should compare them with, as columns.

The pre-filter of a two-stage search: codes name the few photos that an embedding, or any other costly comparison, then
ranks. For codes without a catalogue see ``prefilter``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from phash_engine import images
from phash_engine._columns import sorted_columns
from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue.code_store import ALL_NAMES
from phash_engine.errors import ImageError
from phash_engine.hashing import hashers, quality
from phash_engine.hashing.block import SIDE
from phash_engine.hashing.hashers import CODE_NAMES, Codes
from phash_engine.hashing.rules import RADIUS, RULES
from phash_engine.matching.search import Collection, Query, read_query

Queries: TypeAlias = "Sequence[images.Source] | NDArray[Any]"
Column = NDArray[np.int64]


class Candidates(NamedTuple):
    """What to look at again, sorted by (query, distance, id), and the queries that could not be read.

    Attributes
    ----------
    queries
        int64 ``(m,)``: row of the query.
    ids
        int64 ``(m,)``: id of the code of the content's full view, as ``Catalogue.views_of`` takes it.
    distances
        int64 ``(m,)``: bits of 192.
    rules
        str ``(m,)``: the rules of ``rules.RULES``, but for "digest".
    failures
        By row of the query.
    """

    queries: Column
    ids: Column
    distances: Column
    rules: NDArray[np.str_]
    failures: dict[int, ImageError]


def candidates(collection: Collection, queries: Queries, k: int | None = None, radius: int | None = None) -> Candidates:
    """Find the contents whose codes are near those of each query, but for the query itself.

    Parameters
    ----------
    collection
        What to search.
    queries
        Pictures, each anything that ``images.read_block`` takes; blocks, uint16 ``(q, 32, 32)``; or codes, uint64
        ``(q, 5)`` or ``(q, 10)`` with the mirror codes. A picture whose digest is that of a catalogued photo does not
        find that photo. Pictures and blocks with too little structure find nothing, unless the collection trusts all.
    k, radius
        As for ``search.find``; of equally near codes the lowest ids come first.

    Raises
    ------
    TypeError, ValueError
        An array of another dtype or shape, ``k`` below 1, or a radius out of range.
    """
    if k is not None and k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if k is None and radius is None:
        radius = RADIUS
    asked = _fingerprints(queries, collection.trust_all)
    query, ids, distances, rules = _nearest(collection, asked, None if k is None else k + 1, radius)
    others = ~_is_itself(collection, asked, query, ids)
    ordered = sorted_columns(*(column[others] for column in (query, distances, ids, rules)))
    if k is not None:
        first = np.arange(len(ordered[0])) - np.searchsorted(ordered[0], ordered[0]) < k
        ordered = tuple(column[first] for column in ordered)
    query, distances, ids, rules = ordered
    return Candidates(query, ids, distances, np.array(RULES)[rules], asked.failures)


class _Asked(NamedTuple):
    """Views of queries: row of the query, rank and codes ``(n, 10)`` of each; digests and failures by row."""

    rows: Column
    ranks: Column
    table: Codes
    digests: dict[int, bytes]
    failures: dict[int, ImageError]


def _fingerprints(queries: Queries, trust_all: bool) -> _Asked:
    if isinstance(queries, np.ndarray) and queries.dtype == np.uint64:
        if queries.ndim != 2 or queries.shape[1] not in {len(CODE_NAMES), len(ALL_NAMES)}:
            raise ValueError(f"codes to look up have the shape (q, 5) or (q, 10), not {queries.shape}")
        table = np.zeros((len(queries), len(ALL_NAMES)), dtype=np.uint64)
        table[:, : queries.shape[1]] = queries
        return _full_views(np.arange(len(table)), table)
    if isinstance(queries, np.ndarray):
        if queries.dtype != np.uint16 or queries.shape[1:] != (SIDE, SIDE):
            raise TypeError(f"blocks are uint16 (q, {SIDE}, {SIDE}), not {queries.dtype} {queries.shape}")
        trusted = quality.is_trusted(quality.gradient_quality(queries), quality.detail(queries)) | trust_all
        return _full_views(np.flatnonzero(trusted), hashers.hash_blocks(queries[trusted]))
    return _of_pictures(list(in_threads(_read, queries, available_threads())), trust_all)


def _full_views(rows: Column, table: Codes) -> _Asked:
    return _Asked(rows, np.full(len(rows), RULES.index("code")), table, {}, {})


def _of_pictures(readings: Sequence[tuple[bytes | None, Query] | ImageError], trust_all: bool) -> _Asked:
    """Return all views of pictures; an array or a PIL image has no bytes to digest."""
    failures = {row: reading for row, reading in enumerate(readings) if isinstance(reading, ImageError)}
    read = [(row, *reading) for row, reading in enumerate(readings) if not isinstance(reading, ImageError)]
    views = [(row, query.trusted(trust_all)) for row, _, query in read]
    return _Asked(
        np.repeat([row for row, _ in views], [len(query.ranks) for _, query in views]).astype(np.int64),
        np.array([rank for _, query in views for rank in query.ranks], dtype=np.int64),
        np.concatenate([np.empty((0, len(ALL_NAMES)), dtype=np.uint64), *(query.table for _, query in views)]),
        {row: digest for row, digest, _ in read if digest is not None},
        failures,
    )


def _read(source: images.Source) -> tuple[bytes | None, Query] | ImageError:
    try:
        _, digest, query = read_query(source)
    except ImageError as error:
        return error
    return digest, query


def _nearest(collection: Collection, asked: _Asked, k: int | None, radius: int | None) -> tuple[Column, ...]:
    """Return query, content, distance and number of the rule over all ways to compare, of each pair the nearest.

    What is among the ``k`` nearest by the least distance is so in the way that gives it, for whatever is before it
    there is before it in the end; so ``k`` of each way are enough, times the views that a content has at most.
    """
    codes = collection.codes
    most_views = int(np.unique(codes.contents, return_counts=True)[1].max(initial=1))
    parts = [tuple(np.empty((4, 0), dtype=np.int64))]
    for index, words, rule in collection.comparisons(asked.table):
        found = index.nearest(words, k * most_views, radius) if k is not None else index.range_query(words, radius or 0)
        contents = codes.contents[found.ids]
        rules = np.maximum(np.maximum(codes.views[found.ids], asked.ranks[found.queries]), RULES.index(rule))
        parts.append((asked.rows[found.queries], contents, found.distances, rules))
    query, contents, distances, rules = sorted_columns(*map(np.concatenate, zip(*parts, strict=True)))
    first = np.ones(len(query), dtype=np.bool_)
    first[1:] = (np.diff(query) != 0) | (np.diff(contents) != 0)
    return query[first], contents[first], distances[first], rules[first]


def _is_itself(collection: Collection, asked: _Asked, query: Column, contents: Column) -> NDArray[np.bool_]:
    """Whether each match is the content that has the digest of its query."""
    itself = np.zeros(len(query), dtype=np.bool_)
    for row, digest in asked.digests.items():
        known = collection.catalogue.contents.ids([digest]).get(digest, -1)
        itself |= (query == row) & (contents == known)
    return itself
