"""Task → rankings of its gallery, by codes and by vectors.

Every ranking is of the whole gallery: by a single code, by the sum of the decision codes, or by the means of 2018 over
average, dct and wavelet; with a model also of what the decision codes find, ranked again by vectors, and of all by
vectors alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue.store import Store
from phash_engine.errors import UsageError
from phash_engine.evaluation.submissions import MOST
from phash_engine.evaluation.tasks import Column, Task
from phash_engine.hashing.hashers import CODE_NAMES, DECISION_NAMES
from phash_engine.retrieval import expansion
from phash_engine.retrieval.embeddings import Embedder, Embeddings, Progress
from phash_engine.retrieval.fused_index import FusedIndex, Scored
from phash_engine.retrieval.rerank import EXPANSIONS, scores
from phash_engine.retrieval.vectors import Vectors, cosines, learn_whitening

_THREE = ("average", "dct", "wavelet")
SCHEMES: dict[str, tuple[tuple[str, ...], str]] = {
    **{name: ((name,), "sum") for name in _THREE},
    "sum": (DECISION_NAMES, "sum"),
    **{method: (_THREE, method) for method in ("arithmetic", "geometric", "harmonic", "square-roots")},
}
"""Rankings by codes: their names, and the method of ``fusion`` that makes one score of their distances."""

RERANKED = {"rerank" if name == "none" else f"rerank-{name}": name for name in EXPANSIONS}
"""Rankings by vectors of what the sum finds, and the expansion of each."""

Ranking: TypeAlias = tuple[Column, NDArray[np.float64]]
"""Of one query rows of the gallery and their scores, the lowest score first: 100 rows, and all as near as the last."""


def rank_by_codes(task: Task, *, workers: int | None = None) -> dict[str, list[Ranking]]:
    """Rank the gallery for each query by each of :data:`SCHEMES`; the rankings of unreadable queries are empty.

    Cost: that of ``FusedIndex.search`` for every scheme. ``workers`` are threads; the rankings do not depend on them.
    """
    readable = np.flatnonzero(task.rows >= 0)
    queries = task.queries.table[task.rows[readable]]

    def rank(scheme: str) -> list[Ranking]:
        names, method = SCHEMES[scheme]
        columns = [CODE_NAMES.index(name) for name in names]
        index = FusedIndex(task.gallery.table[:, columns], threads=1)
        found = index.search(queries[:, columns], MOST + 1, method)
        return _without_own(task, found._replace(queries=readable[found.queries]))

    return dict(zip(SCHEMES, in_threads(rank, SCHEMES, workers or available_threads()), strict=True))


def rank_by_vectors(
    task: Task, queries: Embeddings, gallery: Embeddings, candidates: Sequence[Ranking], *, workers: int | None = None
) -> dict[str, list[Ranking]]:
    """Rank the candidates of each query again, by several scores, and the whole gallery by vectors alone.

    Parameters
    ----------
    task
        Queries and gallery.
    queries, gallery
        Unit vectors by rows of each side; a photo without a vector is in no ranking.
    candidates
        Of each query of the task, with the distance of the decision codes as score.
    workers
        Threads; the rankings do not depend on them.

    Returns
    -------
    dict
        By name: :data:`RERANKED`, "rerank-codes" (half cosine, half codes), "rerank-augmented" (cosines with the
        vectors of ``expansion.augmented``), "vectors" (cosines with all).
    """
    names = [*RERANKED, "rerank-codes", "rerank-augmented", "vectors"]
    if not len(gallery.rows):
        return {name: [_NOTHING] * len(task.query_ids) for name in names}
    place = np.full(len(task.gallery.ids), -1, dtype=np.int64)
    place[gallery.rows] = np.arange(len(gallery.rows))
    own_place = {int(row): number for number, row in enumerate(queries.rows)}
    nearest = expansion.nearest(gallery.vectors, gallery.vectors, expansion.AUGMENTING - 1, skip_same_row=True)
    augmented = expansion.augmented(gallery.vectors, nearest)

    def rank(query: int) -> dict[str, Ranking]:
        own = int(task.rows[query])
        if own not in own_place:
            return dict.fromkeys(names, _NOTHING)
        vector = queries.vectors[own_place[own]]
        rows, marks = candidates[query]
        with_vector = place[rows] >= 0
        rows, bits = rows[with_vector], marks[with_vector].astype(np.int64)
        there = place[rows]
        found = {
            name: _first(-scores(vector, gallery.vectors[there], bits, expand), rows)
            for name, expand in RERANKED.items()
        }
        found["rerank-codes"] = _first(-scores(vector, gallery.vectors[there], bits, code_weight=0.5), rows)
        found["rerank-augmented"] = _first(-_cosines(vector, augmented[there]), rows)
        others = gallery.rows[gallery.rows != task.own_row(query)]
        found["vectors"] = _first(-_cosines(vector, gallery.vectors[place[others]]), others)
        return found

    rankings = list(in_threads(rank, range(len(task.query_ids)), workers or available_threads()))
    return {name: [ranking[name] for ranking in rankings] for name in names}


def embed_sides(
    store: Store, task: Task, embedder: Embedder, *, components: int | None = None, progress: Progress | None = None
) -> tuple[Embeddings, Embeddings]:
    """Make the vectors of queries and gallery, with ``components`` whitened by the vectors of the gallery.

    Raises
    ------
    ModelError, IndexFileError
        As for ``Embedder.embed_photos``.
    UsageError
        More components than the gallery's vectors have.
    """
    queries, gallery = (embedder.embed_photos(store, side.photos, progress) for side in (task.queries, task.gallery))
    if components is None or not len(queries.rows):
        return queries, gallery
    try:
        whitening = learn_whitening(gallery.vectors, components)
    except ValueError as error:
        raise UsageError(f"cannot whiten: {error}") from error
    apply = whitening.apply
    return queries._replace(vectors=apply(queries.vectors)), gallery._replace(vectors=apply(gallery.vectors))


def _without_own(task: Task, found: Scored) -> list[Ranking]:
    """Return the ranking of each query, without its own file."""
    ends = np.searchsorted(found.queries, np.arange(len(task.query_ids) + 1)).tolist()
    rankings = []
    for query, (first, last) in enumerate(pairwise(ends)):
        rows, marks = found.ids[first:last], found.scores[first:last]
        others = rows != task.own_row(query)
        rankings.append(_first(marks[others], rows[others]))
    return rankings


def _first(marks: NDArray[np.float64], rows: Column) -> Ranking:
    """Return the 100 lowest, and all as low as the last of them."""
    if len(marks) > MOST:
        near = marks <= np.partition(marks, MOST - 1)[MOST - 1]
        marks, rows = marks[near], rows[near]
    order = np.lexsort((rows, marks))
    return rows[order], marks[order]


def _cosines(query: Vectors, vectors: Vectors) -> NDArray[np.float64]:
    products: NDArray[np.float64] = cosines(query[np.newaxis], vectors)[0].astype(np.float64)
    return products


_NOTHING: Ranking = (np.empty(0, dtype=np.int64), np.empty(0))
