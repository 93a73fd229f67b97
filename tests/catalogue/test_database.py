"""The SQLite file: which files are opened, which are refused."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from phash_engine.catalogue import Store, recovery
from phash_engine.catalogue.schema import MIGRATIONS
from phash_engine.errors import CatalogueError
from tests.catalogue.samples import codes_of, paths, query, record


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "photos.db") as catalogue:
        yield catalogue


def test_the_file_is_strict_in_write_ahead_mode_and_says_its_version(catalogue: Store) -> None:
    tables = query(catalogue.path, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
    strict_tables = {name for name, strict in tables if strict}
    names = "photos contents traits planes frames codes imported_hashes failures sidecars decisions evidence meta"
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
    with pytest.raises(CatalogueError, match="is a directory"):
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


@pytest.mark.parametrize("has_index", [True, False], ids=["with -shm", "without -shm"])
@pytest.mark.parametrize("written_back", [True, False])
def test_the_log_of_another_program_is_not_written_back(tmp_path: Path, written_back: bool, has_index: bool) -> None:
    """A program was killed: the log has its last changes, or all that it ever wrote."""
    path = tmp_path / "other.db"
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE notes (text)")
        if written_back:
            connection.execute("PRAGMA wal_checkpoint")
        connection.execute("INSERT INTO notes VALUES ('mine')")
        os._exit(0)
    os.waitpid(child, 0)
    if not has_index:
        (tmp_path / "other.db-shm").unlink()
    files = [path, tmp_path / "other.db-wal"]
    before = [file.read_bytes() for file in files]
    for use in (Store, recovery.rebuild):
        with pytest.raises(CatalogueError, match="is an SQLite file of another program"):
            use(path)
        assert [file.read_bytes() for file in files] == before


def test_a_hot_journal_of_another_program_is_not_rolled_back(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    query(path, "CREATE TABLE notes AS SELECT zeroblob(5000) AS text")
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in ("PRAGMA cache_size = 1", "BEGIN", "UPDATE notes SET text = randomblob(900000)"):
            connection.execute(statement)
        os._exit(0)
    os.waitpid(child, 0)
    files = [path, tmp_path / "other.db-journal"]
    before = [file.read_bytes() for file in files]
    with pytest.raises(CatalogueError, match="is an SQLite file of another program"):
        Store(path)
    assert [file.read_bytes() for file in files] == before


@pytest.mark.parametrize("pragma", ["user_version", "application_id"])
def test_an_empty_file_of_another_program_is_refused(tmp_path: Path, pragma: str) -> None:
    query(tmp_path / "other.db", f"PRAGMA {pragma} = 7")
    with pytest.raises(CatalogueError, match="another program"):
        Store(tmp_path / "other.db")


def test_a_file_that_is_not_sqlite_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(5000))
    with pytest.raises(CatalogueError, match="is not a catalogue"):
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


def test_a_corrupt_page_is_an_error_of_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with Store(path) as catalogue:
        record(catalogue, {f"/p/{number:05d}.jpg": 1 for number in range(3000)})
    data = bytearray(path.read_bytes())
    for page in range(20, len(data) // 4096):
        data[page * 4096 : page * 4096 + 100] = b"\xa5" * 100
    path.write_bytes(data)
    with Store(path) as catalogue, pytest.raises(CatalogueError, match="malformed"):
        list(catalogue.photos())


def test_a_catalogue_in_memory_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store(None) as catalogue:
        catalogue.add_fingerprints(["/p/a.jpg"], codes_of(1)[np.newaxis])
        assert len(catalogue.code_columns().codes) == 1
    assert list(tmp_path.iterdir()) == []
