"""Ranked lists: worked by hand, compared with scikit-learn, and with all orders of equal results."""

from __future__ import annotations

import math
from collections.abc import Sequence

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import average_precision_score, top_k_accuracy_score

from phash_engine.evaluation.ranking_metrics import (
    Judged,
    average_precisions,
    global_average_precision,
    judge,
    mean_average_precision,
    top_k_accuracy,
)
from phash_engine.index import Matches
from tests import naive

Results = Sequence[tuple[float, bool]]


def judged(*lists: Results, positives: list[int]) -> Judged:
    """One list of (score, whether true) for each query."""
    rows = [(query, score, true) for query, found in enumerate(lists) for score, true in found]
    queries, scores, relevant = np.array(rows).reshape(-1, 3).T
    return Judged(queries.astype(np.int64), scores, relevant.astype(bool), np.array(positives))


def results(most: int = 5) -> st.SearchStrategy[Results]:
    """Few different scores, so that most are ties."""
    return st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.5]), st.booleans()), max_size=most)


# ── worked by hand ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_mean_average_precision_by_hand() -> None:
    first = [(1, True), (2, False), (3, True), (4, False)]  # (1/1 + 2/3) / 2
    second = [(1, False), (2, True)]  # 1/2 of three true results: / 3
    third = [(1, False)]  # no true results: no part of the mean
    lists = judged(first, second, third, positives=[2, 3, 0])
    assert average_precisions(lists, 100) == pytest.approx([5 / 6, 1 / 6])
    assert mean_average_precision(lists) == pytest.approx(1 / 2)
    assert average_precisions(lists, 1) == pytest.approx([1, 0])
    assert average_precisions(lists, 2) == pytest.approx([1 / 2, 1 / 4])  # denominators 2 and min(3, 2)


def test_average_precision_of_a_tie_by_hand() -> None:
    # One true of two equal ones after a false one: rank 2 or 3 with precision 1/2 or 1/3.
    tied = judged([(1, False), (2, True), (2, False)], positives=[1])
    assert average_precisions(tied, 100) == pytest.approx([(1 / 2 + 1 / 3) / 2])
    assert average_precisions(tied, 2) == pytest.approx([1 / 4])


def test_global_average_precision_by_hand() -> None:
    # In one list: true, false, true; of three queries that have a true result. (1/1 + 2/3) / 3
    lists = judged([(1, True)], [(2, False)], [(3, True)], [(4, False)], positives=[1, 1, 1, 0])
    assert global_average_precision(lists) == pytest.approx(5 / 9)
    with pytest.raises(ValueError, match="one true result of each query"):
        global_average_precision(judged([(1, True), (2, True)], positives=[2]))


def test_top_k_accuracy_by_hand() -> None:
    # Found first; one true of three equal ones from rank 1 on; found third.
    first, second, third = [(1, True)], [(1, True), (1, False), (1, False)], [(1, False), (2, False), (3, True)]
    lists = judged(first, second, third, [(1, False)], positives=[1, 1, 1, 0])
    assert top_k_accuracy(lists, 1) == pytest.approx((1 + 1 / 3) / 3)
    assert top_k_accuracy(lists, 2) == pytest.approx((1 + 2 / 3) / 3)
    assert top_k_accuracy(lists, 3) == pytest.approx(1)


def test_matches_are_judged_by_pairs() -> None:
    matches = Matches(np.array([2, 0, 0]), np.array([-5, 7, 9]), np.array([3, 1, 2]))
    found = judge(matches, [(0, 9), (0, 9), (0, 2**62), (2, 7), (1, 9)], queries=4)
    assert found.relevant.tolist() == [False, False, True]
    assert found.positives.tolist() == [2, 1, 1, 0]
    with pytest.raises(ValueError, match="queries must be 0 to 1, not 0 to 2"):
        judge(matches, [], queries=2)
    with pytest.raises(ValueError, match="a result twice"):
        judge(Matches(*(np.zeros(2, dtype=np.int64) for _ in range(3))), [], queries=1)


def test_without_truth_there_is_nothing_to_average() -> None:
    nothing = judge(Matches(*(np.empty(0, dtype=np.int64) for _ in range(3))), [], queries=3)
    assert nothing.positives.tolist() == [0, 0, 0]
    for value in (mean_average_precision(nothing), global_average_precision(nothing), top_k_accuracy(nothing, 1)):
        assert math.isnan(value)


# ── scikit-learn, which has no ties in expectation ──────────────────────────────────────────────────────────────────


@given(st.lists(st.booleans(), min_size=1, max_size=30).filter(any))
def test_average_precision_is_that_of_scikit_learn(relevant: list[bool]) -> None:
    ranked: Results = [(float(rank), true) for rank, true in enumerate(relevant)]
    expected = average_precision_score(relevant, -np.arange(len(relevant)))
    one = judged(ranked, positives=[sum(relevant)])
    assert average_precisions(one, len(relevant)) == pytest.approx([expected])
    pooled = judged(*([result] for result in ranked), positives=[int(true) for true in relevant])
    assert global_average_precision(pooled) == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_top_k_accuracy_is_that_of_scikit_learn(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    truth, scores = rng.integers(0, 5, 8), rng.permutation(40).reshape(8, 5)
    lists = [
        [(float(-score), label == true) for label, score in enumerate(row)]
        for true, row in zip(truth, scores, strict=True)
    ]
    expected = top_k_accuracy_score(truth, scores, k=k, labels=np.arange(5))
    assert top_k_accuracy(judged(*lists, positives=[1] * 8), k) == pytest.approx(expected)


# ── all orders of equal results ─────────────────────────────────────────────────────────────────────────────────────


@given(results(), results(), st.integers(0, 3), st.integers(1, 6))
def test_ties_count_in_expectation(first: Results, second: Results, missed: int, k: int) -> None:
    positives = [sum(true for _, true in found) + missed for found in (first, second)]
    lists = judged(first, second, positives=positives)
    positive = [(found, m) for found, m in zip((first, second), positives, strict=True) if m]
    assert average_precisions(lists, k) == pytest.approx([naive.average_precision(*query, k) for query in positive])
    if positive:
        expected = [naive.top_k_accuracy(found, k) for found, _ in positive]
        assert top_k_accuracy(lists, k) == pytest.approx(np.mean(expected))


@given(results(6))
def test_ties_across_queries_count_in_expectation(pooled: Results) -> None:
    lists = judged(*([result] for result in pooled), positives=[1] * len(pooled))
    if pooled:
        expected = naive.global_average_precision(pooled, len(pooled))
        assert global_average_precision(lists) == pytest.approx(expected)


@given(results(12), st.integers(0, 2**32 - 1))
def test_the_order_of_results_does_not_matter(found: Results, seed: int) -> None:
    lists = judged(found, positives=[12])
    order = np.random.default_rng(seed).permutation(len(found))
    shuffled = Judged(lists.queries[order], lists.scores[order], lists.relevant[order], lists.positives)
    assert average_precisions(shuffled, 5) == pytest.approx(average_precisions(lists, 5))
