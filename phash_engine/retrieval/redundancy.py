"""Catalogue → how redundant it is: distances to the nearest other content, near-copies, and conflicting labels."""

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
from phash_engine.retrieval.candidates import find_candidates
from phash_engine.retrieval.embeddings import Embedder, Progress
from phash_engine.retrieval.expansion import nearest as nearest_vectors
from phash_engine.retrieval.statistics import BitUse, bit_use


class Contradiction(NamedTuple):
    """Two photos that look the same and have different labels; distance in bits, 0 of equal bytes too."""

    left: Photo
    right: Photo
    distance: int
    left_label: str
    right_label: str


class Redundancy(NamedTuple):
    """How redundant some photos are.

    Attributes
    ----------
    photos, contents
        Their numbers; photos of equal bytes are one content.
    nearest
        int64 ``(n,)``: bits from each content that can be compared by code to the nearest other one.
    copies, pairs
        Number of contents within the radius of another, and of the pairs of them.
    bits
        How much the bits of their codes repeat one another.
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


def measure_redundancy(
    store: Store,
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
    store
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
    groups = _by_content(store, folders)
    codes = code_set.load(store, np.array(list(groups), dtype=np.int64), trust_all=trust_all)
    pairs = close_pairs(codes, radius, rotations=rotations, kind="auto", progress=progress)
    full = codes.full()
    collection = Collection(store, folders, rotations=rotations, trust_all=trust_all)
    links = zip(*(column.tolist() for column in pairs[:3]), strict=True)
    contradictions = _contradictions(groups, links, known or {})
    return Redundancy(
        sum(map(len, groups.values())),
        len(groups),
        _nearest(collection, full),
        len(np.union1d(pairs.left, pairs.right)),
        len(pairs.left),
        bit_use(orientation.upright(full.codes)),
        sorted(contradictions, key=lambda found: (found.left.path, found.right.path, *found[2:])),
    )


def nearest_cosines(
    store: Store, embedder: Embedder, folders: Sequence[str] | None = None, progress: Progress | None = None
) -> tuple[NDArray[np.float64], list[ImageError]]:
    """Return the cosine of each content's vector with the nearest other, ``(n,)``, and the errors of files without one.

    Cost: all vectors are compared with all. Errors as for ``Embedder.embed_photos``.
    """
    photos = [group[0] for group in _by_content(store, folders).values()]
    found = embedder.embed_photos(store, photos, progress)
    failures = list(found.failures.values())
    if len(found.rows) < 2:
        return np.empty(0), failures
    other = nearest_vectors(found.vectors, found.vectors, 1, skip_same_row=True)[:, 0]
    return np.einsum("nd,nd->n", found.vectors, found.vectors[other]).astype(np.float64), failures


def _by_content(store: Store, folders: Sequence[str] | None) -> dict[int, list[Photo]]:
    """Return the photos by the id of their content."""
    groups: dict[int, list[Photo]] = {}
    for photo in store.photos(folders):
        groups.setdefault(photo.content_id, []).append(photo)
    return groups


def _nearest(collection: Collection, full: CodeSet) -> NDArray[np.int64]:
    """Return the distance of each content to the nearest other, of those that have another."""
    found = find_candidates(collection, full.codes, k=2)
    others = found.contents != full.contents[found.queries]
    queries, distances = found.queries[others], found.distances[others]
    _, first = np.unique(queries, return_index=True)
    nearest: NDArray[np.int64] = distances[first]
    return nearest


def _contradictions(
    groups: Mapping[int, Sequence[Photo]], links: Iterable[tuple[int, int, int]], known: Mapping[str, str]
) -> Iterator[Contradiction]:
    """Yield one pair of photos for every two labels of one content, or of two near ones."""
    labelled = {
        content: {known[photo.path]: photo for photo in reversed(photos) if photo.path in known}
        for content, photos in groups.items()
    }
    for by_label in labelled.values():
        yield from (_contradiction(0, *pair) for pair in combinations(by_label.items(), 2))
    for left, right, distance in links:
        pairs = product(labelled[left].items(), labelled[right].items())
        yield from (_contradiction(distance, *pair) for pair in pairs if pair[0][0] != pair[1][0])


def _contradiction(distance: int, *pair: tuple[str, Photo]) -> Contradiction:
    """Return a pair of (label, photo) in the order of the paths."""
    (left_label, left), (right_label, right) = sorted(pair, key=lambda labelled: labelled[1].path)
    return Contradiction(left, right, distance, left_label, right_label)
