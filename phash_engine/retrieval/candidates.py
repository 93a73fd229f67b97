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
from phash_engine.errors import ImageError
from phash_engine.hashing import hashers, quality
from phash_engine.hashing.block import SIDE
from phash_engine.hashing.hashers import ALL_NAMES, CODE_NAMES, Codes
from phash_engine.hashing.views import MatchType
from phash_engine.matching.analyzed import AnalyzedImage, Query
from phash_engine.matching.policy import DEFAULT_RADIUS
from phash_engine.matching.search import Collection

Queries: TypeAlias = "Sequence[images.Source] | NDArray[Any]"
Column = NDArray[np.int64]


class Candidates(NamedTuple):
    """Candidates as columns, sorted by (query, distance, content), and the queries that could not be read.

    Attributes
    ----------
    queries
        int64 ``(m,)``: row of the query.
    contents
        int64 ``(m,)``: id of the content.
    distances
        int64 ``(m,)``: bits of 192.
    match_types
        int64 ``(m,)``: the ``MatchType`` of each, never ``IDENTICAL``.
    failures
        By row of the query.
    """

    queries: Column
    contents: Column
    distances: Column
    match_types: Column
    failures: dict[int, ImageError]

    def select(self, chosen: NDArray[np.bool_]) -> Candidates:
        """Return the candidates that a mask chooses, with all failures."""
        queries, contents, distances, match_types = (column[chosen] for column in self[:4])
        return Candidates(queries, contents, distances, match_types, self.failures)


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
        radius = DEFAULT_RADIUS
    views = _query_views(queries, collection.trust_all)
    query, contents, distances, match_types = _nearest(collection, views, None if k is None else k + 1, radius)
    others = ~_is_itself(collection, views, query, contents)
    ordered = sorted_columns(*(column[others] for column in (query, distances, contents, match_types)))
    if k is not None:
        first = np.arange(len(ordered[0])) - np.searchsorted(ordered[0], ordered[0]) < k
        ordered = tuple(column[first] for column in ordered)
    query, distances, contents, match_types = ordered
    return Candidates(query, contents, distances, match_types, views.failures)


class _QueryViews(NamedTuple):
    """Views of queries: row of the query, view and codes ``(n, 10)`` of each; digests and failures by row."""

    rows: Column
    views: Column
    codes: Codes
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
    return _QueryViews(rows, np.full(len(rows), MatchType.SIMILAR), table, {}, {})


def _of_pictures(readings: Sequence[tuple[bytes | None, Query] | ImageError], trust_all: bool) -> _QueryViews:
    """Return all views of pictures; an array or a PIL image has no bytes to digest."""
    failures = {row: reading for row, reading in enumerate(readings) if isinstance(reading, ImageError)}
    read = [(row, *reading) for row, reading in enumerate(readings) if not isinstance(reading, ImageError)]
    views = [(row, query.trusted(trust_all)) for row, _, query in read]
    return _QueryViews(
        np.repeat([row for row, _ in views], [len(query.views) for _, query in views]).astype(np.int64),
        np.array([view for _, query in views for view in query.views], dtype=np.int64),
        np.concatenate([np.empty((0, len(ALL_NAMES)), dtype=np.uint64), *(query.codes for _, query in views)]),
        {row: digest for row, digest, _ in read if digest is not None},
        failures,
    )


def _read(source: images.Source) -> tuple[bytes | None, Query] | ImageError:
    try:
        picture = AnalyzedImage(source)
        return picture.digest, picture.query
    except ImageError as error:
        return error


def _nearest(collection: Collection, queries: _QueryViews, k: int | None, radius: int | None) -> tuple[Column, ...]:
    """Return query, content, distance and match type, of each pair the nearest over all comparisons.

    A content among the ``k`` nearest by its least distance is among them in the comparison that gives this distance,
    because whatever precedes it there precedes it in the end. So ``k`` of each comparison are enough, times the largest
    number of views of a content.
    """
    codes = collection.codes
    most_views = int(np.unique(codes.contents, return_counts=True)[1].max(initial=1))
    parts = [tuple(np.empty((4, 0), dtype=np.int64))]
    for index, words, match_type in collection.comparisons(queries.codes):
        found = index.search(words, k * most_views, radius) if k is not None else index.range_search(words, radius or 0)
        views = np.maximum(codes.views[found.ids], queries.views[found.queries])
        match_types = np.maximum(views, match_type)
        parts.append((queries.rows[found.queries], codes.contents[found.ids], found.distances, match_types))
    query, contents, distances, match_types = sorted_columns(*map(np.concatenate, zip(*parts, strict=True)))
    first = np.ones(len(query), dtype=np.bool_)
    first[1:] = (np.diff(query) != 0) | (np.diff(contents) != 0)
    return query[first], contents[first], distances[first], match_types[first]


def _is_itself(collection: Collection, queries: _QueryViews, query: Column, contents: Column) -> NDArray[np.bool_]:
    """Whether each match is the content that has the digest of its query."""
    itself = np.zeros(len(query), dtype=np.bool_)
    for row, digest in queries.digests.items():
        known = next((photo.content_id for photo in collection.store.photos_with_digest(digest)), -1)
        itself |= (query == row) & (contents == known)
    return itself
