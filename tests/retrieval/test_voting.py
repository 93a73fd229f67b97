"""Votes: worked by hand, and compared with slow twins."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from phash_engine.retrieval import voting
from phash_engine.retrieval.vectors import unit
from phash_engine.retrieval.voting import NONE, Nearby
from tests import naive

SEEDS = st.integers(0, 2**32 - 1)


def a_vote(seed: int) -> tuple[Nearby, voting.Column, voting.Column]:
    """Voters near queries, many of them equally near, classes, and the number of each class that a query has."""
    rng = np.random.default_rng(seed)
    queries, voters, classes = 3, int(rng.integers(1, 12)), int(rng.integers(1, 4))
    rows, columns = np.nonzero(rng.random((queries, voters)) < 0.7)
    order = rng.permutation(rows.size)
    near = Nearby(rows[order], columns[order], rng.choice([-0.5, 0, 0.25, 0.5, 1], rows.size))
    of_class = rng.integers(0, classes, voters)
    return near, of_class, np.tile(np.bincount(of_class, minlength=classes), (queries, 1))


@given(SEEDS, st.integers(1, 9))
def test_neighbour_votes_equal_twin(seed: int, k: int) -> None:
    near, classes, sizes = a_vote(seed)
    np.testing.assert_allclose(
        voting.neighbour_votes(near, classes, sizes, k), naive.neighbour_votes(near, classes, sizes, k)
    )


@given(SEEDS)
def test_centroid_votes_equal_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    voters = unit(rng.standard_normal((int(rng.integers(1, 8)), 4)))
    classes = rng.integers(0, 3, len(voters))
    own = np.concatenate([np.arange(len(voters)), [NONE]])
    queries = np.concatenate([voters, unit(rng.standard_normal((1, 4)))])
    found = voting.centroid_votes(queries, voters, classes, 3, own)
    np.testing.assert_allclose(found, naive.centroid_votes(queries, voters, classes, 3, own), atol=1e-6)


def test_a_small_class_reaches_the_same_confidence() -> None:
    near = Nearby(np.zeros(5, dtype=np.int64), np.arange(5), np.array([0.9, 0.8, 0.8, 0.8, 0.8]))
    scores = voting.neighbour_votes(near, np.array([0, 1, 1, 1, 1]), np.array([[1, 9]]), k=5)
    np.testing.assert_allclose(scores, [[0.9, 3.2 / 5]])


def test_divided_and_empty_votes() -> None:
    predictions = voting.predict(np.array([[0.25] * 4, [0.9, 0, 0, 0], [0.0] * 4]))
    assert predictions.classes.tolist() == [0, 0, NONE]
    assert predictions.entropies.tolist() == [2, 0, 0]
    assert predictions.declined(least_confidence=0.5).classes.tolist() == [NONE, 0, NONE]
    assert predictions.declined(most_entropy=1.9).classes.tolist() == [NONE, 0, NONE]
    assert voting.predict(np.empty((2, 0))).classes.tolist() == [NONE, NONE]
