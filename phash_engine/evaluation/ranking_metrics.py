"""How good ranked answers are: mAP, GAP and top-k accuracy.

Equal scores have no order of their own, so every measure of a ranking is the mean over all orders of the equal ones
(McSherry & Najork 2008, "Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied
Scores"). A list that was cut at ``k`` in the midst of equal scores has lost that; give the measures all that is as
near as the k-th.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine.index.results import Matches

Shares = NDArray[np.float64]
Counts = NDArray[np.int64]


class Judged(NamedTuple):
    """Answers as columns, in any order, and which of them are true.

    Attributes
    ----------
    queries
        int64 ``(m,)``: row of the query, ``0..q-1``.
    scores
        int64 or float64 ``(m,)``: the nearest have the lowest; ranks will do.
    relevant
        bool ``(m,)``: whether it is a true answer.
    positives
        int64 ``(q,)``: true answers of each query, found or not.
    """

    queries: Counts
    scores: NDArray[Any]
    relevant: NDArray[np.bool_]
    positives: Counts


def judge(matches: Matches, truth: ArrayLike, queries: int) -> Judged:
    """Judge matches by the pairs known to be true.

    Parameters
    ----------
    matches
        Answers in any order; their distances may be scores or ranks.
    truth
        Whole numbers ``(t, 2)``: query and id of each true answer, in any order; a repeated pair counts once.
    queries
        Number of queries; one without a true answer counts in no mean.

    Raises
    ------
    ValueError
        A query out of range, or an answer that is given twice to one query.
    """
    pairs = np.asarray(truth, dtype=np.int64).reshape(-1, 2)
    asked = np.concatenate([matches.queries, pairs[:, 0]])
    if asked.size and not 0 <= asked.min() <= asked.max() < queries:
        raise ValueError(f"there are queries {asked.min()} to {asked.max()}; {queries} were announced")
    known, ranks = np.unique(np.concatenate([matches.ids, pairs[:, 1]]), return_inverse=True)
    keys = asked * known.size + ranks
    given, true = keys[: matches.ids.size], np.unique(keys[matches.ids.size :])
    if np.unique(given).size < given.size:
        raise ValueError("an answer is given twice to one query")
    positives = np.bincount(true // max(known.size, 1), minlength=queries)
    return Judged(matches.queries, matches.distances, np.isin(given, true), positives)


def average_precisions(judged: Judged, k: int) -> Shares:
    """Return the expected average precision at ``k`` of each query that has a true answer.

    The precisions at the ranks of the true answers among the first ``k``, summed, over ``min(m_q, k)`` for ``m_q`` true
    answers. Cost: one sort.

    Parameters
    ----------
    judged
        Of ``q`` queries.
    k
        Ranks that count, at least 1.

    Returns
    -------
    numpy.ndarray
        float64, 0..1, in the order of the queries; those without a true answer are left out.

    Examples
    --------
    True, false, true, and a third true answer not found: (1/1 + 2/3) / 3.

    >>> answers = Judged(np.zeros(3, int), np.array([1, 2, 3]), np.array([True, False, True]), np.array([3]))
    >>> average_precisions(answers, k=100).round(4)
    array([0.5556])
    """
    ties = _ties(judged.queries, judged.scores)
    counted = np.where(ties.ranks <= k, _expected_precisions(ties, judged.relevant), 0)
    sums = np.bincount(judged.queries[ties.order], weights=counted, minlength=judged.positives.size)
    asked = judged.positives > 0
    averages: Shares = sums[asked] / np.minimum(judged.positives[asked], k)
    return averages


def mean_average_precision(judged: Judged, k: int = 100) -> float:
    """Return the mean of :func:`average_precisions`, mAP@k; NaN where no query has a true answer."""
    return _mean(average_precisions(judged, k))


def global_average_precision(judged: Judged) -> float:
    """Return GAP, or micro-AP: the average precision of all answers to all queries in one list.

    The precisions at the ranks of the true answers, summed, over the number of queries that have a true answer
    (Perronnin et al. 2009, "A Family of Contextual Measures of Similarity", section 5).

    Parameters
    ----------
    judged
        Scores must compare across queries. Give one prediction of each query, or queries with one true answer each.

    Returns
    -------
    float
        0..1; NaN where no query has a true answer.

    Raises
    ------
    ValueError
        A query with more than one true answer among these.
    """
    if judged.queries.size and np.bincount(judged.queries[judged.relevant], minlength=1).max() > 1:
        raise ValueError("GAP counts one true answer of each query; here a query is given more")
    ties = _ties(np.zeros_like(judged.queries), judged.scores)
    asked = np.count_nonzero(judged.positives)
    return float(_expected_precisions(ties, judged.relevant).sum()) / asked if asked else math.nan


def top_k_accuracy(judged: Judged, k: int) -> float:
    """Return the share of queries with a true answer that have one among the first ``k``; with 1, R@1.

    Of ``n`` equal answers around the k-th rank, ``r`` of them true, ``j`` come in: none of them is true with the
    probability ``C(n - r, j) / C(n, j)``. NaN where no query has a true answer.
    """
    ties = _ties(judged.queries, judged.scores)
    true = ties.sums(judged.relevant)
    with_true = np.flatnonzero(true)
    queries, first = np.unique(judged.queries[ties.order[ties.starts[with_true]]], return_index=True)
    chances = np.zeros(judged.positives.size)
    for query, group in zip(queries.tolist(), with_true[first].tolist(), strict=True):
        chances[query] = _chance_of_one(int(ties.sizes[group]), int(true[group]), k - int(ties.before[group]))
    return _mean(chances[judged.positives > 0])


class _Ties(NamedTuple):
    """Answers sorted by list and score, in groups of equal ones."""

    order: Counts
    ranks: Counts
    group: Counts
    starts: Counts
    sizes: Counts
    before: Counts

    def sums(self, relevant: NDArray[np.bool_]) -> Counts:
        """Return the number of true answers in each group."""
        counts: Counts = np.bincount(self.group[relevant[self.order]], minlength=self.sizes.size)
        return counts


def _ties(lists: Counts, scores: NDArray[Any]) -> _Ties:
    """``order``, ``ranks`` and ``group`` of each answer; first place, size, and answers before it of each group."""
    order: Counts = np.lexsort((scores, lists))
    places = np.arange(order.size)
    new_list = _changes(lists[order])
    new_group = new_list | _changes(scores[order])
    group = np.cumsum(new_group) - 1
    ranks = places - np.maximum.accumulate(np.where(new_list, places, 0)) + 1
    starts = np.flatnonzero(new_group)
    return _Ties(order, ranks, group, starts, np.bincount(group, minlength=starts.size), ranks[starts] - 1)


def _changes(column: NDArray[Any]) -> NDArray[np.bool_]:
    changes: NDArray[np.bool_] = np.ones(column.size, dtype=np.bool_)
    changes[1:] = column[1:] != column[:-1]
    return changes


def _expected_precisions(ties: _Ties, relevant: NDArray[np.bool_]) -> Shares:
    """Mean over all orders of equal answers of "precision where the answer is true, else 0", in the sorted order.

    In a group of ``n`` with ``r`` true ones, the answer at place ``i`` (from 0) is true with the probability r/n, and
    then each of the ``i`` before it with the probability (r - 1)/(n - 1).
    """
    true = ties.sums(relevant)
    true_before = np.cumsum(true) - true
    first = ties.before == 0
    true_before -= true_before[first][np.cumsum(first) - 1]
    n, r, place = ties.sizes[ties.group], true[ties.group], ties.ranks - 1 - ties.before[ties.group]
    others = place * (r - 1) / np.maximum(n - 1, 1)
    precisions: Shares = r / n * (true_before[ties.group] + 1 + others) / ties.ranks
    return precisions


def _chance_of_one(n: int, true: int, places: int) -> float:
    """Probability that one of the ``true`` among ``n`` equal answers comes into the first ``places`` of them."""
    drawn = min(max(places, 0), n)
    return 1 - math.comb(n - true, drawn) / math.comb(n, drawn)


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else math.nan
