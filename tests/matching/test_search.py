"""Search over catalogues: the same answers as the slow twin, whatever the order in which photos came in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from PIL import Image

from phash_engine import images
from phash_engine.catalogue.store import Store
from phash_engine.errors import ImageError
from phash_engine.hashing import hashers, orientation
from phash_engine.matching.policy import DEFAULT_RADIUS
from phash_engine.matching.search import Collection
from phash_engine.scanning.scan import scan
from tests import naive
from tests.plain import compare, find, find_groups

Picture = NDArray[np.uint8]

SEEDS = st.integers(0, 2**32 - 1)
SOME_RADII = st.sampled_from([0, 3, 12, DEFAULT_RADIUS, 60, 192])


class Photo(NamedTuple):
    path: str
    picture: Picture
    mirrors_known: bool


def drawn(rng: np.random.Generator) -> Picture:
    """A picture of 32x32 pixels, which are its block. Its plain patches make differences equal; it has no border."""
    patches = rng.integers(0, 256, (8, 8))
    if rng.random() < 0.2:
        patches = np.maximum(patches, patches[:, ::-1])  # its own mirror image
        patches[::7, ::7] = 0  # else an edge may be of one tone
    picture: Picture = np.kron(patches, np.ones((4, 4))).astype(np.uint8)
    return picture


def like(centre: Picture, rng: np.random.Generator) -> Picture:
    """The same picture turned or not, with much, little or no noise."""
    noise = rng.choice([0, 0, 4, 30]) * rng.standard_normal(centre.shape)
    turn = int(rng.integers(1, 9)) if rng.random() < 0.6 else 1
    noisy: Picture = np.clip(orientation.turn(centre, turn).astype(np.float64) + noise, 0, 255).astype(np.uint8)
    return noisy


def planted(seed: int, count: int = 24) -> tuple[list[Photo], list[Picture]]:
    """Photos around few centres, in two folders, and pictures to look up."""
    rng = np.random.default_rng(seed)
    centres = [drawn(rng) for _ in range(4)]
    photos = [
        Photo(f"/{rng.choice(['a', 'b'])}/{number:02}.jpg", like(centres[rng.integers(4)], rng), rng.random() < 0.8)
        for number in rng.permutation(count)
    ]
    return photos, [like(centres[0], rng), like(centres[1], rng), drawn(rng)]


def codes_of(photos: Sequence[Photo]) -> NDArray[np.uint64]:
    table = hashers.hash_blocks(np.stack([images.read_block(photo.picture) for photo in photos]))
    table[[not photo.mirrors_known for photo in photos], len(hashers.CODE_NAMES) :] = 0
    return table


def catalogue_of(photos: Sequence[Photo]) -> Store:
    catalogue = Store(None)
    catalogue.add_fingerprints([photo.path for photo in photos], codes_of(photos))
    return catalogue


def views(photos: Sequence[Photo], *, rotations: bool) -> dict[str, naive.Views]:
    """Views of the photos by path, which is also the order of keepers where nothing but the codes is known."""
    return {photo.path: _views(photo.picture, photo.mirrors_known, rotations) for photo in sorted(photos)}


def _views(picture: Picture, mirrors_known: bool, rotations: bool) -> naive.Views:
    block = images.read_block(picture)
    known = naive.turned(block) if mirrors_known else naive.transposed(block)
    return known if rotations else known[:1]


def rows(matches: Sequence[Any]) -> list[tuple[int, str, str]]:
    return [(match.distance, str(match.match_type), _path(match.photo)) for match in matches]


def _path(photo: Any) -> str:
    return photo if isinstance(photo, str) else photo.path


def by_keeper(groups: Any) -> dict[str, list[tuple[int, str, str]]]:
    for group in groups:
        assert group.duplicates == tuple(pair.right for pair in group.pairs)
        assert {pair.left for pair in group.pairs} == {group.keeper}
    return {group.keeper: [(pair.distance, pair.match_type, pair.right) for pair in group.pairs] for group in groups}


# ── the slow twin ───────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60)
@given(SEEDS, st.sampled_from([None, 1, 2, 5, 100]), st.one_of(st.none(), SOME_RADII), st.booleans())
def test_find_equals_twin(seed: int, k: int | None, radius: int | None, rotations: bool) -> None:
    photos, queries = planted(seed)
    known = views(photos, rotations=rotations)
    limit = DEFAULT_RADIUS if k is None and radius is None else radius
    with catalogue_of(photos) as catalogue:
        collection = Collection(catalogue, rotations=rotations)
        for query in queries:
            expected = naive.find(_views(query, True, rotations), known, k, limit)
            assert rows(collection.find(query, k, radius)) == expected


@settings(max_examples=60)
@given(SEEDS, SOME_RADII, st.booleans())
def test_find_groups_equals_twin(seed: int, radius: int, rotations: bool) -> None:
    photos, _ = planted(seed)
    with catalogue_of(photos) as catalogue:
        groups = find_groups(catalogue, radius, rotations=rotations)
    assert [group.keeper for group in groups] == sorted(group.keeper for group in groups)
    assert by_keeper(groups) == naive.find_groups(views(photos, rotations=rotations), radius)


@settings(max_examples=30)
@given(SEEDS, st.booleans())
def test_folders_restrict_find_and_groups(seed: int, rotations: bool) -> None:
    photos, queries = planted(seed)
    inside = views([photo for photo in photos if photo.path.startswith("/a/")], rotations=rotations)
    with catalogue_of(photos) as catalogue:
        for query in queries:
            matches = find(query, catalogue, 3, folders=["/a"], rotations=rotations)
            assert rows(matches) == naive.find(_views(query, True, rotations), inside, 3, None)
        groups = find_groups(catalogue, folders=["/a"], rotations=rotations)
        assert by_keeper(groups) == naive.find_groups(inside, DEFAULT_RADIUS)


@settings(max_examples=30)
@given(SEEDS, st.booleans())
def test_compare_equals_twin_and_is_symmetric(seed: int, rotations: bool) -> None:
    a, b, c = planted(seed)[1]
    for left, right in ((a, b), (b, c), (a, a)):
        expected = naive.rotated_distance(_views(left, True, rotations), _views(right, True, rotations))
        for one, other in ((left, right), (right, left)):
            found = compare(one, other, rotations=rotations)
            assert (found.distance, found.match_type) == expected


@settings(max_examples=20)
@given(SEEDS, st.randoms(use_true_random=False))
def test_order_in_which_photos_come_in_changes_nothing(seed: int, random: Random) -> None:
    photos, queries = planted(seed)
    shuffled = random.sample(photos, len(photos))
    with catalogue_of(photos) as one, catalogue_of(shuffled) as other:
        assert find_groups(one) == find_groups(other)
        for query in queries:
            for k in (1, 2, 3):
                assert find(query, one, k) == find(query, other, k)


def test_photos_with_five_codes_are_found_upright_and_transposed() -> None:
    picture = drawn(np.random.default_rng(3))
    with Store(None) as catalogue:
        catalogue.add_fingerprints(["/a.jpg"], np.array([hashers.fingerprint(images.read_block(picture))]))
        assert rows(find(picture, catalogue)) == [(0, "similar", "/a.jpg")]
        assert rows(find(np.ascontiguousarray(picture.T), catalogue)) == [(0, "rotated", "/a.jpg")]


# ── edges of the question ───────────────────────────────────────────────────────────────────────────────────────────


def test_empty_catalogue_has_no_matches_and_no_groups() -> None:
    picture = drawn(np.random.default_rng(1))
    with Store(None) as catalogue:
        assert find(picture, catalogue) == find(picture, catalogue, 5) == []
        assert find(picture, catalogue, folders=["/a"]) == []
        assert find_groups(catalogue) == find_groups(catalogue, folders=[]) == []


def test_k_larger_than_the_collection_finds_all() -> None:
    photos, (query, *_) = planted(7)
    with catalogue_of(photos) as catalogue:
        assert {match.photo for match in find(query, catalogue, 10**9)} == {photo.path for photo in photos}


@pytest.mark.parametrize(("k", "radius"), [(0, None), (-1, None), (None, -1), (None, 193), (3, 500)])
def test_wrong_limits_are_refused(k: int | None, radius: int | None) -> None:
    photos, (query, *_) = planted(7)
    with catalogue_of(photos) as catalogue, pytest.raises(ValueError, match=r"must be at least 1|is not between"):
        find(query, catalogue, k, radius)


def test_wrong_radius_of_groups_is_refused() -> None:
    with Store(None) as catalogue, pytest.raises(ValueError, match="radius 193 is not between 0 and the 192 bits"):
        find_groups(catalogue, 193)


def test_unreadable_query_is_an_image_error(tmp_path: Path) -> None:
    with Store(None) as catalogue, pytest.raises(ImageError, match="is a directory"):
        find(tmp_path, catalogue)


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def write(path: Path, picture: Picture, side: int = 64) -> str:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(picture).resize((side, side), Image.Resampling.NEAREST).save(path)
    return str(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three scenes as large original, copy of its bytes, small, turned; and flat and faint pictures, each twice."""
    rng = np.random.default_rng(11)
    for name in ("x", "y", "z"):
        picture = drawn(rng)
        original = Path(write(tmp_path / "large" / f"{name}.png", picture, 96))
        (tmp_path / "copies").mkdir(exist_ok=True)
        (tmp_path / "copies" / original.name).write_bytes(original.read_bytes())
        write(tmp_path / "small" / f"{name}.png", picture)
        write(tmp_path / "small" / f"{name}-turned.png", np.ascontiguousarray(np.rot90(picture)))
    faint = np.tile(np.linspace(100, 130, 32), (32, 1)).astype(np.uint8)
    for name, picture in (("flat", np.full((32, 32), 200, np.uint8)), ("faint", faint)):
        for number in (1, 2):
            write(tmp_path / "plain" / f"{name}-{number}.png", picture)
        write(tmp_path / "plain" / f"{name}-large.png", picture, 96)
    for path in tmp_path.rglob("*.png"):
        os.utime(path, (10**9, 10**9))
    return tmp_path


