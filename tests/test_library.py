"""The public API: everything is reachable from the package, and takes what its users have at hand."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import phash_engine as ph


@pytest.fixture
def catalogue(sample: Path) -> Iterator[ph.Catalogue]:
    with ph.Catalogue(None) as catalogue:
        catalogue.scan(sample / "2023-lake")
        yield catalogue


@pytest.fixture(scope="module")
def lake(sample: Path) -> Path:
    return sample / "2023-lake" / "IMG_0412.jpg"


# ── hashing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def sources(lake: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """One picture, given in every way."""
    data = lake.read_bytes()
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.write(lake, "lake.jpg")
    with tarfile.open(folder / "a.tar", "w") as archive:
        archive.add(lake, "lake.jpg")
    with zipfile.ZipFile(folder / "a.zip") as zipped, tarfile.open(folder / "a.tar") as tape:
        yield {
            "str": str(lake),
            "path": lake,
            "bytes": data,
            "bytearray": bytearray(data),
            "memoryview": memoryview(data),
            "file": io.BytesIO(data),
            "zip": zipped.open("lake.jpg"),
            "tar": tape.extractfile("lake.jpg"),
            "mapping": {"bytes": data, "path": "lake.jpg"},
            "mapping of a path": {"bytes": None, "path": str(lake)},
        }


def test_one_picture_given_in_every_way_has_the_same_codes(lake: Path, tmp_path: Path) -> None:
    expected = ph.hash_image(lake)
    with sources(lake, tmp_path) as given:
        hashes = ph.hash_images(given.values())
    assert not hashes.errors
    assert hashes.is_trusted.all()
    assert hashes.codes.shape == (len(given), 10)
    assert {tuple(row) for row in hashes.codes[:, :5].tolist()} == {tuple(map(int, expected))}
    assert repr(hashes) == f"Hashes({len(given)} pictures, 0 errors)"
    with sources(lake, tmp_path) as given:
        for source in given.values():
            assert ph.hash_image(source) == expected
            assert len(ph.hash_images(source).names) == 1


def test_pixels_in_memory_are_pictures_too(lake: Path) -> None:
    with Image.open(lake) as image:
        array = np.asarray(image.convert("RGB"))
    hashes = ph.hash_images([Image.fromarray(array), array])
    assert (hashes.codes[0] == hashes.codes[1]).all()
    assert ph.hash_image(array) - ph.hash_image(lake) <= 2
    assert len(ph.hash_images(np.stack([array, array, array])).codes) == 3


def test_errors_are_values_in_their_rows(lake: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    given: list[Any] = [lake, tmp_path / "bad.jpg", b"", *[lake] * 40, tmp_path / "gone.png"]
    for workers in (1, 3, None):
        hashes = ph.hash_images(iter(given), workers)
        assert sorted(hashes.errors) == [1, 2, 43]
        assert "not an image" in hashes.errors[1].reason
        assert (hashes.codes[[1, 2, 43]] == 0).all()
        assert (hashes.codes[[3, 42]] == hashes.codes[0]).all()
    with pytest.raises(ph.ImageError, match=r"bad\.jpg: not an image"):
        ph.hash_image(tmp_path / "bad.jpg")


@pytest.mark.parametrize("wrong", [3, None, {"url": "x"}, np.zeros((4, 4))])
def test_what_is_no_picture_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match="expected"):
        ph.hash_image(wrong)
    with pytest.raises(TypeError, match="expected"):
        ph.hash_images([wrong])
    with pytest.raises(ValueError, match="workers must be at least 1, not 0"):
        ph.hash_images([], workers=0)


def test_no_pictures_have_no_codes() -> None:
    assert ph.hash_images([]).codes.shape == (0, 10)


def test_a_fingerprint_is_hex_and_back(lake: Path) -> None:
    one = ph.hash_image(lake)
    assert len(str(one)) == 80
    assert ph.Fingerprint.from_hex(str(one)) == one
    assert one - one == 0
    with pytest.raises(ValueError, match="80 hex digits, not 4"):
        ph.Fingerprint.from_hex("beef")


def test_codes_of_pictures_go_into_an_index(sample: Path) -> None:
    paths = sorted((sample / "2023-lake").iterdir())
    codes = ph.hash_images(paths).codes[:, 1]
    matches = ph.Index(codes).search(codes, k=1)
    assert (matches.distances == 0).all()


# ── catalogue ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_everyday_of_a_photo_owner(sample: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(sorted((sample / "2023-lake").glob("*.jpg"))[:4]):
        (folder / f"{number}.jpg").write_bytes(name.read_bytes())
    (folder / "copy.jpg").write_bytes((folder / "0.jpg").read_bytes())
    with ph.Catalogue(tmp_path / "photos.db") as catalogue:
        report = catalogue.scan(folder)
        assert report.photos == 5
        assert str(catalogue).startswith("Catalogue(5 photos, ")
        match, *_ = catalogue.find(folder / "0.jpg", k=2)
        assert (match.match_type, match.distance) == (ph.MatchType.IDENTICAL, 0)
        groups = catalogue.find_duplicates()
        plan = ph.Plan.from_groups(groups)
    plan.save(tmp_path / "plan.json")
    assert repr(ph.Plan.load(tmp_path / "plan.json")) == repr(plan)
    gone = [outcome.path for outcome in ph.apply(str(tmp_path / "plan.json"), "move", move_to=str(tmp_path / "aside"))]
    assert sum(len(group.duplicates) for group in groups) == len(gone) > 0
    assert not any(Path(path).exists() for path in gone)
    assert [outcome.result for outcome in ph.undo(str(tmp_path / "plan.json.journal.jsonl"))] == ["done"] * len(gone)
    assert all(Path(path).exists() for path in gone)


def test_conditions_restrict_what_is_compared(sample: Path) -> None:
    with ph.Catalogue(None) as catalogue:
        catalogue.scan(sample / "exports")
        catalogue.scan(sample / "2023-lake")
        everything = catalogue.find_duplicates()
        large = catalogue.find_duplicates(where="pixels>=0.1MP")
        assert 0 < len(large) < len(everything)
        assert repr(catalogue.find_duplicates(where=["pixels>=0.1MP", "format=jpeg"])) == repr(
            catalogue.find_duplicates(where="pixels>=0.1MP, format=jpeg")
        )
        assert catalogue.find_duplicates(where="pixels>=1000MP") == []
        with pytest.raises(ph.UsageError, match="pixel"):
            catalogue.find_duplicates(where="pixel>=1MP")


@pytest.mark.parametrize("method", ["scan", "find_duplicates"])
def test_one_folder_is_one_folder(catalogue: ph.Catalogue, sample: Path, method: str) -> None:
    """A string is not taken for its characters, among them the root of the disk."""
    inside = str(sample / "phone")
    if method == "scan":
        assert catalogue.scan(inside).photos == catalogue.scan([inside]).photos < 40
    else:
        assert repr(catalogue.find_duplicates(inside)) == repr(catalogue.find_duplicates([inside]))
        assert catalogue.find_duplicates(inside) == []


@pytest.mark.parametrize("wrong", [3, [3], b"/photos", ["/photos", None]])
def test_what_is_no_path_is_a_type_error(catalogue: ph.Catalogue, wrong: Any) -> None:
    for method in (catalogue.scan, catalogue.find_duplicates):
        with pytest.raises(TypeError, match=r"must be a path or several \(str or os.PathLike\), not "):
            method(wrong)
    with pytest.raises(TypeError, match="exclude must be"):
        catalogue.scan("/nowhere", exclude=wrong)


def test_home_is_expanded(catalogue: ph.Catalogue, monkeypatch: pytest.MonkeyPatch, sample: Path) -> None:
    monkeypatch.setenv("HOME", str(sample))
    assert catalogue.scan("~/phone").photos > 0


def test_compare_says_whether_why_and_how_near(lake: Path, sample: Path) -> None:
    same = ph.compare(lake, lake.read_bytes())
    assert (same.is_match, same.match_type, same.distance) == (True, ph.MatchType.IDENTICAL, 0)
    other = ph.compare(lake, sample / "phone" / "PXL_20240110_170044.jpg", verify=True)
    assert not other.is_match
    assert repr(same) == "Comparison(match, identical, 0 bits)"


def test_results_print_themselves_in_one_short_line(catalogue: ph.Catalogue, lake: Path) -> None:
    groups = catalogue.find_duplicates()
    shown = [catalogue.find(lake)[0], groups, *groups, groups[0].pairs[0], groups.policy, ph.Plan.from_groups(groups)]
    for result in shown:
        assert len(repr(result)) < 250
        assert "\n" not in repr(result)


# ── the package ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_modules_never_hide_functions() -> None:
    script = "import phash_engine as ph; print(*[name for name in ph.__all__ if type(getattr(ph, name)) is type(ph)])"
    script += "; import phash_engine.matching.search, phash_engine.library; print(callable(ph.compare))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True"]
