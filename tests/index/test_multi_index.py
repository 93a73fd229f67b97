"""Buckets: what the contract test is too small to reach."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray

from phash_engine._columns import read_only
from phash_engine.index import Index, Pairs, bucket_join
from phash_engine.index.costs import chunks_for_join, chunks_for_queries
from phash_engine.index.kernels import bit_order
from phash_engine.index.kernels.chunks import chunk_radii, flip_masks, make_chunks
from tests.index.test_contract import assert_same


def skewed(n: int, words: int = 1, seed: int = 0) -> NDArray[np.uint64]:
    """Codes whose neighbouring bits go together, two thirds of them copies that are 0 to 12 bits apart."""
    rng = np.random.default_rng(seed)
    fields = rng.standard_normal((n // 3, words, 64 + 8)).cumsum(axis=2)
    bits = fields[:, :, 8:] - fields[:, :, :-8] > 0
    originals = np.packbits(bits, axis=2, bitorder="little").view(np.uint64)[..., 0]
    copies = originals[rng.integers(0, len(originals), n - len(originals))]
    for _ in range(12):
        flipped = rng.random(len(copies)) < 0.3
        places = rng.integers(0, 64 * words, len(copies))
        copies[flipped, places[flipped] // 64] ^= np.uint64(1) << (places[flipped] % 64).astype(np.uint64)
    return rng.permutation(np.concatenate((originals, copies)))


@pytest.mark.parametrize("words", [1, 3])
def test_same_answers_as_a_scan(words: int) -> None:
    codes, queries = skewed(12_000, words), skewed(3_000, words, seed=1)
    codes[7000:] = codes[:5000]
    multi, linear = Index(codes, None, "multi"), Index(codes, None, "linear")
    for radius in (0, 1, 5, 8 * words, 12 * words, 20 * words, 64 * words)[: 7 if words == 1 else 5]:
        some = queries[:20] if radius > 16 * words else queries
        assert_same(multi.range_search(some, radius), linear.range_search(some, radius))
    for radius in (0, 3, 9 * words):
        assert_same(multi.self_join(radius), linear.self_join(radius))
        assert_same(multi.join(queries, radius), linear.range_search(queries, radius))


@pytest.mark.parametrize("words", [1, 3])
def test_same_nearest_as_a_scan(words: int) -> None:
    codes, queries = skewed(12_000, words), skewed(3_000, words, seed=1)[:200]
    codes[7000:] = codes[:5000]
    multi, linear = Index(codes, None, "multi"), Index(codes, None, "linear")
    for removed in (range(0), range(0, 12_000, 50)):
        multi.remove(removed)
        linear.remove(removed)
        for k in (1, 10, 300):
            for radius in (None, 0, 6, 9 * words, np.arange(200) % 20):
                assert_same(multi.search(queries, k, radius), linear.search(queries, k, radius))


def test_same_bytes_with_one_and_four_threads() -> None:
    """Codes enough for several tasks of each thread."""
    codes, queries = skewed(40_000), skewed(3000, seed=1)
    codes[30_000:] = codes[:10_000]
    one, four = (Index(codes, None, "multi", threads=threads) for threads in (1, 4))
    assert_same(four.self_join(6), one.self_join(6))
    assert_same(four.join(queries, 6), one.join(queries, 6))
    assert_same(four.range_search(queries, 6), one.range_search(queries, 6))
    assert_same(four.search(queries, 5), one.search(queries, 5))


def test_a_million_equal_codes() -> None:
    index = Index(np.zeros(1_000_000, dtype=np.uint64), None, "multi")
    nearest = index.search(np.ones(3, dtype=np.uint64), 2)
    assert nearest.ids.tolist() == [0, 1] * 3
    assert index.range_search(np.ones(1, dtype=np.uint64), 1).ids.size == 1_000_000
    block = next(index.iter_self_join(0))
    assert block.left.size < 10_000_000
    assert np.all(block.left < block.right)


def test_pairs_of_equal_codes_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_join, "_BLOCK_PAIRS", 7)
    monkeypatch.setattr(bucket_join, "_SPAN", 3)
    monkeypatch.setattr(bucket_join, "_ROOM", 64)
    codes = np.repeat(np.array([0, 1, 2**40, 7, 2**40 + 1], dtype=np.uint64), [40, 10, 1000, 20, 50])
    multi, linear = Index(codes, None, "multi"), Index(codes, None, "linear")
    for radius in (0, 1, 2):
        assert_same(multi.self_join(radius), linear.self_join(radius))
        assert_same(multi.join(codes, radius), linear.range_search(codes, radius))
        assert max(pairs.left.size for pairs in multi.iter_self_join(radius)) <= 7 + 1000


def test_bits_that_go_together_are_spread() -> None:
    """Each bit stands four times in a row: a chunk of sixteen bits has as good as four until they are spread."""
    chunks = make_chunks(1, 4)
    nibbles = np.random.default_rng(0).integers(0, 2, (20_000, 16), dtype=np.uint8)
    codes = np.packbits(np.repeat(nibbles, 4, axis=1), axis=1, bitorder="little").view(np.uint64)[:, 0]
    columns = read_only([codes])
    order = bit_order.spread_bits(columns, chunks)
    assert sorted(order.tolist()) == list(range(64))
    assert all(len(set(order[16 * chunk : 16 * chunk + 16] // 4)) >= 12 for chunk in range(4))
    reordered = bit_order.reorder(columns, bit_order.order_tables(order))[0]
    for new, old in enumerate(order.tolist()):
        np.testing.assert_array_equal(
            (reordered >> np.uint64(new)) & np.uint64(1), (codes >> np.uint64(old)) & np.uint64(1)
        )


@pytest.mark.parametrize("chunks", [2, 3, 4, 7, 12])
def test_chunk_radii_are_enough_and_least(chunks: int) -> None:
    """One bit more than its radius in every chunk is one bit more than the radius in all."""
    for radius in range(30):
        radii = chunk_radii(radius, chunks)
        assert sum(radii.tolist()) + chunks == radius + 1
        assert radii.max() - radii.min() <= 1


def test_flips_are_all_there_are() -> None:
    masks, begins = flip_masks(7, 3)
    assert np.diff(begins).tolist() == [comb(7, bits) for bits in range(4)]
    assert sorted(masks.tolist()) == [mask for mask in range(128) if mask.bit_count() <= 3]


def test_more_codes_take_fewer_chunks() -> None:
    sizes = (10**4, 10**5, 10**6, 10**7, 10**8)
    assert [chunks_for_queries(n, 1, 8) for n in sizes] == sorted(
        (chunks_for_queries(n, 1, 8) for n in sizes), reverse=True
    )
    assert chunks_for_queries(10**6, 1, 8) == 4
    assert chunks_for_queries(10**6, 3, 24) == 4
    assert chunks_for_join(10**5, 3, 48) in (5, 6)


def test_no_pairs() -> None:
    codes = np.random.default_rng(2).integers(0, 2**64, 5000, dtype=np.uint64)
    empty = np.empty(0, dtype=np.int64)
    assert_same(Index(codes, None, "multi").self_join(2), Pairs(empty, empty, empty))