def test_copies_match_by_digest_and_the_largest_is_kept(folder: Path) -> None:
    with Store(None) as catalogue:
        scan([folder], catalogue)
        groups = {Path(group.keeper).name: group for group in find_groups(catalogue, 0)}
        found = find(folder / "large" / "x.png", catalogue, 3)
    assert set(groups) == {"x.png", "y.png", "z.png", "flat-1.png", "faint-1.png"}
    x = folder / "copies" / "x.png"
    assert groups["x.png"].keeper == str(folder / "large" / "x.png")
    assert rows_of_group(groups["x.png"], folder) == [
        (0, "identical", "copies/x.png"),
        (0, "similar", "small/x.png"),
        (0, "rotated", "small/x-turned.png"),
    ]
    assert rows(found) == [
        (0, "identical", str(x)),
        (0, "identical", str(folder / "large" / "x.png")),
        (0, "similar", str(folder / "small" / "x.png")),
    ]


def rows_of_group(group: Any, folder: Path) -> list[tuple[int, str, str]]:
    return [(pair.distance, pair.match_type, str(Path(pair.right).relative_to(folder))) for pair in group.pairs]


@pytest.mark.parametrize("name", ["flat", "faint"])
def test_pictures_without_structure_match_by_digest_alone(folder: Path, name: str) -> None:
    one, two, large = (str(folder / "plain" / f"{name}-{which}.png") for which in ("1", "2", "large"))
    with Store(None) as catalogue:
        scan([folder], catalogue)
        assert rows(find(one, catalogue, radius=192)) == [(0, "identical", one), (0, "identical", two)]
        assert rows(find(large, catalogue, 5)) == [(0, "identical", large)]
        assert large not in {
            path for group in find_groups(catalogue, 192) for path in (group.keeper, *group.duplicates)
        }
    assert compare(one, two).match_type == "identical"
    assert compare(one, large).match_type is compare(large, one).match_type is None


