"""Conditions on photos and orders of them: fields against Pillow and by hand, every operator, unit and mistake."""

from __future__ import annotations

import json
import math
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from phash_engine.catalogue import Photo, Store
from phash_engine.errors import UsageError
from phash_engine.hashing import quality
from phash_engine.matching.fields import FIELDS, Value, values
from phash_engine.matching.where import Order, Where
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
def found(copies: Path) -> dict[str, dict[str, Value]]:
    """All fields by name of the copy."""
    with Store(copies.parent / "catalogue" / "photos.db") as catalogue:
        photos = list(catalogue.photos())
        rows = values(photos, FIELDS, catalogue, diagonal=2)
    return dict(zip([Path(photo.path).name for photo in photos], rows, strict=True))


def number(value: Value) -> float:
    assert isinstance(value, float | int)
    return value


def photo(name: str = "p", width: int = 4000, height: int = 3000, size: int = 2_000_000, taken: float = 0.0) -> Photo:
    return Photo(name, size, int(taken * 1e9), b"d", width, height, "JPEG", 50, 1, 1)


# ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_fields_of_the_header(copies: Path, found: dict[str, dict[str, Value]]) -> None:
    assert sorted(found) == sorted(NAMES)
    for name, row in found.items():
        with Image.open(copies / name) as picture:
            width, height = picture.size
        status = (copies / name).stat()
        assert (row["pixels"], row["width"], row["height"]) == (width * height, width, height)
        assert (row["aspect"], row["size"], row["format"], row["taken"]) == (
            width / height,
            status.st_size,
            "png",
            None,
        )
        assert row["ppi"] == pytest.approx(math.hypot(width, height) / 2)
        assert row["modified"] == datetime.fromtimestamp(status.st_mtime)


def test_fields_of_the_pixels(copies: Path, found: dict[str, dict[str, Value]]) -> None:
    with Image.open(copies / "whole.png") as picture:
        grey = picture.convert("L")
    assert found["whole.png"]["entropy"] == pytest.approx(grey.entropy(), abs=0.2)
    luma = np.asarray(grey.reduce(2)).astype(np.float64)  # the scale at which 120 of 240 pixels remain
    steps = sum(np.abs(np.diff(luma, axis=axis)).mean() for axis in (0, 1))
    gradients = {name: number(row["gradient"]) for name, row in found.items()}
    assert gradients["whole.png"] == pytest.approx(steps * 160 / 512, rel=0.05)
    assert gradients["blurred.png"] < gradients["whole.png"] * 0.6
    assert gradients["small.png"] == pytest.approx(gradients["whole.png"], rel=0.2)  # of one scale


def test_gradient_of_next_to_nothing() -> None:
    assert quality.mean_gradient(np.zeros((1, 9), dtype=np.uint8)) == 0
    assert quality.mean_gradient(np.full((5, 5), 7, dtype=np.uint8)) == 0


def test_unknown_fields_meet_no_condition_and_come_last(copies: Path, sample: Path) -> None:
    with Store(copies.parent / "catalogue" / "photos.db") as catalogue:
        catalogue.add_fingerprints([sample / "elsewhere.jpg"], np.arange(5, dtype=np.uint64)[np.newaxis])
        (copies / "small.png").unlink()
        imported, gone = (catalogue.photo(str(path)) for path in (sample / "elsewhere.jpg", copies / "small.png"))
        assert imported is not None
        assert gone is not None
        rows = values([imported, gone], FIELDS, catalogue)
    assert set(rows[0].values()) == {None}
    assert {name for name, value in rows[1].items() if value is None} == {"taken"}  # the scan measured the pixels
    for text in ("pixels>=0", "pixels!=7", "size<1GB", "format!=png", "modified>1970", "taken<2100", "entropy>=0"):
        assert imported not in Where.parse(text).select([imported, gone])
    assert Order.parse("pixels").rows([None, 1.0, 2.0]) == [2, 1, 0]
    assert Order.parse("-pixels").rows([None, 1.0, 2.0]) == [1, 2, 0]


# ── conditions and orders ───────────────────────────────────────────────────────────────────────────────────────────

