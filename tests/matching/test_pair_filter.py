"""Which pairs match by scores: the cohort, its means and the filter compared with all pairs one by one."""

from __future__ import annotations

import numpy as np
import pytest

from phash_engine.catalogue.store import Store
from phash_engine.hashing import hashers, orientation
from phash_engine.hashing.hashers import Codes
from phash_engine.hashing.views import MatchType
from phash_engine.matching import cohort
from phash_engine.matching.code_set import CodeSet
from phash_engine.matching.cohort import FEWEST, MOST, choose, sample
from phash_engine.matching.confidence import confidence
from phash_engine.matching.pairs import PairFilter, close_pairs
from phash_engine.matching.policy import CANDIDATE_RADIUS, CERTAIN, DEFAULT_RADIUS, MatchPolicy
from tests import naive
from tests.plain import find_groups

COUNT = FEWEST + 60


def photos(seed: int, count: int) -> Codes:
    """Codes of pictures that look different."""
    patches = np.random.default_rng(seed).integers(0, 65281, (count, 8, 8))
    return hashers.hash_blocks(np.kron(patches, np.ones((1, 4, 4))).astype(np.uint16))


def on_one_floor(seed: int, count: int) -> Codes:
    """Codes of pictures that differ in the middle alone."""
    rng = np.random.default_rng(seed)
    patches = np.repeat(rng.integers(0, 65281, (1, 8, 8)), count, axis=0)
    patches[:, 2:7, 2:6] = rng.integers(0, 65281, (count, 5, 4))
    return hashers.hash_blocks(np.kron(patches, np.ones((1, 4, 4))).astype(np.uint16))


def full_views(table: Codes) -> CodeSet:
    return CodeSet(np.arange(len(table)), np.full(len(table), MatchType.SIMILAR), table)


