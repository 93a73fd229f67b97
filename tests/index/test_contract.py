"""What every kind of index owes: the answers of ``naive``, bit for bit, however the codes come in and are searched."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import ArrayLike, NDArray

from phash_engine.index import KINDS, Index, Matches, Pairs, linear
from phash_engine.index.validation import as_codes
from tests import naive
from tests.strategies import Collection, collections, radii

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "long64.dat"

contract = settings(max_examples=60)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["numpy", "kernels"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Force one of the two implementations of the scan, and threads even for tiny jobs."""
    from phash_engine.index.kernels import scan, scan_numpy

    module = scan_numpy if request.param == "numpy" else scan
    monkeypatch.setattr(linear, "_kernels", lambda work: module)
    monkeypatch.setattr(linear, "_THREAD_WORK", 1)
    return str(request.param)


def assert_same(found: Any, expected: Any) -> None:
    """Same columns, same dtype, same order."""
    assert type(found) is type(expected)
    for name, got, wanted in zip(found._fields, found, expected, strict=True):
        assert got.dtype == np.int64
        np.testing.assert_array_equal(got, wanted, err_msg=name)


@contract
@given(collection=collections(), data=st.data())
def test_range_search(kind: str, path: str, collection: Collection, data: st.DataObject) -> None:
    radius = data.draw(radii(collection.words))
    index = Index(collection.codes, collection.ids, kind)
    expected = naive.range_search(collection.codes, collection.ids, collection.queries, radius)
    assert_same(index.range_search(collection.queries, radius), expected)


@contract
@given(collection=collections(), data=st.data())
def test_one_radius_per_query(kind: str, path: str, collection: Collection, data: st.DataObject) -> None:
    count = len(collection.queries)
    each = np.array(data.draw(st.lists(radii(collection.words), min_size=count, max_size=count)), dtype=np.int64)
    index = Index(collection.codes, collection.ids, kind)
    expected = naive.range_search(collection.codes, collection.ids, collection.queries, each)
    assert_same(index.range_search(collection.queries, each), expected)
    expected = naive.search(collection.codes, collection.ids, collection.queries, 3, each)
    assert_same(index.search(collection.queries, 3, each), expected)


@contract
@given(collection=collections(), data=st.data())
def test_nearest(kind: str, path: str, collection: Collection, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(collection.codes) + 2))
    radius = data.draw(st.none() | radii(collection.words))
    index = Index(collection.codes, collection.ids, kind)
    expected = naive.search(collection.codes, collection.ids, collection.queries, k, radius)
    assert_same(index.search(collection.queries, k, radius), expected)


@contract
@given(collection=collections(), data=st.data())
def test_self_join(kind: str, path: str, collection: Collection, data: st.DataObject) -> None:
    radius = data.draw(radii(collection.words))
    index = Index(collection.codes, collection.ids, kind)
    assert_same(index.self_join(radius), naive.self_join(collection.codes, collection.ids, radius))


@contract
@given(collection=collections(most_queries=60), data=st.data())
def test_join(kind: str, path: str, collection: Collection, data: st.DataObject) -> None:
    radius = data.draw(radii(collection.words))
    index = Index(collection.codes, collection.ids, kind)
    expected = naive.range_search(collection.codes, collection.ids, collection.queries, radius)
    assert_same(index.join(collection.queries, radius), expected)


@contract
@given(collection=collections(most_queries=60), data=st.data())
def test_blocks_hold_every_answer_once(kind: str, path: str, collection: Collection, data: st.DataObject) -> None:
    radius = data.draw(radii(collection.words))
    index = Index(collection.codes, collection.ids, kind)
    reports: list[tuple[int, int]] = []
    matches = list(index.iter_join(collection.queries, radius, lambda done, of: reports.append((done, of))))
    assert sorted(rows(matches)) == sorted(rows([index.join(collection.queries, radius)]))
    assert [done for done, _ in reports] == list(range(1, len(matches) + 1))
    assert all(done <= of for done, of in reports)
    pairs = list(index.iter_self_join(radius))
    assert sorted(rows(pairs)) == rows([index.self_join(radius)])
    assert all(rows([block]) == sorted(rows([block])) for block in pairs)


def rows(blocks: Iterable[Matches | Pairs]) -> list[tuple[int, ...]]:
    """Tuples of all columns, block after block."""
    return [row for block in blocks for row in zip(*(column.tolist() for column in block), strict=True)]


