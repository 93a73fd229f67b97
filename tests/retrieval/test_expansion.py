"""Vectors and query expansion: worked examples and slow twins."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from phash_engine.retrieval import expansion, vectors
from phash_engine.retrieval.vectors import Vectors, unit
from tests import naive

SEEDS = st.integers(0, 10**6)
AXES: Vectors = np.eye(3, dtype=np.float32)


def drawn(seed: int, count: int = 12, width: int = 5) -> Vectors:
    """Unit vectors around few centres, some of them equal."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((3, width))
    spread = rng.choice([0.0, 0.3], count)[:, np.newaxis]
    return unit(centres[rng.integers(0, 3, count)] + spread * rng.standard_normal((count, width)))


# ── vectors ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cosine_of_joined_vectors_is_the_weighted_mean() -> None:
    parts = [drawn(1), drawn(2, width=7)]
    joined = vectors.concatenated(parts, [2.0, 1.0])
    expected = (4 * vectors.cosines(parts[0], parts[0]) + vectors.cosines(parts[1], parts[1])) / 5
    np.testing.assert_allclose(vectors.cosines(joined, joined), expected, atol=1e-6)
    np.testing.assert_allclose(vectors.concatenated(parts[:1]), parts[0], atol=1e-6)


def test_vectors_of_different_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"need equal numbers of vectors, not \[12, 3\]"):
        vectors.concatenated([drawn(1), drawn(2, 3)])
    with pytest.raises(ValueError, match="need equal numbers of vectors"):
        vectors.concatenated([])
    for weights in ([1.0], [1.0, 0.0]):
        with pytest.raises(ValueError, match="2 models need 2 weights above 0"):
            vectors.concatenated([drawn(1), drawn(2)], weights)


def test_codes_and_cosine_are_mixed() -> None:
    cosine, distances = np.array([0.5, -1.0], dtype=np.float32), np.array([0, 96])
    np.testing.assert_allclose(vectors.fused(cosine, distances, 0), cosine)
    np.testing.assert_allclose(vectors.fused(cosine, distances, 1), [1, 0])
    np.testing.assert_allclose(vectors.fused(cosine, distances, 0.25), [0.625, -0.75])
    with pytest.raises(ValueError, match=r"the weight of the codes must be 0 to 1, not 1\.5"):
        vectors.fused(cosine, distances, 1.5)


@given(SEEDS, st.integers(1, 5))
def test_whitening_equals_scikit_learn(seed: int, components: int) -> None:
    sample = np.random.default_rng(seed).standard_normal((40, 5)) * [5, 3, 2, 1, 0.5]
    ours = vectors.learn_whitening(sample.astype(np.float32), components).apply(sample.astype(np.float32))
    theirs = unit(PCA(components, whiten=True).fit(sample).transform(sample))
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=2e-3)


def test_whitening_leaves_out_what_does_not_vary() -> None:
    sample = np.zeros((10, 4), dtype=np.float32)
    sample[:, 1] = np.arange(10)
    learnt = vectors.learn_whitening(sample, 3)
    np.testing.assert_allclose(learnt.apply(sample)[:, 0], np.sign(np.arange(10) - 4.5))
    assert not learnt.apply(sample)[:, 1:].any()
    assert not vectors.learn_whitening(np.ones((4, 3), dtype=np.float32), 2).axes.any()


@pytest.mark.parametrize("components", [0, 3, 6])
def test_a_wrong_number_of_components_is_refused(components: int) -> None:
    with pytest.raises(ValueError, match=f"components must be 1 to 2 for 3 vectors of 5 numbers, not {components}"):
        vectors.learn_whitening(drawn(1, 3), components)


# ── expansion ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_average_expansion_by_hand() -> None:
    expanded = expansion.alpha_expansion(AXES[:1], AXES, np.array([[1, -1]]), alpha=0)
    np.testing.assert_allclose(expanded, [[0.5**0.5, 0.5**0.5, 0]], rtol=1e-6)


