"""Renaming without replacing, on file systems that have a call for it, that have links, and that have neither."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from phash_engine import _files
from phash_engine.actions import executor, links, renaming
from phash_engine.errors import NameTakenError
from tests.faults import World, leftovers, tree

PRIVATE = ".phash-0123456789abcdef"


def refuse(code: int) -> object:
    def call(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


@pytest.fixture(params=["call", "link", "claim"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the file system has: as NFS it may not have the call, as FAT and network drives no links."""
    if request.param != "call":
        monkeypatch.setattr(renaming, "_by_system_call", refuse(errno.EINVAL))
    if request.param == "claim":
        monkeypatch.setattr(renaming, "_by_link", refuse(errno.EPERM))
    return str(request.param)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / PRIVATE
    path.write_bytes(b"ours")
    return path


@pytest.mark.usefixtures("kind")
def test_a_file_gets_an_unused_name_and_no_other(file: Path, tmp_path: Path) -> None:
    renaming.rename(str(file), str(tmp_path / "new.jpg"))
    assert tree(tmp_path).keys() == {str(tmp_path / "new.jpg")}
    for other in ("file", "empty", "link"):
        path = tmp_path / other
        path.symlink_to("nowhere") if other == "link" else path.write_bytes(b"other" if other == "file" else b"")
        before = tree(tmp_path)
        with pytest.raises(NameTakenError):
            renaming.rename(str(tmp_path / "new.jpg"), str(path))
        assert tree(tmp_path) == before


@pytest.mark.usefixtures("kind")
def test_a_symbolic_link_is_renamed_itself(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    renaming.rename(str(tmp_path / "link"), str(tmp_path / "new"))
    assert tree(tmp_path) == {str(tmp_path / "new"): "-> nowhere"}


@pytest.mark.parametrize("action", ["trash", "move", "hardlink", "symlink"])
@pytest.mark.usefixtures("kind")
def test_actions_are_done_and_undone(tmp_path: Path, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setitem(links.MAKERS, "hardlink", os.link)
    world = World(tmp_path / "world")
    move_to = str(tmp_path / "moved") if action == "move" else None
    assert "done" in {outcome.result for outcome in executor.apply(str(world.plan), action, move_to=move_to)}
    list(executor.undo(world.journal))
    assert tree(world.photos) == world.before
    assert not leftovers((tmp_path,))


class Death(BaseException):
    pass


@pytest.mark.parametrize("call", ["replace", "unlink"])
def test_what_an_interruption_leaves_is_taken_away(
    file: Path, tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim before it is replaced, a second link before the first is removed."""

    def die(*_: object) -> None:
        raise Death

    to = tmp_path / "new.jpg"
    interrupted = renaming._by_claim if call == "replace" else renaming._by_link
    with monkeypatch.context() as patch:
        patch.setattr(os, call, die)
        with pytest.raises(Death):
            interrupted(str(file), str(to))
    assert to.exists()
    renaming.release(str(file), str(to))
    assert tree(tmp_path).keys() == {str(file)}


@pytest.mark.parametrize("data", [b"", b".phash-fedcba9876543210", b"of another program"])
def test_the_claims_and_files_of_others_are_left_to_them(file: Path, tmp_path: Path, data: bytes) -> None:
    to = tmp_path / "new.jpg"
    to.write_bytes(data)
    renaming.release(str(file), str(to))
    assert to.read_bytes() == data


def test_a_claim_that_another_file_has_replaced_is_given_up(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, file_id = tmp_path / "new.jpg", _files.file_id

    def late(path: str, *, follow_links: bool) -> object:
        Path(path).unlink()
        Path(path).write_bytes(b"of another program")
        return file_id(path, follow_links=follow_links)

    monkeypatch.setattr(renaming, "file_id", late)
    with pytest.raises(FileExistsError):
        renaming._by_claim(str(file), str(to))
    assert to.read_bytes() == b"of another program"
    assert file.read_bytes() == b"ours"
