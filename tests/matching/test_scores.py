"""The adaptive score: worked by hand, and its searches beside a look at all pairs."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from phash_engine.index import build_index
from phash_engine.matching.scores import LARGEST, adaptive_scores, background
from tests import naive
from tests.strategies import Collection, collections


def test_background_by_hand() -> None:
    distances = [90, 50, 10, 20, 30, 40, 50, 60, 70, 80, 95]  # the ten smallest have the mean 50
    assert background(distances) == 33
    assert background([distances, [3] * 11]).tolist() == [33, 2]
    with pytest.raises(ValueError, match="to 10 pictures at least, not 9"):
        background(range(9))


@given(st.lists(st.integers(0, 192), min_size=10, max_size=40))
def test_background_is_that_of_the_slow_twin(distances: list[int]) -> None:
    assert background(distances) == naive.background(distances)


def test_the_larger_background_counts() -> None:
    assert adaptive_scores([[40, 40], [40, 41]], np.array([[60], [20]], dtype=np.uint8), [30, 70]).tolist() == [
        [-20, -30],
        [10, -29],
    ]


@settings(deadline=None)  # the first index compiles its kernels
@given(collections(most_codes=40), st.integers(-40, 5), st.integers(0, 2**32 - 1))
def test_searches_are_complete(collection: Collection, cutoff: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, others = (rng.integers(0, LARGEST + 1, len(codes)) for codes in (collection.queries, collection.codes))
    matches = build_index(collection.codes).range_query(collection.queries, max(LARGEST + cutoff, 0))
    scores = adaptive_scores(matches.distances, own[matches.queries], others[matches.ids])
    rows = zip(matches.queries.tolist(), matches.ids.tolist(), (scores <= cutoff).tolist(), strict=True)
    found = {(query, row) for query, row, accepted in rows if accepted}
    arguments = (collection.codes, collection.queries, others.tolist(), own.tolist())
    assert found == naive.adaptive_range_query(*arguments, cutoff)
