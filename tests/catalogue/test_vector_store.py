"""Stored vectors: what is written is read again, whoever else writes, wherever a writer was stopped."""

from __future__ import annotations

import json
import multiprocessing
import os
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
    (tmp_path / "vectors").write_bytes(b"")
    with pytest.raises(IndexFileError, match="corrupt index: fewer vectors than digests; delete the folder"):
        VectorStore(tmp_path)
    widths = (0, -5, 10**30, "5", None, 5.5)
    headers = [json.dumps({"format": 1, "dtype": "float32", "width": width}) for width in widths]
    for header in ("{", "[]", json.dumps({"format": 1, "dtype": "float32"}), "[" * 100_000, '"\\ud800"', *headers):
        (tmp_path / "header.json").write_text(header)
        with pytest.raises(IndexFileError, match=r"header\.json: corrupt"):
            VectorStore(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
@pytest.mark.parametrize("name", ["header.json", "digests", "vectors"])
def test_pipes_are_refused_at_once(tmp_path: Path, name: str) -> None:
    VectorStore(tmp_path).append(digests(0), made(0))
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(IndexFileError, match=r"is not a regular file|fewer vectors"):
        VectorStore(tmp_path)


def test_a_folder_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexFileError, match=r"header\.json: cannot be read: Not a directory"):
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
