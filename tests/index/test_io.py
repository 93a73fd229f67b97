"""Saved indexes: loaded unchanged, refused if corrupt or of another format, replaced without disturbing readers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from phash_engine._columns import Columns
from phash_engine.catalogue import code_cache
from phash_engine.errors import IndexFileError
from phash_engine.index import KINDS, Index, io
from phash_engine.index.kernels.buckets import Buckets, build
from phash_engine.index.kernels.chunks import Chunks
from tests.index.test_contract import assert_same
from tests.index.test_multi_index import skewed


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def generation(directory: Path) -> Path:
    (only,) = directory.iterdir()
    return only


def test_opened_as_it_was(kind: str, tmp_path: Path) -> None:
    codes, queries = skewed(9_000, 2), skewed(300, 2, seed=1)
    index = Index(codes[:8000], None, kind)
    index.add(codes[8000:8100])
    index.remove([5, 8050])
    io.save(index, tmp_path / "index")
    opened = io.load(tmp_path / "index", threads=2)
    assert (opened.kind, opened.words, len(opened)) == (kind, 2, 8098)
    for each in (0, 1):
        assert_same(opened.range_search(queries, 9), index.range_search(queries, 9))
        assert_same(opened.search(queries, 3), index.search(queries, 3))
        assert_same(opened.self_join(4), index.self_join(4))
        added = codes[8100 + 400 * each : 8500 + 400 * each]
        np.testing.assert_array_equal(opened.add(added), index.add(added))
        with pytest.raises(ValueError, match="id 5 is or was in this index"):
            opened.add(codes[:1], [5])


def test_buckets_are_mapped_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    io.save(Index(skewed(30_000), None, "multi"), tmp_path)

    def build_nothing(columns: Columns, chunks: Chunks, threads: int) -> Buckets:
        assert columns[0].size == 0
        return build(columns, chunks, threads)

    monkeypatch.setattr("phash_engine.index.layout.build", build_nothing)
    assert io.load(tmp_path).range_search(skewed(30_000)[:3], 0).ids.size >= 3


def test_readers_go_on_while_the_next_is_written(kind: str, tmp_path: Path) -> None:
    codes = skewed(3_000)
    first = Index(codes[:2000], None, kind)
    io.save(first, tmp_path)
    reader = io.load(tmp_path)
    io.save(Index(codes, None, kind), tmp_path)
    assert_same(reader.range_search(codes[:50], 3), first.range_search(codes[:50], 3))
    assert len(io.load(tmp_path)) == 3000
    assert generation(tmp_path).name == "00000002"


def test_an_unfinished_generation_is_not_seen(tmp_path: Path) -> None:
    io.save(Index(skewed(99), None, "linear"), tmp_path)
    (tmp_path / f".writing-{0:032x}").mkdir()
    assert len(io.load(tmp_path)) == 99
    io.save(Index(skewed(60), None, "linear"), tmp_path)
    assert generation(tmp_path).name == "00000002"


@pytest.mark.parametrize("name", ["codes.npy", "ids.npy", "removed.npy", "header.json"])
def test_a_corrupt_file_is_refused(kind: str, name: str, tmp_path: Path) -> None:
    io.save(Index(skewed(300), None, kind), tmp_path)
    path = generation(tmp_path) / ("entries.npy" if kind == "multi" and name == "codes.npy" else name)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(IndexFileError, match="corrupt"):
        io.load(tmp_path)
    path.unlink()
    with pytest.raises(IndexFileError, match="corrupt index: missing"):
        io.load(tmp_path)


def test_a_damaged_file_is_found(tmp_path: Path) -> None:
    io.save(Index(skewed(300), None, "multi"), tmp_path)
    path = generation(tmp_path) / "bucket_codes_0.npy"
    path.write_bytes(path.read_bytes()[:-9] + b"x" * 9)
    with pytest.raises(IndexFileError, match=r"bucket_codes_0.npy: corrupt index: wrong checksum"):
        io.load(tmp_path)


def test_arrays_of_another_generation_are_refused(kind: str, tmp_path: Path) -> None:
    io.save(Index(skewed(300), None, kind), tmp_path / "a")
    io.save(Index(skewed(300, seed=1)[:299], None, kind), tmp_path / "b")
    for path in generation(tmp_path / "a").glob("*.npy"):
        path.write_bytes((generation(tmp_path / "b") / path.name).read_bytes())
    with pytest.raises(IndexFileError, match="corrupt index: wrong checksum"):
        io.load(tmp_path / "a")


@pytest.mark.parametrize("name", ["2019", "20190101", "holiday"])
def test_a_folder_of_others_is_refused_and_kept(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    photo = tmp_path / name / "a.jpg"
    photo.write_bytes(b"a photo")
    with pytest.raises(IndexFileError, match=f"it holds other things, such as {name}"):
        io.save(Index(skewed(9), None, "linear"), tmp_path)
    assert [*tmp_path.rglob("*.*")] == [photo]


@pytest.mark.parametrize("name", ["2019", "20190101", f".writing-{0:032x}"])
def test_folders_of_others_beside_a_generation_are_kept(name: str, tmp_path: Path) -> None:
    io.save(Index(skewed(9), None, "linear"), tmp_path)
    (tmp_path / name).mkdir()
    photo = tmp_path / name / "a.jpg"
    photo.write_bytes(b"a photo")
    io.save(Index(skewed(12), None, "linear"), tmp_path)
    assert photo.read_bytes() == b"a photo"
    assert len(io.load(tmp_path)) == 12
    assert not (tmp_path / "00000001").exists()


def test_a_photo_in_a_generation_is_kept(tmp_path: Path) -> None:
    io.save(Index(skewed(9), None, "linear"), tmp_path / "index")
    photo = generation(tmp_path / "index") / "a.jpg"
    photo.write_bytes(b"a photo")
    with pytest.raises(IndexFileError, match="it holds other things"):
        io.save(Index(skewed(12), None, "linear"), tmp_path / "index")
    assert photo.read_bytes() == b"a photo"


def test_a_link_in_the_place_of_a_generation_is_not_followed(tmp_path: Path) -> None:
    io.save(Index(skewed(9), None, "linear"), tmp_path / "elsewhere")
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "00000007").symlink_to(tmp_path / "elsewhere" / "00000001")
    with pytest.raises(IndexFileError, match="it holds other things"):
        io.save(Index(skewed(12), None, "linear"), tmp_path / "index")
    with pytest.raises(IndexFileError, match="there is no index here"):
        io.load(tmp_path / "index")
    assert len(io.load(tmp_path / "elsewhere")) == 9


@pytest.mark.parametrize("name", ["header.json", "codes.npy"])
@pytest.mark.parametrize("change", ["fifo", "endless", "longer", "folder"])
def test_something_else_in_the_place_of_a_file_is_refused(name: str, change: str, tmp_path: Path) -> None:
    io.save(Index(skewed(300), None, "linear"), tmp_path)
    path = next(generation(tmp_path).glob(name.replace("codes", "codes*")))
    data = path.read_bytes()
    path.unlink()
    if change == "fifo":
        os.mkfifo(path)
    elif change == "endless":
        path.symlink_to("/dev/zero")
    elif change == "folder":
        path.mkdir()
    else:
        path.write_bytes(data + b"x")
    with pytest.raises(IndexFileError, match="corrupt index: "):
        io.load(tmp_path)


def test_files_of_another_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexFileError, match="there is no index here"):
        io.load(tmp_path)
    header = code_cache.Header("a catalogue", "stamp", 1, {}, 3, 0)
    ids = np.arange(3)
    rows = code_cache.CodeRows(ids, ids, ids.astype(np.uint8), np.zeros((3, 10), dtype=np.uint64))
    code_cache.save(tmp_path, header, rows)
    with pytest.raises(IndexFileError, match="written in another format"):
        io.load(tmp_path)
    path = generation(tmp_path) / "header.json"
    path.write_text(json.dumps({"format": 103, "kind": "linear", "words": 1, "xxh3": {}, "header_crc32": 1}))
    with pytest.raises(IndexFileError, match="corrupt index: wrong checksum of the header"):
        io.load(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexFileError, match="cannot write index files"):
        io.save(Index(skewed(9), None, "linear"), tmp_path / "file")
