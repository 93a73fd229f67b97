"""Edits of pictures: sizes, crops, frames, drawn-in text, tones, and the same scene taken anew."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont


def resized(image: Image.Image, scale: float) -> Image.Image:
    size = (round(image.width * scale), round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """Cut a share of the width or height off each side."""
    width, height = image.size
    return image.crop(
        (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
    )


def poster(image: Image.Image) -> Image.Image:
    """Cut out the middle and enlarge it beyond the size of the picture."""
    return resized(cropped(image, 0.05, 0.2, 0.05, 0.2), 1.6)


def framed(image: Image.Image, share: float, tone: str) -> Image.Image:
    border = round(share * max(image.size))
    frame = Image.new("RGB", (image.width + 2 * border, image.height + 2 * border), tone)
    frame.paste(image, (border, border))
    return frame


def stamped(image: Image.Image, text: str) -> Image.Image:
    """Draw a date into the lower right corner, as cameras did."""
    return _written(image, text, (0.97, 0.95), "rs", "#ff8c00", 0.055)


def captioned(image: Image.Image, text: str, top: str = "") -> Image.Image:
    """Write a large white line at the bottom, and another one at the top."""
    below = _written(image, text, (0.5, 0.95), "ms", "white", 0.09)
    return _written(below, top, (0.5, 0.13), "ms", "white", 0.09) if top else below


def _written(
    image: Image.Image, text: str, place: tuple[float, float], anchor: str, fill: str, share: float
) -> Image.Image:
    made = image.copy()
    font = ImageFont.load_default(share * max(image.size))
    at = (place[0] * image.width, place[1] * image.height)
    ImageDraw.Draw(made).text(at, text, fill, font, anchor, stroke_width=2, stroke_fill="black")
    return made


def warmed(image: Image.Image) -> Image.Image:
    red, green, blue = image.split()
    tone = (red.point(lambda v: min(255, v * 1.15 + 8)), green, blue.point(lambda v: v * 0.8))
    return ImageEnhance.Contrast(Image.merge("RGB", tone)).enhance(1.1)


def exposed(image: Image.Image, stops: float) -> Image.Image:
    """Take the picture anew with more or less light."""
    light = (np.asarray(image) / 255) ** 2.2 * 2**stops
    return Image.fromarray(np.rint(255 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8))


def moved(image: Image.Image, right: float, down: float, zoom: float, seed: int) -> Image.Image:
    """Take the picture anew from a place near by, with other noise: shares of its size, which it keeps."""
    margin = 0.06 + zoom
    part = cropped(image, margin + right, margin + down, margin - right, margin - down)
    pixels = np.asarray(part.resize(image.size, Image.Resampling.BICUBIC), dtype=np.float64)
    noisy = pixels + 2.5 * np.random.default_rng(seed).standard_normal(pixels.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def cut_out(image: Image.Image) -> Image.Image:
    """Make all but an ellipse transparent."""
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse((0.1 * image.width, 0.1 * image.height, 0.9 * image.width, 0.9 * image.height), 255)
    made = image.copy()
    made.putalpha(mask)
    return made


def flattened(image: Image.Image) -> Image.Image:
    made = Image.new("RGB", image.size, "white")
    made.paste(image, mask=image.getchannel("A"))
    return made
