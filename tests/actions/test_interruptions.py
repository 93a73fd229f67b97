"""Processes killed at every point of scan, apply and undo; full disks, locked folders, drives that are away."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phash_engine.actions import executor, renaming
from phash_engine.actions.journal import Journal, JournalReader
from phash_engine.catalogue import Store, database
from phash_engine.errors import CatalogueError, PlanError
from phash_engine.scanning.scan import scan
from tests.faults import ELSEWHERE, World, digest_of, draw, leftovers, tree

ROOT = Path(__file__).parents[2]
POINTS = {"trash": 100, "move": 120, "move elsewhere": 200, "hardlink": 40, "symlink": 40, "delete": 60, "scan": 80}
"""What is killed, and how often at least."""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("what", POINTS)
def test_no_death_loses_a_picture(what: str, tmp_path: Path) -> None:
    if "elsewhere" in what and not (ELSEWHERE.is_dir() and ELSEWHERE.stat().st_dev != tmp_path.stat().st_dev):
        pytest.skip("no second file system at hand")
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.faults", str(tmp_path), what]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) >= POINTS[what]


# ── disks and folders ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(autouse=True)
def own_trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Lock folders against everyone."""
    folders = []

    def lock(folder: Path) -> None:
        folders.append(folder)
        if subprocess.run(["chattr", "+i", str(folder)], capture_output=True, check=False).returncode:
            folder.chmod(0o500)
            if os.access(folder, os.W_OK):
                pytest.skip("permissions do not bind this user, and folders cannot be locked here")

    yield lock
    for folder in folders:
        subprocess.run(["chattr", "-i", str(folder)], capture_output=True, check=False)
        folder.chmod(0o700)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


def outcomes(world: World, action: str, move_to: Path | None = None) -> list[tuple[str, str]]:
    """Result and reason of each file."""
    run = executor.apply(str(world.plan), action, move_to=str(move_to) if move_to else None)
    return [(outcome.result, outcome.reason) for outcome in run]


