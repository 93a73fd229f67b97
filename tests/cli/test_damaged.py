"""Damaged files: the commands say which files are damaged, and what is wrong with them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from phash_engine.cli import cli
from tests.pictures import scene

WRONG = "wrong checksum of chunk IDAT"


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(cli, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture, a larger copy whose checksum is wrong, and another picture of the same kind."""
    folder = tmp_path / "photos"
    folder.mkdir()
    scene(1).resize((300, 200)).save(folder / "small.png")
    scene(3).resize((300, 200)).save(folder / "other.png")
    file = io.BytesIO()
    scene(1).resize((600, 400)).save(file, "PNG")
    data = file.getvalue()
    place = data.rindex(b"IEND") - 8
    (folder / "large.png").write_bytes(data[:place] + bytes(4) + data[place + 4 :])
    run("scan", folder, "--catalogue", tmp_path / "photos.db")
    return folder


def test_a_group_says_which_of_its_photos_are_damaged(folder: Path, tmp_path: Path) -> None:
    catalogue = ("--catalogue", tmp_path / "photos.db")
    keeper, *notes, duplicate = run("dedupe", *catalogue).splitlines()
    assert (keeper, notes[-1]) == (str(folder / "large.png"), f"       damaged: {WRONG}")
    assert duplicate.endswith("small.png")

    first, *_, duplicate, note = run("dedupe", *catalogue, "--keep", "path:*small*").splitlines()
    assert (first, note) == (str(folder / "small.png"), f"       damaged: {WRONG}")
    assert duplicate.endswith("large.png")

    (record,) = map(json.loads, run("dedupe", *catalogue, "--json").splitlines())
    assert record["damaged"] == [str(folder / "large.png")]
    run("dedupe", *catalogue, "--html", tmp_path / "groups.html")
    assert f"damaged: {WRONG}" in (tmp_path / "groups.html").read_text(encoding="utf-8")


def test_a_group_of_intact_photos_says_nothing_of_damage(folder: Path, tmp_path: Path) -> None:
    (folder / "large.png").unlink()
    scene(1).resize((500, 400)).save(folder / "whole.png")
    assert "damaged" not in run("dedupe", folder, "--catalogue", tmp_path / "photos.db")
    assert "damaged" not in run("dedupe", "--catalogue", tmp_path / "photos.db", "--json")


def test_damaged_files_are_counted_and_listed(folder: Path, tmp_path: Path) -> None:
    catalogue = ("--catalogue", tmp_path / "photos.db")
    assert json.loads(run("status", *catalogue, "--json"))["damaged"] == 1
    assert "        1  damaged files, read or not" in run("status", *catalogue)
    assert run("failures", "--damaged", *catalogue) == f"{folder / 'large.png'}\t{WRONG}\n"
    (folder / "large.png").unlink()
    run("scan", folder, *catalogue)
    assert json.loads(run("status", *catalogue, "--json"))["damaged"] == 0