@contract
@given(collection=collections(), data=st.data())
def test_query_cost(kind: str, path: str, collection: Collection, data: st.DataObject) -> None:
    radius = data.draw(radii(collection.words))
    index = Index(collection.codes, collection.ids, kind)
    cost = index.query_cost(collection.queries, radius)
    assert cost.matches == index.range_search(collection.queries, radius).ids.size
    assert cost.candidates + cost.probes > 0 or not cost.matches


@contract
@given(collection=collections(most_codes=400, most_queries=40), data=st.data())
def test_threads_and_order_change_nothing(kind: str, path: str, collection: Collection, data: st.DataObject) -> None:
    radius = data.draw(radii(collection.words))
    order = np.random.default_rng(0).permutation(len(collection.codes))
    one = Index(collection.codes, collection.ids, kind, threads=1)
    four = Index(collection.codes[order], collection.ids[order], kind, threads=4)
    assert_same(four.range_search(collection.queries, radius), one.range_search(collection.queries, radius))
    assert_same(four.search(collection.queries, 5), one.search(collection.queries, 5))
    assert_same(four.self_join(radius), one.self_join(radius))


@contract
@given(collection=collections(), data=st.data())
def test_layout_changes_nothing(kind: str, path: str, collection: Collection, data: st.DataObject) -> None:
    radius = data.draw(radii(collection.words))
    expected = naive.range_search(collection.codes, collection.ids, collection.queries, radius)
    apart = np.repeat(collection.codes, 2, axis=0)[::2]
    for codes in (np.asfortranarray(collection.codes), apart, collection.codes[:, ::-1][:, ::-1]):
        assert_same(Index(codes, collection.ids, kind).range_search(collection.queries, radius), expected)


def test_tiles_and_blocks(kind: str, path: str) -> None:
    """Sizes around the edges of lanes, tiles and blocks, where every code is a hit."""
    for n in (1, 7, 8, 9, 63, 64, 65, 127, 128, 1023, 1024, 1025, 2051):
        index = Index(np.zeros(n, dtype=np.uint64), None, kind)
        for count in (1, 3, 4, 5, 9):
            matches = index.range_search(np.zeros(count, dtype=np.uint64), 0)
            np.testing.assert_array_equal(matches.ids, np.tile(np.arange(n), count))
            np.testing.assert_array_equal(matches.queries, np.repeat(np.arange(count), n))
            k = min(n, 10)
            np.testing.assert_array_equal(
                index.search(np.zeros(count, dtype=np.uint64), 10).ids, np.tile(np.arange(k), count)
            )


def test_self_join_over_several_blocks(kind: str, path: str) -> None:
    codes = np.random.default_rng(5).integers(0, 2**13, 2500, dtype=np.uint64)
    left, right = np.triu_indices(codes.size, 1)
    distances = np.bitwise_count(codes[left] ^ codes[right]).astype(np.int64)
    near = distances <= 1
    expected = Pairs(left[near], right[near], distances[near])
    assert_same(Index(codes, None, kind).self_join(1), expected)


def test_real_codes(kind: str, path: str) -> None:
    if not VECTORS.exists():
        pytest.skip(f"the real codes are not at {VECTORS}")
    codes = np.array([int(line, 16) for line in VECTORS.read_text().split()], dtype=np.uint64)
    assert codes.size == 667
    index = Index(codes, None, kind)
    distances = np.bitwise_count(codes[:, np.newaxis] ^ codes).astype(np.int64)
    for radius in range(33):
        left, right = np.nonzero(np.triu(distances <= radius, 1))
        assert_same(index.self_join(radius), Pairs(left, right, distances[left, right]))
        queries, ids = np.nonzero(distances <= radius)
        order = np.lexsort((ids, distances[queries, ids], queries))
        expected = Matches(queries[order], ids[order], distances[queries, ids][order])
        assert_same(index.range_search(codes, radius), expected)
        assert_same(index.join(codes, radius), expected)


def test_nothing_to_search(kind: str, path: str) -> None:
    nothing: list[ArrayLike] = [np.empty(0, dtype=np.uint64), np.empty((0, 3), dtype=np.uint64), []]
    for empty in nothing:
        index = Index(empty, None, kind)
        assert len(index) == 0
        query = np.zeros((2, index.words), dtype=np.uint64)
        for columns in (index.range_search(query, 5), index.search(query, 3), index.self_join(5)):
            assert [column.size for column in columns] == [0, 0, 0]
    index = Index(np.zeros(3, dtype=np.uint64), None, kind)
    for columns in (index.range_search([], 5), index.search([], 3)):
        assert [column.size for column in columns] == [0, 0, 0]


