"""Many queries → their candidates by code, as columns.

The first stage of a two-stage search: codes select the few photos that an embedding, or any other costly comparison,
then ranks. For codes without a catalogue see ``prefilter``.
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
    """Candidates as columns, sorted by (query, distance, id), and the queries that could not be read.

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


def find_candidates(
    collection: Collection, queries: Queries, k: int | None = None, radius: int | None = None
) -> Candidates:
    """Find the contents whose codes are near those of each query, except the query itself.

    Parameters
    ----------
    collection
        What to search.
    queries
        Pictures, each anything that ``images.read_block`` takes; blocks, uint16 ``(q, 32, 32)``; or codes, uint64
        ``(q, 5)`` or ``(q, 10)`` with the mirror codes. A picture whose digest is that of a catalogued photo does not
        find that photo. Pictures and blocks with too little structure find nothing, unless the collection was made
        with ``trust_all``.
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
    views = _query_views(queries, collection.trust_all)
    query, ids, distances, rules = _nearest(collection, views, None if k is None else k + 1, radius)
    others = ~_is_itself(collection, views, query, ids)
    ordered = sorted_columns(*(column[others] for column in (query, distances, ids, rules)))
    if k is not None:
        first = np.arange(len(ordered[0])) - np.searchsorted(ordered[0], ordered[0]) < k
        ordered = tuple(column[first] for column in ordered)
    query, distances, ids, rules = ordered
    return Candidates(query, ids, distances, np.array(RULES)[rules], views.failures)


class _QueryViews(NamedTuple):
    """Views of queries: row of the query, rank and codes ``(n, 10)`` of each; digests and failures by row."""

    rows: Column
    ranks: Column
    table: Codes
    digests: dict[int, bytes]
    failures: dict[int, ImageError]


def _query_views(queries: Queries, trust_all: bool) -> _QueryViews:
    if isinstance(queries, np.ndarray) and queries.dtype == np.uint64:
        if queries.ndim != 2 or queries.shape[1] not in {len(CODE_NAMES), len(ALL_NAMES)}:
            raise ValueError(f"codes of queries have the shape (q, 5) or (q, 10), not {queries.shape}")
        table = np.zeros((len(queries), len(ALL_NAMES)), dtype=np.uint64)
        table[:, : queries.shape[1]] = queries
        return _full_views(np.arange(len(table)), table)
    if isinstance(queries, np.ndarray):
        if queries.dtype != np.uint16 or queries.shape[1:] != (SIDE, SIDE):
            raise TypeError(f"blocks are uint16 (q, {SIDE}, {SIDE}), not {queries.dtype} {queries.shape}")
        trusted = quality.is_trusted(quality.gradient_quality(queries), quality.detail(queries)) | trust_all
        return _full_views(np.flatnonzero(trusted), hashers.hash_blocks(queries[trusted]))
    return _of_pictures(read_queries(queries), trust_all)


def read_queries(sources: Sequence[images.Source]) -> list[tuple[bytes | None, Query] | ImageError]:
    """Read pictures in threads: of each its digest, where it has bytes, and its views; or why it cannot be read."""
    return list(in_threads(_read, sources, available_threads()))


def _full_views(rows: Column, table: Codes) -> _QueryViews:
    return _QueryViews(rows, np.full(len(rows), RULES.index("code")), table, {}, {})


def _of_pictures(readings: Sequence[tuple[bytes | None, Query] | ImageError], trust_all: bool) -> _QueryViews:
    """Return all views of pictures; an array or a PIL image has no bytes to digest."""
    failures = {row: reading for row, reading in enumerate(readings) if isinstance(reading, ImageError)}
    read = [(row, *reading) for row, reading in enumerate(readings) if not isinstance(reading, ImageError)]
    views = [(row, query.trusted(trust_all)) for row, _, query in read]
    return _QueryViews(
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


def _nearest(collection: Collection, views: _QueryViews, k: int | None, radius: int | None) -> tuple[Column, ...]:
    """Return query, content, distance and number of the rule over all comparisons, of each pair the nearest.

    A content among the ``k`` nearest by its least distance is so in the comparison that gives this distance, because
    whatever is before it there is before it in the end. So ``k`` of each comparison are enough, times the largest
    number of views of a content.
    """
    further = collection.catalogue.further_codes()
    most_views = 1 + int(np.unique(further.full, return_counts=True)[1].max(initial=0))
    parts = [tuple(np.empty((4, 0), dtype=np.int64))]
    for index, words, rule in collection.comparisons(views.table):
        found = index.nearest(words, k * most_views, radius) if k is not None else index.range_query(words, radius or 0)
        contents, ranks = further.contents_of(found.ids)
        rules = np.maximum(np.maximum(ranks, views.ranks[found.queries]), RULES.index(rule))
        parts.append((views.rows[found.queries], contents, found.distances, rules))
    query, contents, distances, rules = sorted_columns(*map(np.concatenate, zip(*parts, strict=True)))
    first = np.ones(len(query), dtype=np.bool_)
    first[1:] = (np.diff(query) != 0) | (np.diff(contents) != 0)
    return query[first], contents[first], distances[first], rules[first]


def _is_itself(collection: Collection, views: _QueryViews, query: Column, contents: Column) -> NDArray[np.bool_]:
    """Whether each match is the content that has the digest of its query."""
    itself = np.zeros(len(query), dtype=np.bool_)
    for row, digest in views.digests.items():
        known = (photo.code_id for photo in collection.catalogue.photos_with(digest))
        itself |= (query == row) & (contents == next((code_id for code_id in known if code_id is not None), -1))
    return itself
