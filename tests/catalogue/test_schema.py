"""Migrations: files of every version open, and hold what they held."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from phash_engine.catalogue import UNREAD, Failure, Store
from phash_engine.catalogue.database import _statements
from phash_engine.catalogue.schema import MIGRATIONS
from phash_engine.errors import CatalogueError
from phash_engine.images import Movie
from tests.catalogue.samples import NAMES, VERSIONS, assert_table_is_truth, query, record, rows_of

MOVIE = Movie("E621E1F8-C36C-495A-93FC-0C247A3E6E5F", 1_577_934_245_000_000, 2.5)


@pytest.mark.parametrize("dump", VERSIONS, ids=[path.stem for path in VERSIONS])
def test_a_file_of_every_version_still_opens(tmp_path: Path, dump: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    with Store(path, create=False) as catalogue:
        assert query(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]
        version = int(dump.stem[1:])
        has_views, has_traits, has_movies = version >= 5, version >= 10, version >= 11
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
        } | ({"/photos/cut.jpg": "failed"} if has_traits else {})
        cut = Failure("/photos/cut.jpg", "image file is truncated")
        assert catalogue.failures.below() == [
            Failure("/photos/broken.jpg", "empty file"),
            *([cut] if has_traits else []),
        ]
        of_a = catalogue.traits.of([photos["/photos/a.jpg"].content_id])
        assert [traits.camera for traits in of_a.values()] == (["Maker Model"] if has_traits else [])
        assert [photo.fault for photo in catalogue.photos_with_digest(b"\xc7")] == ([cut.reason] if has_traits else [])
        sidecars = ["/photos/a.mov"] * has_movies + ["/photos/a.xmp"]
        assert catalogue.sidecars.of(photos) == ({"/photos/a.jpg": sidecars} if version >= 2 else {})
        movies = catalogue.sidecars.movies(photos)
        assert movies == ({"/photos/a.jpg": {"/photos/a.mov": MOVIE}} if has_movies else {})
        assert catalogue.imported_hashes.counts() == ({"phash": 1} if version >= 4 else {})
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
    assert query(path, "SELECT value FROM meta WHERE key = 'index'") != [("as it was trusted then",)]


def test_spec_2_keeps_the_codes_of_formats_that_it_does_not_touch(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSIONS[7].read_text(encoding="utf-8"))
        connection.execute("UPDATE contents SET format = 'PNG' WHERE width = 360")
        connection.commit()
    with Store(path) as catalogue:
        assert rows_of(catalogue).ids.tolist() == [1, 3, 4]  # of a JPEG, and computed elsewhere
        assert query(path, "SELECT id, spec FROM codes ORDER BY id") == [(1, 2), (2, 1), (3, 2), (4, 2)]
        latin = os.fsdecode(b"/photos/\xe9t\xe9.jpg")
        known = catalogue.known_files("/photos")
        assert (known["/photos/a.jpg"].state, known[latin].state) == ("current", "stale")
        assert known["/photos/broken.jpg"][:2] == (UNREAD, UNREAD)


def test_every_version_has_a_file() -> None:
    assert [path.name for path in VERSIONS] == [f"v{n + 1}.sql" for n in range(len(MIGRATIONS))]


def v7(path: Path, *statements: str) -> None:
    """Make a file of version 7, and change it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSIONS[6].read_text(encoding="utf-8"))
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_ids_are_not_used_again_after_a_migration(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    v7(
        path,
        "DELETE FROM codes WHERE id = 4",
        "DELETE FROM photos WHERE id = 4",
        "UPDATE meta SET value = 7 WHERE key <> 'uuid'",
    )
    with Store(path) as catalogue:
        record(catalogue, {"/photos/new.jpg": 1})
        assert rows_of(catalogue).ids.tolist() == [1, 2, 5]
    assert query(path, "SELECT max(id) FROM photos") == [(5,)]
    assert query(path, "SELECT name, count(*) FROM sqlite_sequence GROUP BY name") == [
        ("codes", 1),
        ("contents", 1),
        ("photos", 1),
    ]
    assert query(path, "SELECT value FROM meta WHERE key = 'deletions'") == [(7,)]


def test_codes_of_no_content_are_not_migrated(tmp_path: Path) -> None:
    """A scan that was interrupted left codes of a photo that was imported, then read."""
    path = tmp_path / "photos.db"
    v7(path, "UPDATE photos SET digest = x'07' WHERE id = 4")
    with Store(path) as catalogue:
        assert rows_of(catalogue).ids.tolist() == [1, 2, 4]
        assert catalogue.known_files("/elsewhere")["/elsewhere/c.jpg"].state == "stale"
        assert catalogue.counts()["contents"] == 2
        assert_table_is_truth(catalogue)


def test_a_migration_writes_index_files(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    v7(path)
    with Store(path):
        assert [entry.name for entry in (tmp_path / "photos.db.index").iterdir()] == ["00000001"]
    with Store(tmp_path / "new.db"):
        assert not (tmp_path / "new.db.index").exists()


def test_a_migration_without_room_for_index_files_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    v7(path)
    (tmp_path / "photos.db.index").write_text("a file in its place")
    notes: list[str] = []
    with Store(path, notify=notes.append) as catalogue:
        assert_table_is_truth(catalogue)
    assert len(notes) == 1


def test_every_deletion_of_codes_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    v7(path)
    with Store(path) as catalogue:
        catalogue._database.execute("DELETE FROM codes WHERE id = 2")
        assert_table_is_truth(catalogue)
        catalogue._database.execute("DELETE FROM photos")
        catalogue._database.execute("DELETE FROM contents")
        assert len(rows_of(catalogue).ids) == 0
    assert query(path, "SELECT value FROM meta WHERE key = 'deletions'") == [(4,)]


def test_a_content_with_photos_cannot_be_deleted(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    v7(path)
    with Store(path) as catalogue, pytest.raises(CatalogueError, match="FOREIGN KEY constraint failed"):
        catalogue._database.execute("DELETE FROM contents")


def test_statements_of_triggers_are_not_split() -> None:
    trigger = "CREATE TRIGGER t AFTER DELETE ON a BEGIN UPDATE b SET c = 1; DELETE FROM d; END;"
    assert list(_statements(f"SELECT 1; {trigger} SELECT ';';")) == ["SELECT 1;", f" {trigger}", " SELECT ';';"]
