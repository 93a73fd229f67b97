"""Queries, a gallery and the truth about them → how good each way of ranking is.

Every way ranks the whole gallery: by a single code, by the sum of the decision codes, or by the means of 2018 over
average, dct and wavelet; with a model also what the decision codes find, ranked again by vectors, and all by vectors
alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue.store import Store
from phash_engine.errors import UsageError
from phash_engine.evaluation import ranking_metrics, submissions
from phash_engine.evaluation.ranking_metrics import Judged
from phash_engine.evaluation.submissions import MOST, Prediction, Table
from phash_engine.evaluation.tasks import Column, Task
from phash_engine.hashing.codes import distances
from phash_engine.hashing.hashers import CODE_NAMES, DECISION_NAMES
from phash_engine.index import Matches
from phash_engine.retrieval import expansion
from phash_engine.retrieval.fusion import fuse
from phash_engine.retrieval.models import Embedded, Model
from phash_engine.retrieval.rerank import EXPANSIONS, Progress, joined, scores, vectors_of
from phash_engine.retrieval.vectors import Vectors, cosines, learn_whitening

_THREE = ("average", "dct", "wavelet")
SCHEMES: dict[str, tuple[tuple[str, ...], str]] = {
    **{name: ((name,), "sum") for name in _THREE},
    "sum": (DECISION_NAMES, "sum"),
    **{rule: (_THREE, rule) for rule in ("arithmetic", "geometric", "harmonic", "square-roots")},
}
"""Rankings by codes: which of them, and the rule of ``fusion`` that makes one number of their distances."""

RERANKED = {"rerank" if name == "none" else f"rerank-{name}": name for name in EXPANSIONS}
"""Rankings by vectors of what the sum finds, and the expansion of each."""

Answer = tuple[Column, NDArray[np.float64]]
"""Rows of the gallery and their scores, nearest and lowest first: 100, and all that are as near as the last."""


class Measures(NamedTuple):
    """How good a ranking is, 0..1 each; NaN where the truth or the file does not tell.

    Attributes
    ----------
    map_100
        Mean average precision of the first 100.
    gap
        Global average precision of the first answer of each query.
    top_1, top_3, top_10
        Share of the queries that have a true answer among the first.
    """

    map_100: float
    gap: float
    top_1: float
    top_3: float
    top_10: float


def rank_by_codes(task: Task, *, workers: int | None = None) -> dict[str, list[Answer]]:
    """Rank the gallery for each query by each of :data:`SCHEMES`; unreadable queries have no answers.

    Cost: a look at every code for every query.
    """

    def rank(query: int) -> dict[str, Answer]:
        own = int(task.rows[query])
        if own < 0:
            return dict.fromkeys(SCHEMES, _NOTHING)
        apart = distances(task.gallery.table, task.queries.table[own])
        others = task.others(query)
        found = {}
        for name, (names, rule) in SCHEMES.items():
            columns = [CODE_NAMES.index(code) for code in names]
            found[name] = _first(fuse(apart[others][:, columns], rule), others)
        return found

    answers = list(in_threads(rank, range(len(task.asked)), workers or available_threads()))
    return {name: [answer[name] for answer in answers] for name in SCHEMES}


def rank_by_vectors(
    task: Task, queries: Embedded, gallery: Embedded, candidates: Sequence[Answer], *, workers: int | None = None
) -> dict[str, list[Answer]]:
    """Rank the candidates of each query again, in several ways, and the whole gallery by vectors alone.

    Parameters
    ----------
    task
        What is asked.
    queries, gallery
        Unit vectors by rows of each side; what has none is in no answer.
    candidates
        Of each query of the task, with the distance of the decision codes as score.
    workers
        Threads; they change no answer.

    Returns
    -------
    dict
        Answers by ranking: :data:`RERANKED`, "rerank-codes" (half cosine, half codes), "rerank-augmented" (cosines with
        the vectors of ``expansion.augmented``), "vectors" (cosines with all).
    """
    names = [*RERANKED, "rerank-codes", "rerank-augmented", "vectors"]
    if not len(gallery.rows):
        return {name: [_NOTHING] * len(task.asked) for name in names}
    place = np.full(len(task.gallery.ids), -1, dtype=np.int64)
    place[gallery.rows] = np.arange(len(gallery.rows))
    own_place = {int(row): number for number, row in enumerate(queries.rows)}
    nearest = expansion.nearest(gallery.vectors, gallery.vectors, expansion.AUGMENTING - 1, skip_same_row=True)
    augmented = expansion.augmented(gallery.vectors, nearest)

    def rank(query: int) -> dict[str, Answer]:
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
        others = task.others(query)
        others = others[place[others] >= 0]
        found["vectors"] = _first(-_cosines(vector, gallery.vectors[place[others]]), others)
        return found

    answers = list(in_threads(rank, range(len(task.asked)), workers or available_threads()))
    return {name: [answer[name] for answer in answers] for name in names}


def embed_sides(
    catalogue: Store,
    task: Task,
    models: Sequence[Model],
    weights: Sequence[float] | None = None,
    *,
    components: int | None = None,
    dtype: str = "float32",
    progress: Progress | None = None,
) -> tuple[Embedded, Embedded]:
    """Make the vectors of both sides, with ``components`` whitened by what the gallery's vectors tell.

    Raises
    ------
    ModelError, IndexFileError
        As ``rerank.vectors_of``.
    UsageError
        More components than the gallery's vectors can tell.
    """
    queries, gallery = (
        joined([vectors_of(catalogue, side.contents, model, dtype, progress) for model in models], weights)
        for side in (task.queries, task.gallery)
    )
    if components is None or not len(queries.rows):
        return queries, gallery
    try:
        whitening = learn_whitening(gallery.vectors, components)
    except ValueError as error:
        raise UsageError(f"cannot whiten: {error}") from error
    apply = whitening.apply
    return queries._replace(vectors=apply(queries.vectors)), gallery._replace(vectors=apply(gallery.vectors))


def measure(task: Task, ranking: Sequence[Answer]) -> Measures:
    """Measure a ranking; equal scores count by the mean over their orders, but the first answer of GAP is one."""
    judged = _judged(ranking, task.truth)
    first = _judged([(rows[:1], marks[:1]) for rows, marks in ranking], task.truth)
    return Measures(
        ranking_metrics.mean_average_precision(judged, MOST),
        ranking_metrics.global_average_precision(first),
        *(ranking_metrics.top_k_accuracy(judged, k) for k in (1, 3, 10)),
    )


def submission(task: Task, ranking: Sequence[Answer], kind: str) -> dict[str, list[str]]:
    """Return the rows of a submission: the first 100 ids, or the label of the first and how sure it is.

    The surest of all has the confidence 1, and one whose score is higher by ``x`` has ``1 / (1 + x)``.
    """
    if kind == "images":
        ids = task.gallery.ids
        return {name: [ids[row] for row in rows[:MOST]] for name, (rows, _) in zip(task.asked, ranking, strict=True)}
    lowest = min((float(marks[0]) for _, marks in ranking if len(marks)), default=0.0)
    return {
        name: [task.labels[rows[0]], f"{1 / (1 + float(marks[0]) - lowest):.12g}"] if len(rows) else []
        for name, (rows, marks) in zip(task.asked, ranking, strict=True)
    }


def score(truth: Table, submitted: Table) -> Measures:
    """Measure a submission.

    Raises
    ------
    UsageError
        Another kind of file than the truth, an id that is absent, or rows that cannot be read.
    """
    if truth.kind != submitted.kind:
        raise UsageError(f"{submitted.path} holds {submitted.kind}, the truth {truth.path} {truth.kind}")
    submissions.check_ids(submitted, truth.rows, truth.path)
    if truth.kind == "landmarks":
        return _score_labels(truth, submissions.predictions(submitted))
    given = submissions.answers(submitted)
    number = {word: place for place, word in enumerate(dict.fromkeys(_words(truth.rows, given)))}
    pairs = [(query, number[word]) for query, words in enumerate(truth.rows.values()) for word in words]
    ranking = [_by_rank([number[word] for word in given[name]]) for name in truth.rows]
    judged = _judged(ranking, np.array(pairs, dtype=np.int64).reshape(-1, 2))
    return Measures(
        ranking_metrics.mean_average_precision(judged, MOST),
        float("nan"),  # ranks of several queries do not compare
        *(ranking_metrics.top_k_accuracy(judged, k) for k in (1, 3, 10)),
    )


def _score_labels(truth: Table, given: Mapping[str, Prediction | None]) -> Measures:
    made = [(query, name, given[name]) for query, name in enumerate(truth.rows)]
    kept = [(query, truth.rows[name], prediction) for query, name, prediction in made if prediction is not None]
    judged = Judged(
        np.array([query for query, _, _ in kept], dtype=np.int64),
        np.array([-prediction.confidence for _, _, prediction in kept]),
        np.array([prediction.label in labels for _, labels, prediction in kept], dtype=np.bool_),
        np.array([bool(labels) for labels in truth.rows.values()], dtype=np.int64),
    )
    top = ranking_metrics.top_k_accuracy(judged, 1)
    nan = float("nan")
    return Measures(nan, ranking_metrics.global_average_precision(judged), top, nan, nan)


def _first(marks: NDArray[np.float64], rows: Column) -> Answer:
    """Return the 100 lowest, and all as low as the last of them."""
    if len(marks) > MOST:
        near = marks <= np.partition(marks, MOST - 1)[MOST - 1]
        marks, rows = marks[near], rows[near]
    order = np.lexsort((rows, marks))
    return rows[order], marks[order]


def _by_rank(rows: Sequence[int]) -> Answer:
    return np.array(rows, dtype=np.int64), np.arange(len(rows), dtype=np.float64)


def _cosines(query: Vectors, vectors: Vectors) -> NDArray[np.float64]:
    products: NDArray[np.float64] = cosines(query[np.newaxis], vectors)[0].astype(np.float64)
    return products


def _judged(ranking: Sequence[Answer], truth: Column) -> Judged:
    queries = np.repeat(np.arange(len(ranking)), [len(rows) for rows, _ in ranking])
    rows, marks = (np.concatenate(parts) for parts in zip(_NOTHING, *ranking, strict=True))
    return ranking_metrics.judge(Matches(queries, rows, marks), truth, len(ranking))


def _words(*tables: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for rows in tables:
        for words in rows.values():
            yield from words


_NOTHING: Answer = (np.empty(0, dtype=np.int64), np.empty(0))
