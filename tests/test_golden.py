"""The golden table: every bit of SPEC 1, of generated blocks and of the sample collection."""

import csv
import runpy

import pytest
from PIL import Image, features

from phash_engine import codes, hashers, images
from tests.conftest import ROOT

MAKER = runpy.run_path(str(ROOT / "data" / "make_golden.py"))
NAMES = hashers.CODE_NAMES + hashers.MIRROR_NAMES
DECODERS = {
    "JPEG": features.version_feature("libjpeg_turbo"),
    "WEBP": features.version_module("webp"),
    "AVIF": features.version_module("avif") if features.check("avif") else None,
}
WRITTEN_WITH = {"JPEG": "3.2.0", "WEBP": "1.6.0", "AVIF": "1.4.2"}
"""The decoders that read the files when the table was written."""


def golden() -> list[dict[str, str]]:
    with (ROOT / "data" / "golden.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_spec_is_the_one_of_the_table() -> None:
    assert hashers.SPEC == 1


def test_blocks_have_their_codes_bit_for_bit() -> None:
    found = {name: MAKER["hexes"](block) for name, block in MAKER["generated"]().items()}
    assert found == {row["block"]: [row[name] for name in NAMES] for row in golden() if row["block"]}


def test_the_table_lists_the_readable_files() -> None:
    with (ROOT / "data" / "photos.csv").open(encoding="utf-8", newline="") as file:
        readable = [row["path"] for row in csv.DictReader(file) if row["scene"]]
    assert sorted(row["path"] for row in golden() if row["path"]) == sorted(readable)


@pytest.mark.parametrize("row", [row for row in golden() if row["path"]], ids=lambda row: row["path"])
def test_files_have_their_codes(row: dict[str, str]) -> None:
    path = ROOT / "data" / "photos" / row["path"]
    with Image.open(path) as image:
        kind = image.format or ""
    if kind == "AVIF" and not DECODERS["AVIF"]:
        pytest.skip("this Pillow reads no AVIF")
    found = hashers.hash_blocks(images.read_block(path)[None])[0]
    # From the block on every bit is fixed, and lossless files fix the block. Another version of a lossy decoder may
    # round a pixel otherwise, which turns a bit or two that hang in the balance.
    allowed = 0 if DECODERS.get(kind) == WRITTEN_WITH.get(kind) else 2
    for name, code in zip(NAMES, found, strict=True):
        assert codes.distance(codes.from_hex(row[name]), code) <= allowed, name
