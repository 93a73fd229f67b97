"""Light and colour: brightness, contrast, gamma, equalisation, saturation, tints, the negative."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from bench.families.base import Make, family, on_pixels, plainly

_SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])


def _brightness(factor: float) -> Make:
    return plainly(lambda image: ImageEnhance.Brightness(image).enhance(factor))


def _contrast(factor: float) -> Make:
    return plainly(lambda image: ImageEnhance.Contrast(image).enhance(factor))


def _saturation(factor: float) -> Make:
    return plainly(lambda image: ImageEnhance.Color(image).enhance(factor))


def _gamma(exponent: float) -> Make:
    return on_pixels(lambda pixels: 255 * (pixels / 255.0) ** exponent)


def _gains(red: float, green: float, blue: float) -> Make:
    return on_pixels(lambda pixels: pixels * np.array([red, green, blue]))


def _grey(image: Image.Image) -> Image.Image:
    return image.convert("L")


TRANSFORMS = (
    *family("brightness", {f"x {factor}": _brightness(factor) for factor in (0.5, 0.75, 1.25, 1.5)}),
    *family("contrast", {f"x {factor}": _contrast(factor) for factor in (0.6, 1.5)}),
    *family("gamma", {f"{exponent}": _gamma(exponent) for exponent in (0.5, 2.0)}),
    *family("equalise", {"each channel": plainly(ImageOps.equalize)}),
    *family(
        "colour",
        {
            "saturation x 0.5": _saturation(0.5),
            "saturation x 2": _saturation(2),
            "grey": plainly(_grey),
            "sepia": on_pixels(lambda pixels: pixels @ _SEPIA.T),
            "warm": _gains(1.15, 1, 0.85),
            "cold": _gains(0.85, 1, 1.15),
        },
    ),
    *family("negative", {"whole": plainly(ImageOps.invert)}),
)
