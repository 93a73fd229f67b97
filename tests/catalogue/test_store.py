"""The catalogue file: opening and refusing, photos and codes, other processes, and index files in every state."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phash_engine.catalogue import Content, Failure, Sighting, Store, View
from phash_engine.catalogue.code_cache import CodeRows, Stored
from phash_engine.catalogue.code_store import CodeStore
from phash_engine.catalogue.schema import MIGRATIONS
from phash_engine.errors import CatalogueError
from phash_engine.hashing.hashers import ALL_NAMES, SPEC
from phash_engine.hashing.views import match_type

HERE = Path(__file__).parent
NAMES = {int(match_type(view)): view for view in ("full", "trimmed")}
VERSIONS = sorted(HERE.glob("v*.sql"))


def codes_of(seed: int) -> NDArray[np.uint64]:
    """Ten codes, some of them above 2^63."""
    return np.random.default_rng(seed).integers(0, 2**64, 10, dtype=np.uint64)


def content(seed: int, quality: int = 90) -> Content:
    views = [View("full", quality >= 10, codes_of(seed))]
    return Content(hashlib.sha256(b"%d" % seed).digest(), 40, 30, "JPEG", quality, 40.0, views)


def sighting(path: str, seed: int | None) -> Sighting:
    return Sighting(path, 1000, 5, None if seed is None else content(seed).digest, "broken" if seed is None else "")


def record(catalogue: Store, photos: dict[str, int | None]) -> None:
    """Record files that show contents by number; None is a failure."""
    known = catalogue.known_digests()
    new = [content(seed) for seed in sorted({seed for seed in photos.values() if seed is not None})]
    catalogue.record([sighting(path, seed) for path, seed in photos.items()], [c for c in new if c.digest not in known])


def paths(catalogue: Store, *folders: str) -> list[str]:
    return [photo.path for photo in catalogue.photos(folders or None)]


def rows_of(catalogue: Store) -> CodeRows:
    return catalogue._codes.rows()


def paths_by_content(catalogue: Store, contents: list[int]) -> dict[int, list[str]]:
    found = catalogue.photos_of_contents(contents).items()
    return {content: [photo.path for photo in photos] for content, photos in found}


def query(path: Path | None, text: str) -> list[tuple[object, ...]]:
    assert path is not None
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(text).fetchall()


def truth(path: Path | None) -> dict[int, list[int]]:
    """Codes by id as SQLite holds them, unsigned."""
    rows = query(path, f"SELECT id, {', '.join(ALL_NAMES)} FROM codes WHERE trusted AND spec = {SPEC} ORDER BY id")
    return {int(str(code_id)): [int(str(code)) % 2**64 for code in codes] for code_id, *codes in rows}


def assert_table_is_truth(catalogue: Store) -> None:
    ids, contents, views, codes = rows_of(catalogue)
    assert dict(zip(ids.tolist(), codes.tolist(), strict=True)) == truth(catalogue.path)
    assert (np.diff(ids) > 0).all()
    rows = query(catalogue.path, f"SELECT content_id, view FROM codes WHERE trusted AND spec = {SPEC} ORDER BY id")
    assert rows == [(content, NAMES[view]) for content, view in zip(contents.tolist(), views.tolist(), strict=True)]


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "photos.db") as catalogue:
        yield catalogue


# ── the file ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_file_is_strict_in_write_ahead_mode_and_says_its_version(catalogue: Store) -> None:
    tables = query(catalogue.path, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
    strict_tables = {name for name, strict in tables if strict}
    names = "photos contents codes imported_hashes failures sidecars decisions evidence meta"
    assert strict_tables == set(names.split())
    assert query(catalogue.path, "PRAGMA journal_mode") == [("wal",)]
    assert query(catalogue.path, "PRAGMA user_version") == [(len(MIGRATIONS),)]


def test_strict_tables_refuse_other_types(catalogue: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT value in BLOB column"):
        query(catalogue.path, "INSERT INTO photos (path, content_id) VALUES ('text', 1)")


def test_folders_above_are_made(tmp_path: Path) -> None:
    with Store(tmp_path / "a" / "b" / "photos.db") as catalogue:
        record(catalogue, {"/p/a.jpg": 1})
    with Store(tmp_path / "a" / "b" / "photos.db", create=False) as catalogue:
        assert paths(catalogue) == ["/p/a.jpg"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CatalogueError, match="cannot make this folder"):
        Store(tmp_path / "file" / "photos.db")


def test_without_create_a_missing_file_is_an_error_and_stays_missing(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"no catalogue at .*photos\.db yet: 'phash scan DIR' makes one"):
        Store(tmp_path / "a" / "photos.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="unable to open"):
        Store(tmp_path)


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_the_file_of_another_program_is_refused_and_left_alone(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "other.db"
    for statement in (f"PRAGMA journal_mode = {journal}", "CREATE TABLE photos (id INTEGER)"):
        query(path, statement)
    before = path.read_bytes()
    with pytest.raises(CatalogueError, match="is an SQLite file of another program"):
        Store(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["other.db"]


@pytest.mark.parametrize("pragma", ["user_version", "application_id"])
def test_an_empty_file_of_another_program_is_refused(tmp_path: Path, pragma: str) -> None:
    query(tmp_path / "other.db", f"PRAGMA {pragma} = 7")
    with pytest.raises(CatalogueError, match="another program"):
        Store(tmp_path / "other.db")


def test_a_file_that_is_not_sqlite_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(5000))
    with pytest.raises(CatalogueError, match="file is not a database"):
        Store(path)
    assert path.read_bytes() == b"\xff\xd8\xff" + bytes(5000)
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.jpg"]


def test_an_empty_file_becomes_a_catalogue(tmp_path: Path) -> None:
    (tmp_path / "photos.db").touch()
    with Store(tmp_path / "photos.db") as catalogue:
        record(catalogue, {"/p/a.jpg": 1})


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    Store(path).close()
    query(path, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    newest = len(MIGRATIONS)
    message = rf"written by a newer phash_engine \(format {newest + 1}, this one reads up to {newest}\)"
    with pytest.raises(CatalogueError, match=message):
        Store(path)
    assert path.read_bytes() == before


def test_a_damaged_page_is_an_error_of_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with Store(path) as catalogue:
        record(catalogue, {f"/p/{number:05d}.jpg": 1 for number in range(3000)})
    data = bytearray(path.read_bytes())
    for page in range(20, len(data) // 4096):
        data[page * 4096 : page * 4096 + 100] = b"\xa5" * 100
    path.write_bytes(data)
    with Store(path) as catalogue, pytest.raises(CatalogueError, match="malformed"):
        list(catalogue.photos())


@pytest.mark.parametrize("dump", VERSIONS, ids=[path.stem for path in VERSIONS])
def test_a_file_of_every_version_still_opens(tmp_path: Path, dump: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    with Store(path, create=False) as catalogue:
        assert query(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]
        has_views = dump.stem >= "v5"
        ids, _, views, codes = catalogue._codes.rows(trust_all=True)
        assert ids.tolist() == [1, 2, 3, 4][: 3 + has_views]
        assert [NAMES[view] for view in views.tolist()] == ["full", "full", "full", "trimmed"][: 3 + has_views]
        assert codes[2, 0] == 1 << 60
        photos = {photo.path: photo for photo in catalogue.photos()}
        latin = os.fsdecode(b"/photos/\xe9t\xe9.jpg")
        assert set(photos) == {"/elsewhere/c.jpg", "/photos/a.jpg", latin}
        assert photos["/photos/a.jpg"][1:3] == (1000, 1_700_000_000_000_000_000)
        assert photos["/photos/a.jpg"][4:8] == (400, 400, "JPEG", 100)
        assert photos["/elsewhere/c.jpg"][1:8] == (0, 0, None, 0, 0, "", 0)
        states = {name: known.state for name, known in catalogue.known_files("/photos").items()}
        assert states == {
            "/photos/a.jpg": "current" if has_views else "stale",
            "/photos/copy/a.jpg": "missing" if has_views else "stale",
            latin: "stale",  # what is inside a border has not been looked for
            "/photos/broken.jpg": "failed",
        }
        assert catalogue.failures.below() == [Failure("/photos/broken.jpg", "empty file")]
        assert catalogue.sidecars_of(photos) == ({"/photos/a.jpg": ["/photos/a.xmp"]} if dump.stem >= "v2" else {})
        assert catalogue.imported_hashes.counts() == ({"phash": 1} if dump.stem >= "v4" else {})
        catalogue.refresh_index()
        record(catalogue, {"/photos/new.jpg": 1})
        assert_table_is_truth(catalogue)


def test_contents_of_the_first_version_are_judged_by_their_quality_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSIONS[0].read_text(encoding="utf-8"))
        connection.execute("UPDATE contents SET quality = 9 WHERE width = 400")
        connection.execute("INSERT INTO meta VALUES ('index', 'as it was trusted then')")
        connection.commit()
    with Store(path) as catalogue:
        assert catalogue.counts()["untrusted"] == 1
        assert rows_of(catalogue).ids.tolist() == [2, 3]
    assert query(path, "SELECT detail FROM contents WHERE digest IS NOT NULL") == [(None,), (None,)]
    assert query(path, "SELECT value FROM meta WHERE key = 'index'") == []


def test_every_version_has_a_file() -> None:
    assert [path.name for path in VERSIONS] == [f"v{n + 1}.sql" for n in range(len(MIGRATIONS))]


def test_a_catalogue_in_memory_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store(None) as catalogue:
        catalogue.add_fingerprints(["/p/a.jpg"], codes_of(1)[np.newaxis])
        assert len(catalogue.code_columns().codes) == 1
    assert list(tmp_path.iterdir()) == []


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
    assert [photo[1:-1] for photo in catalogue.photos()] == [(0, 0, None, 0, 0, "", 0, content) for content in (a, b)]


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


# ── other processes ─────────────────────────────────────────────────────────────────────────────────────────────────


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1])


def test_many_processes_may_make_the_file_at_once(tmp_path: Path) -> None:
    script = """
        import sys, time
        from phash_engine.catalogue.store import Store as Catalogue
        while time.time() < float(sys.argv[2]):
            pass
        with Catalogue(sys.argv[1]) as catalogue:
            print(catalogue._database.meta("uuid"))
    """
    start = time.time() + 1
    processes = [python(script, tmp_path / "photos.db", start) for _ in range(8)]
    answers = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0] * 8
    assert answers == {query(tmp_path / "photos.db", "SELECT value FROM meta WHERE key = 'uuid'")[0][0]}


def test_a_reader_sees_whole_moments_while_another_process_writes(tmp_path: Path) -> None:
    script = """
        import sys
        import numpy as np
        from phash_engine.catalogue.store import Store as Catalogue
        with Catalogue(sys.argv[1]) as catalogue:
            print("ready", flush=True)
            for turn in range(60):
                codes = np.full((20, 10), turn, dtype=np.uint64)
                catalogue.add_fingerprints([f"/p/{number}.jpg" for number in range(20)], codes)
                if turn % 7 == 6:
                    catalogue.forget("/p")
    """
    with Store(tmp_path / "photos.db") as catalogue:
        writer = python(script, catalogue.path)
        assert writer.stdout is not None
        writer.stdout.readline()
        seen = set()
        while writer.poll() is None:
            with catalogue.snapshot():
                shown = [photo.content_id for photo in catalogue.photos()]
                contents, _, table = catalogue.code_columns()
            assert sorted(shown) == sorted(contents.tolist())
            assert len(shown) in (0, 20)
            assert len(np.unique(table)) <= 1
            seen.add(int(table[0, 0]) if len(table) else -1)
            contents, _, table = catalogue.code_columns()  # without a snapshot each read is of one moment
            assert len(contents) in (0, 20)
            assert len(np.unique(table)) <= 1
        writer.communicate()
        assert writer.returncode == 0
        assert len(seen) > 5
        assert_table_is_truth(catalogue)


def test_a_writer_waits_for_another_and_readers_do_not(catalogue: Store) -> None:
    record(catalogue, {"/p/1.jpg": 1})
    script = """
        import sqlite3, sys, time
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM photos")
        print("ready", flush=True)
        time.sleep(1)
        connection.execute("ROLLBACK")
    """
    holder = python(script, catalogue.path)
    assert holder.stdout is not None
    holder.stdout.readline()
    began = time.monotonic()
    assert paths(catalogue) == ["/p/1.jpg"]
    assert time.monotonic() - began < 0.5
    record(catalogue, {"/p/2.jpg": 2})
    assert time.monotonic() - began > 0.5
    assert paths(catalogue) == ["/p/1.jpg", "/p/2.jpg"]
    holder.communicate()


def test_a_table_is_of_one_moment_though_codes_are_replaced_while_it_is_read(
    catalogue: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"/p/{n}.jpg" for n in range(20)]
    catalogue.add_fingerprints(names, np.stack([codes_of(n) for n in range(20)]))
    read_kept = CodeStore._kept

    def replaced_meanwhile(table: CodeStore, stored: Stored, deletions: int) -> NDArray[np.bool_] | None:
        with Store(catalogue.path) as other:
            other.add_fingerprints(names[:1], codes_of(99)[np.newaxis])
        return read_kept(table, stored, deletions)

    before = truth(catalogue.path)
    with monkeypatch.context() as patch:
        patch.setattr(CodeStore, "_kept", replaced_meanwhile)
        ids, _, _, table = rows_of(catalogue)
    assert dict(zip(ids.tolist(), table.tolist(), strict=True)) == before
    assert_table_is_truth(catalogue)


def test_a_snapshot_stays_at_its_moment_though_index_files_go_on(catalogue: Store) -> None:
    record(catalogue, {f"/p/{n}.jpg": n for n in range(20)})
    catalogue.refresh_index()
    before = truth(catalogue.path)
    with Store(catalogue.path) as reader, reader.snapshot():
        assert len(paths(reader)) == 20
        catalogue.forget("/p")
        record(catalogue, {f"/p/{n}.jpg": n for n in range(10, 40)})
        catalogue.refresh_index()
        ids, _, _, table = rows_of(reader)
        assert dict(zip(ids.tolist(), table.tolist(), strict=True)) == before
        assert len(paths(reader)) == 20
    assert_table_is_truth(catalogue)
