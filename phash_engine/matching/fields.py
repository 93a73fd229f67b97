"""Fields of photos to select and sort by: size in pixels, capture time, sharpness and others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from phash_engine import images
from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue import Photo
from phash_engine.errors import ImageError
from phash_engine.hashing import quality
from phash_engine.hashing.block import LUMA_STEPS
from phash_engine.matching.verification.alignment import LUMA

DIAGONAL: Final = 17.6
"""Inches of a screen that a picture fills, for ``ppi``."""

Value: TypeAlias = float | datetime | str | None
"""A number, a local time or the name of a format; None where it is not known."""

_LONGER_SIDE = 512
_BYTES: Final = {
    unit: factor**power
    for power, (decimal, binary) in enumerate((("kB", "KiB"), ("MB", "MiB"), ("GB", "GiB")), 1)
    for unit, factor in ((decimal, 1000), (binary, 1024))
}


class Field(NamedTuple):
    """A field: the units its values may have, by factor, and how it is known of a photo.

    Attributes
    ----------
    kind
        ``float``, ``datetime`` or ``str``.
    of_photo
        Returns the value that the catalogue holds; None for fields of the file itself.
    """

    kind: type
    units: Mapping[str, float]
    of_photo: Callable[[Photo], Value] | None


FIELDS: Final = {
    "pixels": Field(float, {"kP": 1e3, "MP": 1e6}, lambda photo: photo.width * photo.height or None),
    "width": Field(float, {}, lambda photo: photo.width or None),
    "height": Field(float, {}, lambda photo: photo.height or None),
    "aspect": Field(float, {}, lambda photo: photo.width / photo.height if photo.height else None),
    "ppi": Field(float, {}, lambda photo: math.hypot(photo.width, photo.height) or None),  # for one inch
    "size": Field(float, {"B": 1, **_BYTES}, lambda photo: photo.size if photo.digest else None),
    "format": Field(str, {}, lambda photo: photo.format.lower() or None),
    "modified": Field(datetime, {}, lambda photo: _local(photo.mtime_ns) if photo.digest else None),
    "taken": Field(datetime, {}, None),
    "entropy": Field(float, {}, None),
    "gradient": Field(float, {}, None),
}
"""By name: width x height; the sides; width over height; pixels per inch; bytes; format; when the file was changed;
capture time by EXIF; entropy of the luma in bits; mean gradient in luma steps per 512th of the longer side. For the
last three the file is read."""


def values(photos: Sequence[Photo], names: Iterable[str], *, diagonal: float = DIAGONAL) -> list[dict[str, Value]]:
    """Return the fields of each photo by name.

    Takes some microseconds a photo; with ``taken`` the time to open a file, with ``entropy`` or ``gradient`` that to
    decode it at 512 pixels, on all cores.
    """
    stored = {name: of_photo for name in names if (of_photo := FIELDS[name].of_photo)}
    read = [name for name in names if name not in stored]
    rows = [{name: of_photo(photo) for name, of_photo in stored.items()} for photo in photos]
    for row in rows:
        if isinstance(hypotenuse := row.get("ppi"), float):
            row["ppi"] = hypotenuse / diagonal
    if read:
        of_files = in_threads(lambda photo: _of_file(photo.path, read), photos, available_threads())
        rows = [row | of_file for row, of_file in zip(rows, of_files, strict=True)]
    return rows


def _of_file(path: str, names: Sequence[str]) -> dict[str, Value]:
    found: dict[str, Value] = dict.fromkeys(names)
    try:
        if "taken" in found:
            found["taken"] = images.read_traits(path).taken
        if "entropy" in found or "gradient" in found:
            found |= {name: value for name, value in _of_pixels(path).items() if name in found}
    except ImageError:
        pass
    return found


def _of_pixels(path: str) -> dict[str, float]:
    luma = images.read_pixels(path, _LONGER_SIDE) @ LUMA
    steps = np.rint(luma * LUMA_STEPS).astype(np.uint16)
    return {"entropy": quality.entropy(steps), "gradient": quality.mean_gradient(luma)}


def _local(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9)
