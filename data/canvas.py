"""A canvas for small synthetic photos: textured shapes, light, reflections and film grain."""

import zlib
from collections.abc import Callable, Sequence
from functools import wraps

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFilter

Floats = NDArray[np.float64]
Point = tuple[float, float]


def plane(corners: Sequence[Point]) -> Callable[[float, float], Point]:
    """Map the unit square to four corners in perspective: top left, top right, bottom right, bottom left."""
    rows: list[list[float]] = []
    for (u, v), (x, y) in zip([(0, 0), (1, 0), (1, 1), (0, 1)], corners, strict=True):
        rows += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
    a, b, c, d, e, f, g, h = np.linalg.solve(np.array(rows), np.ravel(corners)).tolist()

    def at(u: float, v: float) -> Point:
        depth = g * u + h * v + 1
        return (a * u + b * v + c) / depth, (d * u + e * v + f) / depth

    return at


class Canvas:
    """A picture painted at twice its final size, for smooth edges.

    Positions are fractions of the width and height, (0, 0) at the top left. Radii and line widths are fractions of the
    shorter side. Shapes run from `colour` at their top to `to` at their bottom; `rough` is the strength of the texture.
    """

    def __init__(self, width: int, height: int, seed: int) -> None:
        self.image = Image.new("RGB", (2 * width, 2 * height))
        self.width, self.height = self.image.size
        self.unit = min(self.image.size)
        self.rng = np.random.default_rng(seed)

    def polygon(self, points: Sequence[Point], colour: str, to: str = "", rough: float = 0.15) -> None:
        """Fill the outline through `points`."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon(self._pixels(points), fill=255)
        self._paint(mask, colour, to or colour, rough)

    def line(self, points: Sequence[Point], width: float, colour: str) -> None:
        """Draw a stroke through `points`."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).line(self._pixels(points), 255, round(width * self.unit), joint="curve")
        self._paint(mask, colour, colour, 0.1)

    def box(
        self, left: float, top: float, right: float, bottom: float, colour: str, to: str = "", rough: float = 0.15
    ) -> None:
        """Fill an upright rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour, to, rough)

    def disc(self, x: float, y: float, radius: float, colour: str, to: str = "", squash: float = 1.0) -> None:
        """Fill a circle, or an ellipse `squash` times as high as wide."""
        self.polygon(self.arc(x, y, radius, squash=squash), colour, to)

    def arc(
        self, x: float, y: float, radius: float, start: float = 0, stop: float = 360, squash: float = 1.0
    ) -> list[Point]:
        """Return the points on a circle between two angles, in degrees clockwise from the right."""
        angles = np.radians(np.linspace(start, stop, 61))
        across, down = radius * self.unit / self.width, squash * radius * self.unit / self.height
        return [(x + across * float(np.cos(t)), y + down * float(np.sin(t))) for t in angles]

    def ring(self, x: float, y: float, radius: float, width: float, colour: str, squash: float = 1.0) -> None:
        """Draw a circle's or an ellipse's outline."""
        self.line(self.arc(x, y, radius, squash=squash), width, colour)

    def ridge(self, left: float, right: float, rise: float, colour: str, to: str = "", cells: int = 5) -> None:
        """Fill the ground below a hilly line which starts at height `left` and ends at `right`."""
        line = np.linspace(left, right, 160) - rise * self.noise((160, 1), (cells, 1))[0]
        points = list(zip(np.linspace(0, 1, 160).tolist(), line.tolist(), strict=True))
        self.polygon([(0, 1), *points, (1, 1)], colour, to, 0.25)

    def clump(self, x: float, y: float, spread: Point, size: float, colours: Sequence[str], count: int) -> None:
        """Scatter discs of several colours round a point: foliage, cloud, flowers, pebbles."""
        for dx, dy in self.rng.uniform(-1, 1, (count, 2)).tolist():
            colour = colours[int(self.rng.integers(len(colours)))]
            radius = size * float(self.rng.uniform(0.6, 1.2))
            self.disc(x + spread[0] * dx * (1 - dy * dy / 2), y + spread[1] * dy, radius, colour)

    def glow(self, x: float, y: float, radius: float, colour: str, strength: float = 0.8) -> None:
        """Add light round a point, or a dark haze where `strength` is negative."""
        across = (np.arange(self.width) / self.width - x) * self.width / (radius * self.unit)
        down = (np.arange(self.height) / self.height - y) * self.height / (radius * self.unit)
        light = strength * np.exp(-(down[:, None] ** 2) - across**2)
        self._replace(np.asarray(self.image) + light[..., None] * np.array(ImageColor.getrgb(colour)))

    def blur(self, radius: float) -> None:
        """Blur all that is painted so far."""
        self.image = self.image.filter(ImageFilter.GaussianBlur(radius * self.unit))

    def reflect(self, y: float, tint: str, strength: float = 0.6) -> None:
        """Mirror what is above the height `y` in the water below, with ripples."""
        shore, depth = round(y * self.height), self.height - round(y * self.height)
        rows = shore - 1 - np.arange(depth) * shore // max(shore, depth)
        shifts = self.rng.normal(0, 1, depth) * np.linspace(2, 14, depth)
        pixels = np.asarray(self.image).astype(np.float64)
        for i, (row, shift) in enumerate(zip(rows.tolist(), shifts.astype(int).tolist(), strict=True)):
            pixels[shore + i] = strength * np.roll(pixels[row], shift, axis=0)
        pixels[shore:] += (1 - strength) * np.array(ImageColor.getrgb(tint))
        pixels[shore:] *= 1 + 0.2 * self.noise((self.width, depth), (3, 24))[..., None]
        self._replace(pixels)

    def noise(self, size: tuple[int, int], cells: tuple[int, int]) -> Floats:
        """Return smooth noise of about -1..1, shape (height, width): random grids enlarged, the finer ones weaker."""
        total = np.zeros(size[::-1])
        for octave in range(4):
            grid = self.rng.uniform(-1, 1, (cells[1] * 2**octave + 1, cells[0] * 2**octave + 1))
            enlarged = Image.fromarray(grid.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
            total += np.asarray(enlarged) * 0.55**octave
        return total

    def developed(self) -> Image.Image:
        """Return the finished picture with uneven light and film grain, but for pure white and black."""
        small = self.image.resize((self.width // 2, self.height // 2), Image.Resampling.BOX)
        tone = np.asarray(small) / 255.0
        light = 0.16 * self.noise(small.size, (3, 3)) + self.rng.normal(0, 0.035, tone.shape[:2])
        tone += 4 * tone * (1 - tone) * light[..., None] * 0.6
        return Image.fromarray((255 * tone.clip(0, 1)).round().astype(np.uint8))

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.width, y * self.height) for x, y in points]

    def _paint(self, mask: Image.Image, colour: str, to: str, rough: float) -> None:
        """Fill `mask` with a vertical gradient of two colours and a texture."""
        box = mask.getbbox()
        if box is None:
            return
        size = (box[2] - box[0], box[3] - box[1])
        ramp = np.linspace(0, 1, size[1])[:, None, None]
        paint = (1 - ramp) * np.array(ImageColor.getrgb(colour)) + ramp * np.array(ImageColor.getrgb(to))
        paint = paint * (1 + rough * self.noise(size, (4, 4))[..., None])
        layer = Image.fromarray(paint.clip(0, 255).round().astype(np.uint8))
        self.image.paste(layer, box[:2], mask.crop(box))

    def _replace(self, pixels: Floats) -> None:
        self.image = Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))


def scene(width: int, height: int) -> Callable[[Callable[[Canvas], None]], Callable[[], Image.Image]]:
    """Turn a function that paints on a canvas into one that returns a picture of this size, always the same pixels."""

    def decorate(paint: Callable[[Canvas], None]) -> Callable[[], Image.Image]:
        @wraps(paint)
        def draw() -> Image.Image:
            canvas = Canvas(width, height, zlib.crc32(paint.__name__.encode()))
            paint(canvas)
            return canvas.developed()

        return draw

    return decorate
