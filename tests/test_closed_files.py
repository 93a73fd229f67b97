"""After a scan no command opens a photo again but to verify, draw or act: an audit hook sees what is opened."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from phash_engine.grouping import keep_rules
from tests.cli.test_cli import invoke
from tests.pictures import save, scene

_opened: list[list[str]] = []
"""A list for each :func:`opened` that is active; a hook cannot be removed."""


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _opened and isinstance(arguments[0], str | bytes):
        for paths in _opened:
            paths.append(os.fsdecode(arguments[0]))


@pytest.fixture(scope="session")
def hook() -> None:
    sys.addaudithook(_note)


@contextmanager
def opened(folder: Path) -> Iterator[set[str]]:
    """Yield a set that holds the names of the files below a folder that were opened, when the context is left."""
    paths: list[str] = []
    names: set[str] = set()
    _opened.append(paths)
    try:
        yield names
    finally:
        _opened.remove(paths)
        names |= {Path(path).name for path in paths if path.startswith(f"{folder}{os.sep}")}


@pytest.fixture
def library(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: None) -> Path:
    """Photos with copies of every kind, scanned."""
    folder = tmp_path / "library"
    shutil.copytree(sample, folder, ignore=shutil.ignore_patterns("*.txt"))  # each scan looks whether that is a picture
    for number in range(4):
        save(
            folder / "burst" / f"IMG_{number:04}.jpg",
            scene(9),
            quality=90 - number,
            taken=f"2020:01:02 03:04:0{number}",
        )
    save(folder / "plain.png", scene(9))
    (folder / "cut.jpg").write_bytes((folder / "burst" / "IMG_0000.jpg").read_bytes()[:900])
    shutil.copy(folder / "cut.jpg", folder / "cut copy.jpg")
    shutil.copy(folder / "burst" / "IMG_0001.jpg", folder / "IMG_0001.jpg")
    (folder / "IMG_0001.xmp").write_text("<x/>")
    monkeypatch.setenv("PHASH_CATALOGUE", str(tmp_path / "catalogue" / "photos.db"))
    with opened(folder) as names:
        invoke("scan", folder)
    assert {"plain.png", "cut.jpg", "IMG_0001.jpg"} <= names
    return folder


@pytest.mark.parametrize("rule", [*keep_rules.RULES, "path:*/burst"])
def test_dedupe_and_its_plan_open_no_photo(library: Path, tmp_path: Path, rule: str) -> None:
    reports: list[str | Path] = ["--plan", tmp_path / "plan.json", "--csv", tmp_path / "table.csv", "--burst", "5"]
    with opened(library) as names:
        assert "not decoded" in invoke("dedupe", "--keep", rule, *reports).output
        invoke("dedupe", library, "--keep", rule, "--json", "--mode", "component", "--across-folders")
        invoke("dedupe", library / "burst", "--reference", library / "2023-lake", "--keep", rule)
    assert names == set()


def test_find_opens_the_query_alone(library: Path, tmp_path: Path) -> None:
    elsewhere = save(tmp_path / "elsewhere" / "query.jpg", scene(9), quality=50)
    with opened(Path(elsewhere).parent) as queries, opened(library) as names:
        assert "plain.png" in invoke("find", elsewhere).output
        invoke("find", elsewhere, "--sort", "gradient", "--where", "entropy>0.1,taken>1990", "--in", library)
    assert (queries, names) == ({"query.jpg"}, set())
    with opened(library) as names:
        assert "plain.png" in invoke("find", library / "burst" / "IMG_0002.jpg", "-k", "9", "--json").output
        assert "cut copy.jpg" in invoke("find", library / "cut.jpg").output
    assert names == {"IMG_0002.jpg", "cut.jpg"}


def test_other_commands_open_no_photo(library: Path) -> None:
    with opened(library) as names:
        for command in (["scan", library], ["status"], ["failures"], ["forget", library / "burst"]):
            invoke(*command)
    assert names == set()


def test_verification_and_drawing_open_photos(library: Path, tmp_path: Path) -> None:
    with opened(library) as names:
        invoke("dedupe", "--html", tmp_path / "page.html")
    assert "plain.png" in names
