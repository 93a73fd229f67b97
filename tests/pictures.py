"""Small pictures for tests that need files: scenes, copies of them, EXIF of a camera."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

MAKE, MODEL, EXIF, TAKEN, FRACTION = 0x010F, 0x0110, 0x8769, 0x9003, 0x9291


def scene(number: int) -> Image.Image:
    """One of any number of pictures that look different."""
    patches = np.random.default_rng(number).integers(0, 256, (8, 8, 3))
    return Image.fromarray(np.kron(patches, np.ones((12, 12, 1))).astype(np.uint8))


def save(
    path: Path,
    image: Image.Image,
    *,
    side: int = 96,
    quality: int = 90,
    taken: str = "",
    fraction: str = "",
    mtime: int = 10**9,
) -> str:
    """Save a picture, as a JPEG with the time of a shot if that is given, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if taken:
        exif[MAKE], exif[MODEL] = "Maker", "Model"
        exif.get_ifd(EXIF).update({TAKEN: taken} | ({FRACTION: fraction} if fraction else {}))
    resized = image.resize((side, side), Image.Resampling.NEAREST)
    if path.suffix == ".jpg":
        resized.save(path, exif=exif, quality=quality)
    else:
        resized.save(path)
    os.utime(path, (mtime, mtime))
    return str(path)


def with_noise(image: Image.Image, strength: float, seed: int = 1) -> Image.Image:
    """A copy that is some bits away."""
    noise = strength * np.random.default_rng(seed).standard_normal((8, 8, 1))
    pixels = np.asarray(image).astype(np.float64) + np.kron(noise, np.ones((12, 12, 1)))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
