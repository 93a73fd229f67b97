"""Matches by the quality of their photos: measures against Pillow and by hand, orders and ranges."""

from __future__ import annotations

import json
import math
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image, ImageFilter

from phash_engine.catalogue import Photo, Store
from phash_engine.hashing import quality
from phash_engine.hashing.views import MatchType
from phash_engine.matching.ranking import (
    MEASURES,
    MeasuredMatch,
    Range,
    measure_matches,
    select_matches,
    sort_matches,
)
from phash_engine.matching.search import Match, find
from phash_engine.scanning.scan import scan
from tests.cli.test_cli import invoke

NAMES = ["wide.png", "whole.png", "blurred.png", "small.png"]


@pytest.fixture
def copies(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of one photo: as it is, blurred, small, and cut to be wider."""
    folder, catalogue_path = tmp_path / "copies", tmp_path / "catalogue" / "photos.db"
    folder.mkdir()
    with Image.open(sample / "2023-lake" / "IMG_0412.jpg") as picture:
        whole = picture.convert("RGB").resize((320, 240))
    whole.save(folder / "whole.png")
    whole.filter(ImageFilter.GaussianBlur(2)).save(folder / "blurred.png")
    whole.resize((160, 120), Image.Resampling.LANCZOS).save(folder / "small.png")
    whole.crop((0, 4, 320, 236)).save(folder / "wide.png")
    with Store(catalogue_path) as catalogue:
        scan([folder], catalogue)
    monkeypatch.setenv("PHASH_CATALOGUE", str(catalogue_path))
    return folder


@pytest.fixture
def found(copies: Path) -> dict[str, dict[str, float]]:
    """All measures by name of the copy."""
    with Store(copies.parent / "catalogue" / "photos.db") as catalogue:
        matches = find(copies / "whole.png", catalogue)
        return {Path(m.path).name: measures for m, measures in measure_matches(matches, catalogue, diagonal=2)}


def test_measures_of_the_header(copies: Path, found: dict[str, dict[str, float]]) -> None:
    assert sorted(found) == sorted(NAMES)
    for name, measures in found.items():
        with Image.open(copies / name) as picture:
            width, height = picture.size
        assert list(measures) == list(MEASURES)
        assert measures["pixels"] == width * height
        assert measures["aspect"] == width / height
        assert measures["size"] == (copies / name).stat().st_size
        assert measures["ppi"] == pytest.approx(math.sqrt(width**2 + height**2) / 2)


def test_measures_of_the_pixels(copies: Path, found: dict[str, dict[str, float]]) -> None:
    with Image.open(copies / "whole.png") as picture:
        grey = picture.convert("L")
    assert found["whole.png"]["entropy"] == pytest.approx(grey.entropy(), abs=0.2)
    luma = np.asarray(grey.reduce(2)).astype(np.float64)  # the scale at which 120 of 240 pixels remain
    steps = [np.abs(np.diff(luma, axis=axis)).mean() for axis in (0, 1)]
    assert found["whole.png"]["gradient"] == pytest.approx(sum(steps) * 160 / 512, rel=0.05)
    assert found["blurred.png"]["gradient"] < found["whole.png"]["gradient"] * 0.6
    assert found["small.png"]["gradient"] == pytest.approx(found["whole.png"]["gradient"], rel=0.2)  # of one scale


def test_gradient_of_next_to_nothing() -> None:
    assert quality.mean_gradient(np.zeros((1, 9), dtype=np.uint8)) == 0
    assert quality.mean_gradient(np.full((5, 5), 7, dtype=np.uint8)) == 0


def match(photo: Photo | None) -> Match:
    assert photo is not None
    return Match("q", photo, 0, MatchType.SIMILAR)


def test_orders_and_ranges_by_hand() -> None:
    values = {"a": 2.0, "b": math.nan, "c": 5.0, "d": 2.0}
    given = [
        MeasuredMatch(Match("q", Photo.of_path(name), 0, MatchType.SIMILAR), {"ppi": value})
        for name, value in values.items()
    ]

    def names(rows: list[MeasuredMatch]) -> str:
        return "".join(row.match.path for row in rows)

    assert names(sort_matches(given, "ppi")) == "cadb"
    assert names(sort_matches(given, "ppi", 1.5)) == "adcb"
    assert names(sort_matches(given, "ppi", 4)) == "cadb"
    assert names(select_matches(given, [Range("ppi", least=2)])) == "acd"
    assert names(select_matches(given, [Range("ppi", least=2), Range("ppi", most=2)])) == "ad"
    assert select_matches(given, []) == given


def test_unknown_measures(copies: Path, sample: Path) -> None:
    with Store(copies.parent / "catalogue" / "photos.db") as catalogue:
        catalogue.add_fingerprints([sample / "elsewhere.jpg"], np.arange(5, dtype=np.uint64)[np.newaxis])
        (copies / "small.png").unlink()
        matches = [match(catalogue.photo(str(path))) for path in (sample / "elsewhere.jpg", copies / "small.png")]
        imported, gone = (row.measures for row in measure_matches(matches, catalogue))
    assert list(imported) == list(MEASURES)
    assert all(math.isnan(value) for value in imported.values())
    assert not any(math.isnan(value) for value in gone.values())  # the scan measured it


# ── command ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def paths(output: str) -> list[str]:
    return [Path(line.split("\t")[-1]).name for line in output.splitlines()]


def test_find_sorts_by_a_measure(copies: Path) -> None:
    whole = copies / "whole.png"
    by_pixels = invoke("find", whole, "--order", "pixels").output
    assert paths(by_pixels) == ["whole.png", "blurred.png", "wide.png", "small.png"]
    assert by_pixels.splitlines()[0] == f"0\tidentical\t76800\t{whole}"
    assert paths(invoke("find", whole, "--order", "gradient").output)[-1] == "blurred.png"
    assert paths(invoke("find", whole, "--near-ppi", "11.2").output)[0] == "small.png"
    assert paths(invoke("find", whole, "--near-ppi", "400", "--diagonal", "0.5").output)[0] == "small.png"


def test_find_selects_by_ranges(copies: Path) -> None:
    whole = copies / "whole.png"
    assert "small.png" not in paths(invoke("find", whole, "--min", "pixels", "3e4").output)
    assert paths(invoke("find", whole, "--min", "aspect", "1.35").output) == ["wide.png"]
    assert invoke("find", whole, "--min", "entropy", "8.5").return_value == 1
    run = invoke("find", whole, "--min", "pixels", "3e4", "--max", "aspect", "1.35", "--json")
    records = [json.loads(line) for line in run.output.splitlines()]
    assert sorted(Path(record["path"]).name for record in records) == ["blurred.png", "whole.png"]
    assert [list(record["measures"]) for record in records] == [["pixels", "aspect", "size", "ppi"]] * 2
    assert "measures" not in json.loads(invoke("find", whole, "-k", "1", "--json").output)


def test_order_and_near_ppi_exclude_each_other(copies: Path) -> None:
    with pytest.raises(click.UsageError, match="--order and --near-ppi each say what comes first"):
        invoke("find", copies / "whole.png", "--order", "size", "--near-ppi", "90")
