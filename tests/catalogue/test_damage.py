"""Whatever happens to the bytes of index files and of the first pages of a catalogue: the answer is right, or an error.

The answer is all that was recorded: codes by SQLite and by index files.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from phash_engine.catalogue import Store
from phash_engine.errors import CatalogueError
from tests.catalogue.samples import codes_of, record

COUNT = 40
PAGE = 4096
NAMES = ["header.json", "ids.npy", "contents.npy", "views.npy", "codes.npy"]
EXPECTED = sorted(codes_of(seed).tolist() for seed in range(COUNT))

changes = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, 1 << 20), st.integers(1, 255)),
        st.tuples(st.just("cut"), st.integers(0, 1 << 20), st.just(0)),
        st.tuples(st.just("zero"), st.integers(0, 1 << 20), st.integers(1, 600)),
        st.tuples(st.just("double"), st.integers(0, 1 << 20), st.integers(1, 600)),
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "photos.db"
    with Store(path) as catalogue:
        record(catalogue, {f"/p/{seed}.jpg": seed for seed in range(COUNT)})
        catalogue.refresh_index()
    return path


@contextmanager
def copied(made: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(made.parent, folder, dirs_exist_ok=True)
        yield Path(folder) / made.name


def changed(data: bytes, kind: str, place: int, number: int, limit: int | None = None) -> bytes:
    """Return the bytes with one change before ``limit``."""
    place %= max(1, min(len(data), limit or len(data)))
    if kind == "flip" and data:
        return data[:place] + bytes([data[place] ^ number]) + data[place + 1 :]
    if kind == "cut":
        return data[:place]
    if kind == "zero":
        return data[:place] + bytes(len(data[place : place + number])) + data[place + number :]
    return data[: place + number] + data[place:]


@settings(max_examples=150)
@given(name=st.sampled_from(NAMES), how=changes)
def test_damaged_index_files_change_no_answer(made: Path, name: str, how: list[tuple[str, int, int]]) -> None:
    with copied(made) as path:
        (file,) = Path(f"{path}.index").glob(f"*/{name}")
        intact = data = file.read_bytes()
        for change in how:
            data = changed(data, *change)
        file.write_bytes(data)
        notes: list[str] = []
        with Store(path, notify=notes.append) as catalogue:
            contents, _, codes = catalogue.code_columns()
            assert sorted(codes.tolist()) == EXPECTED
            assert len(np.unique(contents)) == COUNT
            assert len(notes) == (data != intact)
            catalogue.refresh_index()
        with Store(path) as catalogue:  # notes would be warnings, which are errors
            assert sorted(catalogue.code_columns().codes.tolist()) == EXPECTED


@settings(max_examples=150)
@given(how=changes)
def test_damaged_first_pages_are_one_error_or_change_no_answer(made: Path, how: list[tuple[str, int, int]]) -> None:
    with copied(made) as path:
        data = path.read_bytes()
        for change in how:
            data = changed(data, *change, limit=2 * PAGE)
        path.write_bytes(data)
        with suppress(CatalogueError), Store(path, notify=str) as catalogue:
            photos = sorted(photo.path for photo in catalogue.photos())
            codes = sorted(catalogue.code_columns(trust_all=True).codes.tolist())
            # Cut to nothing, it is a new catalogue.
            assert (photos, codes) in ((sorted(f"/p/{seed}.jpg" for seed in range(COUNT)), EXPECTED), ([], []))
