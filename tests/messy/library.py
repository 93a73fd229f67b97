"""The library under way: scenes of real photos, files with their truth, and the fate of each file."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeAlias

from PIL import Image

from tests.messy import camera_files, edits

START = datetime(2023, 1, 1, 9)


class Fate(StrEnum):
    """What a default plan may do with a file.

    DUPLICATE: it is grouped with its original, in the plan or under review. REVIEW: grouped, and not in the plan. KEEP:
    not in the plan. EITHER: anything, as long as its original stays.
    """

    DUPLICATE = "duplicate"
    REVIEW = "review"
    KEEP = "keep"
    EITHER = "either"


class File(NamedTuple):
    """A file of the library: its path below the root, what it is, and the path of its original, or its own."""

    path: str
    kind: str
    what: str
    original: str
    fate: Fate


class Scene(NamedTuple):
    """A picture that no other scene resembles: the JPEG of a camera, its pixels, its number, and when it was taken."""

    data: bytes
    image: Image.Image
    number: int
    taken: datetime

    @property
    def exif(self) -> Image.Exif:
        return camera_files.exif(self.taken)

    @property
    def edited_exif(self) -> Image.Exif:
        return camera_files.exif(self.taken, edited=True)


class Library:
    """Writes files below a folder, and lists the truth about them."""

    def __init__(self, root: Path, photos: Path, seed: int = 1) -> None:
        self.root = root
        self.truth: list[File] = []
        self.random = random.Random(seed)
        paths = sorted((photos / "web").glob("*.jpg"))
        self._scenes = enumerate(self.random.sample(paths, len(paths)), 1001)

    def scene(self) -> Scene:
        """Return the next scene; it is scaled down, so that nothing is left of an earlier JPEG encoding."""
        number, path = next(self._scenes)
        with Image.open(path) as image:
            picture = edits.resized(image.convert("RGB"), 0.9)
        picture.info.clear()
        taken = START + timedelta(days=number, seconds=number * 97 % 30_000)
        data = camera_files.jpeg(picture, camera_files.exif(taken))
        return Scene(data, camera_files.opened(data), number, taken)

    def add(
        self, path: str, data: bytes, what: str, fate: Fate, original: str = "", written: datetime | None = None
    ) -> str:
        """Write a file and return its path, whose first folder is its kind; without an original it is its own."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        stamp = (written or START + timedelta(days=2000)).replace(tzinfo=UTC).timestamp()
        os.utime(target, (stamp, stamp))
        self.truth.append(File(path, path.split("/")[0], what, original or path, fate))
        return path

    def original(self, path: str, data: bytes, scene: Scene) -> str:
        return self.add(path, data, "original", Fate.KEEP, written=scene.taken)


Maker: TypeAlias = Callable[[Library, int], None]
