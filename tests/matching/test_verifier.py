"""Verification: its verdicts on pairs of files, the evidence it stores, and missing files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageOps

from phash_engine.catalogue.store import Store
from phash_engine.cli import cli
from phash_engine.matching.search import Collection
from phash_engine.matching.verification import (
    Evidence,
    PairSide,
    PairToVerify,
    VerificationImage,
    Verifier,
    evidence,
    finding,
    keypoints,
    verifier,
    verify,
)
from phash_engine.scanning.scan import scan
from tests.plain import find_groups

opencv = pytest.mark.skipif(not keypoints.has_opencv(), reason="needs opencv-python-headless: the extra verify")


@pytest.fixture
def catalogue(folder: Path, tmp_path: Path) -> Store:
    catalogue = Store(tmp_path / "photos.db")
    scan([folder], catalogue)
    return catalogue


def groups_of(catalogue: Store, verifier: Verifier | None = None) -> dict[str, dict[str, str]]:
    """The match type by the name of each duplicate, by the name of the keeper."""
    return {
        Path(group.keeper).name: {Path(pair.right).name: pair.match_type for pair in group.pairs}
        for group in find_groups(catalogue, verifier=verifier)
    }


WITHOUT = {"a.png": {"half.jpg": "similar", "drawn.png": "similar"}, "cropped.jpg": {"mirrored.jpg": "rotated"}}
WITH = {"a.png": {"half.jpg": "similar", "cropped.jpg": "verified", "mirrored.jpg": "verified"}}


@opencv
def test_groups_gain_cropped_copies_and_lose_edited_ones(catalogue: Store) -> None:
    assert groups_of(catalogue) == WITHOUT
    assert groups_of(catalogue, Verifier(catalogue)) == WITH


@opencv
def test_pairs_have_their_evidence(catalogue: Store) -> None:
    (group,) = find_groups(catalogue, verifier=Verifier(catalogue))
    for pair in group.pairs:
        assert pair.evidence is not None
        assert pair.evidence.correlation is not None
        assert pair.evidence.correlation > evidence.MIN_CORRELATION
        assert (pair.evidence.inliers is None) == (pair.match_type == "similar")


@opencv
def test_find_returns_the_same(catalogue: Store, folder: Path) -> None:
    collection = Collection(catalogue, verifier=Verifier(catalogue))
    for query in (str(folder / "a.png"), (folder / "a.png").read_bytes()):
        found = {Path(match.path).name: str(match.match_type) for match in collection.find(query)}
        assert found == {"a.png": "identical", **WITH["a.png"]}
    assert [Path(match.path).name for match in collection.find(str(folder / "a.png"), k=2)] == ["a.png", "half.jpg"]


@opencv
def test_stored_evidence_is_not_measured_again(catalogue: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[int, int]] = []
    first = find_groups(catalogue, verifier=Verifier(catalogue, lambda done, total: steps.append((done, total))))
    assert steps == [(done, len(steps)) for done in range(1, len(steps) + 1)]
    monkeypatch.setattr(verifier, "measure_evidence", None)
    assert find_groups(catalogue, verifier=Verifier(catalogue)) == first
    monkeypatch.setattr(verifier, "VERSION", evidence.VERSION + 1)
    with pytest.raises(TypeError):
        find_groups(catalogue, verifier=Verifier(catalogue))


def test_evidence_goes_with_its_contents(catalogue: Store, folder: Path) -> None:
    find_groups(catalogue, verifier=Verifier(catalogue))
    with closing(sqlite3.connect(str(catalogue.path))) as connection:
        assert connection.execute("SELECT count(*) FROM evidence").fetchone()[0] > 0
        catalogue.forget(str(folder))
        assert connection.execute("SELECT count(*) FROM evidence").fetchone()[0] == 0


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"no picture")])
def test_the_distance_decides_on_files_that_cannot_be_read(
    catalogue: Store, folder: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(folder / "a.png")
    verifier = Verifier(catalogue)
    assert groups_of(catalogue, verifier) == WITHOUT
    assert verifier.unread >= 2


def test_another_file_of_the_same_bytes_is_read_instead(catalogue: Store, folder: Path) -> None:
    copy = folder / "0.png"
    copy.write_bytes((folder / "a.png").read_bytes())
    scan([folder], catalogue)
    copy.unlink()
    verifier = Verifier(catalogue)
    groups_of(catalogue, verifier)
    assert verifier.unread == 0


def test_without_opencv_nothing_beyond_the_radius_is_found(catalogue: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keypoints, "has_opencv", lambda: False)
    verifier = Verifier(catalogue)
    assert groups_of(catalogue, verifier) == {"a.png": {"half.jpg": "similar"}, "cropped.jpg": WITHOUT["cropped.jpg"]}
    assert (verifier.candidate_radius(3), verifier.unread) == (3, 0)


@opencv
def test_pairs_verified_without_opencv_are_measured_again(catalogue: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(keypoints, "has_opencv", lambda: False)
        find_groups(catalogue, 192, verifier=Verifier(catalogue))
    assert groups_of(catalogue, Verifier(catalogue)) == WITH


def test_sides_may_come_in_any_order(catalogue: Store) -> None:
    sides = [PairSide(photo.digest, (photo.path,)) for photo in catalogue.photos()][:4]
    pairs = [PairToVerify(a, b, near=True) for a in sides for b in sides if a.paths < b.paths]
    turned = [PairToVerify(b, a, near=True) for a, b, _ in reversed(pairs)]
    with Store(None) as other:
        assert Verifier(catalogue).verify(pairs) == Verifier(other).verify(turned)[::-1]


ALIKE = (0.99, 1.0, 0.9)


@pytest.mark.parametrize(
    ("evidence", "near", "expected"),
    [
        (Evidence(None, *ALIKE), True, "copy"),
        (Evidence(None, 0.99, 26.0, 0.9), True, "changed"),
        (Evidence(None, 0.99, 26.0, 0.4), True, "recoloured"),
        (Evidence(None, 0.8, 99.0, 0.1), True, "copy"),  # not aligned, and no keypoints
        (Evidence(11, 0.8, 99.0, 0.1), True, "unlike"),
        (Evidence(12, 0.8, 99.0, 0.1), True, "copy"),
        (Evidence(11), False, "unlike"),
        (Evidence(11, *ALIKE), False, "unlike"),
        (Evidence(11, *ALIKE), True, "copy"),
        (Evidence(12, *ALIKE), False, "copy"),
        (Evidence(12, 0.8, 99.0, 0.1), False, "copy"),
        (Evidence(300, 0.99, 26.0, 0.9), False, "changed"),
        (Evidence(), False, "unlike"),
    ],
)
def test_findings(evidence: Evidence, near: bool, expected: str) -> None:
    assert finding(evidence, near=near) == expected


@pytest.mark.parametrize("tone", ["black", "white"])
@pytest.mark.parametrize("margin", [12, 40, 80])
def test_what_is_inside_a_border_is_compared(folder: Path, margin: int, tone: str) -> None:
    with Image.open(folder / "a.png") as image:
        framed = VerificationImage(ImageOps.expand(ImageOps.mirror(image), margin, tone))
    assert verify(VerificationImage(folder / "a.png"), framed, near=True).finding == "copy"
    assert verify(framed, VerificationImage(folder / "drawn.png"), near=True).finding == "changed"


# ── on the command line ─────────────────────────────────────────────────────────────────────────────────────────────


def phash(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments], catch_exceptions=False, standalone_mode=False)


@opencv
def test_dedupe_and_find_print_the_evidence(folder: Path, tmp_path: Path) -> None:
    at = ("--catalogue", tmp_path / "photos.db")
    lines = phash("dedupe", folder, "--verify", *at).stdout.splitlines()
    assert lines[0] == str(folder / "a.png")
    assert "kept: " in lines[1]
    assert [line.split()[1] for line in lines[2:]] == ["similar", "verified", "verified"]
    assert all("  alike 0.9" in line or "  alike 1.0" in line for line in lines[2:])
    (group,) = map(json.loads, phash("dedupe", folder, "--verify", "--json", *at).stdout.splitlines())
    assert [list(pair["evidence"]) for pair in group["pairs"]] == [["inliers", "correlation", "change", "colour"]] * 3
    rows = [line.split("\t") for line in phash("find", folder / "a.png", "--verify", *at).stdout.splitlines()]
    assert [(row[1], Path(row[3]).name) for row in rows] == [
        ("identical", "a.png"),
        ("similar", "half.jpg"),
        *(("verified", Path(pair["right"]).name) for pair in group["pairs"][1:]),
    ]
    assert rows[0][2] == "-"
    assert rows[2][2].endswith("points")
    assert "evidence" not in phash("find", folder / "a.png", "--json", *at).stdout


@opencv
def test_compare_verifies(folder: Path) -> None:
    def compare(name: str, *options: str) -> Result:
        return phash("compare", folder / "a.png", folder / name, *options)

    names = ("a.png", "half.jpg", "cropped.jpg", "drawn.png", "other.jpg")
    assert [compare(name).return_value for name in names] == [0, 0, 1, 0, 1]
    assert [compare(name, "--verify").return_value for name in names] == [0, 0, 0, 1, 1]
    record = json.loads(compare("drawn.png", "--verify", "--json").stdout)
    assert (record["is_match"], record["finding"], record["match_type"]) == (False, "changed", "similar")
    record = json.loads(compare("cropped.jpg", "--explain", "--json").stdout)
    settings = {setting["name"]: setting["match"] for setting in record["explanation"]["settings"]}
    assert (record["is_match"], settings["the defaults"], settings["--verify"]) == (False, False, True)
    lines = compare("cropped.jpg", "--explain").stdout.splitlines()
    assert "--verify        match: copy" in lines
    assert "trimmed         no border" in lines


def test_missing_opencv_is_reported_in_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keypoints, "has_opencv", lambda: False)
    result = phash("dedupe", "--no-catalogue", folder, "--verify")
    line = "phash: verification beyond the radius needs OpenCV: pip install 'phash-engine[verify]'"
    assert result.stderr.splitlines().count(line) == 1
    assert str(folder / "half.jpg") in result.stdout
    assert str(folder / "drawn.png") not in result.stdout


def test_missing_files_are_counted(folder: Path, tmp_path: Path) -> None:
    at = ("--catalogue", tmp_path / "photos.db")
    phash("scan", folder, *at)
    (folder / "a.png").unlink()
    assert " not verified: a file is gone" in phash("dedupe", "--verify", *at).stderr