DAY = datetime(2020, 5, 17, 12).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("pixels>=12MP", True),
        ("pixels > 12MP", False),
        ("pixels=12000000, width=4000, height!=3000", False),
        ("PIXELS>=1MP", None),
        ("aspect>1.33,aspect<1.34", True),
        ("size<=2MB", True),
        ("size>1953KiB", True),
        ("size>2000kb", False),
        ("size>=2e6", True),
        ("size>=2000000B", True),
        ("format=JPEG", True),
        ("format!=jpeg", False),
        ("modified=2020", True),
        ("modified>2020", False),
        ("modified>=2020", True),
        ("modified<=2020-05", True),
        ("modified<2020-05", False),
        ("modified<2020-06", True),
        ("modified=2020-05-17", True),
        ("modified!=2020-05-17", False),
        ("modified>2020-05-16", True),
        ("modified<=2020-12", True),
    ],
)
def test_conditions_by_hand(text: str, expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(UsageError, match="there is no field 'PIXELS'; fields are pixels, width"):
            Where.parse(text)
    else:
        assert bool(Where.parse(text).select([photo(taken=DAY)])) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pixel>=1MP", "there is no field 'pixel'; fields are pixels, width, height, aspect, ppi, size, format"),
        ("pixels", "expected a condition such as pixels>=1MP or taken>=2020, got 'pixels'"),
        ("pixels>=1MP,", "expected a condition such as pixels>=1MP or taken>=2020, got ''"),
        ("pixels=>1MP", "pixels is a number or one with a unit (kP, MP), got '>1MP'"),
        ("pixels>=1MB", "pixels is a number or one with a unit (kP, MP), got '1MB'"),
        ("size>=1MP", "size is a number or one with a unit (B, kB, KiB, MB, MiB, GB, GiB), got '1MP'"),
        ("size>=-1", "size is a number"),
        ("size>=1e999", "size is a number"),
        ("width>=big", "width is a number, got 'big'"),
        ("taken>=20", "taken is a date as 2020, 2020-05 or 2020-05-17, got '20'"),
        ("taken>=2020-13", "taken is a date"),
        ("taken>=0000", "taken is a date"),
        ("taken=9999", "taken is a date"),
        ("modified=2021-02-29", "modified is a date"),
        ("format>jpeg", "format is compared by = and != only, got >"),
    ],
)
def test_mistakes_say_what_there_is(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        Where.parse(text)
    assert str(error.value).startswith(message)


def test_orders_by_hand() -> None:
    assert Order.parse("pixels").rows([2.0, None, 5.0, 2.0]) == [2, 0, 3, 1]
    assert Order.parse("ppi~1.5").rows([2.0, None, 5.0, 2.0]) == [0, 3, 2, 1]
    assert Order.parse("size ~ 4").rows([2.0, None, 5.0, 2.0]) == [2, 0, 3, 1]
    times = [datetime(2019, 1, 1), datetime(2020, 1, 5), datetime(2021, 1, 1)]
    assert Order.parse("taken~2020").rows(times) == [1, 0, 2]
    assert Order.parse("format").rows(["bmp", "png"]) == [1, 0]
    for text, message in {
        "best": "there is no field 'best'; fields are",
        "-size~3": "expected FIELD, -FIELD or FIELD~VALUE to sort by",
        "": "expected FIELD, -FIELD or FIELD~VALUE to sort by",
        "size~big": "size is a number or one with a unit",
        "format~png": "format has no nearest: sort by format or -format",
    }.items():
        with pytest.raises(UsageError) as error:
            Order.parse(text)
        assert str(error.value).startswith(message)


# ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────────


def paths(output: str) -> list[str]:
    return [Path(line.split("\t")[-1]).name for line in output.splitlines()]


def test_find_sorts_by_a_field(copies: Path) -> None:
    whole = copies / "whole.png"
    by_pixels = invoke("find", whole, "--sort", "pixels").output
    assert paths(by_pixels) == ["whole.png", "blurred.png", "wide.png", "small.png"]
    assert by_pixels.splitlines()[0] == f"0\tidentical\t76800\t{whole}"
    assert paths(invoke("find", whole, "--sort", "-pixels").output)[0] == "small.png"
    assert paths(invoke("find", whole, "--sort", "gradient").output)[-1] == "blurred.png"
    assert paths(invoke("find", whole, "--sort", "ppi~11.2").output)[0] == "small.png"
    assert paths(invoke("find", whole, "--sort", "ppi~400", "--diagonal", "0.5").output)[0] == "small.png"
    assert invoke("find", whole, "--sort", "taken").output.splitlines()[0].split("\t")[2] == "-"


def test_find_selects_by_conditions(copies: Path) -> None:
    whole = copies / "whole.png"
    assert "small.png" not in paths(invoke("find", whole, "--where", "pixels>=30kP").output)
    assert paths(invoke("find", whole, "--where", "aspect>1.35").output) == ["wide.png"]
    assert invoke("find", whole, "--where", "entropy>=8.5").return_value == 1
    run = invoke("find", whole, "--where", "pixels>=30kP", "--where", "aspect<1.35", "--sort", "modified", "--json")
    records = [json.loads(line) for line in run.output.splitlines()]
    assert sorted(Path(record["path"]).name for record in records) == ["blurred.png", "whole.png"]
    assert [list(record["fields"]) for record in records] == [["modified"]] * 2
    assert datetime.fromisoformat(records[0]["fields"]["modified"]) >= datetime(2020, 1, 1)
    assert "fields" not in json.loads(invoke("find", whole, "-k", "1", "--json").output)


def test_k_counts_what_meets_the_conditions(copies: Path) -> None:
    whole = copies / "whole.png"
    assert paths(invoke("find", whole, "-k", "1", "--where", "pixels<3e4").output) == ["small.png"]
    assert len(paths(invoke("find", whole, "-k", "2", "--where", "pixels>=3e4").output)) == 2
    assert invoke("find", whole, "-k", "1", "--where", "pixels<3").return_value == 1


def test_dedupe_compares_what_meets_the_conditions(copies: Path) -> None:
    os.utime(copies / "small.png", (DAY, DAY))
    (all_of_them,) = invoke("dedupe", copies, "--json").stdout.splitlines()
    assert len(json.loads(all_of_them)["duplicates"]) == 3
    (large,) = invoke("dedupe", copies, "--json", "--where", "pixels>=30kP").stdout.splitlines()
    assert len(json.loads(large)["duplicates"]) == 2
    (new,) = invoke("dedupe", copies, "--json", "--where", "modified>2020").stdout.splitlines()
    assert str(copies / "small.png") not in new
    assert invoke("dedupe", copies, "--where", "pixels<30kP").stdout == ""
    assert invoke("dedupe", copies, "--where", "taken>=1990").stdout == ""
