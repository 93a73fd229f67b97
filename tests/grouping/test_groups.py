"""Groups of a catalogue: modes, spans, references, decisions, files under two names, series."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phash_engine import _files
from phash_engine.catalogue.store import Store
from phash_engine.errors import UsageError
from phash_engine.grouping import graph, groups
from phash_engine.grouping.clustering import MODES
from phash_engine.grouping.graph import SPANS
from phash_engine.hashing.views import MatchType
from phash_engine.matching import confidence
from phash_engine.scanning.scan import scan
from tests import naive
from tests.matching.test_search import SEEDS, SOME_RADII, catalogue_of, planted, views
from tests.pictures import save, scene, with_noise
from tests.plain import find_groups

WIDE = 60


def groups_of(folder: Path, **options: object) -> Any:
    with Store(None) as catalogue:
        scan([folder], catalogue)
        return find_groups(catalogue, **options)


def names(groups: Any) -> list[tuple[str, ...]]:
    return [tuple(Path(path).name for path in (group.keeper, *group.duplicates)) for group in groups]


def digest(path: str) -> bytes:
    return _files.digest(_files.read(path)[1])


# ── modes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=40)
@given(SEEDS, SOME_RADII, st.sampled_from(sorted(MODES)), st.sampled_from(SPANS))
def test_every_mode_groups_as_its_slow_twin(seed: int, radius: int, mode: str, span: str) -> None:
    photos, _ = planted(seed, 16)
    known = views(photos, rotations=True)
    paths = list(known)
    pairs = {
        (a, b): bits
        for (a, b), bits in naive.close_pairs(known, radius).items()
        if span == "anywhere" or (Path(paths[a]).parent == Path(paths[b]).parent) == (span == "same-folder")
    }
    expected: dict[str, set[str]] = {}
    for path, keeper in zip(paths, getattr(naive, mode)(pairs, len(paths)), strict=True):
        expected.setdefault(paths[keeper], set()).add(path)
    with catalogue_of(photos) as catalogue:
        groups = find_groups(catalogue, radius, mode=mode, span=span)
    found = {group.keeper: {group.keeper, *group.duplicates} for group in groups}
    assert found == {keeper: members for keeper, members in expected.items() if len(members) > 1}
    for group in groups:
        inside = {(paths[a], paths[b]): bits for (a, b), bits in pairs.items()}
        inside = {pair: bits for pair, bits in inside.items() if found[group.keeper].issuperset(pair)}
        if mode == "star":
            inside = {pair: bits for pair, bits in inside.items() if pair[0] == group.keeper}
        assert {(pair.left, pair.right): pair.distance for pair in group.pairs} == inside
        assert set(group.joining()) == set(group.duplicates)


@settings(max_examples=15)
@given(SEEDS, st.sampled_from(sorted(MODES)), st.sampled_from(SPANS), st.randoms(use_true_random=False))
def test_order_in_which_photos_come_in_changes_no_group(seed: int, mode: str, span: str, random: Random) -> None:
    photos, _ = planted(seed)
    with catalogue_of(photos) as one, catalogue_of(random.sample(photos, len(photos))) as other:
        assert find_groups(one, mode=mode, span=span) == find_groups(other, mode=mode, span=span)


@pytest.mark.parametrize("photos_at_a_time", [1, 3])
@pytest.mark.parametrize("span", SPANS)
def test_groups_told_a_few_photos_at_a_time_are_the_same(
    photos_at_a_time: int, span: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, _ = planted(7, 40)
    with catalogue_of(photos) as catalogue:
        at_once = find_groups(catalogue, mode="component", span=span)
        monkeypatch.setattr(graph, "_PHOTOS", photos_at_a_time)
        assert find_groups(catalogue, mode="component", span=span) == at_once
    assert len(at_once) > 2


def test_unknown_modes_and_spans_are_refused() -> None:
    with Store(None) as catalogue:
        for wrong in ({"mode": "circle"}, {"span": "nearby"}):
            with pytest.raises(ValueError, match="is unknown: star, complete, component, anywhere"):
                find_groups(catalogue, **wrong)
        with pytest.raises(UsageError, match="is no keeper rule"):
            find_groups(catalogue, keep=["best"])


# ── folders ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def two_folders(tmp_path: Path) -> Path:
    """One scene in two folders: large in one, in the other small, its bytes again, and once more in the first."""
    save(tmp_path / "a" / "large.png", scene(1), side=192)
    small = Path(save(tmp_path / "b" / "small.png", scene(1)))
    for copy in (tmp_path / "b" / "small-again.png", tmp_path / "a" / "small-too.png"):
        copy.write_bytes(small.read_bytes())
        os.utime(copy, (10**9, 10**9))
    return tmp_path


@pytest.mark.parametrize("mode", MODES)
def test_spans(two_folders: Path, mode: str) -> None:
    (anywhere,) = names(groups_of(two_folders, mode=mode))
    assert anywhere[0] == "large.png"
    assert sorted(anywhere[1:]) == ["small-again.png", "small-too.png", "small.png"]
    found = names(groups_of(two_folders, mode=mode, span="same-folder"))
    assert found == [("large.png", "small-too.png"), ("small.png", "small-again.png")]
    (across,) = names(groups_of(two_folders, mode=mode, span="across-folders"))
    assert across[0] == "large.png"
    # A chain leads back to the keeper's folder.
    assert set(across[1:]) - {"small-too.png"} == {"small.png", "small-again.png"}
    assert ("small-too.png" in across) == (mode == "component")


def test_references_stay(tmp_path: Path) -> None:
    new, archive = tmp_path / "new", tmp_path / "archive"
    small = save(archive / "kept.png", scene(1))
    (archive / "again.png").write_bytes(Path(small).read_bytes())
    large = save(new / "large.png", scene(1), side=192)
    copy = new / "copy.png"
    copy.write_bytes(Path(small).read_bytes())
    save(new / "x.png", scene(2))
    save(new / "x-large.png", scene(2), side=192)
    save(archive / "apart.png", scene(3))
    with Store(None) as catalogue:
        scan([tmp_path], catalogue)
        for mode in MODES:
            (group,) = find_groups(catalogue, folders=[str(new)], references=[str(archive)], mode=mode)
            assert group.keeper == small
            assert group.kept == (str(archive / "again.png"),)
            assert set(group.duplicates) == {large, str(copy)}
            assert group.reason.rule == "reference"
        assert len(find_groups(catalogue)) == 2


def test_references_are_not_each_others_duplicates(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    large = save(archive / "large.png", scene(1), side=192)
    small = save(archive / "small.png", scene(1))
    new = save(tmp_path / "new" / "a.png", scene(1), side=48)
    (group,) = groups_of(tmp_path, references=[str(archive)])
    assert (group.keeper, group.duplicates) == (large, (new,))
    (group,) = groups_of(tmp_path, references=[str(archive)], mode="component")
    assert (group.keeper, group.kept, group.duplicates) == (large, (small,), (new,))
    assert groups_of(archive, references=[str(archive)]) == []


# ── one file under two names ────────────────────────────────────────────────────────────────────────────────────────


def test_hard_links_are_one_file(tmp_path: Path) -> None:
    photo = Path(save(tmp_path / "a.png", scene(1)))
    (tmp_path / "link.png").hardlink_to(photo)
    assert groups_of(tmp_path) == []
    (tmp_path / "copy.png").write_bytes(photo.read_bytes())
    os.utime(tmp_path / "copy.png", (10**9, 10**9))
    assert names(groups_of(tmp_path)) == [("a.png", "copy.png")]
    (tmp_path / "copy-link.png").hardlink_to(tmp_path / "copy.png")
    assert names(groups_of(tmp_path)) == [("a.png", "copy-link.png", "copy.png")]
    assert names(groups_of(tmp_path, mode="component")) == [("a.png", "copy.png", "copy-link.png")]


def test_a_hard_link_to_a_reference_is_no_other(tmp_path: Path) -> None:
    photo = Path(save(tmp_path / "archive" / "a.png", scene(1)))
    (tmp_path / "b.png").hardlink_to(photo)
    assert groups_of(tmp_path, references=[str(tmp_path / "archive")]) == []


# ── decisions ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def trio(tmp_path: Path) -> tuple[Store, list[str]]:
    """Three pictures each close to the others: the second is nearer to the third than the first is."""
    first = scene(1)
    third = with_noise(first, 40)
    paths = [
        save(tmp_path / "first.png", first, side=192),
        save(tmp_path / "second.png", with_noise(third, 8, 2), side=160),
        save(tmp_path / "third.png", third),
    ]
    catalogue = Store(None)
    scan([tmp_path], catalogue)
    (group,) = find_groups(catalogue, WIDE, mode="complete")
    assert list(group.duplicates) == paths[1:]
    pairs = {(Path(pair.left).stem, Path(pair.right).stem): pair.distance for pair in group.pairs}
    assert pairs["second", "third"] < pairs["first", "third"]
    return catalogue, paths


@pytest.mark.parametrize("mode", MODES)
def test_different_pictures_stay_apart_and_the_nearer_side_takes_the_rest(
    trio: tuple[Store, list[str]], mode: str
) -> None:
    catalogue, (first, second, third) = trio
    catalogue.decisions.decide([digest(first), digest(second)], "different")
    (group,) = find_groups(catalogue, WIDE, mode=mode)
    assert (group.keeper, group.duplicates) == (second, (third,))
    catalogue.decisions.remove([digest(first)])
    (group,) = find_groups(catalogue, WIDE, mode=mode)
    assert group.keeper == first


@pytest.mark.parametrize("mode", ["star", "component"])
def test_what_both_stays_is_no_other_of_a_third(trio: tuple[Store, list[str]], mode: str) -> None:
    catalogue, (first, second, third) = trio
    catalogue.decisions.decide([digest(first), digest(second)], "keep")
    groups = find_groups(catalogue, WIDE, mode=mode)
    assert {path for group in groups for path in group.duplicates} == {third}
    # The best of the three has come last: one of the two may go, the other stays.
    catalogue.decisions.remove([digest(first)])
    catalogue.decisions.decide([digest(second), digest(third)], "keep")
    (group,) = find_groups(catalogue, WIDE, mode=mode)
    assert (group.keeper, group.duplicates, group.kept) == (first, (second,), (third,))


def test_copies_of_one_content_may_all_stay(tmp_path: Path) -> None:
    photo = save(tmp_path / "a.png", scene(1))
    (tmp_path / "backup.png").write_bytes(Path(photo).read_bytes())
    small = save(tmp_path / "small.png", scene(1), side=48)
    with Store(None) as catalogue:
        scan([tmp_path], catalogue)
        catalogue.decisions.decide([digest(photo)] * 2, "keep")
        (group,) = find_groups(catalogue)
        assert (group.keeper, group.kept, group.duplicates) == (photo, (str(tmp_path / "backup.png"),), (small,))
        with pytest.raises(UsageError, match="files of equal bytes cannot be different"):
            catalogue.decisions.decide([digest(photo)] * 2, "different")


def test_decisions_survive_renames(trio: tuple[Store, list[str]]) -> None:
    catalogue, paths = trio
    catalogue.decisions.decide([digest(path) for path in paths], "different")
    assert len(catalogue.decisions.all()) == 3
    for path in paths:
        Path(path).rename(Path(path).with_name(f"moved-{Path(path).name}"))
    scan([Path(paths[0]).parent], catalogue)
    assert find_groups(catalogue, WIDE) == []


# ── series, sizes, confidence ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("moments", "burst", "expected"),
    [
        (["2020:01:02 03:04:05", "2020:01:02 03:04:07"], 2.0, True),
        (["2020:01:02 03:04:05", "2020:01:02 03:04:07"], 1.0, False),
        (["2020:01:02 03:04:05", "2020:01:02 03:04:07"], None, False),
        (["2020:01:02 03:04:05", "2020:01:02 03:04:05"], 2.0, False),
        (["2020:01:02 03:04:05", ""], 2.0, False),
    ],
)
def test_shots_in_quick_succession_are_a_series(
    tmp_path: Path, moments: list[str], burst: float | None, expected: bool
) -> None:
    for number, taken in enumerate(moments):
        save(tmp_path / f"{number}.jpg", with_noise(scene(1), 2, number), taken=taken)
    (group,) = groups_of(tmp_path, burst=burst)
    assert group.is_series is expected


def test_fractions_of_a_second_separate_shots(tmp_path: Path) -> None:
    for number, fraction in enumerate(["10", "35"]):
        save(tmp_path / f"{number}.jpg", scene(1), taken="2020:01:02 03:04:05", fraction=fraction)
    assert groups_of(tmp_path, burst=0.3)[0].is_series
    assert not groups_of(tmp_path, burst=0.2)[0].is_series


def test_bytes_are_those_of_the_duplicates(tmp_path: Path) -> None:
    save(tmp_path / "a.png", scene(1), side=192)
    small = save(tmp_path / "b.png", scene(1))
    with Store(None) as catalogue:
        scan([tmp_path], catalogue)
        (group,) = groups.find_groups(catalogue)
    assert group.bytes == Path(small).stat().st_size


def test_confidence_falls_with_distance_and_number() -> None:
    assert confidence.confidence(0, MatchType.IDENTICAL, 10**9) == 1.0
    for rule in (MatchType.SIMILAR, MatchType.ROTATED):
        sure = [confidence.confidence(bits, rule, 10_000) for bits in range(193)]
        assert sure == sorted(sure, reverse=True)
        assert all(0 <= value <= 1 for value in sure)
    assert confidence.confidence(24, MatchType.SIMILAR, 10_000) > confidence.confidence(24, MatchType.ROTATED, 10_000)
    assert confidence.confidence(24, MatchType.SIMILAR, 10_000) > confidence.confidence(24, MatchType.SIMILAR, 10**6)
    assert (
        confidence.confidence(56, MatchType.VERIFIED, 600)
        > 0.999
        > 0.1
        > confidence.confidence(56, MatchType.ROTATED, 600)
    )
    assert confidence.confidence(56, MatchType.VERIFIED, 600, -3) == confidence.confidence(56, MatchType.VERIFIED, 600)
    assert confidence.false_share(24) == pytest.approx(4.9e-7)
    assert confidence.false_share(56) == pytest.approx(8.6e-4)
