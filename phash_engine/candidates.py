"""Many queries at once → what a second look should compare them with, as columns.

The pre-filter of a two-stage search: codes name the few photos that an embedding, or any other costly comparison, then
ranks. For codes without a catalogue see ``prefilter``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from phash_engine import files, hashers, images, quality, views
from phash_engine.block import SIDE
from phash_engine.catalogue import FurtherCodes
from phash_engine.code_table import ALL_NAMES
from phash_engine.errors import ImageError
from phash_engine.hamming.hits import sorted_columns
from phash_engine.hamming.threads import available_threads, in_threads
from phash_engine.hashers import CODE_NAMES, Codes
from phash_engine.rules import RADIUS, RULES
from phash_engine.search import Collection
from phash_engine.views import FULL

Queries: TypeAlias = "Sequence[images.Source] | NDArray[Any]"
Column = NDArray[np.int64]


class Candidates(NamedTuple):
    """What to look at again, sorted by (query, distance, id), and the queries that could not be read.

    Attributes
    ----------
    queries
        int64 ``(m,)``: row of the query.
    ids
        int64 ``(m,)``: id of the codes of the full view, as ``Catalogue.views_of`` takes it.
    distances
        int64 ``(m,)``: bits of 192.
    rules
        str ``(m,)``: the plainest rule of the distance; "code", "rotation" or that of a view.
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
        find that photo. Views with too little structure find nothing, unless the collection trusts all.
    k, radius
        As for ``search.find``; of equally near contents those come in whose codes have the lowest ids.

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
    found = _nearest(collection, asked, None if k is None else k + 1, radius)
    own = np.array([_content_id(collection, digest) for digest in asked.digests], dtype=np.int64)
    query, ids, distances, codes, rules = (column[own[found[0]] != found[1]] for column in found)
    query, distances, _, ids, rules = sorted_columns(query, distances, codes, ids, rules)
    if k is not None:
        first = np.arange(len(query)) - np.searchsorted(query, query) < k
        query, distances, ids, rules = query[first], distances[first], ids[first], rules[first]
    query, distances, ids, rules = sorted_columns(query, distances, ids, rules)
    return Candidates(query, ids, distances, np.array(RULES)[rules], asked.failures)


class _Views(NamedTuple):
    """Blocks of views that may match, and the position in ``RULES`` of the plainest rule of each."""

    blocks: list[NDArray[np.uint16]]
    ranks: list[int]


class _Asked(NamedTuple):
    """Codes ``(n, 10)`` of views, the query that each is of and its rank; the digest of each query, where known."""

    rows: Column
    ranks: Column
    table: Codes
    digests: list[bytes | None]
    failures: dict[int, ImageError]


def _fingerprints(queries: Queries, trust_all: bool) -> _Asked:
    if isinstance(queries, np.ndarray) and queries.dtype == np.uint64:
        return _of_codes(queries)
    if isinstance(queries, np.ndarray):
        if queries.dtype != np.uint16 or queries.shape[1:] != (SIDE, SIDE):
            raise TypeError(f"blocks are uint16 (q, {SIDE}, {SIDE}), not {queries.dtype} {queries.shape}")
        return _of_views([_trusted({FULL: block}, trust_all) for block in queries], [None] * len(queries), {})
    readings = list(in_threads(lambda source: _read(source, trust_all), queries, available_threads()))
    failures = {row: reading for row, reading in enumerate(readings) if isinstance(reading, ImageError)}
    read = [(_Views([], []), None) if isinstance(reading, ImageError) else reading for reading in readings]
    return _of_views([framed for framed, _ in read], [digest for _, digest in read], failures)


def _of_codes(queries: NDArray[np.uint64]) -> _Asked:
    if queries.ndim != 2 or queries.shape[1] not in {len(CODE_NAMES), len(ALL_NAMES)}:
        raise ValueError(f"codes to look up have the shape (q, 5) or (q, 10), not {queries.shape}")
    table = np.zeros((len(queries), len(ALL_NAMES)), dtype=np.uint64)
    table[:, : queries.shape[1]] = queries
    rows = np.arange(len(table))
    return _Asked(rows, np.full_like(rows, views.rank(FULL)), table, [None] * len(table), {})