def test_alpha_expansion_by_hand() -> None:
    like = unit(np.array([[0.6, 0.8, 0]]))
    expanded = expansion.alpha_expansion(AXES[:1], np.vstack([like, -AXES[:1]]), np.array([[0, 1]]), alpha=2)
    np.testing.assert_allclose(expanded, unit(np.array([[1 + 0.36 * 0.6, 0.36 * 0.8, 0]])), rtol=1e-6)


@given(SEEDS, st.integers(1, 14))
def test_nearest_expansion_and_augmentation_equal_twins(seed: int, k: int) -> None:
    collection, queries = drawn(seed), drawn(seed + 1, 4)
    neighbours = expansion.nearest(queries, collection, k)
    assert neighbours.shape == (4, k)
    for query, rows in zip(queries, neighbours.tolist(), strict=True):
        there = [row for row in rows if row >= 0]
        similar = (collection @ query).tolist()
        assert len(there) == min(k, 12)
        assert max(naive.drops(similar, there), default=0) < 1e-6
    for alpha in (0.0, 3.0):
        ours = expansion.alpha_expansion(queries, collection, neighbours, alpha)
        theirs = naive.alpha_expansion(queries.tolist(), collection.tolist(), neighbours.tolist(), alpha)
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    inside = expansion.nearest(collection, collection, k, skip_same_row=True)
    assert not (inside == np.arange(12)[:, np.newaxis]).any()
    theirs = naive.augmented(collection.tolist(), inside.tolist())
    np.testing.assert_allclose(expansion.augmented(collection, inside), theirs, atol=1e-4)


def test_augmentation_weights_are_those_of_the_landmark_challenge() -> None:
    neighbours = np.full((1, expansion.AUGMENTING - 1), -1)
    neighbours[0, -1] = 1
    augmented = expansion.augmented(AXES[:2], np.vstack([neighbours, neighbours]))
    np.testing.assert_allclose(augmented[0, 1] / augmented[0, 0], 10**-1.5, rtol=1e-5)


@given(SEEDS, st.integers(1, 11))
def test_graph_and_diffusion_equal_twins(seed: int, k: int) -> None:
    collection = drawn(seed)
    rng = np.random.default_rng(seed)
    graph = expansion.mutual_graph(collection, k)
    neighbours = expansion.nearest(collection, collection, k, skip_same_row=True).tolist()
    np.testing.assert_allclose(graph.toarray(), naive.mutual_graph(collection.tolist(), neighbours), atol=1e-5)
    start = rng.random(12)
    np.testing.assert_allclose(expansion.diffused(start, graph), dense_diffusion(start, graph.toarray()), rtol=1e-6)
    np.testing.assert_allclose(
        expansion.linked(start, graph), naive.linked(start.tolist(), graph.toarray().tolist()), rtol=1e-9
    )


def dense_diffusion(start: NDArray[np.float64], graph: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of all walks, each step damped: 1 + aS + (aS)^2 + ..."""
    degrees = graph.sum(axis=1)
    scale = 1 / np.sqrt(np.where(degrees > 0, degrees, 1))
    step, total, walk = 0.99 * scale[:, np.newaxis] * graph * scale, start.copy(), start.copy()
    for _ in range(4000):
        walk = step @ walk
        total += walk
    return 0.01 * total


def test_friends_of_friends_by_hand() -> None:
    """A - B - C in a row and D alone: from A the score falls along the row and never reaches D."""
    turns = np.array([0, 0.5, 1.0])
    row = np.column_stack([np.cos(turns), np.sin(turns), np.zeros(3)])
    collection = unit(np.vstack([row, AXES[2]]))
    graph = expansion.mutual_graph(collection, 2)
    graph[0, 2] = graph[2, 0] = 0
    graph.eliminate_zeros()
    link = np.cos(0.5) ** 3
    carried = expansion.linked(np.array([0.9, 0, 0.1, 0]), graph)
    np.testing.assert_allclose(carried, [0.9, 0.9 * link, 0.9 * link**2, 0], rtol=1e-6)
    spread = expansion.diffused(np.array([1.0, 0, 0, 0]), graph)
    assert spread[2] > 0 == spread[3]
