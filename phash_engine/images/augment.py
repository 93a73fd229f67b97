"""Make typical copies of a picture: compressed, scaled, cropped, padded, turned, toned, covered."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Change = Callable[[Image.Image], Image.Image]

_QUALITY = 85


def _scaled(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))))


def _cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    return image.crop(
        (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
    )


def _padded(image: Image.Image, across: float, down: float, tone: str) -> Image.Image:
    border = round(across * image.width), round(down * image.height)
    return ImageOps.expand(image, border, tone)


def _tilted(image: Image.Image, degrees: float) -> Image.Image:
    """Turn by a few degrees, and crop the empty corners."""
    turned = image.rotate(degrees, Image.Resampling.BICUBIC)
    cut = float(np.tan(np.radians(degrees))) / 2
    across, down = (min(0.3, cut * ratio) for ratio in (image.height / image.width, image.width / image.height))
    return _cropped(turned, across, down, across, down)


def _brightened(image: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(factor)


def _contrasted(image: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(factor)


def _toned(image: Image.Image, gamma: float) -> Image.Image:
    return image.point([round(255 * (tone / 255) ** gamma) for tone in range(256)] * 3)


def _noisy(image: Image.Image, strength: float) -> Image.Image:
    pixels = np.asarray(image).astype(np.float64)
    noise = strength * np.random.default_rng(1).standard_normal(pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def _covered(image: Image.Image, share: float) -> Image.Image:
    """Draw a white panel with lines of text over a part of the lower edge."""
    covered = image.copy()
    draw = ImageDraw.Draw(covered)
    width, height = image.size
    side = share**0.5
    box = (
        round((1 - side) * width / 2),
        round((0.95 - side) * height),
        round((1 + side) * width / 2),
        round(0.95 * height),
    )
    draw.rectangle(box, fill="white")
    for line in range(box[1] + 2, box[3] - 2, max(4, (box[3] - box[1]) // 4)):
        draw.line((box[0] + 4, line, box[2] - 4, line), fill="black", width=2)
    return covered


def _turned(image: Image.Image, method: Image.Transpose) -> Image.Image:
    return image.transpose(method)


FAMILIES: Final[dict[str, tuple[Change, ...]]] = {
    "scaled": tuple(partial(_scaled, factor=factor) for factor in (0.5, 0.25)),
    "cropped on one side": tuple(partial(_cropped, left=cut, top=0, right=0, bottom=0) for cut in (0.05, 0.1)),
    "cropped on all sides": tuple(partial(_cropped, left=c, top=c, right=c, bottom=c) for c in (0.025, 0.05, 0.1)),
    "padded": (
        partial(_padded, across=0, down=0.15, tone="black"),
        partial(_padded, across=0.1, down=0.1, tone="white"),
    ),
    "turned by degrees": tuple(partial(_tilted, degrees=degrees) for degrees in (1, 3, 5)),
    "turned by a quarter": (
        partial(_turned, method=Image.Transpose.ROTATE_90),
        partial(_turned, method=Image.Transpose.ROTATE_180),
    ),
    "mirrored": (ImageOps.mirror,),
    "brightness": tuple(partial(_brightened, factor=factor) for factor in (0.6, 1.4)),
    "contrast": tuple(partial(_contrasted, factor=factor) for factor in (0.6, 1.4)),
    "gamma": tuple(partial(_toned, gamma=gamma) for gamma in (0.6, 1.6)),
    "equalised": (ImageOps.equalize,),
    "grey": (lambda image: ImageOps.grayscale(image).convert("RGB"),),
    "blurred": (lambda image: image.filter(ImageFilter.GaussianBlur(2)),),
    "noisy": (partial(_noisy, strength=15),),
    "covered in part": tuple(partial(_covered, share=share) for share in (0.05, 0.15)),
}
"""Changes by family, in all strengths; their results are compressed at quality 85."""
COMPRESSED: Final = "compressed"
_QUALITIES = (75, 30, 10)


def copies_of(pixels: NDArray[np.uint8]) -> Iterator[tuple[str, bytes]]:
    """Yield family and JPEG bytes of each copy of a picture, uint8 ``(h, w, 3)`` of RGB; the same at each call."""
    image = Image.fromarray(pixels)
    for quality in _QUALITIES:
        yield COMPRESSED, _jpeg(image, quality)
    for family, changes in FAMILIES.items():
        for change in changes:
            yield family, _jpeg(change(image), _QUALITY)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()
