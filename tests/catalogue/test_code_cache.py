"""Code files: what is saved is read; killed and concurrent writers, and corrupt files, never show half of it."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from phash_engine.catalogue import code_cache
from phash_engine.catalogue.code_cache import CodeRows, Header, Stored
from phash_engine.errors import IndexFileError
from tests.processes import Process

HEADER = Header("uuid", "stamp", 1, {"full": 1, "crop": 5}, 12, 3)

WRITER = """
    import sys
    from pathlib import Path
    from phash_engine.errors import IndexFileError
    from tests.catalogue.test_code_cache import save_number

    for number in range(int(sys.argv[2]), int(sys.argv[2]) + 100):
        try:
            save_number(Path(sys.argv[1]), number)
        except IndexFileError as error:
            print(error, flush=True)
        if number % 10 == 9:
            print("pause", flush=True)
            input()
"""
"""Saves a hundred generations, with pauses."""

DYING_WRITERS = """
    import sys
    from pathlib import Path
    from tests.catalogue.test_code_cache import assert_whole, save_number
    from tests.faults import Deaths

    directory, newest = Path(sys.argv[1]), -1
    for point in range(40):
        assert Deaths().at(point, lambda: [save_number(directory, 10 * point + turn) for turn in range(10)])
        number = assert_whole(directory)
        assert number >= newest
        newest = number
    print(newest, flush=True)
