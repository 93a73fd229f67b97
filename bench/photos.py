"""Real photos for the benchmarks, and large ones made of them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "photos"
SAMPLE = Path(__file__).resolve().parents[1] / "data" / "photos"


def web(n: int) -> list[Path]:
    """Return ``n`` photos of about 500x375, or the sample collection's where the real ones are missing."""
    found = sorted((FOLDER / "web").glob("*.jpg")) or sorted(SAMPLE.glob("20*/*.[jJ][pP][gG]"))
    return found[:n]


def large(n: int, folder: Path) -> list[Path]:
    """Write ``n`` JPEGs of 4000x3000 pixels and quality 92, real photos scaled up, and return their paths."""
    made = []
    for source in web(n):
        path = folder / source.name
        with Image.open(source) as image:
            image.convert("RGB").resize((4000, 3000), Image.Resampling.LANCZOS).save(path, quality=92)
        made.append(path)
    return made
