"""Rankings and submissions, measured by the truth; and rankings as rows of a submission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from phash_engine.errors import UsageError
from phash_engine.evaluation import ranking_metrics, submissions
from phash_engine.evaluation.ranking_metrics import Judged
from phash_engine.evaluation.rankings import Ranking
from phash_engine.evaluation.submissions import MOST, Prediction, Table
from phash_engine.evaluation.tasks import Column, Task
from phash_engine.index import Matches


class Measures(NamedTuple):
    """How good a ranking is, 0..1 each; NaN where truth or submission do not determine it.

    Attributes
    ----------
    map_100
        Mean average precision of the first 100.
    gap
        Global average precision of the first row of each query.
    top_1, top_3, top_10
        Share of the queries that have a true result among the first 1, 3 and 10.
    """

    map_100: float
    gap: float
    top_1: float
    top_3: float
    top_10: float


def measure(task: Task, rankings: Sequence[Ranking]) -> Measures:
    """Measure rankings. Equal scores count by the mean over their orders, but GAP takes the first row of each query."""
    judged = _judged(rankings, task.truth)
    first = _judged([(rows[:1], marks[:1]) for rows, marks in rankings], task.truth)
    return Measures(
        ranking_metrics.mean_average_precision(judged, MOST),
        ranking_metrics.global_average_precision(first),
        *(ranking_metrics.top_k_accuracy(judged, k) for k in (1, 3, 10)),
    )


def submission(task: Task, rankings: Sequence[Ranking], kind: str) -> dict[str, list[str]]:
    """Return the rows of a submission: the first 100 ids, or the label of the first and its confidence.

    The lowest score of all has the confidence 1, a score higher by ``x`` has ``1 / (1 + x)``.
    """
    if kind == "images":
        firsts = [[task.gallery.ids[row] for row in rows[:MOST]] for rows, _ in rankings]
        return dict(zip(task.query_ids, firsts, strict=True))
    lowest = min((float(marks[0]) for _, marks in rankings if len(marks)), default=0.0)
    return {
        name: [task.labels[rows[0]], f"{1 / (1 + float(marks[0]) - lowest):.12g}"] if len(rows) else []
        for name, (rows, marks) in zip(task.query_ids, rankings, strict=True)
    }


def score(truth: Table, submitted: Table) -> Measures:
    """Measure a submission.

    Raises
    ------
    UsageError
        A file of another kind than the truth, an id that is absent, or rows that cannot be read.
    """
    if truth.kind != submitted.kind:
        raise UsageError(f"{submitted.path} holds {submitted.kind}, the truth {truth.path} {truth.kind}")
    submissions.check_ids(submitted, truth.rows, truth.path)
    if truth.kind == "landmarks":
        return _score_labels(truth, submissions.predictions(submitted))
    given = submissions.ranked_ids(submitted)
    number = {word: place for place, word in enumerate(dict.fromkeys(_words(truth.rows, given)))}
    pairs = [(query, number[word]) for query, words in enumerate(truth.rows.values()) for word in words]
    rankings = [_by_rank([number[word] for word in given[name]]) for name in truth.rows]
    judged = _judged(rankings, np.array(pairs, dtype=np.int64).reshape(-1, 2))
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


def _by_rank(rows: Sequence[int]) -> Ranking:
    return np.array(rows, dtype=np.int64), np.arange(len(rows), dtype=np.float64)


def _judged(rankings: Sequence[Ranking], truth: Column) -> Judged:
    queries = np.repeat(np.arange(len(rankings)), [len(rows) for rows, _ in rankings])
    rows, marks = (np.concatenate(parts) for parts in zip(_NOTHING, *rankings, strict=True))
    return ranking_metrics.judge(Matches(queries, rows, marks), truth, len(rankings))


def _words(*tables: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for rows in tables:
        for words in rows.values():
            yield from words


_NOTHING: Ranking = (np.empty(0, dtype=np.int64), np.empty(0))
