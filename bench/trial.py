"""Originals and their copies, made and described in threads; nothing is stored on disk."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from bench import families
from bench.families.base import Transform, saved
from phash_engine import _files, images
from phash_engine._threads import available_threads
from phash_engine.errors import ImageError
from phash_engine.images import formats
from phash_engine.scanning import walk

_LONGEST_SIDE = 1024
_STUDIO = 480, 640
Extractor = Callable[[bytes, Image.Image], NDArray[Any]]
"""Describes a picture by its file, or by its pixels in RGB, as seen upright."""
Features = dict[str, NDArray[Any]]


class Original(NamedTuple):
    """A picture of the gallery. ``name`` seeds its copies; in the studio it lies as an object before one floor."""

    name: str
    path: Path
    studio: bool = False

    def image(self) -> Image.Image:
        """Return it as seen upright, in RGB, at most 1024 pixels long."""
        image = Image.fromarray(images.read_pixels(self.path, _LONGEST_SIDE))
        return _in_studio(image) if self.studio else image

    def file(self) -> bytes:
        """Return the file that is in the gallery."""
        return saved(self.image()) if self.studio else self.path.read_bytes()


class Copy(NamedTuple):
    """A copy of an original: rows of the original and of the guests among the originals."""

    original: int
    transform: Transform
    guests: tuple[int, ...]


@dataclass(frozen=True)
class Trial:
    """The pictures that every descriptor is measured on.

    Attributes
    ----------
    originals, copies
        The gallery, ``g`` pictures, and the queries, ``c`` copies of them.
    gallery, queries
        By extractor, features of ``(g, ...)`` and ``(c, ...)``.
    """

    originals: Sequence[Original]
    copies: Sequence[Copy]
    gallery: Features
    queries: Features

    @cached_property
    def sources(self) -> NDArray[np.int64]:
        """Row of the original of each copy."""
        return np.array([copy.original for copy in self.copies], dtype=np.int64)

    @cached_property
    def impostors(self) -> NDArray[np.bool_]:
        """Whether copy and original show nothing of one another, bool ``(c, g)``; guests are neither true nor false."""
        unrelated = np.ones((len(self.copies), len(self.originals)), dtype=np.bool_)
        unrelated[np.arange(len(self.copies)), self.sources] = False
        for row, copy in enumerate(self.copies):
            unrelated[row, list(copy.guests)] = False
        return unrelated

    @cached_property
    def families(self) -> NDArray[np.str_]:
        """Family of each copy."""
        return np.array([copy.transform.family for copy in self.copies])

    def copy_file(self, row: int) -> bytes:
        """Make a copy again, to verify it."""
        return _make(self.originals, self.copies[row], self.originals[self.copies[row].original].image())


def originals(folders: Sequence[Path], most: int, studio: float) -> list[Original]:
    """Return the pictures of folders in the order of their names, equal files once; say which cannot be read.

    A share of them is laid on one floor in the studio.
    """
    found: dict[str, Original] = {}
    for folder in map(_files.absolute, folders):
        for file in walk.walk(folder).files:
            if formats.is_image(file.path):
                name = Path(file.path).relative_to(folder).as_posix()
                picture = Original(name, Path(file.path), families.is_chosen(name, "studio", studio))
                found.setdefault(hashlib.sha256(picture.path.read_bytes()).hexdigest(), picture)
    with ThreadPoolExecutor(available_threads()) as threads:
        errors = list(threads.map(_error, found.values()))
    print("".join(f"left out: {error}\n" for error in errors if error), end="", file=sys.stderr)
    return [picture for picture, error in zip(found.values(), errors, strict=True) if not error][:most]


def run(pictures: Sequence[Original], share: float, extractors: Mapping[str, Extractor]) -> Trial:
    """Make a share of all copies of all pictures and describe them."""

    def describe(row: int) -> tuple[list[Copy], list[Features]]:
        name, image = pictures[row].name, pictures[row].image()
        copies = [
            Copy(row, transform, families.guests_of(name, transform, row, len(pictures)))
            for transform in families.TRANSFORMS
            if families.is_chosen(name, transform.name, share)
        ]
        files = [pictures[row].file(), *(_make(pictures, copy, image) for copy in copies)]
        return copies, [features(file, extractors) for file in files]

    with ThreadPoolExecutor(available_threads()) as threads:
        described = list(threads.map(describe, range(len(pictures))))
    return Trial(
        pictures,
        [copy for copies, _ in described for copy in copies],
        _stacked([found[0] for _, found in described]),
        _stacked([one for _, found in described for one in found[1:]]),
    )


def features(file: bytes, extractors: Mapping[str, Extractor]) -> Features:
    """Describe a file, which is decoded once for all that take pixels."""
    image = Image.fromarray(images.read_pixels(file, sys.maxsize))
    return {name: extractor(file, image) for name, extractor in extractors.items()}


def _error(picture: Original) -> ImageError | None:
    try:
        picture.image()
    except ImageError as error:
        return error
    return None


def _make(pictures: Sequence[Original], copy: Copy, image: Image.Image) -> bytes:
    guests = [pictures[guest].image() for guest in copy.guests]
    return families.make(pictures[copy.original].name, image, copy.transform, guests)


def _stacked(rows: Sequence[Features]) -> Features:
    return {name: np.stack([row[name] for row in rows]) for name in (rows[0] if rows else {})}


def _in_studio(image: Image.Image) -> Image.Image:
    """Cut the middle out as an oval object and lay it on a lit floor, the same for all: photos become look-alikes."""
    width, height = _STUDIO
    ramp = np.linspace(235, 175, height)[:, np.newaxis, np.newaxis] * np.array([1, 0.97, 0.92])
    floor = Image.fromarray(np.broadcast_to(ramp, (height, width, 3)).astype(np.uint8))
    size = round(0.7 * width), round(0.6 * height)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse((0, 0, size[0] - 1, size[1] - 1), 255)
    corner = (width - size[0]) // 2, round(0.22 * height)
    floor.paste(ImageOps.fit(image, size), corner, mask)
    return floor
