"""Calibration: the nearest impostors compared with all pairs, what is kept of it, and what the command says."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from bench import __main__ as bench
from phash_engine.catalogue.store import Store
from phash_engine.cli import cli
from phash_engine.errors import UsageError
from phash_engine.images import augment
from phash_engine.matching import calibration as calibrate
from phash_engine.matching import impostors, policy
from phash_engine.matching.calibration import Limit
from phash_engine.matching.cohort import choose, sample
from phash_engine.matching.pairs import PairFilter
from phash_engine.matching.policy import CERTAIN, Calibration, MatchPolicy
from phash_engine.scanning.scan import scan
from tests.matching.test_pair_filter import full_views, photos
from tests.pictures import save, scene
from tests.plain import find_groups

COUNT = 240


def nobody(left: NDArray[np.int64], _: NDArray[np.int64], __: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.zeros(len(left), dtype=np.bool_)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of scenes, and of two of them smaller and turned."""
    folder = tmp_path_factory.mktemp("calibrate")
    for number in range(60):
        save(folder / f"{number}.png", scene(number))
    for number in range(2):
        save(folder / "copies" / f"{number}.jpg", scene(number).rotate(90 * number), side=72)
    with Store(folder / "photos.db") as catalogue:
        scan([folder], catalogue)
    return folder / "photos.db"


@pytest.mark.parametrize("most", [1000, 60])
def test_impostors_are_those_of_all_pairs_one_by_one(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(impostors, "SAMPLE", most)
    views = full_views(photos(1, COUNT))
    found = impostors.measure(views, nobody)
    members = choose(views)
    assert members is not None
    assert found.by_score is not None
    chosen = np.unique(sample(views, most).contents).tolist()
    own = members.means(views).means.tolist()
    pairs = {(min(a, b), max(a, b)) for a in chosen for b in range(COUNT) if a != b}
    between = views.distances(views).astype(np.int64)
    bits = [int(between[pair]) for pair in pairs]
    scores = [near - max(own[a], own[b]) for near, (a, b) in zip(bits, pairs, strict=True)]
    assert found.counts.tolist() == np.bincount(bits, minlength=256).tolist()
    assert (found.contents, found.copies, found.by_distance.pairs) == (COUNT, 0, len(pairs))
    for tail, values in (found.by_distance, bits), (found.by_score, scores):
        assert tail.nearest.tolist() == sorted(value for value in values if value <= tail.start)


def test_copies_are_left_out_and_so_are_copies_of_copies() -> None:
    table = np.repeat(photos(2, COUNT), [3, *[1] * (COUNT - 1)], axis=0)
    views = full_views(table)

    def known(left: NDArray[np.int64], right: NDArray[np.int64], _: NDArray[np.int64]) -> NDArray[np.bool_]:
        pairs = zip(left.tolist(), right.tolist(), strict=True)
        return np.array([{a, b} in ({0, 1}, {1, 2}) for a, b in pairs])

    found = impostors.measure(views, known)
    assert found.copies == 3
    assert found.counts[0] == 0
    assert found.by_distance.nearest[0] == np.partition(views.distances(views)[np.triu_indices(COUNT + 2, 1)], 3)[3]


def test_limits_are_within_the_requested_rate() -> None:
    found = impostors.measure(full_views(photos(3, COUNT)), nobody)
    pairs = COUNT * (COUNT - 1) / 2
    radius, cutoff, sure = calibrate.limits(found, 1 / pairs, pairs)
    assert cutoff is not None
    for limit in radius, cutoff:
        assert 0 < limit.expected < limit.bound <= 1
    assert sure == CERTAIN
    strict, _, _ = calibrate.limits(found, 0.01 / pairs, pairs)
    assert strict.limit < radius.limit < found.by_distance.start


def test_copies_can_be_read_and_are_always_the_same() -> None:
    pixels = np.asarray(scene(1))
    made = list(augment.copies_of(pixels))
    assert {family for family, _ in made} == {augment.COMPRESSED, *augment.FAMILIES}
    assert all(Image.open(io.BytesIO(file)).format == "JPEG" for _, file in made)
    assert made == list(augment.copies_of(pixels))
    assert len({file for _, file in made}) == len(made)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (5, 40)])
def test_tiny_pictures_have_copies_too(shape: tuple[int, int]) -> None:
    assert len(list(augment.copies_of(np.zeros((*shape, 3), dtype=np.uint8)))) == 30


def test_calibration_decides_unless_a_radius_is_given() -> None:
    views, calibration = full_views(photos(4, COUNT)), Calibration(COUNT, 30, -12, 6)
    calibrated = MatchPolicy(30, -12, 6, "calibration", COUNT)
    assert PairFilter(views, None, 0, calibration).policy == calibrated
    assert PairFilter(views, 17, 0, calibration).policy == MatchPolicy(17, source="option")
    few = full_views(photos(4, 20))
    assert PairFilter(few, None, 0, calibration).policy == calibrated._replace(cutoff=None)
    assert str(calibrated._replace(cutoff=None)) == "radius 30, as calibrated on 240 photos"