"""
"""Forks writers that die at their n-th change of a file, and looks at what each has left."""


def save_number(directory: Path, number: int) -> None:
    """Save a generation of which :func:`assert_whole` knows each number."""
    ids = np.arange(number * 100, number * 100 + 50 + number % 7)
    codes = np.repeat(ids.astype(np.uint64)[:, np.newaxis], 10, axis=1)
    header = Header("uuid", str(number), 1, {}, number, 0)
    code_cache.save(directory, header, CodeRows(ids, ids + 1, (ids % 7).astype(np.uint8), codes))


def rows(count: int, seed: int = 0) -> CodeRows:
    rng = np.random.default_rng(seed)
    contents, views = rng.integers(0, 1 << 40, count), rng.integers(0, 7, count, dtype=np.uint8)
    return CodeRows(np.arange(1, count + 1), contents, views, rng.integers(0, 2**64, (count, 10), dtype=np.uint64))


def assert_equal(found: CodeRows, expected: CodeRows) -> None:
    for name in CodeRows._fields:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert getattr(found, name).dtype == getattr(expected, name).dtype


def opened(directory: Path) -> Stored:
    stored = code_cache.open_newest(directory)
    assert stored is not None
    return stored


def assert_whole(directory: Path) -> int:
    """Assert that the newest generation is one that a writer meant; return its number, -1 before the first."""
    stored = code_cache.open_newest(directory)
    if stored is None:
        return -1
    number = int(stored.header.stamp)
    ids, contents, views, codes = stored.rows
    assert ids.tolist() == list(range(number * 100, number * 100 + 50 + number % 7))
    assert (contents == ids + 1).all()
    assert (views == ids % 7).all()
    assert (codes == ids[:, np.newaxis]).all()
    return number


@contextmanager
def replaced_twice_while_opened() -> Iterator[None]:
    """Ignore the one error that a reader may meet while a writer never rests: it reads SQLite, then."""
    try:
        yield
    except IndexFileError as error:
        if "corrupt index: missing" not in str(error):
            raise


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_what_is_saved_comes_back(tmp_path: Path, count: int) -> None:
    code_cache.save(tmp_path / "index", HEADER, rows(count))
    stored = opened(tmp_path / "index")
    assert stored.header == HEADER
    assert_equal(stored.rows, rows(count))


def test_codes_are_mapped_column_by_column(tmp_path: Path) -> None:
    code_cache.save(tmp_path, HEADER, rows(100))
    stored = opened(tmp_path)
    assert isinstance(stored.rows.codes, np.memmap)
    assert stored.rows.codes.flags.f_contiguous
    assert not stored.rows.codes.flags.writeable


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert code_cache.open_newest(tmp_path / "nowhere") is None
    assert code_cache.open_newest(tmp_path) is None


def test_readers_keep_what_they_have_mapped(tmp_path: Path) -> None:
    old, new = rows(500, 1), rows(700, 2)
    code_cache.save(tmp_path, HEADER, old)
    before = opened(tmp_path)
    code_cache.save(tmp_path, HEADER._replace(stamp="next"), new)
    after = opened(tmp_path)
    assert_equal(before.rows, old)
    assert_equal(after.rows, new)
    assert [entry.name for entry in tmp_path.iterdir()] == ["00000002"]


def test_generations_are_numbers_not_words(tmp_path: Path) -> None:
    (tmp_path / "99999999").mkdir()
    code_cache.save(tmp_path, HEADER, rows(3))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["100000000", "99999999"]
    code_cache.save(tmp_path, HEADER._replace(stamp="next"), rows(4))
    assert opened(tmp_path).header.stamp == "next"


def test_what_a_killed_writer_left_is_dropped(tmp_path: Path) -> None:
    (tmp_path / f".writing-{1:032x}").mkdir()
    (tmp_path / f".writing-{1:032x}" / "codes.npy").write_bytes(b"half of it")
    assert code_cache.open_newest(tmp_path) is None
    code_cache.save(tmp_path, HEADER, rows(3))
    assert [entry.name for entry in tmp_path.iterdir()] == ["00000001"]


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    code_cache.save(tmp_path, HEADER, rows(3))
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "²").mkdir()  # a digit, but no number
    code_cache.save(tmp_path, HEADER, rows(3))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["00000002", "notes.txt", "²"]


def test_a_file_in_the_place_of_a_generation_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "00000001").write_text("mine")
    with pytest.raises(IndexFileError, match="it holds other things, such as 00000001"):
        code_cache.save(tmp_path, HEADER, rows(3))
    assert (tmp_path / "00000001").read_text() == "mine"


def test_any_changed_field_of_the_header_is_found(tmp_path: Path) -> None:
    code_cache.save(tmp_path, HEADER, rows(20))
    path = tmp_path / "00000001" / "header.json"
    text = path.read_text()
    for old, new in (('"last_code_id": 12', '"last_code_id": 13'), ('"rows": 20', '"rows": 19'), ("uuid", "UUID")):
        path.write_text(text.replace(old, new))
        with pytest.raises(IndexFileError, match="corrupt index: wrong checksum of the header"):
            opened(tmp_path)


@pytest.mark.parametrize("name", ["codes.npy", "ids.npy", "contents.npy", "views.npy"])
def test_any_flipped_byte_is_found(tmp_path: Path, name: str) -> None:
    code_cache.save(tmp_path, HEADER, rows(20))
    path = tmp_path / "00000001" / name
    good = path.read_bytes()
    for position in random.Random(0).sample(range(len(good)), 20):
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        with pytest.raises(IndexFileError, match=rf"{name}: corrupt"):
            opened(tmp_path)
    path.write_bytes(good)
    opened(tmp_path)


def cut(name: str, length: int) -> Callable[[Path], None]:
    def change(generation: Path) -> None:
        os.truncate(generation / name, length)

    return change


def header(text: str) -> Callable[[Path], None]:
    def change(generation: Path) -> None:
        (generation / "header.json").write_text(text)

    return change


def without(name: str) -> Callable[[Path], None]:
    def change(generation: Path) -> None:
        (generation / name).unlink()

    return change


def shorter(generation: Path) -> None:
    np.save(generation / "codes.npy", np.zeros((3, 10), dtype=np.uint64))


def narrower(generation: Path) -> None:
    np.save(generation / "codes.npy", np.zeros((20, 5), dtype=np.uint64))


def other_type(generation: Path) -> None:
    np.save(generation / "ids.npy", np.arange(20, dtype=np.float64))


def pickled(generation: Path) -> None:
    np.save(generation / "ids.npy", np.array([{}] * 20, dtype=object), allow_pickle=True)


CHANGES = {
    "codes empty": cut("codes.npy", 0),
    "codes cut in the header": cut("codes.npy", 20),
    "codes cut": cut("codes.npy", 700),
    "ids cut": cut("ids.npy", 200),
    "header empty": cut("header.json", 0),
    "header garbage": header("\0\0\0garbage"),
    "header no object": header("[1, 2]"),
    "header of another format": header('{"format": 1}'),
    "header without fields": header('{"format": 2}'),
    "header missing": without("header.json"),
    "codes missing": without("codes.npy"),
    "contents missing": without("contents.npy"),
    "views cut": cut("views.npy", 20),
    "codes shorter": shorter,
    "codes narrower": narrower,
    "ids of another type": other_type,
    "ids pickled": pickled,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_corrupt_generation_is_an_error_and_the_next_save_replaces_it(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    code_cache.save(tmp_path, HEADER, rows(20))
    change(tmp_path / "00000001")
    with pytest.raises(IndexFileError, match=re.escape(str(tmp_path))):
        code_cache.open_newest(tmp_path)
    code_cache.save(tmp_path, HEADER, rows(20))
    assert_equal(opened(tmp_path).rows, rows(20))


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file in its place")
    assert code_cache.open_newest(tmp_path / "index") is None
    with pytest.raises(IndexFileError, match="cannot write index files"):
        code_cache.save(tmp_path / "index", HEADER, rows(1))


def test_header_is_readable_by_people(tmp_path: Path) -> None:
    code_cache.save(tmp_path, HEADER, rows(20))
    text = json.loads((tmp_path / "00000001" / "header.json").read_text())
    assert {name: text[name] for name in Header._fields} == HEADER._asdict()
    assert text["rows"] == 20
    assert set(text["xxh3"]) == {"ids", "contents", "views", "codes"}


def test_readers_never_see_half_a_generation(tmp_path: Path) -> None:
    writer = Process(WRITER, tmp_path, 0)
    seen = set()
    while (line := writer.next_line()) != "end":
        with replaced_twice_while_opened():
            seen.add(assert_whole(tmp_path))
        if line:
            assert line == "pause"
            writer.go_on()
    assert writer.end() == 0
    assert seen >= set(range(9, 100, 10))


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_a_writer_killed_at_any_change_leaves_a_whole_generation(tmp_path: Path) -> None:
    writers = Process(DYING_WRITERS, tmp_path)
    assert int(writers.lines.get()) > 0
    assert writers.end() == 0


def test_two_writers_at_once_fail_or_write_a_whole_generation(tmp_path: Path) -> None:
    writers = [Process(WRITER, tmp_path, first) for first in (0, 1000)]
    running = list(writers)
    while running:
        for writer in running[:]:
            line = writer.next_line()
            if line == "pause":
                writer.go_on()
            elif line == "end":
                running.remove(writer)
            else:
                assert "cannot write index files" in line or not line
        with replaced_twice_while_opened():
            assert_whole(tmp_path)
    assert [writer.end() for writer in writers] == [0, 0]
    code_cache.save(tmp_path, HEADER, rows(9))
    assert len(opened(tmp_path).rows.ids) == 9
    assert len(list(tmp_path.iterdir())) == 1
