"""Stored vectors: what is written is read again, whoever else writes, wherever a writer was stopped."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phash_engine.catalogue.vector_store import VectorStore
from phash_engine.errors import IndexFileError


def digests(*numbers: int) -> list[bytes]:
    """Digests that begin and end with zeros, too."""
    return [bytes([number, *[0] * 30, number]) for number in numbers]


def made(*numbers: int, width: int = 5) -> NDArray[np.float32]:
    return np.array([[number + place / 8 for place in range(width)] for number in numbers], dtype=np.float32)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_vectors_come_back(tmp_path: Path, dtype: str) -> None:
    store = VectorStore(tmp_path / "a" / "b", dtype)
    assert len(store) == 0
    assert digests(0)[0] not in store
    store.append(digests(0, 1), made(0, 1))
    store.append(digests(2), made(2))
    for reader in (store, VectorStore(tmp_path / "a" / "b", dtype)):
        np.testing.assert_array_equal(reader.read(digests(2, 0, 2)), made(2, 0, 2))
        assert len(reader) == 3
        assert digests(1)[0] in reader
        with pytest.raises(KeyError):
            reader.read(digests(3))


@pytest.mark.parametrize("state", ["vectors written", "digest half written"])
def test_what_was_cut_off_is_written_again(tmp_path: Path, state: str) -> None:
    VectorStore(tmp_path).append(digests(0), made(0))
    with open(tmp_path / "vectors", "ab") as file:
        file.write(b"\xff" * 33)
    if state == "digest half written":
        with open(tmp_path / "digests", "ab") as file:
            file.write(b"\xff" * 31)
    store = VectorStore(tmp_path)
    assert len(store) == 1
    store.append(digests(1, 2), made(1, 2))
    np.testing.assert_array_equal(VectorStore(tmp_path).read(digests(0, 1, 2)), made(0, 1, 2))


def _append(directory: Path, first: int) -> None:
    for number in range(first, first + 20):
        VectorStore(directory).append(digests(number), made(number))


def test_several_processes_may_write(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append, args=(tmp_path, first)) for first in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    numbers = [first + step for first in (0, 100, 200) for step in range(20)]
    np.testing.assert_array_equal(VectorStore(tmp_path).read(digests(*numbers)), made(*numbers))


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    store = VectorStore(tmp_path)
    store.append(digests(0), made(0))
    with pytest.raises(IndexFileError, match="holds vectors of 5 numbers, not 6"):
        store.append(digests(1), made(1, width=6))
    with pytest.raises(IndexFileError, match="of another format or dtype"):
        VectorStore(tmp_path, "float16")
    widths = (0, -5, 10**30, "5", None, 5.5)
    headers = [json.dumps({"format": 2, "dtype": "float32", "width": width}) for width in widths]
    deep, missing = "[" * 100_000, json.dumps({"format": 2, "dtype": "float32"})
    for header in ("{", "[]", deep, missing, *headers):
        (tmp_path / "header.json").write_text(header)
        with pytest.raises(IndexFileError, match=r"header\.json: corrupt"):
            VectorStore(tmp_path)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut": lambda data: data[:-1],
    "first byte": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "last bit": lambda data: data[:-1] + bytes([data[-1] ^ 128]),
    "zeros": lambda data: bytes(len(data)),
    "shifted": lambda data: data[1:] + b"x",
}


@pytest.mark.parametrize("name", ["vectors", "digests"])
@pytest.mark.parametrize("change", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_vector_is_not_stored_and_is_made_again(
    tmp_path: Path, name: str, change: Callable[[bytes], bytes]
) -> None:
    known = digests(0, 1, 2)
    VectorStore(tmp_path).append(known, made(0, 1, 2))
    (tmp_path / name).write_bytes(change((tmp_path / name).read_bytes()))
    store = VectorStore(tmp_path)
    assert len(store) < 3
    numbers = [number for number, digest in enumerate(known) if digest not in store]
    stored = [number for number in range(3) if number not in numbers]
    for number in stored:
        np.testing.assert_array_equal(store.read(digests(number)), made(number))
    store.append(digests(*numbers), made(*numbers))
    np.testing.assert_array_equal(VectorStore(tmp_path).read(known), made(0, 1, 2))


@pytest.mark.parametrize("name", ["header.json", "vectors", "digests"])
@pytest.mark.parametrize("kind", ["fifo", "endless", "folder"])
def test_something_else_in_the_place_of_a_file_is_an_error_and_never_waited_for(
    tmp_path: Path, name: str, kind: str
) -> None:
    VectorStore(tmp_path).append(digests(0), made(0))
    (tmp_path / name).unlink()
    if kind == "fifo":
        os.mkfifo(tmp_path / name)
    elif kind == "endless":
        (tmp_path / name).symlink_to("/dev/zero")
    else:
        (tmp_path / name).mkdir()
    with pytest.raises(IndexFileError, match=name):
        VectorStore(tmp_path).append(digests(1), made(1))


def test_a_folder_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexFileError, match=r"header\.json: cannot be read: not a directory"):
        VectorStore(tmp_path / "file" / "below").append(digests(0), made(0))


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = VectorStore(tmp_path)
    store.append(digests(0), made(0))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(IndexFileError, match="cannot write vectors: No space left on device"):
        store.append(digests(1), made(1))
    np.testing.assert_array_equal(VectorStore(tmp_path).read(digests(0)), made(0))
    assert len(VectorStore(tmp_path)) == 1