@pytest.fixture(scope="module")
def mixed() -> CodeSet:
    """Photos, look-alikes, a copy of each that is some bits away, and trimmed views of some."""
    originals = np.concatenate([photos(1, COUNT // 2 - 30), on_one_floor(2, 30)])
    flips = np.random.default_rng(3).integers(0, 64, (len(originals), 4)).astype(np.uint64)
    copies = originals.copy()
    for column in range(4):
        copies[:, column * 2 % 5] ^= np.uint64(1) << flips[:, column]
    table = np.concatenate([originals, copies, photos(4, 20)])
    numbers = np.concatenate([np.arange(2 * len(originals)), np.arange(20)])
    ranks = np.full(len(table), MatchType.SIMILAR)
    ranks[-20:] = MatchType.TRIMMED
    return CodeSet(numbers, ranks, table)


def shuffled(codes: CodeSet, seed: int) -> CodeSet:
    """The same views, of contents with other ids."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(codes.contents))
    contents = 5 + 3 * rng.permutation(codes.contents.max() + 1)
    return CodeSet(contents[codes.contents[order]], codes.views[order], codes.codes[order])


def codes_of(codes: CodeSet) -> set[bytes]:
    return {row.tobytes() for row in codes.codes}


def test_distances_are_those_of_the_nearest_views(mixed: CodeSet) -> None:
    some = mixed.select(mixed.contents % 16 == 0)
    known = [some.codes[some.contents == content] for content in np.unique(some.contents)]
    expected = [
        [min(orientation.rotated_distance(a, b)[0] for a in one for b in other) for other in known] for one in known
    ]
    assert some.distances(some).tolist() == expected
    parts = [block.distances(some) for block in some.blocks()]
    assert np.concatenate(parts).tolist() == expected


def test_sample_does_not_depend_on_the_order(mixed: CodeSet) -> None:
    chosen = sample(mixed, 100)
    assert len(np.unique(chosen.contents)) == 100
    assert codes_of(sample(shuffled(mixed, 1), 100)) == codes_of(chosen)
    assert sample(mixed, MOST) is mixed


def test_members_of_the_cohort_are_no_copies_of_each_other_and_all_others_are_copies_of_one(mixed: CodeSet) -> None:
    found = choose(mixed)
    assert found is not None
    between = found.codes.distances(found.codes)
    assert (between + 255 * np.eye(len(between), dtype=np.int64) > DEFAULT_RADIUS).all()
    assert (mixed.distances(found.codes).min(axis=1) <= DEFAULT_RADIUS).all()
    other = choose(shuffled(mixed, 2))
    assert other is not None
    assert codes_of(other.codes) == codes_of(found.codes)


def test_few_contents_and_bursts_have_no_cohort() -> None:
    assert choose(full_views(photos(1, FEWEST - 1))) is None
    bursts = np.repeat(photos(1, FEWEST // 2 - 1), 5, axis=0)
    assert choose(full_views(bursts)) is None
    assert choose(full_views(photos(1, FEWEST))) is not None


def test_matches_are_those_of_all_pairs_one_by_one(mixed: CodeSet) -> None:
    contents, cutoff = COUNT, cohort.cutoff(COUNT)
    pair_filter = PairFilter(mixed, None, CANDIDATE_RADIUS)
    assert pair_filter.policy == MatchPolicy(cutoff=cutoff)
    pairs, means = pair_filter.filter(close_pairs(mixed, pair_filter.radius, rotations=True, kind="linear"))
    found = choose(mixed)
    assert found is not None
    to_cohort, between = mixed.distances(found.codes), mixed.distances(mixed)
    own = [naive.cohort_mean([bits if bits > DEFAULT_RADIUS else 96 for bits in row]) for row in to_cohort.tolist()]
    expected = {}
    for left in range(contents):
        for right in range(left + 1, contents):
            bits = int(between[left, right])
            near = bits <= CERTAIN or bits - max(own[left], own[right]) <= cutoff
            if near or bits <= CANDIDATE_RADIUS:
                expected[left, right] = bits, near
    rows = zip(*(column.tolist() for column in pairs), strict=True)
    assert {(a, b): (bits, match_type != MatchType.VERIFIED) for a, b, bits, match_type in rows} == expected
    assert {near for _, near in expected.values()} == {True, False}
    assert all(means.of(np.array(pair)).tolist() == [own[content] for content in pair] for pair in expected)


def test_a_radius_is_a_radius(mixed: CodeSet) -> None:
    pair_filter = PairFilter(mixed, 30, 0)
    assert (pair_filter.radius, str(pair_filter.policy)) == (30, "radius 30")
    pairs = close_pairs(mixed, 30, rotations=True, kind="linear")
    filtered, means = pair_filter.filter(pairs)
    assert [column.tolist() for column in filtered] == [column.tolist() for column in pairs]
    assert not len(means.contents)


def test_pictures_before_one_floor_are_no_duplicates() -> None:
    table = on_one_floor(5, COUNT // 2)
    table = np.concatenate([table, photos(7, COUNT // 2), table[:1]])
    table[-1, 1] ^= np.uint64(3)
    with Store(None) as catalogue:
        catalogue.add_fingerprints([f"/floor/{number:03}.jpg" for number in range(len(table))], table)
        assert len(find_groups(catalogue, DEFAULT_RADIUS)) > 1
        groups = find_groups(catalogue)
    assert str(groups.policy) == "score <= -10 (adaptive)"
    (pair,) = (pair for group in groups for pair in group.pairs if pair.left.endswith("000.jpg"))
    assert (pair.right, pair.distance) == (f"/floor/{COUNT}.jpg", 2)
    assert pair.score is not None
    assert pair.score < 0


def test_photos_at_their_distance_are_found_beyond_the_default_radius() -> None:
    table = photos(6, COUNT)
    copy = table[:1].copy()
    copy[0, [1, 3, 4]] ^= np.array([0x3FF], dtype=np.uint64)
    with Store(None) as catalogue:
        names = [f"/photos/{number:03}.jpg" for number in range(COUNT + 1)]
        catalogue.add_fingerprints(names, np.concatenate([table, copy]))
        assert find_groups(catalogue, DEFAULT_RADIUS) == []
        (group,) = find_groups(catalogue)
        (pair,) = group.pairs
    assert (pair.distance, pair.score) == (30, -14)
    assert pair.confidence == confidence(30, MatchType.SIMILAR, COUNT + 1, -14) > 0.99
