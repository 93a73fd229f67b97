"""The same pixels in other files: JPEG qualities, formats, sizes."""

from __future__ import annotations

from typing import Any

from PIL import Image

from bench.families.base import Make, Random, family, plainly, saved


def _file(kind: str, **options: Any) -> Make:
    def make(image: Image.Image, _: Random) -> bytes:
        return saved(image, kind, **options)

    return make


def _gif(image: Image.Image, _: Random) -> bytes:
    return saved(image.quantize(256), "GIF")


def scaled(image: Image.Image, factor: float) -> Image.Image:
    """Return the picture at another size."""
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return image.resize(size, Image.Resampling.LANCZOS)


def _scale(factor: float) -> Make:
    return plainly(lambda image: scaled(image, factor))


TRANSFORMS = (
    *family("jpeg", {f"q{quality}": _file("JPEG", quality=quality) for quality in (75, 30, 10, 5)}),
    *family("resize", {f"{percent} %": _scale(percent / 100) for percent in (50, 25, 10, 200)}),
    *family("format", {"png": _file("PNG", compress_level=1), "webp": _file("WEBP", method=0), "gif": _gif}),
)
