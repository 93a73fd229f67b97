"""Index files of a catalogue that cannot be used: the commands answer from the database, and say so in one line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from phash_engine.catalogue import Store
from phash_engine.scanning.scan import scan
from tests.cli.test_cli import LAKE, SAMPLE, invoke
from tests.cli.test_cli import scanned as scanned

COMMANDS: list[list[str | Path]] = [["find", LAKE], ["dedupe"]]
NOTE = "phash: index files are corrupt: "


@pytest.fixture
def catalogue(scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "catalogue" / "photos.db"
    shutil.copytree(scanned.parent, path.parent)
    monkeypatch.setenv("PHASH_CATALOGUE", str(path))
    return path


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)


def as_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


CHANGES: dict[str, Callable[[Path], object]] = {
    "last byte of the codes": lambda generation: flip(generation / "codes.npy", -1),
    "first byte of the codes": lambda generation: flip(generation / "codes.npy", 0),
    "a byte of the contents": lambda generation: flip(generation / "contents.npy", -8),
    "a byte of the ids": lambda generation: flip(generation / "ids.npy", -8),
    "a byte of the header": lambda generation: flip(generation / "header.json", 40),
    "codes cut": lambda generation: os.truncate(generation / "codes.npy", 1000),
    "codes empty": lambda generation: os.truncate(generation / "codes.npy", 0),
    "codes missing": lambda generation: (generation / "codes.npy").unlink(),
    "a pipe as views": lambda generation: as_fifo(generation / "views.npy"),
    "a device as codes": lambda generation: as_device(generation / "codes.npy"),
    "a pipe as header": lambda generation: as_fifo(generation / "header.json"),
}


def generation(catalogue: Path) -> Path:
    (only,) = Path(f"{catalogue}.index").iterdir()
    return only


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_damaged_files_are_a_note_and_the_answer_is_that_of_the_database(
    catalogue: Path, change: Callable[[Path], object]
) -> None:
    expected = [invoke(*arguments) for arguments in COMMANDS]
    change(generation(catalogue))
    for arguments, right in zip(COMMANDS, expected, strict=True):
        run = invoke(*arguments)
        assert (run.return_value, run.stdout) == (right.return_value, right.stdout)
        (note,) = [line for line in run.stderr.splitlines() if line not in right.stderr]
        assert note.startswith(f"{NOTE}{catalogue}.index/")
        assert note.endswith("; read from the catalogue instead, and rebuilt by the next scan")


@pytest.mark.parametrize("name", ["codes.npy", "header.json"])
def test_a_scan_writes_damaged_files_anew(catalogue: Path, name: str) -> None:
    flip(generation(catalogue) / name, 40)
    assert invoke("scan", SAMPLE).stderr.count(NOTE) == 1
    assert invoke("find", LAKE).stderr == ""


def as_folder_of_others(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("mine")


FOREIGN: dict[str, Callable[[Path], object]] = {
    "folder of photos": lambda path: (path / "2019").mkdir(parents=True),
    "folder with a file": as_folder_of_others,
    "file": lambda path: path.write_text("mine"),
    "pipe": os.mkfifo,
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN.keys())
def test_something_of_others_in_the_place_of_index_files_is_a_note(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    catalogue = tmp_path / "photos.db"
    foreign = tmp_path / "photos.db.index"
    make(foreign)
    before = sorted(tmp_path.rglob("photos.db.index*"))
    run = invoke("scan", LAKE.parent, "--catalogue", catalogue)
    assert run.return_value == 0
    assert run.stderr.count(f"{foreign}: cannot write index files: ") == 1
    assert "codes are read from the catalogue instead" in run.stderr
    assert sorted(tmp_path.rglob("photos.db.index*")) == before
    assert str(LAKE) in invoke("find", LAKE, "--catalogue", catalogue).stdout


def test_the_library_warns_or_notifies(catalogue: Path) -> None:
    flip(generation(catalogue) / "codes.npy", -1)
    with Store(catalogue) as opened, pytest.warns(UserWarning, match="index files are corrupt: .*codes.npy"):
        opened.code_columns()
    notes: list[str] = []
    with Store(catalogue, notify=notes.append) as opened:
        opened.code_columns()
        opened.code_columns()
        assert len(notes) == 1
        scan([SAMPLE], opened)
        assert len(notes) == 1
