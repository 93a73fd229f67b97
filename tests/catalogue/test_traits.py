"""Traits in the catalogue: what was read comes back, as objects and as columns; gaps are filled on request."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from phash_engine import images
from phash_engine.catalogue import Store
from phash_engine.hashing import hashers
from phash_engine.scanning.scan import scan
from tests.catalogue.samples import VERSIONS, query
from tests.cli.test_cli import invoke
from tests.pictures import save, scene


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    save(folder / "shot.jpg", scene(1), taken="2020:01:02 03:04:05", fraction="25")
    save(folder / "plain.png", scene(2))
    first, *others = [scene(number) for number in range(3, 8)]
    first.save(folder / "pages.tif", save_all=True, append_images=others)
    return folder


def test_what_was_read_comes_back(folder: Path) -> None:
    with Store(None) as catalogue:
        scan(folder, catalogue)
        contents = {Path(photo.path).name: photo.content_id for photo in catalogue.photos()}
        traits, planes = catalogue.traits.of(list(contents.values())), catalogue.traits.planes(list(contents.values()))
        for name, content in contents.items():
            reading = images.read_file((folder / name).read_bytes(), str(folder / name))
            assert traits[content] == reading.traits
            assert np.array_equal(planes[content], reading.grey)
            frames = catalogue.traits.frames([content]).get(content, {})
            assert list(frames) == list(reading.frames)
            for number, block in reading.frames.items():
                assert np.array_equal(frames[number], hashers.hash_blocks(block[np.newaxis])[0])
        assert traits[contents["shot.jpg"]].taken_us == 1_577_934_245_250_000
        assert traits[contents["shot.jpg"]].has_gps is False
        assert traits[contents["pages.tif"]].frames == len(
            catalogue.traits.frames([contents["pages.tif"]])[contents["pages.tif"]]
        )


def test_columns_are_read_in_one_pass(folder: Path) -> None:
    with Store(None) as catalogue:
        scan(folder, catalogue)
        contents = {photo.content_id: Path(photo.path).name for photo in catalogue.photos()}
        columns = catalogue.traits.columns(["taken_us", "encoder_quality", "has_gps"])
        assert list(columns) == ["contents", "taken_us", "encoder_quality", "has_gps"]
        names = [contents[content] for content in columns["contents"].tolist()]
        taken = dict(zip(names, columns["taken_us"].tolist(), strict=True))
        assert taken["shot.jpg"] == 1_577_934_245_250_000
        assert math.isnan(taken["plain.png"])
        assert columns["has_gps"].tolist() == [0, 0, 0]
        with pytest.raises(ValueError, match="camera: no numeric trait; there are encoder_quality"):
            catalogue.traits.columns(["camera"])


def test_traits_go_with_their_content(folder: Path) -> None:
    with Store(None) as catalogue:
        scan(folder, catalogue)
        catalogue.forget(str(folder))
        assert catalogue.traits.columns([])["contents"].size == 0
        assert [catalogue._database.value(f"SELECT count(*) FROM {table}") for table in ("planes", "frames")] == [0, 0]


def test_gaps_are_filled_by_a_scan_that_is_asked_to(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "photos.db"
    with Store(path) as catalogue:
        scan(folder, catalogue)
        before = catalogue.code_columns().codes.tolist()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DELETE FROM traits; DELETE FROM planes; DELETE FROM frames;")
    with Store(path) as catalogue:
        assert scan(folder, catalogue).unchanged == 3
        assert catalogue.traits.columns([])["contents"].size == 0
        save(folder / "plain.png", scene(9))
        scan(folder, catalogue)  # what has to be read is read whole
        assert catalogue.traits.columns([])["contents"].size == 1
        report = scan(folder, catalogue, refresh=True)
        assert (report.decoded, report.unchanged) == (2, 1)
        assert catalogue.traits.columns([])["contents"].size == 3
        assert scan(folder, catalogue, refresh=True).unchanged == 3
        after = catalogue.code_columns().codes.tolist()
        assert sum(codes in after for codes in before) == 2  # the same bits as before, of what did not change


def test_failures_without_a_digest_are_read_again_on_request(tmp_path: Path) -> None:
    folder, path = tmp_path / "photos", tmp_path / "photos.db"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(b"no picture")
    with Store(path) as catalogue:
        scan(folder, catalogue)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DELETE FROM photos; DELETE FROM contents")  # as an older version left it
    with Store(path) as catalogue:
        assert scan(folder, catalogue).known_failures == 2
        assert len(scan(folder, catalogue, refresh=True).failures) == 2
        assert len(catalogue.photos_with_digest(query(path, "SELECT digest FROM contents")[0][0])) == 2  # type: ignore[arg-type]
        assert scan(folder, catalogue, refresh=True).known_failures == 2


@pytest.mark.parametrize("dump", VERSIONS[:9], ids=[path.stem for path in VERSIONS[:9]])
def test_an_older_file_is_filled_by_the_command(tmp_path: Path, dump: Path, folder: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    invoke("scan", folder, "--refresh", "--catalogue", path)
    assert query(path, "SELECT count(*) FROM traits") == [(3,)]


def test_damaged_files_are_listed_whether_they_are_read_or_not(tmp_path: Path, folder: Path) -> None:
    whole = (folder / "shot.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "words.jpg").write_bytes(b"no picture")
    path = tmp_path / "photos.db"
    invoke("scan", folder, "--catalogue", path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE contents SET intact = 0, fault = 'wrong checksum' WHERE format = 'PNG'")
        connection.commit()
    listed = [line.split("\t") for line in invoke("failures", "--damaged", "--catalogue", path).output.splitlines()]
    assert [Path(name).name for name, _ in listed] == ["cut.jpg", "plain.png"]
    assert listed[1][1] == "wrong checksum"
    assert invoke("failures", "--damaged", folder / "none", "--catalogue", path).stderr == "phash: no damaged files\n"
