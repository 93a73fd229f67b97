"""Pictures with little or nothing in them that tells them apart: any number of each class.

The classes are those people's collections have: lens caps, scanned backs of photos, gradients, letters, forms.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]

SIZE = (400, 300)
A4 = (420, 594)
WORDS = """
    the of and a to in he have it that for they with as not on she at by this we you do but from or which one
    would all will there say who make when can more if no man out other so what time up go about than into could state
    only new year some take come these know see use get like then first any work now may such give over think most
    """.split()


def pictures(kind: str, count: int) -> list[Picture]:
    """Return different pictures of one class of :data:`CLASSES`, the same ones every time."""
    rng = np.random.default_rng(list(kind.encode()))
    return [CLASSES[kind](rng) for _ in range(count)]


def _solid(rng: np.random.Generator) -> Picture:
    return _plane(np.full(SIZE[::-1], rng.uniform(0, 255)))


def _solid_noise(rng: np.random.Generator) -> Picture:
    return _plane(rng.uniform(0, 255) + rng.normal(0, 2, SIZE[::-1]))


def _black_frame(rng: np.random.Generator) -> Picture:
    return _plane(rng.normal(0, 3, SIZE[::-1]))


def _noise(rng: np.random.Generator) -> Picture:
    return _plane(rng.uniform(60, 200) + rng.normal(0, rng.uniform(10, 60), SIZE[::-1]))


def _gradient(rng: np.random.Generator) -> Picture:
    """A ramp in any direction over 8 to 255 steps."""
    angle, amplitude = rng.uniform(0, 2 * np.pi), rng.uniform(8, 255)
    ramp = np.cos(angle) * _axis(1) + np.sin(angle) * _axis(0)
    ramp = (ramp - ramp.min()) / np.ptp(ramp)
    return _plane(rng.uniform(0, 255 - amplitude) + amplitude * ramp)


def _text_page(rng: np.random.Generator) -> Picture:
    """A printed page: paragraphs of other words and lengths in one size of type."""
    image, font = Image.new("L", A4, 255), ImageFont.load_default(10)
    draw, top = ImageDraw.Draw(image), 40
    while top < 550:
        for _ in range(int(rng.integers(2, 9))):
            draw.text((45, top), " ".join(rng.choice(WORDS, 14))[: int(rng.integers(50, 75))], 20, font)
            top += 14
        top += 12
    return np.asarray(image)


def _form(rng: np.random.Generator) -> Picture:
    """One printed form: boxes and labels are the same, the numbers are other ones."""
    image, font = Image.new("L", A4, 255), ImageFont.load_default(10)
    draw = ImageDraw.Draw(image)
    draw.text((45, 30), "CLAIM FOR TRAVEL EXPENSES", 0, ImageFont.load_default(16))
    for row, top in enumerate(range(80, 540, 40)):
        draw.text((45, top), WORDS[row].upper() + " " + WORDS[-row].upper(), 20, font)
        draw.rectangle((180, top - 6, 380, top + 18), outline=0)
        draw.text((190, top), str(rng.integers(10**5, 10**9)), 40, font)
    return np.asarray(image)


def _blank_scan(rng: np.random.Generator) -> Picture:
    """An empty sheet under the lid of a scanner: paper grain, a faint shadow along one edge, a few specks."""
    width, height = A4
    sheet = rng.uniform(228, 252) + rng.normal(0, 2, (height, width))
    edge = np.linspace(0, 1, width) if rng.random() < 0.5 else np.linspace(0, 1, height)[:, np.newaxis]
    sheet = sheet - rng.uniform(3, 20) * np.exp(-(edge if rng.random() < 0.5 else 1 - edge) / rng.uniform(0.01, 0.1))
    for _ in range(int(rng.integers(0, 6))):
        y, x = int(rng.integers(0, height - 3)), int(rng.integers(0, width - 3))
        sheet[y : y + 3, x : x + 3] = rng.uniform(60, 180)
    return _plane(sheet)


def _sky(rng: np.random.Generator) -> Picture:
    """A crop of sky or wall: a gradient, faint clouds and grain."""
    clouds = Image.fromarray(rng.normal(0, 1, (4, 5)).astype(np.float32)).resize(SIZE, Image.Resampling.BICUBIC)
    ramp = _axis(0) * rng.uniform(-30, 30) + _axis(1) * rng.uniform(-10, 10)
    return _plane(rng.uniform(80, 200) + ramp + rng.uniform(0, 6) * np.asarray(clouds) + rng.normal(0, 3, SIZE[::-1]))


def _vignette(rng: np.random.Generator) -> Picture:
    """An evenly lit wall, darker towards the corners."""
    across, down = _axis(1) - rng.uniform(-0.1, 0.1), _axis(0) - rng.uniform(-0.1, 0.1)
    shade = 1 - rng.uniform(0.05, 0.8) * (across**2 + down**2)
    return _plane(rng.uniform(80, 250) * shade + rng.normal(0, 2, SIZE[::-1]))


def _axis(axis: int) -> NDArray[np.float64]:
    centres: NDArray[np.float64] = (np.indices(SIZE[::-1])[axis] + 0.5) / SIZE[::-1][axis] - 0.5
    return centres


def _plane(values: NDArray[np.float64]) -> Picture:
    plane: Picture = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return plane


CLASSES: dict[str, Callable[[np.random.Generator], Picture]] = {
    "solid": _solid,
    "solid noise": _solid_noise,
    "black frame": _black_frame,
    "noise": _noise,
    "gradient": _gradient,
    "blank scan": _blank_scan,
    "sky": _sky,
    "vignette": _vignette,
    "text page": _text_page,
    "form": _form,
}
