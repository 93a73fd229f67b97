"""Fields of photos to select and sort by: size in pixels, capture time, sharpness and others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from phash_engine.catalogue import Photo, Store
from phash_engine.images import Traits

DIAGONAL: Final = 17.6
"""Inches of a screen that a picture fills, for ``ppi``."""

Value: TypeAlias = float | datetime | str | None
"""A number, a local time or the name of a format; None where it is not known."""

_EPOCH: Final = datetime(1970, 1, 1)
_BYTES: Final = {
    unit: factor**power
    for power, (decimal, binary) in enumerate((("kB", "KiB"), ("MB", "MiB"), ("GB", "GiB")), 1)
    for unit, factor in ((decimal, 1000), (binary, 1024))
}


class Field(NamedTuple):
    """A field: its kind (``float``, ``datetime``, ``str``), the units its values may have by factor, and its value."""

    kind: type
    units: Mapping[str, float]
    value: Callable[[Photo, Traits], Value]


FIELDS: Final = {
    "pixels": Field(float, {"kP": 1e3, "MP": 1e6}, lambda photo, _: photo.width * photo.height or None),
    "width": Field(float, {}, lambda photo, _: photo.width or None),
    "height": Field(float, {}, lambda photo, _: photo.height or None),
    "aspect": Field(float, {}, lambda photo, _: photo.width / photo.height if photo.height else None),
    "ppi": Field(float, {}, lambda photo, _: math.hypot(photo.width, photo.height) or None),  # for one inch
    "size": Field(float, {"B": 1, **_BYTES}, lambda photo, _: photo.size if photo.digest else None),
    "format": Field(str, {}, lambda photo, _: photo.format.lower() or None),
    "modified": Field(datetime, {}, lambda photo, _: _local(photo.mtime_ns) if photo.digest else None),
    "taken": Field(datetime, {}, lambda _, traits: _moment(traits.taken_us)),
    "entropy": Field(float, {}, lambda _, traits: traits.entropy),
    "gradient": Field(float, {}, lambda _, traits: traits.sharpness),
}
"""By name: width x height; the sides; width over height; pixels per inch; bytes; format; when the file was changed;
capture time by EXIF; entropy of the luma in bits; mean gradient in luma steps per 512th of the longer side."""
_OF_TRAITS: Final = frozenset({"taken", "entropy", "gradient"})


def values(
    photos: Sequence[Photo], names: Iterable[str], store: Store | None = None, *, diagonal: float = DIAGONAL
) -> list[dict[str, Value]]:
    """Return the fields of each photo by name.

    Takes some microseconds a photo: no file is opened. ``store`` is their catalogue, which has what the scan read of
    the files: without it capture time, entropy and gradient are unknown.
    """
    of_photos = {name: FIELDS[name].value for name in names}
    contents = [photo.content_id for photo in photos]
    traits = store.traits.of(contents) if store and not of_photos.keys().isdisjoint(_OF_TRAITS) else {}
    rows = [
        {name: value(photo, traits.get(photo.content_id, Traits())) for name, value in of_photos.items()}
        for photo in photos
    ]
    for row in rows:
        if isinstance(hypotenuse := row.get("ppi"), float):
            row["ppi"] = hypotenuse / diagonal
    return rows


def _local(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9)


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)
