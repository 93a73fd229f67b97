"""One score of several distances: worked by hand, and searches compared with all pairs."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from phash_engine.hashing import codes
from phash_engine.retrieval.fused_index import FusedIndex
from phash_engine.retrieval.fusion import METHODS, fuse, single_radius
from tests import naive
from tests.strategies import Collection, collections

DISTANCES = st.lists(st.integers(0, 64), min_size=1, max_size=5)
TALK = {"geometric": math.nextafter(12, 0), "square-roots": 4.3, "arithmetic": math.nextafter(18, 0)} | {
    "harmonic": math.nextafter(17.5, 0)
}
"""Limits of the 2018 talk: below 12, up to 4.3, below 18, below 17.5."""


@pytest.mark.parametrize(
    ("method", "score"),
    [("sum", 22), ("arithmetic", 11), ("geometric", math.sqrt(72)), ("harmonic", 72 / 11), ("square-roots", 3.12132)],
)
def test_methods_by_hand(method: str, score: float) -> None:
    """Zeros are dropped: 4 and 18 count, and their roots 2 and 4.2426."""
    distances = [[0, 4, 18], [0, 0, 0]]
    assert fuse(distances, method) == pytest.approx([score, 0], rel=1e-4)


def test_a_limit_met_exactly_is_kept() -> None:
    assert fuse([15, 21], "harmonic") == 17.5
    assert fuse([12, 12, 12], "geometric") == 12


@given(DISTANCES, st.sampled_from(sorted(METHODS)))
def test_methods_are_those_of_the_slow_twin(distances: list[int], method: str) -> None:
    assert fuse(distances, method) == pytest.approx(naive.fuse(distances, method))


@pytest.mark.parametrize(
    ("method", "radius"), [("geometric", 11), ("square-roots", 18), ("arithmetic", 17), ("harmonic", 17)]
)
def test_radii_of_the_talk(method: str, radius: int) -> None:
    assert single_radius(TALK[method], 3, method) == radius


def test_radius_of_a_sum_is_its_share() -> None:
    assert [single_radius(limit, 3) for limit in (-1, 0, 23, 24, 1000)] == [-1, 0, 7, 8, 64]


@given(DISTANCES, st.sampled_from(sorted(METHODS)), st.floats(0, 400))
def test_one_distance_is_within_the_radius(distances: list[int], method: str, limit: float) -> None:
    if fuse(distances, method) <= limit:
        assert min(distances) <= single_radius(limit, len(distances), method)


@given(DISTANCES, st.sampled_from(sorted(METHODS)))
def test_the_radius_is_the_smallest_possible(distances: list[int], method: str) -> None:
    equal = [max(distances)] * len(distances)
    assert single_radius(float(fuse(equal, method)), len(equal), method) == max(distances)


@given(collections(most_codes=40), st.sampled_from(sorted(METHODS)), st.sampled_from([0, 1.5, 4.3, 11, 17.5, 40]))
def test_searches_are_complete(collection: Collection, method: str, limit: float) -> None:
    found = FusedIndex(collection.codes, collection.ids).range_search(collection.queries, limit, method)
    pairs = list(zip(found.queries.tolist(), found.ids.tolist(), strict=True))
    expected = naive.fused_range_search(collection.codes, collection.ids, collection.queries, limit, method)
    assert sorted(pairs) == sorted(expected)
    columns = (found.queries.tolist(), found.scores.tolist(), found.ids.tolist())
    rows = list(zip(*columns, strict=True))
    assert rows == sorted(rows)


@given(collections(most_codes=40), st.sampled_from(sorted(METHODS)), st.integers(1, 50))
def test_nearest_are_those_of_all_pairs(collection: Collection, method: str, k: int) -> None:
    """All as near as the k-th come with it."""
    found = FusedIndex(collection.codes, collection.ids).search(collection.queries, k, method)
    for query, code in enumerate(collection.queries):
        scores = fuse(codes.distances(collection.codes, code), method).tolist()
        ranked = sorted(zip(scores, collection.ids.tolist(), strict=True))
        expected = [pair for pair in ranked if pair[0] <= ranked[min(k, len(ranked)) - 1][0]]
        here = found.queries == query
        assert list(zip(found.scores[here].tolist(), found.ids[here].tolist(), strict=True)) == expected


@pytest.mark.parametrize("method", METHODS)
def test_five_codes_are_searched_in_batches(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    table = rng.integers(0, 2**64, (50, 5), dtype=np.uint64)
    queries = table[:9] ^ (np.uint64(1) << rng.integers(0, 64, (9, 5), dtype=np.uint64))
    whole = FusedIndex(table).range_search(queries, 5, method)
    monkeypatch.setattr("phash_engine.retrieval.fused_index._MOST_PAIRS", 100)
    batches = FusedIndex(table).range_search(queries, 5, method)
    assert whole.ids.tolist() == batches.ids.tolist() == list(range(9))
    assert whole.queries.tolist() == batches.queries.tolist() == list(range(9))
    nearest = FusedIndex(table).search(queries, 3, method)
    monkeypatch.undo()
    for ours, theirs in zip(nearest, FusedIndex(table).search(queries, 3, method), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_each_query_has_its_limit() -> None:
    table = np.arange(4, dtype=np.uint64)[:, np.newaxis]
    found = FusedIndex(table).range_search(table[[0, 0, 3]], np.array([0.0, 1.0, -1.0]))
    assert list(zip(found.queries.tolist(), found.ids.tolist(), strict=True)) == [(0, 0), (1, 0), (1, 1), (1, 2)]


def test_wrong_requests_are_refused() -> None:
    table = np.zeros((3, 2), dtype=np.uint64)
    with pytest.raises(ValueError, match="unknown fusion method 'min'; methods are sum, arithmetic"):
        fuse([1, 2], "min")
    with pytest.raises(ValueError, match=r"shape \(n, 2\), not \(1, 3\)"):
        FusedIndex(table).range_search(np.zeros((1, 3), dtype=np.uint64), 1)
    with pytest.raises(ValueError, match=r"shape \(n, codes\), not \(4,\)"):
        FusedIndex(np.zeros(4, dtype=np.uint64))
    assert FusedIndex(table).range_search(table, -1).ids.size == 0
    assert FusedIndex(table[:0]).range_search(table, 5).ids.size == 0
    assert FusedIndex(table[:0]).search(table, 5).ids.size == 0
    assert FusedIndex(table).search(table[:0], 5).ids.size == 0
    with pytest.raises(ValueError, match="k must be at least 1"):
        FusedIndex(table).search(table, 0)
