"""Files of one shot are one photo with sidecars: which of them is the photo, and what a scan does with the others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from phash_engine.catalogue.store import Store
from phash_engine.cli import cli
from phash_engine.images import Movie
from phash_engine.scanning import sidecars
from phash_engine.scanning.scan import scan
from tests.movies import KEY, LIVE_ID, header, metadata, movie
from tests.plain import find_groups

IDENTIFIER = {f"{KEY}content.identifier": LIVE_ID}

# ── which photo a sidecar has ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        ("a.jpg a.nef", "a.nef>a.jpg"),
        ("a.JPG a.Nef a.XMP", "a.Nef>a.JPG a.XMP>a.JPG"),
        ("a.jpg A.nef", ""),
        ("a.jpg sub/a.nef", ""),
        ("a.heic a.mov a.aae", "a.mov>a.heic a.aae>a.heic"),
        ("a.heic a.jpg a.dng a.mov", "a.dng>a.heic a.mov>a.heic"),
        ("a.jpg a.png a.tif", ""),
        ("a.jpg a.png a.xmp", "a.xmp>a.jpg"),
        ("a.png a.aae", "a.aae>a.png"),
        ("a.png a.mov", ""),
        ("a.tif a.nef a.xmp", "a.xmp>a.nef"),
        ("a.cr2 a.dng a.jpg", "a.cr2>a.jpg a.dng>a.jpg"),
        ("a.cr2 a.dng a.xmp", "a.xmp>a.cr2"),
        ("a.jpg.xmp a.jpg", "a.jpg.xmp>a.jpg"),
        ("a.nef.xmp a.nef a.jpg", "a.nef.xmp>a.jpg a.nef>a.jpg"),
        ("a.jpg.nef a.jpg", "a.jpg.nef>a.jpg"),
        ("a.xmp a.mov a.aae", ""),
        (".jpg .nef", ""),
        ("a.txt a.jpg a", ""),
    ],
)
def test_each_sidecar_has_its_photo(names: str, pairs: str) -> None:
    paths = [f"/p/{name}" for name in names.split()]
    expected = dict(pair.split(">") for pair in pairs.split())
    for order in (paths, paths[::-1]):
        found = sidecars.pair(order)
        assert {path[3:]: photo[3:] for path, photo in found.items()} == expected


def test_what_is_not_a_photo_has_no_sidecars() -> None:
    paths = ["/p/a.heic", "/p/a.jpg", "/p/a.nef", "/p/a.xmp", "/p/a.jpg.xmp"]
    assert sidecars.pair(paths, {"/p/a.heic"}) == dict.fromkeys(["/p/a.nef", "/p/a.xmp", "/p/a.jpg.xmp"], "/p/a.jpg")
    assert sidecars.pair(paths, {"/p/a.heic", "/p/a.jpg"}) == {"/p/a.xmp": "/p/a.nef"}
    assert sidecars.pair(paths, set(paths)) == {}


# ── scans ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def catalogue() -> Iterator[Store]:
    with Store(None) as catalogue:
        yield catalogue


def draw(path: Path, seed: int) -> Path:
    """Draw a picture that no other seed resembles; bytes decide what is read, so that a RAW may be a PNG here."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8), dtype=np.uint8)
    Image.fromarray(np.kron(cells, np.ones((10, 10), dtype=np.uint8))).save(path, "PNG")
    return path


def shot(root: Path, *names: str) -> None:
    """Make files of one shot; edits and films are a few bytes."""
    for name in names:
        if name.lower().endswith((".xmp", ".aae", ".mov")):
            (root / name).write_bytes(b"no picture")
        else:
            draw(root / name, 1)


def photos(catalogue: Store) -> list[str]:
    return [Path(photo.path).name for photo in catalogue.photos()]


def sidecars_of(catalogue: Store, path: Path) -> list[str]:
    return [Path(name).name for name in catalogue.sidecars.of([str(path)]).get(str(path), ())]