@pytest.mark.parametrize("name", ["flat", "faint"])
def test_all_can_be_trusted_on_request(folder: Path, name: str) -> None:
    one, two, large = (str(folder / "plain" / f"{name}-{which}.png") for which in ("1", "2", "large"))
    with Store(folder / "photos.db") as catalogue:
        scan([folder], catalogue)
        found = find(one, catalogue, radius=4, folders=[str(folder / "plain")], trust_all=True)
        groups = [(group.keeper, *group.duplicates) for group in find_groups(catalogue, 4, trust_all=True)]
        assert rows(find(large, catalogue, radius=4, trust_all=True))[0] == (0, "identical", large)
    assert [match.photo for match in found if match.match_type == "identical"] == [one, two]
    assert large in {match.photo for match in found}
    assert (large, one, two) in groups
    assert compare(one, large, trust_all=True).match_type == "similar"


def test_missing_photos_are_left_out_until_they_are_back(folder: Path) -> None:
    query = (folder / "large" / "x.png").read_bytes()
    with Store(None) as catalogue:
        scan([folder], catalogue)
        before, groups = find(query, catalogue), find_groups(catalogue)
        away = [folder / "large" / "x.png", folder / "small" / "x.png"]
        for path in away:
            path.rename(path.with_suffix(".away"))
        scan([folder], catalogue, exclude=["*.away"])
        gone = {str(path) for path in away}
        for folders in (None, [str(folder)]):
            assert find(query, catalogue, folders=folders) == [match for match in before if match.photo not in gone]
            assert find(query, catalogue, 1, folders=folders) == before[:1]
        assert not gone & {path for group in find_groups(catalogue) for path in (group.keeper, *group.duplicates)}
        for path in away:
            path.with_suffix(".away").rename(path)
        scan([folder], catalogue)
        assert find(query, catalogue) == before
        assert find_groups(catalogue) == groups


