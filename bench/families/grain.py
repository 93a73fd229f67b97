"""Fine detail: noise, blur, sharpening, superpixels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter
from scipy.spatial import cKDTree

from bench.families.base import Make, Pixels, Random, cv2, family, from_pixels, on_pixels, plainly

_CELLS = 300
_COMPACTNESS = 1.5
"""Luma steps that equal a distance of one pixel in a superpixel."""


def noisy(image: Image.Image, random: Random, sigma: float) -> Image.Image:
    """Add Gaussian noise of ``sigma`` luma steps to each channel."""
    pixels = np.asarray(image)
    return from_pixels(pixels + random.normal(0, sigma, pixels.shape))


def _gaussian(sigma: float) -> Make:
    return lambda image, random: noisy(image, random, sigma)


def _specks(share: float, tones: tuple[int, ...]) -> Make:
    def make(image: Image.Image, random: Random) -> Image.Image:
        pixels = np.array(image)
        changed = random.random(pixels.shape[:2]) < share
        pixels[changed] = random.choice(tones, changed.sum())[:, np.newaxis]
        return from_pixels(pixels)

    return make


def _filtered(kernel: ImageFilter.Filter) -> Make:
    return plainly(lambda image: image.filter(kernel))


def _superpixels(pixels: Pixels) -> Pixels:
    """Return mean colours of cells by place and colour around a grid of seeds (SLIC's first step, Achanta 2012)."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width] * _COMPACTNESS
    points = np.dstack([y, x, pixels]).astype(np.float32)
    step = max(1, round((height * width / _CELLS) ** 0.5))
    seeds = points[step // 2 :: step, step // 2 :: step].reshape(-1, 5)
    cells = cKDTree(seeds).query(points.reshape(-1, 5))[1]
    sizes = np.maximum(np.bincount(cells, minlength=len(seeds)), 1)
    means = [np.bincount(cells, weights=channel, minlength=len(seeds)) / sizes for channel in pixels.reshape(-1, 3).T]
    painted: Pixels = np.stack(means, axis=1)[cells].reshape(pixels.shape).astype(np.uint8)
    return painted


TRANSFORMS = (
    *family(
        "noise",
        {
            "gaussian 10": _gaussian(10),
            "gaussian 25": _gaussian(25),
            "salt and pepper 3 %": _specks(0.03, (0, 255)),
            "pepper 5 %": _specks(0.05, (0,)),
        },
    ),
    *family(
        "blur",
        {
            "average 7": _filtered(ImageFilter.BoxBlur(3)),
            "gaussian 2": _filtered(ImageFilter.GaussianBlur(2)),
            "gaussian 5": _filtered(ImageFilter.GaussianBlur(5)),
            "median 7": on_pixels(lambda pixels: cv2().medianBlur(pixels, 7)),
            "bilateral 9": on_pixels(lambda pixels: cv2().bilateralFilter(pixels, 9, 75, 75)),
        },
    ),
    *family(
        "sharpen",
        {
            "100 %": _filtered(ImageFilter.UnsharpMask(2, 100, 0)),
            "300 %": _filtered(ImageFilter.UnsharpMask(4, 300, 0)),
        },
    ),
    *family("superpixel", {f"{_CELLS} cells": on_pixels(_superpixels)}),
)
