"""Candidates by code → ranked by vectors: a second look that only few photos need.

The codes name the photos within a radius; their vectors, and that of the query, put them in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import _files, images
from phash_engine.catalogue import Photo, Store
from phash_engine.catalogue.vector_store import VectorFile
from phash_engine.errors import ImageError
from phash_engine.hashing.views import MatchType
from phash_engine.matching.policy import CANDIDATE_RADIUS
from phash_engine.matching.search import Collection
from phash_engine.retrieval import expansion
from phash_engine.retrieval import models as embeddings
from phash_engine.retrieval.candidates import candidates
from phash_engine.retrieval.models import Embedded, Model
from phash_engine.retrieval.vectors import Vectors, concatenated, cosines, fused

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and the number to do."""

EXPANSIONS = ("none", "average", "alpha", "diffusion", "linked")
_EXPANDING = 5
_LINKED = 10
_POWER = 3
_STORED = 256


class Ranked(NamedTuple):
    """A photo with its score (the higher, the more alike), its distance in bits, and its match type."""

    query: str
    photo: Photo
    score: float
    distance: int
    match_type: MatchType


class Content(NamedTuple):
    """A content by its digest, and a file that has it."""

    digest: bytes
    path: str


class Reranker:
    """A collection whose photos are found by code and ranked by vectors.

    Parameters
    ----------
    collection
        What to search. Vectors are kept beside its catalogue.
    models
        What makes the vectors, and with several what is joined in one.
    weights
        Of each model; all weigh the same when None.
    expand
        One of :data:`EXPANSIONS`; see :func:`scores`.
    code_weight
        Share of the codes in the score, 0..1.
    dtype
        How vectors are stored: "float32" or "float16".
    """

    def __init__(
        self,
        collection: Collection,
        models: Sequence[Model],
        weights: Sequence[float] | None = None,
        *,
        expand: str = "none",
        code_weight: float = 0,
        dtype: str = "float32",
    ) -> None:
        self._collection = collection
        self._models = models
        self._weights = weights
        self._expand = expand
        self._code_weight = code_weight
        self._dtype = dtype

    def find(
        self,
        source: images.Source,
        k: int | None = None,
        radius: int = CANDIDATE_RADIUS,
        progress: Progress | None = None,
    ) -> tuple[list[Ranked], dict[str, ImageError]]:
        """Rank the photos within a radius of a picture, but for those with its own bytes.

        Parameters
        ----------
        source
            Anything that ``images.read_block`` takes.
        k
            At most so many photos.
        radius
            Bits, 0..192.
        progress
            Called while vectors that are not yet stored are made.

        Returns
        -------
        tuple
            The photos, sorted by (highest score, path), and the candidates whose files could not be read, by path.

        Raises
        ------
        ImageError
            The picture cannot be read.
        ModelError
            A model fails.
        ValueError
            A radius or a weight out of range.
        """
        found = candidates(self._collection, [source], radius=radius)
        for error in found.failures.values():
            raise error
        store = self._collection.store
        of_content = store.photos_of_contents(found.contents.tolist())
        photos = [of_content[content] for content in found.contents.tolist()]
        # A photo whose codes were computed elsewhere has no digest, and its file was never seen.
        seen = [row for row, same in enumerate(photos) if same and same[0].digest]
        owners = [photos[row] for row in seen]
        contents = [Content(same[0].digest or b"", same[0].path) for same in owners]
        stored = joined(
            [vectors_of(store, contents, model, self._dtype, progress) for model in self._models],
            self._weights,
        )
        failures = {contents[row].path: error for row, error in stored.failures.items()}
        if not len(stored.rows):
            return [], failures
        (query,) = joined([embeddings.embed([source], model) for model in self._models], self._weights).vectors
        kept = np.array(seen)[stored.rows]
        marks = scores(query, stored.vectors, found.distances[kept], self._expand, self._code_weight)
        name = images.source_name(source)
        ranked = [
            Ranked(name, photo, mark, int(found.distances[row]), MatchType(found.match_types[row]))
            for row, place, mark in zip(kept.tolist(), stored.rows.tolist(), marks.tolist(), strict=True)
            for photo in owners[place]
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
        raise ValueError(f"there is no expansion {expand!r}; expansions are {', '.join(EXPANSIONS)}")
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


def vectors_of(
    catalogue: Store,
    contents: Sequence[Content],
    model: Model,
    dtype: str = "float32",
    progress: Progress | None = None,
) -> Embedded:
    """Return the vectors of contents; those not yet stored beside the catalogue are made, and stored.

    Parameters
    ----------
    catalogue
        An open catalogue; one in memory stores nothing.
    contents
        Each once.
    model
        What makes them.
    dtype
        How they are stored: "float32" or "float16".
    progress
        Called after each batch of pictures.

    Returns
    -------
    Embedded
        Rows are those of ``contents``. A file that no longer has its digest is a failure.

    Raises
    ------
    ModelError, IndexFileError
        A model fails, or the stored vectors cannot be used.
    """
    if catalogue.path is None:
        return _gathered(range(len(contents)), list(_made(contents, model, progress)))
    store = VectorFile(catalogue.path.with_name(catalogue.path.name + ".vectors") / f"{model.key}-{dtype}", dtype)
    missing = [row for row, content in enumerate(contents) if content.digest not in store]
    failures: dict[int, ImageError] = {}
    pending: list[Embedded] = []
    for part in _made([contents[row] for row in missing], model, progress):
        pending.append(part)
        if sum(len(part.rows) for part in pending) >= _STORED:
            failures |= _store(store, contents, _gathered(missing, pending))
            pending = []
    failures |= _store(store, contents, _gathered(missing, pending))
    rows = [row for row in range(len(contents)) if row not in failures]
    return Embedded(np.array(rows, dtype=np.int64), store.read([contents[row].digest for row in rows]), failures)


def joined(parts: Sequence[Embedded], weights: Sequence[float] | None = None) -> Embedded:
    """Join the vectors of several models for the same pictures; errors as ``vectors.concatenated``."""
    if not len(parts[0].rows):
        return parts[0]
    return parts[0]._replace(vectors=concatenated([part.vectors for part in parts], weights))


def _made(contents: Sequence[Content], model: Model, progress: Progress | None) -> Iterator[Embedded]:
    done = 0
    for part in embeddings.iter_embed(contents, partial(_read, model=model), model):
        done += len(part.rows) + len(part.failures)
        if progress:
            progress(done, len(contents))
        yield part


def _read(content: Content, model: Model) -> NDArray[np.uint8]:
    _, data = _files.read(content.path)
    if _files.digest(data) != content.digest:
        raise ImageError(content.path, "changed since it was scanned")
    return embeddings.read(data, model, content.path)


def _gathered(rows: Sequence[int], parts: Sequence[Embedded]) -> Embedded:
    """Put batches together and call their pictures by other numbers."""
    numbers = np.array(rows, dtype=np.int64)
    return Embedded(
        np.concatenate([np.empty(0, dtype=np.int64), *(numbers[part.rows] for part in parts)]),
        np.concatenate([part.vectors for part in parts if len(part.rows)] or [np.empty((0, 0), dtype=np.float32)]),
        {int(numbers[row]): error for part in parts for row, error in part.failures.items()},
    )


def _store(store: VectorFile, contents: Sequence[Content], made: Embedded) -> dict[int, ImageError]:
    if len(made.rows):
        store.append([contents[row].digest for row in made.rows.tolist()], made.vectors)
    return made.failures
