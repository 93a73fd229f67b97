"""The sample collection: the ground truth fits the files, and the generator still makes them."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps, features

DATA = Path(__file__).parents[1] / "data"
LOSSLESS = {"BMP", "PNG", "TIFF"}


def truth(folder: Path) -> list[dict[str, str]]:
    with folder.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def pixels(path: Path) -> tuple[str | None, NDArray[np.int64]]:
    with Image.open(path) as image:
        return image.format, np.asarray(ImageOps.exif_transpose(image)).astype(np.int64)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")
    folder = tmp_path_factory.mktemp("sample") / "photos"
    subprocess.run([sys.executable, DATA / "make_photos.py", folder], check=True)
    return folder


def test_truth_lists_exactly_the_files() -> None:
    assert [row["path"] for row in truth(DATA / "photos")] == files(DATA / "photos")


def test_every_scene_has_one_original() -> None:
    rows = truth(DATA / "photos")
    originals = [row["scene"] for row in rows if row["edit"] == "original"]
    assert len(originals) == len(set(originals))
    assert set(originals) == {row["scene"] for row in rows} - {""}


def test_scene_is_empty_where_the_file_is_no_readable_picture() -> None:
    for row in truth(DATA / "photos"):
        if row["scene"]:
            assert pixels(DATA / "photos" / row["path"])[1].size
        else:
            with pytest.raises(OSError, match=r"truncated|cannot identify"):
                pixels(DATA / "photos" / row["path"])


def test_collection_is_small() -> None:
    assert sum((DATA / "photos" / path).stat().st_size for path in files(DATA / "photos")) < 3_000_000


def test_generator_writes_the_same_files(made: Path) -> None:
    assert files(made) == files(DATA / "photos")
    assert truth(made) == truth(DATA / "photos")


def test_generator_draws_the_same_pictures(made: Path) -> None:
    for row in truth(made):
        if not row["scene"]:
            continue
        (kind, ours), (_, kept) = pixels(made / row["path"]), pixels(DATA / "photos" / row["path"])
        assert ours.shape == kept.shape, row["path"]
        # Palettes may be numbered anew and lossy coders differ between versions; colours kept as they are may not.
        if kind in LOSSLESS and row["edit"] != "png-palette":
            assert np.abs(ours - kept).max() <= 2 * (257 if ours.max() > 255 else 1), row["path"]
        elif kind == "JPEG":
            assert np.abs(ours - kept).mean() < 2, row["path"]