def test_catalogue_remembers(tmp_path: Path) -> None:
    with Store(tmp_path / "photos.db") as catalogue:
        assert policy.calibration_of(catalogue) is None
        policy.set_calibration(catalogue, Calibration(100, 30))
    with Store(tmp_path / "photos.db") as catalogue:
        assert policy.calibration_of(catalogue) == Calibration(100, 30)
        assert find_groups(catalogue).policy == MatchPolicy(30, source="calibration", contents=100)
        policy.set_calibration(catalogue, None)
        assert find_groups(catalogue).policy == MatchPolicy()


def test_real_copies_are_no_impostors(scanned: Path) -> None:
    with Store(scanned) as catalogue:
        report = calibrate.calibrate(catalogue)
    assert (report.impostors.contents, report.impostors.copies, report.cutoff) == (62, 2, None)
    assert report.impostors.by_distance.nearest[0] > 40
    assert 20 < report.radius.limit < 60
    assert report.radius.bound <= 1
    assert report.recall[augment.COMPRESSED] == (1.0, 150)
    assert report.recall["mirrored"] == (1.0, 50)
    assert len(report.copied) == sum(number for _, number in report.recall.values())


def test_command(scanned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "_COPIED", 2)
    monkeypatch.setenv("PHASH_CATALOGUE", str(scanned))
    run = CliRunner().invoke(cli, ["calibrate"])
    assert run.stdout.splitlines()[0] == "1889 pairs of 62 photos; 2 pairs of copies left out"
    assert "false pairs expected, <= " in run.stdout
    assert "of   6  compressed" in run.stdout
    record = json.loads(CliRunner().invoke(cli, ["calibrate", "--json", "--fpr", "1e-9"]).stdout)
    assert record["radius"]["limit"] < int(run.stdout.split("radius")[1].split()[0])
    assert Limit(**record["radius"]).bound < 1
    message = CliRunner().invoke(cli, ["dedupe"]).stderr
    assert f"by radius {record['radius']['limit']}, as calibrated on {record['photos']} photos" in message
    assert CliRunner().invoke(cli, ["calibrate", "--forget"]).exit_code == 0
    assert CliRunner().invoke(cli, ["dedupe"]).stderr.endswith("by radius 24\n")


def test_chart_shows_both_distributions(scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(calibrate, "_COPIED", 2)
    chart = tmp_path / "distances.svg"
    run = CliRunner().invoke(cli, ["calibrate", "--catalogue", str(scanned), "--chart", str(chart)])
    assert run.exit_code == 0
    drawn = chart.read_text(encoding="utf-8")
    assert drawn.count("<!-- ") > 10
    for text in "different photos: 1,889 pairs", "copies: 60 pairs", "radius ":
        assert f"<!-- {text}" in drawn


def test_a_collection_that_has_grown_is_to_be_measured_again(scanned: Path) -> None:
    for measured, is_reported in (41, True), (42, False):
        with Store(scanned) as catalogue:
            policy.set_calibration(catalogue, Calibration(measured, 24))
        run = CliRunner().invoke(cli, ["dedupe", "--catalogue", str(scanned)])
        assert ("62 photos are many more than were calibrated" in run.stderr) == is_reported


def test_too_few_photos_are_refused(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"{number}.png", scene(number))
    run = CliRunner().invoke(cli, ["calibrate", str(tmp_path), "--catalogue", str(tmp_path / "photos.db")])
    assert isinstance(run.exception, UsageError)
    assert str(run.exception) == "calibration takes 50 different photos at least, and there are 3: scan more"


def test_photos_that_are_gone_are_decided_by_the_default_radius() -> None:
    table = photos(5, 60)
    table[1] = table[0]
    with Store(None) as catalogue:
        catalogue.add_fingerprints([f"/nowhere/{number}.jpg" for number in range(60)], table)
        report = calibrate.calibrate(catalogue)
    assert (report.impostors.copies, report.recall) == (1, {})


def test_benchmark_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["calibrate", "--gallery", str(tmp_path), "--draws", "4", "--rates", "1e-2"]
    with pytest.raises(SystemExit, match="two halves take 100 pictures, and 0 are there"):
        bench.main(options)
    for number in range(100):
        save(tmp_path / f"{number}.png", scene(number))
    assert bench.main([*options, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["by"], row["draws"]) for row in rows] == [("distance", 4), ("distance", 4)]
    assert all(0 <= row["expected"] < row["bound"] and 0 <= row["holds"] <= 1 for row in rows)
    assert bench.main(options) == 0
    assert capsys.readouterr().out.startswith("100 pictures, 4 draws of two halves")