def test_mapped_codes(kind: str, path: str, tmp_path: Path) -> None:
    codes = np.asfortranarray(np.random.default_rng(3).integers(0, 2**64, (500, 3), dtype=np.uint64))
    np.save(tmp_path / "codes.npy", codes)
    mapped = np.load(tmp_path / "codes.npy", mmap_mode="r")
    expected = naive.search(codes, np.arange(500), codes[:3], 4)
    assert_same(Index(mapped, None, kind).search(codes[:3], 4), expected)


CODES: NDArray[np.uint64] = np.arange(4, dtype=np.uint64)


@pytest.mark.parametrize(
    ("codes", "ids", "error", "message"),
    [
        (np.arange(4), None, TypeError, "codes must be uint64, .*, not int64"),
        (np.zeros((2, 5), dtype=np.uint64), None, ValueError, "5 words are too wide"),
        (np.zeros((2, 2, 2), dtype=np.uint64), None, ValueError, r"shape \(n,\) or \(n, words\)"),
        (CODES, [1, 2, 3], ValueError, r"4 codes need ids of shape \(4,\), not \(3,\)"),
        (CODES, [1, 2, 3, 1], ValueError, "an id occurs twice"),
        (CODES, [1.0, 2.0, 3.0, 4.0], TypeError, "ids must be integers, not float64"),
    ],
)
def test_wrong_codes(kind: str, codes: Any, ids: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Index(codes, ids, kind)


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda index: index.range_search(CODES, 65), ValueError, "radius 65 is not between 0 and the 64 bits"),
        (lambda index: index.range_search(CODES, -1), ValueError, "radius -1 is not between"),
        (lambda index: index.range_search(CODES, 2.5), TypeError, "a radius must be a whole number of bits"),
        (lambda index: index.range_search(CODES, [1, 2]), ValueError, "4 queries need one radius or radii of shape"),
        (lambda index: index.range_search(CODES.astype(np.int64), 1), TypeError, "codes must be uint64"),
        (
            lambda index: index.range_search(CODES.reshape(2, 2), 1),
            ValueError,
            "have 2 words, the index holds codes of 1",
        ),
        (lambda index: index.search(CODES, 0), ValueError, "k must be at least 1, not 0"),
        (lambda index: index.search(CODES, 1, 65), ValueError, "radius 65 is not between"),
        (lambda index: index.self_join(65), ValueError, "radius 65 is not between"),
    ],
)
def test_wrong_questions(kind: str, ask: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ask(Index(CODES, None, kind))


def test_unknown_kind() -> None:
    with pytest.raises(ValueError, match="there is no index kind 'best'; kinds are auto, linear, bktree, multi"):
        Index(CODES, None, "best")


def test_bad_thread_count(kind: str) -> None:
    with pytest.raises(ValueError, match="threads must be at least 1, not 0"):
        Index(CODES, None, kind, threads=0)


@given(collections(most_codes=20))
def test_bits_and_bytes_are_the_words_they_spell(collection: Collection) -> None:
    words = as_codes(collection.codes)
    packed = words.astype(">u8").view(np.uint8).reshape(len(words), 8 * words.shape[1])
    expected = Index(words).range_search(words, 5)
    for same in (packed, np.unpackbits(packed, axis=1).astype(bool)):
        found = Index(same).range_search(same, 5)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_first_bit_is_the_top_one() -> None:
    bits = np.zeros((1, 64), dtype=bool)
    bits[0, 0] = True
    index = Index(bits)
    assert index.range_search(np.array([1 << 63], dtype=np.uint64), 0).ids.tolist() == [0]
    assert repr(index) == "Index(1 code of 64 bits, kind='auto')"


@pytest.mark.parametrize(
    ("codes", "error", "message"),
    [
        (np.zeros((2, 63), dtype=bool), ValueError, "codes of 63 bits are not whole words: a word has 64 bits"),
        (np.zeros((2, 7), dtype=np.uint8), ValueError, "codes of 7 bytes are not whole words: a word has 8 bytes"),
        (np.zeros(64, dtype=bool), TypeError, "with a row for each code"),
        (np.zeros((2, 64)), TypeError, r"not float64 \(2, 64\): for bits use \(codes > 0\)"),
        (["00ff00ff00ff00ff"], TypeError, "for hex strings use"),
        (np.array([-1]), TypeError, "keeps the bits of int64 too"),
    ],
)
def test_other_dtypes_name_the_conversion(codes: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Index(codes)
