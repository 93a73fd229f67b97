"""Candidates by code → ranked by vectors.

The codes return the photos within a radius. Their vectors, and that of the query, put them in order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import images
from phash_engine.catalogue import Photo
from phash_engine.errors import ImageError
from phash_engine.hashing.views import MatchType
from phash_engine.matching.policy import CANDIDATE_RADIUS
from phash_engine.matching.search import Collection
from phash_engine.retrieval import expansion
from phash_engine.retrieval.candidates import find_candidates
from phash_engine.retrieval.embeddings import Embedder, Progress
from phash_engine.retrieval.vectors import Vectors, cosines, fused

EXPANSIONS = ("none", "average", "alpha", "diffusion", "linked")
_EXPANDING = 5
_LINKED = 10
_POWER = 3


class Ranked(NamedTuple):
    """A photo with its score (the higher, the more alike), its distance in bits, and its match type."""

    query: str
    photo: Photo
    score: float
    distance: int
    match_type: MatchType


class Reranker:
    """A collection whose photos are found by code and ranked by vectors.

    Parameters
    ----------
    collection
        What to search. Vectors are stored with its catalogue.
    embedder
        What makes the vectors.
    expand
        One of :data:`EXPANSIONS`; see :func:`scores`.
    code_weight
        Share of the codes in the score, 0..1.
    """

    def __init__(
        self, collection: Collection, embedder: Embedder, *, expand: str = "none", code_weight: float = 0
    ) -> None:
        self._collection = collection
        self._embedder = embedder
        self._expand = expand
        self._code_weight = code_weight

    def find(
        self,
        source: images.Source,
        k: int | None = None,
        radius: int = CANDIDATE_RADIUS,
        progress: Progress | None = None,
    ) -> tuple[list[Ranked], list[ImageError]]:
        """Rank the photos within a radius of a picture, except those with its own bytes.

        Parameters
        ----------
        source
            Anything that ``images.read_block`` takes.
        k
            Number of photos to return; all when None.
        radius
            Bits, 0..192.
        progress
            Called while vectors that are not yet stored are made.

        Returns
        -------
        tuple
            The photos, sorted by (highest score, path), and the errors of candidates whose files could not be read.

        Raises
        ------
        ImageError
            The picture cannot be read.
        ModelError
            A model fails.
        ValueError
            A radius or a weight out of range.
        """
        found = find_candidates(self._collection, [source], radius=radius)
        for error in found.failures.values():
            raise error
        store = self._collection.store
        photos = store.photos_of_contents(found.contents.tolist())
        copies = [photos[content] for content in found.contents.tolist()]
        rows = [row for row, same in enumerate(copies) if same]
        stored = self._embedder.embed_photos(store, [copies[row][0] for row in rows], progress)
        failures = list(stored.failures.values())
        if not len(stored.rows):
            return [], failures
        (query,) = self._embedder.embed([source]).vectors
        kept = np.array(rows)[stored.rows]
        marks = scores(query, stored.vectors, found.distances[kept], self._expand, self._code_weight)
        name = images.source_name(source)
        ranked = [
            Ranked(name, photo, mark, int(found.distances[row]), MatchType(found.match_types[row]))
            for row, mark in zip(kept.tolist(), marks.tolist(), strict=True)
            for photo in copies[row]
        ]
        return sorted(ranked, key=lambda match: (-match.score, match.photo.path))[:k], failures


def scores(
    query: Vectors, vectors: Vectors, distances: NDArray[np.int64], expand: str = "none", code_weight: float = 0
) -> NDArray[np.float64]:
    """Score the candidates of one query.

    Parameters
    ----------
    query
        float32 ``(d,)``: a unit vector.
    vectors
        float32 ``(m, d)``: those of the candidates.
    distances
        int64 ``(m,)``: bits of 192.
    expand
        "none": the cosine. "average", "alpha": the cosine with the query expanded by its 5 nearest. "diffusion": the
        cosine of the 10 nearest, cubed, spread over the mutual 10 nearest of the candidates. "linked": the largest
        product of cosines along a chain of these from the query.
    code_weight
        Share of the codes in the cosine, 0..1.

    Returns
    -------
    numpy.ndarray
        float64 ``(m,)``: the higher, the more alike.

    Raises
    ------
    ValueError
        An unknown expansion, or a weight out of range.
    """
    if expand not in EXPANSIONS:
        raise ValueError(f"unknown expansion {expand!r}; expansions are {', '.join(EXPANSIONS)}")
    expanded = query[np.newaxis]
    if expand in {"average", "alpha"}:
        alpha = expansion.ALPHA if expand == "alpha" else 0
        nearest = expansion.nearest(expanded, vectors, _EXPANDING)
        expanded = expansion.alpha_expansion(expanded, vectors, nearest, alpha)
    marks = fused(cosines(expanded, vectors)[0], distances, code_weight).astype(np.float64)
    start = np.maximum(marks, 0) ** _POWER
    if expand == "linked":
        chains = expansion.linked(start, expansion.mutual_graph(vectors, _LINKED)) ** (1 / _POWER)
        return np.where(chains > 0, np.maximum(marks, chains), marks)
    if expand == "diffusion":
        start[np.argsort(-marks, kind="stable")[_LINKED:]] = 0
        return expansion.diffused(start, expansion.mutual_graph(vectors, _LINKED))
    return marks
