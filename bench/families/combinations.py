"""Several changes at once: what travels through chats and web sites, and what was printed and scanned."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from bench.families.base import Make, Random, cv2, family, from_pixels, saved
from bench.families.codecs import scaled
from bench.families.geometry import cropped, padded, rotated
from bench.families.grain import noisy
from bench.families.overlays import captioned


def _chat(image: Image.Image, random: Random) -> bytes:
    """Cut 5 % off each side, darken or lighten, halve, save badly."""
    changed = ImageEnhance.Brightness(cropped(image, *[0.05] * 4)).enhance(random.choice([0.8, 1.25]))
    return saved(scaled(changed, 0.5), quality=30)


def _meme(image: Image.Image, random: Random) -> bytes:
    """Stretch contrast and colour, write on it, set it on white, save badly."""
    vivid = ImageEnhance.Color(ImageEnhance.Contrast(image).enhance(1.4)).enhance(1.5)
    return saved(padded(captioned(vivid, random, 0.1), 0.05, 0.1, "white"), quality=40)


def _mirrored(image: Image.Image, random: Random) -> bytes:
    """Mirror, cut a little off, save badly."""
    cuts = random.uniform(0, 0.06, 4).tolist()
    return saved(cropped(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), *cuts), quality=40)


def _straightened(image: Image.Image, random: Random) -> bytes:
    """Rotate by 2 degrees, cut the corners off, add noise, save badly."""
    turned = cropped(rotated(image, 2 * random.choice([-1, 1])), *[0.03] * 4)
    return saved(noisy(turned, random, 8), quality=40)


def _print_scan(reach: float) -> Make:
    """Move each corner by up to a share of the sides, blur, shade to one side, add noise."""

    def make(image: Image.Image, random: Random) -> Image.Image:
        width, height = image.size
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
        moved = corners + (random.uniform(-reach, reach, (4, 2)) * [width, height]).astype(np.float32)
        matrix = cv2().getPerspectiveTransform(corners, moved)
        seen = cv2().warpPerspective(np.asarray(image), matrix, (width, height), borderValue=(235, 235, 235))
        left, right = random.uniform(0.75, 1.1, 2).tolist()
        light = np.linspace(left, right, width)[:, np.newaxis]
        shaded = from_pixels(seen * light).filter(ImageFilter.GaussianBlur(1.2))
        return noisy(shaded, random, 6)

    return make


TRANSFORMS = (
    *family("strong", {"chat": _chat, "meme": _meme, "mirrored": _mirrored, "straightened": _straightened}),
    *family("print-scan", {f"{percent} %": _print_scan(percent / 100) for percent in (1, 3, 8)}),
)
