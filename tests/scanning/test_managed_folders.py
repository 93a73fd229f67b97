"""Trash, versions, thumbnails, stores and quarantines: which folders are recognised, and what a scan does with them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from phash_engine.actions import Plan, apply, trash
from phash_engine.catalogue.store import Store
from phash_engine.cli import cli
from phash_engine.errors import UsageError
from phash_engine.grouping.groups import find_groups
from phash_engine.library import Catalogue
from phash_engine.scanning import managed_folders
from phash_engine.scanning.managed_folders import ManagedFolders
from phash_engine.scanning.scan import scan
from tests.conftest import ROOT

LAKE = ROOT / "data" / "photos" / "2023-lake"
PICTURE, OTHER = LAKE / "IMG_0412.jpg", LAKE / "IMG_0433.jpg"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "photos.db") as catalogue:
        yield catalogue


def put(path: Path, picture: Path = PICTURE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(picture, path)
    return path


def names(catalogue: Store, root: Path) -> list[str]:
    return [Path(photo.path).relative_to(root).as_posix() for photo in catalogue.photos()]


# ── which ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("#recycle", "trash"),
        ("@Recycle", "trash"),
        ("$RECYCLE.BIN", "trash"),
        ("$Recycle.Bin", "trash"),
        ("RECYCLER", "trash"),
        (".Trash", "trash"),
        (".Trash-1000", "trash"),
        (".Trashes", "trash"),
        (".dtrash", "trash"),
        (".stversions", "versions"),
        ("#snapshot", "versions"),
        ("@eaDir", "thumbnails"),
        (".@__thumb", "thumbnails"),
        (".thumbnails", "thumbnails"),
        ("Photos Library.photoslibrary", "store"),
        ("Old.PhotosLibrary", "store"),
        ("Lightroom Catalog Previews.lrdata", "store"),
        ("Lightroom Catalog.lrcat-data", "store"),
        (".photoprism", "store"),
        ("plan.json.quarantine", "quarantine"),
    ],
)
def test_names_that_no_person_gives_are_enough(root: Path, catalogue: Store, name: str, kind: str) -> None:
    put(root / name / "deep" / "a.jpg")
    put(root / "b.jpg", OTHER)
    report = scan([root], catalogue)
    assert names(catalogue, root) == ["b.jpg"]
    assert [(folder.path, folder.kind) for folder in report.managed] == [(str(root / name), kind)]
    assert scan([root], catalogue, include_managed=True).photos == 2
    assert f"{name}/deep/a.jpg" in names(catalogue, root)


@pytest.mark.parametrize(
    "name",
    """cache Thumbs thumbnails Trash sidecar storage/cache encoded-video library upload originals Masters _data
    lost+found recycle Recycled eaDir photoslibrary my.lrcat quarantine""".split(),
)
def test_folders_that_are_only_called_so_are_scanned(root: Path, catalogue: Store, name: str) -> None:
    put(root / name / "a.jpg")
    report = scan([root], catalogue)
    assert names(catalogue, root) == [f"{name}/a.jpg"]
    assert not report.managed


@pytest.mark.parametrize(
    ("folder", "marks"),
    [
        ("thumbs", [".immich"]),
        ("thumbs", ["../encoded-video", "../upload"]),
        ("encoded-video", ["../thumbs", "../library"]),
        ("cache", ["../.ppstorage"]),
        ("storage/cache", ["thumbnails", "../../originals"]),
        ("cache", ["CACHEDIR.TAG"]),
        ("Trash", ["files", "info"]),
        ("RECYCLED", ["INFO2"]),
        ("files_trashbin", ["../files"]),
        ("appdata_oc1x2", ["preview"]),
    ],
)
def test_a_second_mark_counts_only_where_it_is_whole(
    root: Path, catalogue: Store, folder: str, marks: list[str]
) -> None:
    put(root / folder / "a.jpg")
    for mark in marks:
        assert scan([root], catalogue).photos == 1
        (root / folder / mark).mkdir()
    report = scan([root], catalogue)
    assert report.photos == 0
    assert [Path(found.path) for found in report.managed if found.path.endswith(folder)] == [root / folder]


def test_immich_and_photoprism_lose_no_originals(root: Path, catalogue: Store) -> None:
    """The whole layouts, as they are on disk."""
    for name in ("library", "upload", "thumbs", "encoded-video", "profile", "backups"):
        put(root / "immich" / name / "admin" / "2024" / "a.jpg")
        (root / "immich" / name / ".immich").touch()
    for name in ("originals/2024", "import", "storage/cache/thumbnails/0/1", "storage/sidecar/2024"):
        put(root / "photoprism" / name / "a.jpg")
    (root / "photoprism" / "storage" / ".ppstorage").touch()
    scan([root], catalogue)
    assert {name.split("/admin")[0] for name in names(catalogue, root)} == {
        *("immich/library", "immich/upload", "immich/profile", "immich/backups"),
        *("photoprism/originals/2024/a.jpg", "photoprism/import/a.jpg"),
    }


def test_a_folder_that_was_named_is_scanned(root: Path, catalogue: Store) -> None:
    trash, year = root / "#recycle", root / "#recycle" / "2019"
    put(year / "a.jpg")
    for folders in ([trash], [root, trash], [year], [root, year]):
        catalogue.forget(str(root))
        report = scan(folders, catalogue)
        assert names(catalogue, root) == ["#recycle/2019/a.jpg"]
        assert [folder.path for folder in report.managed_roots] == [str(trash)]
    assert not scan([root, trash], catalogue).managed


def test_excluded_folders_are_not_managed_too(root: Path, catalogue: Store) -> None:
    put(root / "@eaDir" / "a.jpg")
    report = scan([root], catalogue, exclude="@eaDir")
    assert (report.excluded, report.managed) == (1, [])


@pytest.mark.parametrize(("name", "application"), [("digikam4.db", "digiKam"), ("2024.lrcat", "Lightroom")])
def test_folders_with_a_database_are_scanned_with_a_notice(
    root: Path, catalogue: Store, name: str, application: str
) -> None:
    put(root / "album" / "a.jpg")
    (root / "album" / name).touch()
    report = scan([root], catalogue)
    assert report.photos == 1
    assert report.databases == [(str(root / "album" / name), application)]


# ── keepers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_photo_outside_is_kept_before_one_inside(root: Path, catalogue: Store) -> None:
    inside = [put(root / "#recycle" / "a.jpg"), put(root / ".stversions" / "b.jpg")]
    outside = put(root / "albums" / "with a longer path" / "of the summer.jpg")
    scan([root], catalogue, include_managed=True)
    assert find_groups(catalogue) == []
    assert find_groups(catalogue).left_out == 2
    for references in ([], [str(root / "#recycle")]):
        for group in find_groups(catalogue, references=references, include_managed=True):
            assert group.keeper.path == str(outside)
            assert group.reason.rule == "outside"
    (group,) = find_groups(catalogue, include_managed=True)
    assert {photo.path for photo in group.duplicates} == set(map(str, inside))


@pytest.mark.parametrize("mode", ["star", "complete", "component"])
def test_a_smaller_photo_outside_is_kept_before_a_larger_one_inside(root: Path, catalogue: Store, mode: str) -> None:
    larger = put(root / "@Recycle" / "a.jpg")
    with Image.open(larger) as picture:
        picture.resize((picture.width // 2, picture.height // 2)).save(root / "smaller.png")
    scan([root], catalogue, include_managed=True)
    (group,) = find_groups(catalogue, include_managed=True, mode=mode)
    assert (group.keeper.path, [photo.path for photo in group.duplicates]) == (str(root / "smaller.png"), [str(larger)])


def test_a_named_folder_is_compared_and_keeps_nothing(root: Path, catalogue: Store) -> None:
    put(root / "#recycle" / "a.jpg")
    put(root / "#recycle" / "b.jpg")
    put(root / "long enough" / "c.jpg")
    folders = [str(root), str(root / "#recycle")]
    scan(folders, catalogue)
    (group,) = find_groups(catalogue, folders=folders)
    assert (Path(group.keeper.path).name, len(group.duplicates)) == ("c.jpg", 2)
    (group,) = find_groups(catalogue, folders=folders[1:])
    assert len(group.duplicates) == 1


# ── quarantines ──────────────────────────────────────────────────────────────────────────────────────────────────────


def run(home: Path, *arguments: str | Path) -> Result:
    environment = {"PHASH_CATALOGUE": str(home / "photos.db"), "XDG_DATA_HOME": str(home / "photos" / "data")}
    return CliRunner().invoke(cli, [*map(str, arguments)], env=environment, standalone_mode=False)


def move_duplicates(home: Path, target: str | Path, number: int) -> Result:
    """Run ``dedupe`` and ``apply --move-to`` from inside the collection."""
    plan = home / f"{number}.json"
    assert run(home, "dedupe", ".", "--plan", plan).return_value == 0
    return run(home, "apply", plan, "--move-to", target)


@pytest.mark.parametrize("target", ["aside", "album/aside", "../photos/aside", "link", "caf\udce9 100%"])
def test_moving_duplicates_aside_twice_keeps_one_of_each(
    root: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        put(root / "album" / "of the summer at the lake" / f"{number}.jpg")
    put(root / "z" / "other.jpg", OTHER)
    (root / "real aside").mkdir()
    (root / "link").symlink_to(root / "real aside")
    monkeypatch.chdir(root)
    for number in range(3):
        assert move_duplicates(root.parent, target, number).return_value == 0
    aside = os.path.realpath(root / target)
    kept = [path for path in root.rglob("*.jpg") if not os.path.realpath(path).startswith(aside)]
    assert sorted(path.read_bytes() for path in kept) == sorted([PICTURE.read_bytes(), OTHER.read_bytes()])


def test_moving_duplicates_aside_from_python_keeps_one_of_each(root: Path) -> None:
    for number in range(2):
        put(root / "album" / "of the summer at the lake" / f"{number}.jpg")
    for number in range(2):
        plan = root.parent / f"{number}.json"
        with Catalogue(root.parent / "photos.db") as catalogue:
            catalogue.scan(root)
            Plan.from_groups(catalogue.find_duplicates()).save(plan)
        list(apply(str(plan), "move", move_to=str(root / "aside")))
    assert [path.parent.name for path in root.rglob("*.jpg")].count("aside") == 1
    assert len(list(root.rglob("*.jpg"))) == 2


@pytest.mark.skipif(not trash.IS_OURS, reason="tells that there is no trash by the folders of freedesktop.org")
def test_the_quarantine_of_a_plan_inside_the_collection_is_passed_over(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "_is_usable", lambda _: False)
    for number in range(2):
        put(root / "album" / "of the summer at the lake" / f"{number}.jpg")
    for number in range(2):
        plan = root / f"{number}.json"
        assert run(root.parent, "dedupe", root, "--plan", plan).return_value == 0
        assert run(root.parent, "apply", plan).return_value == 0
    assert sorted(path.parent.name for path in root.rglob("*.jpg")) == [
        "0.json.quarantine",
        "of the summer at the lake",
    ]


def test_files_that_were_moved_aside_are_never_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        put(root / "album" / "of the summer at the lake" / f"{number}.jpg")
    monkeypatch.chdir(root)
    assert move_duplicates(root.parent, "a", 1).return_value == 0
    found = run(root.parent, "dedupe", ".", "--include-managed", "--json").stdout
    record = json.loads(found)
    assert Path(record["keeper"]).parent.parent.name == "album"
    assert {Path(path).parent for path in record["duplicates"]} == {root / "a"}
    scanned = json.loads(run(root.parent, "scan", ".", "--json").stdout)
    assert scanned["managed"] == {"quarantine": 1}


@pytest.mark.parametrize("target", [".", "album", ".."])
def test_a_target_with_photos_of_its_own_is_refused(root: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        put(root / "album" / f"{number}.jpg")
    monkeypatch.chdir(root)
    plan = root.parent / "plan.json"
    run(root.parent, "dedupe", ".", "--plan", plan)
    for more in ([], ["--dry-run"]):
        refused = run(root.parent, "apply", plan, "--move-to", target, *more)
        assert isinstance(refused.exception, UsageError)
        assert "has photos of the collection, such as" in str(refused.exception)
    assert len(list(root.rglob("*.jpg"))) == 2
    assert run(root.parent, "scan", ".").return_value == 0
    with Store(root.parent / "photos.db") as catalogue:
        assert managed_folders.quarantines(catalogue) == []


def test_a_plan_without_a_catalogue_moves_nothing_into_the_collection(root: Path) -> None:
    for number in range(2):
        put(root / "album" / f"{number}.jpg")
    plan = root.parent / "plan.json"
    run(root.parent, "dedupe", root, "--no-catalogue", "--plan", plan)
    refused = run(root.parent, "apply", plan, "--move-to", root / "album" / "aside")
    assert isinstance(refused.exception, UsageError)
    assert run(root.parent, "apply", plan, "--move-to", root.parent / "aside").return_value == 0


def test_a_trash_inside_the_collection_is_passed_over(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("files/a.jpg", "files/b.jpg", "info/a.jpg.trashinfo"):
        put(root / "data" / "Trash" / name)
    put(root / "album" / "c.jpg")
    record = json.loads(run(root.parent, "scan", root, "--json").stdout)
    assert (record["photos"], record["managed"]) == (1, {"trash": 1})


def test_each_kind_is_said_once(root: Path) -> None:
    for number in range(5):
        put(root / str(number) / "@eaDir" / "a.jpg")
    put(root / "#recycle" / "a.jpg")
    messages = run(root.parent, "scan", root).stderr
    assert messages.count("passed over: ") == 2
    assert "5 folders of thumbnails or caches (Synology)" in messages


def test_a_quarantine_is_known_by_any_path(tmp_path: Path) -> None:
    (tmp_path / "real" / "aside").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    managed = ManagedFolders([str(tmp_path / "real" / "aside")])
    assert managed.at(str(tmp_path / "link" / "aside"))
    assert managed.containing(str(tmp_path / "link" / "aside" / "2019"))
    assert not managed.at(str(tmp_path / "aside"))