def test_the_raw_of_a_jpeg_is_neither_read_nor_a_duplicate(tmp_path: Path, catalogue: Store) -> None:
    shot(tmp_path, "a.jpg", "a.NEF", "a.xmp", "copy.jpg")
    report = scan([tmp_path], catalogue)
    assert (report.photos, report.sidecars, report.skipped, report.failures) == (2, 2, 0, [])
    assert photos(catalogue) == ["a.jpg", "copy.jpg"]
    assert sidecars_of(catalogue, tmp_path / "a.jpg") == ["a.NEF", "a.xmp"]
    assert sidecars_of(catalogue, tmp_path / "copy.jpg") == []
    (group,) = find_groups(catalogue)
    assert [Path(path).name for path in (group.keeper, *group.duplicates)] == ["a.jpg", "copy.jpg"]
    again = scan([tmp_path], catalogue)
    assert (again.unchanged, again.sidecars, again.decoded) == (2, 2, 0)


def test_sidecars_come_and_go(tmp_path: Path, catalogue: Store) -> None:
    shot(tmp_path, "a.jpg")
    scan([tmp_path], catalogue)
    shot(tmp_path, "a.nef", "a.xmp")
    scan([tmp_path], catalogue)
    assert sidecars_of(catalogue, tmp_path / "a.jpg") == ["a.nef", "a.xmp"]
    (tmp_path / "a.xmp").unlink()
    scan([tmp_path], catalogue)
    assert sidecars_of(catalogue, tmp_path / "a.jpg") == ["a.nef"]


def test_a_photo_that_becomes_a_sidecar_is_no_longer_a_photo(tmp_path: Path, catalogue: Store) -> None:
    draw(tmp_path / "a.nef", 5)
    (tmp_path / "b.nef").write_bytes(b"damaged")
    assert len(scan([tmp_path], catalogue).failures) == 1
    shot(tmp_path, "a.jpg", "b.jpg")
    scan([tmp_path], catalogue)
    assert photos(catalogue) == ["a.jpg", "b.jpg"]
    assert catalogue.failures.below() == []
    assert catalogue.counts()["contents"] == catalogue.counts()["codes"] == 1  # those of the RAW are gone


@pytest.mark.parametrize("change", ["missing", "hidden", "damaged", "excluded"])
def test_a_raw_whose_jpeg_is_no_photo_is_its_own(tmp_path: Path, catalogue: Store, change: str) -> None:
    shot(tmp_path, "a.jpg", "a.nef", "a.xmp")
    scan([tmp_path], catalogue)
    path = tmp_path / "a.jpg"
    whole = path.read_bytes()
    match change:
        case "missing":
            path.unlink()
        case "hidden":
            path.rename(tmp_path / ".a.jpg")
        case "damaged":
            path.write_bytes(b"damaged")
    for _ in range(2):
        report = scan([tmp_path], catalogue, exclude=["*.jpg"] if change == "excluded" else [])
        assert "a.nef" in photos(catalogue)
        assert sidecars_of(catalogue, tmp_path / "a.nef") == ["a.xmp"]
        assert (sidecars_of(catalogue, path), report.sidecars) == ([], 1)
    path.write_bytes(whole)
    scan([tmp_path], catalogue)
    assert photos(catalogue) == ["a.jpg"]
    assert sidecars_of(catalogue, path) == ["a.nef", "a.xmp"]


def test_a_first_scan_takes_the_raw_of_a_damaged_jpeg(tmp_path: Path, catalogue: Store) -> None:
    shot(tmp_path, "a.nef", "a.xmp")
    (tmp_path / "a.jpg").write_bytes(b"damaged")
    report = scan([tmp_path], catalogue)
    assert (photos(catalogue), len(report.failures), report.sidecars) == (["a.nef"], 1, 1)
    assert sidecars_of(catalogue, tmp_path / "a.nef") == ["a.xmp"]


def test_pairing_is_switched_between_scans(tmp_path: Path, catalogue: Store) -> None:
    shot(tmp_path, "a.jpg", "a.nef", "a.xmp")
    for _ in range(2):
        scan([tmp_path], catalogue)
        assert (photos(catalogue), len(sidecars_of(catalogue, tmp_path / "a.jpg"))) == (["a.jpg"], 2)
        report = scan([tmp_path], catalogue, pairing=False)
        assert (photos(catalogue), sidecars_of(catalogue, tmp_path / "a.jpg")) == (["a.jpg", "a.nef"], [])
        assert (report.sidecars, report.skipped) == (0, 1)


