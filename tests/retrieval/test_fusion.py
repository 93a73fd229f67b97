"""One score of several distances: worked by hand, and searches beside a look at all pairs."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from phash_engine.retrieval.fusion import RULES, FusedIndex, fuse, single_radius
from tests import naive
from tests.strategies import Collection, collections

DISTANCES = st.lists(st.integers(0, 64), min_size=1, max_size=5)
TALK = {"geometric": math.nextafter(12, 0), "square-roots": 4.3, "arithmetic": math.nextafter(18, 0)} | {
    "harmonic": math.nextafter(17.5, 0)
}
"""Limits of the 2018 talk: below 12, up to 4.3, below 18, below 17.5."""


@pytest.mark.parametrize(
    ("rule", "score"),
    [("sum", 22), ("arithmetic", 11), ("geometric", math.sqrt(72)), ("harmonic", 72 / 11), ("square-roots", 3.12132)],
)
def test_rules_by_hand(rule: str, score: float) -> None:
    """Zeros are dropped: 4 and 18 count, and their roots 2 and 4.2426."""
    distances = [[0, 4, 18], [0, 0, 0]]
    assert fuse(distances, rule) == pytest.approx([score, 0], rel=1e-4)


def test_a_limit_met_exactly_is_kept() -> None:
    assert fuse([15, 21], "harmonic") == 17.5
    assert fuse([12, 12, 12], "geometric") == 12


@given(DISTANCES, st.sampled_from(sorted(RULES)))
def test_rules_are_those_of_the_slow_twin(distances: list[int], rule: str) -> None:
    assert fuse(distances, rule) == pytest.approx(naive.fuse(distances, rule))


@pytest.mark.parametrize(
    ("rule", "radius"), [("geometric", 11), ("square-roots", 18), ("arithmetic", 17), ("harmonic", 17)]
)
def test_radii_of_the_talk(rule: str, radius: int) -> None:
    assert single_radius(TALK[rule], 3, rule) == radius


def test_radius_of_a_sum_is_its_share() -> None:
    assert [single_radius(limit, 3) for limit in (-1, 0, 23, 24, 1000)] == [-1, 0, 7, 8, 64]


@given(DISTANCES, st.sampled_from(sorted(RULES)), st.floats(0, 400))
def test_one_distance_is_within_the_radius(distances: list[int], rule: str, limit: float) -> None:
    if fuse(distances, rule) <= limit:
        assert min(distances) <= single_radius(limit, len(distances), rule)


@given(DISTANCES, st.sampled_from(sorted(RULES)))
def test_the_radius_is_the_smallest_that_will_do(distances: list[int], rule: str) -> None:
    equal = [max(distances)] * len(distances)
    assert single_radius(float(fuse(equal, rule)), len(equal), rule) == max(distances)


@settings(deadline=None)  # the first index compiles its kernels
@given(collections(most_codes=40), st.sampled_from(sorted(RULES)), st.sampled_from([0, 1.5, 4.3, 11, 17.5, 40]))
def test_searches_are_complete(collection: Collection, rule: str, limit: float) -> None:
    found = FusedIndex(collection.codes, collection.ids).range_search(collection.queries, limit, rule)
    pairs = list(zip(found.queries.tolist(), found.ids.tolist(), strict=True))
    expected = naive.fused_range_search(collection.codes, collection.ids, collection.queries, limit, rule)
    assert sorted(pairs) == sorted(expected)
    columns = (found.queries.tolist(), found.scores.tolist(), found.ids.tolist())
    rows = list(zip(*columns, strict=True))
    assert rows == sorted(rows)


@pytest.mark.parametrize("rule", RULES)
def test_five_codes_are_searched_in_batches(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    table = rng.integers(0, 2**64, (50, 5), dtype=np.uint64)
    queries = table[:9] ^ (np.uint64(1) << rng.integers(0, 64, (9, 5), dtype=np.uint64))
    whole = FusedIndex(table).range_search(queries, 5, rule)
    monkeypatch.setattr("phash_engine.retrieval.fusion._MOST_PAIRS", 100)
    batches = FusedIndex(table).range_search(queries, 5, rule)
    assert whole.ids.tolist() == batches.ids.tolist() == list(range(9))
    assert whole.queries.tolist() == batches.queries.tolist() == list(range(9))


def test_what_cannot_be_asked() -> None:
    table = np.zeros((3, 2), dtype=np.uint64)
    with pytest.raises(ValueError, match="no rule 'min'; rules are sum, arithmetic"):
        fuse([1, 2], "min")
    with pytest.raises(ValueError, match=r"shape \(n, 2\), not \(1, 3\)"):
        FusedIndex(table).range_search(np.zeros((1, 3), dtype=np.uint64), 1)
    with pytest.raises(ValueError, match=r"shape \(n, codes\), not \(4,\)"):
        FusedIndex(np.zeros(4, dtype=np.uint64))
    assert FusedIndex(table).range_search(table, -1).ids.size == 0
    assert FusedIndex(table[:0]).range_search(table, 5).ids.size == 0
