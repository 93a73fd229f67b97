"""Corrupt catalogues: reported as such, replaced, and copied from."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from phash_engine.catalogue import ImportedHash, Sighting, Store, recovery
from phash_engine.catalogue.settings import QUARANTINES
from phash_engine.errors import CatalogueError, CorruptError
from phash_engine.scanning.scan import scan
from tests.catalogue.samples import VERSIONS
from tests.faults import draw


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(5):
        draw(folder / f"{number}.png", number)
    return folder


def read_all(path: Path) -> None:
    with Store(path) as catalogue:
        list(catalogue.photos())
        catalogue.counts()
        catalogue.code_columns(trust_all=True)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for start in range(100, len(data), 700):
        data[start : start + 80] = b"\xa5" * 80
    path.write_bytes(data)


def overwrite_the_start(path: Path) -> None:
    path.write_bytes(b"\x00" * 64 + path.read_bytes()[64:])


@pytest.mark.parametrize("change", [truncate, overwrite, overwrite_the_start])
def test_a_corrupt_catalogue_is_an_error_and_is_rebuilt(
    photos: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "photos.db"
    with Store(path) as catalogue:
        scan([photos], catalogue)
    change(path)
    corrupt = path.read_bytes()
    with pytest.raises(CorruptError, match="'phash scan --rebuild DIR' makes a new one"):
        read_all(path)
    recovered = recovery.rebuild(path)
    assert recovered is not None
    assert recovered.corrupt == tmp_path / "photos.db.corrupt"
    assert recovered.corrupt.read_bytes() == corrupt
    with Store(path) as catalogue:
        assert scan([photos], catalogue).decoded == 5
    change(path)
    again = recovery.rebuild(path)
    assert again is not None
    assert again.corrupt != recovered.corrupt
    assert recovered.corrupt.read_bytes() == corrupt


def test_an_intact_catalogue_is_not_rebuilt(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    assert recovery.rebuild(path) is None
    with Store(path) as catalogue:
        scan([photos], catalogue)
    assert recovery.rebuild(path) is None
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 7")
    with pytest.raises(CatalogueError, match="another program"):
        recovery.rebuild(path)
    assert sorted(entry.name for entry in tmp_path.glob("photos.db*") if entry.is_file()) == ["photos.db"]


def overwrite_page(path: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = ?"
        page, size = connection.execute(query, (table,)).fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(data)


def test_all_rows_that_can_be_read_are_recovered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "photos.db"
    with Store(path) as catalogue:
        catalogue.record([Sighting(f"/p/{number}.jpg", 1, 1, bytes(32)) for number in range(2000)], [])
        catalogue.record([Sighting(f"/p/{number}.gif", 1, 1, None, "kept") for number in range(30)], [])
    overwrite_page(path, "photos")
    monkeypatch.setattr(recovery, "_TABLES", {"failures": "failures", "no such table": "failures"})
    recovered = recovery.rebuild(path)
    assert recovered is not None
    assert recovered.rows == 30
    with Store(path) as catalogue:
        assert [failure.reason for failure in catalogue.failures.below()] == ["kept"] * 30


def test_decisions_and_imported_hashes_are_recovered(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with Store(path) as catalogue:
        scan([photos], catalogue)
        catalogue.decisions.decide([bytes(32), bytes([1] * 32)], "different")
        catalogue.imported_hashes.add([ImportedHash("/p/1.jpg", "phash", np.uint64(1))])
        catalogue.settings.set(QUARANTINES, ["/photos/aside"])
        decided = catalogue.decisions.all()
    overwrite_page(path, "contents")
    recovered = recovery.rebuild(path)
    assert recovered is not None
    assert recovered.rows == 2
    with Store(path) as catalogue:
        assert catalogue.decisions.all() == decided
        assert catalogue.settings.get(QUARANTINES, list[str]) == ["/photos/aside"]
        assert catalogue.imported_hashes.counts() == {"phash": 1}


@pytest.mark.parametrize("table", ["photos", "contents", "codes"])
def test_rows_of_an_older_file_that_cannot_be_migrated_are_recovered(tmp_path: Path, table: str) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSIONS[6].read_text(encoding="utf-8"))
    overwrite_page(path, table)
    with pytest.raises(CorruptError):
        Store(path)
    recovered = recovery.rebuild(path)
    assert recovered is not None
    assert recovered.rows == 2
    with Store(path) as catalogue:
        assert len(catalogue.decisions.all()) == 1
        assert catalogue.imported_hashes.counts() == {"phash": 1}


def sqlite_of_others(path: Path, application: int = 0) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {application}")
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("INSERT INTO notes VALUES (zeroblob(20000))")
        connection.commit()


def damaged_sqlite_of_others(path: Path) -> None:
    sqlite_of_others(path)
    overwrite(path)


FOREIGN: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("my notes\n" * 100),
    "short text": lambda path: path.write_text("x"),
    "picture": lambda path: draw(path, 1),
    "sqlite": sqlite_of_others,
    "sqlite with an id": lambda path: sqlite_of_others(path, 7),
    "damaged sqlite": damaged_sqlite_of_others,
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_file_of_others_is_refused_and_untouched(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "mine.png"
    make(path)
    data = path.read_bytes()
    for use in (recovery.rebuild, Store):
        with pytest.raises(CatalogueError) as caught:
            use(path)
        assert not isinstance(caught.value, CorruptError)
        assert path.read_bytes() == data
    assert [*tmp_path.iterdir()] == [path]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        for use in (recovery.rebuild, Store):
            with pytest.raises(CatalogueError, match=r"is not a regular file|is a directory"):
                use(path)