def test_other_folders_and_folders_that_are_away_keep_their_sidecars(tmp_path: Path, catalogue: Store) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shot(tmp_path / name, "a.jpg", "a.nef")
    scan([tmp_path], catalogue)
    scan([tmp_path / "one"], catalogue, pairing=False)
    assert sidecars_of(catalogue, tmp_path / "two" / "a.jpg") == ["a.nef"]
    (tmp_path / "two").rename(tmp_path.parent / f"{tmp_path.name}-away")
    assert scan([tmp_path / "two"], catalogue).unreachable
    assert sidecars_of(catalogue, tmp_path / "two" / "a.jpg") == ["a.nef"]
    shutil.rmtree(tmp_path.parent / f"{tmp_path.name}-away")


def test_a_sidecar_only_excluded_this_time_stays_and_forget_drops_it(tmp_path: Path, catalogue: Store) -> None:
    shot(tmp_path, "a.jpg", "a.xmp")
    scan([tmp_path], catalogue)
    scan([tmp_path], catalogue, exclude=["*.xmp"])
    assert sidecars_of(catalogue, tmp_path / "a.jpg") == ["a.xmp"]
    catalogue.forget(str(tmp_path))
    assert sidecars_of(catalogue, tmp_path / "a.jpg") == []


def test_scan_counts_sidecars_and_dedupe_shows_them_in_its_text_alone(tmp_path: Path) -> None:
    shot(tmp_path, "a.jpg", "a.nef", "b.jpg", "b.xmp")
    scanned = CliRunner().invoke(cli, ["scan", str(tmp_path), "--catalogue", str(tmp_path / ".db"), "--json"])
    assert json.loads(scanned.stdout)["sidecars"] == 2
    command = ["dedupe", str(tmp_path), "--no-catalogue"]
    lines = CliRunner().invoke(cli, command).stdout.splitlines()
    assert lines.pop(1).strip().startswith("kept: ")
    assert [Path(line.split()[-1]).name for line in lines] == ["a.jpg", "a.nef", "b.jpg", "b.xmp"]
    (record,) = map(json.loads, CliRunner().invoke(cli, [*command, "--json"]).stdout.splitlines())
    assert not {"a.nef", "b.xmp"} & {Path(path).name for path in (record["keeper"], *record["duplicates"])}
    separate = CliRunner().invoke(cli, [*command, "--pairs", "separate", "--json"]).stdout
    assert len(json.loads(separate)["duplicates"]) == 2


def test_the_movie_of_a_live_photo_is_read_once(tmp_path: Path, catalogue: Store) -> None:
    shot(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "a.mov").write_bytes(movie(header(2_082_844_801, 600, 1500), metadata(IDENTIFIER)))
    (tmp_path / "b.MOV").write_bytes(b"no movie")
    (tmp_path / "c.mov").write_bytes(movie(metadata(IDENTIFIER)))
    names = [str(tmp_path / name) for name in ("a.jpg", "b.jpg")]
    for _ in range(2):
        scan([tmp_path], catalogue)
        assert catalogue.sidecars.movies(names) == {
            names[0]: {str(tmp_path / "a.mov"): Movie(LIVE_ID, 1_000_000, 2.5)},
            names[1]: {str(tmp_path / "b.MOV"): Movie()},
        }
    with mock.patch("phash_engine.images.movie.read", side_effect=AssertionError):
        scan([tmp_path], catalogue)  # nothing has changed
    (tmp_path / "a.mov").write_bytes(movie(header(2_082_844_801, 600, 3000)))
    scan([tmp_path], catalogue)
    assert catalogue.sidecars.movies(names[:1])[names[0]] == {str(tmp_path / "a.mov"): Movie(None, 1_000_000, 5.0)}


def test_a_movie_whose_photo_changes_keeps_what_was_read(tmp_path: Path, catalogue: Store) -> None:
    shot(tmp_path, "a.jpg")
    (tmp_path / "a.mov").write_bytes(movie(metadata(IDENTIFIER)))
    scan([tmp_path], catalogue)
    shot(tmp_path, "a.heic")
    (tmp_path / "a.jpg").unlink()
    (tmp_path / "a.heic").rename(tmp_path / "a.jpeg")
    scan([tmp_path], catalogue)
    photo = str(tmp_path / "a.jpeg")
    assert catalogue.sidecars.movies([photo]) == {photo: {str(tmp_path / "a.mov"): Movie(LIVE_ID)}}
