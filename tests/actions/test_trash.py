"""The trash of freedesktop.org: which one, names and info files in it, and finding files again; the quarantine."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from phash_engine.actions import executor, trash
from phash_engine.actions.journal import JournalReader
from phash_engine.errors import NameTakenError
from tests.faults import World, digest_of, leftovers, tree

PRIVATE = "/nowhere/.phash-0123456789abcdef"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "home"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Another file system."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def results(world: World, action: str | None = None) -> set[tuple[str, str]]:
    return {(outcome.action, outcome.result) for outcome in executor.apply(str(world.plan), action)}


def places(world: World) -> list[Path]:
    return [Path(step.trashed) for step in JournalReader(world.journal).applied.values()]


def info_of(place: Path) -> list[str]:
    return (place.parents[1] / "info" / f"{place.name}.trashinfo").read_text().splitlines()


@pytest.mark.parametrize("data", ["relative/data", "", None, "~/data"])
def test_a_data_folder_that_is_not_absolute_is_not_followed(
    world: World, home: Path, data: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.folder)
    monkeypatch.delenv("XDG_DATA_HOME") if data is None else monkeypatch.setenv("XDG_DATA_HOME", data)
    assert results(world) == {("trash", "done")}
    assert {place.parent for place in places(world)} == {home / ".local/share/Trash/files"}
    monkeypatch.chdir("/")
    list(executor.undo(world.journal))
    assert tree(world.photos) == world.before


def test_undo_finds_the_trash_when_the_data_folder_is_another_one(
    world: World, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results(world)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("HOME", str(tmp_path / "other"))
    assert {outcome.result for outcome in executor.undo(world.journal)} == {"done"}
    assert tree(world.photos) == world.before
    assert not leftovers((tmp_path / "data",))


def test_a_journal_without_places_is_undone_by_the_info_files(world: World) -> None:
    """As versions before this one wrote them."""
    results(world)
    text = Path(world.journal).read_text()
    Path(world.journal).write_text(re.sub(r', "trashed(_b64)?": "[^"]*"', "", text))
    assert not any(step.trashed for step in JournalReader(world.journal).applied.values())
    assert {outcome.result for outcome in executor.undo(world.journal)} == {"done"}
    assert tree(world.photos) == world.before


def test_an_info_file_has_path_and_date(world: World) -> None:
    odd = world.photos / "b/é %20\n#.jpg"
    (world.photos / "b/copy.jpg").rename(odd)
    world.plan.write_text(world.plan.read_text().replace("b/copy.jpg", r"b/é %20\n#.jpg"))
    results(world)
    place = next(place for place in places(world) if place.name == odd.name)
    head, path, date = info_of(place)
    assert head == "[Trash Info]"
    assert path.isascii()
    assert unquote(path.removeprefix("Path=")) == str(odd)
    assert re.fullmatch(r"DeletionDate=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", date)
    assert place.parents[1].stat().st_mode & 0o777 == 0o700


def test_files_of_one_name_get_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.jpg"
    path.touch()
    taken: set[str] = set()
    for _ in range(20):
        taken.add(trash.unused_place(str(path), taken))
    assert len(taken) == 20
    assert {Path(place).name for place in taken} >= {"a.tar.jpg", "a.tar (2).jpg", "a.tar (20).jpg"}


def test_a_place_is_reserved_once(tmp_path: Path) -> None:
    path = str(tmp_path / "a.jpg")
    Path(path).touch()
    place = trash.unused_place(path)
    trash.reserve(place, "/another/a.jpg", PRIVATE)
    with pytest.raises(NameTakenError):
        trash.reserve(place, path, PRIVATE)
    trash.cancel(place, path, PRIVATE)
    assert [info.name for info in (Path(place).parents[1] / "info").iterdir()] == ["a.jpg.trashinfo"]
    assert Path(trash.unused_place(path)).name == "a (2).jpg"
    trash.cancel(place, "/another/a.jpg", PRIVATE)
    assert trash.unused_place(path) == place


# ── other file systems ───────────────────────────────────────────────────────────────────────────────────────────────


def test_files_of_another_disk_go_to_its_own_trash(disk: Path) -> None:
    world = World(disk / "world")
    assert results(world) == {("trash", "done")}
    assert {place.parents[1] for place in places(world)} == {disk / f".Trash-{os.getuid()}"}
    assert "Path=world/photos/b/near.jpg" in [info_of(place)[1] for place in places(world)]
    list(executor.undo(world.journal))
    assert tree(world.photos) == world.before
    assert not leftovers((disk,))


@pytest.mark.parametrize(
    ("mode", "is_link", "is_used"), [(0o1777, False, True), (0o777, False, False), (0o1777, True, False)]
)
def test_a_shared_trash_is_used_if_it_is_sticky_and_no_link(
    disk: Path, mode: int, is_link: bool, is_used: bool
) -> None:
    world = World(disk / "world")
    shared = disk / ("elsewhere" if is_link else ".Trash")
    shared.mkdir()
    shared.chmod(mode)
    if is_link:
        (disk / ".Trash").symlink_to(shared)
    assert results(world) == {("trash", "done")}
    user = str(os.getuid())
    top = disk / ".Trash" / user if is_used else disk / f".Trash-{user}"
    assert {place.parents[1] for place in places(world)} == {top}
    assert "Path=world/photos/b/near.jpg" in [info_of(place)[1] for place in places(world)]
    list(executor.undo(world.journal))
    assert tree(world.photos) == world.before


def test_a_trash_at_the_top_of_a_disk_that_is_a_link_is_not_followed(disk: Path, tmp_path: Path) -> None:
    world = World(disk / "world")
    (disk / f".Trash-{os.getuid()}").symlink_to(tmp_path)
    assert results(world, "trash") == {("trash", "skipped")}
    assert tree(world.photos) == world.before


def test_a_folder_that_is_mounted_a_second_time_reaches_the_trash_by_copies(world: World, tmp_path: Path) -> None:
    """It has the device of the trash, and yet files cannot be renamed across."""
    if subprocess.run(["mount", "--bind", str(world.folder), str(world.folder)], check=False).returncode:
        pytest.skip("this user may not mount a folder a second time")
    try:
        assert results(world) == {("trash", "done")}
        assert set(tree(tmp_path / "data").values()) >= {digest_of(place) for place in places(world)}
        assert not leftovers((world.folder, tmp_path / "data"))
        list(executor.undo(world.journal))
        assert tree(world.photos) == world.before
        assert not leftovers((world.folder, tmp_path / "data"))
    finally:
        subprocess.run(["umount", str(world.folder)], check=True)


# ── where undo cannot reach the trash ────────────────────────────────────────────────────────────────────────────────


def test_without_a_trash_files_go_to_a_folder_beside_the_plan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trash, "_is_usable", lambda _: False)
    would = [outcome.to for outcome in executor.apply(str(world.plan), dry_run=True)]
    assert results(world) == {("move", "done")}
    quarantine = world.plan.with_name("plan.json.quarantine")
    assert str(quarantine / "b/near.xmp") in would
    assert would == [step.to for step in JournalReader(world.journal).applied.values()]
    list(executor.undo(world.journal))
    assert tree(world.photos) == world.before
    assert results(world, "trash") == {("trash", "skipped")}


def test_a_sidecar_of_a_deleted_photo_goes_there_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trash, "_is_usable", lambda _: False)
    assert results(world, "delete") == {("delete", "done"), ("move", "done")}
    assert (world.plan.with_name("plan.json.quarantine") / "b/near.xmp").exists()


def test_a_trash_that_is_not_ours_is_used_when_it_is_asked_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS and Windows."""
    sent: list[str] = []

    def send(path: str) -> None:
        Path(path).rename(tmp_path / f"sent {len(sent)}")
        sent.append(Path(path).name)

    monkeypatch.setattr(trash, "IS_OURS", False)
    monkeypatch.setattr(trash, "send", send)
    assert results(world) == {("move", "done")}
    list(executor.undo(world.journal))
    assert results(world, "trash") == {("trash", "done")}
    assert "near.xmp" in sent
    assert {outcome.reason for outcome in executor.undo(world.journal)} == {
        "is gone from the trash, or was changed there"
    }
