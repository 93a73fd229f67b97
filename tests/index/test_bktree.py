"""What the BK-tree owes beyond the contract of all kinds: adding, removing, and large trees that are truly walked."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from phash_engine.index import Index
from tests import naive
from tests.index.test_contract import assert_same
from tests.strategies import Collection, collections, radii

Codes = NDArray[np.uint64]
Ids = NDArray[np.int64]


def assert_answers(index: Index, codes: Codes, ids: Ids, queries: Codes, radius: int) -> None:
    assert len(index) == ids.size
    assert_same(index.range_search(queries, radius), naive.range_search(codes, ids, queries, radius))
    assert_same(index.search(queries, 3, radius), naive.search(codes, ids, queries, 3, radius))
    assert_same(index.self_join(radius), naive.self_join(codes, ids, radius))


@settings(max_examples=100)
@given(collection=collections(), data=st.data())
def test_adding_and_removing(collection: Collection, data: st.DataObject) -> None:
    """Start with some of the codes; add others, one or many, in the order of their ids or not; remove some."""
    codes, ids = collection.codes, collection.ids
    radius = data.draw(radii(collection.words))
    stop = data.draw(st.integers(0, ids.size))
    alive = np.arange(ids.size) < stop
    index = Index(codes[:stop], ids[:stop], kind="bktree")
    for count in data.draw(st.lists(st.sampled_from([-20, -1, 1, 1, 2, 30]), max_size=8)):
        if count > 0:
            new = slice(stop, stop + count)
            assert_same_ids(index.add(codes[new], ids[new]), ids[new])
            alive[new] = True
            stop = min(stop + count, ids.size)
        else:
            gone = np.flatnonzero(alive)[: -2 * count : 2]
            index.remove(ids[gone])
            alive[gone] = False
        assert_answers(index, codes[alive], ids[alive], collection.queries, radius)


def assert_same_ids(found: Ids, expected: Ids) -> None:
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("words", [1, 2, 3, 4])
def test_large_trees(words: int) -> None:
    """Too many codes to be read through, built at once and grown; half of them within 12 bits of another."""
    rng = np.random.default_rng(words)
    codes = rng.integers(0, 2**64, (12_000, words), dtype=np.uint64)
    for _ in range(12):
        codes[6000:, rng.integers(words)] ^= np.uint64(1) << rng.integers(0, 64, 6000, dtype=np.uint64)
    codes[6000:] ^= codes[:6000]
    queries = np.concatenate([codes[:20], codes[-20:]])
    built, grown = Index(codes, kind="bktree"), Index(codes[:8500], kind="bktree")
    grown.add(codes[8500:8501])
    grown.add(codes[8501:])
    linear = Index(codes, kind="linear")
    for index in (built, grown):
        for radius in (0, 2, 8, 25 * words):
            assert_same(index.range_search(queries, radius), linear.range_search(queries, radius))
        assert_same(index.search(queries, 10), linear.search(queries, 10))
        assert_same(index.self_join(8), linear.self_join(8))


def test_a_million_equal_codes() -> None:
    index = Index(np.full(1_000_000, 7, dtype=np.uint64), kind="bktree")
    index.remove([0, 2])
    index.add(np.full(2, 7, dtype=np.uint64))
    assert_same_ids(index.search(np.array([6], dtype=np.uint64), 3).ids, np.array([1, 3, 4]))
    assert index.range_search(np.array([6], dtype=np.uint64), 1).ids.size == 1_000_000
    assert index.range_search(np.array([6], dtype=np.uint64), 0).ids.size == 0


def test_ids_are_never_given_twice() -> None:
    index = Index(np.arange(3, dtype=np.uint64), [5, -1, 7], kind="bktree")
    assert_same_ids(index.add(np.arange(2, dtype=np.uint64)), np.array([8, 9]))
    index.remove([9, 7, 5])
    assert_same_ids(index.add(np.arange(1, dtype=np.uint64)), np.array([10]))
    index.remove([8, -1, 10])
    assert len(index) == 0
    for used in (-1, 5, 10):
        with pytest.raises(ValueError, match=f"id {used} is or was in this index"):
            index.add(np.arange(1, dtype=np.uint64), [used])
    assert_same_ids(index.add(np.arange(1, dtype=np.uint64)), np.array([11]))
    assert_same_ids(Index([], kind="bktree").add(np.arange(2, dtype=np.uint64)), np.array([0, 1]))


def test_wrong_ids_change_nothing() -> None:
    index = Index(np.arange(3, dtype=np.uint64), kind="bktree")
    for wrong, error, message in (
        ([1, 3], ValueError, "id 3 is not in this index"),
        ([1, 1], ValueError, "an id occurs twice"),
        ([1.0], TypeError, "ids must be integers"),
    ):
        with pytest.raises(error, match=message):
            index.remove(wrong)
    assert len(index) == 3
    index.remove([1])
    with pytest.raises(ValueError, match="id 1 is not in this index"):
        index.remove([1])
    with pytest.raises(ValueError, match="2 words, the index holds codes of 1"):
        index.add(np.zeros((1, 2), dtype=np.uint64))
