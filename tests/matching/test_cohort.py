"""Cohort means and scores: worked by hand, and searches by score compared with all pairs one by one."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from phash_engine.index import Index
from phash_engine.matching import cohort
from phash_engine.matching.cohort import cohort_mean
from phash_engine.matching.policy import LARGEST_MEAN
from tests import naive
from tests.strategies import Collection, collections


def test_cohort_mean_by_hand() -> None:
    distances = [90, 50, 10, 20, 30, 40, 50, 60, 70, 80, 95]  # the ten smallest have the mean 50
    assert cohort_mean(distances) == 33
    assert cohort_mean([distances, [3] * 11]).tolist() == [33, 2]
    with pytest.raises(ValueError, match="to at least 10 pictures, not 9"):
        cohort_mean(range(9))


@given(st.lists(st.integers(0, 192), min_size=10, max_size=40))
def test_cohort_mean_is_that_of_the_slow_twin(distances: list[int]) -> None:
    assert cohort_mean(distances) == naive.cohort_mean(distances)


def test_the_larger_mean_counts() -> None:
    assert cohort.scores([[40, 40], [40, 41]], np.array([[60], [20]], dtype=np.uint8), [30, 70]).tolist() == [
        [-20, -30],
        [10, -29],
    ]


@given(collections(most_codes=40), st.integers(-40, 5), st.integers(0, 2**32 - 1))
def test_searches_are_complete(collection: Collection, cutoff: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, others = (rng.integers(0, LARGEST_MEAN + 1, len(codes)) for codes in (collection.queries, collection.codes))
    matches = Index(collection.codes).range_search(collection.queries, max(LARGEST_MEAN + cutoff, 0))
    scores = cohort.scores(matches.distances, own[matches.queries], others[matches.ids])
    rows = zip(matches.queries.tolist(), matches.ids.tolist(), (scores <= cutoff).tolist(), strict=True)
    found = {(query, row) for query, row, accepted in rows if accepted}
    arguments = (collection.codes, collection.queries, others.tolist(), own.tolist())
    assert found == naive.score_range_search(*arguments, cutoff)