def _of_views(framed: Sequence[_Views], digests: list[bytes | None], failures: dict[int, ImageError]) -> _Asked:
    rows = np.repeat(np.arange(len(framed)), [len(some.blocks) for some in framed])
    ranks = np.array([rank for some in framed for rank in some.ranks], dtype=np.int64)
    blocks = np.array([block for some in framed for block in some.blocks], dtype=np.uint16).reshape(-1, SIDE, SIDE)
    return _Asked(rows, ranks, hashers.hash_blocks(blocks), digests, failures)


def _read(source: images.Source, trust_all: bool) -> tuple[_Views, bytes | None] | ImageError:
    """Return the views and the digest; an array or a PIL image has no bytes to digest."""
    try:
        if isinstance(source, str | os.PathLike):
            path = os.fspath(source)
            _, data = files.read(path)
            return _trusted(images.read_picture(data, path).blocks, trust_all), files.digest(data)
        digest = files.digest(source) if isinstance(source, bytes) else None
        return _trusted(images.read_picture(source).blocks, trust_all), digest
    except ImageError as error:
        return error


def _trusted(blocks: dict[str, NDArray[np.uint16]], trust_all: bool) -> _Views:
    """Leave out views without structure; but the full one stays where all are trusted."""
    stacked = np.stack(list(blocks.values()))
    trusted = quality.is_trusted(quality.gradient_quality(stacked), quality.detail(stacked))
    kept = [name for name, trust in zip(blocks, trusted.tolist(), strict=True) if trust or (trust_all and name == FULL)]
    return _Views([blocks[name] for name in kept], [views.rank(name) for name in kept])


def _nearest(collection: Collection, asked: _Asked, k: int | None, radius: int | None) -> tuple[Column, ...]:
    """Return query, content, distance, the lowest id of codes at that distance, and the rule, of each pair once.

    With ``k`` all that are among the ``k`` nearest of a query by distance and id. Such a content is so in the way to
    compare that gives its distance, for what is before it there is before it in the end; each content has at most so
    many codes as it has views, so ``k`` times that are enough.
    """
    further = collection.catalogue.further_codes()
    most = 1 + int(np.bincount(np.unique(further.full, return_inverse=True)[1], minlength=1).max())
    parts = [tuple(np.empty((5, 0), dtype=np.int64))]
    for index, words, rule in collection.comparisons(asked.table):
        found = index.range_query(words, radius or 0) if k is None else index.nearest(words, k * most, radius)
        contents, ranks = _contents(further, found.ids)
        ranks = np.maximum(np.maximum(ranks, asked.ranks[found.queries]), RULES.index(rule))
        parts.append((asked.rows[found.queries], contents, found.distances, found.ids, ranks))
    query, contents, distances, codes, ranks = map(np.concatenate, zip(*parts, strict=True))
    by_code = _first_of_pairs(query, contents, distances, codes)
    by_rule = _first_of_pairs(query, contents, distances, ranks)
    return *by_code, by_rule[3]


def _contents(further: FurtherCodes, ids: Column) -> tuple[Column, Column]:
    """Return the id of the full view of each code, and the rank of its own."""
    order = np.argsort(further.ids)
    place = np.minimum(np.searchsorted(further.ids[order], ids), max(0, len(order) - 1))
    if not len(order):
        return ids, np.full_like(ids, views.rank(FULL))
    row = order[place]
    is_further = further.ids[row] == ids
    return np.where(is_further, further.full[row], ids), np.where(is_further, further.ranks[row], views.rank(FULL))


def _first_of_pairs(*columns: Column) -> tuple[Column, ...]:
    """Sort columns, and keep the first row of each pair of query and content."""
    ordered = sorted_columns(*columns)
    first = np.ones(len(ordered[0]), dtype=np.bool_)
    first[1:] = (np.diff(ordered[0]) != 0) | (np.diff(ordered[1]) != 0)
    return tuple(column[first] for column in ordered)


def _content_id(collection: Collection, digest: bytes | None) -> int:
    """Return the id of the full codes of a digest; -1 where it has none."""
    known = () if digest is None else collection.catalogue.photos_with(digest)
    return next((photo.code_id for photo in known if photo.code_id is not None), -1)
