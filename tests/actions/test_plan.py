"""From the catalogue to a plan, and the commands as people use them: dedupe --plan, apply, undo, scan --rebuild."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from phash_engine import _json
from phash_engine.actions import plan, steps
from phash_engine.actions.journal import SUFFIX
from phash_engine.catalogue.store import Store
from phash_engine.cli import INTERRUPTED, cli
from phash_engine.grouping.groups import find_groups
from phash_engine.scanning.scan import scan
from tests.faults import tree

Run = subprocess.CompletedProcess[str]


@pytest.fixture
def home(tmp_path: Path, sample: Path) -> Path:
    """A home folder with a collection in it: near copies, equal copies, sidecars, odd names."""
    photos = tmp_path / "photos"
    shutil.copytree(sample / "2023-lake", photos / "lake")
    (photos / "copies").mkdir()
    shutil.copy(photos / "lake" / "IMG_0412.jpg", photos / "copies" / "caf\udce9.jpg")
    shutil.copy(photos / "lake" / "IMG_0433.jpg", photos / "copies" / "lake 33.jpg")
    (photos / "copies" / "lake 33.xmp").write_text("edits")
    return tmp_path


def phash(home: Path, *arguments: str | Path) -> Run:
    environment = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
    environment["PHASH_CATALOGUE"] = str(home / "photos.db")
    command = [sys.executable, "-m", "phash_engine", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", errors="surrogateescape")


def planned(home: Path) -> Path:
    path = home / "plan.json"
    run = phash(home, "dedupe", home / "photos", "--plan", path)
    assert run.returncode == 0
    assert f"phash: {path}: " in run.stderr
    return path


def test_from_duplicates_to_the_trash_and_back(home: Path) -> None:
    path = planned(home)
    before = tree(home / "photos")
    would = phash(home, "apply", path, "--dry-run")
    assert tree(home / "photos") == before
    run = phash(home, "apply", path)
    assert (run.returncode, run.stdout) == (0, would.stdout)
    assert f"phash undo {path}{SUFFIX}" in run.stderr
    gone = {line.split("  ")[-1].strip() for line in run.stdout.splitlines()}
    assert set(before) - set(tree(home / "photos")) == gone
    assert {Path(name).name for name in gone} >= {"caf\udce9.jpg", "lake 33.jpg", "lake 33.xmp"}
    with Store(home / "photos.db") as catalogue:
        assert {photo.path for photo in catalogue.photos()} == {
            name for name in tree(home / "photos") if not name.endswith(".xmp")
        }
    back = phash(home, "undo", f"{path}{SUFFIX}")
    assert back.returncode == 0
    assert tree(home / "photos") == before
    with Store(home / "photos.db") as catalogue:
        assert scan([home / "photos"], catalogue).unchanged == catalogue.counts()["photos"]
        assert catalogue.counts()["missing"] == 0


def test_every_file_is_planned_with_all_it_is_known_by(home: Path) -> None:
    found = json.loads(planned(home).read_bytes())
    assert found["phash_plan"] == 1
    assert found["catalogue"] == str(home / "photos.db")
    files = [photo for group in found["groups"] for photo in (group["keeper"], *group["others"])]
    for photo in files:
        path = Path(_json.loads(json.dumps(photo).encode())["path"])
        status = path.stat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert (photo["size"], photo["mtime_ns"], photo["digest"]) == (status.st_size, status.st_mtime_ns, digest)
    assert sum("path_b64" in photo for photo in files) == 1
    assert [Path(c["path"]).name for photo in files for c in photo.get("companions", [])] == ["lake 33.xmp"]


def test_references_are_marked_and_photos_never_read_left_out(home: Path) -> None:
    archive = home / "photos" / "lake"
    with Store(None) as catalogue:
        scan([home / "photos"], catalogue)
        groups = find_groups(catalogue, references=[str(archive)])
        group, *_ = groups
        catalogue.add_fingerprints(["/else/a.jpg", "/else/b.jpg"], np.full((2, 5), 9, dtype=np.uint64))
        unread = [photo for photo in catalogue.photos() if photo.digest is None]
        elsewhere = [group._replace(keeper=unread[0]), group._replace(duplicates=(unread[1],))]
        series = group._replace(is_series=True)
        groups[:] = [group, *elsewhere, series]
        made = plan.make(groups)
    (only,) = made.groups
    assert (only.keeper.path, [photo.path for photo in only.duplicates]) == (
        group.keeper.path,
        [photo.path for photo in group.duplicates],
    )
    for photo in (only.keeper, *only.kept, *only.duplicates):
        assert photo.reference == photo.path.startswith(f"{archive}/")
    assert made.catalogue == ""


def test_a_plan_leaves_references_alone(home: Path) -> None:
    path, archive = home / "plan.json", home / "photos" / "lake"
    before = tree(archive)
    run = phash(home, "dedupe", home / "photos" / "copies", "--reference", archive, "--plan", path)
    assert run.returncode == 0
    assert phash(home, "apply", path).returncode == 0
    assert tree(archive) == before
    assert not list((home / "photos" / "copies").iterdir())


def test_a_folder_behind_a_link_is_known_by_its_real_name(home: Path) -> None:
    (home / "link").symlink_to(home / "photos")
    with Store(None) as catalogue:
        scan([home / "link"], catalogue)
        made = plan.make(find_groups(catalogue))
    keeper = made.groups[0].keeper
    assert keeper.path.startswith(f"{home}/link/")
    assert keeper.folder.startswith(f"{home}/photos/")
    plan.write(made, str(home / "plan.json"))
    assert phash(home, "apply", home / "plan.json", "--dry-run").returncode == 0


def test_no_duplicates_are_a_plan_of_nothing(home: Path) -> None:
    shutil.rmtree(home / "photos" / "copies")
    path = home / "plan.json"
    assert phash(home, "dedupe", home / "photos" / "lake", "--radius", "0", "--plan", path).returncode == 0
    run = phash(home, "apply", path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "phash: nothing to do\n")


def test_apply_reports_what_it_skipped(home: Path) -> None:
    path = planned(home)
    (home / "photos" / "copies" / "lake 33.jpg").write_bytes(b"edited")
    run = phash(home, "apply", path, "--move-to", home / "moved", "--json")
    assert run.returncode == 1
    lines: list[dict[str, Any]] = [json.loads(line) for line in run.stdout.splitlines()]
    (left,) = [record for record in lines if record["result"] == "skipped"]
    assert left["path"].endswith("lake 33.jpg")
    assert {record["action"] for record in lines} == {"move"}
    assert left["reason"] == "has changed since the plan was made"
    assert all(Path(record["to"]).exists() for record in lines if record is not left and "path_b64" not in record)
    assert "1 file skipped" in run.stderr


def complaint(run: Run) -> str:
    assert run.returncode == 2
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    return line


def test_mistakes_get_one_line(home: Path) -> None:
    path = planned(home)
    photo = home / "photos" / "lake" / "IMG_0412.jpg"
    before = tree(home / "photos")
    assert "no such file" in complaint(phash(home, "apply", home / "none.json"))
    assert "is not a plan" in complaint(phash(home, "apply", photo))
    assert "exists and is not a plan" in complaint(phash(home, "dedupe", home / "photos", "--plan", photo))
    assert "there is no folder" in complaint(
        phash(home, "dedupe", home / "none", "--plan", home / "none" / "plan.json")
    )
    edited = home / "edited.json"
    edited.write_text(path.read_text().replace('"root"', "root", 1))
    assert "edited.json is not a plan (Expecting property name" in complaint(phash(home, "apply", edited))
    edited.write_text(path.read_text().replace('"keeper"', '"keeps"', 1))
    assert "edited.json: invalid plan: Object contains unknown field `keeps`: line 6 column 3" in complaint(
        phash(home, "apply", edited)
    )
    assert "exclude each other" in complaint(phash(home, "apply", path, "--move-to", "x", "--hardlink"))
    assert "exclude each other" in complaint(phash(home, "apply", path, "--symlink", "--permanently"))
    assert "no journal at" in complaint(phash(home, "undo", home / "none"))
    assert "is not a journal" in complaint(phash(home, "undo", path))
    assert "is not a journal" in complaint(phash(home, "undo", photo))
    phash(home, "apply", path)
    assert f"its journal is {path}{SUFFIX}" in complaint(phash(home, "undo", path))
    assert "was applied" in complaint(phash(home, "dedupe", home / "photos", "--plan", path))
    phash(home, "undo", f"{path}{SUFFIX}")
    assert phash(home, "undo", f"{path}{SUFFIX}").stderr == "phash: nothing to bring back: all files are back already\n"
    assert tree(home / "photos") == before


def test_a_series_of_shots_is_reported_and_kept(home: Path) -> None:
    for number, name in enumerate(["a.jpg", "b.jpg"]):
        with Image.open(home / "photos" / "lake" / "IMG_0412.jpg") as image:
            exif = image.getexif()
            exif.get_ifd(0x8769)[0x9003] = f"2024:05:05 10:00:0{number}"
            (home / "shots").mkdir(exist_ok=True)
            image.save(home / "shots" / name, exif=exif, quality=80 + number)
    run = phash(home, "dedupe", home / "shots", "--burst", "3", "--plan", home / "plan.json")
    assert "; series of shots, which plans leave alone: 1" in run.stderr
    assert run.stderr.endswith("plan.json: 0 files would go; 'phash apply --dry-run' says how\n")


def test_a_catalogue_that_is_away_is_no_obstacle(home: Path) -> None:
    path = planned(home)
    (home / "photos.db").unlink()
    run = phash(home, "apply", path, "--permanently")
    assert run.returncode == 0
    assert "the catalogue was not updated, the next scan will do it: no catalogue at" in run.stderr
    assert phash(home, "apply", path, "--symlink").stderr == "phash: 6 files done earlier\n"


def test_scan_rebuilds_a_damaged_catalogue(home: Path) -> None:
    planned(home)
    catalogue = home / "photos.db"
    catalogue.write_bytes(catalogue.read_bytes()[:5000])
    assert "'phash scan --rebuild DIR' makes a new one" in complaint(phash(home, "status"))
    run = phash(home, "scan", home / "photos", "--rebuild")
    assert run.returncode == 0
    assert f"the corrupt catalogue is {catalogue}.corrupt now" in run.stderr
    assert "is not corrupt, and is kept" in phash(home, "scan", home / "photos", "--rebuild").stderr


def test_moving_to_a_folder_among_the_photos_is_noted(home: Path) -> None:
    path = planned(home)
    inside = home / "photos" / "set aside"
    assert f"{inside} is among the photos" in phash(home, "apply", path, "--move-to", inside, "-n").stderr
    assert "is among the photos" not in phash(home, "apply", path, "--move-to", home / "moved", "-n").stderr


def test_a_reader_that_leaves_early_does_not_stop_the_work(home: Path) -> None:
    path = planned(home)
    command = [sys.executable, "-u", "-m", "phash_engine", "apply", str(path), "--move-to", str(home / "moved")]
    environment = {**os.environ, "PHASH_CATALOGUE": str(home / "photos.db")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as applying:
        assert applying.stdout is not None
        applying.stdout.close()
        assert applying.wait() == 0
    assert phash(home, "apply", path, "--move-to", home / "moved").stderr == "phash: 6 files done earlier\n"


def test_an_interruption_is_one_line_and_the_same_command_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = planned(home)
    monkeypatch.setenv("PHASH_CATALOGUE", str(home / "photos.db"))
    perform, left = steps.perform, iter([True, True, False])

    def interrupted(*arguments: Any) -> None:
        if not next(left):
            raise KeyboardInterrupt
        perform(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(steps, "perform", interrupted)
        arguments = ["apply", str(path), "--move-to", str(home / "moved")]
        result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert result.return_value == INTERRUPTED
    assert "the same command goes on from there" in result.stderr
    with Store(home / "photos.db") as catalogue:
        assert catalogue.counts()["missing"] == 2
    again = phash(home, "apply", path, "--move-to", home / "moved")
    assert again.returncode == 0
    assert "2 files done earlier" in again.stderr