def fill(disk: Path) -> Path:
    """Leave no room on a disk."""
    with (disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return disk / "filler"


def test_a_full_disk_takes_nothing_and_loses_nothing(world: World, small_disk: Path) -> None:
    (small_disk / "moved").mkdir()
    filler = fill(small_disk)
    for result, reason in outcomes(world, "move", small_disk / "moved"):
        assert (result, reason) == ("skipped", "no space left on device")
    assert tree(world.photos) == world.before
    assert tree(small_disk / "moved") == {}
    filler.unlink()
    assert {result for result, _ in outcomes(world, "move", small_disk / "moved")} == {"done"}
    assert set(tree(world.photos, small_disk).values()) == set(world.before.values())
    list(executor.undo(world.journal))
    assert tree(world.photos) == world.before


def test_a_disk_that_fills_up_under_a_copy(world: World, small_disk: Path) -> None:
    copy = world.photos / "b/copy.jpg"
    for path in (copy, world.photos / "a/copy.jpg", world.photos / "a/keeper.jpg"):
        path.write_bytes(bytes(300_000))
    digests = {digest_of(copy)}
    text = world.plan.read_text()
    for digest in {world.before[str(copy)]}:
        text = text.replace(digest, digests.pop())
    world.plan.write_text(text)
    before = tree(world.photos)
    run = outcomes(world, "move", small_disk)
    assert ("done", "") in run
    assert ("skipped", "no space left on device") in run
    assert set(tree(world.photos, small_disk).values()) == set(before.values())
    assert not leftovers((small_disk, world.photos))
    list(executor.undo(world.journal))
    assert tree(world.photos) == before


def test_without_room_for_the_journal_nothing_is_done(tmp_path: Path, small_disk: Path) -> None:
    world = World(small_disk / "world")
    filler = fill(small_disk)
    with pytest.raises(PlanError, match=r"cannot write the journal: no space left on device"):
        outcomes(world, "delete")
    assert tree(world.photos) == world.before
    filler.unlink()
    assert ("done", "") in outcomes(world, "delete")


def test_a_journal_that_runs_out_of_room_midway_goes_on_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    write, room = os.write, [2000]

    def limited(descriptor: int, data: bytes) -> int:
        written = write(descriptor, data[: room[0]])
        room[0] -= written
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", limited)
        with pytest.raises(PlanError, match="no space left on device; the same command continues it"):
            outcomes(world, "trash")
    assert JournalReader(world.journal).applied
    assert {result for result, _ in outcomes(world, "trash")} == {"done", "earlier"}
    list(executor.undo(world.journal))
    assert tree(world.photos) == world.before


@pytest.mark.parametrize("action", ["trash", "delete", "hardlink", "symlink", "move"])
def test_a_locked_folder_keeps_its_files_and_the_rest_goes(
    world: World, locked: Callable[[Path], None], action: str
) -> None:
    locked(world.photos / "b")
    run = outcomes(world, action, world.folder / "moved" if action == "move" else None)
    assert run[0] == ("done", "")
    assert any(reason in {"operation not permitted", "permission denied"} for _, reason in run)
    now = tree(world.photos)
    assert {path: shown for path, shown in now.items() if "/b/" in path} == {
        path: shown for path, shown in world.before.items() if "/b/" in path
    }
    assert not JournalReader(world.journal).unfinished
    assert not leftovers((world.folder, world.folder.parent / "data"))


def test_files_of_another_drive_come_back_from_its_own_trash(small_disk: Path) -> None:
    world = World(small_disk / "world")
    assert {result for result, _ in outcomes(world, "trash")} == {"done"}
    assert (small_disk / f".Trash-{os.getuid()}" / "files").is_dir()
    list(executor.undo(world.journal))
    assert tree(world.photos) == world.before


@pytest.mark.parametrize("action", ["trash", "delete", "hardlink", "symlink", "move"])
def test_a_drive_that_is_away_leaves_all_as_it_was(world: World, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run dies in a step, the drive is taken out, and comes back later."""

    class Death(BaseException):
        pass

    def fail(*_: object, **__: object) -> None:
        raise Death

    target = world.folder / "moved" if action == "move" else None
    with monkeypatch.context() as patch:
        if action == "delete":
            patch.setattr(os, "unlink", fail)
        else:
            patch.setattr(renaming, "rename", fail)
        with pytest.raises(Death):
            outcomes(world, action, target)
    away = world.folder / "away"
    world.photos.rename(away)
    world.photos.mkdir()
    assert {result for result, _ in outcomes(world, action, target)} == {"skipped"}
    assert [outcome.reason[:16] for outcome in executor.undo(world.journal)] == ["was interrupted,"]
    assert JournalReader(world.journal).unfinished
    world.photos.rmdir()
    away.rename(world.photos)
    assert outcomes(world, action, target)[0] == ("done", "")
    assert not leftovers((world.folder,))
    list(executor.undo(world.journal))
    assert action == "delete" or tree(world.photos) == world.before


def test_a_file_that_crossed_to_a_drive_that_is_away_is_not_forgotten(
    world: World, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run dies when the file has just gone, and the drive it went to is taken out."""

    class Death(BaseException):
        pass

    def die(*_: object) -> None:
        raise Death

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "record_done", die)
        with pytest.raises(Death):
            outcomes(world, "move", small_disk / "moved")
    (small_disk / "moved").rename(small_disk / "away")
    first, *_ = executor.undo(world.journal)
    assert first.reason.startswith("was interrupted")
    assert outcomes(world, "move", small_disk / "other")[0][1].startswith("was interrupted")
    shutil.rmtree(small_disk / "moved", ignore_errors=True)
    (small_disk / "away").rename(small_disk / "moved")
    assert {outcome.result for outcome in executor.undo(world.journal)} == {"done"}
    assert tree(world.photos) == world.before


# ── the catalogue ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(5):
        draw(folder / f"{number}.png", number)
    return folder


def test_a_full_disk_under_the_catalogue_is_one_error_and_loses_nothing(photos: Path, small_disk: Path) -> None:
    path = small_disk / "photos.db"
    with Store(path) as catalogue:
        scan([photos], catalogue)
    filler = fill(small_disk)
    for number in range(5, 400):
        shutil.copy(photos / "0.png", photos / f"{number}.png")
    with pytest.raises(CatalogueError, match="full"), Store(path) as catalogue:
        scan([photos], catalogue)
    filler.unlink()
    with Store(path) as catalogue:
        assert {Path(photo.path).name for photo in catalogue.photos()} >= {f"{number}.png" for number in range(5)}
        scan([photos], catalogue)
        assert len(list(catalogue.photos())) == 400


def test_a_catalogue_that_another_process_writes_to_is_waited_for_and_then_an_error(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "photos.db"
    with Store(path) as busy:
        monkeypatch.setattr(database, "_TIMEOUT", 0.1)
        busy._database.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogueError, match="another process is writing to it"), Store(path) as second:
            scan([photos], second)
    with Store(path) as catalogue:
        scan([photos], catalogue)
        assert len(list(catalogue.photos())) == 5


def test_a_catalogue_on_a_disk_that_may_not_be_written_is_read_alone(photos: Path, small_disk: Path) -> None:
    path = small_disk / "photos.db"
    with Store(path) as catalogue:
        scan([photos], catalogue)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with Store(path) as catalogue:
        assert len(list(catalogue.photos())) == 5
        with pytest.raises(CatalogueError, match="read-only"):
            scan([photos], catalogue)


@pytest.mark.parametrize("report", ["--html", "--csv", "--plan"])
def test_a_report_for_which_there_is_no_room_is_named(photos: Path, small_disk: Path, report: str) -> None:
    shutil.copy(photos / "0.png", photos / "copy.png")
    fill(small_disk)
    target = small_disk / "report"
    command = [sys.executable, "-m", "phash_engine", "dedupe", str(photos), "--no-catalogue", report, str(target)]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.splitlines()[-1].startswith(f"phash: {target}: ")
    assert "no space left on device" in run.stderr
