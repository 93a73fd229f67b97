"""A catalogue that can only be read: what reads works, what writes says so in one line, and nothing is changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phash_engine.catalogue.database import Database
from tests.cli.test_cli import ALONE, LAKE, SAMPLE, complaint, invoke, phash
from tests.cli.test_cli import scanned as scanned
from tests.faults import tree


@pytest.fixture
def medium(scanned: Path, tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Mounts the folder of a catalogue to be read alone."""
    folder = tmp_path / "medium"
    shutil.copytree(scanned.parent, folder)
    mounted = []

    def mount() -> Path:
        made = subprocess.run(["mount", "--bind", "-o", "ro", folder, folder], capture_output=True, check=False)
        if made.returncode:
            pytest.skip("this user cannot mount a folder to be read alone")
        mounted.append(folder)
        return folder / "photos.db"

    try:
        yield mount
    finally:
        for path in mounted:
            subprocess.run(["umount", path], check=True)


READERS: list[list[str | Path]] = [["find", LAKE], ["find", LAKE, "--verify"], ["dedupe"], ["status"], ["failures"]]
READERS += [["ignore", "--export"]]
WRITERS: list[list[str | Path]] = [["scan", SAMPLE], ["dedupe", SAMPLE], ["ignore", LAKE, ALONE], ["forget", SAMPLE]]


def leave_a_log(path: Path) -> None:
    """Leave a log that a killed process did not write back, with a change that must be read."""
    child = os.fork()
    if child == 0:
        database = Database(path, create=False)
        database.execute("UPDATE photos SET missing_since = 1 WHERE instr(path, CAST('IMG_0412' AS BLOB))")
        os._exit(0)
    os.waitpid(child, 0)
    assert Path(f"{path}-wal").stat().st_size > 0


@pytest.mark.parametrize("log", ["none", "empty", "written"])
def test_what_reads_works_and_changes_nothing(medium: Callable[[], Path], tmp_path: Path, log: str) -> None:
    path = tmp_path / "medium" / "photos.db"
    if log == "empty":
        Path(f"{path}-wal").touch()
    elif log == "written":
        leave_a_log(path)
    shutil.copytree(path.parent, tmp_path / "writable")
    medium()
    before = tree(path.parent)
    for arguments in READERS:
        expected = invoke(*arguments, "--catalogue", tmp_path / "writable" / "photos.db")
        run = invoke(*arguments, "--catalogue", path)
        shown = expected.stdout.replace("/writable/", "/medium/")
        assert (run.return_value, run.stdout) == (expected.return_value, shown), run.stderr
    assert tree(path.parent) == before


@pytest.mark.parametrize("arguments", WRITERS, ids=[str(each[0]) for each in WRITERS])
def test_what_writes_says_that_it_cannot(medium: Callable[[], Path], arguments: list[str | Path]) -> None:
    path = medium()
    assert complaint(phash(*arguments, "--catalogue", path)).startswith(f"{path} is read-only, and this writes to it: ")


def test_a_log_without_its_index_is_an_error(medium: Callable[[], Path], tmp_path: Path) -> None:
    leave_a_log(tmp_path / "medium" / "photos.db")
    (tmp_path / "medium" / "photos.db-shm").unlink()
    assert "where a log (-wal) lies beside it" in complaint(phash("status", "--catalogue", medium()))


def test_a_file_or_folder_without_permission_to_write(
    scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "photos.db"
    shutil.copy(scanned, path)
    for closed in (path, tmp_path):
        with monkeypatch.context() as patch:
            patch.setattr(os, "access", lambda asked, mode, closed=closed: Path(asked) != closed)
            database = Database(path, create=False)
            assert database.is_read_only
            assert database.value("SELECT count(*) FROM photos") > 0
            database.close()
    assert sorted(tmp_path.iterdir()) == [path]
