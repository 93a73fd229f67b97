"""Walking folders, and recognising pictures, on a real file system."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from phash_engine import _files
from phash_engine._files import File
from phash_engine.images import formats
from phash_engine.scanning.walk import Walk, walk

JPEG = b"\xff\xd8\xff\xe0 enough to be recognised by its first bytes"
POSIX = pytest.mark.skipif(os.name == "nt", reason="names and special files of POSIX")


def put(path: Path, data: bytes = JPEG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(result: Walk, root: Path) -> list[str]:
    """Paths below the root, as POSIX writes them."""
    return [Path(file.path).relative_to(root).as_posix() for file in result.files]


@contextmanager
def chain(root: Path, depth: int) -> Iterator[int]:
    """Make a chain of folders named d below a root and open the last; what makes and removes trees would recurse."""
    folder = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    yield folder
    os.close(folder)
    subprocess.run(["rm", "-r", root / "d"], check=True)


# ── walk ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_walk_lists_files_of_all_depths_by_path_with_their_size_and_time(tmp_path: Path) -> None:
    for name in ("b/x.jpg", "a.jpg", "b/c/y.jpg", "B.jpg", "b.jpg"):
        put(tmp_path / name)
    status = (tmp_path / "a.jpg").stat()

    result = walk(str(tmp_path))

    assert names(result, tmp_path) == ["B.jpg", "a.jpg", "b.jpg", "b/c/y.jpg", "b/x.jpg"]
    assert result.files[1] == File(str(tmp_path / "a.jpg"), status.st_size, status.st_mtime_ns)
    assert result.entries == 7


def test_walk_does_not_depend_on_the_order_of_creation(tmp_path: Path) -> None:
    expected = [f"{folder}/{number}.jpg" for folder in "abc" for number in range(20)]
    roots = [tmp_path / "one", tmp_path / "two"]
    for seed, root in enumerate(roots):
        for name in random.Random(seed).sample(expected, len(expected)):
            put(root / name)
    one, two = (names(walk(str(root)), root) for root in roots)
    assert one == two
    assert sorted(one) == sorted(expected)


def test_walk_counts_links_and_follows_none(tmp_path: Path) -> None:
    put(tmp_path / "album" / "a.jpg")
    (tmp_path / "album" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "album" / "self").symlink_to("self")
    (tmp_path / "folder").symlink_to(tmp_path / "album", target_is_directory=True)
    (tmp_path / "file.jpg").symlink_to(tmp_path / "album" / "a.jpg")
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere.jpg")

    result = walk(str(tmp_path))

    assert names(result, tmp_path) == ["album/a.jpg"]
    assert result.links == 5
    assert not result.unreadable


def test_walk_takes_a_root_that_is_a_link_or_hidden(tmp_path: Path) -> None:
    put(tmp_path / ".hidden" / "a.jpg")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / ".hidden", target_is_directory=True)
    for root in (tmp_path / ".hidden", link):
        assert [file.path for file in walk(str(root)).files] == [str(root / "a.jpg")]


def test_walk_skips_hidden_files_and_folders(tmp_path: Path) -> None:
    for name in (".a.jpg", "._b.jpg", ".trash/c.jpg", "d.jpg"):
        put(tmp_path / name)
    result = walk(str(tmp_path))
    assert names(result, tmp_path) == ["d.jpg"]
    assert result.hidden == 3


@POSIX
def test_walk_keeps_every_name_a_file_can_have(tmp_path: Path) -> None:
    expected = [b"\xff\xfe.jpg", "été.jpg".encode("latin-1"), b"new\nline.jpg", "🙈.jpg".encode(), b" .jpg", b"*.jpg"]
    expected += ["e\u0301.jpg".encode(), "\u00e9.jpg".encode(), b"a.jpg", b"A.jpg"]  # neither form nor case is changed
    for name in expected:
        (tmp_path / os.fsdecode(name)).write_bytes(JPEG)
    found = [os.fsencode(Path(file.path).name) for file in walk(str(tmp_path)).files]
    assert sorted(found) == sorted(expected)


@POSIX
def test_walk_skips_what_is_no_regular_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    monkeypatch.chdir(tmp_path)  # the names of sockets are short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
        result = walk(str(tmp_path))
    assert not result.files
    assert not result.unreadable
    assert (result.special, result.entries) == (2, 2)


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*.png", ["a.jpg", "cache/c.jpg", "trip/cache/d.jpg"]),
        ("cache", ["a.jpg", "b.png"]),
        ("cache/", ["a.jpg", "b.png"]),
        ("trip/cache", ["a.jpg", "b.png", "cache/c.jpg"]),
        ("trip/*", ["a.jpg", "b.png", "cache/c.jpg"]),
        ("*/c.jpg", ["a.jpg", "b.png", "trip/cache/d.jpg"]),
        ("[ab].*", ["cache/c.jpg", "trip/cache/d.jpg"]),
        ("*", []),
    ],
)
def test_exclude_matches_names_and_relative_paths(tmp_path: Path, pattern: str, left: list[str]) -> None:
    for name in ("a.jpg", "b.png", "cache/c.jpg", "trip/cache/d.jpg"):
        put(tmp_path / name)
    result = walk(str(tmp_path), [pattern])
    assert names(result, tmp_path) == left
    assert result.excluded > 0


def test_exclude_never_matches_what_is_above_the_root(tmp_path: Path) -> None:
    put(tmp_path / "cache" / "a.jpg")
    assert names(walk(str(tmp_path / "cache"), ["cache"]), tmp_path) == ["cache/a.jpg"]
    assert names(walk(f"{tmp_path}{os.sep}", ["cache/a.jpg"]), tmp_path) == []


@POSIX
def test_walk_goes_deeper_than_recursion_could(tmp_path: Path) -> None:
    with chain(tmp_path, 1500) as bottom:  # a letter and a slash each: below the 4096 bytes a path may have
        os.close(os.open("a.jpg", os.O_CREAT, dir_fd=bottom))
        assert [file.path for file in walk(str(tmp_path)).files] == [f"{tmp_path}{'/d' * 1500}/a.jpg"]


@POSIX
def test_walk_reports_folders_whose_path_is_too_long_to_open(tmp_path: Path) -> None:
    put(tmp_path / "z.jpg")
    with chain(tmp_path, 2500) as bottom:
        os.close(os.open("a.jpg", os.O_CREAT, dir_fd=bottom))
        result = walk(str(tmp_path))
    assert names(result, tmp_path) == ["z.jpg"]
    assert [reason for _, reason in result.unreadable] == ["file name too long"]


def test_walk_of_a_root_that_is_no_folder_reports_the_root(tmp_path: Path) -> None:
    file = put(tmp_path / "a.jpg")
    for root in (file, tmp_path / "nowhere"):
        result = walk(str(root))
        assert [path for path, _ in result.unreadable] == [str(root)]
        assert result.entries == 0


def test_walk_reports_a_closed_folder_and_goes_on(tmp_path: Path, permissions: None) -> None:
    put(tmp_path / "a" / "a.jpg")
    put(tmp_path / "b" / "b.jpg")
    (tmp_path / "a").chmod(0)
    try:
        result = walk(str(tmp_path))
    finally:
        (tmp_path / "a").chmod(0o700)
    assert result.unreadable == [(str(tmp_path / "a"), "permission denied")]
    assert names(result, tmp_path) == ["b/b.jpg"]


def test_walk_reports_a_folder_that_goes_away_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a" / "a.jpg")
    put(tmp_path / "b" / "b.jpg")
    list_folder = os.scandir

    def scandir(path: str) -> object:
        if path == str(tmp_path / "a"):
            shutil.rmtree(path)
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", scandir)
    result = walk(str(tmp_path))
    assert result.unreadable == [(str(tmp_path / "a"), "no such file or directory")]
    assert names(result, tmp_path) == ["b/b.jpg"]


def test_walk_reports_a_file_that_goes_away_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.jpg")
    put(tmp_path / "b.jpg")
    list_folder = os.scandir

    class Removing:
        """Lists a folder and removes a.jpg before the entries are looked at."""

        def __init__(self, path: str) -> None:
            self._entries = list_folder(path)

        def __enter__(self) -> Iterator[os.DirEntry[str]]:
            entries = list(self._entries)
            (tmp_path / "a.jpg").unlink()
            return iter(entries)

        def __exit__(self, *_: object) -> None:
            self._entries.close()

    monkeypatch.setattr(os, "scandir", Removing)
    result = walk(str(tmp_path))
    assert result.unreadable == [(str(tmp_path / "a.jpg"), "no such file or directory")]
    assert names(result, tmp_path) == ["b.jpg"]


def test_times_beyond_64_bits_of_nanoseconds_are_capped(tmp_path: Path) -> None:
    file = put(tmp_path / "a.jpg")
    os.utime(file, (0, 2**34))  # the year 2514; some file systems cap it themselves
    (found,) = walk(str(tmp_path)).files
    assert found.mtime_ns == min(file.stat().st_mtime_ns, 2**63 - 1)
    assert _files.read(str(file))[0] == found


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["a.jpg", "A.JPEG", "a.b.Png", "a.heic", "a.tif", "a.AVIF", "a.dng", "a.NEF"])
def test_an_extension_is_enough(name: str, tmp_path: Path) -> None:
    assert formats.is_image(str(tmp_path / name))  # there is no such file: nothing was opened


@pytest.mark.parametrize(
    ("start", "is_image"),
    [
        (JPEG, True),
        (b"\x89PNG\r\n\x1a\n", True),
        (b"GIF89a", True),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", True),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", False),
        (b"\x00\x00\x00\x18ftypheic", True),
        (b"\x00\x00\x00\x18ftypavif", True),
        (b"\x00\x00\x00\x18ftypmp42", False),
        (b"II*\x00", True),
        (b"MM\x00*", True),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", True),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", True),
        (b"%PDF-1.7", False),
        (b"\xff\xd8", False),
        (b"", False),
    ],
)
def test_without_an_extension_the_first_bytes_decide(tmp_path: Path, start: bytes, is_image: bool) -> None:
    assert formats.is_image(str(put(tmp_path / "IMG_1", start))) is is_image
    assert formats.is_image(str(put(tmp_path / "IMG_1.tmp", start))) is is_image


@pytest.mark.parametrize(
    ("name", "kind", "misnamed"),
    [
        ("a.jpg", "JPEG", False),
        ("a.JPG", "MPO", False),
        ("a.jpg", "PNG", True),
        ("a.heic", "JPEG", True),
        ("a.pfm", "PPM", False),
        ("a.nef", "RAW", False),
        ("a.nef", "TIFF", True),
        ("a.tif", "RAW", True),
        ("a.txt", "JPEG", False),
        ("a", "JPEG", False),
    ],
)
def test_names_that_say_another_format(name: str, kind: str, misnamed: bool) -> None:
    assert formats.is_misnamed(f"/p.png/{name}", kind) is misnamed


def test_what_cannot_be_opened_is_no_picture(tmp_path: Path) -> None:
    assert not formats.is_image(str(tmp_path / "nowhere"))
    assert not formats.is_image(str(tmp_path))
