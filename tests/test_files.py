"""Reading and writing files, and comparing their paths, on a real file system."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from phash_engine import _files
from phash_engine._files import File
from phash_engine.errors import ImageError

POSIX = pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_read_returns_the_bytes_with_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"longer by now" * 9)
    os.utime(path, ns=(1, 2))
    file, data = _files.read(str(path))
    assert (file, data) == (File(str(path), 117, 2), b"longer by now" * 9)
    assert _files.digest(data).hex() == "d240cd1ac7d34e567ed02310454c68d68f0a2c87326c197b090150a04fd7f05f"


def test_read_refuses_what_is_too_large_by_its_size_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    with path.open("wb") as file:
        file.truncate(_files.MAX_BYTES + 1)  # a hole: it takes no room
    with pytest.raises(ImageError, match="2147483649 bytes are more than the 2147483648 that are read"):
        _files.read(str(path))


def test_read_says_why_it_could_not(tmp_path: Path) -> None:
    for path, reason in [(tmp_path / "nowhere.jpg", "no such file"), (tmp_path, "is a directory")]:
        with pytest.raises(ImageError, match=reason) as caught:
            _files.read(str(path))
        assert caught.value.path == str(path)


def test_read_of_a_closed_file_is_an_error(tmp_path: Path, permissions: None) -> None:
    path = tmp_path / "a.jpg"
    path.touch(0)
    with pytest.raises(ImageError, match="permission denied"):
        _files.read(str(path))


# ── write ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_atomic_write_replaces_a_file_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for data in (b"first", b"second"):
        _files.atomic_write(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_atomic_write_keeps_the_old_file(tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left") as caught:
        _files.atomic_write(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_write_into_no_folder_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        _files.atomic_write(tmp_path / "nowhere" / "a.json", b"")
    assert caught.value.filename == str(tmp_path / "nowhere" / "a.json")


# ── paths ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@POSIX
@pytest.mark.parametrize(
    "given", ["/p/a", "/p/a/", "/p//a", "//p/a", "///p/a", "/p/./a", "/p/b/../a", "a", "./a", "b/../a"]
)
def test_a_path_has_one_name(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _files.absolute(given) == ("/p/a" if given.startswith("/") else str(tmp_path / "a"))


@POSIX
@pytest.mark.parametrize(
    ("folder", "path", "inside"),
    [
        ("/a", "/a", True),
        ("/a", "/a/b", True),
        ("/a/", "/a/b", True),
        ("/a", "/ab", False),
        ("/a", "/", False),
        ("/", "/a", True),
        ("/", "/", True),
    ],
)
def test_contains(folder: str, path: str, inside: bool) -> None:
    assert _files.contains(folder, path) is inside


def test_an_unused_path_gets_a_number(tmp_path: Path) -> None:
    path = str(tmp_path / "a.tar.gz")
    assert _files.unused_path(path) == path
    Path(path).touch()
    (tmp_path / "a.tar (2).gz").symlink_to("nowhere")
    assert _files.unused_path(path) == str(tmp_path / "a.tar (3).gz")
    assert _files.unused_path(path, {str(tmp_path / "a.tar (3).gz")}) == str(tmp_path / "a.tar (4).gz")


def test_names_of_one_file_have_one_id(tmp_path: Path) -> None:
    first, link, hard = tmp_path / "first", tmp_path / "link", tmp_path / "hard"
    first.touch()
    link.symlink_to(first)
    hard.hardlink_to(first)
    assert _files.file_id(str(first)) == _files.file_id(str(link)) == _files.file_id(str(hard)) is not None
    assert _files.file_id(str(first)) != _files.file_id(str(link), follow_links=False)
    assert _files.file_id(str(tmp_path / "nowhere")) is None


@POSIX
@pytest.mark.parametrize(
    "given", ["link/../x.json", "{}/link/../x.json", "link/below/../../x.json", "./link/./..//x.json"]
)
def test_the_folder_above_a_link_is_that_of_its_target(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real" / "target" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "target")
    (tmp_path / "real" / "x.json").write_text("")
    monkeypatch.chdir(tmp_path)
    found = _files.absolute(given.format(tmp_path))
    assert found == str(tmp_path / "real" / "x.json")
    assert Path(found).samefile(given.format(tmp_path))


@pytest.mark.parametrize("name", ["a\0/../b", "\ud800/../b"])
def test_what_is_no_path_has_a_normal_form(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _files.absolute(name) == str(tmp_path / "b")
