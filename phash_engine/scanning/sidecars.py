"""Companions: the files of one shot beside the photo that stands for it.

Files of one folder and one stem, whatever the case of their extensions, belong together: camera RAW beside its JPEG or
HEIC, the ``.mov`` of a live photo, ``.xmp`` and ``.aae`` with what was done to a picture. The photo that stands for
them is the first of: HEIC, JPEG, camera RAW, any other picture; of equals, by name. Every other picture, and each RAW
where no JPEG or HEIC stands for it, stays a photo of its own.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Container

from phash_engine.images import formats

_SIDECARS = frozenset({".xmp", ".aae"})
_LIVE = ".mov"
_RANKS = {"HEIF": 0, "JPEG": 1, "RAW": 2}
_OTHER_PICTURE = 3
_NO_PICTURE = 4


def pair(paths: Collection[str], no_photos: Container[str] = ()) -> dict[str, str]:
    """Return the path of the photo by that of each of its companions.

    Parameters
    ----------
    paths
        Files of any folders and of any kind; what they are is told by their names.
    no_photos
        Those of them that cannot stand for others, such as damaged ones.
    """
    # Most collections are large and have few companions: only their shots are looked at.
    shots: dict[str, list[str]] = {_stem(path): [] for path in paths if _may_follow(path)}
    if not shots:
        return {}
    met = set(paths)
    for path in paths:
        if (stem := _stem(path)) in shots:
            shots[stem].append(path)
    found: dict[str, str] = {}
    for stem, members in shots.items():
        # Some editors keep the whole name: the photo of IMG_1.JPG.xmp is its stem.
        pictures = [path for path in (*members, stem) if path in met and _rank(path) < _NO_PICTURE]
        photos = sorted((_rank(path), path) for path in pictures if path not in no_photos)
        if photos:
            _, photo = photos[0]
            found |= {path: photo for path in members if path != photo and _follows(path, photo)}
    return {path: found.get(photo, photo) for path, photo in found.items()}


def _stem(path: str) -> str:
    return os.path.splitext(path)[0]


def _may_follow(path: str) -> bool:
    extension = os.path.splitext(path)[1].lower()
    return extension == _LIVE or extension in _SIDECARS or formats.is_raw_name(path)


def _rank(path: str) -> int:
    """Return how early a file stands for its shot."""
    return min((_RANKS.get(kind, _OTHER_PICTURE) for kind in formats.formats_of_name(path)), default=_NO_PICTURE)


def _follows(path: str, photo: str) -> bool:
    """Whether a file of the shot that a photo stands for is its companion."""
    is_sidecar = os.path.splitext(path)[1].lower() in _SIDECARS
    return is_sidecar or (_may_follow(path) and _rank(photo) <= _RANKS["JPEG"])
