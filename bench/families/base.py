"""What a transform is, and how pixels go in and out of arrays."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Random = np.random.Generator
Make = Callable[..., "Image.Image | bytes"]

QUALITY = 90
"""Of the JPEG that a changed picture is saved as, unless the format is what changes."""


class Transform(NamedTuple):
    """A method to make a copy of a picture.

    Attributes
    ----------
    family, strength
        Together its name, which seeds its random choices.
    make
        Called with the picture in RGB, a random generator, and the guests; gives a picture or a file's bytes.
    guests
        How many other pictures get into the copy.
    """

    family: str
    strength: str
    make: Make
    guests: int = 0

    @property
    def name(self) -> str:
        """Family and strength."""
        return f"{self.family} {self.strength}"


def family(name: str, strengths: dict[str, Make], guests: int = 0) -> tuple[Transform, ...]:
    """Return the transforms of one family by strength."""
    return tuple(Transform(name, strength, make, guests) for strength, make in strengths.items())


def on_pixels(change: Callable[[Pixels], NDArray[Any]]) -> Make:
    """Make a transform of a function from RGB ``(h, w, 3)`` to numbers of that shape, or grey ones ``(h, w)``."""
    return lambda image, _: from_pixels(change(np.asarray(image)))


def plainly(change: Callable[[Image.Image], Image.Image]) -> Make:
    """Make a transform of a function that takes no chances."""
    return lambda image, _: change(image)


def from_pixels(values: NDArray[Any]) -> Image.Image:
    """Return the picture of numbers, rounded and cut off at 0 and 255."""
    pixels: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).convert("RGB")


def saved(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Return the file of a picture."""
    file = io.BytesIO()
    image.save(file, kind, **({"quality": QUALITY} | options if kind == "JPEG" else options))
    return file.getvalue()


def cv2() -> Any:
    """Return OpenCV, which runs one thread: whole pictures are shared out among threads."""
    try:
        module: Any = import_module("cv2")
    except ImportError:
        raise SystemExit("copies need OpenCV: pip install '.[bench]'") from None
    module.setNumThreads(1)
    return module
