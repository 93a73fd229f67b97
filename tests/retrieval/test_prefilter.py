"""The pre-filter, compared with scikit-learn and faiss."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import ArrayLike, NDArray
from sklearn.neighbors import NearestNeighbors

from phash_engine.retrieval.prefilter import Prefilter
from tests import naive
from tests.strategies import Collection, collections

CODES = np.array([0b0000, 0b0001, 0b1111, 0b1111], dtype=np.uint64)


def unpacked(array: NDArray[np.uint64]) -> NDArray[np.bool_]:
    return naive.to_bits(array).reshape(len(array), -1)


def in_bits(distances: NDArray[np.float64], words: int) -> NDArray[np.int64]:
    """scikit-learn's share of differing bits as their number."""
    return np.rint(distances * 64 * words).astype(np.int64)


@settings(max_examples=60)
@given(collections().filter(lambda made: len(made.codes) > 6), st.booleans())
def test_kneighbors_equals_scikit_learn(made: Collection, inside: bool) -> None:
    theirs = NearestNeighbors(n_neighbors=5, metric="hamming", algorithm="brute").fit(unpacked(made.codes))
    queries = None if inside or not len(made.queries) else made.queries
    expected, _ = theirs.kneighbors(None if queries is None else unpacked(queries))
    distances, ids = Prefilter().fit(made.codes, made.ids).kneighbors(queries)
    np.testing.assert_array_equal(distances, in_bits(expected, made.words))
    # Of equals theirs come in any order, so ours are compared with the codes themselves.
    rows = {number: row for row, number in enumerate(made.ids.tolist())}
    for query, (bits, found) in enumerate(zip(distances.tolist(), ids.tolist(), strict=True)):
        code = made.codes[query] if queries is None else queries[query]
        assert [naive.distance(code, made.codes[rows[number]]) for number in found] == bits
        assert sorted(zip(bits, found, strict=True)) == list(zip(bits, found, strict=True))
        assert len(set(found)) == 5
        assert queries is not None or made.ids[query] not in found


@settings(max_examples=60)
@given(collections().filter(lambda made: len(made.codes) > 0), st.integers(0, 64), st.booleans())
def test_radius_neighbors_equals_scikit_learn(made: Collection, radius: int, inside: bool) -> None:
    share = (radius + 0.5) / (64 * made.words)
    theirs = NearestNeighbors(radius=share, metric="hamming", algorithm="brute").fit(unpacked(made.codes))
    queries = None if inside or not len(made.queries) else made.queries
    expected, rows = theirs.radius_neighbors(None if queries is None else unpacked(queries))
    distances, ids = Prefilter(radius=radius).fit(made.codes, made.ids).radius_neighbors(queries)
    assert distances.dtype == ids.dtype == object
    assert distances.shape == ids.shape == rows.shape
    for ours, found, shares, theirs_found in zip(distances, ids, expected, rows, strict=True):
        pairs = zip(in_bits(shares, made.words).tolist(), made.ids[theirs_found].tolist(), strict=True)
        assert list(zip(ours.tolist(), found.tolist(), strict=True)) == sorted(pairs)


@settings(max_examples=30)
@given(collections(), st.integers(0, 40), st.integers(1, 9))
def test_faiss_compares_the_candidates_alone(made: Collection, radius: int, k: int) -> None:
    faiss = pytest.importorskip("faiss")
    vectors = np.random.default_rng(1).standard_normal((len(made.codes), 4)).astype(np.float32)
    flat = faiss.IndexIDMap2(faiss.IndexFlatIP(4))
    flat.add_with_ids(vectors, made.ids)
    prefilter = Prefilter(radius=radius).fit(made.codes, made.ids)
    found = naive.range_search(made.codes, made.ids, made.queries, radius)
    for query, selector in enumerate(prefilter.selectors(made.queries)):
        _, ids = flat.search(vectors[:1], k, params=faiss.SearchParameters(sel=selector)) if len(vectors) else ([], [])
        candidates = found.ids[found.queries == query].tolist()
        seen = {int(number) for number in np.ravel(ids) if number in made.ids}
        assert seen <= set(candidates)
        assert len(seen) == min(k, len(candidates))


def test_worked_example() -> None:
    prefilter = Prefilter(n_neighbors=2, radius=1).fit(CODES)
    distances, rows = prefilter.kneighbors()
    assert distances.tolist() == [[1, 4], [1, 3], [0, 3], [0, 3]]
    assert rows.tolist() == [[1, 2], [0, 2], [3, 1], [2, 1]]
    assert prefilter.kneighbors(CODES[:1], 1, return_distance=False).tolist() == [[0]]
    distances, rows = prefilter.radius_neighbors()
    assert [row.tolist() for row in rows] == [[1], [0], [3], [2]]
    assert [row.tolist() for row in prefilter.radius_neighbors(CODES[2:3], 0, return_distance=False)] == [[2, 3]]


def test_many_equal_codes_have_others_as_neighbours() -> None:
    ids = Prefilter(n_neighbors=2).fit(np.zeros(6, dtype=np.uint64)).kneighbors(return_distance=False)
    assert ids.tolist() == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1]]


def test_candidates_take_both_limits() -> None:
    prefilter = Prefilter(radius=1).fit(CODES)
    assert prefilter.candidates(CODES[:1]).ids.tolist() == [0, 1]
    assert prefilter.candidates(CODES[:1], 3).ids.tolist() == [0, 1, 2]
    assert prefilter.candidates(CODES[:1], 3, 0).ids.tolist() == [0]


def test_rerank_orders_by_score_then_id() -> None:
    worth = np.array([0.1, 0.9, 0.5, 0.5])
    scores, ids = Prefilter(radius=4).fit(CODES).rerank(CODES[:1], lambda query, ids: worth[ids])
    assert ids[0].tolist() == [1, 2, 3, 0]
    assert scores[0].tolist() == [0.9, 0.5, 0.5, 0.1]
    far = np.array([2**64 - 1], dtype=np.uint64)
    scores, ids = Prefilter(radius=4).fit(CODES).rerank(far, lambda query, ids: worth[ids])
    assert (len(scores), scores[0].size, ids[0].size) == (1, 0, 0)


@pytest.mark.parametrize("scores", [[1.0], [1.0, np.nan, 0.0, 0.0], np.zeros((4, 1))])
def test_wrong_scores_are_refused(scores: ArrayLike) -> None:
    with pytest.raises(ValueError, match="candidates of query 0 need 4 finite scores"):
        Prefilter(radius=4).fit(CODES).rerank(CODES[:1], lambda query, ids: scores)


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="call fit first"):
        Prefilter().kneighbors(CODES)
    prefilter = Prefilter().fit(CODES)
    with pytest.raises(ValueError, match="n_neighbors must be at most 3, the number of codes to compare, not 4"):
        prefilter.kneighbors(n_neighbors=4)
    with pytest.raises(ValueError, match="n_neighbors must be at least 1"):
        prefilter.kneighbors(CODES, 0)
    with pytest.raises(ValueError, match="radius 65 is not between"):
        prefilter.radius_neighbors(CODES, 65)
    with pytest.raises(ValueError, match="an id occurs twice"):
        Prefilter().fit(CODES, [1, 1, 2, 3])
