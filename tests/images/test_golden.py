"""The golden table: the codes of SPEC 2, of generated blocks and of the sample collection."""

import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import PIL
import pytest
from PIL import Image, features

from phash_engine import images
from phash_engine.errors import UsageError
from phash_engine.hashing import codes, hashers
from phash_engine.images import golden
from tests.conftest import ROOT

DECODERS = {
    "JPEG": features.version_feature("libjpeg_turbo"),
    "WEBP": features.version_module("webp"),
    "AVIF": features.version_module("avif") if features.check("avif") else None,
}
WRITTEN_WITH = {"JPEG": "3.2.0", "WEBP": "1.6.0", "AVIF": "1.4.2"}
"""Versions of the decoders that the table was computed with."""


THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
FILES = [name for name in golden.table() if name not in golden.GENERATED]


def test_the_table_has_the_current_spec() -> None:
    assert hashers.SPEC == 2


def test_blocks_have_their_codes_bit_for_bit() -> None:
    table = golden.table()
    found = {name: golden.hexes(block) for name, block in golden.generated().items()}
    assert found == {name: table[name] for name in golden.GENERATED}


def test_the_table_lists_the_readable_files() -> None:
    with (ROOT / "data" / "photos.csv").open(encoding="utf-8", newline="") as file:
        readable = [row["path"] for row in csv.DictReader(file) if row["scene"]]
    assert sorted(FILES) == sorted(readable)


@pytest.mark.parametrize("name", FILES)
def test_files_have_their_codes(name: str) -> None:
    path = ROOT / "data" / "photos" / name
    with Image.open(path) as image:
        kind = image.format or ""
    if kind == "AVIF" and not DECODERS["AVIF"]:
        pytest.skip("this Pillow reads no AVIF")
    found = hashers.hash_blocks(images.read_block(path)[None])[0]
    # Lossless files and their blocks must agree to the bit. Another version of a lossy decoder may round a pixel
    # differently, which flips a bit or two next to their threshold.
    allowed = 0 if DECODERS.get(kind) == WRITTEN_WITH.get(kind) else 2
    for kind, expected, code in zip(golden.NAMES, golden.table()[name], found, strict=True):
        assert codes.distance(codes.from_hex(expected), code) <= allowed, kind


# The selftest


def selftest(
    *arguments: str | Path, cwd: Path = ROOT, threads: str = "1", before: Path = ROOT
) -> tuple[int, dict[str, Any]]:
    """Exit code and record of ``phash selftest --json`` with the package in a folder and a number of threads.

    Packages in the folder ``before`` take precedence over those installed.
    """
    run = subprocess.run(
        [sys.executable, "-m", "phash_engine", "selftest", "--json", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(before), str(cwd))), **dict.fromkeys(THREADS, threads)},
    )
    return run.returncode, json.loads(run.stdout or "{}")


@pytest.mark.parametrize("threads", ["1", "4"])
def test_bits_do_not_depend_on_threads(threads: str) -> None:
    code, record = selftest(threads=threads)
    assert record["blocks"] == len(golden.GENERATED)
    assert not {each["name"] for each in record["differences"]} & set(golden.GENERATED)
    assert code == int(not record["same"])


@pytest.mark.parametrize("version", ["11.3.0", "12.0.0"])
def test_older_releases_of_pillow_give_the_same_bits(version: str, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    run = subprocess.run([*line, "--target", tmp_path, f"pillow=={version}"], capture_output=True, text=True)
    if run.returncode:
        pytest.skip(f"Pillow {version} does not install: {run.stderr.strip().splitlines()[-1]}")
    code, record = selftest(before=tmp_path)
    assert record["versions"]["Pillow"] == version
    # Decoders of another version may differ by a step of luma, and so flip a bit.
    assert all(sum(each["bits"].values()) <= 2 for each in record["differences"])
    assert not {each["name"] for each in record["differences"]} & set(golden.GENERATED)
    assert code == int(not record["same"])


def test_an_installed_package_passes_the_selftest(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    assert (tmp_path / "site" / "phash_engine" / "data" / "golden.csv").is_file()
    _, record = selftest(cwd=tmp_path / "site")
    assert record["blocks"] == len(golden.GENERATED)
    assert record["files"] == 15
    assert record["versions"]["Pillow"] == PIL.__version__


def test_different_codes_are_reported(tmp_path: Path) -> None:
    for name in ("tram.png", "leaf.png"):
        (tmp_path / "exports" / "web").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "data/photos/exports/web/tram.png", tmp_path / "exports" / "web" / name)
    (tmp_path / "exports" / "web" / "cat.gif").write_bytes(b"GIF89a")
    code, record = selftest(tmp_path)
    assert (code, record["same"], record["files"]) == (1, False, 3)
    failed, different = sorted(record["differences"], key=lambda each: str(each["name"]))
    assert failed["name"] == "exports/web/cat.gif"
    assert failed["reason"]
    assert different["name"] == "exports/web/leaf.png"
    assert sum(different["bits"].values()) > 24


def test_a_folder_without_sample_files_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of the files"):
        golden.check(tmp_path)
    assert selftest(tmp_path) == (2, {})
