"""Who is near by adaptive scores: strangers, backgrounds and judgements beside a look at all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from phash_engine.catalogue.store import Store
from phash_engine.grouping.groups import find_groups
from phash_engine.hashing import hashers, orientation
from phash_engine.hashing.hashers import Codes
from phash_engine.hashing.rules import RADIUS, RULES
from phash_engine.matching import scores
from phash_engine.matching.cohort import FEWEST, MOST, sample, strangers
from phash_engine.matching.confidence import confidence
from phash_engine.matching.distances import blocks, distances
from phash_engine.matching.judge import Judge
from phash_engine.matching.pairs import ViewCodes, close_pairs
from phash_engine.matching.policy import Criterion
from tests import naive

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


def full_views(table: Codes) -> ViewCodes:
    return ViewCodes(np.arange(len(table)), np.full(len(table), RULES.index("code")), table)


@pytest.fixture(scope="module")
def mixed() -> ViewCodes:
    """Photos, look-alikes, a copy of each that is some bits away, and trimmed views of some."""
    originals = np.concatenate([photos(1, COUNT // 2 - 30), on_one_floor(2, 30)])
    flips = np.random.default_rng(3).integers(0, 64, (len(originals), 4)).astype(np.uint64)
    copies = originals.copy()
    for column in range(4):
        copies[:, column * 2 % 5] ^= np.uint64(1) << flips[:, column]
    table = np.concatenate([originals, copies, photos(4, 20)])
    numbers = np.concatenate([np.arange(2 * len(originals)), np.arange(20)])
    ranks = np.full(len(table), RULES.index("code"))
    ranks[-20:] = RULES.index("trimmed")
    return ViewCodes(numbers, ranks, table)


def shuffled(views: ViewCodes, seed: int) -> ViewCodes:
    """The same views under other numbers."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(views.numbers))
    return ViewCodes(
        rng.permutation(views.numbers.max() + 1)[views.numbers[order]], views.ranks[order], views.table[order]
    )


def codes_of(views: ViewCodes) -> set[bytes]:
    return {row.tobytes() for row in views.table}


def test_distances_are_those_of_the_nearest_views(mixed: ViewCodes) -> None:
    some = mixed.select(mixed.numbers % 16 == 0)
    known = [some.table[some.numbers == number] for number in np.unique(some.numbers)]
    expected = [[min(orientation.distance(a, b)[0] for a in one for b in other) for other in known] for one in known]
    assert distances(some, some).tolist() == expected
    parts = [distances(block, some) for block in blocks(some)]
    assert np.concatenate(parts).tolist() == expected


def test_sample_does_not_depend_on_the_order(mixed: ViewCodes) -> None:
    chosen = sample(mixed, 100)
    assert len(np.unique(chosen.numbers)) == 100
    assert codes_of(sample(shuffled(mixed, 1), 100)) == codes_of(chosen)
    assert sample(mixed, MOST) is mixed


def test_strangers_are_no_copies_of_each_other_and_all_others_are_copies_of_one(mixed: ViewCodes) -> None:
    found = strangers(mixed)
    assert found is not None
    between = distances(found.views, found.views)
    assert (between + 255 * np.eye(len(between), dtype=np.int64) > RADIUS).all()
    assert (distances(mixed, found.views).min(axis=1) <= RADIUS).all()
    other = strangers(shuffled(mixed, 2))
    assert other is not None
    assert codes_of(other.views) == codes_of(found.views)


def test_few_contents_and_bursts_have_no_strangers() -> None:
    assert strangers(full_views(photos(1, FEWEST - 1))) is None
    bursts = np.repeat(photos(1, FEWEST // 2 - 1), 5, axis=0)
    assert strangers(full_views(bursts)) is None
    assert strangers(full_views(photos(1, FEWEST))) is not None


def test_judgements_are_those_of_a_look_at_all_pairs(mixed: ViewCodes) -> None:
    contents, cutoff = COUNT, scores.cutoff(COUNT)
    judge = Judge(mixed, contents, None, band=56)
    assert judge.criterion == Criterion(scores.SURE, cutoff)
    pairs, backgrounds = judge.judged(close_pairs(mixed, judge.reach, rotations=True, kind="linear"))
    found = strangers(mixed)
    assert found is not None
    to_strangers, between = distances(mixed, found.views), distances(mixed, mixed)
    own = [naive.background([bits if bits > RADIUS else 96 for bits in row]) for row in to_strangers.tolist()]
    expected = {}
    for left in range(contents):
        for right in range(left + 1, contents):
            bits = int(between[left, right])
            near = bits <= scores.SURE or bits - max(own[left], own[right]) <= cutoff
            if near or bits <= 56:
                expected[left, right] = bits, near
    rows = zip(*(column.tolist() for column in pairs), strict=True)
    assert {(a, b): (bits, RULES[rule] != "verified") for a, b, bits, rule in rows} == expected
    assert {near for _, near in expected.values()} == {True, False}
    assert all(backgrounds[number] == own[number] for pair in expected for number in pair)


def test_a_radius_is_a_radius(mixed: ViewCodes) -> None:
    judge = Judge(mixed, COUNT, 30, band=0)
    assert (judge.reach, str(judge.criterion)) == (30, "radius 30")
    pairs = close_pairs(mixed, 30, rotations=True, kind="linear")
    judged, backgrounds = judge.judged(pairs)
    assert [column.tolist() for column in judged] == [column.tolist() for column in pairs]
    assert not backgrounds.any()


def test_pictures_before_one_floor_are_no_duplicates() -> None:
    table = on_one_floor(5, COUNT // 2)
    table = np.concatenate([table, photos(7, COUNT // 2), table[:1]])
    table[-1, 1] ^= np.uint64(3)
    with Store(None) as catalogue:
        catalogue.add_fingerprints([f"/floor/{number:03}.jpg" for number in range(len(table))], table)
        assert len(find_groups(catalogue, RADIUS)) > 1
        groups = find_groups(catalogue)
    assert str(groups.criterion) == "score <= -10 (adaptive)"
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
        assert find_groups(catalogue, RADIUS) == []
        (group,) = find_groups(catalogue)
        (pair,) = group.pairs
    assert (pair.distance, pair.score) == (30, -14)
    assert pair.confidence == confidence(30, "code", COUNT + 1, -14) > 0.99