def test_forgotten_photos_are_left_out(folder: Path) -> None:
    with Store(None) as catalogue:
        scan([folder], catalogue)
        collection = Collection(catalogue)
        assert catalogue.forget(str(folder / "small")) == 6
        names = [Path(_path(match.photo)).parent.name for match in find(folder / "large" / "y.png", catalogue)]
        assert names == ["copies", "large"]
        # A collection opened before sees no ghosts either.
        assert len(collection.find(folder / "large" / "y.png")) == 2


def test_folders_may_be_relative_nested_and_end_in_a_slash(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with Store(None) as catalogue:
        scan([folder], catalogue)
        expected = find("large/x.png", catalogue, folders=[str(folder / "small")])
        assert [Path(_path(match.photo)).name for match in expected] == ["x.png", "x-turned.png"]
        for folders in (["small"], ["small/"], ["./large/../small"], ["small", "small", "small/deeper"]):
            assert find("large/x.png", catalogue, folders=folders) == expected
            assert find_groups(catalogue, folders=folders) == find_groups(catalogue, folders=[str(folder / "small")])
        assert find("large/x.png", catalogue, folders=["sma"]) == []


@pytest.mark.parametrize(
    "exclude",
    [["copies", "plain"], ["copies/", "plain/"], ["copies/*", "*/flat-*", "faint-?.png"], ["c*s", "pl*/*.png"]],
)
def test_excluded_photos_stay_out_though_scanned_before(folder: Path, exclude: list[str]) -> None:
    with Store(None) as before, Store(None) as fresh:
        scan([folder], before)
        scan([folder], fresh, exclude=[pattern.rstrip("/") for pattern in exclude])
        expected = find_groups(fresh)
        assert [Path(group.keeper).relative_to(folder).as_posix() for group in expected] == [
            "large/x.png",
            "large/y.png",
            "large/z.png",
        ]
        for folders in ([f"{folder}"], [f"{folder}/large", f"{folder}/"]):
            assert find_groups(before, folders=folders, exclude=exclude) == expected
        assert find_groups(before, exclude=["copies", "plain"]) == expected
        assert find_groups(before, folders=[f"{folder}"], exclude=[".*"]) == find_groups(before)


def test_groups_are_the_same_for_any_order_of_scans_and_any_workers(folder: Path) -> None:
    answers = []
    for workers, order in ((1, ["large", "copies", "small", "plain"]), (4, ["plain", "small", "copies", "large"])):
        with Store(None) as catalogue:
            for name in order:
                scan([folder / name], catalogue, workers=workers)
            answers.append((find_groups(catalogue), find(folder / "small" / "x.png", catalogue, 2)))
    with Store(None) as catalogue:
        scan([folder], catalogue, workers=3)
        answers.append((find_groups(catalogue), find(folder / "small" / "x.png", catalogue, 2)))
    assert answers[0] == answers[1] == answers[2]


def test_older_file_is_kept_of_equals(tmp_path: Path) -> None:
    picture = drawn(np.random.default_rng(2))
    young, old = write(tmp_path / "a.png", picture), write(tmp_path / "b.png", picture)
    os.utime(old, (10**9, 10**9))
    with Store(None) as catalogue:
        scan([tmp_path], catalogue)
        assert [(group.keeper, group.duplicates) for group in find_groups(catalogue)] == [(old, (young,))]
