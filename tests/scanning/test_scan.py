"""Scanning real folders: what changed is read and nothing else; what is gone, back, broken, interrupted ends right."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from phash_engine import _files, images
from phash_engine._files import File, Unreadable
from phash_engine.catalogue import Content, PhotoColumns, Sighting, Store
from phash_engine.catalogue.schema import MIGRATIONS
from phash_engine.hashing.hashers import ALL_NAMES
from phash_engine.scanning import scan as scan_module
from phash_engine.scanning import workers as worker_module
from phash_engine.scanning.report import ScanReport
from phash_engine.scanning.scan import scan
from phash_engine.scanning.walk import Walk, walk_root
from tests.plain import find, find_groups

ROOT = Path(__file__).parents[2]


def all_have_codes(catalogue: Store) -> bool:
    contents = set(catalogue.code_columns(trust_all=True).contents.tolist())
    return all(photo.content_id in contents for photo in catalogue.photos())


class Counts:
    """Which files were read, and how many pictures decoded."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.decoded = 0

    def take(self) -> tuple[list[str], int]:
        """Return the counts so far and begin again."""
        taken = sorted(self.read), self.decoded
        self.read, self.decoded = [], 0
        return taken


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    counts = Counts()
    read, read_file = _files.read, images.read_file

    def counting_read(path: str) -> tuple[File, bytes]:
        counts.read.append(Path(path).name)
        return read(path)

    def counting_read_file(*arguments: Any, **views: Any) -> object:
        counts.decoded += 1
        return read_file(*arguments, **views)

    monkeypatch.setattr(_files, "read", counting_read)
    monkeypatch.setattr(images, "read_file", counting_read_file)
    return counts


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "state" / "photos.db") as catalogue:
        yield catalogue


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def draw(path: Path, seed: int) -> Path:
    """Draw a small picture that no other seed resembles."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8), dtype=np.uint8)
    Image.fromarray(np.kron(cells, np.ones((10, 10), dtype=np.uint8))).save(path, "PNG")
    return path


def draw_some(root: Path, *names: str) -> list[Path]:
    return [draw(root / name, seed) for seed, name in enumerate(names)]


def photos(catalogue: Store) -> list[str]:
    return [Path(photo.path).name for photo in catalogue.photos()]


def states(catalogue: Store, root: Path) -> dict[str, str]:
    return {Path(path).name: known.state for path, known in catalogue.known_files(str(root)).items()}


def run(text: str, path: Path | None) -> list[tuple[object, ...]]:
    assert path is not None
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(text).fetchall()


def dump(catalogue: Store) -> list[list[tuple[object, ...]]]:
    """All that a scan writes, without the ids, which depend on who was first."""
    queries = [
        """SELECT path, size, mtime_ns, digest, missing_since
        FROM photos JOIN contents ON contents.id = content_id ORDER BY path""",
        """SELECT digest, width, height, format, quality, detail, views, crops, frames
        FROM contents ORDER BY digest""",
        f"""SELECT digest, view, scheme, spec, trusted, {", ".join(ALL_NAMES)}
        FROM codes JOIN contents ON contents.id = content_id ORDER BY digest, view""",
        "SELECT * FROM failures ORDER BY path",
    ]
    return [run(query, catalogue.path) for query in queries]


def assert_adds_up(report: ScanReport, found: int) -> None:
    """Every regular file found is counted once."""
    assert report.photos == report.unchanged + report.decoded + report.recognised
    unread = len(report.failures) + report.known_failures + report.skipped + report.sidecars
    assert report.photos + unread == found


# ── what is read, and what is not ────────────────────────────────────────────────────────────────────────────────────


def test_second_scan_of_the_sample_reads_nothing(catalogue: Store, counts: Counts) -> None:
    sample = ROOT / "data" / "photos"
    first = scan([sample], catalogue)
    total = sum(path.is_file() for path in sample.rglob("*"))
    assert_adds_up(first, total)
    assert first.decoded + first.recognised == len(photos(catalogue)) > 50
    assert {Path(failure.path).name for failure in first.failures} == {
        Path(failure.path).name for failure in catalogue.failures.below()
    }
    assert first.skipped == 1
    counts.take()

    second = scan([sample], catalogue)

    assert counts.take() == ([], 0)
    assert_adds_up(second, total)
    assert second.unchanged == first.photos
    assert second.known_failures == len(first.failures) > 0
    assert not second.failures


def test_moved_copied_and_renamed_files_are_known_by_their_digest(root: Path, catalogue: Store, counts: Counts) -> None:
    draw_some(root, "moved.png", "copied.png", "renamed.png", "linked.png")
    scan([root], catalogue)
    counts.take()
    (root / "sub").mkdir()
    (root / "moved.png").rename(root / "sub" / "moved.png")
    (root / "renamed.png").rename(root / "new name.png")
    shutil.copy2(root / "copied.png", root / "copy.png")
    os.link(root / "linked.png", root / "hard link.png")

    report = scan([root], catalogue)

    assert counts.take() == (["copy.png", "hard link.png", "moved.png", "new name.png"], 0)
    assert (report.recognised, report.decoded, report.unchanged, report.missing) == (4, 0, 2, 2)
    assert all_have_codes(catalogue)
    assert len(photos(catalogue)) == 6


def test_files_renamed_in_a_chain_are_not_decoded_and_all_keep_codes(
    root: Path, catalogue: Store, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phash_engine.scanning.scan._COMMIT_SECONDS", 0.0)  # a commit for every batch
    draw_some(root, *(f"IMG_{number:04d}.png" for number in range(40)))
    scan([root], catalogue, workers=1)
    before = {photo.digest for photo in catalogue.photos()}
    counts.take()
    for number in reversed(range(40)):
        (root / f"IMG_{number:04d}.png").rename(root / f"IMG_{number + 1:04d}.png")
    draw(root / "IMG_0000.png", 99)

    report = scan([root], catalogue, workers=1)

    assert (report.decoded, report.recognised) == (1, 40)
    assert {photo.digest for photo in catalogue.photos()} > before
    assert all_have_codes(catalogue)
    assert all(photo.width for photo in catalogue.photos())
    assert catalogue.counts()["codes"] == 41


def test_a_changed_file_is_read_again_and_matches_as_it_is_now(root: Path, catalogue: Store, counts: Counts) -> None:
    draw_some(root, "a.png", "b.png")
    scan([root], catalogue)
    old = shutil.copy(root / "a.png", root.parent / "old.png")
    draw(root / "a.png", 50)
    counts.take()
    report = scan([root], catalogue)
    assert counts.take() == (["a.png"], 1)
    assert (report.decoded, report.unchanged) == (1, 1)
    assert [match.distance for match in find(str(root / "a.png"), catalogue)] == [0]
    assert find(old, catalogue) == []
    assert catalogue.counts()["contents"] == catalogue.counts()["codes"] == 2


def test_a_touched_file_is_read_but_not_decoded(root: Path, catalogue: Store, counts: Counts) -> None:
    (path,) = draw_some(root, "a.png")
    scan([root], catalogue)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    counts.take()
    report = scan([root], catalogue)
    assert counts.take() == (["a.png"], 0)
    assert report.recognised == 1
    scan([root], catalogue)
    assert counts.take() == ([], 0)


def test_files_larger_than_the_budget_are_read_one_by_one(
    root: Path, catalogue: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_some(root, *(f"{number}.png" for number in range(12)))
    monkeypatch.setattr("phash_engine.scanning.workers._FILE_BYTES", 10)
    assert scan([root], catalogue, workers=4).decoded == 12


def test_failures_are_not_tried_again_until_the_file_changes(root: Path, catalogue: Store, counts: Counts) -> None:
    path = root / "a.png"
    path.write_bytes(b"no picture")
    report = scan([root], catalogue)
    assert [(Path(name).name, reason) for name, reason in report.failures] == [
        ("a.png", "not an image, or damaged at its start")
    ]
    counts.take()
    report = scan([root], catalogue)
    assert counts.take() == ([], 0)
    assert (report.known_failures, report.failures) == (1, [])
    draw(path, 1)
    report = scan([root], catalogue)
    assert counts.take() == (["a.png"], 1)
    assert catalogue.failures.below() == []
    assert photos(catalogue) == ["a.png"]


def test_a_lying_extension_is_noted_and_no_failure(root: Path, catalogue: Store) -> None:
    draw_some(root, "a.jpg", "b.png", "c.JPEG", "d", "e.tmp")
    shutil.copy(root / "b.png", root / "copy.gif")
    report = scan([root], catalogue)
    assert [(Path(path).name, kind) for path, kind in sorted(report.misnamed)] == [
        ("a.jpg", "PNG"),
        ("c.JPEG", "PNG"),
        ("copy.gif", "PNG"),
    ]
    assert (report.failures, report.photos) == ([], 6)
    (root / "a.jpg").rename(root / "moved.tif")  # known by its digest, and not decoded
    assert [Path(path).name for path, _ in scan([root], catalogue).misnamed] == ["moved.tif"]


def test_files_that_could_not_be_opened_are_tried_again(
    root: Path, catalogue: Store, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_some(root, "a.png", "b.png")
    away = root.parent / "away.png"
    counting = _files.read

    def read(path: str) -> tuple[File, bytes]:
        if path.endswith("a.png") and (root / "a.png").exists():
            (root / "a.png").rename(away)
        return counting(path)

    with monkeypatch.context() as patch:
        patch.setattr(_files, "read", read)
        report = scan([root], catalogue)
    assert [reason for _, reason in report.failures] == ["no such file or directory"]
    assert photos(catalogue) == ["b.png"]
    away.rename(root / "a.png")  # of the same size and time as ever
    counts.take()
    report = scan([root], catalogue)
    assert counts.take() == (["a.png"], 1)
    assert not report.failures
    assert catalogue.failures.below() == []
    assert photos(catalogue) == ["a.png", "b.png"]


def test_a_file_that_went_away_before_it_was_read_is_no_failure_for_long(
    root: Path, catalogue: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_some(root, "a.png", "b.png")
    real = walk_root

    def walk(*arguments: Any, **options: Any) -> Walk | Unreadable:
        result = real(*arguments, **options)
        (root / "a.png").unlink()
        return result

    with monkeypatch.context() as patch:
        patch.setattr(scan_module, "walk_root", walk)
        report = scan([root], catalogue)
    assert len(report.failures) == 1
    report = scan([root], catalogue)
    assert report.missing == report.known_failures == 0
    assert catalogue.failures.below() == []


def test_a_file_that_grew_while_it_was_read_is_read_again(
    root: Path, catalogue: Store, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = draw_some(root, "a.png")
    whole = path.read_bytes()
    path.write_bytes(whole[:60])
    fstat = os.fstat

    def copying_on(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        path.write_bytes(whole)
        return status

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", copying_on)
        scan([root], catalogue)
    counts.take()
    report = scan([root], catalogue)
    assert counts.take() == (["a.png"], 0)  # the bytes had been whole, but who could know
    assert report.recognised == 1
    assert photos(catalogue) == ["a.png"]


def test_codes_of_another_spec_are_replaced(root: Path, catalogue: Store, counts: Counts) -> None:
    draw_some(root, "a.png", "b.png", "missing.png")
    scan([root], catalogue)
    before = dump(catalogue)
    (root / "missing.png").rename(root.parent / "missing.png")
    scan([root], catalogue)
    run("UPDATE codes SET spec = 0", catalogue.path)
    (root.parent / "missing.png").rename(root / "missing.png")
    counts.take()
    report = scan([root], catalogue)
    assert counts.take() == (["a.png", "b.png", "missing.png"], 3)
    assert report.decoded == 3
    assert dump(catalogue) == before


def test_a_new_spec_reads_only_what_it_can_change(root: Path, catalogue: Store, counts: Counts) -> None:
    (drawn,) = draw_some(root, "a.png")
    with Image.open(drawn) as image:
        image.save(root / "b.jpg")
    (root / "broken.png").write_bytes(b"")
    scan([root], catalogue)
    before = dump(catalogue)
    run("UPDATE codes SET spec = 1", catalogue.path)
    for statement in MIGRATIONS[8].split(";"):
        run(statement, catalogue.path)
    counts.take()
    report = scan([root], catalogue)
    assert counts.take() == (["a.png", "broken.png"], 2)
    assert (report.decoded, report.unchanged) == (1, 1)
    assert dump(catalogue) == before
    report = scan([root], catalogue)
    assert (report.unchanged, report.known_failures) == (2, 1)


def test_codes_that_were_never_committed_are_made(root: Path, catalogue: Store, counts: Counts) -> None:
    (path,) = draw_some(root, "a.png")
    file, data = _files.read(str(path))
    catalogue.record([Sighting(*file, _files.digest(data))], [])  # its twin's batch was to be committed next
    assert states(catalogue, root) == {"a.png": "stale"}
    assert scan([root], catalogue).decoded == 1
    assert states(catalogue, root) == {"a.png": "current"}


@pytest.mark.parametrize("workers", [1, 2, 4, 9])
def test_any_number_of_workers_gives_the_same_catalogue(tmp_path: Path, workers: int) -> None:
    sample = ROOT / "data" / "photos"
    with Store(tmp_path / "one.db") as one, Store(tmp_path / "many.db") as many:
        first, second = scan([sample], one, workers=1), scan([sample], many, workers=workers)
        assert dump(one) == dump(many)
        assert sorted(first.failures) == sorted(second.failures)
        assert first.photos == second.photos


def test_no_workers_is_an_error(root: Path, catalogue: Store) -> None:
    with pytest.raises(ValueError, match="workers must be at least 1, not 0"):
        scan([root], catalogue, workers=0)


def test_progress_goes_up_to_the_number_of_files(root: Path, catalogue: Store) -> None:
    draw_some(root, *(f"{number}.png" for number in range(50)))
    (root / "broken.jpg").write_bytes(b"broken")
    calls: list[tuple[int, int]] = []
    scan([root], catalogue, progress=lambda done, total: calls.append((done, total)))
    assert calls == sorted(calls)
    assert calls[-1] == (51, 51)
    calls.clear()
    scan([root], catalogue, progress=lambda done, total: calls.append((done, total)))
    assert calls == []


# ── what is gone, back, broken, skipped ──────────────────────────────────────────────────────────────────────────────


def test_a_vanished_file_is_missing_and_found_again_without_reading(
    root: Path, catalogue: Store, counts: Counts
) -> None:
    draw_some(root, "a.png", "b.png")
    scan([root], catalogue)
    (root / "a.png").rename(root.parent / "a.png")
    report = scan([root], catalogue)
    assert (report.missing, report.unchanged) == (1, 1)
    assert photos(catalogue) == ["b.png"]
    assert scan([root], catalogue).missing == 0
    (root.parent / "a.png").rename(root / "a.png")
    counts.take()
    report = scan([root], catalogue)
    assert counts.take() == ([], 0)
    assert report.unchanged == 2
    assert photos(catalogue) == ["a.png", "b.png"]


def test_a_missing_file_that_comes_back_changed_is_read(root: Path, catalogue: Store, counts: Counts) -> None:
    draw_some(root, "a.png", "b.png")
    scan([root], catalogue)
    (root / "a.png").unlink()
    scan([root], catalogue)
    draw(root / "a.png", 9)
    counts.take()
    assert scan([root], catalogue).decoded == 1
    assert counts.take() == (["a.png"], 1)
    assert photos(catalogue) == ["a.png", "b.png"]


def test_photos_replaced_by_something_else_are_missing(root: Path, catalogue: Store) -> None:
    draw_some(root, "a.png", "b.png", "c.png", "sub/d.png")
    scan([root], catalogue)
    (root / "a.png").unlink()
    draw(root / "a.png" / "inside.png", 9)
    (root / "c.png").unlink()
    (root / "c.png").symlink_to("b.png")
    shutil.rmtree(root / "sub")
    (root / "sub").write_text("a file in place of a folder")
    report = scan([root], catalogue)
    assert (report.missing, report.links, report.unchanged) == (3, 1, 1)
    assert photos(catalogue) == ["inside.png", "b.png"]


@pytest.mark.parametrize("how", ["gone", "empty", "a file"])
def test_a_root_that_cannot_be_reached_marks_nothing(root: Path, catalogue: Store, how: str) -> None:
    draw_some(root, "a.png", "b.png")
    (root / "broken.png").write_bytes(b"broken")
    other = root.parent / "other"
    draw(other / "c.png", 3)
    scan([root, other], catalogue)
    before = dump(catalogue)
    root.rename(root.parent / "away")
    if how == "empty":
        root.mkdir()
    if how == "a file":
        root.write_text("a file")

    report = scan([root, other], catalogue)

    assert [path for path, _ in report.unreachable] == [str(root)]
    assert dump(catalogue) == before
    assert (report.unchanged, report.missing) == (1, 0)


def test_a_root_that_goes_away_while_it_is_walked_marks_nothing(
    root: Path, catalogue: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_some(root, "a.png", "sub/b.png")
    scan([root], catalogue)
    before = dump(catalogue)
    list_folder = os.scandir

    def unplugged(path: str) -> object:
        if path == str(root / "sub"):
            root.rename(root.parent / "away")
            root.mkdir()  # the empty mount point
        return list_folder(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", unplugged)
        report = scan([root], catalogue)
    assert report.unreachable == [(str(root), "went away while it was walked")]
    assert dump(catalogue) == before


def test_an_empty_root_that_never_had_photos_is_no_trouble(root: Path, catalogue: Store) -> None:
    report = scan([root], catalogue)
    assert report.unreachable == []
    assert report.photos == 0


def test_a_root_that_is_a_file_or_nowhere_is_reported(root: Path, catalogue: Store) -> None:
    (path,) = draw_some(root, "a.png")
    report = scan([path, root / "nowhere"], catalogue)
    assert report.unreachable == [
        (str(path), "not a directory"),
        (str(root / "nowhere"), "no such file or directory"),
    ]


def test_photos_in_a_closed_folder_are_not_missing(root: Path, catalogue: Store, permissions: None) -> None:
    draw_some(root, "sub/a.png", "b.png")
    scan([root], catalogue)
    (root / "sub").chmod(0)
    try:
        report = scan([root], catalogue)
    finally:
        (root / "sub").chmod(0o700)
    assert report.unreadable == [(str(root / "sub"), "permission denied")]
    assert report.missing == 0


def test_what_is_skipped_now_is_not_missing(root: Path, catalogue: Store) -> None:
    draw_some(root, "a.png", "cache/b.png", "c.png")
    scan([root], catalogue)
    report = scan([root], catalogue, exclude=["cache", "c.*"])
    assert (report.excluded, report.missing, report.unchanged) == (2, 0, 1)
    assert photos(catalogue) == ["a.png", "c.png", "b.png"]
    (root / "cache").rename(root / ".cache")
    report = scan([root], catalogue)
    assert (report.hidden, report.missing) == (1, 1)  # under its old name it is gone
    (root / "c.png").unlink()
    assert scan([root], catalogue, exclude=["c.*"]).missing == 1


@pytest.mark.parametrize("name", ["a.png", "no extension"])
def test_a_file_that_turns_broken_leaves_no_match(root: Path, catalogue: Store, name: str) -> None:
    draw(root / name, 1)
    draw(root / "other.png", 2)
    scan([root], catalogue)
    old = shutil.copy(root / name, root.parent / "old.png")
    assert len(find(old, catalogue)) == 1
    (root / name).write_text("now a text")
    report = scan([root], catalogue)
    assert len(report.failures) == 1
    assert find(old, catalogue) == []
    assert photos(catalogue) == ["other.png"]
    report = scan([root], catalogue)
    assert (report.known_failures, report.missing, report.failures) == (1, 0, [])
    shutil.copy(old, root / name)
    report = scan([root], catalogue)
    assert report.decoded == 1
    assert len(find(old, catalogue)) == 1


def test_fingerprints_from_elsewhere_below_a_scanned_root(root: Path, catalogue: Store) -> None:
    draw_some(root, "picture.png")
    (root / "broken.png").write_bytes(b"broken")
    (root / "notes.txt").write_bytes(b"notes")
    names = [str(root / name) for name in ("picture.png", "broken.png", "notes.txt", "nowhere.png")]
    catalogue.add_fingerprints(names, np.arange(40, dtype=np.uint64).reshape(4, 10))

    report = scan([root], catalogue)

    assert_adds_up(report, 3)
    assert (report.decoded, len(report.failures), report.skipped, report.missing) == (1, 1, 1, 0)
    assert photos(catalogue) == ["broken.png", "notes.txt", "nowhere.png", "picture.png"]
    assert {photo.format for photo in catalogue.photos()} == {"", "PNG"}
    assert catalogue.counts()["codes"] == 4
    report = scan([root], catalogue)
    assert (report.unchanged, report.known_failures, report.missing) == (1, 1, 0)
    assert len(photos(catalogue)) == 4


# ── roots ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_overlapping_roots_count_each_photo_once(
    root: Path, catalogue: Store, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_some(root, "a.png", "sub/b.png", "sub/deep/c.png", "sub2/d.png")
    monkeypatch.chdir(root)
    roots: list[str | Path] = ["sub/deep", root, "sub", ".", f"{root}//sub/", f"/{root}", "sub/../sub2", root / "sub"]
    report = scan(roots, catalogue)
    assert report.decoded == len(counts.read) == 4
    assert [photo.path for photo in catalogue.photos()] == sorted(
        str(root / name) for name in ("a.png", "sub/b.png", "sub/deep/c.png", "sub2/d.png")
    )
    assert scan(roots[::-1], catalogue).unchanged == 4


def test_roots_that_another_does_not_lead_to_are_walked(root: Path, catalogue: Store) -> None:
    draw_some(root, "a.png", ".hidden/deep/b.png")
    draw(root.parent / "elsewhere" / "c.png", 7)
    (root / "link").symlink_to(root.parent / "elsewhere")
    report = scan([root, root / ".hidden" / "deep", root / "link"], catalogue)
    assert report.decoded == 3
    assert sorted(photos(catalogue)) == ["a.png", "b.png", "c.png"]
    assert scan([root], catalogue).missing == 0


def test_names_that_are_no_utf8_are_scanned_and_found(root: Path, catalogue: Store) -> None:
    path = draw(root / os.fsdecode(b"\xe9t\xe9") / os.fsdecode(b"\xff.png"), 1)
    scan([root], catalogue)
    assert [match.path for match in find(str(path), catalogue)] == [str(path)]
    assert scan([root], catalogue).unchanged == 1


# ── interruption ─────────────────────────────────────────────────────────────────────────────────────────────────────

MANY = 100


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One PNG many times, with different bytes after its end, which no decoder reads."""
    folder = tmp_path_factory.mktemp("many")
    data = draw(folder / "all.png", 1).read_bytes()
    (folder / "all.png").unlink()
    for number in range(MANY):
        (folder / f"{number:03d}.png").write_bytes(data + b"%d" % number)
    return folder


