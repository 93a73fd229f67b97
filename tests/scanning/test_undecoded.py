"""Files that cannot be decoded: equal bytes are duplicates, whatever they are."""

from __future__ import annotations

import io
import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import phash_engine as ph
from phash_engine.cli import cli
from phash_engine.hashing.views import MatchType
from tests.pictures import save, scene


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def _jpeg() -> bytes:
    file = io.BytesIO()
    scene(1).resize((800, 600)).save(file, "JPEG", quality=90)
    return file.getvalue()


def _tiff() -> bytes:
    """A TIFF of float samples, some of them no numbers."""
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8), np.nan, dtype=np.float32)).save(file, "TIFF")
    return file.getvalue()


KINDS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "more than the limit": ("a.png", lambda: _png(20_000, 15_000)),
    "cut": ("a.jpg", lambda: _jpeg()[:5000]),
    "no numbers": ("a.tif", _tiff),
    "unknown format": ("a.heic", lambda: b"no picture at all" * 100),
}


@pytest.mark.parametrize("kind", KINDS)
def test_equal_bytes_that_cannot_be_decoded_are_duplicates(kind: str, tmp_path: Path) -> None:
    name, make = KINDS[kind]
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / name).write_bytes(make())
    shutil.copy(folder / name, folder / f"copy of {name}")
    (folder / f"other {name}").write_bytes(make() + b"\0")
    plan = tmp_path / "plan.json"

    with ph.Catalogue(tmp_path / "photos.db") as catalogue:
        report = catalogue.scan(folder)
        assert len(report.failures) == 3
        groups = catalogue.find_duplicates()
        assert [(len(group.duplicates), group.keeper.is_decoded) for group in groups] == [(1, False)]
        assert {pair.match_type for pair in groups[0].pairs} == {MatchType.IDENTICAL}
        found = catalogue.find(folder / name)
        assert [(Path(match.path).name, match.match_type) for match in found] == [
            (name, MatchType.IDENTICAL),
            (f"copy of {name}", MatchType.IDENTICAL),
        ]
        with pytest.raises(ph.ImageError):
            catalogue.find(make() + b"\0\0")
        assert catalogue.counts()["photos"] == 0
        assert list(catalogue.photos()) == []
        again = catalogue.scan(folder)
        assert (again.known_failures, again.failures) == (3, [])

    options = ["--catalogue", str(tmp_path / "photos.db")]
    assert "not decoded" in _phash("dedupe", *options, "--plan", str(plan))
    (record,) = map(json.loads, _phash("dedupe", *options, "--json").splitlines())
    assert record["is_decoded"] is False
    _phash("apply", str(plan), "--move-to", str(tmp_path / "aside"))
    assert len(list(folder.iterdir())) == 2
    _phash("undo", f"{plan}.journal.jsonl")
    assert len(list(folder.iterdir())) == 3


def _phash(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_file_that_can_be_decoded_later_is_a_photo(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(_jpeg()[:5000])
    with ph.Catalogue(None) as catalogue:
        catalogue.scan(tmp_path)
        save(path, scene(2))
        assert catalogue.scan(tmp_path).decoded == 1
        assert [(photo.is_decoded, photo.fault) for photo in catalogue.photos()] == [(True, "")]
        path.write_bytes(_jpeg()[:5000])
        catalogue.scan(tmp_path)
        assert list(catalogue.photos()) == []
        assert catalogue.counts()["photos"] == 0


def test_empty_files_are_no_copies_of_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").touch()
    with ph.Catalogue(None) as catalogue:
        assert len(catalogue.scan(tmp_path).failures) == 2
        assert catalogue.find_duplicates() == []


def test_an_undecoded_file_that_goes_is_forgotten(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"no picture")
    with ph.Catalogue(None) as catalogue:
        catalogue.scan(tmp_path)
        (tmp_path / "a.png").unlink()
        catalogue.scan(tmp_path)
        assert catalogue.find_duplicates() == []
        (tmp_path / "a.png").write_bytes(b"no picture")
        catalogue.scan(tmp_path)
        assert len(catalogue.find_duplicates()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_copies_that_cannot_be_decoded_are_identical(kind: str, tmp_path: Path) -> None:
    name, make = KINDS[kind]
    one, copy, other = (tmp_path / f"{start}{name}" for start in ("one", "copy", "other"))
    for path in (one, copy):
        path.write_bytes(make())
    other.write_bytes(make() + b"\0")
    found = ph.compare(one, copy, verify=True)
    assert (found.is_match, found.match_type, found.distance) == (True, MatchType.IDENTICAL, 0)
    assert found.fingerprints is None
    assert _phash("compare", str(one), str(copy), "--explain") == "distance      0  match: identical, not decoded\n"
    record = json.loads(_phash("compare", str(one), str(copy), "--json"))
    assert (record["match_type"], record["codes"], record["is_decoded"]) == ("identical", {}, False)
    with pytest.raises(ph.ImageError):
        ph.compare(one, other)


def test_empty_files_do_not_compare(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    with pytest.raises(ph.ImageError, match="empty file"):
        ph.compare(tmp_path / "a.jpg", tmp_path / "b.jpg")
