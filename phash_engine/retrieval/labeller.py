"""Labelled photos of a catalogue → labels of other pictures, and how far those of its own would be found.

The neighbours are those by code, or with models the best by vectors of what lies within a radius by code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import images
from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue.store import Store
from phash_engine.errors import ImageError, UsageError
from phash_engine.hashing import orientation
from phash_engine.matching import code_set
from phash_engine.matching.policy import CANDIDATE_RADIUS
from phash_engine.matching.search import Collection, Query, read_query
from phash_engine.retrieval import labels
from phash_engine.retrieval import models as embeddings
from phash_engine.retrieval.candidates import Candidates, candidates
from phash_engine.retrieval.labels import NONE, Column, Nearby, Shares, Verdicts
from phash_engine.retrieval.models import Embedded, Model
from phash_engine.retrieval.rerank import Content, Progress, joined, vectors_of
from phash_engine.retrieval.vectors import of_codes

VOTES: Final = ("neighbours", "centroid")
NEIGHBOURS: Final = 5
_BITS = 192


class Labelled(NamedTuple):
    """What was decided, the queries that could not be read, by row, and the voters that could not, in any order."""

    verdicts: Verdicts
    failures: dict[int, ImageError]
    unread: list[ImageError]


class Trial(NamedTuple):
    """What labelled photos are, int64 classes ``(q,)``, what the others would call them, and the voters not read."""

    truth: Column
    verdicts: Verdicts
    unread: list[ImageError]


class Labeller:
    """Labelled photos, ready to vote.

    A content whose photos carry several labels has a vote for each.

    Parameters
    ----------
    catalogue
        An open catalogue; vectors are kept beside it.
    known
        Labels by absolute path; photos that are not in the catalogue do not vote.
    models, weights
        What makes vectors, as for ``rerank.Reranker``; without any the codes vote.
    neighbours
        How many vote.
    vote
        One of :data:`VOTES`: the nearest, or the means of the classes.
    radius
        Only photos within so many bits of 192 vote as neighbours: those beyond are alike by chance.
    rotations, trust_all
        As for ``search.Collection``.
    dtype
        How vectors are stored: "float32" or "float16".

    Raises
    ------
    ValueError
        Another vote.
    UsageError
        No labelled photo.

    Attributes
    ----------
    names
        The labels, sorted: the place of each is its class.
    """

    def __init__(
        self,
        catalogue: Store,
        known: Mapping[str, str],
        models: Sequence[Model] = (),
        weights: Sequence[float] | None = None,
        *,
        neighbours: int = NEIGHBOURS,
        vote: str = "neighbours",
        radius: int = CANDIDATE_RADIUS,
        rotations: bool = True,
        trust_all: bool = False,
        dtype: str = "float32",
    ) -> None:
        if vote not in VOTES:
            raise ValueError(f"there is no vote {vote!r}; votes are {', '.join(VOTES)}")
        self._catalogue, self._models, self._weights, self._dtype = catalogue, models, weights, dtype
        self._neighbours, self._vote, self._radius = neighbours, vote, radius
        self._rotations, self._trust_all = rotations, trust_all
        photos = [photo for photo in catalogue.photos() if photo.path in known]
        self.names = sorted({known[photo.path] for photo in photos})
        if not photos:
            raise UsageError("no photo of the catalogue has a label: 'phash scan' some that have")
        numbers = {name: number for number, name in enumerate(self.names)}
        voters = sorted({(photo.content_id, numbers[known[photo.path]]) for photo in photos})
        self._voters, self._classes = np.array(voters, dtype=np.int64).T
        self._sizes = np.bincount(self._classes, minlength=len(self.names))
        self._contents = {photo.content_id: Content(photo.digest, photo.path) for photo in photos if photo.digest}
        self._collection = Collection(catalogue, rotations=rotations, trust_all=trust_all, contents=self._voters)

    def label(self, sources: Sequence[images.Source], progress: Progress | None = None) -> Labelled:
        """Label pictures; a photo with the bytes of one is not its neighbour, but part of the mean of its class.

        Raises
        ------
        ModelError
            A model fails.
        """
        shown = self._embedded(sources) if self._models else None
        if self._vote == "centroid":
            asked = shown or _read_codes(sources, rotations=self._rotations, trust_all=self._trust_all)
            votes, unread = self._centroid_votes(asked, np.full(len(asked.rows), NONE), progress)
            scores = np.zeros((len(sources), len(self.names)))
            np.maximum.at(scores, asked.rows, votes)
            return Labelled(labels.decide(scores), asked.failures, unread)
        found = candidates(self._collection, sources, *self._limits())
        near, unread = self._nearby(found, shown, progress)
        scores = labels.neighbour_votes(near, self._classes, np.tile(self._sizes, (len(sources), 1)), self._neighbours)
        return Labelled(labels.decide(scores), found.failures, unread)

    def trial(self, progress: Progress | None = None) -> Trial:
        """Label every labelled photo by the others: all whose content has one label and structure to tell by.

        Errors as :meth:`label`.
        """
        full = self._collection.codes.full()
        _, first, labels_each = np.unique(self._voters, return_index=True, return_counts=True)
        asked = first[(labels_each == 1) & np.isin(self._voters[first], full.contents)]
        contents, truth = self._voters[asked], self._classes[asked]
        own_codes = full.codes[np.searchsorted(full.contents, contents)]
        own = self._stored(contents, progress) if self._models else None
        if self._vote == "centroid":
            shown = own or _ways(own_codes, rotations=self._rotations)
            votes, unread = self._centroid_votes(shown, asked[shown.rows], progress)
            scores = np.zeros((len(asked), len(self.names)))
            np.maximum.at(scores, shown.rows, votes)
            return Trial(truth, labels.decide(scores), unread)
        found = candidates(self._collection, own_codes, *self._limits(further=1))
        others = contents[found.queries] != found.contents
        found = Candidates(
            found.queries[others], found.contents[others], found.distances[others], found.match_types[others], {}
        )
        near, unread = self._nearby(found, own, progress)
        sizes = np.tile(self._sizes, (len(asked), 1))
        sizes[np.arange(len(asked)), truth] -= 1
        return Trial(truth, labels.decide(labels.neighbour_votes(near, self._classes, sizes, self._neighbours)), unread)

    def _limits(self, further: int = 0) -> tuple[int | None, int]:
        """Return how many contents to look for, and how far away."""
        return None if self._models else self._neighbours + further, self._radius

    def _nearby(
        self, found: Candidates, shown: Embedded | None, progress: Progress | None
    ) -> tuple[Nearby, list[ImageError]]:
        """Return what may vote: each content found stands for all its voters."""
        queries, contents, unread = found.queries, found.contents, list[ImageError]()
        similar = 1 - 2 * found.distances / _BITS
        if shown is not None:
            stored = self._stored(np.unique(contents), progress)
            unread = list(stored.failures.values())
            of_query = _places(shown.rows, queries)
            of_content = _places(np.unique(contents)[stored.rows], contents)
            there = (of_query >= 0) & (of_content >= 0)
            queries, contents = queries[there], contents[there]
            similar = np.einsum("md,md->m", shown.vectors[of_query[there]], stored.vectors[of_content[there]])
        first = np.searchsorted(self._voters, contents)
        counts = np.searchsorted(self._voters, contents, side="right") - first
        rows = np.repeat(np.arange(len(contents)), counts)
        voters = first[rows] + np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return Nearby(queries[rows], voters, similar[rows].astype(np.float64)), unread

    def _centroid_votes(
        self, asked: Embedded, own: Column, progress: Progress | None
    ) -> tuple[Shares, list[ImageError]]:
        contents = np.unique(self._voters)
        if self._models:
            stored = self._stored(contents, progress)
        else:
            full = code_set.load(self._catalogue, contents, trust_all=True).full()
            codes = orientation.upright(full.codes[np.searchsorted(full.contents, contents)])
            stored = Embedded(np.arange(len(contents)), of_codes(codes), {})
        unread = list(stored.failures.values())
        if not (len(stored.rows) and len(asked.rows)):
            return np.zeros((len(asked.rows), len(self.names))), unread
        place = _places(contents[stored.rows], self._voters)
        voting = np.flatnonzero(place != NONE)
        vectors, classes = stored.vectors[place[voting]], self._classes[voting]
        votes = labels.centroid_votes(asked.vectors, vectors, classes, len(self.names), _places(voting, own))
        return votes, unread

    def _stored(self, contents: Column, progress: Progress | None) -> Embedded:
        """Return vectors of contents that have files; rows are those of ``contents``."""
        known = [row for row, content in enumerate(contents.tolist()) if content in self._contents]
        files = [self._contents[content] for content in contents[known].tolist()]
        parts = [vectors_of(self._catalogue, files, model, self._dtype, progress) for model in self._models]
        found = joined(parts, self._weights)
        rows = np.array(known, dtype=np.int64)
        return Embedded(rows[found.rows], found.vectors, {known[row]: error for row, error in found.failures.items()})

    def _embedded(self, sources: Sequence[images.Source]) -> Embedded:
        return joined([embeddings.embed(sources, model) for model in self._models], self._weights)


def _read_codes(sources: Sequence[images.Source], *, rotations: bool, trust_all: bool) -> Embedded:
    """Return the codes of pictures as vectors, several rows a picture where it is turned."""
    readings = list(in_threads(_read, sources, available_threads()))
    failures = {row: reading for row, reading in enumerate(readings) if isinstance(reading, ImageError)}
    queries = [(row, query) for row, query in enumerate(readings) if not isinstance(query, ImageError)]
    kept = [(row, query.codes[0]) for row, query in queries if query.is_trusted or trust_all]
    table = np.array([codes for _, codes in kept], dtype=np.uint64).reshape(len(kept), -1)
    if not kept:
        return Embedded(np.empty(0, dtype=np.int64), np.empty((0, _BITS), dtype=np.float32), failures)
    shown = _ways(table, rotations=rotations)
    return Embedded(np.array([row for row, _ in kept], dtype=np.int64)[shown.rows], shown.vectors, failures)


def _read(source: images.Source) -> Query | ImageError:
    try:
        return read_query(source)[2]
    except ImageError as error:
        return error


def _ways(table: NDArray[np.uint64], *, rotations: bool) -> Embedded:
    """Return all codes ``(n, 10)`` as vectors of the decision codes, turned in every way."""
    turned = orientation.turned(table) if rotations else orientation.upright(table)[np.newaxis]
    rows = np.tile(np.arange(len(table)), len(turned))
    return Embedded(rows, of_codes(turned.reshape(len(rows), turned.shape[-1])), {})


def _places(known: Column, wanted: Column) -> Column:
    """Return where each of some numbers stands among ascending ones; -1 where it does not."""
    if not known.size:
        return np.full(wanted.shape, NONE)
    places = np.minimum(np.searchsorted(known, wanted), known.size - 1)
    return np.where(known[places] == wanted, places, NONE)