def committed(path: Path) -> int:
    return int(str(run("SELECT count(*) FROM photos", path)[0][0]))


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_scan_keeps_what_was_committed(
    many: Path, tmp_path: Path, counts: Counts, number: signal.Signals
) -> None:
    path = tmp_path / "photos.db"
    command = [sys.executable, "-m", "tests.paused_scan", "3", "scan", str(many), "--catalogue", str(path)]
    scanning = subprocess.Popen(
        [*command, "--workers", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert scanning.stdout is not None
    assert scanning.stdout.readline() == "waiting\n"
    before = committed(path)
    scanning.send_signal(number)
    _, message = scanning.communicate()

    after = committed(path)
    assert before == worker_module._BATCH_SIZE
    if number == signal.SIGINT:
        assert scanning.returncode == 130
        assert after == 3 * before  # what had been read since the last commit
        assert "the same command goes on from there" in message
    else:
        assert scanning.returncode == -signal.SIGKILL
        assert after == before
    assert "Traceback" not in message
    assert run("PRAGMA integrity_check", path) == [("ok",)]
    with Store(path) as catalogue:
        assert all_have_codes(catalogue)
        assert len(catalogue.code_columns().contents) == after
        report = scan([many], catalogue)
        assert (report.unchanged, report.decoded) == (after, MANY - after)
        assert counts.take()[1] == MANY - after
        assert len(catalogue.code_columns().contents) == len(photos(catalogue)) == MANY


def test_an_interruption_while_committing_loses_nothing(
    root: Path, catalogue: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_some(root, *(f"{number}.png" for number in range(30)))
    monkeypatch.setattr("phash_engine.scanning.scan._COMMIT_SECONDS", 0.0)
    record = catalogue.record
    interruptions = iter([True])

    def interrupted(sightings: list[Sighting], contents: list[Content]) -> None:
        record(sightings, contents)
        if next(interruptions, False):
            raise KeyboardInterrupt  # just after the commit

    monkeypatch.setattr(catalogue, "record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scan([root], catalogue, workers=1)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("scan")]
    kept = len(photos(catalogue))
    assert kept > 0
    assert catalogue.counts()["codes"] == kept
    assert scan([root], catalogue).unchanged == kept
    assert len(photos(catalogue)) == 30


def test_two_scans_at_once_agree(tmp_path: Path) -> None:
    sample = ROOT / "data" / "photos"
    command = [sys.executable, "-m", "phash_engine", "scan", str(sample), "--catalogue", str(tmp_path / "both.db")]
    scans = [subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=ROOT) for _ in range(3)]
    assert [process.wait() for process in scans] == [0, 0, 0]
    with Store(tmp_path / "both.db") as both, Store(tmp_path / "alone.db") as alone:
        scan([sample], alone)
        assert dump(both) == dump(alone)
        assert set(both.code_columns().contents.tolist()) <= {photo.content_id for photo in both.photos()}


def test_groups_are_right_though_a_scan_replaces_codes_meanwhile(
    root: Path, catalogue: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_some(root, "a.png", "b.png", "c.png")
    Image.open(root / "a.png").save(root / "a.bmp")
    scan([root], catalogue)
    read_photos = catalogue.photo_columns

    def replaced_meanwhile(*arguments: Any) -> PhotoColumns:
        found = read_photos(*arguments)
        for seed, name in enumerate(["a.png", "b.png", "c.png"]):
            draw(root / name, 50 + seed)
        with Store(catalogue.path) as other:
            scan([root], other)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "photo_columns", replaced_meanwhile)
        groups = find_groups(catalogue)
    assert groups == find_groups(catalogue) == []


# ── real photos ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_real_photos_fail_only_where_they_are_broken(catalogue: Store, counts: Counts) -> None:
    folder = ROOT.parent / "shared" / "photos"
    if not folder.is_dir():
        pytest.skip("the real photos are not there: ../shared/photos")
    report = scan([folder], catalogue)
    failed = {Path(failure.path).relative_to(folder).as_posix() for failure in catalogue.failures.below()}
    assert "ukbench/mixed_images/ukbench09268_corrupt.jpg" in failed
    assert {name.split("/")[0] for name in failed} <= {"camera", "ukbench"}
    assert all(failure.reason for failure in catalogue.failures.below())
    assert report.photos == len(photos(catalogue)) > 700
    counts.take()
    again = scan([folder], catalogue)
    assert counts.take() == ([], 0)
    assert again.unchanged == report.photos
    assert again.known_failures == len(failed)


def _peak_of_scan(folder: Path, *options: str) -> int:
    """Most bytes that a scan in a process of its own held."""
    program = (
        "import sys\nfrom phash_engine.cli.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    command = [sys.executable, "-c", program, "scan", str(folder), "--catalogue", str(folder / "p.db"), *options]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(run.stdout.split()[-1]) * 1024


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read on Linux")
def test_threads_share_the_memory_for_decoding(tmp_path: Path) -> None:
    for number in range(4):
        picture = np.kron(
            np.random.default_rng(number).integers(0, 256, (50, 50, 4), dtype=np.uint8),
            np.ones((100, 100, 1), np.uint8),
        )
        Image.fromarray(picture).save(tmp_path / f"{number}.png", compress_level=1)
    (tmp_path / "one").mkdir()
    shutil.copy(tmp_path / "0.png", tmp_path / "one")
    one = _peak_of_scan(tmp_path / "one", "--workers", "4")
    assert (
        _peak_of_scan(tmp_path, "--workers", "4", "--memory", "64M") < one + 200_000_000
    )  # two pictures: threads keep some of what they release
