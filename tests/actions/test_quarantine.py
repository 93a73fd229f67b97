"""The folder that files are moved to is remembered, whoever applies the plan and wherever the folder comes from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import phash_engine as ph
from phash_engine.actions import trash
from phash_engine.scanning import managed_folders


@pytest.fixture
def folder(sample: Path, tmp_path: Path) -> Path:
    """A collection with one photo twice, and the plan for it inside."""
    folder = tmp_path / "photos"
    (folder / "album").mkdir(parents=True)
    for name in ("lake.jpg", "copy of the lake.jpg"):
        shutil.copy(sample / "2023-lake" / "IMG_0412.jpg", folder / "album" / name)
    plan(folder, tmp_path / "photos.db", folder / "plan.json")
    return folder


def plan(folder: Path, catalogue: Path | None, target: Path) -> None:
    with ph.Catalogue(catalogue) as photos:
        photos.scan(folder)
        ph.Plan.from_groups(photos.find_duplicates(folder)).save(target)


def quarantines(catalogue: Path) -> list[str]:
    with ph.Catalogue(catalogue) as photos:
        return managed_folders.quarantines(photos)


def test_python_remembers_where_files_were_moved_to(folder: Path) -> None:
    catalogue = folder.parent / "photos.db"
    (would,) = ph.apply(folder / "plan.json", "move", move_to=folder / "aside", dry_run=True)
    assert (would.result, quarantines(catalogue)) == ("would", [])
    (outcome,) = ph.apply(folder / "plan.json", "move", move_to=folder / "aside")
    assert outcome.result == "done"
    assert Path(outcome.to).is_relative_to(folder / "aside")
    assert quarantines(catalogue) == [str(folder / "aside")]
    with ph.Catalogue(catalogue) as photos:
        assert [Path(photo.path).parent.name for photo in photos.photos()] == ["album"]
        assert photos.scan(folder).photos == 1
        assert photos.find_duplicates() == []
    (back,) = ph.undo(folder / "plan.json.journal.jsonl")
    assert back.result == "done"
    with ph.Catalogue(catalogue) as photos:
        assert len(list(photos.photos())) == 2


def test_python_refuses_a_folder_with_photos_before_it_does_anything(folder: Path) -> None:
    with pytest.raises(ph.UsageError, match="has photos of the collection, such as"):
        ph.apply(folder / "plan.json", "move", move_to=folder / "album")
    assert len(list((folder / "album").iterdir())) == 2
    assert not (folder / "plan.json.journal.jsonl").exists()


def test_the_folder_beside_the_plan_is_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trash, "_is_usable", lambda _: False)
    catalogue, beside = folder.parent / "photos.db", folder / "plan.json.quarantine"
    (would,) = ph.apply(folder / "plan.json", dry_run=True)
    assert (would.action, would.result, quarantines(catalogue)) == ("move", "would", [])
    (outcome,) = ph.apply(folder / "plan.json")
    assert (outcome.action, outcome.result) == ("move", "done")
    assert Path(outcome.to).is_relative_to(beside)
    assert quarantines(catalogue) == [str(beside)]
    with ph.Catalogue(catalogue) as photos:
        assert photos.scan(folder).photos == 1


@pytest.mark.parametrize("kind", ["none", "gone"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_without_a_catalogue_nothing_is_moved_among_the_photos(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    monkeypatch.setattr(trash, "_is_usable", lambda _: False)
    catalogue = None if kind == "none" else folder.parent / "gone.db"
    inside, outside = folder / "album" / "plan.json", folder.parent / "plan.json"
    for target in (inside, outside):
        plan(folder, catalogue, target)
    if catalogue:
        catalogue.unlink()
    (outcome,) = ph.apply(inside, dry_run=dry_run)
    assert outcome.result == "skipped"
    assert "is among the photos, and scans would not pass over it" in outcome.reason
    (outcome,) = ph.apply(outside, dry_run=dry_run)
    assert outcome.result == ("would" if dry_run else "done")
