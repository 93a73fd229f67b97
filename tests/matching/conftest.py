"""Fixtures of the tests of matching."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageOps


@pytest.fixture
def folder(sample: Path, tmp_path: Path) -> Path:
    """A picture; copies within the radius, beyond it, and beyond it when mirrored; an edited one; another picture."""
    made = tmp_path / "made"
    made.mkdir()
    with Image.open(sample / "2023-lake" / "IMG_0412.jpg") as image:
        lake = image.convert("RGB").resize((320, 240))
    width, height = lake.size
    cropped = lake.crop((0, 0, width, round(height * 0.88)))
    drawn = lake.resize((width - 8, height - 8))
    ImageDraw.Draw(drawn).line((width * 0.4, height * 0.2, width * 0.5, height * 0.25), "black", 3)
    lake.save(made / "a.png")
    lake.resize((width // 2, height // 2)).save(made / "half.jpg")
    cropped.save(made / "cropped.jpg", quality=95)
    ImageOps.mirror(cropped).save(made / "mirrored.jpg")
    drawn.save(made / "drawn.png")
    with Image.open(sample / "2024-city" / "DSC_0044.JPG") as image:
        image.save(made / "other.jpg")
    return made
