"""Labelled photos of a catalogue → labels of other pictures, and of these photos by the others.

The neighbours are the nearest by code, or with a model the nearest by vector of those within a radius by code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import images
from phash_engine._columns import lookup
from phash_engine.catalogue.store import Store
from phash_engine.errors import ImageError, UsageError
from phash_engine.hashing import orientation
from phash_engine.matching import code_set
from phash_engine.matching.policy import CANDIDATE_RADIUS
from phash_engine.matching.search import Collection
from phash_engine.retrieval import voting
from phash_engine.retrieval.candidates import Candidates, find_candidates, read_queries
from phash_engine.retrieval.embeddings import Embedder, Embeddings, Progress
from phash_engine.retrieval.vectors import of_codes
from phash_engine.retrieval.voting import NONE, Column, Nearby, Predictions, Shares

VOTES: Final = ("neighbours", "centroid")
NEIGHBOURS: Final = 5
_BITS = 192


class Labelled(NamedTuple):
    """Predictions, the queries that could not be read, by row, and the voters that could not, in any order."""

    predictions: Predictions
    failures: dict[int, ImageError]
    unread: list[ImageError]


class LeaveOneOut(NamedTuple):
    """The labels of photos, int64 classes ``(q,)``, those that the other photos predict, and the voters not read."""

    truth: Column
    predictions: Predictions
    unread: list[ImageError]


class Labeller:
    """Labelled photos, ready to vote.

    A content whose photos carry several labels has a vote for each.

    Parameters
    ----------
    store
        An open catalogue; vectors are stored with it.
    known
        Labels by absolute path; photos that are not in the catalogue do not vote.
    embedder
        What makes vectors; without it the codes vote.
    neighbours
        Number of photos that vote.
    vote
        One of :data:`VOTES`: the nearest photos, or the means of the classes.
    radius
        Largest distance, in bits of 192, of a photo that votes as a neighbour: those beyond are alike by chance.
    rotations, trust_all
        As for ``search.Collection``.

    Raises
    ------
    ValueError
        An unknown vote.
    UsageError
        No labelled photo.

    Attributes
    ----------
    names
        The labels, sorted: the position of each is its class.
    """

    def __init__(
        self,
        store: Store,
        known: Mapping[str, str],
        embedder: Embedder | None = None,
        *,
        neighbours: int = NEIGHBOURS,
        vote: str = "neighbours",
        radius: int = CANDIDATE_RADIUS,
        rotations: bool = True,
        trust_all: bool = False,
    ) -> None:
        if vote not in VOTES:
            raise ValueError(f"unknown vote {vote!r}; votes are {', '.join(VOTES)}")
        self._store, self._embedder = store, embedder
        self._neighbours, self._vote, self._radius = neighbours, vote, radius
        self._rotations, self._trust_all = rotations, trust_all
        photos = [photo for photo in store.photos() if photo.path in known]
        self.names = sorted({known[photo.path] for photo in photos})
        if not photos:
            raise UsageError("no photo of the catalogue has a label: 'phash scan' some that have")
        numbers = {name: number for number, name in enumerate(self.names)}
        voters = sorted({(photo.content_id, numbers[known[photo.path]]) for photo in photos})
        self._voters, self._classes = np.array(voters, dtype=np.int64).T
        self._sizes = np.bincount(self._classes, minlength=len(self.names))
        self._photos = {photo.content_id: photo for photo in photos}
        self._collection = Collection(store, rotations=rotations, trust_all=trust_all, contents=self._voters)

    def label(self, sources: Sequence[images.Source], progress: Progress | None = None) -> Labelled:
        """Label pictures. A photo with the bytes of one is not its neighbour, but part of the mean of its class.

        Raises
        ------
        ModelError
            A model fails.
        """
        queries = self._embedder.embed(sources) if self._embedder else None
        if self._vote == "centroid":
            queries = queries or _embed_codes(sources, rotations=self._rotations, trust_all=self._trust_all)
            none_own = np.full(len(queries.rows), NONE)
            scores, unread = self._centroid_scores(queries, none_own, len(sources), progress)
            return Labelled(voting.predict(scores), queries.failures, unread)
        found = find_candidates(self._collection, sources, *self._limits())
        near, unread = self._nearby(found, queries, progress)
        scores = voting.neighbour_votes(near, self._classes, np.tile(self._sizes, (len(sources), 1)), self._neighbours)
        return Labelled(voting.predict(scores), found.failures, unread)

    def leave_one_out(self, progress: Progress | None = None) -> LeaveOneOut:
        """Label every labelled photo by the others: all whose content has one label and structure to compare by code.

        Errors as :meth:`label`.
        """
        full = self._collection.codes.full()
        _, first, labels_each = np.unique(self._voters, return_index=True, return_counts=True)
        chosen = first[(labels_each == 1) & np.isin(self._voters[first], full.contents)]
        contents, truth = self._voters[chosen], self._classes[chosen]
        codes = full.codes[np.searchsorted(full.contents, contents)]
        queries = self._stored(contents, progress) if self._embedder else None
        if self._vote == "centroid":
            queries = queries or _turned(codes, rotations=self._rotations)
            scores, unread = self._centroid_scores(queries, chosen[queries.rows], len(chosen), progress)
            return LeaveOneOut(truth, voting.predict(scores), unread)
        found = find_candidates(self._collection, codes, *self._limits(further=1))
        found = found.select(contents[found.queries] != found.contents)
        near, unread = self._nearby(found, queries, progress)
        sizes = np.tile(self._sizes, (len(chosen), 1))
        sizes[np.arange(len(chosen)), truth] -= 1
        scores = voting.neighbour_votes(near, self._classes, sizes, self._neighbours)
        return LeaveOneOut(truth, voting.predict(scores), unread)

    def _limits(self, further: int = 0) -> tuple[int | None, int]:
        """Return the number of contents to search for, and the radius."""
        return None if self._embedder else self._neighbours + further, self._radius

    def _nearby(
        self, found: Candidates, shown: Embeddings | None, progress: Progress | None
    ) -> tuple[Nearby, list[ImageError]]:
        """Return the voters of the contents found, each content with all of its voters."""
        queries, contents, unread = found.queries, found.contents, list[ImageError]()
        similar = 1 - 2 * found.distances / _BITS
        if shown is not None:
            stored = self._stored(np.unique(contents), progress)
            unread = list(stored.failures.values())
            of_query, has_vector = lookup(shown.rows, queries)
            of_content, is_stored = lookup(np.unique(contents)[stored.rows], contents)
            there = has_vector & is_stored
            queries, contents = queries[there], contents[there]
            similar = np.einsum("md,md->m", shown.vectors[of_query[there]], stored.vectors[of_content[there]])
        first = np.searchsorted(self._voters, contents)
        counts = np.searchsorted(self._voters, contents, side="right") - first
        rows = np.repeat(np.arange(len(contents)), counts)
        voters = first[rows] + np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return Nearby(queries[rows], voters, similar[rows].astype(np.float64)), unread

    def _centroid_scores(
        self, queries: Embeddings, own: Column, count: int, progress: Progress | None
    ) -> tuple[Shares, list[ImageError]]:
        """Return the score of each class ``(count, c)``: the largest over all rows of a query."""
        contents = np.unique(self._voters)
        stored = self._stored(contents, progress)
        unread = list(stored.failures.values())
        scores = np.zeros((count, len(self.names)))
        if len(stored.rows) and len(queries.rows):
            rows, has_vector = lookup(contents[stored.rows], self._voters)
            vectors, classes = stored.vectors[rows[has_vector]], self._classes[has_vector]
            voters, votes_itself = lookup(np.flatnonzero(has_vector), own)
            voters = np.where(votes_itself, voters, NONE)
            votes = voting.centroid_votes(queries.vectors, vectors, classes, len(self.names), voters)
            np.maximum.at(scores, queries.rows, votes)
        return scores, unread

    def _stored(self, contents: Column, progress: Progress | None) -> Embeddings:
        """Return the vectors of contents, by the embedder or of their codes; rows are those of ``contents``."""
        if self._embedder:
            photos = [self._photos[content] for content in contents.tolist()]
            return self._embedder.embed_photos(self._store, photos, progress)
        full = code_set.load(self._store, contents, trust_all=True).full()
        rows, has_codes = lookup(full.contents, contents)
        turned = _turned(full.codes[rows[has_codes]], rotations=False)
        return turned._replace(rows=np.flatnonzero(has_codes))


def _embed_codes(sources: Sequence[images.Source], *, rotations: bool, trust_all: bool) -> Embeddings:
    """Return the codes of pictures as vectors, with rotations one row for each orientation."""
    readings = read_queries(sources)
    failures = {row: reading for row, reading in enumerate(readings) if isinstance(reading, ImageError)}
    queries = [(row, reading[1]) for row, reading in enumerate(readings) if not isinstance(reading, ImageError)]
    kept = [(row, query.codes[0]) for row, query in queries if query.is_trusted or trust_all]
    table = np.array([codes for _, codes in kept], dtype=np.uint64).reshape(len(kept), -1)
    if not kept:
        return Embeddings(np.empty(0, dtype=np.int64), np.empty((0, _BITS), dtype=np.float32), failures)
    turned = _turned(table, rotations=rotations)
    return Embeddings(np.array([row for row, _ in kept], dtype=np.int64)[turned.rows], turned.vectors, failures)


def _turned(table: NDArray[np.uint64], *, rotations: bool) -> Embeddings:
    """Return codes ``(n, 10)`` as vectors of the decision codes: upright, or one orientation after the other."""
    turned = orientation.turned(table) if rotations else orientation.upright(table)[np.newaxis]
    rows = np.tile(np.arange(len(table)), len(turned))
    return Embeddings(rows, of_codes(turned.reshape(len(rows), turned.shape[-1])), {})
