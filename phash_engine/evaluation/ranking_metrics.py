"""Metrics of rankings: mAP, GAP and top-k accuracy.

Equal scores have no order of their own, so every measure of a ranking is the mean over all orders of the equal ones
(McSherry & Najork 2008, "Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied
Scores"). A ranking cut at ``k`` within equal scores does not allow this: the measures need all results as near as the
k-th.
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
    """Results as columns, in any order, with their relevance judgements.

    Attributes
    ----------
    queries
        int64 ``(m,)``: row of the query, ``0..q-1``.
    scores
        int64 or float64 ``(m,)``, the lowest first; ranks are scores too.
    relevant
        bool ``(m,)``: whether the result is true.
    positives
        int64 ``(q,)``: number of true results of each query, found or not.
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
        Results in any order; their distances may be scores or ranks.
    truth
        Whole numbers ``(t, 2)``: query and id of each true result, in any order; a repeated pair counts once.
    queries
        Number of queries; a query without a true result counts in no mean.

    Raises
    ------
    ValueError
        A query out of range, or a result that a query has twice.
    """
    pairs = np.asarray(truth, dtype=np.int64).reshape(-1, 2)
    rows = np.concatenate([matches.queries, pairs[:, 0]])
    if rows.size and not 0 <= rows.min() <= rows.max() < queries:
        raise ValueError(f"queries must be 0 to {queries - 1}, not {rows.min()} to {rows.max()}")
    known, ranks = np.unique(np.concatenate([matches.ids, pairs[:, 1]]), return_inverse=True)
    keys = rows * known.size + ranks
    given, true = keys[: matches.ids.size], np.unique(keys[matches.ids.size :])
    if np.unique(given).size < given.size:
        raise ValueError("a query has a result twice")
    positives = np.bincount(true // max(known.size, 1), minlength=queries)
    return Judged(matches.queries, matches.distances, np.isin(given, true), positives)


def average_precisions(judged: Judged, k: int) -> Shares:
    """Return the expected average precision at ``k`` of each query that has a true result.

    The precisions at the ranks of the true results among the first ``k``, summed, over ``min(m_q, k)`` for ``m_q`` true
    results. Cost: one sort.

    Parameters
    ----------
    judged
        Of ``q`` queries.
    k
        Ranks that count, at least 1.

    Returns
    -------
    numpy.ndarray
        float64, 0..1, in the order of the queries; those without a true result are left out.

    Examples
    --------
    True, false, true, and a third true result not found: (1/1 + 2/3) / 3.

    >>> judged = Judged(np.zeros(3, int), np.array([1, 2, 3]), np.array([True, False, True]), np.array([3]))
    >>> average_precisions(judged, k=100).round(4)
    array([0.5556])
    """
    ties = _ties(judged.queries, judged.scores)
    counted = np.where(ties.ranks <= k, _expected_precisions(ties, judged.relevant), 0)
    sums = np.bincount(judged.queries[ties.order], weights=counted, minlength=judged.positives.size)
    positive = judged.positives > 0
    averages: Shares = sums[positive] / np.minimum(judged.positives[positive], k)
    return averages


def mean_average_precision(judged: Judged, k: int = 100) -> float:
    """Return the mean of :func:`average_precisions`, mAP@k; NaN where no query has a true result."""
    return _mean(average_precisions(judged, k))


def global_average_precision(judged: Judged) -> float:
    """Return GAP, or micro-AP: the average precision of the results of all queries in one list.

    The precisions at the ranks of the true results, summed, over the number of queries that have a true result
    (Perronnin et al. 2009, "A Family of Contextual Measures of Similarity", section 5).

    Parameters
    ----------
    judged
        Scores must compare across queries. Each query has one result here, or one true result.

    Returns
    -------
    float
        0..1; NaN where no query has a true result.

    Raises
    ------
    ValueError
        A query with more than one true result here.
    """
    if judged.queries.size and np.bincount(judged.queries[judged.relevant], minlength=1).max() > 1:
        raise ValueError("GAP counts one true result of each query; here a query has more")
    ties = _ties(np.zeros_like(judged.queries), judged.scores)
    positive = np.count_nonzero(judged.positives)
    return float(_expected_precisions(ties, judged.relevant).sum()) / positive if positive else math.nan


def top_k_accuracy(judged: Judged, k: int) -> float:
    """Return the share of the queries with a true result that have a true one among the first ``k``; R@1 with 1.

    Of ``n`` equal results around the k-th rank, ``r`` of them true, ``j`` are among the first ``k``: none of these is
    true with the probability ``C(n - r, j) / C(n, j)``. NaN where no query has a true result.
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
    """Results sorted by list and score, in groups of equal ones."""

    order: Counts
    ranks: Counts
    group: Counts
    starts: Counts
    sizes: Counts
    before: Counts

    def sums(self, relevant: NDArray[np.bool_]) -> Counts:
        """Return the number of true results in each group."""
        counts: Counts = np.bincount(self.group[relevant[self.order]], minlength=self.sizes.size)
        return counts


def _ties(lists: Counts, scores: NDArray[Any]) -> _Ties:
    """``order``, ``ranks`` and ``group`` of each result; of each group first, size, and results before it."""
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
    """Mean over all orders of equal results of "precision where the result is true, else 0", in the sorted order.

    In a group of ``n`` with ``r`` true ones, the result at position ``i`` (from 0) is true with the probability r/n,
    and then each of the ``i`` before it with the probability (r - 1)/(n - 1).
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
    """Probability that one of the ``true`` among ``n`` equal results is among the first ``places`` of them."""
    drawn = min(max(places, 0), n)
    return 1 - math.comb(n - true, drawn) / math.comb(n, drawn)


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else math.nan
