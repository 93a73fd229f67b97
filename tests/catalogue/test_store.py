"""Photos, contents and codes: what is recorded, imported, marked and forgotten."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from phash_engine.catalogue import Sighting, Store
from phash_engine.errors import CatalogueError
from phash_engine.hashing.views import match_type
from tests.catalogue.samples import (
    assert_table_is_truth,
    codes_of,
    content,
    paths,
    paths_by_content,
    query,
    record,
    rows_of,
    sighting,
    truth,
)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "photos.db") as catalogue:
        yield catalogue


# ── fingerprints computed elsewhere ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("width", [5, 10])
def test_fingerprints_come_back(catalogue: Store, width: int) -> None:
    table = np.stack([codes_of(1), codes_of(2)])[:, :width]
    catalogue.add_fingerprints(["/p/b.jpg", "/p/a.jpg"], table)
    contents, views, stored = catalogue.code_columns()
    assert np.array_equal(stored[:, :width], table)
    assert not stored[:, width:].any()
    assert views.tolist() == [match_type("full")] * 2
    b, a = contents.tolist()
    assert paths_by_content(catalogue, [a, b]) == {a: ["/p/a.jpg"], b: ["/p/b.jpg"]}
    assert [photo[1:9] for photo in catalogue.photos()] == [(0, 0, None, 0, 0, "", 0, content) for content in (a, b)]


def test_fingerprints_of_another_spec_are_refused(catalogue: Store) -> None:
    with pytest.raises(ValueError, match="codes of SPEC 1 cannot be compared with those of SPEC 2"):
        catalogue.add_fingerprints(["/p/a.jpg"], codes_of(1)[np.newaxis], spec=1)
    assert paths(catalogue) == []


def test_fingerprints_of_a_known_path_are_replaced(catalogue: Store) -> None:
    catalogue.add_fingerprints(["/p/a.jpg"], codes_of(1)[np.newaxis])
    catalogue.add_fingerprints(["/p/a.jpg"], codes_of(2)[np.newaxis])
    assert catalogue.code_columns().codes.tolist() == [codes_of(2).tolist()]
    assert_table_is_truth(catalogue)


def test_fingerprints_replace_what_was_scanned_and_its_codes_go(catalogue: Store) -> None:
    record(catalogue, {"/p/a.jpg": 1, "/p/b.jpg": 2, "/p/copy.jpg": 2})
    catalogue.add_fingerprints(["/p/a.jpg", "/p/b.jpg"], np.stack([codes_of(3), codes_of(4)]))
    assert catalogue.known_digests() == {content(2).digest}
    assert catalogue.counts()["contents"] == 1
    assert sorted(catalogue.code_columns().codes.tolist()) == sorted(codes_of(seed).tolist() for seed in (2, 3, 4))


def test_of_a_repeated_path_the_last_codes_count(catalogue: Store) -> None:
    catalogue.add_fingerprints(["/p/a.jpg", "/p/b.jpg", "/p/../p//a.jpg"], np.stack([codes_of(n) for n in (1, 2, 3)]))
    contents, _, codes = catalogue.code_columns()
    rows = dict(zip(contents.tolist(), codes.tolist(), strict=True))
    assert {photo.path: rows[photo.content_id] for photo in catalogue.photos()} == {
        "/p/a.jpg": codes_of(3).tolist(),
        "/p/b.jpg": codes_of(2).tolist(),
    }


def test_fingerprints_of_other_types_and_shapes_are_refused_and_nothing_is_kept(catalogue: Store) -> None:
    good = codes_of(1)[np.newaxis]
    with pytest.raises(TypeError, match="codes must be uint64, not int64"):
        catalogue.add_fingerprints(["/p/a.jpg"], good.astype(np.int64))
    for names, table in [(["/p/a.jpg"], good[:, :4]), (["/p/a.jpg"], good[0]), (["/a", "/b"], good), ([], good)]:
        with pytest.raises(ValueError, match=r"paths need codes of shape"):
            catalogue.add_fingerprints(names, table)
    assert catalogue.counts()["photos"] == 0


def test_no_fingerprints_are_no_error(catalogue: Store) -> None:
    catalogue.add_fingerprints([], np.empty((0, 5), dtype=np.uint64))
    assert catalogue.code_columns().codes.shape == (0, 10)


def test_relative_paths_are_made_absolute(catalogue: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    catalogue.add_fingerprints(["a.jpg", Path("b/../c.jpg")], np.stack([codes_of(1), codes_of(2)]))
    assert paths(catalogue, ".") == [str(tmp_path / "a.jpg"), str(tmp_path / "c.jpg")]


# ── photos ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["/a"], ["/a/1", "/a/b/2", "/a/b/c/3"]),
        (["/a/"], ["/a/1", "/a/b/2", "/a/b/c/3"]),
        (["//a"], ["/a/1", "/a/b/2", "/a/b/c/3"]),
        (["/a/x/.."], ["/a/1", "/a/b/2", "/a/b/c/3"]),
        (["/ab"], ["/ab/4"]),
        (["/a/b", "/a"], ["/a/1", "/a/b/2", "/a/b/c/3"]),
        (["/a/b", "/a/b/c", "/ab", "/a/b"], ["/a/b/2", "/a/b/c/3", "/ab/4"]),
        (["/A"], ["/A/6"]),
        (["/"], ["/0", "/A/6", "/a!/5", "/a/1", "/a/b/2", "/a/b/c/3", "/ab/4"]),
        (["/a/1"], []),
        (["/nowhere"], []),
        ([], []),
    ],
)
def test_photos_below_folders(catalogue: Store, folders: list[str], expected: list[str]) -> None:
    names = ["/0", "/a/1", "/a/b/2", "/a/b/c/3", "/ab/4", "/a!/5", "/A/6"]
    record(catalogue, dict.fromkeys(names, 1))
    assert [photo.path for photo in catalogue.photos(folders)] == expected
    record(catalogue, dict.fromkeys(names))
    assert [failure.path for failure in catalogue.failures.below(folders)] == expected
    assert paths(catalogue) == []


def test_any_name_survives(catalogue: Store) -> None:
    names = [b"\xff\xfe", b"\xe9t\xe9", b"new\nline", "🙈".encode(), b"'; DROP TABLE photos", "e\u0301".encode(), b"%_"]
    wanted = sorted(os.fsdecode(b"/p/" + name + b"/a.jpg") for name in names)
    record(catalogue, dict.fromkeys(wanted, 1))
    assert sorted(paths(catalogue)) == wanted
    for path in wanted:
        assert paths(catalogue, os.path.split(path)[0]) == [path]
        assert list(catalogue.known_files(os.path.split(path)[0])) == [path]


def test_photos_of_contents(catalogue: Store) -> None:
    record(catalogue, {"/p/b.jpg": 1, "/p/a.jpg": 1, "/p/c.jpg": 2, "/p/gone.jpg": 1})
    catalogue.add_fingerprints(["/p/d.jpg"], codes_of(3)[np.newaxis])
    catalogue.mark_missing(["/p/gone.jpg"])
    contents, _, codes = catalogue.code_columns()
    rows = {tuple(row): content for content, row in zip(contents.tolist(), codes.tolist(), strict=True)}
    one, two, three = (rows[tuple(codes_of(seed).tolist())] for seed in (1, 2, 3))
    assert paths_by_content(catalogue, [three, one, two, 999]) == {
        three: ["/p/d.jpg"],
        one: ["/p/a.jpg", "/p/b.jpg"],
        two: ["/p/c.jpg"],
        999: [],
    }


def test_bulk_reads_take_any_number(catalogue: Store) -> None:
    number = 25_000
    table = np.zeros((number, 5), dtype=np.uint64)
    catalogue.add_fingerprints([f"/p/{n:05d}.jpg" for n in range(number)], table)
    contents = catalogue.photo_columns().contents.tolist()
    assert [photo.path for (photo,) in catalogue.photos_of_contents(contents).values()] == [
        f"/p/{n:05d}.jpg" for n in range(number)
    ]
    assert len(list(catalogue.photos_by_id(catalogue.photo_columns().ids.tolist()))) == number
    some = [content(seed) for seed in range(2500)]
    catalogue.record([Sighting(f"/c/{n}.jpg", 1, 1, each.digest) for n, each in enumerate(some)], some)
    digests = [each.digest for each in some]
    assert catalogue.contents.formats([*digests, bytes(32)]) == dict.fromkeys(digests, "JPEG")
    pairs = {f"/s/{n}.xmp": f"/c/{n}.jpg" for n in range(2500)}
    catalogue.pair(pairs, [])
    found = catalogue.sidecars.of([f"/c/{n}.jpg" for n in range(2600)])
    assert found == {photo: [sidecar] for sidecar, photo in pairs.items()}


def test_sidecars_are_sorted_by_path(catalogue: Store) -> None:
    record(catalogue, {"/p/a.jpg": 1, "/p/b.jpg": 2})
    catalogue.pair({"/p/a.xmp": "/p/a.jpg", "/p/a.mov": "/p/a.jpg", "/p/b.xmp": "/p/b.jpg"}, [])
    assert catalogue.sidecars.of(["/p/a.jpg", "/p/c.jpg"]) == {"/p/a.jpg": ["/p/a.mov", "/p/a.xmp"]}
    assert catalogue.sidecars.below("/p") == {
        "/p/a.mov": "/p/a.jpg",
        "/p/a.xmp": "/p/a.jpg",
        "/p/b.xmp": "/p/b.jpg",
    }
    catalogue.pair({}, ["/p/a.mov"])
    catalogue.forget("/p/b.jpg/..", missing_only=True)
    assert catalogue.sidecars.of(["/p/a.jpg"]) == {"/p/a.jpg": ["/p/a.xmp"]}


def test_a_content_keeps_its_id_when_it_is_read_again(catalogue: Store) -> None:
    record(catalogue, {"/p/a.jpg": 1})
    before = catalogue.photos_with_digest(content(1).digest)
    catalogue.record([sighting("/p/a.jpg", 1)], [content(1)._replace(width=41)])
    (after,) = catalogue.photos_with_digest(content(1).digest)
    assert [after._replace(width=40)] == before
    assert_table_is_truth(catalogue)


def test_a_photo_whose_content_is_not_committed_yet_is_stale(catalogue: Store) -> None:
    catalogue.record([sighting("/p/a.jpg", 1), sighting("/p/b.jpg", 1)], [])
    assert {known.state for known in catalogue.known_files("/p").values()} == {"stale"}
    assert catalogue.known_digests() == set()
    assert catalogue.contents.formats([content(1).digest]) == {}
    assert catalogue.counts()["contents"] == 0
    catalogue.record([], [content(1)])
    assert {known.state for known in catalogue.known_files("/p").values()} == {"current"}


def test_codes_of_a_photo_without_structure_are_kept_apart(catalogue: Store) -> None:
    catalogue.record([sighting("/p/white.jpg", 1)], [content(1, quality=9)])
    (photo,) = catalogue.photos()
    assert len(catalogue.code_columns().codes) == 0
    contents, _, codes = catalogue.code_columns(trust_all=True)
    assert (contents.tolist(), codes.tolist()) == ([photo.content_id], [codes_of(1).tolist()])
    assert catalogue.counts()["untrusted"] == 1
    assert catalogue.photos_with_digest(content(1).digest) == [photo]
    assert catalogue.known_files("/p")["/p/white.jpg"].state == "current"


def test_hidden_contents_are_those_of_which_every_photo_is_missing(catalogue: Store) -> None:
    record(catalogue, {"/p/a.jpg": 1, "/p/copy.jpg": 1, "/p/b.jpg": 2})
    content_of = {photo.path: photo.content_id for photo in catalogue.photos()}
    assert catalogue.hidden_contents().tolist() == []
    catalogue.mark_missing(["/p/a.jpg", "/p/b.jpg"])
    assert catalogue.hidden_contents().tolist() == [content_of["/p/b.jpg"]]
    catalogue.mark_missing(["/p/copy.jpg"])
    assert catalogue.hidden_contents().tolist() == sorted({content_of["/p/a.jpg"], content_of["/p/b.jpg"]})
    catalogue.mark_found(["/p/a.jpg"])
    assert catalogue.hidden_contents().tolist() == [content_of["/p/b.jpg"]]


def test_marking_missing_counts_what_was_not_marked_yet(catalogue: Store) -> None:
    record(catalogue, {"/p/a.jpg": 1, "/p/b.jpg": 2, "/p/broken.jpg": None})
    catalogue.add_fingerprints(["/p/c.jpg"], codes_of(3)[np.newaxis])
    everything = ["/p/a.jpg", "/p/b.jpg", "/p/broken.jpg", "/p/c.jpg", "/p/unknown.jpg"]
    assert catalogue.mark_missing(["/p/a.jpg"]) == 1
    assert catalogue.mark_missing(everything) == 1
    assert catalogue.mark_missing(everything) == 0
    assert catalogue.failures.below() == []
    assert paths(catalogue) == ["/p/c.jpg"]


def test_forget_removes_photos_failures_and_the_codes_that_nothing_else_has(catalogue: Store) -> None:
    record(catalogue, {"/a/1.jpg": 1, "/a/2.jpg": 2, "/b/copy.jpg": 1, "/a/broken.jpg": None, "/ab/3.jpg": 3})
    catalogue.add_fingerprints(["/a/4.jpg", "/b/5.jpg"], np.stack([codes_of(4), codes_of(5)]))
    deletions = query(catalogue.path, "SELECT value FROM meta WHERE key = 'deletions'")
    assert catalogue.forget("/a") == 3
    assert paths(catalogue) == ["/ab/3.jpg", "/b/5.jpg", "/b/copy.jpg"]
    assert sorted(catalogue.code_columns().codes.tolist()) == sorted(codes_of(seed).tolist() for seed in (1, 3, 5))
    assert catalogue.failures.below() == []
    assert catalogue.counts()["contents"] == 2
    assert query(catalogue.path, "SELECT value FROM meta WHERE key = 'deletions'") == [(int(str(deletions[0][0])) + 2,)]
    assert catalogue.forget("/a") == 0


def test_forget_missing_only(catalogue: Store) -> None:
    record(catalogue, {"/a/1.jpg": 1, "/a/2.jpg": 2, "/b/3.jpg": 3, "/a/broken.jpg": None})
    catalogue.mark_missing(["/a/2.jpg", "/b/3.jpg"])
    assert catalogue.forget("/a", missing_only=True) == 1
    assert catalogue.counts() == {
        "photos": 1,
        "missing": 1,
        "contents": 2,
        "untrusted": 0,
        "codes": 2,
        "trimmed": 0,
        "frames": 0,
        "crops": 0,
        "imported_hashes": 0,
        "failures": 1,
        "damaged": 0,
    }


def test_ids_are_never_used_twice(catalogue: Store) -> None:
    record(catalogue, {"/a/1.jpg": 1, "/a/2.jpg": 2})
    before = rows_of(catalogue).ids.tolist()
    catalogue.forget("/")
    record(catalogue, {"/a/1.jpg": 1, "/a/2.jpg": 2})
    assert not set(before) & set(rows_of(catalogue).ids.tolist())


def test_a_renamed_content_keeps_its_codes_until_it_is_met_again(catalogue: Store) -> None:
    record(catalogue, {"/p/1.jpg": 1, "/p/2.jpg": 2})
    before = truth(catalogue.path)
    for path, seed in [("/p/1.jpg", 3), ("/p/2.jpg", 1), ("/p/3.jpg", 2)]:  # each in a commit of its own
        record(catalogue, {path: seed})
    catalogue.drop_unreferenced()
    after = truth(catalogue.path)
    assert before.items() <= after.items()
    assert len(after) == 3
    record(catalogue, {"/p/3.jpg": 1})
    catalogue.drop_unreferenced()
    assert sorted(truth(catalogue.path).values()) == sorted(codes_of(seed).tolist() for seed in (1, 3))
    assert_table_is_truth(catalogue)


def test_an_error_while_recording_leaves_nothing_of_it(catalogue: Store) -> None:
    record(catalogue, {"/p/1.jpg": 1})
    wrong = Sighting("/p/3.jpg", 1, "noon", content(3).digest)  # type: ignore[arg-type]
    with pytest.raises(CatalogueError, match="cannot store TEXT value"):
        catalogue.record([sighting("/p/2.jpg", 2), wrong], [content(2), content(3)])
    assert paths(catalogue) == ["/p/1.jpg"]
    assert catalogue.known_digests() == {content(1).digest}
    record(catalogue, {"/p/2.jpg": 2})
    assert paths(catalogue) == ["/p/1.jpg", "/p/2.jpg"]


def test_known_files_of_another_spec_are_stale_missing_or_not(catalogue: Store) -> None:
    record(catalogue, {"/p/1.jpg": 1, "/p/2.jpg": 2})
    catalogue.mark_missing(["/p/2.jpg"])
    query_and_commit(catalogue.path, "UPDATE codes SET spec = 0")
    assert {known.state for known in catalogue.known_files("/p").values()} == {"stale"}
    assert catalogue.known_digests() == set()
    assert len(catalogue.code_columns(trust_all=True).contents) == 0


def query_and_commit(path: Path | None, text: str) -> None:
    assert path is not None
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(text)
