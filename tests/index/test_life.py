"""Adding, removing, saving and loading: each index returns what a new one of the same codes returns."""

from __future__ import annotations

from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from phash_engine.index import KINDS, Index, io
from tests import naive
from tests.index.test_contract import assert_same
from tests.strategies import Collection, collections, radii

life = settings(max_examples=60)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@life
@given(collection=collections(most_codes=120), data=st.data())
def test_any_order_of_add_and_remove(kind: str, collection: Collection, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(collection.codes)), min_size=1, max_size=4)))
    radius = data.draw(radii(collection.words))
    k = data.draw(st.integers(1, 20))
    parts = [slice(a, b) for a, b in zip([0, *cuts], [*cuts, len(collection.codes)], strict=True)]
    index = Index(collection.codes[parts[0]], collection.ids[parts[0]], kind)
    living = collection.ids[parts[0]]
    for each in parts[1:]:
        added = index.add(collection.codes[each], collection.ids[each])
        np.testing.assert_array_equal(added, collection.ids[each])
        living = np.concatenate((living, added))
        gone = data.draw(st.permutations(living.tolist()))[: data.draw(st.integers(0, len(living) // 2))]
        index.remove(gone)
        living = living[~np.isin(living, gone)]
        assert len(index) == living.size
        if data.draw(st.booleans()):
            index = saved_and_opened(index)
        present = np.isin(collection.ids, living)
        codes, ids, queries = collection.codes[present], collection.ids[present], collection.queries
        assert_same(index.range_search(queries, radius), naive.range_search(codes, ids, queries, radius))
        assert_same(index.search(queries, k), naive.search(codes, ids, queries, k))
    assert_same(index.self_join(radius), naive.self_join(codes, ids, radius))
    assert_same(index.join(queries, radius), naive.range_search(codes, ids, queries, radius))


def saved_and_opened(index: Index) -> Index:
    with TemporaryDirectory() as directory:
        io.save(index, directory)
        return io.load(directory)


def codes_from(first: int, count: int) -> NDArray[np.uint64]:
    return np.arange(first, first + count, dtype=np.uint64)


def test_many_small_additions(kind: str) -> None:
    """Enough to be merged, and to build again, several times."""
    index = Index(codes_from(0, 100), None, kind)
    for first in range(100, 2000, 50):
        index.add(codes_from(first, 50))
    expected = Index(codes_from(0, 2000), None, "linear")
    assert_same(index.range_search(codes_from(0, 2000), 1), expected.range_search(codes_from(0, 2000), 1))
    assert_same(index.self_join(1), expected.self_join(1))


def test_ids_follow_the_highest_ever_used(kind: str) -> None:
    index = Index(codes_from(0, 3), [5, 70, 6], kind)
    assert index.add(codes_from(3, 2)).tolist() == [71, 72]
    index.remove([72, 71])
    assert index.add(codes_from(5, 1)).tolist() == [73]
    assert Index([], None, kind).add(codes_from(0, 2)).tolist() == [0, 1]


@pytest.mark.parametrize("used", [6, 72])
def test_no_id_is_given_twice(kind: str, used: int) -> None:
    index = Index(codes_from(0, 3), [5, 70, 6], kind)
    index.remove(index.add(codes_from(3, 2))[1:])
    with pytest.raises(ValueError, match=f"id {used} is or was in this index"):
        index.add(codes_from(9, 2), [100, used])
    assert len(index) == 4


@pytest.mark.parametrize("wrong", [[1, 9], [2]])
def test_only_what_is_there_is_removed(kind: str, wrong: list[int]) -> None:
    index = Index(codes_from(0, 3), None, kind)
    index.remove([2])
    with pytest.raises(ValueError, match=f"id {wrong[-1]} is not in this index"):
        index.remove(wrong)
    assert len(index) == 2


def test_everything_removed(kind: str) -> None:
    index = Index(codes_from(0, 50), None, kind)
    index.remove(np.arange(50))
    assert index.range_search(codes_from(0, 5), 64).ids.size == 0
    assert index.search(codes_from(0, 5), 3).ids.size == 0
    assert index.self_join(64).left.size == 0
    assert index.add(codes_from(0, 1)).tolist() == [50]
    assert index.search(codes_from(0, 1), 3).ids.tolist() == [50]


def test_what_is_added_is_checked(kind: str) -> None:
    index = Index(codes_from(0, 3), None, kind)
    with pytest.raises(TypeError, match="codes must be uint64"):
        index.add(np.arange(3))
    with pytest.raises(ValueError, match="have 2 words, the index holds codes of 1"):
        index.add(np.zeros((1, 2), dtype=np.uint64))
