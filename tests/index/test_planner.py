"""The planned index: buckets when they are cheaper, the same matches with and without."""

from __future__ import annotations

import json

import numpy as np
import pytest

from phash_engine.index import KINDS, Index, costs, planner
from tests.index.test_contract import assert_same
from tests.index.test_multi_index import skewed


def test_buckets_are_built_when_scans_have_cost_as_much() -> None:
    codes, queries = skewed(60_000), skewed(3_000, seed=1)
    index, linear = Index(codes), Index(codes, None, "linear")
    assert index.explain(8).kind == "linear"
    expected = linear.range_search(queries, 8)
    assert_same(index.range_search(queries, 8), expected)
    assert index.explain(8).kind == "linear"
    for _ in range(100):
        index.range_search(queries, 8)
    assert index.explain(8).kind == "multi"
    assert_same(index.range_search(queries, 8), expected)
    assert index.explain(64).kind == "linear"


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buckets that cost nothing and beat any scan."""
    monkeypatch.setattr(planner, "build_cost", lambda n, words: 0.0)
    monkeypatch.setattr(planner, "_NEAREST_ROWS", 1)
    monkeypatch.setattr(planner, "compare_all_cost", lambda n, words: 1e30)
    monkeypatch.setattr(planner, "expected_microseconds", lambda n, words, radius: {"linear": 1e30, "multi": 1.0})


@pytest.mark.usefixtures("eager")
def test_same_matches_with_buckets() -> None:
    codes, queries = skewed(6_000, 2), skewed(900, 2, seed=1)
    ids = np.random.default_rng(0).permutation(5_510)
    planned, linear = Index(codes[:5000], ids[:5000]), Index(codes[:5000], ids[:5000], "linear")
    for changed in (False, True):
        if changed:
            for index in (planned, linear):
                index.add(codes[5000:5500])
                index.remove(ids[:100])
                index.add(codes[5500:5510], 10_000 + ids[5500:5510])
        for _ in range(2):
            assert_same(planned.range_search(queries, 9), linear.range_search(queries, 9))
            assert_same(planned.search(queries, 5), linear.search(queries, 5))
            assert_same(planned.self_join(9), linear.self_join(9))
            assert_same(planned.join(queries, 9), linear.join(queries, 9))
            planned.add(codes[5600:5610])
            linear.add(codes[5600:5610])
        assert planned.explain(9).kind == "multi"


def test_one_lookup_builds_nothing() -> None:
    index = Index(skewed(30_000))
    index.range_search(skewed(3, seed=1), 8)
    assert index.explain(8).kind == "linear"


def test_expected_times_are_those_measured() -> None:
    held = json.loads(costs.MEASURED.read_text())
    for words, kinds in held["microseconds"].items():
        for place, radius in enumerate(held["radius"]):
            expected = costs.expected_microseconds(held["n"][2], int(words), radius * int(words))
            assert expected == pytest.approx({kind: rows[place][2] for kind, rows in kinds.items()})


def test_expected_times_go_on_growing() -> None:
    larger, largest = (costs.expected_microseconds(n, 1, 8) for n in (10_000_000, 100_000_000))
    assert 8 < largest["linear"] / larger["linear"] < 12
    assert larger["multi"] < largest["multi"] < largest["linear"]
    assert costs.expected_microseconds(0, 1, 64)["linear"] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_explanations(kind: str) -> None:
    explained = Index(np.arange(100_000, dtype=np.uint64), None, kind).explain(8)
    assert explained.kind == ("linear" if kind == "auto" else kind)
    assert explained.microseconds["multi"] < explained.microseconds["linear"] < explained.microseconds["bktree"]
    assert str(explained).startswith(f"{explained.kind} is used; expected for each query: multi ")
    with pytest.raises(ValueError, match="radius 65 is not between 0 and the 64 bits"):
        Index(np.arange(3, dtype=np.uint64), None, kind).explain(65)
