"""Labels of photos: from a CSV, or the names of folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from phash_engine.errors import UsageError
from phash_engine.retrieval import labels


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        path = tmp_path / "labels.csv"
        path.write_bytes(os.fsencode(text))
        return path

    return written


def test_labels_of_a_file(write: Callable[[str], Path], tmp_path: Path) -> None:
    path = write("note,label,path\nx,cat,a.jpg\n,dog,sub/caf\udce9.jpg\n")
    known = {str(tmp_path / "a.jpg"): "cat", str(tmp_path / "sub" / "caf\udce9.jpg"): "dog"}
    assert labels.read(path) == known
    assert labels.labels_of(str(path), [*known, "/other.jpg"], []) == known
    assert labels.labels_of(str(path), [str(tmp_path / "a.jpg")], [*known]) == {str(tmp_path / "a.jpg"): "cat"}


def test_labels_of_folders() -> None:
    assert labels.labels_of("folder", ["/photos/cat/a.jpg"], []) == {"/photos/cat/a.jpg": "cat"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file,label\n", "the first line must name the columns path and label"),
        ("", "the first line must name the columns path and label"),
        ("path,label\na.jpg\n", "line 2 needs a path and a label"),
        ("path,label\na.jpg,cat\n./a.jpg,dog\n", r"'./a.jpg' occurs twice, again in line 3"),
        ("path,label\nnothing.jpg,cat\n", r"no photo .*nothing.jpg in the catalogue: 'phash scan' it"),
        (f"path,label\na.jpg,{'x' * 200_000}\n", "not a CSV file: field larger"),
    ],
)
def test_mistakes_in_a_file(write: Callable[[str], Path], text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        labels.labels_of(str(write(text)), [], [])


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.csv: cannot be read: no such file"):
        labels.read(tmp_path / "nothing.csv")
