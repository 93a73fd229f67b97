"""Real photos for the benchmarks, and large ones made of them."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "photos"
SAMPLE = Path(__file__).resolve().parents[1] / "data" / "photos"
FORMATS = {"PNG": "png", "WEBP": "webp", "TIFF": "tif", "HEIF": "heic", "AVIF": "avif"}
"""Formats other than JPEG, and the extensions of their files."""


def web(n: int) -> list[Path]:
    """Return ``n`` photos of about 500x375, or the sample collection's where the real ones are missing."""
    found = sorted((FOLDER / "web").glob("*.jpg")) or sorted(SAMPLE.glob("20*/*.[jJ][pP][gG]"))
    return found[:n]


def everything() -> list[Path]:
    """Return every JPEG photo that can be decoded, in all folders of the real photos."""
    folders = (
        FOLDER / "web",
        FOLDER / "camera" / "jpg",
        FOLDER / "orientation",
        FOLDER / "dihedral",
        FOLDER / "ukbench",
    )
    found = (path for folder in folders for path in sorted(folder.rglob("*.jpg")))
    return [path for path in found if not any(word in str(path) for word in ("invalid", "corrupt"))]


def large(n: int, folder: Path, *, progressive: bool = False) -> list[Path]:
    """Write ``n`` JPEGs of 4000x3000 pixels and quality 92, real photos scaled up, and return their paths."""
    made = []
    for source in web(n):
        path = folder / f"{'progressive' if progressive else 'baseline'}-{source.name}"
        with Image.open(source) as image:
            enlarged = image.convert("RGB").resize((4000, 3000), Image.Resampling.LANCZOS)
        enlarged.save(path, quality=92, progressive=progressive)
        made.append(path)
    return made


def converted(n: int, folder: Path, kind: str) -> list[Path]:
    """Write ``n`` web photos in another format and return their paths; none, and a line, where it cannot be written."""
    made = []
    for source in web(n):
        path = folder / f"{source.stem}.{FORMATS[kind]}"
        try:
            if kind == "HEIF":
                import_module("pillow_heif").register_heif_opener()
            with Image.open(source) as image:
                image.convert("RGB").save(path, kind)
        except (ImportError, KeyError, OSError) as error:
            print(f"left out: {kind} files: {error}", file=sys.stderr)
            return []
        made.append(path)
    return made
