"""Candidates of many queries: the same as of single queries, and never the query itself."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from phash_engine import images
from phash_engine.catalogue.store import Store
from phash_engine.hashing import hashers, orientation
from phash_engine.hashing import views as views_of
from phash_engine.hashing.views import MatchType
from phash_engine.matching.search import Collection
from phash_engine.retrieval.candidates import find_candidates
from phash_engine.scanning.scan import scan
from tests import naive
from tests.hashing import test_views
from tests.matching.test_search import SEEDS, SOME_RADII, catalogue_of, codes_of, planted, views


def words(match_types: NDArray[np.int64]) -> list[str]:
    return [str(MatchType(number)) for number in match_types.tolist()]


@settings(max_examples=60)
@given(SEEDS, st.sampled_from([None, 1, 2, 5, 100]), SOME_RADII, st.booleans())
def test_candidates_equal_twin(seed: int, k: int | None, radius: int, rotations: bool) -> None:
    photos, queries = planted(seed)
    known = views(photos, rotations=rotations)
    blocks = np.stack([images.read_block(query) for query in queries])
    with catalogue_of(photos) as catalogue:
        ids = {photo.path: photo.content_id for photo in catalogue.photos()}
        collection = Collection(catalogue, rotations=rotations, trust_all=True)
        found = find_candidates(collection, blocks, k, radius)
        again = find_candidates(collection, hashers.hash_blocks(blocks), k, radius)
    for ours, theirs in zip(found[:4], again[:4], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for number, block in enumerate(blocks):
        mine = naive.turned(block) if rotations else naive.turned(block)[:1]
        expected = sorted(
            (distance, ids[path], word) for distance, word, path in naive.find(mine, known, None, radius)
        )[:k]
        here = found.queries == number
        columns = (found.distances[here].tolist(), found.contents[here].tolist(), words(found.match_types[here]))
        assert list(zip(*columns, strict=True)) == expected


@settings(max_examples=40)
@given(SEEDS, st.sampled_from([None, 1, 2, 5, 100]), SOME_RADII, st.booleans())
def test_every_view_finds_its_content(seed: int, k: int | None, radius: int, rotations: bool) -> None:
    photos = test_views.planted(seed)
    queries = [next(iter(blocks.values())) for blocks in test_views.planted(seed + 1, 3).values()]
    with Store(None) as catalogue:
        test_views.record(catalogue, photos)
        ids = {photo.path: photo.content_id for photo in catalogue.photos()}
        collection = Collection(catalogue, rotations=rotations, trust_all=True)
        found = find_candidates(collection, np.stack(queries), k, radius)
    for number, block in enumerate(queries):
        near = [
            (*test_views.nearest({views_of.FULL: block}, blocks, rotations=rotations), ids[path])
            for path, blocks in photos.items()
        ]
        expected = sorted((distance, content, word) for distance, word, content in near if distance <= radius)
        here = found.queries == number
        columns = (found.distances[here].tolist(), found.contents[here].tolist(), words(found.match_types[here]))
        rows = list(zip(*columns, strict=True))
        assert rows == sorted(rows)
        assert set(rows) <= set(expected)
        # Of equally near contents those come in whose nearest codes are oldest.
        assert [distance for distance, _, _ in rows] == [distance for distance, _, _ in expected][:k]


def test_five_codes_find_upright_and_transposed() -> None:
    photos, (query, *_) = planted(5)
    with catalogue_of(photos) as catalogue:
        collection = Collection(catalogue)
        table = codes_of(photos)[:, :5]
        found = find_candidates(collection, table, 1)
        assert (found.distances == 0).all()
        assert found.queries.tolist() == list(range(len(photos)))
        transposed = np.ascontiguousarray(orientation.turn(images.read_block(query), 5))
        assert find_candidates(
            collection, hashers.hash_blocks(transposed[np.newaxis]), radius=192
        ).contents.size == len(photos)


def test_pictures_do_not_find_themselves_and_unreadable_ones_are_skipped(sample: Path, tmp_path: Path) -> None:
    lake = sample / "2023-lake" / "IMG_0412.jpg"
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    (tmp_path / "blank.pgm").write_bytes(b"P5 40 60 255\n" + bytes([249]) * 2400)
    with Store(None) as catalogue:
        scan([sample, tmp_path], catalogue)
        collection = Collection(catalogue)
        queries: list[images.Source] = [lake, tmp_path / "bad.jpg", lake.read_bytes(), tmp_path / "blank.pgm"]
        found = find_candidates(collection, queries)
        others = [match for match in collection.find(lake) if match.match_type != MatchType.IDENTICAL]
        for row in (0, 2):
            here = found.queries == row
            of_content = catalogue.photos_of_contents(found.contents[here].tolist())
            paths = {photo.path for photos in of_content.values() for photo in photos}
            assert paths == {match.path for match in others}
            nearest = find_candidates(collection, queries, 2)
            np.testing.assert_array_equal(nearest.contents[nearest.queries == row], found.contents[here][:2])
        assert set(found.queries.tolist()) == {0, 2}
        assert list(found.failures) == [1]
        assert "not an image" in found.failures[1].reason
        assert lake.name not in {Path(match.path).name for match in others}


def test_no_queries_and_no_photos_give_empty_columns() -> None:
    with Store(None) as catalogue:
        collection = Collection(catalogue)
        no_pictures: list[images.Source] = []
        for queries in (no_pictures, np.empty((0, 10), dtype=np.uint64), np.ones((3, 10), dtype=np.uint64)):
            assert [column.size for column in find_candidates(collection, queries, 3)[:4]] == [0] * 4


def test_wrong_queries_are_refused() -> None:
    with Store(None) as catalogue:
        collection = Collection(catalogue)
        with pytest.raises(ValueError, match=r"\(q, 5\) or \(q, 10\), not \(3, 4\)"):
            find_candidates(collection, np.ones((3, 4), dtype=np.uint64))
        with pytest.raises(TypeError, match="blocks are uint16"):
            find_candidates(collection, np.ones((3, 32, 32), dtype=np.uint8))
        with pytest.raises(ValueError, match="k must be at least 1"):
            find_candidates(collection, [], 0)
        with pytest.raises(ValueError, match="radius 193 is not between"):
            find_candidates(collection, np.ones((1, 10), dtype=np.uint64), radius=193)
