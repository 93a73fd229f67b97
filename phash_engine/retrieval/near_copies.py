"""Catalogue → how redundant it is: how near the next content is, near-copies, and which of them bear other labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue import Photo, Store
from phash_engine.errors import ImageError
from phash_engine.hashing import orientation
from phash_engine.matching import code_set
from phash_engine.matching.code_set import CodeSet
from phash_engine.matching.pairs import close_pairs
from phash_engine.matching.policy import DEFAULT_RADIUS
from phash_engine.matching.search import Collection
from phash_engine.retrieval import redundancy
from phash_engine.retrieval.candidates import candidates
from phash_engine.retrieval.expansion import nearest as nearest_vectors
from phash_engine.retrieval.models import Model
from phash_engine.retrieval.redundancy import BitUse
from phash_engine.retrieval.rerank import Content, Progress, joined, vectors_of


class Contradiction(NamedTuple):
    """Two photos that look the same and have different labels; distance in bits, 0 of equal bytes too."""

    left: str
    right: str
    distance: int
    left_label: str
    right_label: str


class Redundancy(NamedTuple):
    """How redundant some photos are.

    Attributes
    ----------
    photos, contents
        How many there are; photos of equal bytes are one content.
    nearest
        int64 ``(n,)``: bits from each content that can be compared by code to the nearest other one.
    copies, pairs
        Contents that lie within the radius of another, and the pairs of them.
    bits
        What use is made of the bits of their codes.
    contradictions
        By path.
    """

    photos: int
    contents: int
    nearest: NDArray[np.int64]
    copies: int
    pairs: int
    bits: BitUse
    contradictions: list[Contradiction]


def measure(
    catalogue: Store,
    folders: Sequence[str] | None = None,
    known: Mapping[str, str] | None = None,
    radius: int = DEFAULT_RADIUS,
    *,
    rotations: bool = True,
    trust_all: bool = False,
    progress: Progress | None = None,
) -> Redundancy:
    """Compare the contents of a catalogue with one another.

    Parameters
    ----------
    catalogue
        An open catalogue.
    folders, rotations, trust_all
        As for ``search.Collection``.
    known
        Labels by absolute path, of some photos or of all.
    radius
        Bits within which contents are near-copies, 0..192.
    progress
        Called with the number of joins done and the number to do.

    Raises
    ------
    ValueError
        A radius out of range.
    """
    groups = _by_content(catalogue, folders)
    codes = code_set.load(catalogue, np.array(list(groups), dtype=np.int64), trust_all=trust_all)
    pairs = close_pairs(codes, radius, rotations=rotations, kind="auto", progress=progress)
    full = codes.full()
    collection = Collection(catalogue, folders, rotations=rotations, trust_all=trust_all)
    links = zip(*(column.tolist() for column in pairs[:3]), strict=True)
    return Redundancy(
        sum(map(len, groups.values())),
        len(groups),
        _nearest(collection, full),
        len(np.union1d(pairs.left, pairs.right)),
        len(pairs.left),
        redundancy.bit_use(orientation.upright(full.codes)),
        sorted(_contradictions(groups, links, known or {})),
    )


def nearest_cosines(
    catalogue: Store,
    models: Sequence[Model],
    weights: Sequence[float] | None = None,
    folders: Sequence[str] | None = None,
    *,
    dtype: str = "float32",
    progress: Progress | None = None,
) -> tuple[NDArray[np.float64], list[ImageError]]:
    """Return the cosine of each content's vector with the nearest other, ``(n,)``, and the files that have none.

    Cost: all vectors are compared with all. Parameters and errors as for ``rerank.Reranker``.
    """
    photos = [group[0] for group in _by_content(catalogue, folders).values()]
    contents = [Content(photo.digest, photo.path) for photo in photos if photo.digest]
    found = joined([vectors_of(catalogue, contents, model, dtype, progress) for model in models], weights)
    failures = list(found.failures.values())
    if len(found.rows) < 2:
        return np.empty(0), failures
    other = nearest_vectors(found.vectors, found.vectors, 1, skip_same_row=True)[:, 0]
    return np.einsum("nd,nd->n", found.vectors, found.vectors[other]).astype(np.float64), failures


def _by_content(catalogue: Store, folders: Sequence[str] | None) -> dict[int, list[Photo]]:
    """Return the photos by the id of their content."""
    groups: dict[int, list[Photo]] = {}
    for photo in catalogue.photos(folders):
        groups.setdefault(photo.content_id, []).append(photo)
    return groups


def _nearest(collection: Collection, full: CodeSet) -> NDArray[np.int64]:
    """Return the distance of each content to the nearest other, of those that have another."""
    found = candidates(collection, full.codes, k=2)
    others = found.contents != full.contents[found.queries]
    queries, distances = found.queries[others], found.distances[others]
    _, first = np.unique(queries, return_index=True)
    nearest: NDArray[np.int64] = distances[first]
    return nearest


def _contradictions(
    groups: Mapping[int, Sequence[Photo]], links: Iterable[tuple[int, int, int]], known: Mapping[str, str]
) -> Iterator[Contradiction]:
    """Yield one pair of photos for every two labels that a content has, or that two near ones have."""
    labelled = {
        content: {known[photo.path]: photo.path for photo in reversed(photos) if photo.path in known}
        for content, photos in groups.items()
    }
    for paths in labelled.values():
        yield from (_contradiction(0, *pair) for pair in combinations(paths.items(), 2))
    for left, right, distance in links:
        pairs = product(labelled[left].items(), labelled[right].items())
        yield from (_contradiction(distance, *pair) for pair in pairs if pair[0][0] != pair[1][0])


def _contradiction(distance: int, *pair: tuple[str, str]) -> Contradiction:
    """Return a pair of (label, path) in the order of the paths."""
    (left_label, left), (right_label, right) = sorted(pair, key=lambda labelled: labelled[1])
    return Contradiction(left, right, distance, left_label, right_label)
