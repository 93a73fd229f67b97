"""Many queries at once → what a second look should compare them with, as columns.

The pre-filter of a two-stage search: codes name the few photos that an embedding, or any other costly comparison, then
ranks. For codes without a catalogue see ``prefilter``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from phash_engine import files, hashers, images, quality
from phash_engine.block import SIDE
from phash_engine.code_table import ALL_NAMES
from phash_engine.errors import ImageError
from phash_engine.hamming.sorting import sorted_columns
from phash_engine.hamming.threads import available_threads, in_threads
from phash_engine.hashers import CODE_NAMES, Codes
from phash_engine.rules import RADIUS, RULES
from phash_engine.search import Collection

Queries: TypeAlias = "Sequence[images.Source] | NDArray[Any]"
Column = NDArray[np.int64]


class Candidates(NamedTuple):
    """What to look at again, sorted by (query, distance, id), and the queries that could not be read.

    Attributes
    ----------
    queries
        int64 ``(m,)``: row of the query.
    ids
        int64 ``(m,)``: id of the code, as ``Catalogue.photos_of`` takes it.
    distances
        int64 ``(m,)``: bits of 192.
    rules
        str ``(m,)``: "code", or "rotation" where the photo is nearer when turned.
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
    columns = _nearest(collection, asked.table, None if k is None else k + 1, radius)
    query, ids, distances, rules = (column[~_is_itself(collection, asked, columns)] for column in columns)
    ordered = sorted_columns(query, distances, ids, rules)
    if k is not None:
        first = np.arange(len(query)) - np.searchsorted(ordered[0], ordered[0]) < k
        ordered = tuple(column[first] for column in ordered)
    query, distances, ids, rules = ordered
    return Candidates(asked.rows[query], ids, distances, np.array(RULES)[rules], asked.failures)


class _Asked(NamedTuple):
    """Codes ``(n, 10)`` of the queries that have some to trust, their rows, and the digests that are known."""

    rows: Column
    table: Codes
    digests: Sequence[bytes | None]
    failures: dict[int, ImageError]


def _fingerprints(queries: Queries, trust_all: bool) -> _Asked:
    if isinstance(queries, np.ndarray) and queries.dtype == np.uint64:
        if queries.ndim != 2 or queries.shape[1] not in {len(CODE_NAMES), len(ALL_NAMES)}:
            raise ValueError(f"codes to look up have the shape (q, 5) or (q, 10), not {queries.shape}")
        table = np.zeros((len(queries), len(ALL_NAMES)), dtype=np.uint64)
        table[:, : queries.shape[1]] = queries
        return _Asked(np.arange(len(table)), table, [None] * len(table), {})
    if isinstance(queries, np.ndarray):
        if queries.dtype != np.uint16 or queries.shape[1:] != (SIDE, SIDE):
            raise TypeError(f"blocks are uint16 (q, {SIDE}, {SIDE}), not {queries.dtype} {queries.shape}")
        return _hashed(np.arange(len(queries)), queries, [None] * len(queries), {}, trust_all)
    readings = list(in_threads(_read, queries, available_threads()))
    failures = {row: reading for row, reading in enumerate(readings) if isinstance(reading, ImageError)}
    read = [(row, *reading) for row, reading in enumerate(readings) if not isinstance(reading, ImageError)]
    blocks = np.array([block for _, block, _ in read], dtype=np.uint16).reshape(-1, SIDE, SIDE)
    rows = np.array([row for row, _, _ in read], dtype=np.int64)
    return _hashed(rows, blocks, [digest for _, _, digest in read], failures, trust_all)


def _hashed(
    rows: Column,
    blocks: NDArray[np.uint16],
    digests: Sequence[bytes | None],
    failures: dict[int, ImageError],
    trust_all: bool,
) -> _Asked:
    trusted = quality.is_trusted(quality.gradient_quality(blocks), quality.detail(blocks)) | trust_all
    kept = [digest for digest, trust in zip(digests, trusted.tolist(), strict=True) if trust]
    return _Asked(rows[trusted], hashers.hash_blocks(blocks[trusted]), kept, failures)


def _read(source: images.Source) -> tuple[NDArray[np.uint16], bytes | None] | ImageError:
    """Return block and digest; an array or a PIL image has no bytes to digest."""
    try:
        if isinstance(source, str | os.PathLike):
            path = os.fspath(source)
            _, data = files.read(path)
            return images.read_block(data, path), files.digest(data)
        return images.read_block(source), files.digest(source) if isinstance(source, bytes) else None
    except ImageError as error:
        return error


def _nearest(collection: Collection, table: Codes, k: int | None, radius: int | None) -> tuple[Column, ...]:
    """Return query, id, distance and number of the rule over all ways to compare, of each pair the nearest.

    What is among the ``k`` nearest by the least distance is so in the way that gives it, for whatever is before it
    there is before it in the end; so ``k`` of each way are enough.
    """
    parts = [tuple(np.empty((4, 0), dtype=np.int64))]
    for index, words, rule in collection.comparisons(table):
        found = index.nearest(words, k, radius) if k is not None else index.range_query(words, radius or 0)
        rules = np.full(len(found.ids), RULES.index(rule), dtype=np.int64)
        parts.append((found.queries, found.ids, found.distances, rules))
    query, ids, distances, rules = sorted_columns(*map(np.concatenate, zip(*parts, strict=True)))
    first = np.ones(len(query), dtype=np.bool_)
    first[1:] = (np.diff(query) != 0) | (np.diff(ids) != 0)
    return query[first], ids[first], distances[first], rules[first]


def _is_itself(collection: Collection, asked: _Asked, columns: Iterable[Column]) -> NDArray[np.bool_]:
    """Whether each match is the content that has the digest of its query."""
    query, ids, *_ = columns
    own = np.full(len(asked.table), -1, dtype=np.int64)
    for number, digest in enumerate(asked.digests):
        if digest is not None:
            known = (photo.code_id for photo in collection.catalogue.photos_with(digest))
            own[number] = next((code_id for code_id in known if code_id is not None), -1)
    itself: NDArray[np.bool_] = own[query] == ids
    return itself
