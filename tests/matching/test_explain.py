"""Explaining a comparison: the settings under which two pictures match. Each file is opened once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from phash_engine.matching.explain import explain
from phash_engine.matching.verification import keypoints

SCRIPT = """
import sys
opened = []
def note(event, arguments):  # an opener is reported a second time, without a mode
    if event == "open" and arguments[1] is not None:
        opened.append(str(arguments[0]))
sys.addaudithook(note)
from phash_engine.cli import cli
cli(["compare", *sys.argv[1:]], standalone_mode=False)
print(*(opened.count(path) for path in sys.argv[1:3]), file=sys.stderr)
"""


@pytest.mark.parametrize("options", [[], ["--explain"], ["--verify"], ["--explain", "--verify", "--json"]])
def test_each_file_is_opened_once(sample: Path, options: list[str]) -> None:
    a, b = sample / "exports" / "web" / "cat.gif", sample / "phone" / "PXL_20240110_170044.jpg"
    command = [sys.executable, "-c", SCRIPT, str(a), str(b), *options]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr.splitlines()[-1] == "1 1"


@pytest.mark.skipif(not keypoints.has_opencv(), reason="needs opencv-python-headless: the extra verify")
def test_settings_that_match(folder: Path) -> None:
    def matching(a: str, b: str) -> list[str]:
        return [name for name, match, _ in explain(str(folder / a), str(folder / b)).settings if match]

    with Image.open(folder / "a.png") as image:
        ImageOps.expand(image, 60, "black").save(folder / "framed.png")
    Image.new("RGB", (300, 200), "white").save(folder / "white.png")
    Image.new("RGB", (300, 200), "black").save(folder / "black.png")
    every = ["the defaults", "--no-rotations", "--radius", "--verify", "adaptive score"]
    assert matching("a.png", "half.jpg") == every
    assert matching("a.png", "framed.png") == every
    assert matching("a.png", "drawn.png") == [name for name in every if name != "--verify"]
    assert matching("a.png", "mirrored.jpg") == ["--radius", "--verify"]
    assert matching("a.png", "other.jpg") == ["--radius"]
    assert matching("white.png", "white.png") == ["the defaults", "--no-rotations"]
    assert matching("white.png", "black.png") == ["--trust-all"]


def test_distances_without_borders(folder: Path) -> None:
    with Image.open(folder / "a.png") as image:
        ImageOps.mirror(ImageOps.expand(image, 60, "black")).save(folder / "framed.png")
    found = explain(str(folder / "a.png"), str(folder / "framed.png"))
    assert found.trimmed is not None
    assert found.trimmed <= 24 < found.rotations <= found.upright
    assert not found.settings[1].match
    assert explain(str(folder / "a.png"), str(folder / "half.jpg")).trimmed is None
